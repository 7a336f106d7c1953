//! Paths of what a package installs.

use std::fmt;
use std::str::FromStr;

/// An absolute path below `/`: printable ASCII, no `.` or `..`, no doubled slash, none at the end, at most 255 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackagePath(String);

impl PackagePath {
    /// Returns the path, with its leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the path below `/`, without the slash.
    pub fn relative(&self) -> &str {
        &self.0[1..]
    }
}

impl fmt::Display for PackagePath {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for PackagePath {
    type Err = ParsePathError;

    fn from_str(text: &str) -> Result<Self, ParsePathError> {
        let part = |part: &str| !matches!(part, "" | "." | "..");
        let good = text.len() <= 255
            && text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(part))
            && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if good { Ok(Self(text.to_owned())) } else { Err(ParsePathError(text.to_owned())) }
    }
}

/// A text that is no path of a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no path that a package can install: it begins with `/` and goes straight down")]
pub struct ParsePathError(pub String);

#[cfg(test)]
mod tests {
    use super::PackagePath;

    #[test]
    fn paths_go_straight_down() {
        assert_eq!("/usr/bin/docker".parse::<PackagePath>().expect("good").relative(), "usr/bin/docker");
        for bad in ["", "/", "usr/bin", "/usr//bin", "/usr/../etc", "/usr/", "/a\nb", "/./a"] {
            assert!(bad.parse::<PackagePath>().is_err(), "{bad:?}");
        }
    }
}
