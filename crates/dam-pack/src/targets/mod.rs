//! The Linux distributions that a package should install on, with what matters of their tools.
//!
//! Each fact says how it is known, see [`Source`]: a rule that refuses a package for something that is only remembered can
//! then be doubted by who reads it.

mod name;
mod table;

use std::cmp::Ordering;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::Format;

pub use name::UnknownTargetError;

/// A distribution in a version: `debian-12`. Sorted as the table is, oldest of a family first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target(usize);

/// What matters of a distribution.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// The name by which it is asked for: `centos-7`.
    pub name: &'static str,
    /// Other names: `bookworm`.
    pub aliases: &'static [&'static str],
    /// Its own name: `CentOS 7`.
    pub title: &'static str,
    /// What installs packages.
    pub tools: Tools,
    /// The version of systemd; the oldest one, where service packs brought newer ones.
    pub systemd: Fact<u16>,
    /// The version of liblzma, with which dpkg and rpm read xz.
    pub liblzma: Fact<Version>,
}

/// What installs packages.
#[derive(Debug, Clone, Copy)]
pub enum Tools {
    /// dpkg and apt.
    Dpkg(Dpkg),
    /// rpm, and yum, dnf or zypper.
    Rpm(Rpm),
}

/// dpkg and apt, and the helpers of maintainer scripts.
#[derive(Debug, Clone, Copy)]
pub struct Dpkg {
    /// dpkg's version.
    pub version: Fact<Version>,
    /// Whether it reads Zstandard. Ubuntu's did before Debian's.
    pub zstd: Fact<bool>,
    /// The version of init-system-helpers, which has `deb-systemd-helper`.
    pub helpers: Fact<Version>,
    /// Whether apt refuses a repository without `InRelease` or `Release.gpg` unless it is told to trust it.
    pub wants_signed_repository: Fact<bool>,
}

/// rpm.
#[derive(Debug, Clone, Copy)]
pub struct Rpm {
    /// rpm's version; the oldest one, where service packs brought newer ones.
    pub version: Fact<Version>,
    /// Whether it reads a payload of Zstandard: since 4.14, if it is built in.
    pub zstd: Fact<bool>,
    /// Whether it refuses a package without a signature that it trusts.
    pub wants_signature: Fact<bool>,
    /// Whether it refuses signatures made with SHA-1.
    pub refuses_sha1: Fact<bool>,
}

/// A fact and how it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact<T> {
    /// The fact.
    pub value: T,
    /// How it is known.
    pub source: Source,
}

/// How a fact is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The tool was run, or the distribution's own list of packages was read.
    Seen,
    /// Read in the source or the documentation of the tool.
    Read,
    /// Remembered, and neither seen nor read.
    Remembered,
}

/// A version of numbers: `4.11.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(&'static str);

impl Version {
    /// Returns the version as it is written.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Says whether it is as new as another, by its numbers: `4.14.3` is before `4.15`, and `4.9` before both.
    pub fn is_at_least(self, other: &str) -> bool {
        numbers(self.0).cmp(numbers(other)) != Ordering::Less
    }
}

fn numbers(text: &str) -> impl Iterator<Item = u32> {
    text.split('.').map(|part| part.parse().unwrap_or(0))
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.0)
    }
}

impl Target {
    /// Returns all targets.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..table::PROFILES.len()).map(Self)
    }

    /// Returns what matters of it.
    pub fn profile(self) -> &'static Profile {
        &table::PROFILES[self.0]
    }

    /// Returns its name: `debian-12`.
    pub fn name(self) -> &'static str {
        self.profile().name
    }

    /// Returns the format of its packages.
    pub fn format(self) -> Format {
        match self.profile().tools {
            Tools::Dpkg(_) => Format::Deb,
            Tools::Rpm(_) => Format::Rpm,
        }
    }
}

impl Rpm {
    /// Says whether it acts on weak dependencies, `Recommends` and the like; it skips them where it does not:
    /// <https://github.com/rpm-software-management/rpm/blob/rpm-4.12.x/lib/rpmtag.h>.
    pub fn reads_weak_dependencies(self) -> bool {
        self.version.value.is_at_least("4.12")
    }

    /// Returns the most bytes and tags of a signature header that it reads, where they are few:
    /// <https://github.com/rpm-software-management/rpm/blob/rpm-4.14.x/lib/header.c>. Seen on 4.12: `sigh data: BAD, no.
    /// of bytes(9128) out of range`.
    pub fn most_signature(self) -> Option<(u64, u64)> {
        (!self.version.value.is_at_least("4.15")).then_some((8192, 32))
    }

    /// Returns the most bytes of memory that its xz decoder takes; no version differs from 4.11.3 to 6.0.2:
    /// <https://github.com/rpm-software-management/rpm/blob/rpm-4.11.x/rpmio/rpmio.c>, `lzma_auto_decoder(…, 100<<20)`.
    pub fn most_memory(self) -> u64 {
        100 << 20
    }
}

impl Dpkg {
    /// Returns the folders where `deb-systemd-helper` looks for units of packages. Seen: 1.65.2 looks in both; older ones
    /// are remembered to look in the first alone, which leads to the second only where `/lib` is a link to `/usr/lib`.
    pub fn unit_folders(self) -> &'static [&'static str] {
        const FOLDERS: [&str; 2] = ["/lib/systemd/system/", "/usr/lib/systemd/system/"];
        if self.helpers.value.is_at_least("1.65") { &FOLDERS } else { &FOLDERS[..1] }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Target {
    /// Writes the name.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_are_compared_by_number() {
        for (version, other, expected) in
            [("4.14.3", "4.15", false), ("4.15", "4.15", true), ("6.0", "4.15", true), ("4.9", "4.11", false)]
        {
            assert_eq!(Version(version).is_at_least(other), expected, "{version} {other}");
        }
    }
}
