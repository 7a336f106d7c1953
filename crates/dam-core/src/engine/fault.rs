//! What can go wrong with making a package of the engine.

use std::io;
use std::path::{Path, PathBuf};

use dam_pack::check::Finding;
use dam_pack::{Format, ParseVersionError, WriteError};

/// Why no package was made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A file or folder cannot be read or written.
    #[error("cannot access `{path}`")]
    Access {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A part is a folder, or something else without bytes.
    #[error("`{path}` is no file")]
    NoFile {
        /// What it is not.
        path: PathBuf,
    },
    /// Nobody says which archive.
    #[error("there is no engine to package: the recipe names no archive")]
    NoArchive,
    /// Nobody says which version the engine has.
    #[error("neither the recipe nor `{archive}` says which version the engine has")]
    NoVersion {
        /// The archive.
        archive: PathBuf,
    },
    /// The version cannot be one of a package.
    #[error(transparent)]
    Version(ParseVersionError),
    /// dam should ride along, and does not know where its own file is.
    #[error("dam cannot find its own program to put it into the package")]
    NoDam,
    /// The engine does not take its settings.
    #[error("the engine does not take the settings of `daemon.json`")]
    Settings {
        /// What `dockerd` said.
        said: Vec<String>,
    },
    /// The package cannot be written where it should go.
    #[error("cannot write `{path}`")]
    Output {
        /// The package.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The package cannot be made.
    #[error("cannot make `{path}`")]
    Write {
        /// The package.
        path: PathBuf,
        /// Why.
        source: WriteError,
    },
    /// Targets cannot read the package. It is removed.
    #[error("the .{format} cannot be installed on all targets")]
    Unfit {
        /// Its format.
        format: Format,
        /// What they cannot read.
        findings: Vec<Finding>,
    },
}

impl BuildError {
    /// Names the file or folder that cannot be accessed.
    pub(super) fn access(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Access { path: path.as_ref().to_owned(), source }
    }
}
