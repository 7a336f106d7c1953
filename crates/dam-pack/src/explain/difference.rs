//! What differs between two packages.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::explain::File;
use crate::impact::{Impact, upgrade};
use crate::{EntryView, KindView, PackageView, RelationKind};

/// What differs between two packages, without what does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What they say of themselves: `version`, `architecture`, `Maintainer`.
    pub identity: BTreeMap<String, Changed<Option<String>>>,
    /// What only the new one installs, by path.
    pub added: Vec<File>,
    /// What only the old one installs, by path.
    pub removed: Vec<File>,
    /// What both install, and not the same, by path. Times do not count.
    pub changed: Vec<FileChange>,
    /// What they need and exclude.
    pub relations: BTreeMap<RelationKind, RelationChange>,
    /// What runs when they come and go, by place.
    pub scripts: BTreeMap<String, ScriptChange>,
    /// What happens to services when the new one replaces the old one; none between a `.deb` and an `.rpm`, of which
    /// neither replaces the other.
    pub upgrade: Option<Impact>,
}

/// Something that was and is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed<T> {
    /// In the old package.
    pub old: T,
    /// In the new package.
    pub new: T,
}

/// A path that holds another thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// The path.
    pub path: String,
    /// What of it differs, at least one.
    pub what: Vec<Aspect>,
    /// What was and is there.
    #[serde(flatten)]
    pub files: Changed<File>,
}

/// What of a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// One is a file, the other a folder or a link.
    Kind,
    /// The bytes, or whether there are any.
    Content,
    /// What a link points to.
    Target,
    /// Permission bits.
    Mode,
    /// User or group.
    Owner,
    /// What it is to the package tools.
    Role,
}

/// Relations of one kind that came and went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RelationChange {
    /// Only the new package has them.
    pub added: Vec<String>,
    /// Only the old package has them.
    pub removed: Vec<String>,
}

/// What became of the scripts at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScriptChange {
    /// Only the new package has one.
    Added,
    /// Only the old package has one.
    Removed,
    /// Its text or what runs it differs.
    Changed,
}

impl Difference {
    /// Says whether the packages are alike in all that is looked at.
    pub fn is_empty(&self) -> bool {
        let Self { identity, added, removed, changed, relations, scripts, upgrade: _ } = self;
        identity.is_empty()
            && added.is_empty()
            && removed.is_empty()
            && changed.is_empty()
            && relations.is_empty()
            && scripts.is_empty()
    }
}

/// Compares two packages, of one format or of both.
pub fn difference(old: &PackageView, new: &PackageView) -> Difference {
    let (old_files, new_files) = (files(old), files(new));
    let only = |one: &BTreeMap<&str, &EntryView>, other: &BTreeMap<&str, &EntryView>| {
        let alone = one.iter().filter(|(path, _)| !other.contains_key(*path));
        alone.map(|(_, entry)| File::from(*entry)).collect()
    };
    let changed = old_files.iter().filter_map(|(path, old)| changed(old, new_files.get(path)?));
    Difference {
        identity: identity(old, new),
        added: only(&new_files, &old_files),
        removed: only(&old_files, &new_files),
        changed: changed.collect(),
        relations: relations(old, new),
        scripts: scripts(old, new),
        upgrade: (old.format == new.format).then(|| upgrade(old, new)),
    }
}

fn files(view: &PackageView) -> BTreeMap<&str, &EntryView> {
    view.entries.iter().map(|entry| (entry.path.as_str(), entry)).collect()
}

fn identity(old: &PackageView, new: &PackageView) -> BTreeMap<String, Changed<Option<String>>> {
    let own = |view: &PackageView| -> BTreeMap<String, String> {
        let head = [
            ("format", view.format.to_string()),
            ("name", view.name.clone()),
            ("version", view.version.clone()),
            ("architecture", view.architecture.clone()),
            ("summary", view.summary.clone()),
            ("description", view.description.clone()),
        ];
        let head = head.into_iter().map(|(name, value)| (name.to_owned(), value));
        view.fields.iter().cloned().chain(head).collect()
    };
    let (old, new) = (own(old), own(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = |name: &String| Changed { old: old.get(name).cloned(), new: new.get(name).cloned() };
    let all = names.into_iter().map(|name| (name.clone(), changed(name)));
    all.filter(|(_, changed)| changed.old != changed.new).collect()
}

fn changed(old: &EntryView, new: &EntryView) -> Option<FileChange> {
    let mut what = Vec::new();
    match (&old.kind, &new.kind) {
        // Without a digest, a ghost or a damaged list, the size is all there is to compare.
        (KindView::File { .. }, KindView::File { .. }) if old.kind != new.kind => what.push(Aspect::Content),
        (KindView::Link { target: old }, KindView::Link { target: new })
        | (KindView::HardLink { target: old }, KindView::HardLink { target: new }) => {
            what.extend((old != new).then_some(Aspect::Target));
        }
        (old, new) if std::mem::discriminant(old) != std::mem::discriminant(new) => what.push(Aspect::Kind),
        _ => {}
    }
    what.extend((old.mode != new.mode).then_some(Aspect::Mode));
    what.extend(((&old.owner, &old.group) != (&new.owner, &new.group)).then_some(Aspect::Owner));
    what.extend((old.role != new.role).then_some(Aspect::Role));
    let files = || Changed { old: File::from(old), new: File::from(new) };
    (!what.is_empty()).then(|| FileChange { path: old.path.clone(), what, files: files() })
}

fn relations(old: &PackageView, new: &PackageView) -> BTreeMap<RelationKind, RelationChange> {
    let kinds: BTreeSet<RelationKind> = old.relations.keys().chain(new.relations.keys()).copied().collect();
    let only = |one: &[String], other: &[String]| -> Vec<String> {
        one.iter().filter(|relation| !other.contains(relation)).cloned().collect()
    };
    let change = |kind| {
        let (old, new) = (old.relations(kind), new.relations(kind));
        (kind, RelationChange { added: only(new, old), removed: only(old, new) })
    };
    kinds.into_iter().map(change).filter(|(_, change)| *change != RelationChange::default()).collect()
}

/// Several triggers can stand at one place, so each place is compared as a whole.
fn scripts(old: &PackageView, new: &PackageView) -> BTreeMap<String, ScriptChange> {
    type Places<'a> = BTreeMap<&'a str, Vec<(&'a str, &'a str)>>;
    fn places(view: &PackageView) -> Places<'_> {
        let mut places = Places::new();
        for script in &view.scripts {
            places.entry(&script.place).or_default().push((&script.interpreter, &script.text));
        }
        places
    }
    let (old, new) = (places(old), places(new));
    let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let change = |place: &str| match (old.get(place), new.get(place)) {
        (None, _) => Some(ScriptChange::Added),
        (_, None) => Some(ScriptChange::Removed),
        (old, new) => (old != new).then_some(ScriptChange::Changed),
    };
    names.into_iter().filter_map(|place| Some((place.to_owned(), change(place)?))).collect()
}
