//! Private copies of `/meta`, one for each run of a hook.
//!
//! `<root>/run/<random>/meta`. The folder is locked (`flock(2)`) as long as its dam lives, so that the next dam knows a
//! copy whose owner was killed from one in use. What is known of the hook stands beside `meta`, see [`super::note`].

use std::fs::{self, DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::event::{Event, Reporter, Warning};
use crate::meta::KeptCopy;
use crate::{Error, Result};

/// A private copy, taken away when dropped or, saying what could not be removed, by [`PrivateCopy::remove`].
pub(super) struct PrivateCopy {
    folder: tempfile::TempDir,
    meta: PathBuf,
    _lock: File,
}

impl PrivateCopy {
    /// Unpacks `copy` below `run`.
    pub(super) fn make(run: &Path, copy: &KeptCopy) -> Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(run).map_err(Error::access(run))?;
        // Held while the new folder is not yet locked, so nobody sweeps it.
        let all = lock(run)?;
        let folder = tempfile::Builder::new()
            .prefix("hook-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(run)
            .map_err(Error::access(run))?;
        let own = lock(folder.path())?;
        drop(all);
        let meta = copy.unpack(folder.path())?;
        Ok(Self { folder, meta, _lock: own })
    }

    /// Returns the folder that holds the copied `meta` and nothing else of the app.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the path of the copied `meta`.
    pub(super) fn meta(&self) -> &Path {
        &self.meta
    }

    /// Takes the copy away. What a hook made undeletable (files of another user) stays, with a warning.
    pub(super) fn remove(self, reporter: &dyn Reporter) {
        let path = self.folder.path().to_owned();
        if let Err(error) = self.folder.close() {
            let what = format!("the private copy `{}` could not be removed: {error}", path.display());
            reporter.event(Event::Warning(Warning::Leftover { what: &what }));
        }
    }
}

fn lock(folder: &Path) -> Result<File> {
    let file = File::open(folder).map_err(Error::access(folder))?;
    file.lock().map_err(Error::access(folder))?;
    Ok(file)
}

/// Removes the copies nobody holds a lock on, each after `end_hook` has returned that no hook runs in it any more. One
/// that cannot be removed is left for the next time: no reason to refuse a change.
pub(super) fn sweep(run: &Path, end_hook: &mut dyn FnMut(&Path) -> Result<bool>) -> Result<()> {
    if !run.exists() {
        return Ok(());
    }
    let _all = lock(run)?;
    for entry in fs::read_dir(run).map_err(Error::access(run))? {
        let path = entry.map_err(Error::access(run))?.path();
        let stale = File::open(&path).is_ok_and(|folder| folder.try_lock().is_ok());
        if stale && end_hook(&path)? {
            let _ = fs::remove_dir_all(&path);
        }
    }
    Ok(())
}
