//! The files a package is made of, as files of this machine.
//!
//! What a recipe names by URL is kept, so that the next build needs no net. On disk, below the cache's folder:
//!
//! ```text
//! downloads/<hex of the digest>/<file name>        a file that is whole and right
//! downloads/<hex of the digest>/<file name>.part   what came before a connection was lost
//! ```
//!
//! Everything in it can be downloaded again, so it may be deleted at any moment. It is hashed before each use.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use dam_oci::registry::{self, Download, DownloadError, Network, RegistryFault, Step};
use dam_oci::{Digest, Hasher};

use super::recipe::{Input, Source, Url};
use crate::event::{Event, Reporter};
use crate::{Error, Result};

/// The most bytes a file may have. An engine's archive has 80 MB.
const LIMIT: u64 = 2 << 30;

/// Finds the files of recipes: here, in what was downloaded before, or in the net.
#[derive(Debug, Clone)]
pub struct Inputs {
    folder: PathBuf,
    network: Network,
    offline: bool,
}

/// A file that a recipe names by URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub size: u64,
    /// Its digest.
    pub digest: Digest,
    /// How it came.
    pub way: Way,
}

/// How a file came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It was there.
    Kept,
    /// From its server.
    Downloaded {
        /// Bytes of it that an earlier download had left.
        resumed: u64,
    },
}

/// Why a file of a recipe is not at hand.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It could not be downloaded.
    #[error(transparent)]
    Download(DownloadError),
    /// What is behind a URL is another file than the one that was pinned.
    #[error("`{url}` is not the file it was: it has the digest {found}, not {wanted}")]
    Changed {
        /// The file.
        url: Url,
        /// Its digest.
        found: Digest,
        /// The digest it had.
        wanted: Digest,
    },
    /// A file of this machine is another than the one that was pinned.
    #[error("`{path}` has the digest {found}, not {wanted}")]
    Digest {
        /// The file.
        path: PathBuf,
        /// Its digest.
        found: Digest,
        /// The digest it should have.
        wanted: Digest,
    },
    /// No digest says what is behind a URL.
    #[error("no digest says what `{url}` is")]
    Unpinned {
        /// The file.
        url: Url,
    },
    /// It was not downloaded before, and nobody is to be asked.
    #[error("`{url}` was not downloaded yet, and no server is to be asked")]
    Offline {
        /// The file.
        url: Url,
    },
}

impl Inputs {
    /// Keeps downloads in `folder`, which the first one makes if it is not there.
    pub fn new(folder: impl Into<PathBuf>, network: Network) -> Self {
        Self { folder: folder.into(), network, offline: false }
    }

    /// Says whether no server is to be asked.
    #[must_use]
    pub fn offline(self, offline: bool) -> Self {
        Self { offline, ..self }
    }

    /// Returns the path of a file: its own, as it is, or that of a download that has the digest. What is at a path of the
    /// recipe is not looked at.
    ///
    /// # Errors
    /// [`InputError`], [`Error::Access`] and [`Error::Cancelled`].
    pub fn file(&self, input: &Input, reporter: &dyn Reporter) -> Result<PathBuf> {
        match (&input.source, input.sha256) {
            (Source::Path(path), _) => Ok(path.clone()),
            (Source::Url(url), None) => Err(InputError::Unpinned { url: url.clone() }.into()),
            (Source::Url(url), pin) => Ok(self.fetch(url, pin, reporter)?.path),
        }
    }

    /// Returns what is behind a URL: with a pin, what was downloaded before if it is that.
    ///
    /// # Errors
    /// As [`Inputs::file`].
    pub fn fetch(&self, url: &Url, pin: Option<Digest>, reporter: &dyn Reporter) -> Result<Fetched> {
        if let Some(kept) = pin.map(|pin| self.kept(url, pin)).transpose()?.flatten() {
            return Ok(kept);
        }
        if self.offline {
            return Err(InputError::Offline { url: url.clone() }.into());
        }
        match pin {
            Some(pin) => {
                let folder = self.folder.join(pin.hex());
                make_folder(&folder)?;
                let fetched = self.download(url, Some(pin), &folder, reporter);
                if fetched.is_err() {
                    // Only where nothing is left in it.
                    let _ = fs::remove_dir(&folder);
                }
                fetched
            }
            None => self.fetch_unknown(url, reporter),
        }
    }

    /// Returns what was downloaded before, if it is right.
    fn kept(&self, url: &Url, pin: Digest) -> Result<Option<Fetched>> {
        let path = self.folder.join(pin.hex()).join(url.file_name());
        match digest_of(&path) {
            Ok((digest, size)) if digest == pin => Ok(Some(Fetched { path, size, digest, way: Way::Kept })),
            Ok(_) => Ok(None),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::access(path)(source)),
        }
    }

    /// Downloads a file whose digest nobody knows, and keeps it under the one it has.
    fn fetch_unknown(&self, url: &Url, reporter: &dyn Reporter) -> Result<Fetched> {
        make_folder(&self.folder)?;
        let incoming = tempfile::Builder::new().prefix("incoming-").tempdir_in(&self.folder);
        let incoming = incoming.map_err(Error::access(&self.folder))?;
        let fetched = self.download(url, None, incoming.path(), reporter)?;
        let folder = self.folder.join(fetched.digest.hex());
        make_folder(&folder)?;
        let path = folder.join(url.file_name());
        fs::rename(&fetched.path, &path).map_err(Error::access(&path))?;
        Ok(Fetched { path, ..fetched })
    }

    fn download(&self, url: &Url, pin: Option<Digest>, folder: &Path, reporter: &dyn Reporter) -> Result<Fetched> {
        let path = folder.join(url.file_name());
        let mut begun = false;
        let mut watch = |step| match step {
            Step::Begun { done, total } => {
                if begun {
                    reporter.event(Event::Finished);
                }
                begun = true;
                reporter.event(Event::Started { what: url.file_name(), total });
                if done > 0 {
                    reporter.event(Event::Advanced { bytes: done });
                }
            }
            Step::Advanced(bytes) => reporter.event(Event::Advanced { bytes }),
        };
        let wanted = Download { url: url.as_str(), pin, limit: LIMIT };
        let came = registry::download(&wanted, &self.network, &path, &mut watch);
        if begun {
            reporter.event(Event::Finished);
        }
        let came = came.map_err(|error| match error {
            DownloadError::Failed { fault: RegistryFault::Stopped, .. } => Error::Cancelled,
            DownloadError::Digest { found, wanted, .. } => {
                InputError::Changed { url: url.clone(), found, wanted }.into()
            }
            error => InputError::Download(error).into(),
        })?;
        let way = Way::Downloaded { resumed: came.resumed };
        Ok(Fetched { path, size: came.size, digest: came.digest, way })
    }
}

fn make_folder(folder: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(Error::access(folder))
}

/// Returns the digest of a file, and its length in bytes.
pub(crate) fn digest_of(path: &Path) -> io::Result<(Digest, u64)> {
    let mut hasher = Hasher::default();
    let size = io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok((hasher.finish(), size))
}
