//! The tar that loads an image, composed while it is sent.
//!
//! Two forms. Classic stores get what `docker save` writes: `manifest.json`, the config, and each layer as a plain tar,
//! checked against its DiffID as well as its digest. Plain, because 20.10 takes no zstd, and because dam undoes
//! compression several times faster than an engine does (and must, to check DiffIDs). Containerd's store gets an OCI
//! layout with the exact blobs, for there the digests of compressed layers are part of the image's identity.
//!
//! Sources: <https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md#combined-image-json--filesystem-changeset-format>
//! and <https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md>.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};

use dam_oci::{
    BlobFault, Compression, Config, Decompressed, Descriptor, Digest, Error, Hasher, Image, Index, visit_blobs,
};
use serde_json::json;

use crate::event::{Event, Reporter};
use crate::store::pump;

/// The annotation by which containerd names an image of a layout.
const NAME_ANNOTATION: &str = "io.containerd.image.name";

/// Which of the two forms an engine takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// What `docker save` writes, with plain layers.
    Plain,
    /// An OCI layout with the blobs as they are.
    Layout,
}

/// Everything about an archive that is known before its first byte.
pub(super) struct Archive<'a> {
    image: &'a dyn Image,
    form: Form,
    config: Vec<u8>,
    /// Layers to send, each once.
    layers: Vec<Layer>,
    /// Path of each layer in the archive, base first, sent or not.
    paths: Vec<String>,
    /// Name of the image in containerd's store.
    name: Option<String>,
}

struct Layer {
    blob: Descriptor,
    diff_id: Digest,
    path: String,
    /// Bytes as they are sent.
    size: u64,
}

impl<'a> Archive<'a> {
    /// Plans the archive of `image`. Layers that `left_out` names are named but not sent; a classic store names them by
    /// DiffID, containerd's by the digest of the blob. A compressed layer
    /// whose plain size `known` does not tell is read once only to count it: the size stands before the bytes in a tar.
    pub(super) fn plan(
        image: &'a dyn Image,
        form: Form,
        left_out: &BTreeSet<Digest>,
        known: &dyn Fn(Digest) -> Option<u64>,
        name: Option<String>,
    ) -> Result<Self, Error> {
        let (bytes, config) = dam_oci::config(image)?;
        let mut archive = Self { image, form, config: bytes, layers: Vec::new(), paths: Vec::new(), name };
        archive.add_layers(&config, left_out)?;
        if form == Form::Plain {
            archive.measure(known)?;
        }
        Ok(archive)
    }

    fn add_layers(&mut self, config: &Config, left_out: &BTreeSet<Digest>) -> Result<(), Error> {
        for (blob, &diff_id) in self.image.manifest().layers.iter().zip(&config.rootfs.diff_ids) {
            let (path, name) = match self.form {
                Form::Plain => (format!("{}/layer.tar", diff_id.hex()), diff_id),
                Form::Layout => (blob_path(blob.digest), blob.digest),
            };
            self.paths.push(path.clone());
            match self.layers.iter().find(|layer| layer.blob.digest == blob.digest) {
                Some(twin) if twin.diff_id != diff_id => {
                    let reason = format!("it gives layer {} two DiffIDs", blob.digest);
                    return Err(Error::damaged("image config", reason));
                }
                // The same content twice, or as two blobs: one entry serves both.
                Some(_) => {}
                None if self.form == Form::Plain && self.layers.iter().any(|layer| layer.diff_id == diff_id) => {}
                None if left_out.contains(&name) => {}
                None => self.layers.push(Layer { blob: blob.clone(), diff_id, path, size: blob.size }),
            }
        }
        Ok(())
    }

