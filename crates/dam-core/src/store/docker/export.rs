//! An engine's image as a value.
//!
//! An engine can only stream a whole image, with plain layers. The layers pass through the cache, which compresses them;
//! when it has them all, the engine is not asked. Read are the archives of classic stores, by name for engines before
//! 25 (`<id>/layer.tar`) and by digest for later ones (`blobs/sha256/<digest>`), the OCI layouts of containerd's, and
//! those of Podman (`<digest>.tar`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::Arc;

use dam_oci::{Compression, Config, Decompressed, Descriptor, Digest, Hasher, Image, JSON_LIMIT, Manifest, media_type};

use super::client::{Ask, Client};
use super::error::DockerError;
use super::{DockerStore, images};
use crate::cache::{Cache, CachedLayer};
use crate::event::{Event, Reporter, Silent, Watched};
use crate::host::Cancel;
use crate::store::{ImageId, Store, StoredImage, pump};
use crate::{Error, Result};

/// Bytes of small files that are kept while an export passes, to find config and manifest among them.
const SMALL_FILES_LIMIT: u64 = 16 << 20;

/// How many images are asked for at once: their names stand in one line of a request.
const TOGETHER: usize = 200;

impl DockerStore {
    /// Gets the layers and configs of images into the cache, as far as they are not there: one stream for many images, in
    /// which what they share is once.
    pub(super) fn fetch_images(&self, ids: &[ImageId], cancel: &Cancel, reporter: &dyn Reporter) -> Result<()> {
        let once: BTreeSet<ImageId> = ids.iter().copied().collect();
        let mut missing = Vec::new();
        for id in once {
            cancel.check()?;
            let stored = self.find_id(id)?.ok_or(Error::NoImage(id))?;
            let lacking = self.lacking(&stored.diff_ids)?;
            if !lacking.is_empty() || self.source(stored.id, None).cached_config().is_none() {
                missing.push((stored, lacking));
            }
        }
        missing.chunks(TOGETHER).try_for_each(|some| self.fetch_together(some, cancel, reporter))
    }

    /// Returns the layers that the cache lacks.
    fn lacking(&self, diff_ids: &[Digest]) -> Result<BTreeSet<Digest>> {
        let mut lacking = BTreeSet::new();
        for &diff_id in diff_ids {
            if self.cache.layer(diff_id)?.is_none() {
                lacking.insert(diff_id);
            }
        }
        Ok(lacking)
    }

    fn fetch_together(
        &self,
        images: &[(StoredImage, BTreeSet<Digest>)],
        cancel: &Cancel,
        reporter: &dyn Reporter,
    ) -> Result<()> {
        let sources = images.iter().map(|(stored, _)| self.source(stored.id, Some(stored.size)));
        let sources: Vec<Source> = sources.collect();
        let lacking: BTreeSet<Digest> = images.iter().flat_map(|(_, lacking)| lacking).copied().collect();
        let all = images.iter().flat_map(|(stored, _)| &stored.diff_ids);
        let mut sizes = BTreeSet::new();
        for &diff_id in all.filter(|diff_id| !lacking.contains(diff_id)) {
            sizes.extend(self.cache.layer(diff_id)?.map(|layer| layer.unpacked));
        }
        let wish = Wish { images: &sources, missing: &lacking, sizes: &sizes, cancel: Some(cancel) };
        let export = wish.export(reporter)?;
        // What this stream did not bring is asked for once more when the image is opened.
        for source in &sources {
            _ = source.exported_config(&export);
        }
        Ok(())
    }

    fn source(&self, id: ImageId, size: Option<u64>) -> Source {
        Source { client: Arc::clone(&self.client), cache: self.cache.clone(), id, size }
    }

    pub(super) fn image_value(&self, id: ImageId, reporter: &dyn Reporter) -> Result<Box<dyn Image>> {
        let name = id.to_string();
        let inspected = self.inspect(&name)?.ok_or(Error::NoImage(id))?;
        let size = u64::try_from(inspected.size).ok();
        let id = images::read_id(&inspected.id, "inspect an image")?;
        let source = self.source(id, size);
        let wanted: Vec<Digest> = self.stored(inspected)?.diff_ids;
        Ok(Box::new(source.image(&wanted, reporter)?))
    }
}

