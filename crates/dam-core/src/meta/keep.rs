//! The folder of kept copies.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use dam_oci::{Digest, Hasher};

use super::index::Index;
use super::{KeptMeta, MetaError, READ_LIMIT, SIZE_LIMIT, unpack, write};
use crate::app::HookName;
use crate::{Error, Result, fault};

/// The most bytes a store may hand over: the files, and what a tar says about [`super::ENTRY_LIMIT`] of them.
const TAR_LIMIT: u64 = SIZE_LIMIT + (512 << 20);

/// The kept copies of `/meta`, one tar each.
#[derive(Debug, Clone)]
pub struct Keep {
    folder: PathBuf,
}

/// A kept copy, opened and compared with its digest.
pub(crate) struct KeptCopy {
    pub(super) file: File,
    pub(super) index: Index,
}

impl KeptCopy {
    /// Tells whether the hook is there.
    pub(crate) fn has(&self, hook: HookName) -> bool {
        self.index.hooks().contains(&hook)
    }

    /// Writes `<into>/meta` and returns its path; `into` must be a folder without one. After an error it has none again.
    pub(crate) fn unpack(&self, into: &Path) -> Result<PathBuf> {
        let meta = into.join("meta");
        if meta.symlink_metadata().is_ok() {
            return Err(Error::access(meta)(io::ErrorKind::AlreadyExists.into()));
        }
        unpack::unpack(&self.index, &self.file, into).map_err(|source| {
            let _ = fs::remove_dir_all(&meta);
            Error::Access { path: meta.clone(), source }
        })?;
        Ok(meta)
    }
}

impl Keep {
    /// Opens the folder `<root>/meta`, making it (0700) if needed.
    pub fn open(root: &Path) -> Result<Self> {
        let folder = root.join("meta");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(Error::access(&folder))?;
        Ok(Self { folder })
    }

    /// The folder `<root>/meta` for looking only; nothing is made where there is none.
    pub fn existing(root: &Path) -> Self {
        Self { folder: root.join("meta") }
    }

    /// Keeps the `/meta` that `fill` writes as a tar with entries named `meta/…`, such as
    /// [`crate::store::Store::meta`]; `None` if `fill` returns false or writes no entry: the image has no `/meta`.
    ///
    /// The tar is believed nothing; see [`MetaError`] for what is refused. It passes through an unnamed file, so memory
    /// does not grow with it. Keeping the same twice is no error.
    pub fn keep(&self, fill: &mut dyn FnMut(&mut dyn Write) -> Result<bool>) -> Result<Option<KeptMeta>> {
        let access = |source| Error::access(&self.folder)(source);
        let spool = tempfile::tempfile_in(&self.folder).map_err(access)?;
        let inner = io::BufWriter::new(Named { inner: &spool, folder: &self.folder });
        let mut limited = Limited { inner, left: TAR_LIMIT, exceeded: false };
        let filled = fill(&mut limited);
        if limited.exceeded {
            return Err(MetaError::TooLarge { limit: SIZE_LIMIT }.into());
        }
        let there = filled?;
        limited.inner.into_inner().map_err(|error| dam_oci::Error::stream("/meta")(error.into_error()))?;
        if !there {
            return Ok(None);
        }
        let index = Index::read(&spool)?;
        if index.entries.is_empty() {
            return Ok(None);
        }
        let digest = self.place(&index, &spool)?;
        Ok(Some(KeptMeta { digest, hooks: index.hooks(), description: index.description(&spool).map_err(access)? }))
    }

