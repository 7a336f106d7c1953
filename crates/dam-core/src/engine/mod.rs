//! Docker Engine as host packages: what `dam engine build` reads.
//!
//! [`EngineArchive`] unpacks what upstream publishes; [`Elf`] tells whether a program runs on every target.

mod archive;
pub mod elf;

pub use archive::{ArchiveError, EngineArchive, EngineFile, PROGRAMS};
pub use elf::{Elf, ElfFault, Linkage};
