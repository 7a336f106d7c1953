//! From a list of names to releases: what is installed, what the repos have, what the store has.

use std::collections::BTreeMap;
use std::path::Path;

use dam_oci::{Image, Reference};

use crate::Result;
use crate::app::AppId;
use crate::event::Reporter;
use crate::host::Host;
use crate::ledger::Installed;
use crate::ops::{Candidate, Search};
use crate::plan::Brought;
use crate::product::{Entry, ListFault, ProductList, Shelf};
use crate::repo::{Asked, Inquiry, Where};

/// The apps of a list, and the images of those that are not in the store, by their names.
pub(super) type Found = (Vec<Brought>, BTreeMap<Reference, Box<dyn Image>>);

/// Finds each app of a list: the installed one of that version; else its repo has it, where it has one; else the store; else
/// the registry of its name. What is in a registry is brought into the store, without a tag, but where one only looks.
///
/// # Errors
/// [`ListFault::Missing`] with all that cannot be found; [`crate::Error::Unfetched`] where a repo does not answer.
pub(super) fn from_list(
    host: &Host,
    path: &Path,
    list: ProductList,
    installed: &[Installed],
    inquiry: &Inquiry,
    reporter: &dyn Reporter,
) -> Result<Found> {
    let scratch = host.scratch()?;
    let search = Search { store: &*host.store, keep: &host.keep, scratch: scratch.path(), cancel: &host.cancel };
    let mut shelf = Shelf::new(&*host.store);
    let (mut brought, mut images, mut missing) = (Vec::new(), BTreeMap::new(), Vec::new());
    for entry in list.entries {
        host.cancel.check()?;
        if let Some(there) = installed.iter().find(|one| is_meant(&one.release.app.reference, &entry, inquiry)) {
            let Installed { release, source, .. } = there.clone();
            brought.push(Brought { release, source, load: false, promised: false });
            continue;
        }
        let found =
            match inquiry.with_local(inquiry.ask_first(&entry.reference, reporter), search.store, &entry.reference)? {
                Asked::Found(found) => Where::Registry(found),
                asked => match shelf.find_or_ask(&entry, &asked, inquiry, reporter)? {
                    Ok(found) => found,
                    Err(app) => {
                        missing.push(app);
                        continue;
                    }
                },
            };
        let candidate = match found {
            Where::Registry(found) => Candidate::from_registry(search, &found, inquiry.look_only, reporter)?,
            Where::Store(reference) => Candidate::from_store(search.store, search.keep, &reference)?,
        };
        candidate.warn_of_platform(reporter);
        let Candidate { release, source, image, .. } = candidate;
        brought.push(Brought { load: image.is_some(), release: release.clone(), source, promised: false });
        images.extend(image.map(|image| (release.app.reference, image)));
    }
    match missing.is_empty() {
        true => Ok((brought, images)),
        false => Err(ListFault::Missing { what: path.display().to_string(), apps: missing }.into()),
    }
}

/// Tells whether an installed image is what a line means: a line that names neither registry nor repo means any.
fn is_meant(installed: &Reference, entry: &Entry, inquiry: &Inquiry) -> bool {
    match inquiry.registries.meant(&entry.reference) {
        Ok(meant) if meant.named => *installed == meant.reference,
        _ => AppId::of(installed).as_ref() == Some(&entry.id),
    }
}
