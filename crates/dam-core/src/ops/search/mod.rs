//! `dam search`: what registries have.
//!
//! Docker Hub is asked by its search, other registries by their catalog; of every name the tags are asked for. That is a
//! request for each, so many are open at a time; what is found is handed out in order all the same, as it arrives.

mod found;
mod names;
mod ordered;
mod query;
mod repo;
mod versions;

use crate::repo::{Registries, Repo};
use crate::{Cancel, Result};

pub use found::{Found, HubEntry, Missed, Note, Outcome, SearchFault};
pub use query::{HUB_LIMIT, Mask, Query, Versions};

use repo::Source;

/// Looks for repositories in `repos`, and hands what is found to `each`, until it returns false: in the order of the repos,
/// and of a repo by name. At most 32 requests are open at a time. When `each` has enough, `cancel` ends what is still open;
/// it is the wish to stop that `registries` was made with.
///
/// A repo that fails does not fail the search: [`Outcome::faults`] tells of it.
///
/// # Errors
/// Where Docker Hub alone is asked, and takes no such question.
pub fn search(
    registries: &Registries,
    repos: &[&Repo],
    query: &Query,
    cancel: &Cancel,
    mut each: impl FnMut(Found) -> bool,
) -> Result<Outcome> {
    let hub_alone = repos.iter().all(|repo| repo.server.is_docker_hub());
    let mut sources = Vec::new();
    let mut outcome = Outcome::default();
    for repo in repos.iter().copied() {
        match names::hub_word(query) {
            Err(fault) if repo.server.is_docker_hub() && hub_alone => return Err(fault.into()),
            Err(reason) if repo.server.is_docker_hub() => {
                outcome.notes.push(Note::NotAsked { repo: repo.name.clone(), reason: Box::new(reason) });
            }
            _ => sources.push(Source::new(registries, repo, query)),
        }
    }
    ordered::ordered(
        sources.len(),
        |number| sources[number].names(),
        |number, name| sources[number].versions(name),
        |_, name, versions| {
            outcome.found += 1;
            let mut found = name.found;
            if let Some((newest, more)) = versions {
                (found.versions, found.more) = (Some(newest), more);
            }
            let wanted = each(found);
            if !wanted {
                cancel.flag().store(true, std::sync::atomic::Ordering::SeqCst);
            }
            wanted
        },
    );
    for source in sources {
        let (notes, missed) = source.end();
        outcome.notes.extend(notes);
        outcome.faults.extend(missed);
    }
    Ok(outcome)
}
