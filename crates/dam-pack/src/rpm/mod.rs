//! `.rpm` packages, of format 4.

mod cpio;
mod dependencies;
mod describe;
mod files;
mod header;
mod lead;
mod measured;
mod payload;
mod scripts;
mod tag;
mod write;

pub use write::write;
