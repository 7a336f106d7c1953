//! An image whose layers are in the form they are to have in a file.

use std::collections::BTreeMap;
use std::io::{self, Read};

use dam_oci::{
    Decompressed, Descriptor, Digest, Error, Image, Layer, LayerNotes, Manifest, Result, Survey, VerifyingReader,
    decompress, layers, media_type, visit_layers,
};

use super::{Cache, CachedLayer, Form, Level};
use crate::event::{Event, Reporter, Watched};

/// Bytes that are looked at together.
const PIECE: usize = 256 << 10;

/// Which form layers get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Raw layers become zstd. What came compressed stays byte for byte, but where a level is given: layers that dam itself
    /// compressed get that level.
    Zstd(Option<Level>),
    /// All but gzip layers become gzip, for engines that take no zstd.
    Gzip,
    /// Raw layers become gzip, which every engine takes. What came compressed stays byte for byte.
    GzipRaw,
    /// All layers become raw.
    Raw,
    /// All layers stay byte for byte, for what must be the same as in its registry.
    Kept,
}

impl Default for Packing {
    fn default() -> Self {
        Self::Zstd(None)
    }
}

/// What becomes of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It stays byte for byte.
    Stays,
    /// It is unpacked while it is read.
    Unpacked,
    /// It comes from the cache.
    Cached(Form),
}

impl Packing {
    /// Tells whether an image would not stay byte for byte.
    pub(crate) fn changes(self, image: &dyn Image) -> bool {
        image.manifest().layers.iter().any(|layer| self.fate(layer) != Fate::Stays)
    }

    fn fate(self, layer: &Descriptor) -> Fate {
        let kind = Kind::of(layer);
        match self {
            Self::Kept => Fate::Stays,
            Self::Raw if kind == Kind::Raw => Fate::Stays,
            Self::Raw => Fate::Unpacked,
            Self::GzipRaw if kind != Kind::Raw => Fate::Stays,
            Self::GzipRaw => Fate::Cached(Form::Gzip),
            Self::Gzip if kind == Kind::Gzip => Fate::Stays,
            Self::Gzip => Fate::Cached(Form::Gzip),
            Self::Zstd(level) if kind == Kind::Raw => Fate::Cached(Form::Zstd(level.unwrap_or_default())),
            // Only dam notes lengths: a zstd layer with such a note was raw when dam found it.
            Self::Zstd(Some(level)) if kind == Kind::Zstd && LayerNotes::read(layer).unpacked_size.is_some() => {
                Fate::Cached(Form::Zstd(level))
            }
            Self::Zstd(_) => Fate::Stays,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Raw,
    Gzip,
    Zstd,
    Other,
}

impl Kind {
    fn of(layer: &Descriptor) -> Self {
        match layer.media_type.as_str() {
            media_type::LAYER | media_type::DOCKER_LAYER => Self::Raw,
            media_type::LAYER_GZIP | media_type::DOCKER_LAYER_GZIP => Self::Gzip,
            media_type::LAYER_ZSTD => Self::Zstd,
            _ => Self::Other,
        }
    }
}

/// An image whose layers have the form of a [`Packing`].
///
/// The config stays byte for byte, and so does the manifest where no layer changes. The unpacked length of every layer is
/// known. Whoever reads a damaged layer of the cache out of it learns that from [`dam_oci::blob`], as with any image, and may
/// [`Cache::discard`] it.
pub struct Packed {
    image: Box<dyn Image>,
    cache: Cache,
    bytes: Vec<u8>,
    manifest: Manifest,
    /// Layers that are not as they were, by their new digests.
    changed: BTreeMap<Digest, Changed>,
    /// What is known of the layers, by their new digests.
    notes: BTreeMap<Digest, LayerNotes>,
}

/// A layer that is not as it was.
struct Changed {
    layer: Layer,
    fate: Fate,
}

impl Packed {
    /// Compresses what the cache does not have yet, and unpacks what nobody knows the length of; each layer once, in the
    /// order that is cheapest to read.
    pub fn new(image: Box<dyn Image>, packing: Packing, cache: &Cache, reporter: &dyn Reporter) -> crate::Result<Self> {
        let layers = layers(&*image)?;
        if let Some(layer) = layers.iter().find(|it| Kind::of(&it.blob) == Kind::Raw && it.blob.digest != it.diff_id) {
            let reason = format!("the manifest has {} where the config has {}", layer.blob.digest, layer.diff_id);
            return Err(Error::damaged("image", reason).into());
        }
        fill(&*image, &layers, packing, cache, reporter)?;
        let mut notes = survey(&*image, &layers, packing, cache, reporter)?;
        let mut manifest = image.manifest().clone();
        let mut changed = BTreeMap::new();
        for layer in layers {
            let fate = packing.fate(&layer.blob);
            let new = match fate {
                Fate::Stays => continue,
                Fate::Unpacked => {
                    let size = notes[&layer.diff_id].unpacked_size.unwrap_or_default();
                    let raw = Descriptor::new(media_type::LAYER, layer.diff_id, size);
                    Descriptor { annotations: notes[&layer.diff_id].annotations(), ..raw }
                }
                Fate::Cached(form) => lookup(&*image, &layer, form, cache)?.descriptor,
            };
            notes.insert(layer.diff_id, LayerNotes::read(&new));
            for &position in &layer.positions {
                let mut annotations = std::mem::take(&mut manifest.layers[position].annotations);
                annotations.extend(new.annotations.clone());
                manifest.layers[position] = Descriptor { annotations, ..new.clone() };
            }
            changed.insert(new.digest, Changed { layer, fate });
        }
        if !changed.is_empty() {
            into_oci(&mut manifest);
        }
        let same = manifest == *image.manifest();
        let bytes = if same { image.manifest_bytes().to_vec() } else { manifest.to_bytes() };
        let diff_ids = dam_oci::config(&*image)?.1.rootfs.diff_ids;
        let notes =
            manifest.layers.iter().zip(&diff_ids).map(|(layer, id)| (layer.digest, notes[id].clone())).collect();
        Ok(Self { image, cache: cache.clone(), bytes, manifest, changed, notes })
    }

    /// Shows the image with all that is known of its layers in the manifest, so that [`dam_oci::subtree`] need not look for
    /// it. The bytes of the manifest are still the right ones.
    pub fn noted(&self) -> impl Image + '_ {
        let mut manifest = self.manifest.clone();
        for layer in &mut manifest.layers {
            layer.annotations.extend(self.notes[&layer.digest].annotations());
        }
        Noted { packed: self, manifest }
    }

    fn open_changed(&self, Changed { layer, fate }: &Changed) -> Result<Box<dyn Read + Send + '_>> {
        match fate {
            // Looked up again instead of kept open: a bundle of many apps would run out of file handles. Should the file
            // be gone by now, compressing once more gives the same bytes.
            Fate::Cached(form) => {
                Ok(lookup(&*self.image, layer, *form, &self.cache).map_err(as_oci)?.open_unverified())
            }
            Fate::Unpacked => {
                let packed = self.image.open_unverified(&layer.blob)?;
                let (_, plain) = decompress(packed).map_err(Error::stream(layer.name()))?;
                Ok(plain)
            }
            Fate::Stays => self.image.open_unverified(&layer.blob),
        }
    }
}

