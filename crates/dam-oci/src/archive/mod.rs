//! Image archives: what `docker save`, `podman save`, `skopeo`, DAM 1.x and dam itself write, read from a file.
//!
//! | kind | told by | source |
//! |---|---|---|
//! | OCI layout in a tar | `index.json` | <https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md> |
//! | `docker save` | `manifest.json` | <https://github.com/moby/moby/blob/v26.1.5/image/spec/spec.md> |
//! | DAM 1.x `.dam` | the same, gzip outside, names that start with `/` | `docs/formats/` |
//!
//! Each may be plain or compressed with gzip or zstd as a whole. Docker from version 25 on writes the first two in one.
//! A file may be split ([`Parts`]): the name of its first part stands for all.

mod budget;
mod cursor;
mod docker;
mod fault;
mod image;
mod joined;
mod members;
mod name;
mod oci;
mod outer;
mod parts;
mod pax;
mod sniff;
mod source;
mod stream;
mod streamed;
mod tape;
mod walk;
mod write;

use std::path::Path;
use std::sync::Arc;

use crate::{Compression, Descriptor, Digest, Image, ParseReferenceError, Reference, Result};

pub use fault::{ArchiveFault, NameFault};
pub use members::{ENTRY_LIMIT, Members, open_bytes};
pub(crate) use name::{clean, show};
pub(crate) use oci::name_of;
pub use oci::{NAME, REF_NAME};
pub use parts::{Part, PartName, Parts};
pub(crate) use source::{Section, Stream};
pub use stream::{Member, stream};
pub use streamed::{SMALL_LIMIT, StreamedArchive, StreamedDocuments};
pub(crate) use walk::{Entry, Kind, Walk, read_full};
pub use write::ArchiveWriter;
pub(crate) use write::NewEntry;

/// An archive with images in it.
pub struct Archive {
    members: Arc<Members>,
    images: Vec<ArchivedImage>,
}

/// An image of an archive, and what the archive says of it.
#[derive(Clone)]
pub struct ArchivedImage {
    /// The names it goes by, without doubles, in the order of the archive.
    pub references: Vec<Reference>,
    /// Names that are none; worth a warning.
    pub unreadable: Vec<ParseReferenceError>,
    /// Digest of the manifest.
    pub manifest: Digest,
    /// Layers the manifest names and the archive leaves out, as one made for a receiver that has them does.
    pub absent: Vec<Descriptor>,
    /// The image.
    pub image: Arc<dyn Image>,
}

impl Archive {
    /// Opens the archive at `path` and reads what its images are; their layers are not read yet.
    ///
    /// # Errors
    /// As [`Members::open`]; further [`ArchiveFault::NoManifest`] and [`ArchiveFault::Missing`], and
    /// [`crate::Error::Json`] where a document cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        Self::of(Arc::new(Members::open(path)?))
    }

    /// Reads the images of an archive that is already open.
    pub fn of(members: Arc<Members>) -> Result<Self> {
        let mut images = oci::images(&members)?;
        let saved = docker::saved(&members)?;
        if saved.is_none() && images.is_none() {
            return Err(members.refuse(ArchiveFault::NoManifest));
        }
        let mut images = images.take().unwrap_or_default();
        docker::add(&members, saved.unwrap_or_default(), &mut images)?;
        Ok(Self { members, images })
    }

    /// Returns the images, in the order of the archive; there may be none, as its lists say.
    pub fn images(&self) -> &[ArchivedImage] {
        &self.images
    }

    /// Returns the files of the archive.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// Reads a small member such as `dam.json` or `app_list`; `None` if there is none of that name.
    pub fn member_bytes(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.members.bytes(name)
    }

    /// Tells whether any member can be read at once; otherwise each is reached by reading from the front.
    pub fn is_seekable(&self) -> bool {
        self.members.compression() == Compression::None
    }
}

impl ArchivedImage {
    /// Adds a name, or reports it as none.
    fn name(&mut self, text: &str) {
        match text.parse() {
            Ok(reference) if self.references.contains(&reference) => {}
            Ok(reference) => self.references.push(reference),
            Err(fault) if self.unreadable.contains(&fault) => {}
            Err(fault) => self.unreadable.push(fault),
        }
    }
}