    /// Writes the true form next to where it will be, then renames it there.
    fn place(&self, index: &Index, spool: &File) -> Result<Digest> {
        let access = |source| Error::access(&self.folder)(source);
        let file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.folder).map_err(access)?;
        let digest = write::write(index, spool, file.as_file()).map_err(Error::access(file.path()))?;
        file.as_file().sync_all().map_err(Error::access(file.path()))?;
        let path = self.path(&digest);
        fault::point("before a /meta is kept");
        // Over one that may be there already: should that one be damaged, this one is not.
        file.persist(&path).map_err(|error| Error::access(&path)(error.error))?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(access)?;
        fault::point("after a /meta is kept");
        Ok(digest)
    }

    /// Says what a kept copy holds. Fails with [`MetaError::Gone`] or [`MetaError::Changed`].
    pub fn get(&self, digest: &Digest) -> Result<KeptMeta> {
        let KeptCopy { file, index } = self.copy(digest)?;
        let description = index.description(&file).map_err(Error::access(self.path(digest)))?;
        Ok(KeptMeta { digest: *digest, hooks: index.hooks(), description })
    }

    /// Writes `<into>/meta` with modes, links and empty folders, and returns its path.
    ///
    /// `into` must be a folder without a `meta`. The digest is compared before the first byte is written.
    pub fn unpack(&self, digest: &Digest, into: &Path) -> Result<PathBuf> {
        self.copy(digest)?.unpack(into)
    }

    /// Returns the first [`READ_LIMIT`] bytes of a file, named relative to `/meta` such as `install`; `None` if there
    /// is no such file. Links are followed as long as they stay inside.
    pub fn read_file(&self, digest: &Digest, name: &str) -> Result<Option<Vec<u8>>> {
        let KeptCopy { file, index } = self.copy(digest)?;
        let name = format!("meta/{name}");
        index.read_file(&file, name.as_bytes(), READ_LIMIT).map_err(Error::access(self.path(digest)))
    }

    /// Removes what a killed dam left half-written. The caller holds the lock of the root.
    pub(crate) fn sweep(&self) -> Result<()> {
        // Such files have names that begin with a dot: those made here, and on file systems without unnamed files
        // those that `tempfile` makes instead.
        self.remove(&|path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")))
    }

    /// Removes every kept copy but those of `digests`, and whatever a killed dam left half-written.
    ///
    /// The caller holds the lock of the root: a copy that another dam is just keeping would go too.
    pub fn forget_all_but(&self, digests: &BTreeSet<Digest>) -> Result<()> {
        let wanted: BTreeSet<PathBuf> = digests.iter().map(|digest| self.path(digest)).collect();
        self.remove(&|path| !wanted.contains(path))
    }

    fn remove(&self, is_unwanted: &dyn Fn(&Path) -> bool) -> Result<()> {
        for entry in fs::read_dir(&self.folder).map_err(Error::access(&self.folder))? {
            let path = entry.map_err(Error::access(&self.folder))?.path();
            if is_unwanted(&path) {
                fault::point("before a /meta is forgotten");
                fs::remove_file(&path).map_err(Error::access(&path))?;
            }
        }
        Ok(())
    }

    /// Opens a kept copy, comparing its bytes with its name.
    pub(crate) fn copy(&self, digest: &Digest) -> Result<KeptCopy> {
        let path = self.path(digest);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(MetaError::Gone { path }.into()),
            Err(error) => return Err(Error::access(path)(error)),
        };
        let mut hasher = Hasher::default();
        crate::store::pump(&mut file, &mut hasher).map_err(Error::access(&path))?;
        match hasher.finish() {
            found if found == *digest => {}
            found => return Err(MetaError::Changed { path, found }.into()),
        }
        file.seek(SeekFrom::Start(0)).map_err(Error::access(&path))?;
        let index = Index::read(&file)?;
        Ok(KeptCopy { file, index })
    }

    /// Returns the folder of the copies, for errors.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}.tar", digest.hex()))
    }
}

/// Fails when more than `left` bytes come.
struct Limited<W> {
    inner: W,
    left: u64,
    exceeded: bool,
}

impl<W: Write> Write for Limited<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            self.exceeded = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.inner.write(bytes)?;
        self.left -= count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Names the folder where a write into it fails: whoever fills the file knows only that it is one.
struct Named<'a> {
    inner: &'a File,
    folder: &'a Path,
}

impl Write for Named<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes).map_err(|error| io::Error::other(dam_oci::Error::access(self.folder)(error)))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::Limited;

    #[test]
    fn an_endless_store_is_cut_off() {
        let mut limited = Limited { inner: Vec::new(), left: 5, exceeded: false };
        limited.write_all(b"12345").expect("just enough");
        assert!(limited.write_all(b"6").is_err() && limited.exceeded);
        assert_eq!(limited.inner, b"12345");
    }
}
