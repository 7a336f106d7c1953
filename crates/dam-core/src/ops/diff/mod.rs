//! `dam diff`: what is different between two products, each a file or what is installed.

mod pair;
mod side;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use dam_oci::Digest;
use serde::Serialize;

use crate::Result;
use crate::app::{AppName, Version};
use crate::bundle::HeadLayer;
use crate::compare::FileChange;
use crate::event::Reporter;
use crate::host::Scratch;
use crate::ledger::Ledger;

use pair::{Pair, pairs};
use side::Side;

/// The word for what is installed.
const INSTALLED: &str = "installed";

/// What is compared, as a person names it: the word `installed`, or else a file. A file of that name is `./installed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiffTarget {
    /// What is installed on this machine.
    Installed,
    /// A bundle, another archive, or a product list.
    File(PathBuf),
}

impl FromStr for DiffTarget {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == INSTALLED { Self::Installed } else { Self::File(text.into()) })
    }
}

/// What to compare.
#[derive(Debug, Clone)]
pub struct DiffRequest {
    /// The product before.
    pub old: DiffTarget,
    /// The product after.
    pub new: DiffTarget,
    /// Whether the scripts of apps that are new are told, too, as if each line had been added. Those of apps that are in
    /// both always are.
    pub scripts_of_new: bool,
}

/// Where to look.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// What is installed; `None` where nothing ever was.
    pub ledger: Option<&'a Ledger>,
    /// dam's state folder, with the kept copies of `/meta`. Nothing is written there.
    pub root: &'a Path,
    /// A folder for temporary files.
    pub scratch: &'a Scratch,
}

/// What is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// What was compared: the product before.
    pub old: Compared,
    /// The product after.
    pub new: Compared,
    /// Every app of either: those of the new product in its order, then those that are only in the old one.
    pub apps: Vec<AppDiff>,
    /// What of the new product the old one has not. `None` where one of them is a list, which says nothing of layers.
    pub brings: Option<Brings>,
}

/// A product that was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Compared {
    /// What is installed.
    Installed,
    /// A list of names and versions.
    List {
        /// The file.
        path: PathBuf,
    },
    /// An archive with images.
    Archive {
        /// The file.
        path: PathBuf,
    },
}

/// An app of either product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppDiff {
    /// Its name.
    pub name: AppName,
    /// How it differs.
    pub change: AppChange,
    /// Its version in the old product.
    pub old: Option<Version>,
    /// Its version in the new product.
    pub new: Option<Version>,
    /// What the new one brings that the old product has not; a layer that several apps bring counts for the first of them.
    pub brings: Option<Brings>,
    /// The files below `/meta` that differ; `None` where they were not compared.
    pub hooks: Option<Vec<FileChange>>,
}

/// How an app differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppChange {
    /// It is only in the new product.
    New,
    /// It is only in the old product.
    Gone,
    /// The new version is newer.
    Upgrade,
    /// The new version is older.
    Downgrade,
    /// The version is the same and the image is not: it was built anew.
    OtherImage,
    /// It is the same app to the last byte.
    Same,
    /// The version is the same; of the image a list says nothing.
    SameVersion,
}

/// Layers that are in one product and not in another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Brings {
    /// How many layers, each counted once.
    pub layers: usize,
    /// Of how many.
    pub of: usize,
    /// Their length as they are in the file, in bytes; `None` for what is installed.
    pub packed: Option<u64>,
    /// Their length unpacked, in bytes; `None` where that is not known of one of them.
    pub unpacked: Option<u64>,
}

impl Diff {
    /// Tells whether anything is different.
    pub fn differs(&self) -> bool {
        self.apps.iter().any(|app| !matches!(app.change, AppChange::Same | AppChange::SameVersion))
    }
}

/// Compares two products. Of files only documents are read, and the layers that `/meta` needs of apps that are in both.
///
/// # Errors
/// Those of [`crate::bundle::Bundle::open`] and [`crate::product::ProductList::read`]; [`crate::Error::NotAnApp`] for an
/// image that is none.
pub fn diff(request: &DiffRequest, place: Place, reporter: &dyn Reporter) -> Result<Diff> {
    let (mut old, mut new) = (Side::read(&request.old, place, reporter)?, Side::read(&request.new, place, reporter)?);
    let mut count = Count::of(&old, &new);
    let mut apps = Vec::new();
    for pair in pairs(&old, &new) {
        let brings = pair.new.and_then(|at| count.app(&new, at));
        apps.push(compare(&mut old, &mut new, pair, brings, request.scripts_of_new)?);
    }
    Ok(Diff { brings: count.total(), apps, old: old.what, new: new.what })
}

/// Compares the apps of a pair.
fn compare(
    old: &mut Side,
    new: &mut Side,
    pair: Pair,
    brings: Option<Brings>,
    scripts_of_new: bool,
) -> Result<AppDiff> {
    let (change, hooks) = match (pair.old, pair.new) {
        (Some(before), Some(after)) => pair::compare((old, before), (new, after))?,
        (None, Some(after)) if scripts_of_new => (AppChange::New, pair::scripts(new, after)?),
        (None, Some(_)) => (AppChange::New, None),
        (Some(_), None) | (None, None) => (AppChange::Gone, None),
    };
    let id = |side: &Side, at: Option<usize>| at.map(|at| side.apps[at].id.clone());
    let (before, after) = (id(old, pair.old), id(new, pair.new));
    let name = after.as_ref().or(before.as_ref()).expect("a pair has an app").name.clone();
    let [before, after] = [before, after].map(|id| id.map(|id| id.version));
    Ok(AppDiff { name, change, old: before, new: after, brings, hooks })
}

/// Counts the layers that are new.
struct Count {
    /// By DiffID: the layers of the old product, and those of the new one that were counted.
    known: BTreeSet<Digest>,
    all: BTreeSet<Digest>,
    total: Option<Brings>,
}

impl Count {
    /// Begins to count, if both sides know their layers.
    fn of(old: &Side, new: &Side) -> Self {
        let is_list = |side: &Side| matches!(side.what, Compared::List { .. });
        let start = Brings { packed: Some(0), unpacked: Some(0), ..Brings::default() };
        let total = (!is_list(old) && !is_list(new)).then_some(start);
        let known = old.apps.iter().flat_map(|app| &app.layers).map(|layer| layer.diff_id()).collect();
        Self { known, all: BTreeSet::new(), total }
    }

    /// Counts an app of the new product.
    fn app(&mut self, new: &Side, at: usize) -> Option<Brings> {
        let total = self.total.as_mut()?;
        let mut brings = Brings { packed: Some(0), unpacked: Some(0), ..Brings::default() };
        let mut own = BTreeSet::new();
        for layer in &new.apps[at].layers {
            self.all.insert(layer.diff_id());
            if own.insert(layer.diff_id()) && self.known.insert(layer.diff_id()) {
                brings.add(layer.told());
                total.add(layer.told());
            }
        }
        brings.of = own.len();
        Some(brings)
    }

    fn total(self) -> Option<Brings> {
        self.total.map(|total| Brings { of: self.all.len(), ..total })
    }
}

impl Brings {
    fn add(&mut self, layer: Option<&HeadLayer>) {
        self.layers += 1;
        let sum = |sum: Option<u64>, more: Option<u64>| Some(sum?.saturating_add(more?));
        self.packed = sum(self.packed, layer.map(|layer| layer.size));
        self.unpacked = sum(self.unpacked, layer.and_then(|layer| layer.unpacked_size));
    }
}
