//! The file that a download grows in.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{DownloadError, remove};
use crate::{Digest, Hasher};

/// Bytes read at a time from what is there.
const BUFFER: usize = 128 << 10;

/// A file that is not whole yet, and the hash of what it has.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    hasher: Hasher,
    position: u64,
    /// Whether it stays where the download fails.
    stays: bool,
}

impl Part {
    /// Opens `PATH.part`. If it `stays`, it begins with what is there; otherwise it is empty.
    ///
    /// Where another dam is writing it, this one gets a file of its own: twice the way, but never a mixture.
    pub(super) fn open(path: &Path, stays: bool) -> Result<Self, DownloadError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let usual = path.with_file_name(format!("{name}.part"));
        let own = match stays {
            true => open_locked(&usual).map_err(DownloadError::access(&usual))?,
            false => None,
        };
        let (file, path, stays) = match own {
            Some(file) => (file, usual, true),
            None => {
                let folder = path.parent().unwrap_or(Path::new(""));
                let access = || DownloadError::access(folder);
                let made = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(folder);
                let (file, path) = made.map_err(access())?.keep().map_err(|error| access()(error.error))?;
                (file, path, false)
            }
        };
        let mut part = Self { path, file, hasher: Hasher::default(), position: 0, stays };
        part.read().map_err(DownloadError::access(&part.path))?;
        Ok(part)
    }

    /// Hashes what is there.
    fn read(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            match self.file.read(&mut buffer)? {
                0 => return Ok(()),
                count => {
                    self.hasher.update(&buffer[..count]);
                    self.position += count as u64;
                }
            }
        }
    }

    /// Returns how many bytes are there.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Returns the digest of what is there.
    pub(super) fn digest(&self) -> Digest {
        self.hasher.clone().finish()
    }

    /// Adds bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        if let Err(source) = self.file.write_all(bytes) {
            // On a full disk nobody is helped by a half.
            self.stays = false;
            return Err(DownloadError::access(&self.path)(source));
        }
        self.hasher.update(bytes);
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Throws away what is there.
    pub(super) fn empty(&mut self) -> Result<(), DownloadError> {
        (self.hasher, self.position) = (Hasher::default(), 0);
        self.file.set_len(0).and_then(|()| self.file.rewind()).map_err(DownloadError::access(&self.path))
    }

    /// Makes it the file that was wanted, and returns its digest.
    pub(super) fn place(mut self, path: &Path) -> Result<Digest, DownloadError> {
        fs::rename(&self.path, path).map_err(DownloadError::access(path))?;
        self.stays = true;
        Ok(self.digest())
    }

    /// Gives it up.
    pub(super) fn remove(mut self) {
        self.stays = false;
    }

    /// Lets go of what is there if the download fails.
    pub(super) fn forget(&mut self) {
        self.stays = false;
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.stays || self.position == 0 {
            remove(&self.path);
        }
    }
}

/// Opens a file that nobody else writes; `None` where somebody does.
fn open_locked(path: &Path) -> io::Result<Option<File>> {
    loop {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        // Whoever had the lock until now may have made it the whole file, or removed it.
        let is_same = fs::metadata(path).is_ok_and(|there| file.metadata().is_ok_and(|own| own.ino() == there.ino()));
        if is_same {
            return Ok(Some(file));
        }
    }
}
