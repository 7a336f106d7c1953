//! Images whose source does not give everything.

use std::io::{self, Read};

use dam_oci::{Descriptor, Digest, Error, Image, Manifest, Result};

/// What is wrong with a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The stick is pulled out in the middle of this blob.
    Lost(Digest),
    /// This blob has gone by in the stream.
    Passed(Digest),
    /// This blob was left out.
    Missing(Digest),
}

/// An image, and what is wrong with its source.
#[derive(Clone)]
pub struct Troubled<I> {
    /// The image as it should be.
    pub image: I,
    /// What is wrong.
    pub trouble: Trouble,
}

impl<I: Image> Image for Troubled<I> {
    fn manifest_bytes(&self) -> &[u8] {
        self.image.manifest_bytes()
    }

    fn manifest(&self) -> &Manifest {
        self.image.manifest()
    }

    fn open_unverified(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>> {
        match self.trouble {
            Trouble::Passed(digest) if digest == blob.digest => Err(Error::PassedBlob { digest }),
            Trouble::Missing(digest) if digest == blob.digest => Err(Error::MissingBlob { digest }),
            Trouble::Lost(digest) if digest == blob.digest => {
                Ok(Box::new(self.image.open_unverified(blob)?.take(blob.size / 2).chain(Gone)))
            }
            _ => self.image.open_unverified(blob),
        }
    }

    /// A stream that has passed a blob says so before it hands over anything.
    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> Result<()>,
    ) -> Result<()> {
        match self.trouble {
            Trouble::Passed(digest) if wanted.iter().any(|blob| blob.digest == digest) => {
                Err(Error::PassedBlob { digest })
            }
            _ => wanted.iter().try_for_each(|blob| visit(blob, &mut *self.open_unverified(blob)?)),
        }
    }
}

/// Reads as from a device that is gone.
struct Gone;

impl Read for Gone {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        // EIO, on Linux.
        Err(io::Error::other(Error::reading("`site.dam`")(io::Error::from_raw_os_error(5))))
    }
}
