//! An OCI image layout in a folder: a place for the images of this machine.
//!
//! ```text
//! oci-layout            {"imageLayoutVersion":"1.0.0"}
//! index.json            tagged and kept manifests
//! blobs/sha256/<hex>    blobs, each once, whole and checked before it has its name
//! ingest/               blobs on their way in
//! lock, blobs.lock      locks, empty
//! ```
//!
//! Source: <https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md>. `index.json` and blobs appear by
//! rename only, so a reader sees the old or the new, and a crash leaves nothing but a file in `ingest/`.

mod diff_id;
mod flush;
mod garbage;
mod image;
mod index;
mod write;

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufReader};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::{Descriptor, Digest, Error, Reference, Result, VerifyingReader};

pub use garbage::Freed;
pub use image::LayoutImage;

const LAYOUT_FILE: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// Bytes per read and write.
const CHUNK: usize = 256 << 10;

/// An OCI image layout in a folder.
///
/// Any number of processes may use one at once. All files are for the owner only.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

/// Keeps [`Layout::collect_garbage`] away, of this process and of others, until it is dropped.
#[derive(Debug)]
pub struct Hold {
    _lock: File,
}

impl Layout {
    /// Opens the layout at `root`, and makes one first where there is none.
    pub fn open_or_create(root: &Path) -> Result<Self> {
        let layout = Self { root: root.to_owned() };
        for folder in [root.to_owned(), layout.blobs(), layout.ingest()] {
            DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(Error::access(&folder))?;
        }
        let marker = root.join("oci-layout");
        if !marker.exists() {
            let _hold = layout.hold()?;
            layout.replace(&marker, LAYOUT_FILE.as_bytes())?;
        }
        Self::open(root)
    }

    /// Opens the layout at `root`.
    ///
    /// # Errors
    /// [`Error::Access`] where there is none, [`Error::Unsupported`] where its version is not 1.
    pub fn open(root: &Path) -> Result<Self> {
        let marker = root.join("oci-layout");
        let text = fs::read(&marker).map_err(Error::access(&marker))?;
        let json: serde_json::Value = serde_json::from_slice(&text)
            .map_err(|source| Error::Json { what: format!("`{}`", marker.display()), source })?;
        match json["imageLayoutVersion"].as_str() {
            Some(version) if version.starts_with("1.") => Ok(Self { root: root.to_owned() }),
            version => {
                let what = format!("version {} of the layout `{}`", version.unwrap_or("?"), root.display());
                Err(Error::Unsupported { what })
            }
        }
    }

    /// Opens the layout at `root`, if there is one; nothing is made.
    pub fn open_existing(root: &Path) -> Result<Option<Self>> {
        if root.join("oci-layout").exists() { Self::open(root).map(Some) } else { Ok(None) }
    }

    /// Returns the folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the names and what they stand for, in the order of `index.json`.
    pub fn tags(&self) -> Result<Vec<(Reference, Descriptor)>> {
        Ok(index::tags(&self.read_index()?))
    }

    /// Returns the manifests that are kept, tagged or not, each once.
    pub fn manifests(&self) -> Result<Vec<Descriptor>> {
        Ok(index::manifests(&self.read_index()?))
    }

    /// Lets `reference` stand for the manifest `digest`, whatever it stood for before; that stays without the name.
    ///
    /// # Errors
    /// [`Error::MissingBlob`] where the layout does not keep that manifest.
    pub fn tag(&self, reference: &Reference, digest: Digest) -> Result<()> {
        self.change_index(|index| index::tag(index, reference, digest))
    }

    /// Takes a name away; the manifest stays, without it. Returns whether the name was there.
    pub fn untag(&self, reference: &Reference) -> Result<bool> {
        self.change_index(|index| Ok(index::untag(index, reference)))
    }

    /// Forgets a manifest and all its names; its blobs go with the next [`Layout::collect_garbage`]. Returns whether it
    /// was there.
    pub fn forget(&self, digest: Digest) -> Result<bool> {
        self.change_index(|index| {
            let before = index.manifests.len();
            index.manifests.retain(|entry| entry.digest != digest);
            Ok(index.manifests.len() < before)
        })
    }

    /// Keeps garbage collection away while blobs are put that no manifest names yet. Waits while one is under way.
    ///
    /// [`Layout::put_image`] does so by itself. Whoever holds this must not collect garbage: it would wait for itself.
    pub fn hold(&self) -> Result<Hold> {
        let (path, file) = self.lock_file("blobs.lock")?;
        file.lock_shared().map_err(Error::access(path))?;
        Ok(Hold { _lock: file })
    }

    /// Returns whether a blob is here, of the right size.
    pub fn has_blob(&self, blob: &Descriptor) -> bool {
        fs::metadata(self.blob_path(blob.digest)).is_ok_and(|about| about.len() == blob.size)
    }

    /// Returns whether a blob is here and its content is right, for which it is read. One that cannot be read is not.
    pub fn has_sound_blob(&self, blob: &Descriptor) -> bool {
        self.has_blob(blob)
            && File::open(self.blob_path(blob.digest)).is_ok_and(|file| {
                let mut reader = BufReader::with_capacity(CHUNK, VerifyingReader::new(file, blob));
                io::copy(&mut reader, &mut io::sink()).is_ok()
            })
    }

    /// Returns the size of all blobs, in bytes.
    pub fn size(&self) -> Result<u64> {
        let mut size = 0;
        self.each_file(&self.blobs(), &mut |_, length| {
            size += length;
            Ok(())
        })?;
        Ok(size)
    }

    fn blobs(&self) -> PathBuf {
        self.root.join("blobs/sha256")
    }

    fn ingest(&self) -> PathBuf {
        self.root.join("ingest")
    }

    fn blob_path(&self, digest: Digest) -> PathBuf {
        self.blobs().join(digest.hex())
    }

    /// Hands path and length (bytes) of each file of a folder to `visit`; one that vanishes meanwhile is passed over.
    fn each_file(&self, folder: &Path, visit: &mut dyn FnMut(&Path, u64) -> Result<()>) -> Result<()> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(Error::access(folder))?,
        };
        for entry in entries {
            let path = entry.map_err(Error::access(folder))?.path();
            match fs::symlink_metadata(&path) {
                Ok(about) if about.is_file() => visit(&path, about.len())?,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::access(path)(error)),
            }
        }
        Ok(())
    }

    fn lock_file(&self, name: &str) -> Result<(PathBuf, File)> {
        let path = self.root.join(name);
        let mut options = File::options();
        let file =
            options.create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(Error::access(&path))?;
        Ok((path, file))
    }
}
