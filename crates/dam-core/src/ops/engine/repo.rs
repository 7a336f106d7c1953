//! `dam engine repo`: a folder of packages that machines install from.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use dam_pack::Format;
use dam_pack::repo::{APT_KEY, ARMORED_KEY, KEYRING, Options, Place, Repository, RepositoryError, YUM_KEY, write};
use dam_pack::sign::{PublicKey, Signer};
use serde::Serialize;

use crate::event::{Event, Reporter};
use crate::ledger::Timestamp;
use crate::{Cancel, Error, Result};

/// Where apt looks for sources.
const APT_SOURCE: &str = "/etc/apt/sources.list.d/dam.list";
/// Where yum and dnf do; zypper does in `/etc/zypp/repos.d`.
const YUM_SOURCE: &str = "/etc/yum.repos.d/dam.repo";

/// What the repository is to be.
pub struct Wish<'a> {
    /// The folder with the packages.
    pub folder: &'a Path,
    /// Where machines will find it, if not there.
    pub place: Option<Place>,
    /// The time of the metadata in seconds since 1970, UTC; that of the packages if it is not given.
    pub source_date: Option<u32>,
    /// What the clock says.
    pub now: Timestamp,
    /// What signs, and the key by which that can be checked.
    pub seal: Option<(&'a (dyn Signer + Sync), &'a PublicKey)>,
}

/// A repository that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepoMade {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// Where machines find it.
    pub place: Place,
    /// The time of the metadata.
    pub date: Timestamp,
    /// What is in it.
    #[serde(flatten)]
    pub repository: Repository,
    /// What a machine with apt must know, if there is a `.deb`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apt: Option<Source>,
    /// What a machine with yum, dnf or zypper must know, if there is an `.rpm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yum: Option<Source>,
}

/// What a machine must know to install from a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The file it belongs into.
    pub file: &'static str,
    /// All of the file.
    pub text: String,
    /// The key, if the repository is signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyCopy>,
}

/// A key that must be copied before the repository is believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyCopy {
    /// From here: a path or a URL.
    pub from: String,
    /// To this file of the machine.
    pub to: &'static str,
}

/// Makes a repository of a folder.
///
/// # Errors
/// [`RepositoryError`], and [`Error::Place`] before anything is written.
pub fn make(wish: Wish<'_>, reporter: &dyn Reporter, cancel: &Cancel) -> Result<RepoMade> {
    let folder = fs::canonicalize(wish.folder).map_err(Error::access(wish.folder))?;
    let place = match wish.place {
        Some(place) => place,
        None => Place::folder(&folder)?,
    };
    let now = u32::try_from(wish.now.0).unwrap_or(u32::MAX);
    let options = Options { source_date: wish.source_date, now, seal: wish.seal };
    reporter.event(Event::Started { what: "read packages", total: None });
    let written = write(wish.folder, options, &|bytes| {
        reporter.event(Event::Advanced { bytes });
        if cancel.is_set() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    reporter.event(Event::Finished);
    let repository = written.map_err(|error| match error {
        RepositoryError::Stopped => Error::Cancelled,
        RepositoryError::Access { path, source } => Error::access(path)(source),
        error => error.into(),
    })?;
    let signed = repository.signed_by.is_some();
    let key = |name: &str, to| {
        let from = format!("{}/{name}", place.to_string().trim_end_matches('/'));
        signed.then_some(KeyCopy { from, to })
    };
    let apt = repository.has(Format::Deb).then(|| Source {
        file: APT_SOURCE,
        text: place.apt_source(signed),
        key: key(KEYRING, APT_KEY),
    });
    let yum = repository.has(Format::Rpm).then(|| Source {
        file: YUM_SOURCE,
        text: place.yum_source(signed, repository.signs_every_rpm()),
        key: key(ARMORED_KEY, YUM_KEY),
    });
    let date = Timestamp(i64::from(repository.date));
    Ok(RepoMade { folder, place, date, repository, apt, yum })
}
