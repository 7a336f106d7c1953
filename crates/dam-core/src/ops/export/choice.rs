//! Which apps are exported, and which images those are.

use std::fmt;
use std::str::FromStr;

use dam_oci::Reference;

use super::ExportFault;
use crate::app::{AppId, AppName, NameFault, Release, Version};
use crate::ledger::{Installed, Ledger};
use crate::product::{ListFault, ProductList, Shelf};
use crate::store::{ImageId, Store};
use crate::{Error, Result};

/// Names an app, or all versions of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The name.
    pub name: AppName,
    /// The version, if one is meant.
    pub version: Option<Version>,
}

impl Wanted {
    fn means(&self, id: &AppId) -> bool {
        self.name == id.name && self.version.as_ref().is_none_or(|version| *version == id.version)
    }
}

impl FromStr for Wanted {
    type Err = NameFault;

    fn from_str(text: &str) -> Result<Self, NameFault> {
        match text.split_once(':') {
            Some((name, version)) => Ok(Self { name: name.parse()?, version: Some(version.parse()?) }),
            None => Ok(Self { name: text.parse()?, version: None }),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{}:{version}", self.name),
            None => f.write_str(self.name.as_str()),
        }
    }
}

/// An app that is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// What its image is called.
    pub reference: Reference,
    /// Its image in the store.
    pub image: ImageId,
    /// Whether it is installed, and so is an app for certain.
    pub installed: bool,
}

/// Returns the installed releases, in the order of `dam list`; those of `wanted`, unless that is empty.
///
/// # Errors
/// [`ExportFault::Unknown`] with all of `wanted` that is not installed.
pub fn installed(ledger: Option<&Ledger>, wanted: &[Wanted]) -> Result<Vec<Release>> {
    let releases = releases(ledger)?;
    narrow(releases, |release| &release.app.id, wanted, "installed")
}

/// Takes installed releases to be exported with their images.
///
/// # Errors
/// [`Error::InOtherStore`] for the first whose image is in a store of another kind.
pub fn with_images(store: &dyn Store, releases: Vec<Release>) -> Result<Vec<Chosen>> {
    let now = store.describe().kind;
    releases.into_iter().map(|release| chosen(release, now)).collect()
}

/// Finds the apps of a list, in its order: the installed release if it is that version, else the image of that name in the
/// store, else, for a line without a registry, the only one of that name under any. `list` names the list in errors.
///
/// # Errors
/// [`ListFault::Missing`] with all apps that are not there; [`ExportFault::Unknown`] with all of `wanted` that the list
/// does not have.
pub fn product(
    store: &dyn Store,
    ledger: Option<&Ledger>,
    list: (&str, &ProductList),
    wanted: &[Wanted],
) -> Result<Vec<Chosen>> {
    let (name, list) = list;
    let entries = narrow(list.entries.clone(), |entry| &entry.id, wanted, &format!("in `{name}`"))?;
    let now = store.describe().kind;
    let installed = releases(ledger)?;
    let mut shelf = Shelf::new(store);
    let (mut chosen_apps, mut missing) = (Vec::new(), Vec::new());
    for entry in entries {
        if let Some(release) = installed.iter().find(|release| release.app.id == entry.id) {
            chosen_apps.push(chosen(release.clone(), now)?);
            continue;
        }
        match shelf.find(&entry)? {
            Ok((reference, image)) => chosen_apps.push(Chosen { reference, image, installed: false }),
            Err(app) => missing.push(app),
        }
    }
    match missing.is_empty() {
        true => Ok(chosen_apps),
        false => Err(ListFault::Missing { what: name.to_owned(), apps: missing }.into()),
    }
}

fn releases(ledger: Option<&Ledger>) -> Result<Vec<Release>> {
    let installed: Vec<Installed> = ledger.map_or(Ok(Vec::new()), Ledger::installed)?;
    Ok(installed.into_iter().map(|installed| installed.release).collect())
}

fn chosen(release: Release, store: &str) -> Result<Chosen> {
    match release.store {
        Some(was) if was != store => Err(Error::InOtherStore { app: release.app.id, was, now: store.to_owned() }),
        _ => Ok(Chosen { reference: release.app.reference, image: release.image, installed: true }),
    }
}

/// Keeps what is wanted; `place` says where it was looked for.
fn narrow<T>(all: Vec<T>, id: fn(&T) -> &AppId, wanted: &[Wanted], place: &str) -> Result<Vec<T>> {
    if wanted.is_empty() {
        return Ok(all);
    }
    let unknown = wanted.iter().filter(|wanted| !all.iter().any(|one| wanted.means(id(one))));
    let words: Vec<String> = unknown.map(ToString::to_string).collect();
    if !words.is_empty() {
        return Err(ExportFault::Unknown { words, place: place.to_owned() }.into());
    }
    Ok(all.into_iter().filter(|one| wanted.iter().any(|wanted| wanted.means(id(one)))).collect())
}
