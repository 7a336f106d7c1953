//! What can be wrong with a bundle.

use std::path::PathBuf;

use dam_oci::{Digest, Reference};

use crate::app::AppId;

/// What can be wrong with a bundle, beyond what can be wrong with any image archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The content is not what the file's name promises.
    #[error("`{path}` is damaged: its name promises the checksum {promised:08x}, its content has {found:08x}")]
    Checksum {
        /// The file.
        path: PathBuf,
        /// CRC-32 in the name.
        promised: u32,
        /// CRC-32 of the content.
        found: u32,
    },
    /// A file to be written has a name that reads as if it carried a checksum, and another one than the content has.
    #[error("the name `{path}` would promise the checksum {promised:08x}, and the content has {found:08x}")]
    FalsePromise {
        /// The name.
        path: PathBuf,
        /// What a reader takes for a CRC-32.
        promised: u32,
        /// CRC-32 of the content.
        found: u32,
    },
    /// The file has another length than its name promises.
    #[error("`{path}` is damaged: its name promises {promised} bytes, it has {found}")]
    Length {
        /// The file.
        path: PathBuf,
        /// Length in the name, in bytes.
        promised: u64,
        /// Length of the file, in bytes.
        found: u64,
    },
    /// A later format.
    #[error("`{path}` has bundle format {version}, and this dam reads up to {}", super::FORMAT_VERSION)]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        version: u32,
    },
    /// It carries changes only, for a receiver that has the rest.
    #[error("`{path}` needs a baseline, which this dam cannot read")]
    NeedsBaseline {
        /// The file.
        path: PathBuf,
    },
    /// An archive of another kind where only a bundle of dam 2 can be read.
    #[error("only a bundle of dam 2 can be read in one pass, and `{path}` is not one")]
    NotStreamed {
        /// The stream.
        path: PathBuf,
    },
    /// A file that was named as the next part of a split bundle.
    #[error("`{path}` is not part {number} by its name")]
    OtherPart {
        /// The file.
        path: PathBuf,
        /// The number of the part, from 1.
        number: u32,
    },
    /// Head and images contradict each other.
    #[error("`{path}` contradicts itself: {reason}")]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// What does not match.
        reason: String,
    },
    /// An app of `app_list` in a bundle of DAM 1.x that the bundle does not carry.
    #[error("`{path}` lists `{app}` and has no archive of it")]
    NotThere {
        /// The file.
        path: PathBuf,
        /// The app.
        app: AppId,
    },
    /// An archive in a bundle of DAM 1.x whose app is not in `app_list`.
    #[error("`{path}` carries `{archive}` and does not list the app in it, `{app}`")]
    NotListed {
        /// The file.
        path: PathBuf,
        /// Name of the archive within the file.
        archive: String,
        /// What the archive calls its image.
        app: Reference,
    },
    /// A bundle of DAM 1.x that is compressed as a whole.
    #[error("`{path}` is a bundle of DAM 1.x inside {compression}, and can be read only without it")]
    Packed {
        /// The file.
        path: PathBuf,
        /// `gzip` or `zstd`.
        compression: &'static str,
    },
    /// An image without a usable name.
    #[error("`{path}` does not say what its image {image} is called")]
    NoName {
        /// The file.
        path: PathBuf,
        /// Digest of the image's config.
        image: Digest,
    },
    /// An app that is to be written twice.
    #[error("`{0}` would be in the bundle twice")]
    Twice(Reference),
    /// Something that must not be replaced by a file.
    #[error("`{path}` is not a regular file, so it is not replaced")]
    Irregular {
        /// The place.
        path: PathBuf,
    },
}
