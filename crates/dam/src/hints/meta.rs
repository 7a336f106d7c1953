//! Advice on `/meta` folders.

use dam_core::meta::MetaError;

use super::Advice;
use crate::error::Hint;

pub(super) fn advise(error: &MetaError) -> Advice {
    match error {
        MetaError::Entry { .. } | MetaError::TooMany { .. } | MetaError::TooLarge { .. } => Advice::new("bad-meta"),
        MetaError::Tar(_) => Advice::new("damaged"),
        MetaError::Gone { path } | MetaError::Changed { path, .. } => {
            Advice::with("meta-lost", [Hint::Command("dam verify".into(), "lists every fault of what is installed")])
                .at(path)
        }
    }
}
