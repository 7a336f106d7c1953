//! What it takes to reach a registry, decided by the caller: this crate reads no settings.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::{Secret, Server};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A user with a password: for Basic authentication, or to be shown to a token server.
    Password {
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A token that a token server gave for good, as `docker login` keeps it for some registries: it is exchanged for
    /// others by OAuth 2.
    ///
    /// Source: <https://distribution.github.io/distribution/spec/auth/oauth/>.
    IdentityToken(Secret),
}

/// One registry, and how it is to be spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Where it is.
    pub server: Server,
    /// Who asks; without, anonymously.
    pub credentials: Option<Credentials>,
    /// Certificates of its own authority, PEM, trusted beside those of [`Network::roots`].
    pub ca: Option<String>,
    /// The client's certificate and key, PEM.
    pub client: Option<ClientCertificate>,
    /// The URL its API is at, where that is not the server's own: for Docker Hub, or a server that stands in for it. Without,
    /// `https://HOST` (or `http://` where that is allowed), and Docker Hub's own addresses.
    pub api: Option<String>,
    /// Whether plain http, and certificates that nobody signed, are accepted. Loopback may always speak plain http.
    pub insecure: bool,
}

impl Access {
    /// Speaks to a server anonymously, by https or to loopback.
    pub fn anonymous(server: Server) -> Self {
        Self { server, credentials: None, ca: None, client: None, api: None, insecure: false }
    }
}

/// What a client shows to a server that wants to know it by certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate and those between it and the authority, PEM.
    pub chain: String,
    /// Its key, PEM.
    pub key: Secret,
}

/// The way to all registries.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Certificates of the authorities that this machine trusts, DER.
    pub roots: Vec<Vec<u8>>,
    /// Proxies.
    pub proxies: Proxies,
    /// Time limits.
    pub limits: TimeLimits,
    /// Set by whoever no longer wants an answer: waits and transfers end soon after.
    pub stop: Arc<AtomicBool>,
}

/// Proxies, as `curl` and `docker` read them from the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// URL of the proxy for plain http.
    pub http: Option<String>,
    /// URL of the proxy for https.
    pub https: Option<String>,
    /// Hosts that are reached without one, as in `NO_PROXY`: names, suffixes, addresses and networks joined by commas, or
    /// `*`.
    pub none_for: Option<String>,
}

/// How long dam waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For the head of an answer, and for the next piece of a body: a server may be slow, but not silent.
    pub silence: Duration,
    /// Between the tries of what may work the second time, at the most; `Retry-After` counts up to this, too.
    pub wait: Duration,
    /// How often something is tried, the first time included.
    pub tries: u32,
}

impl Default for TimeLimits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(10), silence: seconds(60), wait: seconds(60), tries: 5 }
    }
}
