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
        let folder = tempfile::Builder::new().prefix("dam-").tempdir_in(&parent).map_err(Error::access(&parent))?;
        let lock = File::open(folder.path()).and_then(|file| file.lock().map(|()| file));
        Ok(Self { _lock: lock.map_err(Error::access(folder.path()))?, folder })
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn parent(root: &Path) -> PathBuf {
    root.join("tmp")
}

/// Removes the temporary folders that nobody holds.
pub(super) fn sweep(root: &Path) -> Result<()> {
    let parent = parent(root);
    let entries = match std::fs::read_dir(&parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(Error::access(&parent))?,
    };
    for entry in entries {
        let path = entry.map_err(Error::access(&parent))?.path();
        let abandoned = File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
        if abandoned {
            std::fs::remove_dir_all(&path).map_err(Error::access(&path))?;
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
}
