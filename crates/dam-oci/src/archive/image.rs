//! An image whose blobs are members of an archive.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use crate::archive::Members;
use crate::{Descriptor, Digest, Error, Image, Manifest, Result};

/// An image of an archive.
pub(crate) struct ArchiveImage {
    members: Arc<Members>,
    bytes: Vec<u8>,
    manifest: Manifest,
    /// The members that hold the blobs.
    blobs: BTreeMap<Digest, usize>,
}

impl ArchiveImage {
    pub(crate) fn new(
        members: Arc<Members>,
        bytes: Vec<u8>,
        manifest: Manifest,
        blobs: BTreeMap<Digest, usize>,
    ) -> Self {
        Self { members, bytes, manifest, blobs }
    }

    fn member(&self, blob: &Descriptor) -> Result<usize> {
        self.blobs.get(&blob.digest).copied().ok_or(Error::MissingBlob { digest: blob.digest })
    }
}

impl Image for ArchiveImage {
    fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open_unverified(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>> {
        self.members.open_at(self.member(blob)?)
    }

    /// One pass over an archive that is compressed as a whole, in its order.
    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> Result<()>,
    ) -> Result<()> {
        // All are looked up before the first is visited: nobody wants to learn of a missing one half-way.
        let mut places = BTreeMap::new();
        for blob in wanted {
            places.entry(self.member(blob)?).or_insert_with(Vec::new).push(blob);
        }
        let indices: Vec<usize> = places.keys().copied().collect();
        self.members.visit(&indices, &mut |index, reader| match places[&index][..] {
            [blob] => visit(blob, reader),
            // Only descriptors that differ in more than the digest meet here.
            ref blobs => blobs.iter().try_for_each(|blob| visit(blob, &mut *self.members.open_at(index)?)),
        })
    }
}
