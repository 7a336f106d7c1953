//! What is known of a stream of bytes once it was written.

use std::io::{self, Write};
use std::path::Path;

use dam_oci::{Digest, Hasher};

use crate::host::Cancel;
use crate::{Error, Result};

/// Passes bytes on, counts and hashes them, and fails once `cancel` is set.
pub struct Counted<W> {
    inner: W,
    crc: crc32fast::Hasher,
    hasher: Hasher,
    bytes: u64,
    cancel: Cancel,
    /// Why the last write failed.
    failed: Option<io::Error>,
}

/// What a stream came to.
pub struct Counts<W> {
    /// Where it was written to.
    pub inner: W,
    /// CRC-32 of it.
    pub crc: u32,
    /// SHA-256 of it.
    pub sha256: Digest,
    /// Its length in bytes.
    pub bytes: u64,
    /// The wish to stop, for what is still to be done.
    pub cancel: Cancel,
}

impl<W: Write> Counted<W> {
    /// Writes to `inner`.
    pub fn new(inner: W, cancel: Cancel) -> Self {
        let (crc, hasher) = (crc32fast::Hasher::new(), Hasher::default());
        Self { inner, crc, hasher, bytes: 0, cancel, failed: None }
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// [`Error::Access`] of `path` where the rest cannot be written.
    pub fn finish(self, path: &Path) -> Result<Counts<W>> {
        let Self { mut inner, crc, hasher, bytes, cancel, .. } = self;
        inner.flush().map_err(Error::access(path))?;
        Ok(Counts { inner, crc: crc.finalize(), sha256: hasher.finish(), bytes, cancel })
    }

    /// Says what an error really is: whoever writes a bundle knows the member at which writing failed, and not the file.
    pub fn explain(&mut self, error: Error, path: &Path) -> Error {
        match self.failed.take() {
            Some(source) => Error::access(path)(source),
            None => error,
        }
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.cancel.is_set() {
            // Not `Interrupted`: that kind asks for another try.
            return Err(io::Error::other(Error::Cancelled));
        }
        let count = self.inner.write(bytes).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failed = Some(copy(error));
            }
        })?;
        self.crc.update(&bytes[..count]);
        self.hasher.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
