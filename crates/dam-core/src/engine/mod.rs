//! Docker Engine as host packages: what `dam engine build` reads.
//!
//! A [`Recipe`] says what a package is made of; [`EngineArchive`] unpacks what upstream publishes, and a [`Plugin`] goes
//! beside it; [`Elf`] tells whether a program runs on every target.

mod archive;
pub mod elf;
pub mod host;
mod inputs;
mod package_file;
mod plugin;
pub mod recipe;
mod signer;

pub use archive::{ArchiveError, EngineArchive, EngineFile, Necessity, PROGRAMS};
pub use elf::{Elf, ElfFault, Linkage};
pub(crate) use inputs::digest_of;
pub use inputs::{Fetched, InputError, Inputs, Way};
pub use package_file::{PackageFault, PackageFile};
pub use plugin::{Plugin, PluginError};
pub use recipe::{Recipe, RecipeError};
pub use signer::{SignerCommand, SignerFailed};
