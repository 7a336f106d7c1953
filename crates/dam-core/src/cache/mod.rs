//! The cache: compressed layers by DiffID, configs and `/meta` by image id.
//!
//! Everything in it can be made again, so it is written without fsync and may be deleted at any moment, by hand or by
//! another dam: what is missing or damaged is only a miss. On disk:
//!
//! ```text
//! cache/layers/<hex of the DiffID>   the layer as zstd, then a skippable frame (see `layer`)
//! cache/configs/<hex of the image id>   the exact bytes of the config
//! cache/manifests/<hex>.json   the exact bytes of a manifest, by its digest
//! cache/metas/<hex of the image id>   SHA-256 in hex, then the tar of `/meta` that it is of
//! ```
//!
//! A hit sets the file's modification time; after a write the files that were not used for the longest time go until
//! the rest fits the limit.

use std::fs::{self, DirBuilder};
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use dam_oci::{BlobFault, Digest};
use tempfile::NamedTempFile;

use crate::{Error, Result};

mod compressed;
mod eviction;
mod layer;
mod manifest;
mod meta;
mod squeeze;

pub use compressed::Compressed;
pub use layer::CachedLayer;
pub use meta::META_LIMIT;

/// The folders of the cache.
const FOLDERS: [&str; 4] = ["layers", "configs", "manifests", "metas"];

/// Bytes the cache may take where nobody says otherwise: a few large apps.
pub const DEFAULT_LIMIT: u64 = 4 << 30;

/// A folder of compressed layers and configs that may vanish at any moment.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    limit: u64,
}

impl Cache {
    /// Uses the cache in `folder`, which the first write makes if it is not there. After each write it is cut down to
    /// `limit` bytes; only the file just written may exceed it.
    pub fn new(folder: impl Into<PathBuf>, limit: u64) -> Self {
        Self { folder: folder.into(), limit }
    }

    /// Returns the compressed form of a layer, if it is there. A damaged or foreign file is removed and counts as none.
    pub fn layer(&self, diff_id: Digest) -> Result<Option<CachedLayer>> {
        let path = self.layer_path(diff_id);
        let found = layer::read(&path, diff_id);
        match &found {
            Ok(Some(layer)) => layer.touch(),
            Ok(None) => _ = fs::remove_file(&path),
            Err(_) => {}
        }
        found
    }

    /// Compresses a layer while it is read to its end, and keeps it. DiffID and digest are computed in the same pass,
    /// memory stays under 32 MB, and the same layer gives the same bytes on every machine.
    ///
    /// Fails with a [`BlobFault::Mismatch`] and keeps nothing if the layer's DiffID is not `expected`.
    pub fn put_layer(&self, raw: &mut dyn Read, expected: Option<Digest>) -> Result<CachedLayer> {
        let mut temp = self.temp_file("layers")?;
        let path = temp.path().to_owned();
        let squeezed = squeeze::squeeze(raw, temp.as_file_mut(), &path)?;
        if let Some(digest) = expected.filter(|&expected| expected != squeezed.diff_id) {
            let fault = BlobFault::Mismatch { digest, found: squeezed.diff_id };
            return Err(Error::Oci(fault.into()));
        }
        temp.write_all(&squeezed.trailer()).map_err(Error::access(&path))?;
        let path = self.layer_path(squeezed.diff_id);
        let file = temp.persist(&path).map_err(|error| Error::access(&path)(error.error))?;
        eviction::evict(&self.folder, self.limit, &path);
        let squeeze::Squeezed { diff_id, notes, digest, size } = squeezed;
        Ok(CachedLayer::new(digest, size, diff_id, &notes, file, path))
    }

    /// Removes the layer whose compressed form has this digest: someone read it and found it damaged. Returns whether there
    /// was one.
    pub fn discard(&self, digest: Digest) -> bool {
        let files =
            fs::read_dir(self.folder.join("layers")).into_iter().flatten().filter_map(|file| Some(file.ok()?.path()));
        let mut damaged = files.filter(|path| {
            let diff_id = path.file_name().and_then(|name| name.to_str()).and_then(|name| Digest::from_hex(name).ok());
            let layer = diff_id.and_then(|diff_id| layer::read(path, diff_id).ok().flatten());
            layer.is_some_and(|layer| layer.descriptor.digest == digest)
        });
        damaged.next().is_some_and(|path| fs::remove_file(path).is_ok())
    }

    /// Returns the config of an image by its digest, if it is there and sound.
    pub fn config(&self, id: Digest) -> Option<Vec<u8>> {
        read_document(&self.config_path(id), id)
    }

    /// Keeps a config and returns its digest, the image id of classic stores. A config that cannot be written is not
    /// kept, which is no error: it can be had again.
    pub fn put_config(&self, bytes: &[u8]) -> Digest {
        let id = Digest::of(bytes);
        let path = self.config_path(id);
        self.put_document(bytes, "configs", &path);
        id
    }

    /// Keeps a small file, unless it is there already.
    fn put_document(&self, bytes: &[u8], folder: &str, path: &Path) {
        if !path.exists() && self.write_document(bytes, folder, path).is_ok() {
            eviction::evict(&self.folder, self.limit, path);
        }
    }

    fn write_document(&self, bytes: &[u8], folder: &str, path: &Path) -> Result<()> {
        let mut temp = self.temp_file(folder)?;
        temp.write_all(bytes).map_err(Error::access(path))?;
        temp.persist(path).map_err(|error| Error::access(path)(error.error))?;
        Ok(())
    }

    fn layer_path(&self, diff_id: Digest) -> PathBuf {
        self.folder.join("layers").join(diff_id.hex())
    }

    fn config_path(&self, id: Digest) -> PathBuf {
        self.folder.join("configs").join(id.hex())
    }

    /// Makes a temporary file in a folder of the cache, which may have been deleted since it was opened.
    fn temp_file(&self, folder: &str) -> Result<NamedTempFile> {
        self.make_folders()?;
        let folder = self.folder.join(folder);
        NamedTempFile::new_in(&folder).map_err(Error::access(folder))
    }

    fn make_folders(&self) -> Result<()> {
        for folder in FOLDERS {
            let folder = self.folder.join(folder);
            DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(Error::access(folder))?;
        }
        Ok(())
    }
}

/// Reads a small file that is named by its digest; one that is not what its name says is removed.
fn read_document(path: &Path, digest: Digest) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).ok()?;
    // One byte more than can be right, so that a file of any length costs only so much memory.
    (&file).take(dam_oci::JSON_LIMIT + 1).read_to_end(&mut bytes).ok()?;
    if Digest::of(&bytes) != digest {
        _ = fs::remove_file(path);
        return None;
    }
    _ = file.set_modified(SystemTime::now());
    Some(bytes)
}
