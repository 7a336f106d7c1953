//! An OCI layout in a tar that arrives as a stream: its documents and small blobs are kept, its layers pass once.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::archive::cursor::{Cursor, StreamedImage};
use crate::archive::docker::Saved;
use crate::archive::name::clean_member;
use crate::archive::oci::{LINE_LIMIT, for_this_machine, member_name, name_of};
use crate::archive::tape::Tape;
use crate::archive::{ArchiveFault, ArchivedImage, show};
use crate::media_type::is_manifest;
use crate::{Compression, Descriptor, Digest, Error, Index, JSON_LIMIT, Manifest, Result, VerifyingReader};

/// The most that documents, manifests and configs of a stream may take together, in bytes: they are kept in memory.
pub const SMALL_LIMIT: u64 = 64 << 20;

/// The documents of an archive that arrives as a stream: all that stands before its first blob.
pub struct StreamedDocuments {
    documents: BTreeMap<String, Vec<u8>>,
    small: Small,
}

impl StreamedDocuments {
    /// Reads the documents. `what` names the stream in errors.
    ///
    /// # Errors
    /// [`Error::Lost`] where the stream cannot be read, [`ArchiveFault::Unordered`] where it is an archive whose images are
    /// not listed in front, and otherwise as [`super::Archive::open`].
    pub fn open(what: &str, stream: Box<dyn Read + Send>) -> Result<Self> {
        let mut small = Small { tape: Tape::open(what, stream)?, left: SMALL_LIMIT, blobs: BTreeMap::new() };
        Ok(Self { documents: small.documents()?, small })
    }

    /// Returns a document such as `dam.json` or `app_list`; `None` if there is none of that name.
    pub fn document(&self, name: &str) -> Option<&[u8]> {
        self.documents.get(name).map(Vec::as_slice)
    }

    /// Reads manifests and configs, up to the first layer.
    ///
    /// # Errors
    /// As [`StreamedDocuments::open`].
    pub fn into_archive(self) -> Result<StreamedArchive> {
        let Self { documents, mut small } = self;
        let what = small.tape.what().to_owned();
        let index: Index = parse(&what, "index.json", &documents["index.json"])?;
        if index.manifests.len() > LINE_LIMIT {
            let (name, limit) = ("index.json".to_owned(), LINE_LIMIT);
            return Err(small.tape.refuse(ArchiveFault::Lines { name, limit }));
        }
        let mut manifests: Vec<(Digest, Vec<u8>, Manifest)> = Vec::new();
        for entry in for_this_machine(&index.manifests) {
            if !manifests.iter().any(|(known, ..)| *known == entry.digest) {
                let (bytes, manifest) = small.manifest(entry)?;
                manifests.push((entry.digest, bytes, manifest));
            }
        }
        let Small { tape, blobs, .. } = small;
        let compression = tape.compression();
        let layers = layers(&what, &blobs, manifests.iter().map(|(.., manifest)| manifest))?;
        let cursor = Arc::new(Cursor::new(tape, blobs, layers));
        let image = |(manifest, bytes, parsed)| {
            let image = Arc::new(StreamedImage { cursor: Arc::clone(&cursor), bytes, manifest: parsed });
            ArchivedImage { references: Vec::new(), unreadable: Vec::new(), manifest, absent: Vec::new(), image }
        };
        let mut images: Vec<ArchivedImage> = manifests.into_iter().map(image).collect();
        name_images(&what, &index, &documents, &mut images)?;
        Ok(StreamedArchive { documents, images, compression, cursor })
    }
}

/// An archive that arrives as a stream and is read once, from front to back; plain or compressed with gzip or zstd as a
/// whole.
///
/// The order must be that of dam's bundles: files without a folder first, `index.json` among them; then manifest and
/// config of each image; then the layers, image by image, base first; each blob at its first place only. What comes in
/// another order is refused. Of all members, only the layers are of any size, and they are never kept: memory does not grow
/// with the stream.
///
/// The images share the stream. Each visit of their layers goes forward only; what has passed is [`Error::PassedBlob`],
/// told before the first blob of the visit. A reader of a single layer has the stream for itself while it lives.
pub struct StreamedArchive {
    documents: BTreeMap<String, Vec<u8>>,
    images: Vec<ArchivedImage>,
    compression: Compression,
    cursor: Arc<Cursor>,
}

impl StreamedArchive {
    /// Returns the images, in the order of the archive.
    pub fn images(&self) -> &[ArchivedImage] {
        &self.images
    }

    /// Returns a document such as `dam.json` or `app_list`; `None` if there is none of that name.
    pub fn document(&self, name: &str) -> Option<&[u8]> {
        self.documents.get(name).map(Vec::as_slice)
    }

    /// Returns how the stream is compressed as a whole.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Compares from now on the digests of layers that nobody wants, too. Otherwise only their sizes are looked at.
    pub fn hash_skipped(&self) {
        self.cursor.hash_skipped();
    }

    /// Passes over all layers that are left, up to the mark at the end of the tar. No reader of a layer may live.
    ///
    /// # Errors
    /// Those of a damaged archive: every layer must come, nothing else may, and the tar must have its end.
    pub fn pass_rest(&self) -> Result<()> {
        self.cursor.pass_rest()
    }

    /// After [`StreamedArchive::pass_rest`], reads to the end of the stream, where nothing but zeros may be.
    ///
    /// # Errors
    /// [`ArchiveFault::Trailing`], and [`ArchiveFault::Compression`] where the compression around it has a bad end.
    pub fn drain(&self) -> Result<()> {
        self.cursor.drain()
    }
}

