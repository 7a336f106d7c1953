//! Advice on bundles.

use dam_core::bundle::BundleError;

use super::Advice;
use crate::error::Hint;
use crate::invocation::quote;

/// Advises on what is wrong with a bundle.
pub(crate) fn advise(fault: &BundleError) -> Advice {
    let again = || [Hint::Advice("copy the file again from where it came from".into())];
    match fault {
        BundleError::Checksum { path, .. } | BundleError::Length { path, .. } => {
            Advice::with("bad-checksum", again()).at(path)
        }
        BundleError::FalsePromise { path, .. } => {
            let advice = "end the name in something else than eight hex digits and .dam, or leave it to dam";
            Advice::with("false-promise", [Hint::Advice(advice.into())]).at(path)
        }
        BundleError::Newer { path, .. } | BundleError::NeedsBaseline { path } => {
            Advice::with("newer-bundle", [Hint::Advice("use the dam that wrote it, or a newer one".into())]).at(path)
        }
        BundleError::Contradiction { path, .. } => Advice::with("damaged", again()).at(path),
        BundleError::NotThere { path, .. } | BundleError::NotListed { path, .. } => {
            let advice =
                "export it again, into a new file: DAM 1.x puts what an export that failed has left into the next one";
            Advice::with("incomplete-bundle", [Hint::Advice(advice.into())]).at(path)
        }
        BundleError::Packed { path, compression } => {
            let (path_text, program) =
                (path.display().to_string(), if *compression == "zstd" { "zstd" } else { "gzip" });
            let command = format!("{program} -dc {} > {}", quote(&path_text), quote(&format!("{path_text}.tar")));
            Advice::with("packed-bundle", [Hint::Command(command, "unpacks it")]).at(path)
        }
        BundleError::NoName { path, .. } => {
            Advice::with("no-name", [Hint::Advice("save it by name: `docker save NAME:VERSION`".into())]).at(path)
        }
        BundleError::NotStreamed { .. } => {
            Advice::with("not-streamed", [Hint::Advice("save it to a file, and name that".into())])
        }
        BundleError::OtherPart { path, .. } => Advice::new("other-part").at(path),
        BundleError::Twice(_) => Advice::new("twice"),
        BundleError::Irregular { path } => {
            Advice::with("irregular-output", [Hint::Advice("name a file with --output".into())]).at(path)
        }
    }
}
