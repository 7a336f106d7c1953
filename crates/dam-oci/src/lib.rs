//! OCI images as values.
//!
//! An [`Image`] is a manifest and a way to open its blobs; a layout folder, a tar archive, a registry and a daemon each
//! give one.
//! [`blob()`] is the ordinary door to the bytes: it checks size and digest while they pass. This crate knows no app,
//! no daemon and no terminal; it never prints, reads the environment or exits.

pub mod archive;
mod blob;
pub mod build;
mod compression;
mod config;
pub mod context;
mod descriptor;
mod digest;
pub mod dockerfile;
mod dockerignore;
mod error;
mod image;
mod layers;
pub mod layout;

mod manifest;
pub mod media_type;
mod notes;
mod pattern;
mod platform;
mod reference;
pub mod registry;
mod subtree;
mod tar_writer;
#[cfg(feature = "testing")]
pub mod testing;

pub use archive::{Archive, ArchiveFault, ArchivedImage};
pub use blob::{BlobFault, VerifyingReader};
pub use compression::{Compression, Decompressed, decompress};
pub use config::{Config, RootFs, RunConfig};
pub use context::Context;
pub use descriptor::Descriptor;
pub use digest::{Digest, Hasher, ParseDigestError};
pub use dockerfile::Dockerfile;
pub use dockerignore::DockerIgnore;
pub use error::{Error, Result};
pub use image::{Image, JSON_LIMIT, blob, config, visit_blobs};
pub use layers::{Layer, layers, visit_layers};
pub use layout::Layout;
pub use manifest::{Index, Manifest};
pub use notes::{LayerNotes, Survey};
pub use platform::{ParsePlatformError, Platform};
pub use reference::{ParseReferenceError, Reference, ReferenceFault};
pub use registry::{Registry, RegistryImage};
pub use subtree::{Limits, subtree};
