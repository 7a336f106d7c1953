//! A folder of packages.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use dam_pack::repo::{Options, Repository, RepositoryError, write};
use dam_pack::sign::{PublicKey, SecretKey, Signer};
use dam_pack::{Package, PackageVersion, deb, rpm};
use tempfile::TempDir;

/// The time of every package.
pub(crate) const DATE: u32 = 1_700_000_000;
/// What the clock says.
pub(crate) const NOW: u32 = 1_800_000_000;

pub(crate) struct Stick(TempDir);

impl Stick {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
        self
    }

    /// Puts the sample of a `.deb` there.
    pub(crate) fn deb(self, name: &str, version: &str) -> Self {
        let package = Package { version: self::version(version), ..crate::of_deb::package() };
        let stick = self.file(name, "");
        deb::write(&package, &stick.path(name), &mut |_| ControlFlow::Continue(())).expect("written");
        stick
    }

    /// Puts the sample of an `.rpm` there.
    pub(crate) fn rpm(self, name: &str, version: &str, signer: Option<&dyn Signer>) -> Self {
        let package = Package { version: self::version(version), ..crate::of_rpm::full() };
        let stick = self.file(name, "");
        rpm::write(&package, &stick.path(name), signer, &mut |_| ControlFlow::Continue(())).expect("written");
        stick
    }

    /// Puts a package there that needs nothing.
    pub(crate) fn empty_rpm(self, name: &str, signer: Option<&dyn Signer>) -> Self {
        let stick = self.file(name, "");
        rpm::write(&crate::of_rpm::empty(), &stick.path(name), signer, &mut |_| ControlFlow::Continue(()))
            .expect("written");
        stick
    }

    /// Makes it a repository.
    pub(crate) fn made(&self, key: Option<&SecretKey>) -> Repository {
        self.try_made(key, None).expect("made")
    }

    pub(crate) fn try_made(
        &self,
        key: Option<&SecretKey>,
        source_date: Option<u32>,
    ) -> Result<Repository, RepositoryError> {
        let public = key.map(SecretKey::public_key);
        let seal = key.zip(public.as_ref()).map(|(key, public): (_, &PublicKey)| (key as &(dyn Signer + Sync), public));
        write(self.folder(), Options { source_date, now: NOW, seal }, &|_| ControlFlow::Continue(()))
    }

    /// Returns all files but packages, by path.
    pub(crate) fn metadata(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.folder().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                let name = path.strip_prefix(self.folder()).expect("below").to_str().expect("text").to_owned();
                if path.is_dir() {
                    folders.push(path);
                } else if !name.ends_with(".deb") && !name.ends_with(".rpm") {
                    files.insert(name, fs::read(path).expect("a file"));
                }
            }
        }
        files
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a text")
    }
}

pub(crate) fn version(upstream: &str) -> PackageVersion {
    PackageVersion::new(upstream, "1").expect("a version")
}
