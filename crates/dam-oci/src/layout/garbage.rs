//! Removing what no kept manifest reaches.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

use crate::layout::Layout;
use crate::{Descriptor, Digest, Error, Index, JSON_LIMIT, Manifest, Result, media_type};

/// What a garbage collection removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Freed {
    /// Blobs without use.
    pub blobs: u64,
    /// Their size, and that of unfinished files, in bytes.
    pub bytes: u64,
}

impl Layout {
    /// Removes blobs that no kept manifest reaches, and what unfinished writes left. Waits for whoever is putting blobs
    /// ([`Layout::hold`]).
    ///
    /// # Errors
    /// Where a kept manifest cannot be read nothing is removed: its layers are not known.
    pub fn collect_garbage(&self) -> Result<Freed> {
        let (path, lock) = self.lock_file("blobs.lock")?;
        lock.lock().map_err(Error::access(path))?;
        let used = self.used()?;
        let mut freed = Freed::default();
        self.each_file(&self.blobs(), &mut |path, length| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // A file that is no blob is not this layout's to remove.
            if Digest::from_hex(name).is_ok_and(|digest| !used.contains(&digest)) {
                remove(path)?;
                freed.blobs += 1;
                freed.bytes += length;
            }
            Ok(())
        })?;
        self.each_file(&self.ingest(), &mut |path, length| {
            freed.bytes += length;
            remove(path)
        })?;
        Ok(freed)
    }

    /// Returns every blob that a kept manifest or index reaches, with those themselves.
    fn used(&self) -> Result<HashSet<Digest>> {
        let kept = self.read_index()?.manifests;
        if let Some(lost) = kept.iter().find(|entry| !self.blob_path(entry.digest).exists()) {
            return Err(Error::MissingBlob { digest: lost.digest });
        }
        let mut used = HashSet::new();
        let mut open = kept;
        while let Some(entry) = open.pop() {
            if !used.insert(entry.digest) {
                continue;
            }
            let Some(bytes) = self.document(&entry)? else { continue };
            let unreadable = |source| Error::Json { what: format!("manifest {}", entry.digest), source };
            let json: Value = serde_json::from_slice(&bytes).map_err(unreadable)?;
            if media_type::is_index(&entry.media_type) {
                open.extend(serde_json::from_value::<Index>(json).map_err(unreadable)?.manifests);
            } else {
                let manifest: Manifest = serde_json::from_value(json).map_err(unreadable)?;
                used.extend(manifest.layers.iter().chain([&manifest.config]).map(|blob| blob.digest));
            }
        }
        Ok(used)
    }

    /// Reads a manifest or an index; `None` where it is not here, as parts for other platforms often are not.
    fn document(&self, entry: &Descriptor) -> Result<Option<Vec<u8>>> {
        let path = self.blob_path(entry.digest);
        let file = match fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(Error::access(&path))?,
        };
        let mut bytes = Vec::new();
        file.take(JSON_LIMIT + 1).read_to_end(&mut bytes).map_err(Error::access(&path))?;
        match Digest::of(&bytes) {
            found if found == entry.digest => Ok(Some(bytes)),
            found => Err(crate::BlobFault::Mismatch { digest: entry.digest, found }.into()),
        }
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(Error::access(path)),
    }
}
