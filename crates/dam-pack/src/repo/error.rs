//! Why a folder is made no repository.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::ReadError;
use crate::sign::SignError;

/// Why a folder is made no repository. Where it was one before, it stays that as far as possible.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// A file or folder cannot be read or written.
    #[error("cannot access `{path}`")]
    Access {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is nothing to list.
    #[error("there is no .deb and no .rpm in `{folder}`")]
    Empty {
        /// The folder.
        folder: PathBuf,
    },
    /// A package cannot be read.
    #[error("`{path}` cannot be read as a package")]
    Package {
        /// The package.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// A package says something of itself that cannot stand in a list.
    #[error("`{path}` cannot be listed: its {what} is `{text}`")]
    Unlistable {
        /// The package.
        path: PathBuf,
        /// `name`, `version`, `architecture`.
        what: &'static str,
        /// What it says; may hold anything.
        text: String,
    },
    /// A package has a name that a stick cannot hold.
    #[error("`{path}` cannot be on every stick: {fault}")]
    Name {
        /// The package.
        path: PathBuf,
        /// The part of its path that is at fault, as far as it is text.
        part: String,
        /// Why.
        fault: NameFault,
    },
    /// Two names differ by the case of their letters, which a stick does not tell apart.
    #[error("`{first}` and `{second}` are one name on a stick, where small letters are as good as large ones")]
    Clash {
        /// The one, below the folder.
        first: String,
        /// The other.
        second: String,
    },
    /// A package is a link, which a stick cannot hold.
    #[error("`{path}` is a link, which cannot be on every stick")]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A package is there twice.
    #[error("{name} {version} ({architecture}) is there twice: `{first}` and `{second}`")]
    Twice {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// Its architecture.
        architecture: String,
        /// A file of it, below the folder.
        first: String,
        /// The other file.
        second: String,
    },
    /// Whoever watches the progress stopped it.
    #[error("interrupted")]
    Stopped,
    /// The metadata cannot be signed.
    #[error("cannot sign `{path}`")]
    Sign {
        /// The file that is to be signed.
        path: PathBuf,
        /// Why.
        source: SignError,
    },
}

/// Why a name cannot be on every stick. Shown, it ends the sentence "this cannot be on every stick: …".
///
/// Source: <https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameFault {
    /// It is no text.
    NoText,
    /// It has a character that FAT does not know.
    Character(char),
    /// It ends with a full stop or a space, which FAT drops.
    End,
    /// It is the name of a device.
    Device,
    /// It is longer than 255 characters.
    Long,
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NoText => f.write_str("its name is no text"),
            Self::Character(character) => write!(f, "FAT knows no `{}` in names", character.escape_debug()),
            Self::End => f.write_str("FAT drops a full stop or a space at the end of a name"),
            Self::Device => f.write_str("its name is that of a device"),
            Self::Long => f.write_str("FAT knows no name of more than 255 characters"),
        }
    }
}
