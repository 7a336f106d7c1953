//! Names of units and groups, which scripts carry as they are.

use std::fmt;
use std::str::FromStr;

/// The name of a systemd unit: <https://www.freedesktop.org/software/systemd/man/systemd.unit.html#Description>.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitName(String);

impl UnitName {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for UnitName {
    type Err = ParseUnitNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let kinds = ["service", "socket", "timer", "path", "mount", "target", "slice"];
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_.@:-".contains(&byte);
        let good = text.rsplit_once('.').is_some_and(|(stem, kind)| {
            !stem.starts_with(['-', '.']) && !stem.is_empty() && stem.bytes().all(legal) && kinds.contains(&kind)
        });
        if good { Ok(Self(text.to_owned())) } else { Err(ParseUnitNameError(text.to_owned())) }
    }
}

/// The text that is not the name of a unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a systemd unit, such as `docker.service`")]
pub struct ParseUnitNameError(pub String);

/// The name of a system group, as every `groupadd` takes it: a letter or `_`, then letters, digits, `_` and `-`, all
/// lower case, at most 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupName(String);

impl GroupName {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for GroupName {
    type Err = ParseGroupNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let first = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let legal = |byte: u8| first(byte) || byte.is_ascii_digit() || byte == b'-';
        let good = text.len() <= 32 && text.bytes().next().is_some_and(first) && text.bytes().all(legal);
        if good { Ok(Self(text.to_owned())) } else { Err(ParseGroupNameError(text.to_owned())) }
    }
}

/// The text that is not the name of a group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a group name: a letter or `_`, then letters, digits, `_` and `-`, lower case, at most 32")]
pub struct ParseGroupNameError(pub String);

#[cfg(test)]
mod tests {
    use super::{GroupName, UnitName};

    #[test]
    fn units_have_a_stem_and_a_kind() {
        for good in ["docker.service", "docker.socket", "getty@tty1.service", "a-b.timer"] {
            assert_eq!(good.parse::<UnitName>().expect(good).as_str(), good);
        }
        for bad in ["", "docker", ".service", "-a.service", "a b.service", "a/b.service", "a.conf", "$(x).service"] {
            assert!(bad.parse::<UnitName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn groups_are_lower_case_words() {
        for good in ["docker", "_apt", "systemd-network", "g1"] {
            assert_eq!(good.parse::<GroupName>().expect(good).as_str(), good);
        }
        for bad in ["", "1g", "Docker", "a b", "-a", "a.b", "abcdefghijklmnopqrstuvwxyz0123456"] {
            assert!(bad.parse::<GroupName>().is_err(), "{bad}");
        }
    }
}
