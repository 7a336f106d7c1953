//! Advice on exports.

use dam_core::ops::export::ExportFault;

use super::Advice;
use crate::error::Hint;

/// Advises on what is wrong with an export.
pub(super) fn advise(fault: &ExportFault) -> Advice {
    match fault {
        ExportFault::Nothing => {
            Advice::with("nothing-to-export", [Hint::Command("dam list".into(), "shows what is installed")])
        }
        ExportFault::Unknown { .. } => {
            Advice::with("not-installed", [Hint::Command("dam list".into(), "shows what is installed")])
        }
    }
}
