//! What a build needs around it, in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;

use super::MemoryImage;
use crate::build::{BaseImages, BlobSink, Built};
use crate::{Descriptor, Digest, Image, Manifest, Result};

/// Keeps the blobs of a build in memory.
#[derive(Default)]
pub struct MemorySink {
    blobs: RefCell<BTreeMap<Digest, Vec<u8>>>,
}

impl MemorySink {
    /// Returns what was built as an image.
    pub fn image(&self, built: &Built) -> MemoryImage {
        let manifest: Manifest =
            serde_json::from_slice(&built.manifest_bytes).expect("a manifest that was just written");
        MemoryImage::new(manifest, self.blobs.borrow().clone())
    }

    /// Returns how many blobs there are.
    pub fn count(&self) -> usize {
        self.blobs.borrow().len()
    }
}

impl BlobSink for MemorySink {
    fn put(&self, media_type: &str, write: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<Descriptor> {
        let mut bytes = Vec::new();
        write(&mut bytes)?;
        let descriptor = Descriptor::of(media_type, &bytes);
        self.blobs.borrow_mut().insert(descriptor.digest, bytes);
        Ok(descriptor)
    }
}

/// Base images by name.
impl BaseImages for BTreeMap<String, MemoryImage> {
    fn base(&self, name: &str) -> Result<Option<Box<dyn Image>>> {
        Ok(self.get(name).map(|image| Box::new(image.clone()) as Box<dyn Image>))
    }
}
