//! The file of a bundle while it is written.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use dam_oci::Digest;
use tempfile::NamedTempFile;

use super::counted::{Counted, Counts};
use super::{BundleError, file_name};
use crate::app::AppId;
use crate::host::Cancel;
use crate::{Error, Result, fault};

/// A file on its way: in its final folder, under a name nobody looks for, until it is whole and on the disk. Dropped
/// before that, it leaves nothing.
pub struct BundleFile {
    counted: Counted<Temporary>,
    folder: PathBuf,
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
        Ok(Self { counted: Counted::new(Temporary(temp_file(folder)?), cancel), folder: folder.to_owned() })
    }

    /// Gives the file the name that carries its checksum.
    pub fn finish_as_app(self, app: &AppId) -> Result<Finished> {
        let folder = self.folder.clone();
        let counts = self.counted.finish(&folder)?;
        let path = folder.join(file_name::file_name(app, counts.crc));
        place(counts, &folder, &path)
    }

    /// Puts the file at `path`, in the folder it was begun in, in the place of any file there.
    pub fn finish(self, path: &Path) -> Result<Finished> {
        place(self.counted.finish(path)?, &self.folder, path)
    }

    /// Says what an error of writing to the file really is; `path` is the file's name, or its folder.
    pub fn explain(&mut self, error: Error, path: &Path) -> Error {
        self.counted.explain(error, path)
    }
}

/// Writes to the file itself: its wrapper would name the temporary path in every error.
struct Temporary(NamedTempFile);

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn place(counts: Counts<Temporary>, folder: &Path, path: &Path) -> Result<Finished> {
    refuse_irregular(path)?;
    let Counts { inner: Temporary(temp), crc, sha256, bytes, cancel } = counts;
    refuse_broken_promise(path, crc)?;
    temp.as_file().sync_all().map_err(Error::access(path))?;
    cancel.check()?;
    fault::point("bundle: before the file has its name");
    temp.persist(path).map_err(|error| Error::access(path)(error.error))?;
    fault::point("bundle: after the file has its name");
    sync_folder(folder)?;
    Ok(Finished { path: path.to_owned(), bytes, sha256 })
}

/// Makes a file under a name nobody looks for.
pub(super) fn temp_file(folder: &Path) -> Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    // What is made to be carried elsewhere is readable as any other file; the umask narrows it.
    builder.prefix(".dam-").suffix(".part").permissions(Permissions::from_mode(0o666));
    builder.tempfile_in(folder).map_err(Error::access(folder))
}

/// Sees to it that what was renamed in a folder is so after a power cut.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::access(folder))
}

/// Refuses a name such as `shop-1.0.20261121.dam`, whose date every reader would take for a checksum that does not match.
pub(super) fn refuse_broken_promise(path: &Path, found: u32) -> Result<()> {
    let promise = path.file_name().and_then(|name| name.to_str()).and_then(file_name::parse);
    match promise.filter(|promise| promise.crc != found) {
        Some(promise) => Err(BundleError::FalsePromise { path: path.to_owned(), promised: promise.crc, found }.into()),
        None => Ok(()),
    }
}

/// Returns the folder a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
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
        self.counted.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.counted.flush()
    }
}
