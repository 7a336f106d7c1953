//! Images as values.

use std::io::Read;
use std::sync::Arc;

use crate::{Config, Descriptor, Error, LayerNotes, Manifest, Result, VerifyingReader};

/// The largest config or manifest dam reads into memory, in bytes. Registries refuse manifests over 4 MiB.
pub const JSON_LIMIT: u64 = 4 << 20;

/// An image: a manifest, and a way to open the blobs it names.
///
/// An implementation owns the handles it needs (it borrows nothing), gives the same manifest every time, and never
/// promises that blobs are sound: callers read through [`blob`] or [`visit_blobs`].
pub trait Image: Send + Sync {
    /// Returns the exact bytes of the manifest.
    fn manifest_bytes(&self) -> &[u8];

    /// Returns the manifest, parsed from [`Image::manifest_bytes`].
    fn manifest(&self) -> &Manifest;

    /// Opens a blob without checking it. Call [`blob`] instead.
    fn open_unverified(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>>;

    /// Returns the bytes a layer has when unpacked, where that is known without reading it: by default from what the
    /// manifest notes. A claim, to be checked like the bytes themselves.
    fn unpacked_size(&self, layer: &Descriptor) -> Option<u64> {
        LayerNotes::read(layer).unpacked_size
    }

    /// Hands each of `wanted` to `visit` once, unchecked, in whatever order is cheapest to read. Call [`visit_blobs`]
    /// instead. A source that can only be read from front to back overrides this to need one pass.
    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> Result<()>,
    ) -> Result<()> {
        wanted.iter().try_for_each(|blob| visit(blob, &mut *self.open_unverified(blob)?))
    }
}

/// A shared image is an image.
impl<I: Image + ?Sized> Image for Arc<I> {
    fn manifest_bytes(&self) -> &[u8] {
        (**self).manifest_bytes()
    }

    fn manifest(&self) -> &Manifest {
        (**self).manifest()
    }

    fn open_unverified(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>> {
        (**self).open_unverified(blob)
    }

    fn unpacked_size(&self, layer: &Descriptor) -> Option<u64> {
        (**self).unpacked_size(layer)
    }

    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> Result<()>,
    ) -> Result<()> {
        (**self).visit_unverified(wanted, visit)
    }
}

/// Opens a blob of `image`; the reader checks size and digest as the bytes pass.
pub fn blob<'a>(image: &'a dyn Image, blob: &Descriptor) -> Result<VerifyingReader<Box<dyn Read + Send + 'a>>> {
    Ok(VerifyingReader::new(image.open_unverified(blob)?, blob))
}

/// Hands each of `wanted` to `visit` once, in the cheapest order; the reader checks size and digest as the bytes pass.
///
/// `visit` must read to the end of what it trusts. A blob named twice in `wanted` is visited once.
pub fn visit_blobs(
    image: &dyn Image,
    wanted: &[Descriptor],
    visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    let mut once: Vec<Descriptor> = Vec::with_capacity(wanted.len());
    for blob in wanted {
        if !once.iter().any(|known| known.digest == blob.digest) {
            once.push(blob.clone());
        }
    }
    image.visit_unverified(&once, &mut |blob, reader| visit(blob, &mut VerifyingReader::new(reader, blob)))
}

/// Reads and parses the config of `image`; the first value is its exact bytes.
pub fn config(image: &dyn Image) -> Result<(Vec<u8>, Config)> {
    let descriptor = &image.manifest().config;
    if descriptor.size > JSON_LIMIT {
        return Err(Error::damaged("image config", format!("it claims {} bytes", descriptor.size)));
    }
    let mut bytes = Vec::new();
    blob(image, descriptor)?.read_to_end(&mut bytes).map_err(Error::stream("image config"))?;
    let config: Config = serde_json::from_slice(&bytes)
        .map_err(|source| Error::Json { what: format!("image config {}", descriptor.digest), source })?;
    if config.rootfs.diff_ids.len() != image.manifest().layers.len() {
        let (diff_ids, layers) = (config.rootfs.diff_ids.len(), image.manifest().layers.len());
        let reason = format!("it lists {diff_ids} layers and the manifest {layers}");
        return Err(Error::damaged("image config", reason));
    }
    Ok((bytes, config))
}
