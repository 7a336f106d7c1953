//! Registries: the OCI distribution API, as a client.
//!
//! A [`Registry`] is one server with one way to speak to it. [`Registry::image`] gives an [`crate::Image`] whose blobs are
//! fetched when they are opened. Source: <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md>.

mod access;
mod fault;
mod secret;
mod server;

mod api;
mod ask;
mod auth;
mod bypass;
mod challenge;
mod connector;
mod http;
mod link;
mod tls;
mod verdict;

mod ahead;
mod blob;
mod download;
mod image;
mod list;
mod manifest;
mod push;
mod search;
mod send;
mod upload;

pub use access::{Access, ClientCertificate, Credentials, Network, Proxies, TimeLimits};
pub use download::{Download, DownloadError, Downloaded, Step, download};
pub use fault::{RegistryError, RegistryFault};
pub use image::RegistryImage;
pub use push::Pushed;
pub use search::Hit;
pub use secret::Secret;
pub use server::{ParseServerError, Scheme, Server};

use std::sync::Arc;

use ask::{Client, Told};

use crate::{Descriptor, Platform, Reference};

/// Result of asking a registry.
pub type Result<T, E = RegistryError> = std::result::Result<T, E>;

/// A registry. Clones share their connections and tokens, and may be used by several threads at once.
#[derive(Debug, Clone)]
pub struct Registry {
    client: Arc<Client>,
}

impl Registry {
    /// Gets ready to speak to a server; no connection is made yet.
    ///
    /// # Errors
    /// [`RegistryFault::Unusable`] where certificates, keys or proxies cannot be read.
    pub fn open(access: Access, network: &Network) -> Result<Self> {
        let server = access.server.to_string();
        match Client::build(access, network) {
            Ok(client) => Ok(Self { client: Arc::new(client) }),
            Err(fault) => Err(RegistryError { server, asked: "be spoken to".to_owned(), fault }),
        }
    }

    /// Returns where it is.
    pub fn server(&self) -> &Server {
        &self.client.access.server
    }

    /// Asks whether a registry is there that knows us.
    ///
    /// # Errors
    /// [`RegistryFault::NotFound`] where the server is no registry, [`RegistryFault::LoginNeeded`] where it does not know us.
    pub fn check(&self) -> Result<()> {
        self.told("be asked", || self.client.check())
    }

    /// Hands the names of all repositories to `each`, as they arrive, until it returns false. Below the server's path only;
    /// each name is what [`Reference::repository`] says, and what breaks its grammar is left out.
    ///
    /// # Errors
    /// Docker Hub has no catalog: [`RegistryFault::NotFound`].
    pub fn catalog(&self, each: &mut dyn FnMut(String) -> bool) -> Result<()> {
        self.told("list the repositories", || self.client.catalog(each))
    }

    /// Hands the tags of a repository to `each`, as they arrive, until it returns false. `repository` is what
    /// [`Reference::repository`] says; Docker Hub's `library/` is added here. What breaks the grammar of tags is left out.
    pub fn tags(&self, repository: &str, each: &mut dyn FnMut(String) -> bool) -> Result<()> {
        self.told(&format!("list the tags of `{repository}`"), || self.client.tags(repository, each))
    }

    /// Returns what a tag (without, `latest`) or digest stands for: the descriptor of a manifest or an index; `None` if there
    /// is none.
    pub fn find(&self, reference: &Reference) -> Result<Option<Descriptor>> {
        let asked = format!("look for `{reference}`");
        self.told(&asked, || self.client.describe(reference.repository(), &manifest_name(reference)))
    }

    /// Opens an image by tag (without, `latest`) or digest: of several platforms, the given one. Its manifest is fetched, its
    /// blobs are not.
    ///
    /// # Errors
    /// [`RegistryFault::NotFound`] where there is no such image, [`RegistryFault::NoPlatform`] where it is for others.
    pub fn image(&self, reference: &Reference, platform: &Platform) -> Result<RegistryImage> {
        let asked = format!("give `{reference}`");
        let name = manifest_name(reference);
        self.told(&asked, || RegistryImage::fetch(&self.client, reference.repository(), &name, platform))
    }

    /// Asks Docker Hub which public repositories go with `term`, best first; at most `limit`, over as many pages as it takes.
    /// Other registries have no such search.
    ///
    /// `GET /v1/search?q=&n=&page=`, as `docker search` does: <https://docs.docker.com/reference/cli/docker/search/>.
    pub fn search(&self, term: &str, limit: usize) -> Result<Vec<Hit>> {
        self.told(&format!("search for `{term}`"), || self.client.search(term, limit))
    }

    /// Says what was asked, and of whom, where that failed.
    fn told<T>(&self, asked: &str, ask: impl FnOnce() -> Told<T>) -> Result<T> {
        ask().map_err(|fault| RegistryError { server: self.server().to_string(), asked: asked.to_owned(), fault })
    }
}

/// Returns the last part of a manifest's address.
fn manifest_name(reference: &Reference) -> String {
    match reference.digest() {
        Some(digest) => digest.to_string(),
        None => reference.tag().unwrap_or("latest").to_owned(),
    }
}
