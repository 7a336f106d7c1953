//! The ledger alone.

use std::ops::{Deref, DerefMut};
use std::path::Path;

use super::{Cancel, Lock, private};
use crate::Result;
use crate::event::Reporter;
use crate::ledger::Ledger;

/// The ledger, for a change that touches neither images nor hooks, such as that of a repo. Whoever holds it holds the
/// machine's lock; what a killed dam left half done stays as it is.
pub struct LockedLedger {
    ledger: Ledger,
    _lock: Lock,
}

impl LockedLedger {
    /// Opens the ledger of the machine whose state is in `root`: makes the folder if need be and waits for the lock.
    ///
    /// # Errors
    /// [`crate::Error::Exposed`] where other users may change the state.
    pub fn open(root: &Path, cancel: &Cancel, reporter: &dyn Reporter) -> Result<Self> {
        private::private_folder(root)?;
        private::refuse_exposed_state(root)?;
        let lock = Lock::take(root, cancel, reporter)?;
        Ok(Self { ledger: Ledger::open(root)?, _lock: lock })
    }
}

impl Deref for LockedLedger {
    type Target = Ledger;

    fn deref(&self) -> &Ledger {
        &self.ledger
    }
}

impl DerefMut for LockedLedger {
    fn deref_mut(&mut self) -> &mut Ledger {
        &mut self.ledger
    }
}
