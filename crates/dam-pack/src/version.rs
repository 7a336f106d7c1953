//! Versions of packages.

use std::fmt;

/// The version of a package, legal in both formats: what upstream calls it, and how often it was packaged.
///
/// No part has a `-`, which parts version from release in both formats, nor a `:`, which parts an epoch from it
/// (<https://www.debian.org/doc/debian-policy/ch-controlfields.html#version>,
/// <https://rpm-software-management.github.io/rpm/manual/spec.html#preamble-tags>). An upstream version with a `-`, such
/// as `1.0-rc1`, is written `1.0~rc1`, which both sort before `1.0`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PackageVersion {
    upstream: String,
    release: String,
}

impl PackageVersion {
    /// Joins the parts, checking each.
    pub fn new(upstream: &str, release: &str) -> Result<Self, ParseVersionError> {
        check(VersionPart::Upstream, upstream)?;
        check(VersionPart::Release, release)?;
        Ok(Self { upstream: upstream.to_owned(), release: release.to_owned() })
    }

    /// Returns what upstream calls it.
    pub fn upstream(&self) -> &str {
        &self.upstream
    }

    /// Returns how often it was packaged: `1` for the first time.
    pub fn release(&self) -> &str {
        &self.release
    }
}

impl fmt::Display for PackageVersion {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}-{}", self.upstream, self.release)
    }
}

/// Debian wants a digit first in the upstream version; RPM does not mind.
fn check(part: VersionPart, text: &str) -> Result<(), ParseVersionError> {
    let first = match part {
        VersionPart::Upstream => |byte: u8| byte.is_ascii_digit(),
        VersionPart::Release => |byte: u8| byte.is_ascii_alphanumeric(),
    };
    let all = |byte: u8| byte.is_ascii_alphanumeric() || b".+~".contains(&byte);
    if text.bytes().next().is_some_and(first) && text.bytes().all(all) {
        return Ok(());
    }
    Err(ParseVersionError { part, text: text.to_owned() })
}

/// Which part of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionPart {
    /// What upstream calls it.
    Upstream,
    /// How often it was packaged.
    Release,
}

impl fmt::Display for VersionPart {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::Upstream => "version",
            Self::Release => "release",
        })
    }
}

/// The text that cannot be part of a package's version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a package {part}: letters, digits, `.`, `+` and `~`, and a {part} begins with {}",
    match .part { VersionPart::Upstream => "a digit", VersionPart::Release => "a letter or digit" }
)]
pub struct ParseVersionError {
    /// The part.
    pub part: VersionPart,
    /// The text.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::{PackageVersion, VersionPart};

    #[test]
    fn versions_are_legal_in_both_formats() {
        let version = PackageVersion::new("26.1.5~rc1", "1").expect("good");
        assert_eq!((version.upstream(), version.release()), ("26.1.5~rc1", "1"));
        assert_eq!(version.to_string(), "26.1.5~rc1-1");
    }

    #[test]
    fn the_part_at_fault_is_named() {
        let fault = |upstream, release| PackageVersion::new(upstream, release).expect_err("bad").part;
        for upstream in ["", "v1", "1-2", "1:2", "1 2", "1/2", "1_2"] {
            assert_eq!(fault(upstream, "1"), VersionPart::Upstream, "{upstream}");
        }
        assert_eq!(fault("1", ""), VersionPart::Release);
        assert_eq!(fault("1", "1-2"), VersionPart::Release);
        assert_eq!(
            PackageVersion::new("v1", "1").expect_err("bad").to_string(),
            "`v1` is not a package version: letters, digits, `.`, `+` and `~`, and a version begins with a digit"
        );
    }
}
