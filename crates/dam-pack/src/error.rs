//! What can go wrong with package files.

use std::io;
use std::path::PathBuf;

/// A package cannot be written. Nothing is left where it should have been.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The package, or a temporary file beside it, cannot be written.
    #[error("cannot write `{path}`")]
    Output {
        /// The package.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that goes into the package cannot be read.
    #[error("cannot read `{path}`")]
    Content {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that goes into the package is longer or shorter than was said.
    #[error(
        "`{path}` has {}",
        match .found {
            Some(found) => format!("{found} bytes, not the {said} it had before"),
            None => format!("more than the {said} bytes it had before"),
        }
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes it should have.
        said: u64,
        /// Bytes it has; none if it has more, which are not counted.
        found: Option<u64>,
    },
    /// The description cannot be written in the format.
    #[error("{0}")]
    Description(String),
    /// Its watcher wanted no more of it.
    #[error("it was stopped")]
    Stopped,
    /// It cannot be signed.
    #[error("cannot sign the package")]
    Sign(#[source] crate::sign::SignError),
}

/// A package file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system failed to read it.
    #[error("cannot be read any further")]
    Input(#[source] io::Error),
    /// It is not a package of the format, or it is damaged.
    #[error("{part}: {fault}")]
    Damaged {
        /// The part of the file: `ar`, `control.tar`, `lead`, `header`, `payload`.
        part: String,
        /// One clause that says what is wrong.
        fault: String,
    },
    /// A part cannot be decompressed.
    #[error("{part}: the compressed bytes are damaged")]
    Compressed {
        /// The part.
        part: String,
        /// What the decoder said.
        source: io::Error,
    },
    /// It has more of something than any honest package.
    #[error("{part}: more than {limit} {what}")]
    TooMuch {
        /// The part.
        part: String,
        /// What there is too much of: `entries`, `bytes of fields`.
        what: &'static str,
        /// How much is read.
        limit: u64,
    },
    /// Its visitor stopped.
    #[error("cannot look into `{path}`")]
    Visitor {
        /// The file inside the package.
        path: String,
        /// What it said.
        source: io::Error,
    },
}
