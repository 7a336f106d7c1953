//! Small things as people and programs read them.

use std::fmt::{self, Write};

use serde::Serializer;

use crate::explain::{Aspect, File, Kind};
use crate::{Compression, Format, RelationKind, RoleView};

/// Writes permission bits with four digits: `0755`.
pub(super) fn octal<S: Serializer>(mode: &u16, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{mode:04o}"))
}

/// Writes a digest as it is looked up: `sha256` in 64 digits.
pub(super) fn hex<S: Serializer>(digest: &Option<[u8; 32]>, serializer: S) -> Result<S::Ok, S::Error> {
    match digest {
        Some(digest) => serializer.collect_str(&Hex(digest)),
        None => serializer.serialize_none(),
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for File {
    /// As `ls -l` begins a line: `-rwxr-xr-x root root`, the path, and `-> target` of a link.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_char(match self.kind {
            Kind::File { .. } | Kind::HardLink { .. } => '-',
            Kind::Folder => 'd',
            Kind::Link { .. } => 'l',
            Kind::Special => '?',
        })?;
        permissions(self.mode).iter().try_for_each(|letter| f.write_char(*letter))?;
        write!(f, " {} {} {}", self.owner, self.group, self.path)?;
        match &self.kind {
            Kind::Link { target } => write!(f, " -> {target}"),
            Kind::HardLink { target } => write!(f, " link to {target}"),
            _ => Ok(()),
        }
    }
}

fn permissions(mode: u16) -> [char; 9] {
    let mut letters = ['r', 'w', 'x', 'r', 'w', 'x', 'r', 'w', 'x'];
    for (at, letter) in letters.iter_mut().enumerate() {
        if mode & (0o400 >> at) == 0 {
            *letter = '-';
        }
    }
    for (at, bit, set, alone) in [(2, 0o4000, 's', 'S'), (5, 0o2000, 's', 'S'), (8, 0o1000, 't', 'T')] {
        if mode & bit != 0 {
            letters[at] = if letters[at] == 'x' { set } else { alone };
        }
    }
    letters
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::Kind => "kind",
            Self::Content => "content",
            Self::Target => "target",
            Self::Mode => "mode",
            Self::Owner => "owner",
            Self::Role => "role",
        })
    }
}

impl fmt::Display for Format {
    /// Writes the ending of its files: `deb`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
        })
    }
}

impl fmt::Display for RelationKind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::PreDepends => "pre-depends",
            Self::Depends => "depends",
            Self::Recommends => "recommends",
            Self::Suggests => "suggests",
            Self::Enhances => "enhances",
            Self::Conflicts => "conflicts",
            Self::Breaks => "breaks",
            Self::Provides => "provides",
            Self::Replaces => "replaces",
        })
    }
}

impl fmt::Display for RoleView {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::Plain => "plain",
            Self::Config => "config",
            Self::ReplacedConfig => "replaced-config",
            Self::Doc => "doc",
            Self::License => "license",
            Self::Ghost => "ghost",
        })
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Lzma => "lzma",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::permissions;

    #[test]
    fn permissions_are_those_of_ls() {
        let shown = |mode| permissions(mode).iter().collect::<String>();
        for (mode, expected) in [
            (0o755, "rwxr-xr-x"),
            (0o640, "rw-r-----"),
            (0o4755, "rwsr-xr-x"),
            (0o2644, "rw-r-Sr--"),
            (0o1777, "rwxrwxrwt"),
            (0, "---------"),
        ] {
            assert_eq!(shown(mode), expected, "{mode:o}");
        }
    }
}
