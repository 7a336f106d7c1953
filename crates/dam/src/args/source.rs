//! What an app is taken from: a file, or a name in a store or registry.

use std::path::PathBuf;
use std::str::FromStr;

use dam_oci::{ParseReferenceError, Reference};

/// Endings of archives.
const ARCHIVES: [&str; 7] = [".dam", ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".oci"];

/// A file, or a name.
///
/// Decided by the text alone, never by what lies in the current folder: a path begins with `/`, `./`, `../` or `~/`, or
/// ends as an archive does. Everything else is a name, which may have slashes of its own (`server:5000/tools/a:1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// An archive.
    File(PathBuf),
    /// `[server/]name[:version]`.
    Name(Reference),
}

impl FromStr for Source {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let begins = ["/", "./", "../", "~/"].iter().any(|start| text.starts_with(start)) || matches!(text, "." | "..");
        if begins || ARCHIVES.iter().any(|ending| text.ends_with(ending)) {
            return Ok(Self::File(text.into()));
        }
        text.parse().map(Self::Name)
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn a_path_looks_like_one() {
        for text in ["./a", "../a:1", "/a", "a.dam", "sub/a.dam", "a.tar.gz", ".", "shop-1.0.7f3a91c2.dam"] {
            assert_eq!(text.parse(), Ok(Source::File(text.into())));
        }
    }

    #[test]
    fn everything_else_is_a_name() {
        for text in ["shop", "shop:1.0", "tools/backup", "localhost:5000/a/b:1", "dam"] {
            assert_eq!(text.parse(), Ok(Source::Name(text.parse().expect(text))));
        }
        assert!("Shop".parse::<Source>().is_err());
    }
}
