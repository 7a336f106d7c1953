//! The compression around an engine's archive.

use std::io::{self, Read};

use dam_oci::{ArchiveFault, Compression, Decompressed};

/// The bytes of the tar. What breaks in the compression is told as an [`ArchiveFault`].
pub(super) struct Unpacked<R: Read>(Decompressed<R>);

impl<R: Read> Unpacked<R> {
    pub(super) fn new(file: R) -> io::Result<Self> {
        Decompressed::new(file).map(Self)
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let compression = match self.0.compression() {
            Compression::None => return self.0.read(buffer),
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        };
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            // What the system said of the file itself, such as a failing disk.
            _ if error.raw_os_error().is_some() => error,
            io::ErrorKind::UnexpectedEof => {
                io::Error::new(io::ErrorKind::InvalidData, ArchiveFault::ShortCompression { compression })
            }
            _ => io::Error::new(io::ErrorKind::InvalidData, ArchiveFault::Compression { compression }),
        })
    }
}
