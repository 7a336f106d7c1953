//! Reading the layers of an image uncompressed, checked by both of their names.

use std::io::{self, Read};

use crate::{
    BlobFault, Compression, Decompressed, Descriptor, Digest, Error, Hasher, Image, Result, config, visit_blobs,
};

/// A layer, under the two names it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Where it stands in the image; 0 is the base. An image may use one layer several times.
    pub positions: Vec<usize>,
    /// The blob, as it is stored.
    pub blob: Descriptor,
    /// Digest of the uncompressed tar.
    pub diff_id: Digest,
}

/// Lists the layers of an image, base first, each blob once.
///
/// # Errors
/// Those of [`config()`], and [`Error::Damaged`] where one blob has two DiffIDs.
pub fn layers(image: &dyn Image) -> Result<Vec<Layer>> {
    let (_, config) = config(image)?;
    let mut layers: Vec<Layer> = Vec::new();
    for (position, (blob, &diff_id)) in image.manifest().layers.iter().zip(&config.rootfs.diff_ids).enumerate() {
        match layers.iter_mut().find(|known| known.blob.digest == blob.digest) {
            Some(known) if known.diff_id == diff_id => known.positions.push(position),
            Some(known) => {
                let reason = format!("it lists the layer {} as {} and as {diff_id}", blob.digest, known.diff_id);
                return Err(Error::damaged("image config", reason));
            }
            None => layers.push(Layer { positions: vec![position], blob: blob.clone(), diff_id }),
        }
    }
    Ok(layers)
}

/// Hands each of `wanted` to `visit` as an uncompressed tar, in the cheapest order. Both the digest of the stored blob and
/// the DiffID are checked where the stream ends; what `visit` leaves unread is read for that.
///
/// # Errors
/// [`Error::Blob`] where a layer is not what manifest and config promise; its digest is the one that does not match.
/// `visit` may have seen such a layer to its last byte but one: its effects must wait for this function's success.
pub fn visit_layers(
    image: &dyn Image,
    wanted: &[Layer],
    visit: &mut dyn FnMut(&Layer, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    let blobs: Vec<Descriptor> = wanted.iter().map(|layer| layer.blob.clone()).collect();
    visit_blobs(image, &blobs, &mut |blob, reader| {
        let layer = wanted.iter().find(|layer| layer.blob.digest == blob.digest).expect("only wanted blobs come");
        let what = || Error::stream(layer.name());
        let mut content = LayerReader::new(reader, layer).map_err(what())?;
        visit(layer, &mut content)?;
        content.finish().map_err(what())
    })
}

impl Layer {
    /// Names the layer as messages do: "layer 2 (sha256:…)", counted from 1.
    pub fn name(&self) -> String {
        let position = self.positions.first().map_or(0, |position| position + 1);
        format!("layer {position} ({})", self.blob.digest)
    }
}

/// Undoes the compression of a layer and compares the DiffID at the end.
struct LayerReader<R: Read> {
    decoder: Decompressed<R>,
    hasher: Option<Hasher>,
    diff_id: Digest,
}

impl<R: Read> LayerReader<R> {
    fn new(stored: R, layer: &Layer) -> io::Result<Self> {
        let decoder = Decompressed::new(stored)?;
        // An uncompressed layer has one name, which the reader below compares.
        let is_same = decoder.compression() == Compression::None && layer.diff_id == layer.blob.digest;
        Ok(Self { decoder, hasher: (!is_same).then(Hasher::default), diff_id: layer.diff_id })
    }

    /// Reads the rest, so that everything is compared.
    fn finish(mut self) -> io::Result<()> {
        let mut buffer = vec![0; 256 << 10];
        while self.read(&mut buffer)? > 0 {}
        self.decoder.drain_compressed()
    }
}

impl<R: Read> Read for LayerReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(buffer)?;
        if count > 0 {
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&buffer[..count]);
            }
        } else if !buffer.is_empty()
            && let Some(hasher) = self.hasher.take()
        {
            let (digest, found) = (self.diff_id, hasher.finish());
            if found != digest {
                return Err(io::Error::new(io::ErrorKind::InvalidData, BlobFault::Mismatch { digest, found }));
            }
        }
        Ok(count)
    }
}
