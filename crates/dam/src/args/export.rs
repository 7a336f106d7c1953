//! `dam export`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use dam_core::cache::{Packing, ParseLevelError};
use dam_core::ops::export::{LEAST_PART, Wanted};

use super::Asking;
use crate::error::{CliError, Hint};
use crate::size::{self, ParseSizeError};

/// Writes the installed apps to a file, as a list or with their images
///
/// A file that ends in .dam becomes a bundle, any other a list with a line NAME:VERSION for each app. A bundle is a plain OCI
/// layout in a tar: `docker load`, `podman load` and `skopeo` open it, too. Files appear only when they are complete.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam export site.txt
  dam export --all site.dam
  dam export site.dam shop tools:1.0
  dam export --product site.txt -o /media/usb/site.dam --split 4GB
  dam export --all - | ssh plant dam import -")]
pub(crate) struct Export {
    /// Writes a bundle, whatever the file is called
    #[arg(long)]
    pub(crate) all: bool,
    /// The file, where it is not the first word; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Writes a bundle of the apps of this list: the installed ones, and the others from their repos or the store
    #[arg(long, value_name = "LIST")]
    pub(crate) product: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// Form of the layers: zstd, zstd:LEVEL (1 to 22), gzip (for `docker load` before Docker 23) or none [default: zstd for
    /// those that are not compressed, and the others as they are]
    #[arg(long, value_name = "FORM", value_parser = packing)]
    pub(crate) compression: Option<Packing>,
    /// Cuts the bundle into FILE.001, FILE.002 and so on, of at most SIZE each, such as 650MB (decimal) or 4G (of 1024)
    #[arg(long, value_name = "SIZE", value_parser = part_size)]
    pub(crate) split: Option<u64>,
    /// The file, unless --output names it
    #[arg(value_name = "FILE")]
    first: Option<OsString>,
    /// Only these apps: NAME or NAME:VERSION
    #[arg(value_name = "APP")]
    apps: Vec<String>,
}

/// Where to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

impl Export {
    /// Returns where to write, and the apps that are named.
    pub(crate) fn words(&self) -> Result<(Place, Vec<Wanted>), CliError> {
        let first = self.first.iter().map(|word| word.to_string_lossy().into_owned());
        let (path, apps): (PathBuf, Vec<String>) = match (&self.output, &self.first) {
            (Some(path), _) => (path.clone(), first.chain(self.apps.iter().cloned()).collect()),
            (None, Some(path)) => (path.into(), self.apps.clone()),
            (None, None) => {
                let hint = Hint::command("dam export --help");
                return Err(CliError::misuse("usage", "`dam export` needs a file to write").hint(hint));
            }
        };
        let wanted = apps.iter().map(|app| app.parse::<Wanted>());
        let wanted = wanted.collect::<Result<_, _>>();
        let wanted = wanted.map_err(|fault| CliError::misuse("bad-name", fault.to_string()))?;
        Ok((if path.as_os_str() == "-" { Place::Stdout } else { Place::File(path) }, wanted))
    }

    /// Tells whether a bundle is to be written to `place`, not a list.
    pub(crate) fn is_bundle(&self, place: &Place) -> bool {
        let named = |path: &PathBuf| path.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("dam"));
        self.all || self.product.is_some() || matches!(place, Place::File(path) if named(path))
    }
}

/// The text that is no form.
#[derive(Debug, thiserror::Error)]
enum ParsePackingError {
    #[error("`{0}` is no form of layers: they are zstd, zstd:LEVEL, gzip or none")]
    Unknown(String),
    #[error(transparent)]
    Level(#[from] ParseLevelError),
}

fn packing(text: &str) -> Result<Packing, ParsePackingError> {
    match (text, text.strip_prefix("zstd:")) {
        ("zstd", _) => Ok(Packing::default()),
        ("gzip", _) => Ok(Packing::Gzip),
        ("none", _) => Ok(Packing::Raw),
        (_, Some(level)) => Ok(Packing::Zstd(Some(level.parse()?))),
        _ => Err(ParsePackingError::Unknown(text.to_owned())),
    }
}

/// The size that is none for a part.
#[derive(Debug, thiserror::Error)]
enum PartSizeError {
    #[error(transparent)]
    Size(#[from] ParseSizeError),
    #[error("`{0}` is too small for a part: it must have at least 1MB")]
    Small(String),
}

fn part_size(text: &str) -> Result<u64, PartSizeError> {
    match size::parse(text)? {
        size if size < LEAST_PART => Err(PartSizeError::Small(text.to_owned())),
        size => Ok(size),
    }
}

#[cfg(test)]
mod tests {
    use dam_core::cache::Packing;

    use super::{packing, part_size};

    #[test]
    fn forms_of_layers() {
        assert_eq!(packing("zstd").expect("a form"), Packing::Zstd(None));
        assert_eq!(packing("zstd:19").expect("a form"), Packing::Zstd(Some("19".parse().expect("a level"))));
        assert_eq!((packing("gzip").expect("a form"), packing("none").expect("a form")), (Packing::Gzip, Packing::Raw));
        assert_eq!(
            packing("zstd:23").expect_err("too high").to_string(),
            "`23` is not a level of zstd: they go from 1 to 22"
        );
        assert!(packing("xz").is_err() && packing("zstd:").is_err() && packing("zstd:-1").is_err());
    }

    #[test]
    fn parts_have_at_least_a_megabyte() {
        assert_eq!(part_size("1MB").expect("just enough"), 1_000_000);
        let error = part_size("999kB").expect_err("too small").to_string();
        assert_eq!(error, "`999kB` is too small for a part: it must have at least 1MB");
    }
}
