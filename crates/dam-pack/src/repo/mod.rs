//! Repositories: folders of packages that apt, yum, dnf and zypper install from, on a stick or behind a web server.
//!
//! Both formats' metadata stand side by side, and both are written of the same pass over the packages:
//!
//! | file | what |
//! |---|---|
//! | `Packages`, `Packages.gz` | what the `.deb`s say of themselves |
//! | `Release` | the digests of those two, `Release.gpg` its signature, `InRelease` both in one |
//! | `repodata/DIGEST-*.xml.gz` | what the `.rpm`s say of themselves |
//! | `repodata/repomd.xml` | the digests of those, `repomd.xml.asc` its signature, `repomd.xml.key` its key for zypper |
//! | `dam-archive-keyring.gpg`, `.asc` | the public key, for apt and for rpm |
//!
//! Compressed is with gzip alone, which the oldest tools read; nothing says until when it is valid, since clocks without
//! a network are wrong; no file is a link and no name is one that FAT cannot hold.
//!
//! Formats: <https://wiki.debian.org/DebianRepository/Format#Flat_Repository_Format>,
//! <https://github.com/rpm-software-management/createrepo_c>.

mod apt;
mod crew;
mod draft;
mod error;
mod fat;
mod key;
mod place;
mod read;
mod scan;
mod xml;
mod yum;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;

use crate::Format;
use crate::sign::{PublicKey, Signer};
use apt::Apt;
use draft::Release;
pub use error::{NameFault, RepositoryError};
pub use fat::storable;
use key::Checked;
pub use place::{APT_KEY, Place, PlaceFault, YUM_KEY};
use yum::Yum;

/// The public key as apt 1.2 takes it.
pub const KEYRING: &str = "dam-archive-keyring.gpg";
/// The public key as rpm takes it.
pub const ARMORED_KEY: &str = "dam-archive-keyring.asc";

/// What is not in the packages.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The time of the metadata in seconds since 1970, UTC; the newest one inside of the packages if it is not given.
    pub source_date: Option<u32>,
    /// What the clock says: the metadata are never newer, unless the source date is.
    pub now: u32,
    /// What signs, and the key by which that can be checked.
    pub seal: Option<(&'a (dyn Signer + Sync), &'a PublicKey)>,
}

/// Told, from any thread, how many bytes of packages were read since. With [`ControlFlow::Break`] nothing is changed.
pub type Progress<'a> = dyn Fn(u64) -> ControlFlow<()> + Sync + 'a;

/// A repository that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repository {
    /// Its packages, by path.
    pub packages: Vec<Listed>,
    /// Its metadata, by path below the folder.
    pub metadata: Vec<String>,
    /// The time of its metadata, in seconds since 1970, UTC.
    #[serde(skip)]
    pub date: u32,
    /// The fingerprint of the key that signed the metadata.
    pub signed_by: Option<String>,
}

/// A package of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Below the folder, with `/` between the parts.
    pub path: String,
    /// Its format.
    pub format: Format,
    /// Its name.
    pub name: String,
    /// Its version: `[epoch:]version[-release]`.
    pub version: String,
    /// Its processor, in the format's own word.
    pub architecture: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Whether the key of the repository signed the package itself, which an `.rpm` alone can be.
    pub signed: bool,
    /// The newest time inside, in seconds since 1970, UTC.
    #[serde(skip)]
    date: u64,
}

impl Repository {
    /// Tells whether it has packages of a format.
    pub fn has(&self, format: Format) -> bool {
        self.packages.iter().any(|package| package.format == format)
    }

    /// Tells whether every `.rpm` bears a signature of the repository's key.
    pub fn signs_every_rpm(&self) -> bool {
        self.packages.iter().all(|package| package.format == Format::Deb || package.signed)
    }
}

/// Makes a repository of a folder: of every `.deb` and `.rpm` anywhere below it, but for source packages and what is
/// hidden; links are not followed. Each package is read once, whole, and so known to be undamaged.
///
/// The same packages with the same date and the same key give the same bytes. What is there stays in use until
/// everything new is written; then files change places one by one, those that name others last. Metadata of a former run
/// that nothing names any more are removed.
///
/// # Errors
///
/// No package; one that cannot be read, or whose name a stick cannot hold; one that is there twice; a folder that
/// cannot be written to.
pub fn write(folder: &Path, options: Options<'_>, progress: &Progress<'_>) -> Result<Repository, RepositoryError> {
    draft::sweep(folder)?;
    let (debs, rpms) = scan::find(folder)?;
    if debs.is_empty() && rpms.is_empty() {
        return Err(RepositoryError::Empty { folder: folder.to_owned() });
    }
    let key = options.seal.map(|(_, key)| key);
    let (mut apt, mut yum) = (Apt::new(folder, debs.len())?, Yum::new(folder, rpms.len())?);
    let of_deb = debs.iter().map(|path| (Format::Deb, path));
    let jobs: Vec<_> = of_deb.chain(rpms.iter().map(|path| (Format::Rpm, path))).collect();
    let work = |(format, path): &(Format, &String)| match format {
        Format::Deb => apt::tell(folder, path, progress).map(|(listed, text)| Told::Deb(listed, text)),
        Format::Rpm => yum::tell(folder, path, key, progress).map(|(listed, texts)| Told::Rpm(listed, texts)),
    };
    crew::in_order(&jobs, work, |told| match told {
        Told::Deb(listed, text) => apt.add(listed, &text),
        Told::Rpm(listed, texts) => yum.add(listed, texts),
    })?;
    let mut packages = [apt.packages(), yum.packages()].concat();
    packages.sort_by(|one, other| one.path.cmp(&other.path));
    each_once(&packages)?;

    let newest = packages.iter().map(|package| package.date).max().unwrap_or_default();
    let newest = u32::try_from(newest).unwrap_or(u32::MAX).min(options.now);
    let date = options.source_date.unwrap_or(newest);
    let checked = options.seal.map(|(signer, key)| Checked { signer, key });
    let seal = checked.as_ref().map(|checked| checked as &dyn Signer);

    let mut release = Release::new(folder);
    key::draft(&mut release, key)?;
    yum.release(&mut release, date, seal.zip(key))?;
    apt.release(&mut release, date, seal)?;
    let metadata = release.publish()?;
    Ok(Repository { packages, metadata, date, signed_by: key.map(PublicKey::fingerprint) })
}

/// A package, and what its lists tell of it.
enum Told {
    Deb(Listed, String),
    Rpm(Listed, [String; 3]),
}

/// Two files of one package and version are one too many: which is installed would depend on the tool.
fn each_once(packages: &[Listed]) -> Result<(), RepositoryError> {
    let mut known: BTreeMap<_, &Listed> = BTreeMap::new();
    for package in packages {
        let identity = (package.format, &package.name, &package.version, &package.architecture);
        if let Some(first) = known.insert(identity, package) {
            return Err(RepositoryError::Twice {
                name: package.name.clone(),
                version: package.version.clone(),
                architecture: package.architecture.clone(),
                first: first.path.clone(),
                second: package.path.clone(),
            });
        }
    }
    Ok(())
}
