//! Docker Engine as host packages: what `dam engine build` reads, and makes of it.
//!
//! A [`Recipe`] says what a package is made of; [`EngineArchive`] unpacks what upstream publishes, and a [`Plugin`] goes
//! beside it; [`Elf`] tells whether a program runs on every target. [`Parts`] are all of these together, and [`layout`] says
//! where in a package each goes.

mod archive;
pub mod elf;
mod fault;
pub mod host;
mod inputs;
pub mod layout;
pub mod licenses;
mod os_release;
mod package_file;
mod parts;
mod plugin;
pub mod recipe;
pub mod sbom;
mod signer;
pub mod smoke;
mod validate;

pub use archive::{ArchiveError, EngineArchive, EngineFile, Necessity, PROGRAMS};
pub use elf::{Elf, ElfFault, Linkage};
pub use fault::BuildError;
pub(crate) use inputs::digest_of;
pub use inputs::{Fetched, InputError, Inputs, Way};
pub use os_release::{Family, Nearest, OsRelease};
pub use package_file::{PackageFault, PackageFile};
pub use parts::{Companion, Parts, PartsAround};
pub use plugin::{Plugin, PluginError};
pub use recipe::{Recipe, RecipeError};
pub use signer::{SignerCommand, SignerFailed};
pub use validate::{Validation, validate};
