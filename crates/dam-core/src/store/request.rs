//! What a build and a pull are asked for.

use std::collections::BTreeMap;

use dam_oci::registry::Credentials;
use dam_oci::{Platform, Reference};

use crate::Cancel;

/// Which builder of a Docker engine to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Builder {
    /// What the engine prefers (its `Builder-Version` header).
    #[default]
    Auto,
    /// The classic builder.
    Classic,
    /// BuildKit.
    BuildKit,
}

/// A build.
pub struct BuildRequest<'a> {
    /// The files to build from, with the expanded `meta`.
    pub context: &'a dam_oci::Context,
    /// Path of the Dockerfile inside the context.
    pub dockerfile: String,
    /// Tags of the result.
    pub tags: Vec<Reference>,
    /// Labels that override those of the Dockerfile.
    pub labels: BTreeMap<String, String>,
    /// Values for `ARG`.
    pub args: BTreeMap<String, String>,
    /// Platform to build for, if not the engine's own.
    pub platform: Option<Platform>,
    /// Builds every step anew.
    pub no_cache: bool,
    /// Which builder of an engine to use.
    pub builder: Builder,
}

/// An image that an engine is to fetch by itself.
pub struct PullRequest<'a> {
    /// The image, by the digest of its manifest.
    pub exact: &'a Reference,
    /// Who asks; without, anonymously.
    pub credentials: Option<&'a Credentials>,
    /// The platform, where it is not the engine's own choice.
    pub platform: Option<&'a Platform>,
    /// Bytes of its layers, for the progress.
    pub total: u64,
    /// The wish to stop.
    pub cancel: &'a Cancel,
}
