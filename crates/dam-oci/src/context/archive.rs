//! Writing a [`Context`] as a tar, the form an engine takes.

use std::fs::File;
use std::io::{self, Read, Write};

use tar::EntryType;

use super::{Context, Entry, EntryKind, Source};
use crate::tar_writer::{Facts, TarWriter};
use crate::{Error, Result};

impl Context {
    /// Writes an uncompressed tar: sorted, owner root, time 0, so that equal contexts give equal bytes.
    ///
    /// A file that is longer or shorter than when it was scanned ends the tar with [`Error::Access`].
    pub fn write_tar(&self, writer: &mut impl Write) -> Result<()> {
        let stream = || Error::stream("build context");
        let mut tar = TarWriter::new(writer);
        for entry in self.iter() {
            write(&mut tar, entry)?;
        }
        tar.finish().map_err(stream())?;
        Ok(())
    }
}

fn write(tar: &mut TarWriter<impl Write>, entry: &Entry) -> Result<()> {
    let stream = || Error::stream("build context");
    let facts = |kind| Facts { mode: entry.mode, ..Facts::new(&entry.path, kind) };
    match &entry.kind {
        EntryKind::Folder => tar.header(&facts(EntryType::Directory)).map_err(stream()),
        EntryKind::Symlink { target } => tar.header(&Facts { target, ..facts(EntryType::Symlink) }).map_err(stream()),
        EntryKind::File { size, source } => {
            tar.header(&Facts { size: *size, ..facts(EntryType::Regular) }).map_err(stream())?;
            match source {
                Source::Bytes(bytes) => tar.write(bytes).map_err(stream())?,
                Source::Disk(path) => {
                    let file = File::open(path).map_err(Error::access(path))?;
                    let mut reader = SizedReader::new(file, *size);
                    while let Some(bytes) = reader.next_chunk(tar.buffer()).map_err(Error::access(path))? {
                        tar.write_buffered(bytes).map_err(stream())?;
                    }
                }
            }
            tar.pad(*size).map_err(stream())
        }
    }
}

/// Reads a file of a promised size, and fails if it has another by now.
pub(crate) struct SizedReader<R> {
    inner: R,
    left: u64,
}

impl<R: Read> SizedReader<R> {
    pub(crate) fn new(inner: R, size: u64) -> Self {
        Self { inner, left: size }
    }

    /// Fills `buffer` with the next bytes and returns how many there are, or `None` behind the last.
    pub(crate) fn next_chunk(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        if self.left == 0 {
            return match self.inner.read(&mut [0])? {
                0 => Ok(None),
                _ => Err(io::Error::other("it grew while it was read")),
            };
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.inner.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(io::Error::other("it shrank while it was read"));
        }
        self.left -= count as u64;
        Ok(Some(count))
    }
}
