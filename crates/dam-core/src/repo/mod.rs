//! Repos: registries as the user configured them, and the way to them.

mod fault;
mod fetch;
mod id;
mod inquiry;
mod logins;
mod meant;
mod name;
mod names;
pub(crate) mod pem;
mod place;
mod registries;
pub mod rules;
mod spelled;

use dam_oci::registry::{ClientCertificate, Secret, Server};
use serde::Serialize;

pub use fault::RepoFault;
pub use fetch::Fetched;
pub use id::RepoId;
use inquiry::Door;
pub use inquiry::{Absent, Asked, Found, Inquiry, Unfetched, Where};
pub use logins::{DockerLogins, LoginFault};
pub use meant::Meant;
pub use name::RepoName;
pub(crate) use names::Names;
pub use registries::{Logins, Registries};

/// The number of Docker Hub, which is always there.
pub const DOCKER_HUB: u32 = 1;

/// A registry as the user configured it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repo {
    /// Its number; never used again when it has gone. 1 is Docker Hub.
    pub id: u32,
    /// Its name; no two have the same.
    pub name: RepoName,
    /// Where it is.
    pub server: Server,
    /// Whether names without a registry belong to it. Exactly one is.
    #[serde(rename = "default")]
    pub is_default: bool,
    /// The user to log in as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password, where it is kept in the ledger. JSON says only whether it is.
    #[serde(rename = "password_kept", serialize_with = "is_there")]
    pub password: Option<Secret>,
    /// Certificates of its authority, PEM: the content, for the file may be on a stick. JSON says only whether there are any.
    #[serde(serialize_with = "is_there")]
    pub ca: Option<String>,
    /// The client's certificate and key. JSON says only whether there are any.
    #[serde(rename = "client_cert", serialize_with = "is_there")]
    pub client: Option<ClientCertificate>,
    /// Whether plain http, and certificates that nobody signed, are accepted.
    pub insecure: bool,
    /// The registry whose images it serves, too: it is asked first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror_of: Option<Server>,
}

impl Repo {
    /// Returns Docker Hub as it is on a fresh machine.
    pub fn docker_hub() -> Self {
        Self { id: DOCKER_HUB, is_default: true, ..Self::new(RepoName::official(), Server::docker_hub()) }
    }

    /// Returns a repo with a name and a server and nothing else; its number is given by the ledger.
    pub fn new(name: RepoName, server: Server) -> Self {
        Self {
            id: 0,
            name,
            server,
            is_default: false,
            username: None,
            password: None,
            ca: None,
            client: None,
            insecure: false,
            mirror_of: None,
        }
    }

    /// Tells whether only dam can fetch from it: an engine knows nothing of its certificates, of mirrors, and of what is
    /// allowed here.
    pub fn is_dams_own(&self) -> bool {
        self.ca.is_some() || self.client.is_some() || self.insecure || self.mirror_of.is_some()
    }
}

/// Says of what is not shown whether there is any.
fn is_there<T, S: serde::Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(value.is_some())
}
