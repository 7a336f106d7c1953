//! Putting blobs and images into a layout.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::archive::read_full;
use crate::layout::{Layout, index};
use crate::{Descriptor, Digest, Error, Hasher, Image, Manifest, Result, visit_blobs};

/// Bytes per read and write.
const CHUNK: usize = 256 << 10;

impl Layout {
    /// Puts all blobs of `image`, checked, then its manifest, and keeps it without a name. `on_bytes` hears of every
    /// piece that was read, in bytes. Blobs that are here already are read and checked, but not written again.
    ///
    /// # Errors
    /// [`Error::Blob`] where a blob is not what the manifest says. Then nothing of the image is kept; whole blobs of it
    /// stay until [`Layout::collect_garbage`], so that a second try has less to do.
    pub fn put_image(&self, image: &dyn Image, on_bytes: &mut dyn FnMut(u64)) -> Result<Descriptor> {
        let _hold = self.hold()?;
        let manifest = image.manifest();
        let wanted: Vec<Descriptor> = manifest.layers.iter().chain([&manifest.config]).cloned().collect();
        visit_blobs(image, &wanted, &mut |blob, reader| self.put_known(blob, reader, on_bytes))?;
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
        let what = || Error::stream(format!("blob {}", blob.digest));
        let mut file = match self.has_blob(blob) {
            true => None,
            false => Some(self.temporary()?),
        };
        let mut buffer = vec![0; CHUNK];
        loop {
            // Full chunks, whatever pieces the source comes in: a write per piece would cost more than the copy.
            let count = read_full(reader, &mut buffer).map_err(what())?;
            if count == 0 {
                break;
            }
            if let Some(file) = &mut file {
                file.write_all(&buffer[..count]).map_err(Error::access(file.path()))?;
            }
            on_bytes(count as u64);
        }
        file.map_or(Ok(()), |file| self.settle(file, blob))
    }

    /// Gives a whole blob its name.
    fn settle(&self, file: NamedTempFile, blob: &Descriptor) -> Result<()> {
        if self.has_blob(blob) {
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