impl Image for Packed {
    fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open_unverified(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>> {
        match self.changed.get(&blob.digest) {
            Some(changed) => self.open_changed(changed),
            None => self.image.open_unverified(blob),
        }
    }

    fn unpacked_size(&self, layer: &Descriptor) -> Option<u64> {
        self.notes.get(&layer.digest)?.unpacked_size
    }

    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> Result<()>,
    ) -> Result<()> {
        let is_changed = |blob: &&Descriptor| self.changed.contains_key(&blob.digest);
        let others: Vec<Descriptor> = wanted.iter().filter(|blob| !is_changed(blob)).cloned().collect();
        if !others.is_empty() {
            self.image.visit_unverified(&others, visit)?;
        }
        wanted.iter().filter(is_changed).try_for_each(|blob| visit(blob, &mut *self.open_unverified(blob)?))
    }
}

/// See [`Packed::noted`].
struct Noted<'a> {
    packed: &'a Packed,
    manifest: Manifest,
}

impl Image for Noted<'_> {
    fn manifest_bytes(&self) -> &[u8] {
        self.packed.manifest_bytes()
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open_unverified(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>> {
        self.packed.open_unverified(blob)
    }

    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> Result<()>,
    ) -> Result<()> {
        self.packed.visit_unverified(wanted, visit)
    }
}

