//! The cache: compressed layers by DiffID, configs and `/meta` by image id.
//!
//! Everything in it can be made again, so it is written without fsync and may be deleted at any moment, by hand or by
//! another dam: what is missing or damaged is only a miss. On disk:
//!
//! ```text
//! cache/layers/<hex of the DiffID>   the layer as zstd, then a skippable frame (see `layer`)
//! cache/layers/<hex of the DiffID>-<form>   the same in another form (see `form`)
//! cache/notes/<hex of the DiffID>   what is known of a layer that is not kept (see `notes`)
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
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use dam_oci::{BlobFault, Digest};
use tempfile::NamedTempFile;

use crate::{Error, Result};

mod eviction;
mod form;
mod gzip;
mod layer;
mod manifest;
mod meta;
mod notes;
mod packed;
mod squeeze;

pub use eviction::Spared;
pub use form::{Form, Level, ParseLevelError};
pub use layer::CachedLayer;
pub use meta::META_LIMIT;
pub use packed::{Packed, Packing};

/// The folders of the cache.
const FOLDERS: [&str; 5] = ["layers", "configs", "manifests", "metas", "notes"];

/// Bytes the cache may take where nobody says otherwise: a few large apps.
pub const DEFAULT_LIMIT: u64 = 4 << 30;

/// A folder of compressed layers and configs that may vanish at any moment.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    limit: u64,
    /// Since when what is used is spared, if anything is; see [`Cache::spare`].
    spared: Arc<Mutex<Option<SystemTime>>>,
}

impl Cache {
    /// Uses the cache in `folder`, which the first write makes if it is not there. After each write it is cut down to
    /// `limit` bytes; only the file just written may exceed it.
    pub fn new(folder: impl Into<PathBuf>, limit: u64) -> Self {
        Self { folder: folder.into(), limit, spared: Arc::default() }
    }

    /// Returns a layer in its usual form, if it is there. A damaged or foreign file is removed and counts as none.
    pub fn layer(&self, diff_id: Digest) -> Result<Option<CachedLayer>> {
        self.layer_as(diff_id, Form::default())
    }

    /// Returns a layer in a form, if it is there.
    pub fn layer_as(&self, diff_id: Digest, form: Form) -> Result<Option<CachedLayer>> {
        let path = self.layer_path(diff_id, form);
        let found = layer::read(&path, diff_id, form);
        match &found {
            Ok(Some(layer)) => layer.touch(),
            Ok(None) => _ = fs::remove_file(&path),
            Err(_) => {}
        }
        found
    }

    /// Compresses a layer into its usual form while it is read to its end, and keeps it. DiffID and digest are computed in
    /// the same pass, memory stays under 32 MB, and the same layer gives the same bytes on every machine.
    ///
    /// Fails with a [`BlobFault::Mismatch`] and keeps nothing if the layer's DiffID is not `expected`.
    pub fn put_layer(&self, raw: &mut dyn Read, expected: Option<Digest>) -> Result<CachedLayer> {
        self.put_layer_as(raw, expected, Form::default())
    }

    /// Compresses a layer into a form; the high levels of zstd take more memory, but none that grows with the layer.
    pub fn put_layer_as(&self, raw: &mut dyn Read, expected: Option<Digest>, form: Form) -> Result<CachedLayer> {
        let mut temp = self.temp_file("layers")?;
        let path = temp.path().to_owned();
        let squeezed = squeeze::squeeze(raw, form, temp.as_file_mut(), &path)?;
        if let Some(digest) = expected.filter(|&expected| expected != squeezed.diff_id) {
            let fault = BlobFault::Mismatch { digest, found: squeezed.diff_id };
            return Err(Error::Oci(fault.into()));
        }
        temp.write_all(&squeezed.trailer(form)).map_err(Error::access(&path))?;
        let path = self.layer_path(squeezed.diff_id, form);
        let file = temp.persist(&path).map_err(|error| Error::access(&path)(error.error))?;
        self.evict(&path);
        let squeeze::Squeezed { diff_id, notes, digest, size } = squeezed;
        Ok(CachedLayer::new(form, digest, size, diff_id, &notes, file, path))
    }

    /// Removes the layer whose compressed form has this digest: someone read it and found it damaged. Returns whether there
    /// was one.
    pub fn discard(&self, digest: Digest) -> bool {
        let files =
            fs::read_dir(self.folder.join("layers")).into_iter().flatten().filter_map(|file| Some(file.ok()?.path()));
        let mut damaged = files.filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).and_then(read_name);
            let layer = name.and_then(|(diff_id, form)| layer::read(path, diff_id, form).ok().flatten());
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
            self.evict(path);
        }
    }

    fn write_document(&self, bytes: &[u8], folder: &str, path: &Path) -> Result<()> {
        let mut temp = self.temp_file(folder)?;
        temp.write_all(bytes).map_err(Error::access(path))?;
        temp.persist(path).map_err(|error| Error::access(path)(error.error))?;
        Ok(())
    }

    fn layer_path(&self, diff_id: Digest, form: Form) -> PathBuf {
        self.folder.join("layers").join(format!("{}{form}", diff_id.hex()))
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

/// Reads the name of a layer's file.
fn read_name(name: &str) -> Option<(Digest, Form)> {
    let (hex, form) = name.split_at_checked(64)?;
    Some((Digest::from_hex(hex).ok()?, form.parse().ok()?))
}
