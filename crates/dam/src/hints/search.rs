//! Advice on searches.

use dam_core::ops::search::SearchFault;

use super::Advice;
use crate::error::Hint;

/// Advises on what is wrong with a search.
pub(super) fn advise(fault: &SearchFault) -> Advice {
    match fault {
        SearchFault::Mask(_) => Advice::with("bad-name", [Hint::command("dam search mongo")]),
        SearchFault::HubNeedsWord | SearchFault::HubWord(_) => {
            Advice::with("needs-word", [Hint::command("dam search mongo")])
        }
        SearchFault::NoCatalog { repo, .. } => {
            Advice::with("no-catalog", [Hint::command(format!("dam search NAME --repo {repo}"))])
        }
        SearchFault::Endless { .. } => Advice::new("registry"),
    }
}
