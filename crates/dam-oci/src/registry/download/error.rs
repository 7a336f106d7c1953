//! What can go wrong with a download.

use std::io;
use std::path::{Path, PathBuf};

use crate::Digest;
use crate::registry::RegistryFault;

/// Why a file did not come.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Its server, or the way there.
    #[error("cannot download `{url}`")]
    Failed {
        /// The file.
        url: String,
        /// What happened.
        #[source]
        fault: RegistryFault,
    },
    /// It would come over plain http, and there is no digest to check it by.
    #[error("`{url}` would come over plain http, where anybody can change it, and no digest says what it is")]
    PlainHttp {
        /// The file.
        url: String,
    },
    /// It is another file than the one that was pinned.
    #[error("`{url}` has the digest {found}, not {wanted}")]
    Digest {
        /// The file.
        url: String,
        /// Its digest.
        found: Digest,
        /// The digest it should have.
        wanted: Digest,
    },
    /// It is longer than what was wanted can be.
    #[error("`{url}` has more than {limit} bytes")]
    Large {
        /// The file.
        url: String,
        /// The most bytes it may have.
        limit: u64,
    },
    /// It cannot be written here.
    #[error("cannot access `{path}`")]
    Access {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DownloadError {
    /// Names the file that cannot be accessed.
    pub(super) fn access(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Access { path, source }
    }
}
