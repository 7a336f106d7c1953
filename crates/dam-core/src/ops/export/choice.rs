//! Which apps are exported, and which images those are.

use std::fmt;
use std::str::FromStr;

use dam_oci::Reference;

use super::ExportFault;
use crate::app::{AppId, AppName, NameFault, Release, Version};
use crate::event::Reporter;
use crate::ledger::{Installed, Ledger};
use crate::product::{Entry, ListFault, ProductList, Shelf};
use crate::repo::{Asked, Found, Inquiry, Where};
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
#[derive(Debug, Clone)]
pub struct Chosen {
    /// What its image is called.
    pub reference: Reference,
    /// Where its image is.
    pub origin: Origin,
    /// Whether it is installed, and so is an app for certain.
    pub installed: bool,
}

/// Where the image of an app is that is exported.
#[derive(Debug, Clone)]
pub enum Origin {
    /// In the store.
    Store(ImageId),
    /// In a registry, from where it goes straight into the bundle.
    Registry(Box<Found>),
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

/// Finds the apps of a list, in its order, as far as no store is needed for it: the installed release if it is that version,
/// else what the repo has that the line belongs to. `list` names the list in errors.
///
/// # Errors
/// [`ExportFault::Unknown`] with all of `wanted` that the list does not have; [`Error::Unfetched`].
pub fn pick(
    ledger: Option<&Ledger>,
    list: (&str, &ProductList),
    wanted: &[Wanted],
    inquiry: &Inquiry,
    reporter: &dyn Reporter,
) -> Result<Picked> {
    let (name, list) = list;
    let entries = narrow(list.entries.clone(), |entry| &entry.id, wanted, &format!("in `{name}`"))?;
    let installed = releases(ledger)?;
    let pick_one = |entry: Entry| {
        if let Some(release) = installed.iter().find(|release| release.app.id == entry.id) {
            return Ok(Pick::Installed(Box::new(release.clone())));
        }
        Ok(match inquiry.ask_first(&entry.reference, reporter)? {
            Asked::Found(found) => Pick::Registry(found),
            asked => Pick::Store(entry, asked),
        })
    };
    let picks = entries.into_iter().map(pick_one).collect::<Result<_>>()?;
    Ok(Picked { list: name.to_owned(), picks })
}

/// The apps of a list, some of which the store may have.
pub struct Picked {
    list: String,
    picks: Vec<Pick>,
}

enum Pick {
    Installed(Box<Release>),
    Registry(Box<Found>),
    Store(Entry, Asked),
}

impl Picked {
    /// Tells whether any of the apps is in the store, or is looked for there.
    pub fn needs_store(&self) -> bool {
        self.picks.iter().any(|pick| !matches!(pick, Pick::Registry(_)))
    }

    /// Finds the rest: the image of that name in the store, else, for a line without a registry, the only one of that name
    /// under any, else what the registry of its name has.
    ///
    /// # Errors
    /// [`ListFault::Missing`] with all apps that are not there.
    pub fn choose(self, store: Option<&dyn Store>, inquiry: &Inquiry, reporter: &dyn Reporter) -> Result<Vec<Chosen>> {
        let Some(store) = store else {
            return Ok(self.picks.into_iter().filter_map(Pick::into_chosen).collect());
        };
        let now = store.describe().kind;
        let mut shelf = Shelf::new(store);
        let (mut chosen_apps, mut missing) = (Vec::new(), Vec::new());
        for pick in self.picks {
            let (entry, asked) = match pick {
                Pick::Installed(release) => {
                    chosen_apps.push(chosen(*release, now)?);
                    continue;
                }
                Pick::Store(entry, asked) => (entry, asked),
                pick @ Pick::Registry(_) => {
                    chosen_apps.extend(pick.into_chosen());
                    continue;
                }
            };
            match shelf.find_or_ask(&entry, &asked, inquiry, reporter)? {
                Ok(Where::Store(reference)) => {
                    let image = store.holder(&reference)?.ok_or_else(|| Error::NoTag(reference.clone()))?;
                    chosen_apps.push(Chosen { reference, origin: Origin::Store(image), installed: false });
                }
                Ok(Where::Registry(found)) => chosen_apps.extend(Pick::Registry(found).into_chosen()),
                Err(app) => missing.push(app),
            }
        }
        match missing.is_empty() {
            true => Ok(chosen_apps),
            false => Err(ListFault::Missing { what: self.list, apps: missing }.into()),
        }
    }
}

impl Pick {
    /// Returns the app, where it comes from a registry.
    fn into_chosen(self) -> Option<Chosen> {
        match self {
            Self::Registry(found) => {
                let reference = found.reference.clone();
                Some(Chosen { reference, origin: Origin::Registry(found), installed: false })
            }
            Self::Installed(_) | Self::Store(..) => None,
        }
    }
}

fn releases(ledger: Option<&Ledger>) -> Result<Vec<Release>> {
    let installed: Vec<Installed> = ledger.map_or(Ok(Vec::new()), Ledger::installed)?;
    Ok(installed.into_iter().map(|installed| installed.release).collect())
}

fn chosen(release: Release, store: &str) -> Result<Chosen> {
    match release.store {
        Some(was) if was != store => Err(Error::InOtherStore { app: release.app.id, was, now: store.to_owned() }),
        _ => Ok(Chosen { reference: release.app.reference, origin: Origin::Store(release.image), installed: true }),
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
