//! Temporary files, and what killed dams left of theirs.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::private_folder;
use crate::{Error, Result};

/// A folder for temporary files, removed when dropped. It is locked while in use, so that another dam can tell it from
/// one that a killed dam left.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// Makes a folder under the state folder `root`.
    pub fn new(root: &Path) -> Result<Self> {
        let parent = parent(root);
        private_folder(&parent)?;
        // Held until the new folder has a lock of its own, so that nobody takes it for an abandoned one.
        let _all = lock(&parent)?;
        let folder = tempfile::Builder::new().prefix("dam-").tempdir_in(&parent).map_err(Error::access(&parent))?;
        Ok(Self { _lock: lock(folder.path())?, folder })
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn parent(root: &Path) -> PathBuf {
    root.join("tmp")
}

fn lock(folder: &Path) -> Result<File> {
    let locked = File::open(folder).and_then(|file| file.lock().map(|()| file));
    locked.map_err(Error::access(folder))
}

/// Removes the temporary folders that nobody holds.
pub(super) fn sweep(root: &Path) -> Result<()> {
    let parent = parent(root);
    let entries = match std::fs::read_dir(&parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(Error::access(&parent))?,
    };
    let _all = lock(&parent)?;
    for entry in entries {
        let path = entry.map_err(Error::access(&parent))?.path();
        let abandoned = File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
        if abandoned {
            // What cannot be removed is left for the next time, and its owner may just have removed it: no reason to
            // refuse a change.
            _ = std::fs::remove_dir_all(&path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Scratch, parent, sweep};

    #[test]
    fn only_abandoned_folders_are_swept() {
        let root = tempfile::tempdir().expect("a folder");
        let held = Scratch::new(root.path()).expect("scratch");
        let left = parent(root.path()).join("dam-left");
        std::fs::create_dir(&left).expect("a folder");
        sweep(root.path()).expect("swept");
        assert!(held.path().exists());
        assert!(!left.exists());
    }

    #[test]
    fn what_is_no_folder_keeps_nobody_from_anything() {
        let root = tempfile::tempdir().expect("a folder");
        drop(Scratch::new(root.path()).expect("scratch"));
        std::fs::write(parent(root.path()).join("stray"), "").expect("a file");
        sweep(root.path()).expect("passed over");
    }

    #[test]
    fn a_new_folder_is_never_swept() {
        let root = tempfile::tempdir().expect("a folder");
        drop(Scratch::new(root.path()).expect("scratch"));
        std::thread::scope(|scope| {
            let sweeper = scope.spawn(|| (0..1000).for_each(|_| sweep(root.path()).expect("swept")));
            while !sweeper.is_finished() {
                let scratch = Scratch::new(root.path()).expect("scratch");
                std::fs::write(scratch.path().join("file"), "").expect("it is still there");
            }
        });
    }
}