/// Where the blobs of an image come from: the cache, else the engine.
struct Source {
    client: Arc<Client>,
    cache: Cache,
    id: ImageId,
    /// Bytes of the image as the engine counts them.
    size: Option<u64>,
}

/// What an export brought.
#[derive(Default)]
struct Export {
    layers: BTreeMap<Digest, CachedLayer>,
    /// Small files by digest: the config is among them, and the manifest of containerd's stores.
    small: BTreeMap<Digest, Vec<u8>>,
    /// A layer that was taken for a cached one because of its size, and was another.
    mistaken: bool,
}

impl Source {
    fn image(self, diff_ids: &[Digest], reporter: &dyn Reporter) -> Result<ExportedImage> {
        let mut layers = BTreeMap::new();
        for &diff_id in diff_ids {
            if let Some(layer) = self.cache.layer(diff_id)? {
                layers.insert(diff_id, layer.descriptor);
            }
        }
        let missing: BTreeSet<Digest> = diff_ids.iter().copied().filter(|id| !layers.contains_key(id)).collect();
        let config = self.cached_config();
        let config = match config {
            Some(config) if missing.is_empty() => config,
            _ => {
                let export = self.export(&missing, &layers, reporter)?;
                layers.extend(export.layers.iter().map(|(&diff_id, layer)| (diff_id, layer.descriptor.clone())));
                self.exported_config(&export)?
            }
        };
        self.assemble(config, layers)
    }

    fn assemble(self, config: Vec<u8>, layers: BTreeMap<Digest, Descriptor>) -> Result<ExportedImage> {
        let what = || format!("image config {}", Digest::of(&config));
        let parsed: Config =
            serde_json::from_slice(&config).map_err(|source| dam_oci::Error::Json { what: what(), source })?;
        let mut found = Vec::new();
        for &diff_id in &parsed.rootfs.diff_ids {
            let layer = layers.get(&diff_id).ok_or_else(|| self.lacks(format!("layer {diff_id}")))?;
            found.push((layer.clone(), diff_id));
        }
        let blobs = found.iter().map(|(layer, _)| layer.clone()).collect();
        let manifest = Manifest::new(Descriptor::of(media_type::CONFIG, &config), blobs);
        Ok(ExportedImage { bytes: manifest.to_bytes(), manifest, config, layers: found, source: self })
    }

    /// Streams the image out of the engine and puts the layers of `missing` into the cache. `known` are those that need
    /// not be compressed again.
    fn export(
        &self,
        missing: &BTreeSet<Digest>,
        known: &BTreeMap<Digest, Descriptor>,
        reporter: &dyn Reporter,
    ) -> Result<Export> {
        let mut sizes = BTreeSet::new();
        for &diff_id in known.keys() {
            sizes.extend(self.cache.layer(diff_id)?.map(|layer| layer.unpacked));
        }
        let images = std::slice::from_ref(self);
        let wish = Wish { images, missing, sizes: &sizes, cancel: None };
        let export = wish.export(reporter)?;
        let complete = |export: &Export| missing.iter().all(|diff_id| export.layers.contains_key(diff_id));
        if complete(&export) || !export.mistaken {
            return Ok(export);
        }
        Wish { sizes: &BTreeSet::new(), ..wish }.export(reporter)
    }

    /// Finds the config: by the image id in classic stores; in containerd's the id names a manifest or an index. What stands
    /// between comes before it.
    fn documents(&self, find: &dyn Fn(Digest) -> Option<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        let (mut digest, mut documents) = (self.id.0, Vec::new());
        // An index, a manifest, a config: never deeper.
        for _ in 0..3 {
            let bytes = find(digest).ok_or_else(|| self.lacks(format!("blob {digest}")))?;
            let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
            documents.push(bytes);
            let named = [document.pointer("/config/digest"), document.pointer("/manifests/0/digest")];
            match named.into_iter().flatten().find_map(|digest| digest.as_str()?.parse().ok()) {
                Some(next) => digest = next,
                None => return Ok(documents),
            }
        }
        Err(self.lacks("a config".to_owned()))
    }

