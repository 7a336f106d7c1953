//! One repo of a search, asked by several threads at once.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use dam_oci::registry::{Registry, RegistryFault};

use super::names::{Asking, Name};
use super::versions::NewestFirst;
use super::{Missed, Note, Query, Versions};
use crate::app::Version;
use crate::repo::{Registries, Repo};
use crate::{Error, Result};

/// How many names of one repo may fail before the others are not asked for: each may take as long as the time limit.
const PATIENCE: usize = 8;

/// One repo, and what came of it.
pub(super) struct Source<'a> {
    registries: &'a Registries,
    repo: &'a Repo,
    query: &'a Query,
    /// Set when the names are asked for, which comes before all else.
    registry: OnceLock<Registry>,
    notes: Mutex<Vec<Note>>,
    trouble: Mutex<Trouble>,
}

/// What went wrong.
#[derive(Default)]
struct Trouble {
    first: Option<Error>,
    /// How often a name failed that was asked for.
    failed: usize,
    /// How many names have no versions for that.
    names: usize,
    /// Whether nothing more is asked for.
    given_up: bool,
}

impl<'a> Source<'a> {
    pub(super) fn new(registries: &'a Registries, repo: &'a Repo, query: &'a Query) -> Self {
        let (registry, notes, trouble) = (OnceLock::new(), Mutex::default(), Mutex::default());
        Self { registries, repo, query, registry, notes, trouble }
    }

    /// Asks for the names; none where that fails.
    pub(super) fn names(&self) -> Vec<Name> {
        match self.ask_names() {
            Ok(names) => names,
            Err(error) => {
                self.trouble().first = Some(error);
                Vec::new()
            }
        }
    }

    fn ask_names(&self) -> Result<Vec<Name>> {
        let registry = self.registries.open(self.repo)?;
        let asking = Asking { registries: self.registries, repo: self.repo, registry: &registry, query: self.query };
        let found = asking.names()?;
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).extend(found.notes);
        self.registry.get_or_init(|| registry);
        Ok(found.names)
    }

    /// Asks for the versions of a name, newest first, with the number of those that are left out.
    pub(super) fn versions(&self, name: &Name) -> Option<(Vec<Version>, usize)> {
        let mut newest = match self.query.versions {
            Versions::None => return None,
            Versions::Newest(limit) => NewestFirst::new(Some(limit)),
            Versions::All => NewestFirst::new(None),
        };
        let registry = self.registry.get().expect("names come from a registry");
        if self.has_given_up() {
            return None;
        }
        let asked = registry.tags(name.reference.repository(), &mut |tag| {
            newest.offer(&tag);
            true
        });
        match asked {
            Ok(()) => Some(newest.versions()),
            // So do registries answer for a repository of which everything was deleted, and list it all the same.
            Err(fault) if matches!(fault.fault, RegistryFault::NotFound) => Some((Vec::new(), 0)),
            Err(fault) => {
                let mut trouble = self.trouble();
                trouble.names += 1;
                trouble.failed += 1;
                trouble.given_up |= is_of_the_registry(&fault.fault) || trouble.failed == PATIENCE;
                trouble.first.get_or_insert(dam_oci::Error::from(fault).into());
                None
            }
        }
    }

    /// Returns what there is to know, and what went wrong.
    pub(super) fn end(self) -> (Vec<Note>, Option<Missed>) {
        let notes = self.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Trouble { first, names, .. } = self.trouble.into_inner().unwrap_or_else(PoisonError::into_inner);
        (notes, first.map(|error| Missed { repo: self.repo.name.clone(), error, names }))
    }

    /// Tells whether nothing more is asked for, and counts one more name without versions if so.
    fn has_given_up(&self) -> bool {
        let mut trouble = self.trouble();
        trouble.names += usize::from(trouble.given_up);
        trouble.given_up
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells whether what went wrong with one name would go wrong with the next, after the same wait.
fn is_of_the_registry(fault: &RegistryFault) -> bool {
    match fault {
        RegistryFault::Unreachable(_)
        | RegistryFault::UnknownHost(_)
        | RegistryFault::UnknownAuthority(_)
        | RegistryFault::Tls(_)
        | RegistryFault::PlainHttp
        | RegistryFault::Silent(_)
        | RegistryFault::RateLimited { .. }
        | RegistryFault::Unusable { .. }
        | RegistryFault::Stopped => true,
        RegistryFault::LoginNeeded { .. }
        | RegistryFault::Forbidden
        | RegistryFault::NotFound
        | RegistryFault::Status { .. }
        | RegistryFault::Nonsense(_)
        | RegistryFault::TooLong(_)
        | RegistryFault::Lost(_)
        | RegistryFault::NoPlatform { .. }
        | RegistryFault::Altered(_) => false,
    }
}
