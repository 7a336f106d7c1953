//! Advice on the ledger.

use dam_core::ledger::Fault;

use super::{Advice, disk_full};
use crate::error::Hint;

pub(super) fn advise(fault: &Fault) -> Advice {
    match fault {
        Fault::Newer { path, .. } => {
            Advice::with("ledger-newer", [Hint::Advice("use the dam that wrote it, or a newer one".into())]).at(path)
        }
        Fault::NotALedger { path } => Advice::new("ledger-foreign").at(path),
        Fault::Damaged { path, .. } | Fault::Orphan { path, .. } => {
            Advice::with("ledger-damaged", [Hint::Advice("put the folder back from a backup".into())]).at(path)
        }
        Fault::Busy { path, .. } => {
            Advice::with("ledger-busy", [Hint::Again { before: "", after: "", note: "" }]).at(path)
        }
        Fault::Full { path, .. } => disk_full().at(path),
        Fault::Access { path, .. } => {
            Advice::with("access", [Hint::Command("dam doctor".into(), "checks this machine")]).at(path)
        }
        // The ops call the ledger in order; anything else is theirs to mend, not the user's.
        Fault::Pending(_) | Fault::NotPending(_) | Fault::NoStep { .. } => Advice::new("ledger-order"),
    }
}
