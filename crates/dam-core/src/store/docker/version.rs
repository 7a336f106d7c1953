//! Which version of the API both sides speak.

use std::fmt;

use super::error::{DockerError, Result};

/// A version of the Docker API.
///
/// Source: <https://docs.docker.com/reference/api/engine/#api-version-matrix>. Engine 20.10 offers 1.41, engine 29 refuses
/// less than 1.44, Podman 4.3 says 1.41: so none is fixed, and the newest that both know is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ApiVersion {
    major: u32,
    minor: u32,
}

impl ApiVersion {
    /// The newest version dam knows.
    pub(super) const NEWEST: Self = Self { major: 1, minor: 52 };
    /// The oldest version with everything dam asks for.
    const OLDEST: Self = Self { major: 1, minor: 24 };
    /// From here on, lists leave out images of containerd's store that lack content; tried with Docker 26.
    pub(super) const LISTS_WHOLE_IMAGES: Self = Self { major: 1, minor: 45 };
    /// From here on, lists say of each manifest whether all of its content is there.
    pub(super) const TELLS_AVAILABLE: Self = Self { major: 1, minor: 47 };
    const OLDEST_TEXT: &'static str = "1.24";

    /// Chooses the newest version both sides know; `offered` is the engine's `Api-Version` header, which engines from
    /// before 1.25 do not send.
    pub(super) fn agree(offered: Option<&str>) -> Result<Self> {
        let Some(text) = offered else { return Ok(Self::OLDEST) };
        let too_old = || DockerError::TooOld { version: text.to_owned(), minimum: Self::OLDEST_TEXT };
        let (major, minor) = text.split_once('.').ok_or_else(too_old)?;
        let number = |text: &str| text.parse().map_err(|_| too_old());
        let offered = Self { major: number(major)?, minor: number(minor)? };
        if offered < Self::OLDEST { Err(too_old()) } else { Ok(offered.min(Self::NEWEST)) }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::ApiVersion;

    #[test]
    fn the_newest_version_both_know_is_used() {
        let agreed = |offered| ApiVersion::agree(offered).map(|version| version.to_string()).ok();
        assert_eq!(agreed(Some("1.41")).as_deref(), Some("1.41"));
        assert_eq!(agreed(Some("1.99")).as_deref(), Some("1.52"));
        assert_eq!(agreed(None).as_deref(), Some("1.24"));
        assert_eq!(agreed(Some("1.12")), None);
        assert_eq!(agreed(Some("new")), None);
    }
}
