//! Operating system and processor of an image.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A platform, written `os/architecture[/variant]`.
///
/// Source: <https://github.com/opencontainers/image-spec/blob/v1.1.0/image-index.md#platform-object>; names are Go's
/// `GOOS` and `GOARCH`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// Operating system, such as `linux`.
    pub os: String,
    /// Processor, such as `amd64`.
    pub architecture: String,
    /// Processor variant, such as `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// Returns the platform this program was built for.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        };
        Self { os: std::env::consts::OS.to_owned(), architecture: architecture.to_owned(), variant: None }
    }

    /// Tells whether a machine of this platform runs programs for `image` by itself; an emulator may run others. What an
    /// image does not say counts as right, and variants are not compared: the kernel says what it can do, not its name.
    pub fn runs(&self, image: &Self) -> bool {
        let is = |here: &str, wanted: &str| wanted.is_empty() || here == wanted;
        let older = matches!((&*self.architecture, &*image.architecture), ("amd64", "386") | ("arm64", "arm"));
        is(&self.os, &image.os) && (older || is(&self.architecture, &image.architecture))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = ParsePlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = || ParsePlatformError(text.to_owned());
        let parts: Vec<&str> = text.split('/').collect();
        let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !(2..=3).contains(&parts.len()) || !parts.iter().all(|part| word(part)) {
            return Err(fault());
        }
        Ok(Self {
            os: parts[0].to_owned(),
            architecture: parts[1].to_owned(),
            variant: parts.get(2).map(|&variant| variant.to_owned()),
        })
    }
}

/// The text that is not a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform such as `linux/amd64`")]
pub struct ParsePlatformError(pub String);

#[cfg(test)]
mod tests {
    use super::Platform;

    #[test]
    fn a_machine_runs_its_own_programs_and_those_of_its_forebears() {
        let platform = |text: &str| text.parse::<Platform>().expect(text);
        let runs = |here: &str, image: &str| platform(here).runs(&platform(image));
        assert!(runs("linux/amd64", "linux/amd64") && runs("linux/amd64", "linux/386"));
        assert!(runs("linux/arm64", "linux/arm64/v8") && runs("linux/arm64", "linux/arm/v7"));
        assert!(!runs("linux/amd64", "linux/arm64") && !runs("linux/386", "linux/amd64"));
        assert!(!runs("linux/amd64", "windows/amd64"));
        let unknown = Platform { os: String::new(), architecture: String::new(), variant: None };
        assert!(platform("linux/amd64").runs(&unknown));
    }
}
