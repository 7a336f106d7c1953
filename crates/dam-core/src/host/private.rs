//! Keeping dam's state to its owner.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use crate::{Error, Result};

/// What hooks and their order come from, below the root.
const STATE: [&str; 3] = ["run", "meta", "ledger.db"];

/// Makes a folder that only its owner may enter, and its parents.
///
/// # Errors
/// [`Error::Exposed`] where the folder is there and other users may change what is in it: they could put a script of
/// theirs in the place of a hook.
pub fn private_folder(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(path).map_err(Error::access(path))?;
    refuse_exposed(path)
}

/// Refuses a state folder in which other users may change what dam goes by.
pub(super) fn refuse_exposed_state(root: &Path) -> Result<()> {
    STATE.iter().try_for_each(|name| refuse_exposed(&root.join(name)))
}

fn refuse_exposed(path: &Path) -> Result<()> {
    let about = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        about => about.map_err(Error::access(path))?,
    };
    let (mode, owner) = (about.mode() & 0o7777, about.uid());
    let ours = owner == 0 || owner == rustix::process::geteuid().as_raw();
    // Where only the sticky bit protects files, others may still add theirs.
    if ours && mode & 0o022 == 0 { Ok(()) } else { Err(Error::Exposed { path: path.to_owned(), mode, owner }) }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::{private_folder, refuse_exposed_state};
    use crate::Error;

    #[test]
    fn a_folder_that_others_may_change_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("root");
        private_folder(&root).expect("made");
        for (mode, good) in [(0o755, true), (0o775, false), (0o1777, false), (0o702, false), (0o700, true)] {
            fs::set_permissions(&root, Permissions::from_mode(mode)).expect("ours");
            match private_folder(&root) {
                Ok(()) => assert!(good, "{mode:o}"),
                Err(Error::Exposed { path, mode: found, .. }) => assert!(!good && path == root && found == mode),
                Err(other) => panic!("{other}"),
            }
        }
    }

    #[test]
    fn what_is_in_it_is_looked_at_too() {
        let root = tempfile::tempdir().expect("a folder");
        refuse_exposed_state(root.path()).expect("nothing is there");
        let meta = root.path().join("meta");
        fs::create_dir(&meta).expect("a folder");
        fs::set_permissions(&meta, Permissions::from_mode(0o777)).expect("ours");
        let error = refuse_exposed_state(root.path()).expect_err("anybody may write");
        assert!(matches!(error, Error::Exposed { path, mode: 0o777, .. } if path == meta));
    }
}
