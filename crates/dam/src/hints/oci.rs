//! Advice on images, layouts and archives.

use dam_oci::Error;

use super::{Advice, access, registry};
use crate::error::Hint;

pub(super) fn advise(error: &Error) -> Advice {
    match error {
        Error::Access { path, source } => access(path, source),
        Error::Archive { fault, .. } if fault.is_about_parts() => {
            let advice = "put all parts, whole, into one folder, and name the first one";
            Advice::with("incomplete", [Hint::Advice(advice.into())])
        }
        Error::Blob(_) | Error::Damaged { .. } | Error::Archive { .. } | Error::Json { .. } => {
            Advice::with("damaged", [Hint::Advice("copy the file again from where it came".into())])
        }
        Error::MissingBlob { .. } => {
            Advice::with("damaged", [Hint::Command("dam verify".into(), "lists every fault of the store")])
        }
        Error::PassedBlob { .. } => Advice::with(
            "passed-blob",
            [Hint::Advice("save what comes through the pipe to a file, and name that".into())],
        ),
        Error::Lost { .. } => Advice::new("lost-source"),
        Error::Dockerfile { .. } | Error::MissingDockerfile { .. } => Advice::new("dockerfile"),
        Error::NeedsEngine { .. } => {
            Advice::with("needs-engine", [Hint::Again { before: "", after: "--store docker", note: "builds it" }])
        }
        Error::Digest(_) | Error::Reference(_) => Advice::new("bad-name"),
        Error::Stream { source, .. } => Advice { path: None, ..access("".as_ref(), source) },
        Error::Registry(fault) => registry::advise(fault),
        Error::Unsupported { .. } => Advice::new("unsupported"),
    }
}
