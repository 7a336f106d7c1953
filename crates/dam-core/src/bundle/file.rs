//! The file of a bundle while it is written.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use dam_oci::{Digest, Hasher};
use tempfile::NamedTempFile;

use super::{BundleError, file_name};
use crate::app::AppId;
use crate::host::Cancel;
use crate::{Error, Result, fault};

/// A file on its way: in its final folder, under a name nobody looks for, until it is whole and on the disk. Dropped
/// before that, it leaves nothing.
pub struct BundleFile {
    temp: NamedTempFile,
    folder: PathBuf,
    crc: crc32fast::Hasher,
    hasher: Hasher,
    bytes: u64,
    cancel: Cancel,
}

/// A file that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of all of it.
    pub sha256: Digest,
}

impl BundleFile {
    /// Begins a file in `folder`. Writing fails once `cancel` is set.
    pub fn create(folder: &Path, cancel: Cancel) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        // What is made to be carried elsewhere is readable as any other file; the umask narrows it.
        builder.prefix(".dam-").suffix(".part").permissions(Permissions::from_mode(0o666));
        let temp = builder.tempfile_in(folder).map_err(Error::access(folder))?;
        let (crc, hasher) = (crc32fast::Hasher::new(), Hasher::default());
        Ok(Self { temp, folder: folder.to_owned(), crc, hasher, bytes: 0, cancel })
    }

    /// Gives the file the name that carries its checksum.
    pub fn finish_as_app(self, app: &AppId) -> Result<Finished> {
        let path = self.folder.join(file_name::file_name(app, self.crc.clone().finalize()));
        self.finish(&path)
    }

    /// Puts the file at `path`, in the folder it was begun in, in the place of any file there.
    pub fn finish(self, path: &Path) -> Result<Finished> {
        refuse_irregular(path)?;
        let Self { temp, folder, hasher, bytes, cancel, crc } = self;
        refuse_broken_promise(path, crc.finalize())?;
        temp.as_file().sync_all().map_err(Error::access(path))?;
        cancel.check()?;
        fault::point("bundle: before the file has its name");
        temp.persist(path).map_err(|error| Error::access(path)(error.error))?;
        fault::point("bundle: after the file has its name");
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(Error::access(folder))?;
        Ok(Finished { path: path.to_owned(), bytes, sha256: hasher.finish() })
    }
}

/// Refuses a name such as `shop-1.20261121.dam`, whose date every reader would take for a checksum that does not match.
fn refuse_broken_promise(path: &Path, found: u32) -> Result<()> {
    let promise = path.file_name().and_then(|name| name.to_str()).and_then(file_name::parse);
    match promise.filter(|promise| promise.crc != found) {
        Some(promise) => Err(BundleError::FalsePromise { path: path.to_owned(), promised: promise.crc, found }.into()),
        None => Ok(()),
    }
}

/// Refuses to put a file in the place of a device, a pipe or a folder.
pub(crate) fn refuse_irregular(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(there) if !there.is_file() => Err(BundleError::Irregular { path: path.to_owned() }.into()),
        _ => Ok(()),
    }
}

impl Write for BundleFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.cancel.is_set() {
            // Not `Interrupted`: that kind asks for another try.
            return Err(io::Error::other("interrupted"));
        }
        let count = self.temp.write(bytes)?;
        self.crc.update(&bytes[..count]);
        self.hasher.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temp.flush()
    }
}
