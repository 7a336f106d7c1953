//! Images of a registry.

use std::io::Read;
use std::sync::Arc;

use super::ahead;
use super::ask::{Client, Told};
use super::blob::BlobReader;
use super::manifest::parse_manifest;
use crate::{Descriptor, Image, Manifest, Platform};

/// An image of a registry: the manifest is here, blobs come when they are asked for.
///
/// A blob whose transfer is cut is read on where it broke off. [`Image::visit_unverified`] fetches several at once.
#[derive(Debug, Clone)]
pub struct RegistryImage {
    /// What the tag stands for: the manifest, or the index it was chosen from.
    pub found: Descriptor,
    /// The manifest.
    pub descriptor: Descriptor,
    client: Arc<Client>,
    repository: String,
    bytes: Arc<[u8]>,
    manifest: Arc<Manifest>,
}

impl RegistryImage {
    pub(super) fn fetch(client: &Arc<Client>, repository: &str, name: &str, platform: &Platform) -> Told<Self> {
        let (found, fetched) = client.fetch_image(repository, name, platform)?;
        let manifest = Arc::new(parse_manifest(&fetched.bytes)?);
        let (client, repository) = (Arc::clone(client), repository.to_owned());
        Ok(Self { found, descriptor: fetched.descriptor, client, repository, bytes: fetched.bytes.into(), manifest })
    }
}

impl Image for RegistryImage {
    fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open_unverified(&self, blob: &Descriptor) -> crate::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(BlobReader::open(&self.client, &self.repository, blob)?))
    }

    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> crate::Result<()>,
    ) -> crate::Result<()> {
        let (client, repository) = (Arc::clone(&self.client), self.repository.clone());
        let open = move |blob: &Descriptor| -> crate::Result<Box<dyn Read + Send>> {
            Ok(Box::new(BlobReader::open(&client, &repository, blob)?))
        };
        ahead::visit(Arc::new(open), wanted, visit)
    }
}