    /// Returns the config, if the cache has it and what leads to it.
    fn cached_config(&self) -> Option<Vec<u8>> {
        self.documents(&|digest| self.cache.config(digest).or_else(|| self.cache.manifest(digest))).ok()?.pop()
    }

    /// Finds the config in an export, and keeps it.
    fn exported_config(&self, export: &Export) -> Result<Vec<u8>> {
        let mut documents = self.documents(&|digest| export.small.get(&digest).cloned())?;
        let config = documents.pop().ok_or_else(|| self.lacks("a config".to_owned()))?;
        self.cache.put_config(&config);
        // What containerd's store holds under this id, for later loads to count on.
        documents.iter().for_each(|document| self.cache.put_manifest(document));
        Ok(config)
    }

    fn lacks(&self, what: String) -> Error {
        DockerError::Export { image: self.id.0, what }.into()
    }
}

/// What is asked of an engine at once.
#[derive(Clone, Copy)]
struct Wish<'a> {
    /// The images; all of one engine, at least one.
    images: &'a [Source],
    /// The layers that are to go into the cache.
    missing: &'a BTreeSet<Digest>,
    /// Plain lengths of layers the cache has: a file of such a length is most likely one of them and is only hashed. Where
    /// that was wrong, [`Export::mistaken`] says so.
    sizes: &'a BTreeSet<u64>,
    /// The wish to stop, where the stream is not watched from above.
    cancel: Option<&'a Cancel>,
}

impl Wish<'_> {
    fn ask(&self) -> Ask {
        match self.images {
            [image] => Ask::new(format!("export image {}", image.id.0.short()), format!("images/{}/get", image.id)),
            images => {
                let ask = Ask::new(format!("export {} images", images.len()), "images/get");
                images.iter().fold(ask, |ask, image| ask.with("names", &image.id.to_string()))
            }
        }
    }

    fn export(&self, reporter: &dyn Reporter) -> Result<Export> {
        let Source { client, cache, id, size } = &self.images[0];
        let answer = client.get(&self.ask())?.found()?.ok_or(Error::NoImage(*id))?;
        let (doing, reader) = answer.into_reader();
        // Of several images the engine tells only lengths in which what they share counts for each.
        let total = size.filter(|_| self.images.len() == 1);
        reporter.event(Event::Started { what: &doing, total });
        let reader = self.cancel.cloned().unwrap_or_default().watch(reader);
        let mut archive = tar::Archive::new(Watched::new(reader, reporter));
        let mut take = Take { cache, missing: self.missing, sizes: self.sizes, export: Export::default(), small: 0 };
        let broke_off = |source| Error::from(DockerError::BrokeOff { doing: doing.clone(), source });
        let result = archive.entries().map_err(broke_off).and_then(|entries| {
            for entry in entries {
                take.entry(&mut entry.map_err(broke_off)?)?;
            }
            Ok(())
        });
        reporter.event(Event::Finished);
        // To the end, so that the connection can be used again.
        result.and_then(|()| pump(&mut archive.into_inner(), &mut io::sink()).map_err(broke_off))?;
        Ok(take.export)
    }
}

/// Takes from an export what is wanted.
struct Take<'a> {
    cache: &'a Cache,
    missing: &'a BTreeSet<Digest>,
    sizes: &'a BTreeSet<u64>,
    export: Export,
    small: u64,
}

