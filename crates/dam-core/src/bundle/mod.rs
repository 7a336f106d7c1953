//! Bundles: one file that carries apps.
//!
//! dam writes version 2 of the format (`docs/formats/bundle-v2.md`): an OCI layout in a tar, whose first entries say all
//! that a plan needs. It reads that, the `.dam` files and bundles of DAM 1.x, and archives of `docker save`, `podman save`
//! and `skopeo`. Nothing comes out of a [`Bundle`] before its head is checked: only a [`VerifiedBundle`] gives apps.

mod counted;
mod exported;
mod fault;
mod file;
pub mod file_name;
mod form;
mod head;
mod layers;
mod media;
mod open;
mod split;
mod stream;
mod verify;
mod write;

pub use counted::{Counted, Counts};
pub use fault::BundleError;
pub use file::{BundleFile, Finished};
pub(crate) use file::{folder_of, refuse_irregular};
pub use form::Form;
pub use head::{FORMAT_VERSION, Head, HeadApp, HeadLayer};
pub use media::{Media, MediaReader, NoMedia};
pub(crate) use open::parse_head;
pub use open::{Bundle, BundledApp, VerifiedBundle};
pub use split::{FinishedParts, SplitFile};
pub use stream::{Rest, StreamedBundle};
pub(crate) use verify::claims;
pub(crate) use write::documents;
pub use write::{BundleApp, Written, write};
