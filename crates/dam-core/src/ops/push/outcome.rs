//! What a push came to.

use dam_oci::registry::{Pushed, Server};
use dam_oci::{Digest, Reference};
use serde::Serialize;

use crate::app::AppId;

/// What a push came to, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PushOutcome {
    /// Where it went to.
    pub to: Server,
    /// Whether nothing was sent, and all this is what would be.
    pub dry_run: bool,
    /// The apps, in the order they were named, those of a file in its order.
    pub apps: Vec<PushedApp>,
    /// Bytes that were sent for all of them.
    pub bytes: u64,
}

/// An app in a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PushedApp {
    /// Its name and version.
    pub app: AppId,
    /// What it is called there.
    pub reference: Reference,
    /// Its manifest.
    pub digest: Digest,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Blobs that were sent.
    pub sent: usize,
    /// Blobs that the registry took over from another of its repositories.
    pub mounted: usize,
    /// Blobs that were there already.
    pub present: usize,
    /// Whether layers of it are in zstd, which Docker takes from version 23 on.
    pub zstd: bool,
}

impl PushedApp {
    pub(super) fn new(app: AppId, reference: Reference, pushed: Pushed, zstd: bool) -> Self {
        let Pushed { digest, bytes, sent, mounted, present } = pushed;
        Self { app, reference, digest, bytes, sent, mounted, present, zstd }
    }
}
