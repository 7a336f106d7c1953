//! Reading a blob and checking it in the same pass.

use std::io::{self, Read};

use crate::{Descriptor, Digest, Hasher};

/// Why the bytes of a blob are not the ones its descriptor promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobFault {
    /// The bytes end too early.
    #[error("{digest} ends {missing} bytes early")]
    Short {
        /// The blob.
        digest: Digest,
        /// Bytes that are missing.
        missing: u64,
    },
    /// There are more bytes than promised.
    #[error("{digest} is longer than its {size} bytes")]
    Long {
        /// The blob.
        digest: Digest,
        /// Promised length in bytes.
        size: u64,
    },
    /// Length right, content wrong.
    #[error("{digest} has other content ({found})")]
    Mismatch {
        /// The promised digest.
        digest: Digest,
        /// The digest of what was read.
        found: Digest,
    },
}

impl BlobFault {
    /// Returns the digest the blob should have.
    pub fn digest(&self) -> Digest {
        match *self {
            Self::Short { digest, .. } | Self::Long { digest, .. } | Self::Mismatch { digest, .. } => digest,
        }
    }
}

/// Passes a blob through and fails, at the latest where it ends, if size or digest are not as described.
///
/// The failure is an [`io::Error`] of kind `InvalidData` whose inner error is a [`BlobFault`]. Whoever stops reading
/// before the end has checked nothing.
pub struct VerifyingReader<R> {
    inner: R,
    digest: Digest,
    size: u64,
    left: u64,
    hasher: Option<Hasher>,
}

impl<R: Read> VerifyingReader<R> {
    /// Checks `inner` against `descriptor`.
    pub fn new(inner: R, descriptor: &Descriptor) -> Self {
        let Descriptor { digest, size, .. } = *descriptor;
        Self { inner, digest, size, left: size, hasher: Some(Hasher::default()) }
    }

    /// Called at the promised end: nothing may follow, and the digest must match.
    fn check_end(&mut self) -> Result<(), io::Error> {
        let Some(hasher) = self.hasher.take() else { return Ok(()) };
        if self.inner.read(&mut [0])? != 0 {
            return Err(invalid(BlobFault::Long { digest: self.digest, size: self.size }));
        }
        match hasher.finish() {
            found if found == self.digest => Ok(()),
            found => Err(invalid(BlobFault::Mismatch { digest: self.digest, found })),
        }
    }
}

impl<R: Read> Read for VerifyingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            self.check_end()?;
            return Ok(0);
        }
        let count = self.inner.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(invalid(BlobFault::Short { digest: self.digest, missing: self.left }));
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        self.left -= count as u64;
        // Checked with the last byte, not with the next read: a consumer that stops at the size it was promised
        // must not get away with bytes that nobody compared.
        if self.left == 0 {
            self.check_end()?;
        }
        Ok(count)
    }
}

fn invalid(fault: BlobFault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, fault)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::{BlobFault, VerifyingReader};
    use crate::{Descriptor, Digest};

    fn read(bytes: &[u8], promised: &Descriptor) -> Result<Vec<u8>, BlobFault> {
        let mut out = Vec::new();
        match VerifyingReader::new(bytes, promised).read_to_end(&mut out) {
            Ok(_) => Ok(out),
            Err(error) => Err(error.downcast::<BlobFault>().expect("only faults here")),
        }
    }

    #[test]
    fn passes_what_was_promised_and_nothing_else() {
        let promised = Descriptor::of("text/plain", b"hello");
        let digest = promised.digest;
        assert_eq!(read(b"hello", &promised), Ok(b"hello".to_vec()));
        assert_eq!(read(b"hell", &promised), Err(BlobFault::Short { digest, missing: 1 }));
        assert_eq!(read(b"hello!", &promised), Err(BlobFault::Long { digest, size: 5 }));
        let found = Digest::of(b"hullo");
        assert_eq!(read(b"hullo", &promised), Err(BlobFault::Mismatch { digest, found }));
    }

    #[test]
    fn an_empty_blob_is_checked_too() {
        let promised = Descriptor::of("text/plain", b"");
        assert_eq!(read(b"", &promised), Ok(Vec::new()));
        assert!(read(b"x", &promised).is_err());
    }
}