    /// Finds the plain size of each layer.
    fn measure(&mut self, known: &dyn Fn(Digest) -> Option<u64>) -> Result<(), Error> {
        let mut unknown = Vec::new();
        for layer in &mut self.layers {
            // A blob that is its own DiffID is not compressed.
            let plain = (layer.blob.digest == layer.diff_id).then_some(layer.blob.size);
            let told = || self.image.unpacked_size(&layer.blob).or_else(|| known(layer.diff_id));
            match plain.or_else(told) {
                Some(size) => layer.size = size,
                None => unknown.push(layer.blob.clone()),
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let layers = &mut self.layers;
        // Unchecked: what counts is checked when it is sent, and a wrong size is found then too.
        self.image.visit_unverified(&unknown, &mut |blob, reader| {
            let broken = |error| Error::stream(format!("layer {}", blob.digest))(error);
            let mut plain = Decompressed::new(reader).map_err(broken)?;
            let size = pump(&mut plain, &mut io::sink()).map_err(broken)?;
            layers.iter_mut().filter(|layer| layer.blob.digest == blob.digest).for_each(|layer| layer.size = size);
            Ok(())
        })
    }

    /// Returns the bytes of each layer that is sent, by its DiffID.
    pub(super) fn sizes(&self) -> BTreeMap<Digest, u64> {
        self.layers.iter().map(|layer| (layer.diff_id, layer.size)).collect()
    }

    /// Returns the bytes of all layers as they are sent.
    pub(super) fn size(&self) -> u64 {
        self.layers.iter().fold(0, |sum: u64, layer| sum.saturating_add(layer.size))
    }

    /// Writes the archive. Every blob is checked on its way, against its digest and against its DiffID.
    pub(super) fn write(&self, out: &mut dyn Write, reporter: &dyn Reporter) -> Result<(), Error> {
        let sent = Error::stream("the archive that is sent to the engine");
        self.write_head(out).map_err(sent)?;
        let wanted: Vec<Descriptor> = self.layers.iter().map(|layer| layer.blob.clone()).collect();
        let mut seen = 0;
        visit_blobs(self.image, &wanted, &mut |blob, reader| {
            let layer =
                self.layers.iter().find(|layer| layer.blob.digest == blob.digest).expect("only these are wanted");
            seen += 1;
            self.write_layer(layer, reader, &mut Reported { out, reporter })
        })?;
        if seen != self.layers.len() {
            return Err(Error::damaged("the image", "it did not give all of its layers"));
        }
        let sent = Error::stream("the archive that is sent to the engine");
        out.write_all(&[0; 1024]).and_then(|()| out.flush()).map_err(sent)
    }

    fn write_head(&self, out: &mut dyn Write) -> io::Result<()> {
        let digest = self.image.manifest().config.digest;
        let config_path = match self.form {
            Form::Plain => format!("{}.json", digest.hex()),
            Form::Layout => blob_path(digest),
        };
        // Without tags: they move only after the engine has proven to hold the image.
        let manifest = json!([{ "Config": config_path, "RepoTags": null, "Layers": self.paths }]);
        write_file(out, "manifest.json", manifest.to_string().as_bytes())?;
        if self.form == Form::Layout {
            let bytes = self.image.manifest_bytes();
            let mut index = Index::default();
            let mut descriptor = Descriptor::of(self.image.manifest().media_type(), bytes);
            descriptor.annotations = self.name.iter().map(|name| (NAME_ANNOTATION.to_owned(), name.clone())).collect();
            write_file(out, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
            write_file(out, &blob_path(descriptor.digest), bytes)?;
            index.manifests.push(descriptor);
            write_file(out, "index.json", &serde_json::to_vec(&index).map_err(io::Error::other)?)?;
        }
        write_file(out, &config_path, &self.config)
    }

    fn write_layer(&self, layer: &Layer, reader: &mut dyn Read, out: &mut Reported) -> Result<(), Error> {
        let what = || Error::stream(format!("layer {}", layer.blob.digest));
        out.out.write_all(header(&layer.path, layer.size).as_bytes()).map_err(what())?;
        match self.form {
            // The bytes go as they are; containerd checks DiffIDs when it unpacks.
            Form::Layout => drop(pump(reader, out).map_err(what())?),
            Form::Plain => {
                let plain = Decompressed::new(reader).map_err(what())?;
                // A plain blob that is its own DiffID was checked under that name already.
                let twice = plain.compression() != Compression::None || layer.blob.digest != layer.diff_id;
                let mut checked = Checked::new(plain, layer, twice);
                pump(&mut checked, out).map_err(what())?;
                checked.finish().map_err(what())?;
            }
        }
        out.out.write_all(&[0; 512][..padding(layer.size)]).map_err(what())
    }
}

/// Plain bytes of a layer on their way: never more than the header promised, and those of the DiffID.
struct Checked<R> {
    inner: R,
    diff_id: Digest,
    size: u64,
    passed: u64,
    hasher: Option<Hasher>,
}

impl<R: Read> Checked<R> {
    fn new(inner: R, layer: &Layer, hash: bool) -> Self {
        let hasher = hash.then(Hasher::default);
        Self { inner, diff_id: layer.diff_id, size: layer.size, passed: 0, hasher }
    }

    fn finish(self) -> io::Result<()> {
        let digest = self.diff_id;
        if self.passed < self.size {
            return Err(fault(BlobFault::Short { digest, missing: self.size - self.passed }));
        }
        match self.hasher.map(Hasher::finish) {
            Some(found) if found != digest => Err(fault(BlobFault::Mismatch { digest, found })),
            _ => Ok(()),
        }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.passed += count as u64;
        if self.passed > self.size {
            return Err(fault(BlobFault::Long { digest: self.diff_id, size: self.size }));
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        Ok(count)
    }
}

fn fault(fault: BlobFault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, fault)
}

/// Tells a reporter of the bytes that pass.
struct Reported<'a> {
    out: &'a mut dyn Write,
    reporter: &'a dyn Reporter,
}

impl Write for Reported<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.reporter.event(Event::Advanced { bytes: count as u64 });
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn blob_path(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn padding(size: u64) -> usize {
    // At most 511.
    (size.next_multiple_of(512) - size) as usize
}

fn header(path: &str, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_path(path).expect("the paths here are shorter than 100 bytes");
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    header
}

fn write_file(out: &mut dyn Write, path: &str, bytes: &[u8]) -> io::Result<()> {
    out.write_all(header(path, bytes.len() as u64).as_bytes())?;
    out.write_all(bytes)?;
    out.write_all(&[0; 512][..padding(bytes.len() as u64)])
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::io::Read;

    use dam_oci::testing::{ImageBuilder, MemoryImage};
    use dam_oci::{Digest, Image, Index};

    use super::{Archive, Form, NAME_ANNOTATION};
    use crate::event::Silent;

    /// Composes the archive of an image and returns its entries by name.
    fn entries(image: &MemoryImage, form: Form, left_out: &[Digest]) -> BTreeMap<String, Vec<u8>> {
        let left_out: BTreeSet<Digest> = left_out.iter().copied().collect();
        let name = Some("docker.io/library/shop:1".to_owned());
        let archive = Archive::plan(image, form, &left_out, &|_| None, name).expect("a sound image");
        let mut bytes = Vec::new();
        archive.write(&mut bytes, &Silent).expect("a sound image");
        assert_eq!(bytes.len() % 512, 0);
        let mut entries = BTreeMap::new();
        for entry in tar::Archive::new(&bytes[..]).entries().expect("a tar") {
            let mut entry = entry.expect("an entry");
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("memory does not fail");
            entries.insert(entry.path().expect("a path").display().to_string(), content);
        }
        entries
    }

    /// An image of three layers, of which two are the same.
    fn image() -> MemoryImage {
        ImageBuilder::new().file("a", 0o644, "a").layer().layer().build()
    }

    fn json(bytes: &[u8]) -> serde_json::Value {
        serde_json::from_slice(bytes).expect("JSON")
    }

    #[test]
    fn the_plain_form_names_every_layer_and_sends_each_once() {
        let image = image();
        let layers: Vec<Digest> = image.manifest().layers.iter().map(|layer| layer.digest).collect();
        let path = |at: usize| format!("{}/layer.tar", layers[at].hex());
        let sent = entries(&image, Form::Plain, &[]);
        let manifest = json(&sent["manifest.json"]);
        assert_eq!(manifest[0]["Layers"], serde_json::json!([path(0), path(1), path(2)]));
        assert_eq!(manifest[0]["RepoTags"], serde_json::Value::Null);
        assert_eq!(Digest::of(&sent[manifest[0]["Config"].as_str().expect("a path")]), image.manifest().config.digest);
        assert_eq!((sent.len(), path(1)), (4, path(2)));
        assert_eq!(Digest::of(&sent[&path(0)]), layers[0]);

        let sent = entries(&image, Form::Plain, &layers[..1]);
        assert_eq!(json(&sent["manifest.json"]), manifest);
        assert!(!sent.contains_key(&path(0)) && sent.contains_key(&path(1)));
    }

    #[test]
    fn the_layout_has_the_exact_manifest_and_blobs() {
        let image = image();
        let sent = entries(&image, Form::Layout, &[]);
        let index: Index = serde_json::from_slice(&sent["index.json"]).expect("an index");
        let [manifest] = &index.manifests[..] else { panic!("one manifest: {index:?}") };
        assert_eq!(manifest.annotations[NAME_ANNOTATION], "docker.io/library/shop:1");
        let blob = |digest: Digest| &sent[&format!("blobs/sha256/{}", digest.hex())];
        assert_eq!(blob(manifest.digest), image.manifest_bytes());
        for named in image.manifest().layers.iter().chain([&image.manifest().config]) {
            assert_eq!(Digest::of(blob(named.digest)), named.digest);
        }
        assert_eq!(sent["oci-layout"], br#"{"imageLayoutVersion":"1.0.0"}"#);
        assert_eq!(json(&sent["manifest.json"])[0]["Layers"].as_array().map(Vec::len), Some(3));
    }
}
