//! An image whose reading stops when the user wishes to stop.

use std::io::{self, Read};
use std::ops::Deref;

use dam_oci::{Descriptor, Image, Manifest};

use super::Cancel;
use crate::Error;

/// Passes an image through until the wish to stop is there; then every read fails. So a load of gigabytes ends at once,
/// and the store, which registers nothing of a load that breaks off, stays as it was.
pub(crate) struct Interruptible<I> {
    inner: I,
    cancel: Cancel,
}

impl<I> Interruptible<I> {
    /// Watches `cancel` while `inner`, an image by reference or in a box, is read.
    pub(crate) fn new(inner: I, cancel: Cancel) -> Self {
        Self { inner, cancel }
    }
}

impl<I: Deref<Target: Image> + Send + Sync> Image for Interruptible<I> {
    fn manifest_bytes(&self) -> &[u8] {
        self.inner.manifest_bytes()
    }

    fn manifest(&self) -> &Manifest {
        self.inner.manifest()
    }

    fn open_unverified(&self, blob: &Descriptor) -> dam_oci::Result<Box<dyn Read + Send + '_>> {
        let inner = self.inner.open_unverified(blob)?;
        Ok(Box::new(Watched { inner, cancel: self.cancel.clone() }))
    }

    fn unpacked_size(&self, layer: &Descriptor) -> Option<u64> {
        self.inner.unpacked_size(layer)
    }

    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> dam_oci::Result<()>,
    ) -> dam_oci::Result<()> {
        self.inner.visit_unverified(wanted, &mut |blob, inner| {
            visit(blob, &mut Watched { inner, cancel: self.cancel.clone() })
        })
    }
}

impl Cancel {
    /// Passes a stream through until the wish to stop is there; then every read fails, with what
    /// [`Error::is_cut`] knows as such. A read that waits for its bytes is not woken.
    pub fn watch<R: Read>(&self, inner: R) -> impl Read + use<R> {
        Watched { inner, cancel: self.clone() }
    }
}

struct Watched<R> {
    inner: R,
    cancel: Cancel,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_set() {
            // Not `Interrupted`: that kind asks for another try.
            return Err(io::Error::other(Error::Cancelled));
        }
        self.inner.read(buffer)
    }
}
