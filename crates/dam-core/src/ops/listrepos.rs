//! `dam listrepos`: which registries there are, and whether they answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::Result;
use crate::repo::{Registries, Repo};

/// Most registries that are asked at once.
const AT_ONCE: usize = 32;

/// Asks each repo whether a registry is there that knows us, many at once, and returns the answers in the order of the
/// repos.
pub fn check(registries: &Registries, repos: &[&Repo]) -> Vec<Result<()>> {
    let (next, answers) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(repos.len())));
    std::thread::scope(|scope| {
        for _ in 0..repos.len().min(AT_ONCE) {
            scope.spawn(|| {
                while let Some((at, repo)) = take(&next, repos) {
                    let answer = registries
                        .open(repo)
                        .and_then(|registry| Ok(registry.check().map_err(dam_oci::Error::from)?));
                    answers.lock().unwrap_or_else(PoisonError::into_inner).push((at, answer));
                }
            });
        }
    });
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Takes the next repo that nobody asks yet.
fn take<'a>(next: &AtomicUsize, repos: &'a [&'a Repo]) -> Option<(usize, &'a Repo)> {
    let at = next.fetch_add(1, Ordering::SeqCst);
    repos.get(at).map(|repo| (at, *repo))
}
