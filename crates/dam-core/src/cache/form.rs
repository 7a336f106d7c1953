//! The forms in which layers are kept.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use dam_oci::media_type;

/// A level of zstd, from 1 (quick) to 22 (small).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// Returns the number.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl Default for Level {
    /// 3, the `zstd` program's default: the last one that is faster than most disks.
    fn default() -> Self {
        Self(3)
    }
}

/// The text that is no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a level of zstd: they go from 1 to 22")]
pub struct ParseLevelError(String);

impl FromStr for Level {
    type Err = ParseLevelError;

    fn from_str(text: &str) -> Result<Self, ParseLevelError> {
        let number: Result<u8, ParseIntError> = text.parse();
        match number {
            Ok(level @ 1..=22) => Ok(Self(level)),
            _ => Err(ParseLevelError(text.to_owned())),
        }
    }
}

/// The form of a compressed layer. It decides the bytes, together with the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// zstd.
    Zstd(Level),
    /// gzip, for engines that take no zstd.
    Gzip,
}

impl Default for Form {
    fn default() -> Self {
        Self::Zstd(Level::default())
    }
}

impl Form {
    /// Returns the media type of a layer in this form.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Zstd(_) => media_type::LAYER_ZSTD,
            Self::Gzip => media_type::LAYER_GZIP,
        }
    }
}

/// What stands behind the DiffID in the name of a layer's file; nothing for the usual form.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Zstd(level) if *level == Level::default() => Ok(()),
            Self::Zstd(level) => write!(f, "-zstd-{}", level.0),
            Self::Gzip => f.write_str("-gzip"),
        }
    }
}

impl FromStr for Form {
    type Err = ();

    /// Reads what [`Form`] is shown as.
    fn from_str(text: &str) -> Result<Self, ()> {
        let level = |text: &str| text.parse().ok().filter(|level| *level != Level::default());
        match text {
            "" => Ok(Self::default()),
            "-gzip" => Ok(Self::Gzip),
            _ => text.strip_prefix("-zstd-").and_then(level).map(Self::Zstd).ok_or(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Level};

    #[test]
    fn the_name_of_a_form_tells_it() {
        for form in (1..=22).map(|level| Form::Zstd(Level(level))).chain([Form::Gzip]) {
            assert_eq!(form.to_string().parse(), Ok(form));
        }
        assert_eq!(Form::default().to_string(), "");
        for bad in ["-zstd-3", "-zstd-0", "-zstd-23", "-zstd", "gzip", "x"] {
            assert!(bad.parse::<Form>().is_err(), "{bad}");
        }
    }
}
