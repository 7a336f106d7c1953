//! From a list of names to releases: what is installed, what a registry has, what the store has.

use std::path::Path;

use dam_oci::Reference;

use crate::app::AppId;
use crate::event::{Event, Reporter, Warning};
use crate::host::Host;
use crate::ledger::{Installed, Repo, Source};
use crate::ops::Candidate;
use crate::plan::Brought;
use crate::product::{Entry, ProductList};
use crate::store::Store;
use crate::{Error, Result};

/// Docker Hub, of which nobody says that the apps of a list without a registry come from there.
const DOCKER_HUB: u32 = 1;

/// Finds each app of a list: the installed one of that version; else its repo has it, where it has one; else the store.
/// With `look_only` nothing is fetched.
///
/// # Errors
/// [`Error::Missing`] with all that cannot be found.
pub(super) fn from_list(
    host: &Host,
    path: &Path,
    list: ProductList,
    installed: &[Installed],
    look_only: bool,
    reporter: &dyn Reporter,
) -> Result<Vec<Brought>> {
    let default = host.ledger.repos()?.into_iter().find(|repo| repo.is_default && repo.id != DOCKER_HUB);
    let (mut brought, mut missing) = (Vec::new(), Vec::new());
    for entry in list.entries {
        host.cancel.check()?;
        if let Some(there) = installed.iter().find(|one| is_meant(&one.release.app.reference, &entry)) {
            let Installed { release, source, .. } = there.clone();
            brought.push(Brought { release, source, load: false, promised: false });
            continue;
        }
        let fetched = if look_only { None } else { fetch(&*host.store, default.as_ref(), &entry, reporter) };
        let found = match fetched {
            Some(found) => Some(found),
            None => in_store(&*host.store, &entry)?.map(|reference| (reference, Source::Store)),
        };
        let Some((reference, source)) = found else {
            missing.push((entry.line, entry.reference));
            continue;
        };
        let candidate = Candidate::from_store(&*host.store, &host.keep, &reference)?;
        candidate.warn_of_platform(reporter);
        brought.push(Brought { release: candidate.release, source, load: false, promised: false });
    }
    match missing.is_empty() {
        true => Ok(brought),
        false => Err(Error::Missing { list: path.to_owned(), apps: missing }),
    }
}

/// Tells whether an installed image is what a line means: a line without a registry means any.
fn is_meant(installed: &Reference, entry: &Entry) -> bool {
    match entry.reference.registry() {
        Some(_) => *installed == entry.reference,
        None => AppId::of(installed).as_ref() == Some(&entry.id),
    }
}

/// Fetches the app from its repo: the registry of the line, else the default one. A failure is a warning, for the store may
/// have it.
fn fetch(
    store: &dyn Store,
    default: Option<&Repo>,
    entry: &Entry,
    reporter: &dyn Reporter,
) -> Option<(Reference, Source)> {
    let reference = match (entry.reference.registry(), default) {
        (Some(_), _) => entry.reference.clone(),
        (None, Some(repo)) => entry.reference.at_registry(Some(&repo.server)).ok()?,
        (None, None) => return None,
    };
    match store.pull(&reference, reporter) {
        Ok(_) => {
            let name = reference.registry().unwrap_or_default().to_owned();
            Some((reference, Source::Registry { name }))
        }
        Err(error) => {
            let what = format!("{reference} does not come from its registry, so the store is asked: {error}");
            reporter.event(Event::Warning(Warning::Leftover { what: &what }));
            None
        }
    }
}

/// Finds the image of a line in the store: by its very name, else the only one with that repository and tag, whatever its
/// registry. A list of DAM 1.x names no registries.
pub fn in_store(store: &dyn Store, entry: &Entry) -> Result<Option<Reference>> {
    if store.holder(&entry.reference)?.is_some() {
        return Ok(Some(entry.reference.clone()));
    }
    if entry.reference.registry().is_some() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for image in store.list()? {
        found.extend(
            image.tags.into_iter().filter(|tag| AppId::of(tag).as_ref() == Some(&entry.id)).map(|tag| (image.id, tag)),
        );
    }
    found.sort();
    found.dedup_by_key(|(id, _)| *id);
    let [(_, only)] = &found[..] else { return Ok(None) };
    Ok(Some(only.clone()))
}
