//! Images for tests: made of what a test says, never read from anywhere.

mod archives;
mod process;
pub mod registry;
mod sink;

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde_json::json;

pub use archives::{ARCHIVE_FORMS, ArchiveForm, archive, dam1_apps, dam1_bundle, gzip, zstd};
pub use process::{find_program, tied_command};
pub use sink::MemorySink;

use crate::{Descriptor, Digest, Error, Image, Manifest, Result, media_type};

/// A file of a layer under construction.
struct File {
    path: String,
    mode: u32,
    content: Vec<u8>,
}

/// Describes an image, layer by layer (base first), and builds it.
///
/// ```
/// # use dam_oci::testing::ImageBuilder;
/// let image = ImageBuilder::new().file("meta/install", 0o755, "#!/bin/sh\n").label("DAM_APP_FAMILY", "shop").build();
/// ```
pub struct ImageBuilder {
    layers: Vec<Vec<File>>,
    labels: BTreeMap<String, String>,
    architecture: String,
}

impl Default for ImageBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl ImageBuilder {
    /// An image of one empty layer.
    pub fn new() -> Self {
        Self { layers: vec![Vec::new()], labels: BTreeMap::new(), architecture: "amd64".to_owned() }
    }

    /// An app's image: `/meta` with hooks that do nothing.
    pub fn app() -> Self {
        Self::new().file("meta/install", 0o755, "#!/bin/sh\n").file("meta/uninstall", 0o755, "#!/bin/sh\n")
    }

    /// Adds a file to the newest layer; `path` has no leading slash.
    pub fn file(mut self, path: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        let file = File { path: path.to_owned(), mode, content: content.as_ref().to_vec() };
        self.layers.last_mut().expect("there is always a layer").push(file);
        self
    }

    /// Starts a new layer on top.
    pub fn layer(mut self) -> Self {
        self.layers.push(Vec::new());
        self
    }

    /// Sets a label.
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Sets the processor the image is for.
    pub fn architecture(mut self, architecture: &str) -> Self {
        architecture.clone_into(&mut self.architecture);
        self
    }

    /// Builds the image with uncompressed layers.
    pub fn build(self) -> MemoryImage {
        let mut blobs = BTreeMap::new();
        let mut keep = |media_type: &str, bytes: Vec<u8>| {
            let descriptor = Descriptor::of(media_type, &bytes);
            blobs.insert(descriptor.digest, bytes);
            descriptor
        };
        let layers: Vec<_> = self.layers.iter().map(|files| keep(media_type::LAYER, tar(files))).collect();
        let diff_ids: Vec<Digest> = layers.iter().map(|layer| layer.digest).collect();
        let config = json!({
            "architecture": self.architecture,
            "os": "linux",
            "config": { "Labels": self.labels },
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let config = keep(media_type::CONFIG, config.to_string().into_bytes());
        MemoryImage::new(Manifest::new(config, layers), blobs)
    }
}

/// Writes `files` as a tar with fixed owner and time, parents first.
fn tar(files: &[File]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut folders = Vec::new();
    let mut add = |path: &str, kind: tar::EntryType, mode: u32, content: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_mtime(0);
        tar.append_data(&mut header, path, content).expect("memory does not fail");
    };
    for file in files {
        for (at, _) in file.path.match_indices('/') {
            let folder = &file.path[..at];
            if !folders.contains(&folder) {
                add(&format!("{folder}/"), tar::EntryType::Directory, 0o755, &[]);
                folders.push(folder);
            }
        }
        add(&file.path, tar::EntryType::Regular, file.mode, &file.content);
    }
    tar.into_inner().expect("memory does not fail")
}

/// An image whose blobs are in memory.
#[derive(Clone)]
pub struct MemoryImage {
    bytes: Vec<u8>,
    manifest: Manifest,
    blobs: BTreeMap<Digest, Vec<u8>>,
}

impl MemoryImage {
    /// Makes an image of a manifest and the blobs it names. Nothing is checked: tests want damaged images too.
    pub fn new(manifest: Manifest, blobs: BTreeMap<Digest, Vec<u8>>) -> Self {
        Self { bytes: manifest.to_bytes(), manifest, blobs }
    }

    /// Copies any image into memory, checking every blob.
    pub fn copy(image: &dyn Image) -> Result<Self> {
        let manifest = image.manifest().clone();
        let wanted: Vec<_> = manifest.layers.iter().chain([&manifest.config]).cloned().collect();
        let mut blobs = BTreeMap::new();
        crate::visit_blobs(image, &wanted, &mut |blob, reader| {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map_err(Error::stream("blob"))?;
            blobs.insert(blob.digest, bytes);
            Ok(())
        })?;
        Ok(Self { bytes: image.manifest_bytes().to_vec(), manifest, blobs })
    }

    /// Returns the blobs by digest, to be looked at or damaged.
    pub fn blobs_mut(&mut self) -> &mut BTreeMap<Digest, Vec<u8>> {
        &mut self.blobs
    }
}

impl Image for MemoryImage {
    fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open_unverified(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>> {
        match self.blobs.get(&blob.digest) {
            Some(bytes) => Ok(Box::new(io::Cursor::new(bytes))),
            None => Err(Error::MissingBlob { digest: blob.digest }),
        }
    }
}
