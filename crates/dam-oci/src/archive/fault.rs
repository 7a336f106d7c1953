//! What makes a tar unfit to be read as an image archive or a layer.

use crate::BlobFault;

/// Why an archive is refused. Each reads on after the archive's name: "`shop.dam` is empty".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveFault {
    /// No bytes at all.
    #[error("is empty")]
    Empty,
    /// A folder, a pipe or a device where a file is needed.
    #[error("is not a regular file")]
    NotFile,
    /// Another kind of archive or compression.
    #[error("is {0}, not an image archive")]
    Foreign(&'static str),
    /// Neither a tar nor something compressed that could hold one.
    #[error("is not a tar archive")]
    NotTar,
    /// The tar ends inside a member.
    #[error("is damaged: `{member}` ends {missing} bytes early")]
    Short {
        /// The member.
        member: String,
        /// Bytes of its content that are missing.
        missing: u64,
    },
    /// The tar ends inside a header.
    #[error("is damaged: it breaks off in the header at byte {offset}")]
    ShortHeader {
        /// Where the header begins, in bytes of the uncompressed tar.
        offset: u64,
    },
    /// A split file of which a part is not there.
    #[error("is incomplete: its part `{part}` is missing")]
    PartMissing {
        /// File name of the part.
        part: String,
    },
    /// A split file with a part before the last that is shorter than others.
    #[error("is incomplete: its part `{part}` has {found} bytes, and others have {expected}")]
    PartShort {
        /// File name of the part.
        part: String,
        /// Its length in bytes.
        found: u64,
        /// The length of the longest part, in bytes.
        expected: u64,
    },
    /// A split file whose last part ends too early.
    #[error("is incomplete: its last part `{part}` is cut off")]
    PartCut {
        /// File name of the part.
        part: String,
    },
    /// A part of a split file, in place of the first one.
    #[error("is a later part of a split file, which begins with `{first}`")]
    NotFirst {
        /// File name of the first part.
        first: String,
    },
    /// The compression around the tar breaks off.
    #[error("is damaged: its {compression} stream breaks off")]
    ShortCompression {
        /// `gzip` or `zstd`.
        compression: &'static str,
    },
    /// The compression around the tar cannot be undone, or its checksum does not match.
    #[error("is damaged: its {compression} stream is corrupt")]
    Compression {
        /// `gzip` or `zstd`.
        compression: &'static str,
    },
    /// A header breaks the tar format.
    #[error("is damaged: the header at byte {offset} {reason}")]
    Header {
        /// Where the header begins, in bytes of the uncompressed tar.
        offset: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name that must not become a path.
    #[error("is refused: the name `{name}` {reason}")]
    Name {
        /// The name, as far as it is text.
        name: String,
        /// The rule it breaks.
        reason: NameFault,
    },
    /// A link that leaves the archive.
    #[error("is refused: `{name}` links to `{target}`, outside of the archive")]
    Outside {
        /// The link.
        name: String,
        /// Where it points.
        target: String,
    },
    /// A link to nothing, or links in a circle.
    #[error("is damaged: `{name}` links to nothing")]
    Dangling {
        /// The link.
        name: String,
    },
    /// A device, a pipe or another thing that is no content.
    #[error("is refused: `{name}` is {kind}")]
    Special {
        /// The member.
        name: String,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// Two members with one name: readers disagree which counts.
    #[error("is refused: `{name}` is in it twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// Too many entries.
    #[error("has more than {limit} entries")]
    Entries {
        /// The most that are read.
        limit: u64,
    },
    /// Too much content.
    #[error("holds more than {limit} bytes")]
    Bytes {
        /// The most that is read.
        limit: u64,
    },
    /// Too many or too long names.
    #[error("has more than {limit} bytes of names")]
    Names {
        /// The most that is read.
        limit: u64,
    },
    /// Neither an OCI layout nor what `docker save` writes.
    #[error("holds no image: it has neither `index.json` nor `manifest.json`")]
    NoManifest,
    /// A member that another one names.
    #[error("is damaged: {what} (`{name}`) is missing")]
    Missing {
        /// What the member would be, such as "layer 2".
        what: String,
        /// Its name.
        name: String,
    },
    /// A blob is not what is said of it elsewhere in the archive.
    #[error("is damaged: {what} {fault}")]
    Blob {
        /// What the blob is, such as "manifest" or "layer 2".
        what: String,
        /// What is wrong with it.
        fault: BlobFault,
    },
    /// A member that must be small is not.
    #[error("is damaged: `{name}` has {size} bytes, more than the {limit} that are read")]
    Large {
        /// The member.
        name: String,
        /// Its size in bytes.
        size: u64,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// A list of images that is too long.
    #[error("is refused: `{name}` lists more than {limit} images and names")]
    Lines {
        /// The list.
        name: String,
        /// The most that are read.
        limit: usize,
    },
    /// Its list of images does not stand in front, as reading in one pass needs.
    #[error("does not begin with the list of its images")]
    Unordered,
    /// In a stream, a member at the wrong place.
    #[error("is damaged: `{name}` stands where `{wanted}` should")]
    Place {
        /// The member.
        name: String,
        /// What should be there.
        wanted: String,
    },
    /// A stream that goes on behind its end.
    #[error("is damaged: something follows its end")]
    Trailing,
    /// A multi-platform image without a part for this machine.
    #[error("has no image for {wanted}, only for {offered}")]
    Platform {
        /// The platform of this machine.
        wanted: String,
        /// What there is, joined by commas.
        offered: String,
    },
}

impl ArchiveFault {
    /// Tells whether a split file lacks a part, or another than its first part was named.
    pub fn is_about_parts(&self) -> bool {
        matches!(self, Self::PartMissing { .. } | Self::PartShort { .. } | Self::PartCut { .. } | Self::NotFirst { .. })
    }

    /// Tells whether the archive ends too early, as one does of which the rest is missing.
    pub(crate) fn is_breaking_off(&self) -> bool {
        matches!(self, Self::Empty | Self::Short { .. } | Self::ShortHeader { .. } | Self::ShortCompression { .. })
    }
}

/// Why a name in a tar is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// A `..` component.
    #[error("has a `..` in it")]
    Parent,
    /// A zero byte.
    #[error("has a zero byte in it")]
    Zero,
    /// Bytes that are not UTF-8.
    #[error("is not UTF-8 text")]
    NotText,
    /// Too long.
    #[error("is too long")]
    Long,
    /// Empty where a file needs a name.
    #[error("is empty")]
    Empty,
}