impl Take<'_> {
    fn entry(&mut self, entry: &mut tar::Entry<impl Read>) -> Result<()> {
        if !entry.header().entry_type().is_file() {
            return Ok(());
        }
        let size = entry.size();
        let path = entry.path_bytes().into_owned();
        let path = String::from_utf8_lossy(&path);
        if path.ends_with("layer.tar") {
            return self.layer(entry, size, None);
        }
        let blob = path.strip_prefix("blobs/sha256/").or(path.strip_suffix(".tar"));
        let blob = blob.and_then(|hex| Digest::from_hex(hex).ok());
        match blob {
            Some(digest) if self.missing.contains(&digest) => self.layer(entry, size, Some(digest)),
            _ => self.other(entry, size, blob.is_some()),
        }
    }

    fn layer(&mut self, reader: &mut dyn Read, size: u64, expected: Option<Digest>) -> Result<()> {
        if self.missing.is_empty() {
            return Ok(());
        }
        if expected.is_none() && self.sizes.contains(&size) {
            let mut hasher = Hasher::default();
            pump(reader, &mut hasher).map_err(dam_oci::Error::stream("an exported layer"))?;
            self.export.mistaken |= self.missing.contains(&hasher.finish());
            return Ok(());
        }
        let layer = self.cache.put_layer(reader, expected)?;
        self.export.layers.insert(layer.diff_id, layer);
        Ok(())
    }

    /// A small file is kept; a large blob is a compressed layer of containerd's store, or a plain one not wanted.
    fn other(&mut self, reader: &mut dyn Read, size: u64, is_blob: bool) -> Result<()> {
        let broken = || dam_oci::Error::stream("a file of the export");
        if size > JSON_LIMIT || self.small + size > SMALL_FILES_LIMIT {
            return if is_blob { self.compressed(reader) } else { Ok(()) };
        }
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(broken())?;
        if is_blob && Compression::detect(&bytes) != Compression::None {
            return self.compressed(&mut &bytes[..]);
        }
        self.small += size;
        self.export.small.insert(Digest::of(&bytes), bytes);
        Ok(())
    }

    fn compressed(&mut self, reader: &mut dyn Read) -> Result<()> {
        let mut plain = Decompressed::new(reader).map_err(dam_oci::Error::stream("an exported layer"))?;
        // A plain blob goes by its digest, which says that this one is not wanted.
        if plain.compression() == Compression::None { Ok(()) } else { self.layer(&mut plain, u64::MAX, None) }
    }
}

/// An image of an engine, with layers from the cache.
struct ExportedImage {
    bytes: Vec<u8>,
    manifest: Manifest,
    config: Vec<u8>,
    /// Layers and their DiffIDs.
    layers: Vec<(Descriptor, Digest)>,
    source: Source,
}

impl ExportedImage {
    /// Opens a layer. Files are not kept open, as there may be many images; one that is gone from the cache is exported
    /// once more, and compressed to the same bytes.
    fn layer(&self, diff_id: Digest) -> Result<Option<CachedLayer>> {
        match self.source.cache.layer(diff_id)? {
            Some(layer) => Ok(Some(layer)),
            None => {
                let mut export = self.source.export(&BTreeSet::from([diff_id]), &BTreeMap::new(), &Silent)?;
                Ok(export.layers.remove(&diff_id))
            }
        }
    }
}

impl Image for ExportedImage {
    fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open_unverified(&self, blob: &Descriptor) -> dam_oci::Result<Box<dyn Read + Send + '_>> {
        if blob.digest == self.manifest.config.digest {
            return Ok(Box::new(&self.config[..]));
        }
        let missing = || dam_oci::Error::MissingBlob { digest: blob.digest };
        let (_, diff_id) = self.layers.iter().find(|(layer, _)| layer.digest == blob.digest).ok_or_else(missing)?;
        match self.layer(*diff_id) {
            Ok(layer) => Ok(layer.ok_or_else(missing)?.open()),
            Err(Error::Oci(error)) => Err(error),
            Err(Error::Access { path, source }) => Err(dam_oci::Error::Access { path, source }),
            Err(other) => {
                Err(dam_oci::Error::Stream { what: format!("layer {diff_id}"), source: io::Error::other(other) })
            }
        }
    }
}
