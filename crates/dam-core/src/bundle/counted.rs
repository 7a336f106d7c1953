//! What is known of a stream of bytes once it was written.

use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use dam_oci::{Digest, Hasher};

use crate::host::Cancel;
use crate::{Error, Result};

/// Pieces that may wait to be hashed: some MB.
const WAITING: usize = 4;

/// Passes bytes on, counts and hashes them, and fails once `cancel` is set.
///
/// They are hashed in a thread of their own: whoever writes hashes what he reads, and would do nothing but hash.
pub struct Counted<W> {
    inner: W,
    hashing: Hashing,
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
        Self { inner, hashing: Hashing::start(), bytes: 0, cancel, failed: None }
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// [`Error::Access`] of `path` where the rest cannot be written.
    pub fn finish(self, path: &Path) -> Result<Counts<W>> {
        let Self { mut inner, hashing, bytes, cancel, .. } = self;
        inner.flush().map_err(Error::access(path))?;
        let (crc, sha256) = hashing.finish();
        Ok(Counts { inner, crc, sha256, bytes, cancel })
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
        self.hashing.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A thread that hashes what it is sent.
struct Hashing {
    pieces: SyncSender<Vec<u8>>,
    /// Pieces that are done, to be filled again.
    done: Receiver<Vec<u8>>,
    thread: JoinHandle<(u32, Digest)>,
}

impl Hashing {
    fn start() -> Self {
        let (pieces, waiting) = sync_channel::<Vec<u8>>(WAITING);
        let (finished, done) = sync_channel(2 * WAITING);
        let thread = thread::spawn(move || {
            let (mut crc, mut hasher) = (crc32fast::Hasher::new(), Hasher::default());
            for mut piece in waiting {
                crc.update(&piece);
                hasher.update(&piece);
                piece.clear();
                // One that nobody takes back is only made anew.
                _ = finished.try_send(piece);
            }
            (crc.finalize(), hasher.finish())
        });
        Self { pieces, done, thread }
    }

    fn update(&self, bytes: &[u8]) {
        let mut piece = self.done.try_recv().unwrap_or_default();
        piece.extend_from_slice(bytes);
        self.pieces.send(piece).expect("the thread ends with its sender only");
    }

    fn finish(self) -> (u32, Digest) {
        drop(self.pieces);
        self.thread.join().expect("hashing does not panic")
    }
}

fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
