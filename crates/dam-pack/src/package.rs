//! One description from which both formats are written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::{Architecture, Effort, Format, PackageName, PackagePath, PackageVersion, Relations};

/// A package: what it is, what it holds, and what runs when it comes and goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: PackageName,
    /// Its version and release.
    pub version: PackageVersion,
    /// What wins over the version when packages are compared; 0 is none.
    pub epoch: u32,
    /// The processor it is for.
    pub architecture: Architecture,
    /// Who answers for it: `Name <address>`.
    pub maintainer: String,
    /// One line that says what it is, without a full stop.
    pub summary: String,
    /// What it is, in paragraphs; lines are wrapped by the writers where a format wants it.
    pub description: String,
    /// Where it comes from.
    pub homepage: Option<String>,
    /// Its licences, as an SPDX expression.
    pub license: String,
    /// Who made it, for formats that ask.
    pub vendor: Option<String>,
    /// Seconds since 1970, UTC: the time of everything in it. The same description with the same time gives the same bytes.
    pub source_date: u32,
    /// How much time is spent to make it small.
    pub effort: Effort,
    /// What it needs and excludes, in each format's own names.
    pub relations: BTreeMap<Format, Relations>,
    /// What is installed. In any order; writers sort by path.
    pub entries: Vec<Entry>,
    /// What runs, in each format's own places.
    pub scripts: Scripts,
    /// What changed, newest first.
    pub changelog: Vec<Change>,
}

/// Something that is installed. Everything belongs to root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub path: PackagePath,
    /// What.
    pub kind: EntryKind,
    /// Formats that have it; all if empty.
    pub only: Vec<Format>,
}

/// What is installed at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File {
        /// Its bytes.
        content: Content,
        /// Permission bits, such as `0o755`.
        mode: u16,
        /// What the file is to the package tools.
        role: Role,
    },
    /// A folder that the package owns.
    Folder {
        /// Permission bits.
        mode: u16,
    },
    /// A symbolic link.
    Link {
        /// What it points to, as it is written.
        target: String,
    },
}

/// What a file is to the package tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// One of the package's own, replaced by the next version.
    Plain,
    /// A setting that the admin may edit, and that an upgrade keeps: `conffiles`, `%config(noreplace)`.
    Config,
    /// Documentation.
    Doc,
    /// A licence.
    License,
}

/// The bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Here.
    Bytes(Vec<u8>),
    /// In a file, which is read when the package is written.
    File {
        /// The file.
        path: PathBuf,
        /// Its length in bytes; another length is an error.
        size: u64,
    },
}

impl Content {
    /// Returns the length in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { size, .. } => *size,
        }
    }
}

/// Shell scripts by the place they run at; each begins with `#!/bin/sh`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scripts {
    /// Debian's: <https://www.debian.org/doc/debian-policy/ch-maintainerscripts.html>.
    pub deb: BTreeMap<DebScript, String>,
    /// RPM's: <https://rpm-software-management.github.io/rpm/manual/spec.html#runtime-scriptlets>.
    pub rpm: BTreeMap<RpmScript, String>,
    /// What RPM runs when another package is installed or upgraded, by that package's name: `%triggerin`.
    pub rpm_triggers: BTreeMap<String, String>,
}

/// A place for a script of a `.deb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DebScript {
    /// Before its files come.
    Preinst,
    /// After its files came.
    Postinst,
    /// Before its files go.
    Prerm,
    /// After its files went, and when its settings go.
    Postrm,
}

/// A place for a script of an `.rpm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RpmScript {
    /// Before its files come.
    Pre,
    /// After its files came.
    Post,
    /// Before its files go.
    Preun,
    /// After its files went.
    Postun,
    /// After the whole transaction.
    Posttrans,
}

/// What a version changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The version and release.
    pub version: PackageVersion,
    /// Seconds since 1970, UTC.
    pub date: u32,
    /// Lines, without bullets.
    pub lines: Vec<String>,
}
