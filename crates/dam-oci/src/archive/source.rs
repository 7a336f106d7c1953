//! Where the bytes of a tar come from.

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

/// Part of a file. Several can be read at once: none moves a position that they share.
#[derive(Clone)]
pub(crate) struct Section {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Section {
    /// The bytes of `file` from `at` up to `at + size`.
    pub(crate) fn new(file: Arc<File>, at: u64, size: u64) -> Self {
        Self { file, at, end: at.saturating_add(size) }
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read_at(&mut buffer[..most], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Source for Section {
    fn skip(&mut self, count: u64) -> io::Result<u64> {
        let skipped = count.min(self.end - self.at);
        self.at += skipped;
        Ok(skipped)
    }
}
