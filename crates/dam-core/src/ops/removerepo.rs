//! `dam removerepo`: a registry is forgotten.

use serde::Serialize;

use super::modifyrepo::new_default;
use crate::Result;
use crate::ledger::Ledger;
use crate::repo::rules;
use crate::repo::{Repo, RepoId, RepoName};

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepoRemoved {
    /// The repo as it was.
    pub repo: Repo,
    /// The default, where it was this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_default: Option<RepoName>,
}

/// Removes a repo from the ledger, with its password and certificates. What was installed from it stays installed, and is
/// still listed under the name that the repo had then.
///
/// # Errors
/// What the [rules](rules::remove) refuse.
pub fn remove(ledger: &mut Ledger, wanted: &RepoId, force: bool) -> Result<RepoRemoved> {
    let mut before = Vec::new();
    let after = ledger.change_repos(|repos| {
        before = repos.to_vec();
        rules::remove(repos, wanted, force)
    })?;
    let repo = rules::find(&before, wanted)?.clone();
    Ok(RepoRemoved { repo, new_default: new_default(&before, &after) })
}
