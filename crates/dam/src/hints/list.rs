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
        ListFault::Binary { .. } | ListFault::Large { .. } => Advice::with("bad-list", form()),
    }
}
