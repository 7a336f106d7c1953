//! Bringing an image of a registry into the store.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use dam_oci::{Descriptor, Digest, Image, Manifest};

use super::{Door, Found};
use crate::event::{Event, Named, Reporter, Warning};
use crate::host::{Cancel, Interruptible};
use crate::store::docker::DockerError;
use crate::store::{ImageId, PullRequest, Store, StoredImage};
use crate::{Error, Result};

/// An image that is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The image.
    pub stored: StoredImage,
    /// Bytes that came over the network; 0 where it was there already. What an engine fetches by itself is as it says.
    pub bytes: u64,
}

impl Found {
    /// Returns the digest of the image's manifest, which for an image of several platforms is that of the one that was taken.
    pub fn digest(&self) -> Digest {
        self.image.descriptor.digest
    }

    /// Brings the image into the store, without a tag: the engine fetches it by itself where it can, else dam does. One that is
    /// there already, exactly so, is left as it is.
    ///
    /// # Errors
    /// Those of the registry and of the store; [`Error::FetchedAnother`] where the store then has not this image.
    pub fn fetch(&self, store: &dyn Store, cancel: &Cancel, reporter: &dyn Reporter) -> Result<Fetched> {
        if let Some(stored) = self.in_store(store)? {
            return Ok(Fetched { stored, bytes: 0 });
        }
        let fetched = match &self.door {
            Some(door) => self.let_engine(door, store, cancel, reporter)?,
            None => None,
        };
        let bytes = match fetched {
            Some(bytes) => bytes,
            None => self.carry(store, cancel, reporter)?,
        };
        let another = || Error::FetchedAnother { reference: self.reference.clone(), digest: self.digest() };
        Ok(Fetched { stored: self.in_store(store)?.ok_or_else(another)?, bytes })
    }

    /// Finds exactly this image in the store: under the digest of its manifest, or of its config, as classic engines name
    /// images.
    pub fn in_store(&self, store: &dyn Store) -> Result<Option<StoredImage>> {
        for digest in [self.digest(), self.image.manifest().config.digest] {
            if let Some(stored) = store.find_id(ImageId(digest))? {
                return Ok(if store.is_whole(stored.id)? { Some(stored) } else { None });
            }
        }
        Ok(None)
    }

    /// Lets the engine fetch the image. None where it cannot, and dam has to.
    fn let_engine(
        &self,
        door: &Door,
        store: &dyn Store,
        cancel: &Cancel,
        reporter: &dyn Reporter,
    ) -> Result<Option<u64>> {
        let request = PullRequest {
            exact: &door.exact,
            credentials: door.credentials.as_ref(),
            platform: door.platform.as_ref(),
            total: self.image.manifest().layers.iter().map(|layer| layer.size).sum(),
            cancel,
        };
        match store.pull(&request, &Named::new(reporter, self.title())) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::CannotPull { .. }) => Ok(None),
            Err(Error::Docker(error @ DockerError::Answered { .. })) => {
                cancel.check()?;
                let what = format!("the engine cannot fetch {} by itself, so dam does: {error}", self.reference);
                reporter.event(Event::Warning(Warning::Leftover { what: &what }));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Fetches the image and loads it into the store.
    fn carry(&self, store: &dyn Store, cancel: &Cancel, reporter: &dyn Reporter) -> Result<u64> {
        let bytes = AtomicU64::new(0);
        let counted = Counted { image: &self.image, bytes: &bytes };
        let image = Interruptible::new(&counted, cancel.clone());
        let loaded = store.load(&image, &[], &Named::new(reporter, self.title()));
        cancel.check()?;
        loaded?;
        Ok(bytes.into_inner())
    }

    fn title(&self) -> String {
        format!("fetch {}", self.reference)
    }
}

/// An image whose blobs are counted when they are read.
struct Counted<'a> {
    image: &'a dyn Image,
    bytes: &'a AtomicU64,
}

impl Image for Counted<'_> {
    fn manifest_bytes(&self) -> &[u8] {
        self.image.manifest_bytes()
    }

    fn manifest(&self) -> &Manifest {
        self.image.manifest()
    }

    fn open_unverified(&self, blob: &Descriptor) -> dam_oci::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(Counting { reader: self.image.open_unverified(blob)?, bytes: self.bytes }))
    }

    fn unpacked_size(&self, layer: &Descriptor) -> Option<u64> {
        self.image.unpacked_size(layer)
    }

    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> dam_oci::Result<()>,
    ) -> dam_oci::Result<()> {
        self.image
            .visit_unverified(wanted, &mut |blob, reader| visit(blob, &mut Counting { reader, bytes: self.bytes }))
    }
}

/// A reader that counts.
struct Counting<'a, R> {
    reader: R,
    bytes: &'a AtomicU64,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
