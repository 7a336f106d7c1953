//! A real registry: Debian's `docker-registry` on a free port of this machine.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::process::{Service, tied_command};
use super::{Authority, HTPASSWD, Identity, PASSWORD, TokenServer, USER, nginx};
use crate::registry::{Access, ClientCertificate, Credentials, Secret, Server};

/// Where files are in memory.
const MEMORY: &str = "/dev/shm";

/// Where a registry has a word of its own in its URLs: `plant`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// `/plant/v2/...`: the whole API is below it.
    BeforeApi,
    /// `/v2/plant/...`: one registry of several behind one address.
    AfterApi,
}

/// Says what kind of registry it is to be.
#[derive(Debug, Clone, Copy, Default)]
pub struct RegistryBuilder {
    login: bool,
    tls: bool,
    client_certificates: bool,
    tokens: bool,
    prefix: Option<Prefix>,
    in_memory: bool,
}

impl RegistryBuilder {
    /// An open registry over plain http.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wants user and password with every request.
    pub fn login(self) -> Self {
        Self { login: true, ..self }
    }

    /// Speaks TLS, with a certificate of an authority of its own.
    pub fn tls(self) -> Self {
        Self { tls: true, ..self }
    }

    /// Speaks TLS, and wants a certificate from whoever asks.
    pub fn client_certificates(self) -> Self {
        Self { client_certificates: true, ..self.tls() }
    }

    /// Wants tokens, from a server of its own.
    pub fn tokens(self) -> Self {
        Self { tokens: true, ..self }
    }

    /// Stands behind `nginx`, which ends TLS if that is wanted.
    pub fn behind(self, prefix: Prefix) -> Self {
        Self { prefix: Some(prefix), ..self }
    }

    /// Keeps what it has in memory, where there is such a place: a registry of a thousand repositories is 200,000 small
    /// files, and a disk takes minutes to lose them.
    pub fn in_memory(self) -> Self {
        Self { in_memory: true, ..self }
    }

    /// Tells whether `docker-registry` itself speaks TLS.
    pub(super) fn speaks_tls(self) -> bool {
        self.tls && self.prefix.is_none()
    }

    /// Returns what stands before it.
    pub(super) fn prefix(self) -> Option<Prefix> {
        self.prefix
    }

    /// Starts it without any image.
    ///
    /// # Errors
    /// When `docker-registry` or what else it needs is not installed (`make test` installs it), or does not answer; the
    /// error then ends with its log.
    pub fn start(self) -> io::Result<PrivateRegistry> {
        let folder = match self.in_memory && Path::new(MEMORY).is_dir() {
            true => tempfile::tempdir_in(MEMORY)?,
            false => tempfile::tempdir()?,
        };
        let authority = self.tls.then(|| Authority::create(folder.path())).transpose()?;
        if let Some(authority) = &authority {
            authority.server()?;
        }
        let client = match &authority {
            Some(authority) if self.client_certificates => Some(authority.client()?),
            _ => None,
        };
        let tokens = self.tokens.then(|| TokenServer::start(folder.path())).transpose()?;
        let service = Service::start(&folder.path().join("log"), |address| {
            let config = folder.path().join("config.yml");
            fs::write(&config, self.config(&folder, address, tokens.as_ref())?)?;
            let mut command = tied_command("docker-registry")?;
            command.arg("serve").arg(config);
            Ok(command)
        })?;
        let nginx = self.prefix.map(|prefix| nginx::start(folder.path(), prefix, service.address, authority.as_ref()));
        let nginx = nginx.transpose()?;
        Ok(PrivateRegistry { kind: self, nginx, service, tokens, authority, client, folder })
    }

    /// Writes the registry's configuration.
    ///
    /// Source: <https://distribution.github.io/distribution/about/configuration/>.
    fn config(&self, folder: &TempDir, address: SocketAddr, tokens: Option<&TokenServer>) -> io::Result<String> {
        let at = |name: &str| folder.path().join(name).display().to_string();
        let mut text = format!(
            "version: 0.1\nlog: {{accesslog: {{disabled: true}}, level: warn}}\nstorage:\n  filesystem:\n    rootdirectory: \
             {}\n  delete: {{enabled: true}}\n",
            at("data")
        );
        if self.login {
            fs::write(folder.path().join("htpasswd"), HTPASSWD)?;
            text += &format!("auth:\n  htpasswd:\n    realm: tests\n    path: {}\n", at("htpasswd"));
        }
        if let Some(tokens) = tokens {
            text += &format!("auth:\n  token:\n{}", tokens.registry_config());
        }
        text += &format!("http:\n  addr: {address}\n");
        if self.prefix == Some(Prefix::BeforeApi) {
            text += "  prefix: /plant/\n";
        }
        if self.speaks_tls() {
            text += &format!("  tls:\n    certificate: {}\n    key: {}\n", at("server.pem"), at("server.key"));
            if self.client_certificates {
                text += &format!("    clientcas: [{}]\n", at("authority.pem"));
            }
        }
        Ok(text)
    }
}

/// A registry that ends with its value.
pub struct PrivateRegistry {
    pub(super) kind: RegistryBuilder,
    nginx: Option<Service>,
    pub(super) service: Service,
    tokens: Option<TokenServer>,
    authority: Option<Authority>,
    pub(super) client: Option<Identity>,
    folder: TempDir,
}

impl PrivateRegistry {
    /// Starts an empty one without logins, over plain http.
    ///
    /// # Errors
    /// Those of [`RegistryBuilder::start`].
    pub fn start() -> io::Result<Self> {
        RegistryBuilder::new().start()
    }

    /// Returns where it listens, as the first part of a reference.
    pub fn host(&self) -> String {
        self.nginx.as_ref().unwrap_or(&self.service).address.to_string()
    }

    /// Returns where it is, with its prefix if it has one.
    pub fn server(&self) -> Server {
        let path = if self.kind.prefix.is_some() { "/plant" } else { "" };
        format!("{}{path}", self.host()).parse().expect("a host with a port")
    }

    /// Returns all it takes to be let in.
    pub fn access(&self) -> Access {
        let credentials = (self.kind.login || self.kind.tokens)
            .then(|| Credentials::Password { username: USER.to_owned(), password: Secret::new(PASSWORD) });
        let client = |identity: &Identity| ClientCertificate {
            chain: identity.chain.clone(),
            key: Secret::new(identity.key.clone()),
        };
        Access {
            credentials,
            ca: self.ca().map(str::to_owned),
            client: self.client.as_ref().map(client),
            ..Access::anonymous(self.server())
        }
    }

    /// Returns the certificate of its authority, PEM, if it speaks TLS.
    pub fn ca(&self) -> Option<&str> {
        self.authority.as_ref().map(|authority| authority.ca.as_str())
    }

    /// Returns the server of its tokens, if it wants some.
    pub fn tokens(&self) -> Option<&TokenServer> {
        self.tokens.as_ref()
    }

    /// Returns the folder of what it keeps.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}
