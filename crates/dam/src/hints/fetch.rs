//! Advice on images that are to come from registries.

use dam_core::repo::{Absent, Unfetched};
use dam_oci::Reference;

use super::Advice;
use crate::error::Hint;

/// Advises on an image that its registry did not give.
pub(super) fn unfetched(unfetched: &Unfetched) -> Advice {
    let mut advice = super::advise(&unfetched.source);
    match unfetched.local {
        Some(_) => advice.hints.push(offline()),
        None => advice.hints.push(from_file(&unfetched.reference)),
    }
    advice
}

/// Advises on an image that its repo does not have.
pub(super) fn absent(absent: &Absent) -> Advice {
    let repository = absent.reference.repository();
    let name = repository.rsplit('/').next().unwrap_or_default();
    let mut advice =
        Advice::with("no-image", [Hint::Command(format!("dam search {name} --all-repos"), "lists what there is")]);
    let any = Hint::Again { before: "", after: "--any-repo", note: "asks the other repos, too" };
    advice.hints.extend(absent.others.then_some(any));
    advice.hints.extend(absent.local.as_ref().map(|_| offline()));
    advice
}

/// Advises on an image of a registry, where none is asked.
pub(super) fn offline_wanted() -> Advice {
    Advice::with("offline", [Hint::Advice("unset DAM_OFFLINE, and take `offline` out of dam's settings".into())])
}

/// Advises on an image that is not there, and may be brought in a file.
pub(super) fn from_file(reference: &Reference) -> Hint {
    let name = reference.repository().rsplit('/').next().unwrap_or_default();
    Hint::Command(format!("dam install ./{name}.dam"), "installs from a file")
}

fn offline() -> Hint {
    Hint::Again { before: "", after: "--offline", note: "takes the image that is in the store" }
}
