//! An image with its layers compressed.

use std::io::Read;

use dam_oci::{Descriptor, Digest, Error, Image, Manifest, Result, config, media_type};

use super::Cache;
use crate::event::{Event, Reporter, Watched};

/// An image whose raw layers come from the cache as zstd.
///
/// Config and layers that were compressed already stay byte for byte; if none was raw, so does the manifest. Whoever reads
/// a damaged layer of the cache out of it learns that from [`dam_oci::blob`], as with any image, and may
/// [`Cache::discard`] it.
pub struct Compressed {
    image: Box<dyn Image>,
    cache: Cache,
    bytes: Vec<u8>,
    manifest: Manifest,
    /// Each layer that was raw: its raw form, and its digest as zstd.
    replaced: Vec<(Descriptor, Digest)>,
}

impl Compressed {
    /// Compresses what the cache does not have yet, each layer once, in the order that is cheapest to read.
    pub fn new(image: Box<dyn Image>, cache: &Cache, reporter: &dyn Reporter) -> crate::Result<Self> {
        let mut manifest = image.manifest().clone();
        let raw = raw_layers(&*image)?;
        fill(&*image, &raw, cache, reporter)?;
        let mut replaced = Vec::new();
        for layer in manifest.layers.iter_mut().filter(|layer| is_raw(layer)) {
            let cached = lookup(&*image, layer, cache)?;
            replaced.push((layer.clone(), cached.descriptor.digest));
            let mut annotations = std::mem::take(&mut layer.annotations);
            annotations.extend(cached.descriptor.annotations);
            *layer = Descriptor { annotations, ..cached.descriptor };
        }
        if replaced.is_empty() {
            let bytes = image.manifest_bytes().to_vec();
            return Ok(Self { image, cache: cache.clone(), bytes, manifest, replaced });
        }
        into_oci(&mut manifest);
        let bytes = manifest.to_bytes();
        Ok(Self { image, cache: cache.clone(), bytes, manifest, replaced })
    }

    /// Returns the raw form of a layer that was replaced.
    fn raw(&self, blob: &Descriptor) -> Option<&Descriptor> {
        self.replaced.iter().find(|(_, digest)| *digest == blob.digest).map(|(raw, _)| raw)
    }

    fn open_cached(&self, raw: &Descriptor) -> Result<Box<dyn Read + Send>> {
        // Looked up again instead of kept open: a bundle of many apps would run out of file handles. Should the file
        // be gone by now, compressing once more gives the same bytes.
        lookup(&*self.image, raw, &self.cache).map(|layer| layer.open_unverified()).map_err(as_oci)
    }
}

impl Image for Compressed {
    fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open_unverified(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>> {
        match self.raw(blob) {
            Some(raw) => Ok(self.open_cached(raw)?),
            None => self.image.open_unverified(blob),
        }
    }

    fn unpacked_size(&self, layer: &Descriptor) -> Option<u64> {
        // A layer from the cache has it among its notes, where every image looks.
        self.image.unpacked_size(layer)
    }

    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> Result<()>,
    ) -> Result<()> {
        let (cached, others): (Vec<_>, Vec<_>) = wanted.iter().cloned().partition(|blob| self.raw(blob).is_some());
        if !others.is_empty() {
            self.image.visit_unverified(&others, visit)?;
        }
        cached.iter().try_for_each(|blob| visit(blob, &mut *self.open_unverified(blob)?))
    }
}

fn is_raw(layer: &Descriptor) -> bool {
    matches!(layer.media_type.as_str(), media_type::LAYER | media_type::DOCKER_LAYER)
}

/// Returns the raw layers, each once. A raw layer's digest is its DiffID; an image that says otherwise is damaged.
fn raw_layers(image: &dyn Image) -> Result<Vec<Descriptor>> {
    let layers = &image.manifest().layers;
    let mut raw: Vec<Descriptor> = Vec::new();
    if !layers.iter().any(is_raw) {
        return Ok(raw);
    }
    let (_, config) = config(image)?;
    for (layer, diff_id) in layers.iter().zip(&config.rootfs.diff_ids).filter(|(layer, _)| is_raw(layer)) {
        if layer.digest != *diff_id {
            let reason = format!("the manifest has {} where the config has {diff_id}", layer.digest);
            return Err(Error::damaged("image", reason));
        }
        if !raw.iter().any(|known| known.digest == layer.digest) {
            raw.push(layer.clone());
        }
    }
    Ok(raw)
}

/// Compresses those of `raw` that the cache lacks.
fn fill(image: &dyn Image, raw: &[Descriptor], cache: &Cache, reporter: &dyn Reporter) -> crate::Result<()> {
    let mut missing = Vec::new();
    for layer in raw {
        if cache.layer(layer.digest)?.is_none() {
            missing.push(layer.clone());
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let total = missing.iter().map(|layer| layer.size).sum();
    reporter.event(Event::Started { what: "compress layers", total: Some(total) });
    // Not `visit_blobs`: `put_layer` compares the DiffID itself, and hashing twice would cost a sixth of the time.
    let done = image.visit_unverified(&missing, &mut |layer, reader| {
        let mut bounded = Watched::new(reader.take(layer.size + 1), reporter);
        cache.put_layer(&mut bounded, Some(layer.digest)).map(drop).map_err(as_oci)
    });
    reporter.event(Event::Finished);
    Ok(done?)
}

/// Finds a layer in the cache, or puts it there.
fn lookup(image: &dyn Image, raw: &Descriptor, cache: &Cache) -> crate::Result<super::CachedLayer> {
    match cache.layer(raw.digest)? {
        Some(layer) => Ok(layer),
        None => cache.put_layer(&mut image.open_unverified(raw)?.take(raw.size + 1), Some(raw.digest)),
    }
}

/// Docker's media types have no zstd: a manifest with such a layer is an OCI manifest, in all its parts.
fn into_oci(manifest: &mut Manifest) {
    manifest.media_type = Some(media_type::MANIFEST.to_owned());
    if manifest.config.media_type == media_type::DOCKER_CONFIG {
        media_type::CONFIG.clone_into(&mut manifest.config.media_type);
    }
    for layer in manifest.layers.iter_mut().filter(|layer| layer.media_type == media_type::DOCKER_LAYER_GZIP) {
        media_type::LAYER_GZIP.clone_into(&mut layer.media_type);
    }
}

/// The [`Image`] trait speaks of images only; what the cache says of its files is an access there too.
fn as_oci(error: crate::Error) -> Error {
    match error {
        crate::Error::Oci(error) => error,
        crate::Error::Access { path, source } => Error::Access { path, source },
        other => Error::damaged("cache", other.to_string()),
    }
}
