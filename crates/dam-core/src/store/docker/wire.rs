//! What engines answer, read leniently: every field may be missing, words are strings, and unknown fields are skipped.
//! Strict readers break on Podman and on every second release of Docker.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// `GET /images/{name}/json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ImageInspect {
    pub(super) id: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) repo_tags: Vec<String>,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) config: ImageConfig,
    #[serde(rename = "RootFS", deserialize_with = "null_is_default")]
    pub(super) root_fs: RootFs,
    pub(super) size: i64,
    pub(super) os: String,
    pub(super) architecture: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) variant: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) created: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ImageConfig {
    #[serde(deserialize_with = "null_is_default")]
    pub(super) labels: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct RootFs {
    #[serde(deserialize_with = "null_is_default")]
    pub(super) layers: Vec<String>,
}

/// A row of `GET /images/json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ImageRow {
    pub(super) id: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) repo_tags: Vec<String>,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) labels: BTreeMap<String, String>,
    pub(super) size: i64,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) manifests: Vec<ManifestRow>,
}

/// A manifest of a row of `GET /images/json?manifests=1`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ManifestRow {
    #[serde(rename = "ID")]
    pub(super) id: String,
    #[serde(rename = "Available")]
    pub(super) available: bool,
}

/// A row of `GET /containers/json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ContainerRow {
    pub(super) id: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) names: Vec<String>,
    #[serde(rename = "ImageID", deserialize_with = "null_is_default")]
    pub(super) image_id: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) labels: BTreeMap<String, String>,
}

/// `POST /containers/create`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Created {
    pub(super) id: String,
}

/// `GET /info`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Info {
    #[serde(deserialize_with = "null_is_default")]
    pub(super) driver: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) driver_status: Vec<Vec<String>>,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) server_version: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) operating_system: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) docker_root_dir: String,
    #[serde(rename = "ID", deserialize_with = "null_is_default")]
    pub(super) id: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) architecture: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) cgroup_driver: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) cgroup_version: String,
}

/// `GET /containers/{id}/json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ContainerInspect {
    #[serde(deserialize_with = "null_is_default")]
    pub(super) state: ContainerState,
}

/// How a container is.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ContainerState {
    #[serde(deserialize_with = "null_is_default")]
    pub(super) status: String,
    pub(super) exit_code: i64,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) error: String,
}

/// A line of the stream that answers a load, a build or a pull.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub(super) stream: Option<String>,
    pub(super) status: Option<String>,
    pub(super) error: Option<String>,
    #[serde(rename = "errorDetail")]
    pub(super) error_detail: Option<ErrorDetail>,
    pub(super) id: Option<String>,
    #[serde(rename = "progressDetail")]
    pub(super) progress: Option<Progress>,
    pub(super) aux: Option<serde_json::Value>,
}

/// How far one layer of a pull is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Progress {
    pub(super) current: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorDetail {
    pub(super) message: Option<String>,
}

/// Go writes `null` where a list, map or string is absent.
fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
