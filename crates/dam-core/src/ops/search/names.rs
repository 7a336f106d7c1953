//! The names of a repo that go with what is looked for.

use std::collections::BTreeSet;

use dam_oci::Reference;
use dam_oci::registry::{Registry, RegistryError, RegistryFault};

use super::{Found, HUB_LIMIT, HubEntry, Note, Query, SearchFault};
use crate::Result;
use crate::repo::{Registries, Repo};

/// How many names of a registry are read. The largest registries have some 100,000; one that lists without end is to be told
/// from them before the memory is full.
const NAME_LIMIT: usize = 1_000_000;

/// The bounds of a word that Docker Hub searches for, in letters.
const HUB_WORD: std::ops::RangeInclusive<usize> = 2..=100;

/// A name that was found, before its versions are known.
pub(super) struct Name {
    /// What its registry knows it as.
    pub(super) reference: Reference,
    /// What will be shown.
    pub(super) found: Found,
}

/// The names of a repo, in order, and what there is to know of them.
#[derive(Default)]
pub(super) struct Names {
    pub(super) names: Vec<Name>,
    pub(super) notes: Vec<Note>,
}

/// Asks one repo for names.
pub(super) struct Asking<'a> {
    pub(super) registries: &'a Registries,
    pub(super) repo: &'a Repo,
    pub(super) registry: &'a Registry,
    pub(super) query: &'a Query,
}

impl Asking<'_> {
    /// Asks for the names that go with the mask.
    pub(super) fn names(&self) -> Result<Names> {
        match self.repo.server.is_docker_hub() {
            true => self.search(),
            false => self.catalog(),
        }
    }

    /// Asks Docker Hub.
    fn search(&self) -> Result<Names> {
        let word = hub_word(self.query)?;
        let limit = self.query.limit;
        let hits = self.registry.search(word, limit.unwrap_or(HUB_LIMIT)).map_err(dam_oci::Error::from)?;
        let notes = Note::best(&self.repo.name, limit, hits.len()).into_iter().collect();
        let mut names = Vec::new();
        for hit in hits {
            let hub = HubEntry { description: hit.description, stars: hit.stars, official: hit.official };
            names.extend(self.name(&hit.name, Some(hub)));
        }
        names.sort_by_cached_key(|name| name.reference.repository().to_owned());
        names.dedup_by(|a, b| a.reference == b.reference);
        Ok(Names { names, notes })
    }

    /// Asks a registry for all its names, and keeps what goes with the mask.
    fn catalog(&self) -> Result<Names> {
        let mut catalog = Catalog::new(self.query.limit);
        let repo = self.repo.name.as_str();
        let fits = |name: &str| self.query.mask.as_ref().is_none_or(|mask| mask.fits(repo, name));
        let asked = self.registry.catalog(&mut |listed| {
            let name = self.below_path(&listed);
            catalog.offer(name, fits(name));
            catalog.read <= NAME_LIMIT
        });
        match asked {
            Err(fault) if has_no_catalog(&fault.fault) => return self.that_name(fault),
            other => other.map_err(dam_oci::Error::from)?,
        }
        if catalog.read > NAME_LIMIT {
            return Err(SearchFault::Endless { repo: self.repo.name.clone(), limit: NAME_LIMIT }.into());
        }
        let names = catalog.kept.iter().filter_map(|name| self.name(name, None)).collect();
        let limited = || Note::Limited { repo: self.repo.name.clone(), more: catalog.dropped };
        Ok(Names { names, notes: (catalog.dropped > 0).then(limited).into_iter().collect() })
    }

    /// Looks for a repository of the very name that the mask is, where a registry does not list what it has: GitLab lists
    /// nothing, Harbor not to its robots. `fault` is what the registry said when it was asked for the list.
    fn that_name(&self, fault: RegistryError) -> Result<Names> {
        let no_catalog = |fault| {
            let repo = self.repo.name.clone();
            SearchFault::NoCatalog { repo, source: Box::new(fault) }.into()
        };
        let mask = self.query.mask.as_ref();
        let Some(name) = mask.and_then(|mask| self.name(mask.as_name(self.repo.name.as_str()), None)) else {
            // Whoever is not known yet is to log in first: then there may be a list.
            return Err(match fault.fault {
                RegistryFault::LoginNeeded { shown: false } => dam_oci::Error::from(fault).into(),
                _ => no_catalog(fault),
            });
        };
        let mut found = false;
        let asked = self.registry.tags(name.reference.repository(), &mut |_| {
            found = true;
            false
        });
        match asked {
            Ok(()) if found => {
                let shown = name.found.name.clone();
                let notes = vec![Note::OnlyThatName { repo: self.repo.name.clone(), name: shown }];
                Ok(Names { names: vec![name], notes })
            }
            Ok(()) => Err(no_catalog(fault)),
            Err(_) if matches!(fault.fault, RegistryFault::LoginNeeded { .. }) => {
                Err(dam_oci::Error::from(fault).into())
            }
            Err(_) => Err(no_catalog(fault)),
        }
    }

    /// Returns the name of a repository as it stands behind that of the repo.
    fn below_path<'n>(&self, listed: &'n str) -> &'n str {
        listed.strip_prefix(self.repo.server.path()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(listed)
    }

    /// Makes what is shown of a repository; none if no image can have that name.
    fn name(&self, name: &str, hub: Option<HubEntry>) -> Option<Name> {
        let reference = self.repo.server.reference(name, None).ok().filter(|reference| reference.tag().is_none())?;
        let shown = self.registries.spell(self.repo, name).ok()?;
        let found = Found { repo: self.repo.name.clone(), name: shown, versions: None, more: 0, hub };
        Some(Name { reference, found })
    }
}

/// Returns the word to ask Docker Hub for.
pub(super) fn hub_word(query: &Query) -> Result<&str, SearchFault> {
    let word = query.mask.as_ref().ok_or(SearchFault::HubNeedsWord)?.as_str();
    match HUB_WORD.contains(&word.len()) {
        true => Ok(word),
        false => Err(SearchFault::HubWord(word.to_owned())),
    }
}

/// Tells whether a registry says that it lists nothing, or not to us.
fn has_no_catalog(fault: &RegistryFault) -> bool {
    match fault {
        RegistryFault::LoginNeeded { .. } | RegistryFault::Forbidden | RegistryFault::NotFound => true,
        // Method not allowed, and not implemented.
        RegistryFault::Status { status, .. } => matches!(status, 405 | 501),
        _ => false,
    }
}

/// Names that come one by one: those that go with the mask are kept, in order; of too many the first.
struct Catalog {
    limit: usize,
    kept: BTreeSet<String>,
    dropped: usize,
    read: usize,
}

impl Catalog {
    fn new(limit: Option<usize>) -> Self {
        Self { limit: limit.unwrap_or(usize::MAX), kept: BTreeSet::new(), dropped: 0, read: 0 }
    }

    fn offer(&mut self, name: &str, fits: bool) {
        self.read += 1;
        if fits && self.kept.insert(name.to_owned()) && self.kept.len() > self.limit {
            self.kept.pop_last();
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Catalog;

    #[test]
    fn the_first_names_are_kept_in_order_and_once() {
        let mut catalog = Catalog::new(Some(2));
        for (name, fits) in [("shop", true), ("a-b", true), ("b", false), ("a/b", true), ("a-b", true)] {
            catalog.offer(name, fits);
        }
        assert_eq!((Vec::from_iter(catalog.kept), catalog.dropped), (vec!["a-b".to_owned(), "a/b".to_owned()], 1));
    }
}
