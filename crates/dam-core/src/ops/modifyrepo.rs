//! `dam modifyrepo`: what is known of a registry changes.

use std::path::PathBuf;

use dam_oci::registry::{Secret, Server};
use serde::Serialize;

use crate::Result;
use crate::ledger::Ledger;
use crate::repo::rules::{self, RepoChanges};
use crate::repo::{Repo, RepoId, RepoName, pem};

/// What is asked for; `None` stays as it is, and `Some(None)` is taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModifyRepo {
    /// Which repo.
    pub repo: RepoId,
    /// Its name.
    pub name: Option<RepoName>,
    /// Where it is.
    pub server: Option<Server>,
    /// Whether it is the default.
    pub is_default: Option<bool>,
    /// The user.
    pub username: Option<Option<String>>,
    /// The password.
    pub password: Option<Option<Secret>>,
    /// A file with the certificates of its authority.
    pub ca: Option<Option<PathBuf>>,
    /// A file with the client's certificate.
    pub client_cert: Option<Option<PathBuf>>,
    /// A file with the client's key.
    pub client_key: Option<Option<PathBuf>>,
    /// Whether plain http, and certificates that nobody signed, are accepted.
    pub insecure: Option<bool>,
    /// The registry it is a mirror of.
    pub mirror_of: Option<Option<Server>>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepoModified {
    /// The repo as it is now.
    pub repo: Repo,
    /// Whether that is different from before.
    pub changed: bool,
    /// The default, where it is another one than before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_default: Option<RepoName>,
}

/// Changes a repo of the ledger.
///
/// # Errors
/// What the [rules](rules::modify) refuse, and files that hold no certificate or key.
pub fn modify(ledger: &mut Ledger, wish: ModifyRepo) -> Result<RepoModified> {
    let changes = RepoChanges {
        ca: read(wish.ca, |path| pem::read_authority(path))?,
        client_cert: read(wish.client_cert, |path| pem::read_chain(path))?,
        client_key: read(wish.client_key, |path| pem::read_key(path))?,
        name: wish.name,
        server: wish.server,
        is_default: wish.is_default,
        username: wish.username,
        password: wish.password,
        insecure: wish.insecure,
        mirror_of: wish.mirror_of,
    };
    let mut before = Vec::new();
    let after = ledger.change_repos(|repos| {
        before = repos.to_vec();
        rules::modify(repos, &wish.repo, changes)
    })?;
    let old = rules::find(&before, &wish.repo)?;
    let repo = after.iter().find(|repo| repo.id == old.id).expect("it is still there").clone();
    let changed = repo != *old;
    Ok(RepoModified { repo, changed, new_default: new_default(&before, &after) })
}

/// Returns the default, where it is another one than before.
pub(super) fn new_default(before: &[Repo], after: &[Repo]) -> Option<RepoName> {
    let default = |repos: &[Repo]| repos.iter().find(|repo| repo.is_default).map(|repo| (repo.id, repo.name.clone()));
    let (before, after) = (default(before), default(after)?);
    (before.map(|(id, _)| id) != Some(after.0)).then_some(after.1)
}

/// Reads the file of a change that names one.
fn read<T>(change: Option<Option<PathBuf>>, read: impl Fn(&PathBuf) -> Result<T>) -> Result<Option<Option<T>>> {
    change.map(|file| file.as_ref().map(read).transpose()).transpose()
}
