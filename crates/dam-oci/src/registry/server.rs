//! Where a registry is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ParseReferenceError, Reference};

/// The registry behind names without one.
const DOCKER_HUB: &str = "docker.io";

/// A registry's address: `[http://|https://]host[:port][/path]`.
///
/// The path is what the repositories of this registry have before their names, as in `plant:5000/team`. Docker Hub is
/// `docker.io` under any of its names, and the one server whose API is at another host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Server {
    host: String,
    path: String,
    scheme: Option<Scheme>,
}

/// How a server is spoken to, where its address says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Plain.
    Http,
    /// Over TLS.
    Https,
}

impl Server {
    /// Returns Docker Hub.
    pub fn docker_hub() -> Self {
        Self { host: DOCKER_HUB.to_owned(), path: String::new(), scheme: None }
    }

    /// Returns the registry that an image is named after.
    pub fn of(reference: &Reference) -> Self {
        match reference.registry() {
            Some(host) => Self { host: host.to_owned(), path: String::new(), scheme: None },
            None => Self::docker_hub(),
        }
    }

    /// Returns host and port, as they stand before an image's name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns what stands between the host and the names of repositories, without slashes at its ends; often nothing.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns how it is spoken to, where the address says so.
    pub fn scheme(&self) -> Option<Scheme> {
        self.scheme
    }

    /// Tells whether this is Docker Hub.
    pub fn is_docker_hub(&self) -> bool {
        self.host == DOCKER_HUB
    }

    /// Tells whether it is on this machine: `localhost`, `127.0.0.0/8` or `::1`. Those may speak plain http, as Docker has it.
    pub fn is_loopback(&self) -> bool {
        let name = match self.host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => name,
            _ => &self.host,
        };
        let address: Option<IpAddr> = name.trim_start_matches('[').trim_end_matches(']').parse().ok();
        name == "localhost" || address.is_some_and(|address| address.is_loopback())
    }

    /// Names a repository of this registry. One that begins with the path already does not get it twice.
    ///
    /// # Errors
    /// Where `name` breaks the grammar of references.
    pub fn reference(&self, name: &str, tag: Option<&str>) -> Result<Reference, ParseReferenceError> {
        let under_path = name.strip_prefix(&self.path).is_some_and(|rest| rest.starts_with('/'));
        let repository =
            if self.path.is_empty() || under_path { name.to_owned() } else { format!("{}/{name}", self.path) };
        Reference::new(Some(&self.host), &repository, tag)
    }

    /// Tells whether an image is of this registry: its host, and below its path.
    pub fn holds(&self, reference: &Reference) -> bool {
        let host = reference.registry().unwrap_or(DOCKER_HUB);
        let below = |repository: &str| repository.strip_prefix(&self.path).is_some_and(|rest| rest.starts_with('/'));
        host == self.host && (self.path.is_empty() || below(reference.repository()))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.scheme {
            Some(Scheme::Http) => f.write_str("http://")?,
            Some(Scheme::Https) => f.write_str("https://")?,
            None => {}
        }
        f.write_str(&self.host)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, "/{}", self.path) }
    }
}

impl FromStr for Server {
    type Err = ParseServerError;

    fn from_str(text: &str) -> Result<Self, ParseServerError> {
        let (scheme, rest) = match text.split_once("://") {
            Some(("http", rest)) => (Some(Scheme::Http), rest),
            Some(("https", rest)) => (Some(Scheme::Https), rest),
            Some(_) => return Err(ParseServerError(text.to_owned())),
            None => (None, text),
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_matches('/');
        let probe = if path.is_empty() { "x" } else { path };
        if matches!(host, DOCKER_HUB | "registry-1.docker.io" | "index.docker.io" | "hub.docker.com") {
            return Ok(Self { path: path.to_owned(), ..Self::docker_hub() });
        }
        // What is no registry before an image's name cannot be one here: no image could be named after it.
        match Reference::new(Some(host), probe, None) {
            Ok(reference) if reference.registry() == Some(host) => {
                Ok(Self { host: host.to_owned(), path: path.to_owned(), scheme })
            }
            _ => Err(ParseServerError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Server {
    type Error = ParseServerError;

    fn try_from(text: String) -> Result<Self, ParseServerError> {
        text.parse()
    }
}

impl From<Server> for String {
    fn from(server: Server) -> Self {
        server.to_string()
    }
}

/// A text that is no server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a registry: it is written `[http://|https://]host[:port][/path]`, and the host has a `.` or a port"
)]
pub struct ParseServerError(pub String);

#[cfg(test)]
mod tests {
    use super::Server;

    fn server(text: &str) -> Server {
        text.parse().expect(text)
    }

    #[test]
    fn servers_are_read_and_shown() {
        for text in ["plant:5000", "http://plant:5000", "https://registry.plant/team/a", "localhost", "[::1]:5000"] {
            assert_eq!(server(text).to_string(), text);
        }
        assert_eq!(server("https://registry-1.docker.io/").to_string(), "docker.io");
        for bad in ["", "plant", "ftp://x", "a b", "host:port", "host/Team", "user@host", "x\u{1b}[0m"] {
            assert!(bad.parse::<Server>().is_err(), "{bad}");
        }
    }

    #[test]
    fn loopback_is_this_machine() {
        for here in ["localhost", "localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000"] {
            assert!(server(here).is_loopback(), "{here}");
        }
        assert!(!server("10.0.0.1:5000").is_loopback());
        assert!(!server("localhost.evil.example").is_loopback());
    }

    #[test]
    fn names_get_the_path_once() {
        let team = server("plant:5000/team");
        let name = |name: &str| team.reference(name, Some("1")).expect(name).to_string();
        assert_eq!(name("shop"), "plant:5000/team/shop:1");
        assert_eq!(name("team/shop"), "plant:5000/team/shop:1");
        assert!(team.holds(&"plant:5000/team/shop:1".parse().expect("a reference")));
        assert!(!team.holds(&"plant:5000/teams/shop:1".parse().expect("a reference")));
        assert!(!team.holds(&"plant:5000/team:1".parse().expect("a reference")));
    }
}
