//! What a package holds, in one shape for both formats.
//!
//! A reader of either format fills a [`PackageView`] from bytes it does not trust: text is what the package says, shown
//! with `\u{fffd}` where it is no UTF-8, and no path is safe to open. Only the bytes of files are left out; whoever wants
//! some of them (units, ELF headers) looks at them as they pass, see [`Visitor`].

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde::Serialize;

use crate::Format;

/// A package that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageView {
    /// Its format.
    pub format: Format,
    /// Its name.
    pub name: String,
    /// Its whole version as the tools compare it: `[epoch:]version[-release]`.
    pub version: String,
    /// Its processor, in the format's own word.
    pub architecture: String,
    /// One line that says what it is.
    pub summary: String,
    /// What it is, without the summary; paragraphs are parted by empty lines.
    pub description: String,
    /// All that it says of itself beside lists of files, relations and scripts, in the package's order and names:
    /// `Installed-Size`, `Section`; `Vendor`, `License`.
    pub fields: Vec<(String, String)>,
    /// What it needs and excludes, each as the format writes it: `iptables | nftables`, `docker-ce < 5`.
    pub relations: BTreeMap<RelationKind, Vec<String>>,
    /// What is installed, by path.
    pub entries: Vec<EntryView>,
    /// What runs.
    pub scripts: Vec<ScriptView>,
    /// What changed, newest first. Empty for a `.deb`, whose changelog is one of its files.
    pub changelog: Vec<String>,
    /// How the file is made, as far as old tools may stumble over it.
    pub constructs: Vec<Construct>,
}

/// A kind of relation, in the words of both formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RelationKind {
    /// `Pre-Depends`; `Requires(pre)` and the like.
    PreDepends,
    /// `Depends`, `Requires`.
    Depends,
    /// `Recommends`.
    Recommends,
    /// `Suggests`.
    Suggests,
    /// `Enhances`, and RPM's `Supplements`.
    Enhances,
    /// `Conflicts`.
    Conflicts,
    /// `Breaks`, of a `.deb` only.
    Breaks,
    /// `Provides`.
    Provides,
    /// `Replaces`, `Obsoletes`.
    Replaces,
}

/// Something that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryView {
    /// The absolute path, as the package has it but for a `.` in front: `/usr/bin/docker`. A hostile package may have
    /// `..` in it.
    pub path: String,
    /// What it is.
    pub kind: KindView,
    /// Permission bits, with set-user-ID, set-group-ID and sticky: `0o4755`.
    pub mode: u16,
    /// The user it belongs to; its number where there is no name.
    pub owner: String,
    /// The group it belongs to; its number where there is no name.
    pub group: String,
    /// Seconds since 1970, UTC.
    pub time: u64,
    /// What the file is to the package tools.
    pub role: RoleView,
}

/// What is installed at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KindView {
    /// A file.
    File {
        /// Bytes.
        size: u64,
        /// SHA-256 of the bytes that are in the package. None for a ghost, which has none.
        sha256: Option<[u8; 32]>,
    },
    /// A folder.
    Folder,
    /// A symbolic link.
    Link {
        /// What it points to, as it is written.
        target: String,
    },
    /// One more name of a file in the package.
    HardLink {
        /// The absolute path of the file.
        target: String,
    },
    /// A device, a pipe or a socket, which no package of ours has.
    Special,
}

/// What a file is to the package tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleView {
    /// One of the package's own.
    Plain,
    /// A setting that an upgrade keeps: `conffiles`, `%config(noreplace)`.
    Config,
    /// A setting that an upgrade replaces, keeping the admin's beside it: `%config`.
    ReplacedConfig,
    /// Documentation: `%doc`.
    Doc,
    /// A licence: `%license`.
    License,
    /// Owned, but not in the package: `%ghost`.
    Ghost,
}

/// Something that runs when the package, or another, comes or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptView {
    /// Where it runs, in the format's own word: `postinst`, `posttrans`, `triggerin -- container-selinux`.
    pub place: String,
    /// What runs it, with its arguments: `/bin/sh`, `<lua>`. Empty for a binary.
    pub interpreter: String,
    /// The script.
    pub text: String,
}

/// A way of making package files that not every tool can read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Construct {
    /// A part of the file is compressed, or not.
    Compressed {
        /// The part: `control.tar`, `data.tar`, `payload`.
        part: String,
        /// How.
        by: Compression,
    },
    /// An xz part needs this much memory to be read.
    XzMemory {
        /// The part.
        part: String,
        /// Bytes of dictionary, the largest of the blocks that were read.
        dictionary: u64,
    },
    /// An xz part goes through this filter before LZMA2.
    XzFilter {
        /// The part.
        part: String,
        /// Number of the filter: <https://tukaani.org/xz/xz-file-format.txt> §5.3.
        id: u64,
    },
    /// A tar entry is described by a pax header, at which dpkg stops.
    PaxHeader {
        /// The part.
        part: String,
    },
    /// A name that is too long for its tar header stands in an entry of its own, as GNU tar does it.
    GnuLongName {
        /// The part.
        part: String,
    },
    /// A number of a tar entry is too large for octal digits, and stands as GNU tar writes it.
    GnuLargeNumber {
        /// The part.
        part: String,
    },
    /// An `ar` member that is not one of the three that belong there, such as a signature.
    ForeignMember {
        /// Its name.
        name: String,
    },
    /// An `.rpm` has a signature header of this size.
    SignatureHeader {
        /// Bytes of its data.
        bytes: u64,
        /// Tags in it, with its region.
        tags: u64,
    },
    /// An `.rpm` is signed.
    Signature {
        /// The tag: 267 and 268 for the header, 1002 and 1005 for header and payload, 278 for what only rpm 6 reads.
        tag: u32,
        /// The algorithms by OpenPGP's names: `RSA/SHA256`.
        by: String,
    },
    /// A digest by which an `.rpm` can be checked.
    Digest {
        /// Of what: `header`, `payload`, `header and payload`, `files`.
        of: &'static str,
        /// The algorithm: `SHA256`.
        by: &'static str,
    },
    /// Two files of an `.rpm` have one inode and are not the same, and rpm before 4.14 gives both the content of one.
    SharedInodes,
}

/// A way of compressing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// bzip2.
    Bzip2,
    /// The format before xz.
    Lzma,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
}

/// What looks at the files of a package as they pass: the path as in [`EntryView::path`], the size, and the bytes, of
/// which it reads as many as it likes. Its error ends the reading.
pub type Visitor<'a> = dyn FnMut(&str, u64, &mut dyn Read) -> io::Result<()> + 'a;

impl RelationKind {
    /// Says whether a package can be installed without what it names.
    pub fn is_weak(self) -> bool {
        matches!(self, Self::Recommends | Self::Suggests | Self::Enhances)
    }
}

impl PackageView {
    /// Finds what is installed at an absolute path.
    pub fn entry(&self, path: &str) -> Option<&EntryView> {
        self.entries.iter().find(|entry| entry.path == path)
    }

    /// Finds what it says of itself under a name of its own format; case does not matter.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns its relations of a kind.
    pub fn relations(&self, kind: RelationKind) -> &[String] {
        self.relations.get(&kind).map_or(&[], Vec::as_slice)
    }
}
