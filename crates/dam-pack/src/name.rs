//! Names of packages.

use std::fmt;
use std::str::FromStr;

/// The name of a package, legal in both formats.
///
/// Debian is the stricter: at least two characters of `a-z`, `0-9`, `+`, `-` and `.`, the first a letter or digit
/// (<https://www.debian.org/doc/debian-policy/ch-controlfields.html#source>). RPM takes all of these
/// (<https://docs.fedoraproject.org/en-US/packaging-guidelines/Naming/>).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageName(String);

impl PackageName {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for PackageName {
    type Err = ParsePackageNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let good = text.len() >= 2
            && text.bytes().next().is_some_and(word)
            && text.bytes().all(|byte| word(byte) || b"+-.".contains(&byte));
        if good { Ok(Self(text.to_owned())) } else { Err(ParsePackageNameError(text.to_owned())) }
    }
}

/// The text that is not a package name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a package name: two or more of `a-z`, `0-9`, `+`, `-` and `.`, first a letter or digit")]
pub struct ParsePackageNameError(pub String);

#[cfg(test)]
mod tests {
    use super::PackageName;

    #[test]
    fn names_are_legal_in_both_formats() {
        for good in ["dam-docker", "g++", "0ad", "libc6.1", "ab"] {
            assert_eq!(good.parse::<PackageName>().expect(good).as_str(), good);
        }
        for bad in ["", "a", "Dam", "-a", ".a", "a_b", "a b", "a/b", "../a", "dåm"] {
            assert!(bad.parse::<PackageName>().is_err(), "{bad}");
        }
    }
}
