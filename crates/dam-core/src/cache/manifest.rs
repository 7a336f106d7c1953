//! Manifests of images that were seen in containerd's store, which tells nobody what it holds.

use std::path::PathBuf;

use dam_oci::Digest;

use super::{Cache, read_document};

impl Cache {
    /// Returns a manifest by its digest, if it is there and sound.
    pub fn manifest(&self, digest: Digest) -> Option<Vec<u8>> {
        read_document(&self.manifest_path(digest), digest)
    }

    /// Keeps a manifest. One that cannot be written is not kept, which is no error: more is sent without it.
    pub fn put_manifest(&self, bytes: &[u8]) {
        self.put_document(bytes, "manifests", &self.manifest_path(Digest::of(bytes)));
    }

    fn manifest_path(&self, digest: Digest) -> PathBuf {
        self.folder.join("manifests").join(format!("{}.json", digest.hex()))
    }
}
