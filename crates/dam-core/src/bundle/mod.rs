//! Bundles: one file that carries apps.
//!
//! dam writes version 2 of the format (`docs/formats/bundle-v2.md`): an OCI layout in a tar, whose first entries say all
//! that a plan needs. It reads that, the `.dam` files and bundles of DAM 1.x, and archives of `docker save`, `podman save`
//! and `skopeo`. Nothing comes out of a [`Bundle`] before its head is checked: only a [`VerifiedBundle`] gives apps.

mod exported;
mod fault;
mod file;
pub mod file_name;
mod head;
mod layers;
mod media;
mod open;
mod stream;
mod verify;
mod write;

pub use fault::BundleError;
pub(crate) use file::refuse_irregular;
pub use file::{BundleFile, Finished};
pub use head::{FORMAT_VERSION, Head, HeadApp, HeadLayer};
pub use media::{Media, MediaReader, NoMedia};
pub use open::{Bundle, BundledApp, VerifiedBundle};
pub use stream::{Rest, StreamedBundle};
pub use write::{BundleApp, Written, write};
