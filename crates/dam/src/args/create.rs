//! `dam create`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use dam_core::app::{AppName, Family, Version};
use dam_oci::{Platform, Reference};

/// Makes an app of a folder
///
/// The folder holds a Dockerfile and a folder `meta` with the scripts `install` and `uninstall` (or `install.exp` and
/// `uninstall.exp`, where `${KEY}` is replaced). Nothing is written to it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam create ./shop
  dam create ./shop --version 1.1 --build-arg JAVA=21
  dam create ./shop --store layout --strict")]
pub(crate) struct Create {
    /// The folder
    pub(crate) dir: PathBuf,
    /// Name of the app [default: the folder's]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<AppName>,
    /// Version of the app
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<Version>,
    /// Apps of one family exclude each other [default: the name]
    #[arg(long, value_name = "FAMILY")]
    pub(crate) family: Option<Family>,
    /// Lets several versions be installed side by side
    #[arg(long)]
    pub(crate) multiversion: bool,
    /// Does not, whatever ENVIRONMENT or the Dockerfile says
    #[arg(long, hide = true, overrides_with = "multiversion")]
    pub(crate) no_multiversion: bool,
    /// Full name of the image, with its registry, if it is not NAME:VERSION
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<Reference>,
    /// Value for an ARG of the Dockerfile; may be given many times
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) build_arg: Vec<Pair>,
    /// Platform to build for, such as linux/arm64 [default: the engine's]
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
    /// File with KEY=value lines, if it is not ENVIRONMENT
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    /// Dockerfile, if it is not DIR/Dockerfile
    #[arg(long, short, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Builds every step anew
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Makes an undefined ${DAM_…} an error
    #[arg(long)]
    pub(crate) strict: bool,
}

/// `KEY=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    /// Before the first `=`; not empty.
    pub(crate) key: String,
    /// Behind it; may be empty.
    pub(crate) value: String,
}

/// The text that is no pair.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not of the form `KEY=VALUE`")]
pub(crate) struct ParsePairError(String);

impl FromStr for Pair {
    type Err = ParsePairError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self { key: key.to_owned(), value: value.to_owned() }),
            _ => Err(ParsePairError(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pair;

    #[test]
    fn pairs() {
        assert_eq!("A=b=c".parse::<Pair>().expect("a pair"), Pair { key: "A".into(), value: "b=c".into() });
        assert!("A".parse::<Pair>().is_err());
        assert!("=b".parse::<Pair>().is_err());
    }
}
