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
