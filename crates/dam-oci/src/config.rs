//! What an image config says, for reading.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Digest, Platform};

/// The part of an image config that dam reads.
///
/// A config is edited as a `serde_json::Value` and passed on as the exact bytes it came in: this struct drops what it
/// does not know (health checks, `OnBuild`, and whatever comes next).
///
/// Source: <https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Processor, such as `amd64`.
    #[serde(default)]
    pub architecture: String,
    /// Operating system, such as `linux`.
    #[serde(default)]
    pub os: String,
    /// Processor variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Time of creation, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Defaults for a container.
    #[serde(default, deserialize_with = "null_is_default")]
    pub config: RunConfig,
    /// Layers by content.
    pub rootfs: RootFs,
}

impl Config {
    /// Returns the platform the image is for.
    pub fn platform(&self) -> Platform {
        Platform { os: self.os.clone(), architecture: self.architecture.clone(), variant: self.variant.clone() }
    }
}

/// Defaults for a container; only what dam reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunConfig {
    /// `KEY=value` lines.
    #[serde(default, rename = "Env", deserialize_with = "null_is_default")]
    pub env: Vec<String>,
    /// Labels.
    #[serde(default, rename = "Labels", deserialize_with = "null_is_default")]
    pub labels: BTreeMap<String, String>,
}

/// The unpacked layers of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// DiffIDs: digests of the uncompressed layer tars, oldest (base) first.
    #[serde(default, deserialize_with = "null_is_default")]
    pub diff_ids: Vec<Digest>,
}

/// Docker writes `null` where a list or map is empty.
fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
