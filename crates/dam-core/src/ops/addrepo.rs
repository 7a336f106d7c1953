//! `dam addrepo`: a registry gets a name.

use std::path::PathBuf;

use dam_oci::registry::{Secret, Server};
use serde::Serialize;

use crate::Result;
use crate::ledger::Ledger;
use crate::repo::{Repo, RepoName, pem, rules};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddRepo {
    /// Its name.
    pub name: RepoName,
    /// Where it is. It is not asked: it may be out of reach from here.
    pub server: Server,
    /// Whether names without a registry belong to it from now on.
    pub is_default: bool,
    /// The user.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// A file with the certificates of its authority.
    pub ca: Option<PathBuf>,
    /// A file with the client's certificate.
    pub client_cert: Option<PathBuf>,
    /// A file with the client's key.
    pub client_key: Option<PathBuf>,
    /// Whether plain http, and certificates that nobody signed, are accepted.
    pub insecure: bool,
    /// The registry it is a mirror of.
    pub mirror_of: Option<Server>,
}

/// What was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepoAdded {
    /// The repo, with its number.
    pub repo: Repo,
}

/// Adds a repo to the ledger.
///
/// # Errors
/// What the [rules](rules::add) refuse, and files that hold no certificate or key.
pub fn add(ledger: &mut Ledger, wish: AddRepo) -> Result<RepoAdded> {
    let chain = wish.client_cert.as_deref().map(pem::read_chain).transpose()?;
    let key = wish.client_key.as_deref().map(pem::read_key).transpose()?;
    let new = Repo {
        is_default: wish.is_default,
        username: wish.username,
        password: wish.password,
        ca: wish.ca.as_deref().map(pem::read_authority).transpose()?,
        client: rules::client_of(&wish.name, (chain, key))?,
        insecure: wish.insecure,
        mirror_of: wish.mirror_of,
        ..Repo::new(wish.name, wish.server)
    };
    let name = new.name.clone();
    let repos = ledger.change_repos(|repos| rules::add(repos, new))?;
    let repo = repos.into_iter().find(|repo| repo.name == name).expect("it was just added");
    Ok(RepoAdded { repo })
}
