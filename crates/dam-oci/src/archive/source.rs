//! Where the bytes of a tar come from.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// A stream that can pass over bytes, cheaply where it is a file.
pub(crate) trait Source: Read + Sized {
    /// Passes over `count` bytes and returns how many there were: fewer only at the end.
    fn skip(&mut self, count: u64) -> io::Result<u64> {
        io::copy(&mut self.by_ref().take(count), &mut io::sink())
    }
}

/// A stream that can only be read from front to back.
pub(crate) struct Stream<R>(pub(crate) R);

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read> Source for Stream<R> {}

/// Bytes that can be read at any place, by several at once: nobody moves a position that others share.
pub(crate) trait ReadAt: fmt::Debug + Send + Sync {
    /// Reads into `buffer` from `at` on; 0 only at the end.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, at)
    }
}

/// A run of bytes in something larger.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    bytes: Arc<dyn ReadAt>,
    at: u64,
    end: u64,
}

impl Section {
    /// The bytes of `bytes` from `at` up to `at + size`.
    pub(crate) fn new(bytes: Arc<dyn ReadAt>, at: u64, size: u64) -> Self {
        Self { bytes, at, end: at.saturating_add(size) }
    }

    /// Returns how many bytes are left.
    pub(crate) fn length(&self) -> u64 {
        self.end - self.at
    }

    /// Returns the part of this one from `at` (counted from here) up to `at + size`, as far as there is so much.
    pub(crate) fn part(&self, at: u64, size: u64) -> Self {
        let at = self.at.saturating_add(at).min(self.end);
        Self { bytes: Arc::clone(&self.bytes), at, end: at.saturating_add(size).min(self.end) }
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.length()).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.bytes.read_at(&mut buffer[..most], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Source for Section {
    fn skip(&mut self, count: u64) -> io::Result<u64> {
        let skipped = count.min(self.length());
        self.at += skipped;
        Ok(skipped)
    }
}
