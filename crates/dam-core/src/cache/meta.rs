//! `/meta` of images, as an engine handed it out.
//!
//! An engine hands a folder out of a container only, which it takes half a second to make and remove. An image never
//! changes, so nor does its `/meta`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use dam_oci::Digest;

use super::Cache;
use crate::{Error, Result};

/// The longest tar that is kept, in bytes: it is in memory.
pub const META_LIMIT: usize = 1 << 20;

/// Bytes of a digest in hex.
const HEX: usize = 64;

impl Cache {
    /// Returns the tar of `/meta` of an image, if it is there and sound: its digest stands before it.
    pub fn meta(&self, image: Digest) -> Option<Vec<u8>> {
        let path = self.meta_path(image);
        // Looked at before the read, so that a file of any length costs only so much memory.
        let length = fs::metadata(&path).ok()?.len();
        let bytes = if length > (HEX + META_LIMIT) as u64 { Vec::new() } else { fs::read(&path).ok()? };
        match bytes.split_at_checked(HEX) {
            Some((digest, tar)) if digest == Digest::of(tar).hex().as_bytes() => Some(tar.to_vec()),
            _ => {
                _ = fs::remove_file(&path);
                None
            }
        }
    }

    /// Keeps the tar of `/meta` of an image, unless it is over [`META_LIMIT`]. One that cannot be written is not kept,
    /// which is no error: it can be had again.
    pub fn put_meta(&self, image: Digest, tar: &[u8]) {
        let path = self.meta_path(image);
        if tar.len() <= META_LIMIT && self.write_meta(tar, &path).is_ok() {
            self.evict(&path);
        }
    }

    fn write_meta(&self, tar: &[u8], path: &PathBuf) -> Result<()> {
        let mut temp = self.temp_file("metas")?;
        let written = temp.write_all(Digest::of(tar).hex().as_bytes()).and_then(|()| temp.write_all(tar));
        written.map_err(Error::access(path))?;
        temp.persist(path).map_err(|error| Error::access(path)(error.error))?;
        Ok(())
    }

    fn meta_path(&self, image: Digest) -> PathBuf {
        self.folder.join("metas").join(image.hex())
    }
}
