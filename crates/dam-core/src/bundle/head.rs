//! `dam.json`: what a bundle carries, for a plan to be made before the first blob is read.
//!
//! The format is described in `docs/formats/bundle-v2.md`. Readers pass over fields they do not know; what an older
//! reader must not pass over gets a new [`FORMAT_VERSION`].

use dam_oci::{Descriptor, Digest, Reference};
use serde::{Deserialize, Serialize};

use crate::app::{AppName, Family, Version};

/// The version of the format that dam writes, and the latest it reads.
pub const FORMAT_VERSION: u32 = 2;
/// The content of `oci-layout`, by the image-layout spec of OCI.
pub(super) const OCI_LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// The whole of `dam.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// Always 2.
    pub format_version: u32,
    /// The apps, in the order they were asked for.
    pub apps: Vec<HeadApp>,
    /// What the receiver must have already; `null` in a bundle that carries everything. Nothing else is written yet, and
    /// a reader that finds something else here cannot use the bundle.
    pub baseline: Option<serde_json::Value>,
}

/// An app of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeadApp {
    /// Repository of the image, without the registry.
    pub name: AppName,
    /// Tag of the image.
    pub version: Version,
    /// Apps of one family exclude each other.
    pub family: Family,
    /// Whether several versions may be installed side by side.
    pub multiversion: bool,
    /// Registries the image is tagged for when it is installed, sorted; the empty text is Docker Hub.
    pub servers: Vec<String>,
    /// First line of `/meta/DESCRIPTION`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The scripts under `/meta`, by file name.
    pub hooks: Vec<String>,
    /// The image's full name, with registry (if it is not Docker Hub) and tag.
    pub reference: Reference,
    /// The manifest: media type, digest, size in bytes.
    pub manifest: Descriptor,
    /// Digest of the image config, which is the image id in Docker's classic stores.
    pub image: Digest,
    /// Digest of the kept copy of its `/meta`, as [`crate::meta::Keep::keep`] returns it; absent in bundles of early
    /// test versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Digest>,
    /// The layers, base first, as the manifest lists them.
    pub layers: Vec<HeadLayer>,
}

/// A layer of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeadLayer {
    /// Digest of the unpacked layer: its identity in every store.
    pub diff_id: Digest,
    /// Digest of the layer as it is in the bundle.
    pub digest: Digest,
    /// Length of the layer as it is in the bundle, in bytes.
    pub size: u64,
    /// Length of the unpacked layer in bytes; absent in bundles of early test versions, where it was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpacked_size: Option<u64>,
    /// Media type, which tells the compression.
    pub media_type: String,
}

impl Head {
    /// Returns the list that DAM 1.x reads, one app a line.
    pub(super) fn app_list(&self) -> String {
        self.apps.iter().map(|app| format!("{}:{}\n", app.name, app.version)).collect()
    }
}

impl HeadApp {
    /// Returns the bytes the unpacked layers take, each once. A layer of unknown unpacked length counts as it is packed,
    /// so this may be too low, never too high.
    pub fn unpacked(&self) -> u64 {
        let mut seen = std::collections::BTreeSet::new();
        let once = self.layers.iter().filter(|layer| seen.insert(layer.diff_id));
        // The unpacked lengths are claims of the file, which nothing has checked yet.
        once.fold(0, |sum: u64, layer| sum.saturating_add(layer.unpacked_size.unwrap_or(layer.size)))
    }
}
