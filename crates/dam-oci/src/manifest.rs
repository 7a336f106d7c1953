//! Image manifests and indexes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Descriptor, media_type};

/// An image manifest: one config, and the layers from the base up.
///
/// Parsed for reading. What is passed on is always the exact bytes it was parsed from, never this struct written again:
/// unknown fields would be lost and the digest would change.
///
/// Source: <https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// [`media_type::MANIFEST`] or [`media_type::DOCKER_MANIFEST`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The config blob; its digest is the image id of Docker's classic stores.
    pub config: Descriptor,
    /// Layers, oldest (base) first.
    pub layers: Vec<Descriptor>,
    /// Free-form notes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// Makes an OCI manifest of a config and layers (base first).
    pub fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        let media_type = Some(media_type::MANIFEST.to_owned());
        Self { schema_version: 2, media_type, config, layers, annotations: BTreeMap::new() }
    }

    /// Returns the media type a descriptor of this manifest carries.
    pub fn media_type(&self) -> &str {
        self.media_type.as_deref().unwrap_or(media_type::MANIFEST)
    }

    /// Returns the canonical bytes of a manifest made here.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a manifest has only string keys")
    }
}

/// An image index, also the `index.json` of an OCI layout.
///
/// Source: <https://github.com/opencontainers/image-spec/blob/v1.1.0/image-index.md>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// [`media_type::INDEX`] or [`media_type::DOCKER_INDEX`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Manifests or further indexes.
    pub manifests: Vec<Descriptor>,
    /// Free-form notes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            schema_version: 2,
            media_type: Some(media_type::INDEX.to_owned()),
            manifests: Vec::new(),
            annotations: BTreeMap::new(),
        }
    }
}
