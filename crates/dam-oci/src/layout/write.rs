//! Putting blobs and images into a layout.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::archive::read_full;
use crate::layout::diff_id::diff_id;
use crate::layout::flush::Flush;
use crate::layout::{CHUNK, Layout, index};
use crate::{Descriptor, Digest, Error, Hasher, Image, Manifest, Result, VerifyingReader, config, visit_blobs};

impl Layout {
    /// Puts all blobs of `image`, checked, then its manifest, and keeps it without a name. `on_bytes` hears of every
    /// piece that was read, in bytes. Blobs that are here already are checked where they are, and `image` is not asked for
    /// them, unless what is here is damaged.
    ///
    /// # Errors
    /// [`Error::Blob`] where a blob is not what the manifest says, [`Error::Damaged`] where a layer's content is not what
    /// the config says. Then nothing of the image is kept; whole blobs of it stay until [`Layout::collect_garbage`], so
    /// that a second try has less to do.
    pub fn put_image(&self, image: &dyn Image, on_bytes: &mut dyn FnMut(u64)) -> Result<Descriptor> {
        let _hold = self.hold()?;
        let manifest = image.manifest();
        let (_, config) = config(image)?;
        // The config lists as many DiffIDs as there are layers; a blob may be several of them.
        let diff_ids = |blob: &Descriptor| -> Vec<Digest> {
            let layers = manifest.layers.iter().zip(&config.rootfs.diff_ids);
            layers.filter(|(layer, _)| layer.digest == blob.digest).map(|(_, diff_id)| *diff_id).collect()
        };
        let mut wanted: Vec<Descriptor> = Vec::new();
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            if wanted.iter().any(|known| known.digest == blob.digest) {
                continue;
            }
            if self.is_here(blob, &diff_ids(blob))? {
                on_bytes(blob.size);
            } else {
                wanted.push(blob.clone());
            }
        }
        visit_blobs(image, &wanted, &mut |blob, reader| match &diff_ids(blob)[..] {
            [] => self.put_known(blob, reader, on_bytes),
            diff_ids => self.put_layer(blob, diff_ids, reader, on_bytes),
        })?;
        let descriptor = Descriptor::of(manifest.media_type(), image.manifest_bytes());
        self.put_known(&descriptor, &mut image.manifest_bytes(), &mut |_| {})?;
        self.change_index(|index| {
            index::keep(index, descriptor.clone());
            Ok(descriptor)
        })
    }

    /// Keeps an image whose config and layers were put before, without a name.
    ///
    /// [`Layout::hold`] garbage collection off from the first blob to here.
    ///
    /// # Errors
    /// [`Error::MissingBlob`] where one of its blobs is not here, [`Error::Json`] where the bytes are no manifest.
    pub fn keep(&self, manifest_bytes: &[u8]) -> Result<Descriptor> {
        let _hold = self.hold()?;
        let manifest: Manifest = serde_json::from_slice(manifest_bytes)
            .map_err(|source| Error::Json { what: "manifest".to_owned(), source })?;
        if let Some(lost) = manifest.layers.iter().chain([&manifest.config]).find(|blob| !self.has_blob(blob)) {
            return Err(Error::MissingBlob { digest: lost.digest });
        }
        let descriptor = Descriptor::of(manifest.media_type(), manifest_bytes);
        self.put_known(&descriptor, &mut &manifest_bytes[..], &mut |_| {})?;
        self.change_index(|index| {
            index::keep(index, descriptor.clone());
            Ok(descriptor)
        })
    }

    /// Puts a blob whose digest is not known yet: `write` writes it, and what was written is described. Nothing is kept
    /// when `write` fails.
    ///
    /// Garbage collection removes a blob that no kept manifest reaches: [`Layout::hold`] it off until [`Layout::keep`].
    pub fn put_blob(
        &self,
        media_type: &str,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<Descriptor> {
        let _hold = self.hold()?;
        let mut incoming = Incoming::new(self)?;
        write(&mut incoming)?;
        let (file, digest, size) = incoming.finish()?;
        let descriptor = Descriptor::new(media_type, digest, size);
        self.settle(file, &descriptor)?;
        Ok(descriptor)
    }

    /// Puts a blob whose digest is known. `reader` fails at the end if the bytes are not what `blob` says.
    fn put_known(&self, blob: &Descriptor, reader: &mut dyn Read, on_bytes: &mut dyn FnMut(u64)) -> Result<()> {
        let mut passing = self.pass(blob, reader, on_bytes)?;
        drain(&mut passing).map_err(Error::stream(format!("blob {}", blob.digest)))?;
        passing.file.map_or(Ok(()), |file| self.settle(file, blob))
    }

    /// Puts a layer, as [`Layout::put_known`] does, if its content is that of `diff_ids`.
    fn put_layer(
        &self,
        layer: &Descriptor,
        diff_ids: &[Digest],
        reader: &mut dyn Read,
        on_bytes: &mut dyn FnMut(u64),
    ) -> Result<()> {
        let mut passing = self.pass(layer, reader, on_bytes)?;
        compare(layer, diff_ids, diff_id(layer, &mut passing)?)?;
        passing.file.map_or(Ok(()), |file| self.settle(file, layer))
    }

    /// Reads a blob that is here already. False where it is not here or damaged.
    ///
    /// # Errors
    /// Where it is sound, and a layer whose content is not that of `diff_ids`.
    fn is_here(&self, blob: &Descriptor, diff_ids: &[Digest]) -> Result<bool> {
        if diff_ids.is_empty() {
            return Ok(self.has_sound_blob(blob));
        }
        if !self.has_blob(blob) {
            return Ok(false);
        }
        let Ok(file) = File::open(self.blob_path(blob.digest)) else { return Ok(false) };
        let mut reader = VerifyingReader::new(file, blob);
        match diff_id(blob, &mut reader) {
            Ok(found) => compare(blob, diff_ids, found).map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// Lets a blob pass into a file, unless it is here already.
    fn pass<'a>(
        &self,
        blob: &Descriptor,
        reader: &'a mut dyn Read,
        on_bytes: &'a mut dyn FnMut(u64),
    ) -> Result<Passing<'a>> {
        let file = if self.has_sound_blob(blob) { None } else { Some(self.temporary()?) };
        Ok(Passing { reader, file, flush: Flush::default(), on_bytes })
    }

    /// Gives a whole blob its name, and takes it from a damaged one.
    fn settle(&self, file: NamedTempFile, blob: &Descriptor) -> Result<()> {
        if self.has_sound_blob(blob) {
            return Ok(());
        }
        file.as_file().sync_all().map_err(Error::access(file.path()))?;
        let path = self.blob_path(blob.digest);
        file.persist(&path).map_err(|error| Error::access(path)(error.error)).map(drop)
    }

    /// Replaces a small file of the layout by rename.
    pub(super) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let mut file = self.temporary()?;
        file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(Error::access(file.path()))?;
        file.persist(path).map_err(|error| Error::access(path)(error.error))?;
        self.sync_folder(&self.root)
    }

    /// Makes the names in a folder last.
    pub(super) fn sync_folder(&self, folder: &Path) -> Result<()> {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::access(folder))
    }

    fn temporary(&self) -> Result<NamedTempFile> {
        let folder = self.ingest();
        // A layout that another tool made has no such folder.
        fs::create_dir_all(&folder).map_err(Error::access(&folder))?;
        NamedTempFile::new_in(&folder).map_err(Error::access(folder))
    }
}