/// Compresses those layers that the cache lacks in their new form.
fn fill(
    image: &dyn Image,
    layers: &[Layer],
    packing: Packing,
    cache: &Cache,
    reporter: &dyn Reporter,
) -> crate::Result<()> {
    let mut missing = BTreeMap::new();
    for layer in layers {
        if let Fate::Cached(form) = packing.fate(&layer.blob)
            && cache.layer_as(layer.diff_id, form)?.is_none()
        {
            missing.insert(layer.blob.digest, (layer, form));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let wanted: Vec<Descriptor> = missing.values().map(|(layer, _)| layer.blob.clone()).collect();
    let total = wanted.iter().map(|blob| blob.size).sum();
    reporter.event(Event::Started { what: "compress layers", total: Some(total) });
    let done = image.visit_unverified(&wanted, &mut |blob, reader| {
        let (layer, form) = missing[&blob.digest];
        squeeze(layer, form, &mut Watched::new(reader, reporter), cache).map(drop).map_err(as_oci)
    });
    reporter.event(Event::Finished);
    Ok(done?)
}

/// Finds a layer in the cache, or puts it there.
fn lookup(image: &dyn Image, layer: &Layer, form: Form, cache: &Cache) -> crate::Result<CachedLayer> {
    match cache.layer_as(layer.diff_id, form)? {
        Some(layer) => Ok(layer),
        None => squeeze(layer, form, &mut *image.open_unverified(&layer.blob)?, cache),
    }
}

/// Puts a layer into the cache, whatever form it has.
fn squeeze(layer: &Layer, form: Form, reader: &mut dyn Read, cache: &Cache) -> crate::Result<CachedLayer> {
    let blob = &layer.blob;
    if Kind::of(blob) == Kind::Raw {
        // Not checked as a blob: the cache compares the DiffID itself, and hashing twice would cost a sixth of the time.
        return cache.put_layer_as(&mut reader.take(blob.size + 1), Some(layer.diff_id), form);
    }
    let mut packed = VerifyingReader::new(reader, blob);
    let plain = Decompressed::new(&mut packed).map_err(Error::stream(layer.name()));
    let put = match plain {
        Ok(mut plain) => cache.put_layer_as(&mut plain, Some(layer.diff_id), form),
        Err(error) => Err(error.into()),
    };
    // A decoder fails before the end that would tell that the blob is not what it should be.
    io::copy(&mut packed, &mut io::sink()).map_err(Error::stream(layer.name()))?;
    put
}

/// Returns what is known of each layer, by DiffID; the unpacked length is always among it.
fn survey(
    image: &dyn Image,
    layers: &[Layer],
    packing: Packing,
    cache: &Cache,
    reporter: &dyn Reporter,
) -> crate::Result<BTreeMap<Digest, LayerNotes>> {
    let mut known = BTreeMap::new();
    let mut unknown = Vec::new();
    for layer in layers {
        let mut notes = LayerNotes::read(&layer.blob);
        notes.unpacked_size = notes.unpacked_size.or_else(|| image.unpacked_size(&layer.blob));
        if Kind::of(&layer.blob) == Kind::Raw {
            notes.unpacked_size = Some(layer.blob.size);
        }
        // What the cache has of it will say more.
        let is_cached = matches!(packing.fate(&layer.blob), Fate::Cached(_));
        match notes.unpacked_size.is_some() || is_cached {
            true => _ = known.insert(layer.diff_id, notes),
            false => match cache.notes(layer.diff_id) {
                Some(notes) => _ = known.insert(layer.diff_id, notes),
                None => unknown.push(layer.clone()),
            },
        }
    }
    if unknown.is_empty() {
        return Ok(known);
    }
    reporter.event(Event::Started { what: "measure layers", total: None });
    let done = visit_layers(image, &unknown, &mut |layer, content| {
        let notes = take_notes(&mut Watched::new(content, reporter)).map_err(Error::stream(layer.name()))?;
        known.insert(layer.diff_id, notes);
        Ok(())
    });
    reporter.event(Event::Finished);
    done?;
    // Only now have all of them proven to be what they should be.
    unknown.iter().for_each(|layer| cache.put_notes(layer.diff_id, &known[&layer.diff_id]));
    Ok(known)
}

fn take_notes(content: &mut dyn Read) -> io::Result<LayerNotes> {
    let (mut survey, mut buffer) = (Survey::default(), vec![0; PIECE]);
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok(survey.finish()),
            Ok(count) => survey.feed(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Docker's media types have no zstd, and a manifest is of one kind in all its parts: one that dam changes is an OCI manifest.
fn into_oci(manifest: &mut Manifest) {
    manifest.media_type = Some(media_type::MANIFEST.to_owned());
    for part in manifest.layers.iter_mut().chain([&mut manifest.config]) {
        let oci = match part.media_type.as_str() {
            media_type::DOCKER_CONFIG => media_type::CONFIG,
            media_type::DOCKER_LAYER => media_type::LAYER,
            media_type::DOCKER_LAYER_GZIP => media_type::LAYER_GZIP,
            _ => continue,
        };
        oci.clone_into(&mut part.media_type);
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
