//! `/meta`, kept and unpacked.

use std::fs;
use std::io::Write;

use super::tars::mended;
use crate::Error;
use crate::meta::Keep;

/// Keeps what the bytes, as a tar, say of a `/meta`, and unpacks that.
pub(super) fn meta_tar(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a temp folder");
    let keep = Keep::open(folder.path()).expect("a keep");
    for tar in [data.to_vec(), mended(data)] {
        let fill = &mut |out: &mut dyn Write| out.write_all(&tar).map(|()| true).map_err(Error::access("out"));
        let Ok(Some(kept)) = keep.keep(fill) else { continue };
        assert_eq!(keep.get(&kept.digest).expect("just kept"), kept);
        let copy = folder.path().join(format!("meta/{}.tar", kept.digest.hex()));
        let copy = fs::read(copy).expect("just kept");
        // The true form is its own true form.
        let again = keep.keep(&mut |out| out.write_all(&copy).map(|()| true).map_err(Error::access("out")));
        assert_eq!(again.expect("was kept before"), Some(kept.clone()));
        for hook in &kept.hooks {
            assert!(keep.read_file(&kept.digest, hook.file()).expect("just kept").is_some(), "{hook:?}");
        }
        let into = tempfile::tempdir_in(folder.path()).expect("a temp folder");
        // Names that no file system takes are refused there.
        if keep.unpack(&kept.digest, into.path()).is_ok() {
            let names = fs::read_dir(into.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
            assert_eq!(names.collect::<Vec<_>>(), ["meta"]);
        }
    }
    let names = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["meta"]);
}
