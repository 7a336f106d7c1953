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
        ExportFault::Missing { apps, .. } => {
            let causes = apps.iter().map(ToString::to_string).collect();
            let several = apps.iter().any(|app| !app.found.is_empty());
            let advice = match several {
                true => "write the registry before the name where the store has several: server/name:version",
                false => "create, pull or load them, or take their lines out of the list",
            };
            Advice { causes, ..Advice::with("not-there", [Hint::Advice(advice.into())]) }
        }
    }
}
