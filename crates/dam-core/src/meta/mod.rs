//! `/meta` of an app as dam keeps it, so that `remove` works when the image is gone.
//!
//! A kept copy is a plain tar, `<root>/meta/<sha256>.tar`, named after its own bytes. Entries are sorted, owners are 0,
//! times are 0, and modes keep their `rwx` bits only, so the same `/meta` has the same digest whatever store it came
//! from. What a store hands over is unchecked input; every rule about it stands in [`MetaError`] and [`EntryFault`].

mod entry;
mod extensions;
mod fault;
mod files;
mod index;
mod keep;
mod unpack;
mod write;

use dam_oci::Digest;

use crate::app::HookName;

pub use fault::{EntryFault, MetaError};
pub(crate) use files::{Content, KeptFile};
pub use keep::Keep;
pub(crate) use keep::KeptCopy;

/// The most entries a `/meta` may have.
pub const ENTRY_LIMIT: usize = 100_000;
/// The most bytes the files of a `/meta` may have together.
pub const SIZE_LIMIT: u64 = 2 << 30;
/// The most bytes of `/meta/DESCRIPTION` that are kept as an app's description.
pub const DESCRIPTION_LIMIT: u64 = 64 << 10;
/// The most bytes [`Keep::read_file`] returns.
pub const READ_LIMIT: u64 = 1 << 20;

/// What a kept copy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMeta {
    /// The digest of the kept tar, which is its name.
    pub digest: Digest,
    /// The scripts in it, in the order of [`HookName::ALL`]: files, or links to files inside `/meta`.
    pub hooks: Vec<HookName>,
    /// The first 64 KiB of `DESCRIPTION`; bytes that are not UTF-8 are replaced.
    pub description: Option<String>,
}
