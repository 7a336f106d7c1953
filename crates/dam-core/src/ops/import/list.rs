//! From a list of names to releases: what is installed, what a registry has, what the store has.

use std::path::Path;

use dam_oci::Reference;

use crate::Result;
use crate::app::AppId;
use crate::event::{Event, Reporter, Warning};
use crate::host::Host;
use crate::ledger::{Installed, Source};
use crate::ops::Candidate;
use crate::plan::Brought;
use crate::product::{Entry, ListFault, ProductList, Shelf};
use crate::repo::{DOCKER_HUB, Repo};
use crate::store::Store;

/// Finds each app of a list: the installed one of that version; else its repo has it, where it has one; else the store.
/// With `look_only` nothing is fetched.
///
/// # Errors
/// [`ListFault::Missing`] with all that cannot be found.
pub(super) fn from_list(
    host: &Host,
    path: &Path,
    list: ProductList,
    installed: &[Installed],
    look_only: bool,
    reporter: &dyn Reporter,
) -> Result<Vec<Brought>> {
    // Of Docker Hub nobody says that the apps of a list without a registry come from there.
    let default = host.ledger.repos()?.into_iter().find(|repo| repo.is_default && repo.id != DOCKER_HUB);
    let mut shelf = Shelf::new(&*host.store);
    let (mut brought, mut missing) = (Vec::new(), Vec::new());
    for entry in list.entries {
        host.cancel.check()?;
        if let Some(there) = installed.iter().find(|one| is_meant(&one.release.app.reference, &entry)) {
            let Installed { release, source, .. } = there.clone();
            brought.push(Brought { release, source, load: false, promised: false });
            continue;
        }
        let fetched = if look_only { None } else { fetch(&*host.store, default.as_ref(), &entry, reporter) };
        let (reference, source) = match fetched {
            Some(found) => found,
            None => match shelf.find(&entry)? {
                Ok((reference, _)) => (reference, Source::Store),
                Err(app) => {
                    missing.push(app);
                    continue;
                }
            },
        };
        let candidate = Candidate::from_store(&*host.store, &host.keep, &reference)?;
        candidate.warn_of_platform(reporter);
        brought.push(Brought { release: candidate.release, source, load: false, promised: false });
    }
    match missing.is_empty() {
        true => Ok(brought),
        false => Err(ListFault::Missing { what: path.display().to_string(), apps: missing }.into()),
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
        (None, Some(repo)) => repo.server.reference(entry.reference.repository(), entry.reference.tag()).ok()?,
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
