//! What can be wrong with a file of apps.

use dam_oci::Digest;
use serde::Serialize;

/// What can be wrong with a file of apps. `what` names a blob as people know it, such as `layer 5 of mongodb:3.6.20`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum FileFault {
    /// The name of the file, or of an archive in it, promises another checksum.
    Checksum {
        /// The file.
        name: String,
        /// CRC-32 in the name, in hex.
        promised: String,
        /// CRC-32 of the content, in hex.
        found: String,
    },
    /// The name of the file, or of an archive in it, promises another length.
    Length {
        /// The file.
        name: String,
        /// Length in the name, in bytes.
        promised: u64,
        /// Length of the file, in bytes.
        found: u64,
    },
    /// The file cannot be read any further; what is behind that place was not looked at.
    BrokenOff {
        /// The archive in the file, if it is one of several there.
        archive: Option<String>,
        /// Why, as a sentence about the file.
        reason: String,
    },
    /// A blob ends too early, and the file with it.
    Short {
        /// The blob.
        what: String,
        /// Its digest, where its name tells it.
        digest: Option<Digest>,
        /// Bytes that are missing.
        missing: u64,
    },
    /// A blob has another length than documents say.
    Size {
        /// The blob.
        what: String,
        /// Its digest.
        digest: Digest,
        /// The length that is promised, in bytes.
        promised: u64,
        /// Its length, in bytes.
        found: u64,
    },
    /// A blob has other content than its digest says.
    Content {
        /// The blob.
        what: String,
        /// Its digest.
        digest: Digest,
        /// The digest of what is there.
        found: Digest,
    },
    /// The compression of a layer cannot be undone.
    Compression {
        /// The layer.
        what: String,
        /// Its digest.
        digest: Digest,
        /// Why.
        reason: String,
    },
    /// A layer is another one when it is unpacked.
    DiffId {
        /// The layer.
        what: String,
        /// Its digest as it is in the file.
        digest: Digest,
        /// The DiffID that is promised.
        promised: Digest,
        /// The DiffID of what is there.
        found: Digest,
    },
    /// A layer has another length when it is unpacked.
    UnpackedSize {
        /// The layer.
        what: String,
        /// Its digest as it is in the file.
        digest: Digest,
        /// The length that is promised, in bytes.
        promised: u64,
        /// The length of what is there, in bytes.
        found: u64,
    },
    /// Something that is named is not there.
    Missing {
        /// What it would be.
        what: String,
        /// Its name in the file.
        name: String,
    },
    /// Something is there that nothing names.
    Unnamed {
        /// Its name in the file.
        name: String,
        /// Its length in bytes.
        bytes: u64,
    },
    /// A document cannot be read, or is not what `dam.json` implies.
    Document {
        /// Its name in the file.
        name: String,
        /// What is wrong, as a sentence about it.
        reason: String,
    },
    /// An app is not as the file says, or none at all.
    App {
        /// The app.
        app: String,
        /// What is wrong, as a sentence about it.
        reason: String,
    },
    /// Something follows behind the end of the archive.
    Trailing {
        /// How many bytes.
        bytes: u64,
    },
}
