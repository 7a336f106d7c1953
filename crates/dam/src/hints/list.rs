//! Advice on product lists.

use dam_core::product::ListFault;

use super::Advice;
use crate::error::Hint;

/// Advises on what is wrong with a product list.
pub(super) fn advise(fault: &ListFault) -> Advice {
    let form = || [Hint::Advice("write one app a line, as name:version; comments begin with #".into())];
    match fault {
        ListFault::Lines { faults, more, .. } => {
            let mut causes: Vec<String> = faults.iter().map(ToString::to_string).collect();
            causes.extend((*more > 0).then(|| format!("and {more} more lines")));
            Advice { causes, ..Advice::with("bad-list", form()) }
        }
        ListFault::Missing { apps, .. } => {
            let causes = apps.iter().map(ToString::to_string).collect();
            let several = apps.iter().any(|app| !app.found.is_empty());
            let advice = match several {
                true => "write the registry before the name where the store has several: server/name:version",
                false => "create, pull or load them, or take their lines out of the list",
            };
            Advice { causes, ..Advice::with("not-there", [Hint::Advice(advice.into())]) }
        }
        ListFault::Binary { .. } | ListFault::Large { .. } => Advice::with("bad-list", form()),
    }
}