/// What is read into memory before the first layer.
struct Small {
    tape: Tape,
    /// Bytes that may still be kept.
    left: u64,
    blobs: BTreeMap<Digest, Vec<u8>>,
}

impl Small {
    /// Reads the files before the first blob.
    fn documents(&mut self) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut documents: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        while let Some((name, size)) = self.tape.peek()? {
            let has_index = documents.contains_key("index.json");
            match name.contains('/') {
                true if has_index => return Ok(documents),
                true => return Err(self.tape.refuse(ArchiveFault::Unordered)),
                // The layer of an archive in another form.
                false if !has_index && size > self.left => return Err(self.tape.refuse(ArchiveFault::Unordered)),
                false => self.count(&name, size)?,
            }
            let bytes = self.tape.read_next()?;
            if documents.insert(name.clone(), bytes).is_some() {
                return Err(self.tape.refuse(ArchiveFault::Duplicate { name }));
            }
        }
        match (documents.contains_key("index.json"), documents.contains_key("manifest.json")) {
            (true, _) => Ok(documents),
            (false, true) => Err(self.tape.refuse(ArchiveFault::Unordered)),
            (false, false) => Err(self.tape.refuse(ArchiveFault::NoManifest)),
        }
    }

    /// Reads a manifest and its config.
    fn manifest(&mut self, entry: &Descriptor) -> Result<(Vec<u8>, Manifest)> {
        if !is_manifest(&entry.media_type) {
            let what = format!("`{}` in {}", entry.media_type, self.tape.what());
            return Err(Error::Unsupported { what });
        }
        self.blob("manifest", entry)?;
        let bytes = self.blobs[&entry.digest].clone();
        let manifest: Manifest = parse(self.tape.what(), "manifest", &bytes)?;
        self.blob("image config", &manifest.config)?;
        Ok((bytes, manifest))
    }

    /// Reads a small blob and checks it, unless it has come before.
    fn blob(&mut self, what: &str, blob: &Descriptor) -> Result<()> {
        if self.blobs.contains_key(&blob.digest) {
            return Ok(());
        }
        let name = member_name(blob.digest);
        if blob.size > JSON_LIMIT {
            return Err(self.tape.refuse(ArchiveFault::Large { name, size: blob.size, limit: JSON_LIMIT }));
        }
        self.count(&name, blob.size)?;
        self.tape.expect(what, &name, blob.size)?;
        let mut bytes = Vec::new();
        match VerifyingReader::new(&mut self.tape, blob).read_to_end(&mut bytes).map_err(Error::stream(what)) {
            Ok(_) => {}
            Err(Error::Blob(fault)) => {
                return Err(self.tape.refuse(ArchiveFault::Blob { what: what.to_owned(), fault }));
            }
            Err(error) => return Err(error),
        }
        self.blobs.insert(blob.digest, bytes);
        Ok(())
    }

    /// Counts what is about to be kept.
    fn count(&mut self, name: &str, size: u64) -> Result<()> {
        if size > self.left {
            let fault = ArchiveFault::Large { name: show(name.as_bytes()), size, limit: self.left };
            return Err(self.tape.refuse(fault));
        }
        self.left -= size;
        Ok(())
    }
}

/// Lists the layers in the order they must come.
fn layers<'a>(
    what: &str,
    small: &BTreeMap<Digest, Vec<u8>>,
    manifests: impl Iterator<Item = &'a Manifest>,
) -> Result<Vec<Descriptor>> {
    let mut sizes = BTreeMap::new();
    let mut layers = Vec::new();
    for layer in manifests.flat_map(|manifest| &manifest.layers).filter(|layer| !small.contains_key(&layer.digest)) {
        match sizes.insert(layer.digest, layer.size) {
            None => layers.push(Descriptor::new(&layer.media_type, layer.digest, layer.size)),
            Some(size) if size == layer.size => {}
            Some(size) => {
                let reason = format!("the layer {} has {size} and {} bytes in it", layer.digest, layer.size);
                return Err(Error::damaged(what, reason));
            }
        }
    }
    Ok(layers)
}

/// Gives the images the names of `index.json` and `manifest.json`, which must know no other image.
fn name_images(
    what: &str,
    index: &Index,
    documents: &BTreeMap<String, Vec<u8>>,
    images: &mut [ArchivedImage],
) -> Result<()> {
    for entry in for_this_machine(&index.manifests) {
        let image = images.iter_mut().find(|image| image.manifest == entry.digest).expect("made of the same index");
        name_of(entry).into_iter().for_each(|name| image.name(&name));
    }
    let Some(bytes) = documents.get("manifest.json") else { return Ok(()) };
    let saved: Vec<Saved> = parse(what, "manifest.json", bytes)?;
    let refuse = |fault| Error::Archive { what: what.to_owned(), fault };
    if saved.iter().map(|saved| 1 + saved.repo_tags.as_ref().map_or(0, Vec::len)).sum::<usize>() > LINE_LIMIT {
        return Err(refuse(ArchiveFault::Lines { name: "manifest.json".to_owned(), limit: LINE_LIMIT }));
    }
    for saved in saved {
        let config = clean_member(saved.config.as_bytes()).ok();
        let is_it = |image: &ArchivedImage| config == Some(member_name(image.image.manifest().config.digest));
        let Some(at) = images.iter().position(is_it) else {
            let (what, name) = ("image config".to_owned(), show(saved.config.as_bytes()));
            return Err(refuse(ArchiveFault::Missing { what, name }));
        };
        saved.repo_tags.iter().flatten().for_each(|name| images[at].name(name));
    }
    Ok(())
}

fn parse<T: DeserializeOwned>(what: &str, document: &str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|source| Error::Json { what: format!("`{document}` in {what}"), source })
}
