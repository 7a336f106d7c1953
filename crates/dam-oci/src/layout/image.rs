//! An image of a layout.

use std::fs::File;
use std::io::{self, Read};

use crate::layout::Layout;
use crate::{Descriptor, Digest, Error, Image, JSON_LIMIT, Manifest, Result, VerifyingReader};

/// An image of a layout. It holds no files open.
#[derive(Debug, Clone)]
pub struct LayoutImage {
    layout: Layout,
    bytes: Vec<u8>,
    manifest: Manifest,
}

impl Layout {
    /// Opens the image of a manifest.
    ///
    /// # Errors
    /// [`Error::MissingBlob`] where the manifest is not here, [`Error::Blob`] or [`Error::Json`] where it is damaged.
    pub fn image(&self, manifest: Digest) -> Result<LayoutImage> {
        let file = self.open_blob(manifest)?;
        let path = self.blob_path(manifest);
        let size = file.metadata().map_err(Error::access(&path))?.len();
        if size > JSON_LIMIT {
            return Err(Error::damaged(format!("manifest {manifest}"), format!("it has {size} bytes")));
        }
        let mut bytes = Vec::new();
        let promised = Descriptor::new(crate::media_type::MANIFEST, manifest, size);
        VerifyingReader::new(file, &promised).read_to_end(&mut bytes).map_err(Error::stream(manifest.to_string()))?;
        let parsed = serde_json::from_slice(&bytes)
            .map_err(|source| Error::Json { what: format!("manifest {manifest}"), source })?;
        Ok(LayoutImage { layout: self.clone(), bytes, manifest: parsed })
    }

    fn open_blob(&self, digest: Digest) -> Result<File> {
        let path = self.blob_path(digest);
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::MissingBlob { digest }),
            file => file.map_err(Error::access(path)),
        }
    }
}

impl Image for LayoutImage {
    fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open_unverified(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.layout.open_blob(blob.digest)?))
    }
}
