//! Registries: the OCI distribution API, as a client.
//!
//! A [`Registry`] is one server with one way to speak to it. [`Registry::image`] gives an [`crate::Image`] whose blobs are
//! fetched when they are opened. Source: <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md>.

mod access;
mod fault;
mod secret;
mod server;

pub use access::{Access, ClientCertificate, Credentials, Network, Proxies, TimeLimits};
pub use fault::{RegistryError, RegistryFault};
pub use secret::Secret;
pub use server::{ParseServerError, Scheme, Server};

use std::sync::Arc;

use crate::{Descriptor, Digest, Image, Manifest, Platform, Reference};

/// Result of asking a registry.
pub type Result<T, E = RegistryError> = std::result::Result<T, E>;

/// A registry. Clones share their connections and tokens, and may be used by several threads at once.
#[derive(Debug, Clone)]
pub struct Registry {
    access: Arc<Access>,
}

impl Registry {
    /// Gets ready to speak to a server; no connection is made yet.
    ///
    /// # Errors
    /// [`RegistryFault::Unusable`] where certificates, keys or proxies cannot be read.
    pub fn open(access: Access, _network: &Network) -> Result<Self> {
        Ok(Self { access: Arc::new(access) })
    }

    /// Returns where it is.
    pub fn server(&self) -> &Server {
        &self.access.server
    }

    /// Asks whether a registry is there that knows us.
    pub fn check(&self) -> Result<()> {
        Err(self.unfinished("be asked"))
    }

    /// Hands the names of all repositories to `each`, as they arrive, until it returns false. Below the server's path only;
    /// Docker Hub has no catalog.
    pub fn catalog(&self, _each: &mut dyn FnMut(String) -> bool) -> Result<()> {
        Err(self.unfinished("list the repositories"))
    }

    /// Hands the tags of a repository to `each`, as they arrive, until it returns false. `repository` is what
    /// [`Reference::repository`] says; Docker Hub's `library/` is added here.
    pub fn tags(&self, _repository: &str, _each: &mut dyn FnMut(String) -> bool) -> Result<()> {
        Err(self.unfinished("list the tags"))
    }

    /// Returns what a tag or digest stands for: the descriptor of a manifest or an index; `None` if there is none.
    pub fn find(&self, _reference: &Reference) -> Result<Option<Descriptor>> {
        Err(self.unfinished("find the image"))
    }

    /// Opens an image by tag or digest: of several platforms, the given one. Its manifest is fetched, its blobs are not.
    pub fn image(&self, _reference: &Reference, _platform: &Platform) -> Result<RegistryImage> {
        Err(self.unfinished("give the image"))
    }

    /// Asks Docker Hub which public repositories go with `term`, best first; at most `limit`, over as many pages as it takes.
    /// Other registries have no such search.
    ///
    /// `GET /v1/search?q=&n=&page=`, as `docker search` does: <https://docs.docker.com/reference/cli/docker/search/>.
    pub fn search(&self, _term: &str, _limit: usize) -> Result<Vec<Hit>> {
        Err(self.unfinished("search"))
    }

    /// Puts an image under a reference: blobs that are there are not sent, and those of `siblings`, other repositories of
    /// this registry, are mounted. What the registry keeps is compared with what was sent.
    pub fn push(
        &self,
        _image: &dyn Image,
        _reference: &Reference,
        _siblings: &[String],
        _on_bytes: &(dyn Fn(u64) + Sync),
    ) -> crate::Result<Pushed> {
        Err(self.unfinished("give the image").into())
    }

    fn unfinished(&self, asked: &str) -> RegistryError {
        let fault = RegistryFault::Nonsense("not written yet".to_owned());
        RegistryError { server: self.server().to_string(), asked: asked.to_owned(), fault }
    }
}

/// An image of a registry: the manifest is here, blobs come when they are asked for.
#[derive(Debug, Clone)]
pub struct RegistryImage {
    /// What the tag stands for: the manifest, or the index it was chosen from.
    pub found: Descriptor,
    /// The manifest.
    pub descriptor: Descriptor,
    bytes: Vec<u8>,
    manifest: Manifest,
}

impl Image for RegistryImage {
    fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open_unverified(&self, blob: &Descriptor) -> crate::Result<Box<dyn std::io::Read + Send + '_>> {
        Err(crate::Error::MissingBlob { digest: blob.digest })
    }
}

/// A repository that a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its name, without `library/`.
    pub name: String,
    /// What its owner says of it, on one line; may be empty.
    pub description: String,
    /// How many users like it.
    pub stars: u64,
    /// Whether Docker itself looks after it.
    pub official: bool,
}

/// What a push came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The manifest, as the registry keeps it.
    pub digest: Digest,
    /// Bytes that were sent.
    pub sent: u64,
    /// Blobs that were sent, mounted, and there already.
    pub blobs: [usize; 3],
}
