//! What an export came to.

use std::collections::BTreeSet;
use std::path::PathBuf;

use dam_oci::Digest;
use serde::Serialize;

use crate::app::AppId;
use crate::bundle::{Counts, Finished, FinishedParts, HeadApp, Written};

/// A bundle that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The file; of a split one the path of the whole, which is not there. None for a stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The apps, in the order of the bundle.
    pub apps: Vec<ExportedApp>,
    /// Length of the bundle in bytes.
    pub bytes: u64,
    /// How many layers it has; each is in it once.
    pub layers: usize,
    /// SHA-256 of the bundle; of a split one, of all parts one after the other.
    pub sha256: Digest,
    /// The parts of a split bundle, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ExportedPart>,
    /// Parts of an earlier, larger export of the same name, which were removed: they would have been read with this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<PathBuf>,
}

/// An app of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportedApp {
    /// Name and version.
    #[serde(flatten)]
    pub id: AppId,
    /// Bytes of its unpacked layers.
    pub unpacked: u64,
    /// Bytes it adds to the bundle: what the apps before it do not have.
    pub added: u64,
    /// How many layers it has.
    pub layers: usize,
    /// How many of them an app before it has, too.
    pub shared: usize,
}

/// A part of a split bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportedPart {
    /// The file.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of it.
    pub sha256: Digest,
}

impl Exported {
    pub(super) fn of_file(written: &Written, file: Finished) -> Self {
        let Finished { path, bytes, sha256 } = file;
        Self { path: Some(path), ..Self::new(written, bytes, sha256) }
    }

    pub(super) fn of_parts(written: &Written, path: PathBuf, file: FinishedParts) -> Self {
        let FinishedParts { parts, removed, bytes, sha256 } = file;
        let part = |Finished { path, bytes, sha256 }| ExportedPart { path, bytes, sha256 };
        let parts = parts.into_iter().map(part).collect();
        Self { path: Some(path), parts, removed, ..Self::new(written, bytes, sha256) }
    }

    pub(super) fn of_stream<W>(written: &Written, counts: &Counts<W>) -> Self {
        Self::new(written, counts.bytes, counts.sha256)
    }

    fn new(written: &Written, bytes: u64, sha256: Digest) -> Self {
        let mut seen = BTreeSet::new();
        let apps = written.head.apps.iter().zip(&written.added).map(|(app, &added)| {
            let shared = app.layers.iter().filter(|layer| seen.contains(&layer.digest)).count();
            seen.extend(app.layers.iter().map(|layer| layer.digest));
            exported(app, added, shared)
        });
        let apps = apps.collect();
        Self { path: None, apps, bytes, layers: seen.len(), sha256, parts: Vec::new(), removed: Vec::new() }
    }
}

fn exported(app: &HeadApp, added: u64, shared: usize) -> ExportedApp {
    let id = AppId { name: app.name.clone(), version: app.version.clone() };
    ExportedApp { id, unpacked: app.unpacked(), added, layers: app.layers.len(), shared }
}
