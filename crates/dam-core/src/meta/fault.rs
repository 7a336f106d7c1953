//! Why a `/meta` cannot be kept or used.

use std::io;
use std::path::PathBuf;

use dam_oci::Digest;

/// What can go wrong with a `/meta`.
#[derive(Debug, thiserror::Error)]
pub enum MetaError {
    /// An entry that no `/meta` may have.
    #[error("entry `{entry}` of /meta {fault}")]
    Entry {
        /// The entry's name, bytes that are not UTF-8 replaced.
        entry: String,
        /// What is wrong with it.
        fault: EntryFault,
    },
    /// More entries than [`super::ENTRY_LIMIT`], or names that are too long together.
    #[error("/meta has more than {limit} entries")]
    TooMany {
        /// The most there may be.
        limit: usize,
    },
    /// More bytes than [`super::SIZE_LIMIT`].
    #[error("/meta has more than {limit} bytes")]
    TooLarge {
        /// The most there may be, in bytes.
        limit: u64,
    },
    /// What the store handed over is not a tar, or breaks off.
    #[error("/meta cannot be read as a tar")]
    Tar(#[source] io::Error),
    /// There is no kept copy of that digest.
    #[error("no copy of /meta is kept as `{path}`")]
    Gone {
        /// Where it should be.
        path: PathBuf,
    },
    /// A kept copy is not what its name promises.
    #[error("the kept copy of /meta `{path}` has been changed: its content is {found}")]
    Changed {
        /// The file.
        path: PathBuf,
        /// The digest of what is in it.
        found: Digest,
    },
}

/// What is wrong with one entry; completes the sentence "entry `x` of /meta …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    /// Its name is absolute, has a `..`, is not below `meta/`, is longer than 4096 bytes, or has a part longer than 255.
    #[error("has a name that does not belong into /meta")]
    Name,
    /// It is there twice.
    #[error("is there twice")]
    Twice,
    /// Something lies below it, but it is no folder.
    #[error("is not a folder, though something lies in it")]
    NotFolder,
    /// It is a device or a fifo.
    #[error("is a device or a fifo")]
    Device,
    /// It is of a kind nobody uses in images, such as a sparse file; the type flag of its header.
    #[error("is of an unknown kind (`{}`)", .0.escape_ascii())]
    Kind(u8),
    /// Its PAX records contradict its header, or describe a sparse file.
    #[error("has PAX records that change its content")]
    Pax,
    /// A symbolic link without a target, or with one longer than 4096 bytes.
    #[error("is a link to nowhere")]
    Target,
    /// A hard link to something that is not a file in `/meta`.
    #[error("is a hard link to `{0}`, which is no file in /meta")]
    HardLink(String),
}
