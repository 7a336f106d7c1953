//! The way from a repo to its registry.

use dam_oci::Reference;
use dam_oci::registry::{Access, Credentials, Network, Registry, Server, TimeLimits};

use super::{DOCKER_HUB, Repo};
use crate::Result;

/// Finds out who asks: Docker's logins, beside those of the repos.
pub trait Logins: Send + Sync {
    /// Returns what is known for a registry, by its host; Docker Hub is `docker.io`. `path` is what stands behind the host
    /// as far as it is known, for some logins are those of a part of a registry: of a repository, or of the repo's path.
    ///
    /// # Errors
    /// Where a credential helper fails, or Docker's settings cannot be read.
    fn find(&self, host: &str, path: &str) -> Result<Option<Credentials>>;
}

/// The repos of this machine, and what it takes to reach their registries.
pub struct Registries {
    repos: Vec<Repo>,
    logins: Box<dyn Logins>,
    network: Network,
    /// URL of what stands in for Docker Hub, if anything does.
    hub: Option<String>,
    offline: bool,
}

impl Registries {
    /// Joins them. `repos` are those of the ledger; Docker Hub is added if it is not among them.
    pub fn new(mut repos: Vec<Repo>, logins: Box<dyn Logins>, network: Network) -> Self {
        if !repos.iter().any(|repo| repo.id == DOCKER_HUB) {
            let is_default = !repos.iter().any(|repo| repo.is_default);
            repos.insert(0, Repo { is_default, ..Repo::docker_hub() });
        }
        Self { repos, logins, network, hub: None, offline: false }
    }

    /// Puts the API at a URL in the place of Docker Hub's.
    pub fn with_hub(self, url: Option<String>) -> Self {
        Self { hub: url, ..self }
    }

    /// Waits for registries no longer than that.
    pub fn with_limits(mut self, limits: TimeLimits) -> Self {
        self.network.limits = limits;
        self
    }

    /// Tells whether something stands in for Docker Hub.
    pub(super) fn has_hub(&self) -> bool {
        self.hub.is_some()
    }

    /// Asks no registry for anything.
    pub fn offline(self, offline: bool) -> Self {
        Self { offline, ..self }
    }

    /// Tells whether no registry is to be asked.
    pub fn is_offline(&self) -> bool {
        self.offline
    }

    /// Returns the repos, by number.
    pub fn repos(&self) -> &[Repo] {
        &self.repos
    }

    /// Returns the repo of names without one.
    pub fn default_repo(&self) -> &Repo {
        self.repos.iter().find(|repo| repo.is_default).unwrap_or(&self.repos[0])
    }

    /// Returns the repo that an image belongs to, by its name: that of the longest path, for one may be below another. Of
    /// several at one place it is the default, else the oldest.
    pub fn repo_of(&self, reference: &Reference) -> Option<&Repo> {
        let holds = self.repos.iter().rev().filter(|repo| repo.server.holds(reference));
        holds.max_by_key(|repo| (repo.server.path().len(), repo.is_default))
    }

    /// Gets ready to speak to a repo's registry.
    ///
    /// # Errors
    /// Where its certificates cannot be used, and those of [`Logins::find`].
    pub fn open(&self, repo: &Repo) -> Result<Registry> {
        let access = Access {
            server: repo.server.clone(),
            credentials: self.credentials(repo)?,
            ca: repo.ca.clone(),
            client: repo.client.clone(),
            api: self.hub.clone().filter(|_| repo.server.is_docker_hub()),
            insecure: repo.insecure,
        };
        Ok(Registry::open(access, &self.network).map_err(dam_oci::Error::from)?)
    }

    /// Gets ready to speak to the registry of an image: that of its repo, or of its name.
    ///
    /// # Errors
    /// Those of [`Registries::open`].
    pub fn open_for(&self, reference: &Reference) -> Result<Registry> {
        if let Some(repo) = self.repo_of(reference) {
            return self.open(repo);
        }
        let server = Server::of(reference);
        let credentials = self.credentials_for(reference)?;
        let access = Access { credentials, ..Access::anonymous(server) };
        Ok(Registry::open(access, &self.network).map_err(dam_oci::Error::from)?)
    }

    /// Gets ready to speak to a server: as its repo is spoken to, where it is one or below one.
    ///
    /// # Errors
    /// Those of [`Registries::open`].
    pub fn open_at(&self, server: &Server) -> Result<Registry> {
        let holds = |repo: &&Repo| repo.server.host() == server.host() && is_below(server.path(), repo.server.path());
        let repo = self.repos.iter().filter(holds).max_by_key(|repo| repo.server.path().len());
        if let Some(repo) = repo.filter(|repo| server.scheme().is_none() || server.scheme() == repo.server.scheme()) {
            return self.open(repo);
        }
        let credentials = self.logins.find(server.host(), server.path())?;
        let api = self.hub.clone().filter(|_| server.is_docker_hub());
        let access = Access { credentials, api, ..Access::anonymous(server.clone()) };
        Ok(Registry::open(access, &self.network).map_err(dam_oci::Error::from)?)
    }

    /// Returns the repos that mirror the registry of an image, by number.
    pub fn mirrors_of(&self, reference: &Reference) -> Vec<&Repo> {
        let mirrors = |repo: &&Repo| repo.mirror_of.as_ref().is_some_and(|origin| origin.holds(reference));
        self.repos.iter().filter(mirrors).collect()
    }

    /// Returns who asks a registry that is no repo: Docker's own logins.
    ///
    /// # Errors
    /// Those of [`Logins::find`].
    pub fn credentials_for(&self, reference: &Reference) -> Result<Option<Credentials>> {
        self.logins.find(Server::of(reference).host(), reference.repository())
    }

    /// Returns who asks a repo: Docker's own logins first, else what the ledger keeps.
    ///
    /// # Errors
    /// Those of [`Logins::find`].
    pub fn credentials(&self, repo: &Repo) -> Result<Option<Credentials>> {
        let kept = repo.username.clone().zip(repo.password.clone());
        let kept = kept.map(|(username, password)| Credentials::Password { username, password });
        match self.logins.find(repo.server.host(), repo.server.path()) {
            Ok(Some(found)) => Ok(Some(found)),
            // A helper that is broken says nothing against what dam knows itself.
            Err(_) if kept.is_some() => Ok(kept),
            Ok(None) => Ok(kept),
            Err(error) => Err(error),
        }
    }
}

/// Tells whether a path is another one or below it.
fn is_below(path: &str, above: &str) -> bool {
    above.is_empty() || path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
