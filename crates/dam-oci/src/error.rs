//! What can go wrong with images.

use std::io;
use std::path::{Path, PathBuf};

use crate::archive::ArchiveFault;
use crate::{BlobFault, Digest, ParseDigestError, ParseReferenceError};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with images. Each variant carries facts; advice is the terminal's business.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("cannot access `{path}`")]
    Access {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A blob is not what its descriptor promises.
    #[error("blob {0}")]
    Blob(BlobFault),
    /// A blob that a manifest names is not there.
    #[error("blob {digest} is missing")]
    MissingBlob {
        /// The blob.
        digest: Digest,
    },
    /// A blob of a stream has gone by, or never comes: a stream is read from front to back, once. Told before the first
    /// blob of a visit is handed over, so that whoever has it elsewhere can ask again without it.
    #[error("blob {digest} has passed in the stream")]
    PassedBlob {
        /// The blob.
        digest: Digest,
    },
    /// The system failed to read a source that was being read: a stick that was pulled out, a share that went away.
    /// Says nothing about the content, unlike the variants for damage.
    #[error("{what} cannot be read any further")]
    Lost {
        /// The source, such as "`shop.dam`" or "standard input".
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A Dockerfile breaks the rules, or asks for what is not there.
    #[error("line {line}: {reason}")]
    Dockerfile {
        /// Line the instruction starts on, from 1.
        line: usize,
        /// One clause that says what is wrong.
        reason: String,
    },
    /// A build context has no Dockerfile where it should be.
    #[error("there is no Dockerfile `{path}` in the build context")]
    MissingDockerfile {
        /// Path inside the context.
        path: String,
    },
    /// A Dockerfile asks for a program to run while it is built.
    #[error("line {line}: {instruction} needs a container engine")]
    NeedsEngine {
        /// Line the instruction starts on, from 1.
        line: usize,
        /// `RUN` or `ONBUILD`.
        instruction: &'static str,
    },
    /// Something that should follow a format does not.
    #[error("{what} is damaged: {reason}")]
    Damaged {
        /// The thing, such as "`shop.dam`" or "layer 2".
        what: String,
        /// One clause that says what is wrong.
        reason: String,
    },
    /// An archive or a layer that is refused.
    #[error("{what} {fault}")]
    Archive {
        /// The archive or layer, such as "`shop.dam`" or "layer 2".
        what: String,
        /// Why.
        fault: ArchiveFault,
    },
    /// Not a digest.
    #[error(transparent)]
    Digest(#[from] ParseDigestError),
    /// Not a reference.
    #[error(transparent)]
    Reference(#[from] ParseReferenceError),
    /// JSON that cannot be read as what it should be.
    #[error("{what} cannot be read")]
    Json {
        /// The document.
        what: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// Reading or writing a stream failed.
    #[error("{what} cannot be read or written")]
    Stream {
        /// The stream.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A registry could not be reached, refused something, or answered nonsense.
    #[error(transparent)]
    Registry(Box<crate::registry::RegistryError>),
    /// A legal thing that dam does not do.
    #[error("{what} is not supported")]
    Unsupported {
        /// The thing.
        what: String,
    },
}

impl Error {
    /// Names the path of a failed file operation: `.map_err(Error::access(&path))`.
    pub fn access(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Access { path, source }
    }

    /// Names the stream of a failed read or write; a [`BlobFault`] or an [`ArchiveFault`] inside is brought to light.
    pub fn stream(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| match source.downcast::<BlobFault>() {
            Ok(fault) => Self::Blob(fault),
            Err(source) => match source.downcast::<ArchiveFault>() {
                Ok(fault) => Self::Archive { what, fault },
                // The reader below knew a better name.
                Err(source) => source.downcast::<Self>().unwrap_or_else(|source| Self::Stream { what, source }),
            },
        }
    }

    /// Names the source of a failed read: as [`Error::stream`], but what the system said of the source itself becomes
    /// [`Error::Lost`].
    pub fn reading(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| match source.raw_os_error() {
            Some(_) => Self::Lost { what, source },
            None => Self::stream(what)(source),
        }
    }

    /// Names the archive whose content is at fault, for whoever knows it: a blob or a layer does not.
    pub fn in_archive(self, path: &Path) -> Self {
        let archive = format!("`{}`", path.display());
        let within = |what: String| if what.contains(&archive) { what } else { format!("{what} of {archive}") };
        let blob = "blob".to_owned();
        match self {
            Self::Blob(fault) => Self::Archive { what: archive, fault: ArchiveFault::Blob { what: blob, fault } },
            Self::MissingBlob { digest } => {
                let fault = ArchiveFault::Missing { what: blob, name: digest.to_string() };
                Self::Archive { what: archive, fault }
            }
            Self::Damaged { what, reason } => Self::Damaged { what: within(what), reason },
            Self::Archive { what, fault } => Self::Archive { what: within(what), fault },
            Self::Json { what, source } => Self::Json { what: within(what), source },
            other => other,
        }
    }

    /// Says what is wrong on a line of a Dockerfile.
    pub fn dockerfile(line: usize, reason: impl Into<String>) -> Self {
        Self::Dockerfile { line, reason: reason.into() }
    }

    /// Says that `what` breaks its format.
    pub fn damaged(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Damaged { what: what.into(), reason: reason.into() }
    }
}

impl From<crate::registry::RegistryError> for Error {
    fn from(error: crate::registry::RegistryError) -> Self {
        Self::Registry(Box::new(error))
    }
}

// Not `#[from]`, which would make the fault its own cause and say it twice.
impl From<BlobFault> for Error {
    fn from(fault: BlobFault) -> Self {
        Self::Blob(fault)
    }
}
