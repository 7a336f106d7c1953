//! The machine being managed.

mod cancel;
mod interruptible;
mod lock;
mod locked_ledger;
mod private;
mod scratch;

use std::path::{Path, PathBuf};

pub use cancel::Cancel;
pub(crate) use interruptible::Interruptible;
pub use lock::Lock;
pub use locked_ledger::LockedLedger;
pub use private::private_folder;
pub use scratch::Scratch;

use crate::app::Release;
use crate::event::Reporter;
use crate::hooks::Hooks;
use crate::ledger::Ledger;
use crate::meta::Keep;
use crate::store::Store;
use crate::{Error, Result};

/// Everything a changing op needs. Whoever holds a `Host` holds the machine's lock.
pub struct Host {
    /// Where images live.
    pub store: Box<dyn Store>,
    /// Runs hooks.
    pub hooks: Box<dyn Hooks>,
    /// What is installed, and was.
    pub ledger: Ledger,
    /// The kept copies of `/meta`.
    pub keep: Keep,
    /// The wish to stop.
    pub cancel: Cancel,
    /// The folder with dam's state.
    pub root: PathBuf,
    _lock: Lock,
}

impl Host {
    /// Opens the machine whose state is in `root` for changing it: makes the folder if need be, waits for the lock, and
    /// clears away what killed dams left: hooks that still run are ended, unfinished files removed. What they had begun
    /// is not recovered yet.
    ///
    /// # Errors
    /// [`Error::Exposed`] where other users may change the state.
    pub fn open(
        root: &Path,
        store: Box<dyn Store>,
        hooks: Box<dyn Hooks>,
        cancel: Cancel,
        reporter: &dyn Reporter,
    ) -> Result<Self> {
        private_folder(root)?;
        private::refuse_exposed_state(root)?;
        let lock = Lock::take(root, &cancel, reporter)?;
        hooks.end_orphans(&cancel, reporter)?;
        scratch::sweep(root)?;
        let (ledger, keep) = (Ledger::open(root)?, Keep::open(root)?);
        keep.sweep()?;
        Ok(Self { store, hooks, ledger, keep, cancel, root: root.to_owned(), _lock: lock })
    }

    /// Refuses a release whose image is in a store of another kind: the ids and tags of one mean nothing to another.
    pub(crate) fn require_store_of(&self, release: &Release) -> Result<()> {
        let now = self.store.describe().kind;
        match &release.store {
            Some(was) if was != now => {
                Err(Error::InOtherStore { app: release.app.id.clone(), was: was.clone(), now: now.to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// Returns a folder for temporary files, on the same file system as the rest of dam's state.
    pub fn scratch(&self) -> Result<Scratch> {
        Scratch::new(&self.root)
    }
}
