//! A writer that knows what went through it.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

/// Passes bytes on, hashing and counting them.
pub(super) struct Measured<W> {
    /// Where they go.
    pub(super) inner: W,
    hash: Sha256,
    size: u64,
}

impl<W: Write> Measured<W> {
    /// Begins with nothing.
    pub(super) fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), size: 0 }
    }

    /// Returns the writer, what went through it in bytes, and the SHA-256 of that in hexadecimal.
    pub(super) fn finish(self) -> (W, u64, String) {
        (self.inner, self.size, hex(&self.hash.finalize()))
    }
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Writes bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
