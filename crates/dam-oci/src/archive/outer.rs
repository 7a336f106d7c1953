//! The compression around a whole archive.

use std::io::{self, Read};

use crate::archive::ArchiveFault;
use crate::archive::source::Source;
use crate::archive::walk::invalid;
use crate::{Compression, Decompressed, Error};

/// An archive's bytes, uncompressed from front to back. What breaks is told as an [`ArchiveFault`].
pub(crate) struct Outer<R: Read>(Decompressed<R>);

impl<R: Read> Outer<R> {
    /// Uncompresses a whole file or stream.
    pub(crate) fn new(file: R) -> io::Result<Self> {
        Decompressed::new(file).map(Self)
    }

    /// Returns the compression that is undone.
    pub(crate) fn compression(&self) -> Compression {
        self.0.compression()
    }

    fn fault(&self, error: &io::Error) -> ArchiveFault {
        let compression = match self.0.compression() {
            Compression::Zstd => "zstd",
            Compression::Gzip | Compression::None => "gzip",
        };
        match error.kind() {
            io::ErrorKind::UnexpectedEof => ArchiveFault::ShortCompression { compression },
            _ => ArchiveFault::Compression { compression },
        }
    }
}

impl<R: Read> Read for Outer<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            // What the system said of the file itself, such as a failing disk.
            _ if error.raw_os_error().is_some() => error,
            _ if error.get_ref().is_some_and(|inner| inner.is::<Error>()) => error,
            _ => invalid(self.fault(&error)),
        })
    }
}

impl<R: Read> Source for Outer<R> {}
