//! An image some of whose layers come from elsewhere.

use std::io::Read;

use dam_oci::{Descriptor, Digest, Image, Manifest, Result, layers};

/// An image that takes layers its source does not give from other images that have the same content.
///
/// A bundle may leave out what its receiver has, and what has gone by in a pipe does not come again; a store that wants a
/// layer sent nevertheless lends it out of another image. Config and DiffIDs stay, and are checked like those of any image;
/// blobs that are lent may be compressed otherwise, so the manifest is another one. A store that knows images by their
/// manifest must not load this.
pub(crate) struct Composed<'a> {
    source: &'a dyn Image,
    bytes: Vec<u8>,
    manifest: Manifest,
    lent: Vec<Lent>,
}

/// A layer from elsewhere.
struct Lent {
    blob: Descriptor,
    from: Box<dyn Image>,
}

impl<'a> Composed<'a> {
    /// Takes everything from `source`, so far.
    pub(crate) fn new(source: &'a dyn Image) -> Self {
        let (bytes, manifest) = (source.manifest_bytes().to_vec(), source.manifest().clone());
        Self { source, bytes, manifest, lent: Vec::new() }
    }

    /// Returns the DiffID of a layer of the source.
    pub(crate) fn diff_id(&self, blob: Digest) -> Result<Option<Digest>> {
        Ok(layers(self.source)?.into_iter().find(|layer| layer.blob.digest == blob).map(|layer| layer.diff_id))
    }

    /// Takes the layer `blob` of the source from `from`, where that has one of the same content. Returns whether it has.
    pub(crate) fn lend(&mut self, blob: Digest, from: Box<dyn Image>) -> Result<bool> {
        let wanted = self.diff_id(blob)?;
        let Some(found) = layers(&*from)?.into_iter().find(|layer| Some(layer.diff_id) == wanted) else {
            return Ok(false);
        };
        for layer in self.manifest.layers.iter_mut().filter(|layer| layer.digest == blob) {
            *layer = found.blob.clone();
        }
        self.bytes = self.manifest.to_bytes();
        self.lent.push(Lent { blob: found.blob, from });
        Ok(true)
    }

    fn lent(&self, blob: &Descriptor) -> Option<&Lent> {
        self.lent.iter().find(|lent| lent.blob.digest == blob.digest)
    }
}

impl Image for Composed<'_> {
    fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open_unverified(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>> {
        match self.lent(blob) {
            Some(lent) => lent.from.open_unverified(blob),
            None => self.source.open_unverified(blob),
        }
    }

    fn unpacked_size(&self, layer: &Descriptor) -> Option<u64> {
        match self.lent(layer) {
            Some(lent) => lent.from.unpacked_size(layer),
            None => self.source.unpacked_size(layer),
        }
    }

    /// The source comes first: a stream that has passed a layer says so before it hands over anything.
    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> Result<()>,
    ) -> Result<()> {
        let (lent, own): (Vec<Descriptor>, Vec<Descriptor>) =
            wanted.iter().cloned().partition(|blob| self.lent(blob).is_some());
        if !own.is_empty() {
            self.source.visit_unverified(&own, visit)?;
        }
        lent.iter().try_for_each(|blob| visit(blob, &mut *self.open_unverified(blob)?))
    }
}

#[cfg(test)]
mod tests {
    use dam_oci::testing::{ImageBuilder, MemoryImage};
    use dam_oci::{Error, Image, config};

    use super::Composed;

    #[test]
    fn a_layer_that_is_missing_comes_from_another_image() {
        let build = |top: &str| ImageBuilder::app().file("base", 0o644, "base").layer().file("top", 0o644, top).build();
        let (whole, other) = (build("one"), build("two"));
        let base = whole.manifest().layers[0].clone();
        let mut torn = whole.clone();
        torn.blobs_mut().remove(&base.digest);
        let mut composed = Composed::new(&torn);
        let missing = MemoryImage::copy(&composed).map(drop);
        assert!(matches!(missing, Err(Error::MissingBlob { digest }) if digest == base.digest));
        let stranger = ImageBuilder::new().file("x", 0o644, "x").build();
        assert!(!composed.lend(base.digest, Box::new(stranger)).expect("sound images"));
        assert!(composed.lend(base.digest, Box::new(other)).expect("sound images"));
        let copy = MemoryImage::copy(&composed).expect("every layer");
        assert_eq!(config(&copy).expect("sound"), config(&whole).expect("sound"));
        let nothing = composed.lend(dam_oci::Digest::of(b""), Box::new(whole));
        assert!(!nothing.expect("sound images"), "no such layer");
    }
}
