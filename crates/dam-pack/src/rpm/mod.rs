//! `.rpm` packages, of format 4.

mod constructs;
mod cpio;
mod cpio_read;
mod dependencies;
mod describe;
mod files;
mod header;
mod lead;
mod listing;
mod measured;
mod parsed;
mod payload;
mod read;
mod scripts;
mod tag;
mod view;
mod write;

pub(crate) use listing::{Dependency, Listing};
pub use read::read;
pub(crate) use read::{Whole, read_whole};
pub use write::write;
