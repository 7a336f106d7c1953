//! Docker Engine as host packages: what `dam engine build` reads.
//!
//! A [`Recipe`] says what a package is made of; [`EngineArchive`] unpacks what upstream publishes; [`Elf`] tells whether a
//! program runs on every target.

mod archive;
pub mod elf;
pub mod recipe;

pub use archive::{ArchiveError, EngineArchive, EngineFile, PROGRAMS};
pub use elf::{Elf, ElfFault, Linkage};
pub use recipe::{Recipe, RecipeError};