/// A blob of known digest on its way in. What is read was written, if there is a file.
struct Passing<'a> {
    reader: &'a mut dyn Read,
    file: Option<NamedTempFile>,
    flush: Flush,
    on_bytes: &'a mut dyn FnMut(u64),
}

impl Read for Passing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Full chunks, whatever pieces the source comes in: a write per piece would cost more than the copy.
        let count = read_full(self.reader, buffer)?;
        if let Some(file) = &mut self.file {
            let written = file.write_all(&buffer[..count]);
            written.map_err(|error| io::Error::other(Error::access(file.path())(error)))?;
            self.flush.wrote(file.as_file(), count);
        }
        (self.on_bytes)(count as u64);
        Ok(count)
    }
}

/// Fails where a layer's content is not what the config says.
fn compare(layer: &Descriptor, diff_ids: &[Digest], found: Digest) -> Result<()> {
    match diff_ids.iter().find(|promised| **promised != found) {
        Some(promised) => {
            let reason = format!("its DiffID is {found}, and {promised} in the image config");
            Err(Error::damaged(format!("layer {}", layer.digest), reason))
        }
        None => Ok(()),
    }
}

fn drain(reader: &mut dyn Read) -> io::Result<()> {
    each_chunk(reader, |_| ())
}

fn each_chunk(reader: &mut dyn Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match read_full(reader, &mut buffer)? {
            0 => return Ok(()),
            count => take(&buffer[..count]),
        }
    }
}

/// A blob of unknown digest on its way in, hashed while it is written.
struct Incoming {
    file: BufWriter<NamedTempFile>,
    hasher: Hasher,
    size: u64,
}

impl Incoming {
    fn new(layout: &Layout) -> Result<Self> {
        let file = BufWriter::with_capacity(CHUNK, layout.temporary()?);
        Ok(Self { file, hasher: Hasher::default(), size: 0 })
    }

    fn finish(self) -> Result<(NamedTempFile, Digest, u64)> {
        let path = self.file.get_ref().path().to_owned();
        let file = self.file.into_inner().map_err(|error| Error::access(path)(error.into_error()))?;
        Ok((file, self.hasher.finish(), self.size))
    }
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
