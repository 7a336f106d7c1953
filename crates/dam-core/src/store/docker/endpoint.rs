//! Where an engine listens.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::tls::TlsFiles;

/// Where a Docker-compatible engine listens, written as `DOCKER_HOST` is.
///
/// Source: <https://docs.docker.com/reference/cli/docker/#host>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A socket on this machine.
    Unix(PathBuf),
    /// A port, plain or with TLS.
    Tcp {
        /// Host name or address, an IPv6 address without brackets.
        host: String,
        /// Port.
        port: u16,
        /// Certificates, if the port speaks TLS.
        tls: Option<TlsFiles>,
    },
    /// A machine where `docker system dial-stdio` is run through the system's `ssh`.
    Ssh {
        /// User to log in as, if not the one ssh chooses.
        user: Option<String>,
        /// Host, or a name from the user's ssh config.
        host: String,
        /// Port, if not the one ssh chooses.
        port: Option<u16>,
    },
}

impl Endpoint {
    /// Returns the endpoint with TLS, if it is a port; the other kinds have no use for it.
    pub fn with_tls(self, files: TlsFiles) -> Self {
        match self {
            // 2375 stands for the absent port of a plain endpoint, 2376 for that of one with TLS.
            Self::Tcp { host, port, .. } => {
                let port = if port == PLAIN_PORT { TLS_PORT } else { port };
                Self::Tcp { host, port, tls: Some(files) }
            }
            other => other,
        }
    }
}

const PLAIN_PORT: u16 = 2375;
const TLS_PORT: u16 = 2376;

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp { host, port, .. } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port, .. } => write!(f, "tcp://{host}:{port}"),
            Self::Ssh { user, host, port } => {
                f.write_str("ssh://")?;
                user.iter().try_for_each(|user| write!(f, "{user}@"))?;
                if host.contains(':') {
                    write!(f, "[{host}]")?
                } else {
                    f.write_str(host)?
                }
                port.iter().try_for_each(|port| write!(f, ":{port}"))
            }
        }
    }
}

impl FromStr for Endpoint {
    type Err = ParseEndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = |fault| ParseEndpointError { text: without_password(text), fault };
        // As in the docker command, an address without a scheme is a port.
        let (scheme, rest) = text.split_once("://").unwrap_or(("tcp", text));
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(PathBuf::from(rest))),
            "unix" if rest.is_empty() => Ok(Self::Unix(PathBuf::from("/var/run/docker.sock"))),
            "unix" => Err(fault(EndpointFault::RelativeSocket)),
            "tcp" | "http" => {
                let (host, port) = read_authority(rest).map_err(fault)?;
                Ok(Self::Tcp { host, port: port.unwrap_or(PLAIN_PORT), tls: None })
            }
            "ssh" => read_ssh(rest).map_err(fault),
            _ => Err(fault(EndpointFault::Scheme)),
        }
    }
}

/// Puts `***` in the place of a password before an `@`, so that the text can be shown.
pub fn without_password(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (&text[..scheme.len() + 3], rest));
    let Some((login, host)) = rest.rsplit_once('@') else { return text.to_owned() };
    match login.split_once(':') {
        Some((user, _)) => format!("{scheme}{user}:***@{host}"),
        None => text.to_owned(),
    }
}

fn read_ssh(rest: &str) -> Result<Endpoint, EndpointFault> {
    let (user, authority) = match rest.rsplit_once('@') {
        Some((user, authority)) => (Some(user), authority),
        None => (None, rest),
    };
    if user.is_some_and(|user| user.contains(':')) {
        return Err(EndpointFault::Password);
    }
    let word = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    if user.is_some_and(|user| user.is_empty() || user.starts_with('-') || !user.chars().all(word)) {
        return Err(EndpointFault::User);
    }
    let (host, port) = read_authority(authority)?;
    Ok(Endpoint::Ssh { user: user.map(str::to_owned), host, port })
}

/// Reads `host[:port]`, with an IPv6 address in brackets. A host never starts with `-`: it becomes an argument of `ssh`.
fn read_authority(text: &str) -> Result<(String, Option<u16>), EndpointFault> {
    let text = text.strip_suffix('/').unwrap_or(text);
    if text.contains(['/', '?', '#']) {
        return Err(EndpointFault::Path);
    }
    let (host, port, address) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(EndpointFault::Host)?;
            (host, port.strip_prefix(':').or(port.is_empty().then_some("")).ok_or(EndpointFault::Host)?, true)
        }
        None => {
            let (host, port) = text.split_once(':').unwrap_or((text, ""));
            (host, port, false)
        }
    };
    let letter = |c: char| match address {
        true => c.is_ascii_hexdigit() || c == ':' || c == '.',
        false => c.is_ascii_alphanumeric() || "._-".contains(c),
    };
    if host.is_empty() || host.starts_with('-') || !host.chars().all(letter) {
        return Err(EndpointFault::Host);
    }
    let port = match port {
        "" if text.ends_with(':') => return Err(EndpointFault::Port),
        "" => None,
        port => Some(port.parse().ok().filter(|&port| port != 0).ok_or(EndpointFault::Port)?),
    };
    Ok((host.to_owned(), port))
}

/// Why a text is not an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the address of an engine: {fault}")]
pub struct ParseEndpointError {
    /// The text, without a password that may have been in it.
    pub text: String,
    /// What is wrong with it.
    pub fault: EndpointFault,
}

/// What is wrong with the text of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointFault {
    /// A scheme such as `npipe` or `fd`, which means nothing here.
    #[error("it starts with none of `unix://`, `tcp://` and `ssh://`")]
    Scheme,
    /// A relative socket path.
    #[error("the path of a socket starts with `/`")]
    RelativeSocket,
    /// No host, or characters no host has.
    #[error("the host is empty or has characters that no host has")]
    Host,
    /// A bad port.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// Something behind host and port.
    #[error("nothing may follow host and port")]
    Path,
    /// A bad user name.
    #[error("the user is empty or has characters that no user has")]
    User,
    /// A password, which ssh does not take from an address.
    #[error("ssh takes no password from an address")]
    Password,
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, EndpointFault, TlsFiles};

    fn shown(text: &str) -> String {
        text.parse::<Endpoint>().expect(text).to_string()
    }

    fn fault(text: &str) -> EndpointFault {
        text.parse::<Endpoint>().expect_err(text).fault
    }

    #[test]
    fn reads_what_docker_host_may_hold() {
        assert_eq!(shown("unix:///run/docker.sock"), "unix:///run/docker.sock");
        assert_eq!(shown("unix://"), "unix:///var/run/docker.sock");
        assert_eq!(shown("tcp://plant:2375"), "tcp://plant:2375");
        assert_eq!(shown("tcp://plant"), "tcp://plant:2375");
        assert_eq!(shown("plant:99/"), "tcp://plant:99");
        assert_eq!(shown("tcp://[::1]:2375"), "tcp://[::1]:2375");
        assert_eq!(shown("ssh://ops@plant:22"), "ssh://ops@plant:22");
        assert_eq!(shown("ssh://plant"), "ssh://plant");
    }

    #[test]
    fn passwords_are_never_shown() {
        let message = |text: &str| text.parse::<Endpoint>().expect_err(text).to_string();
        assert_eq!(
            message("ssh://ops:secret@plant"),
            "`ssh://ops:***@plant` is not the address of an engine: ssh takes no password from an address"
        );
        assert!(!message("tcp://ops:se:cr@et@plant:2375").contains("cr"));
        assert!(!message("ops:secret@plant").contains("secret"));
    }

    #[test]
    fn tls_moves_the_absent_port_and_leaves_sockets_alone() {
        let files = || TlsFiles::in_folder("/certs".as_ref());
        let port = "tcp://plant".parse::<Endpoint>().expect("an endpoint").with_tls(files());
        assert_eq!(port, Endpoint::Tcp { host: "plant".into(), port: 2376, tls: Some(files()) });
        let socket = "unix:///s".parse::<Endpoint>().expect("an endpoint");
        assert_eq!(socket.clone().with_tls(files()), socket);
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(fault("npipe:////./pipe/docker_engine"), EndpointFault::Scheme);
        assert_eq!(fault("fd://"), EndpointFault::Scheme);
        assert_eq!(fault("unix://docker.sock"), EndpointFault::RelativeSocket);
        assert_eq!(fault("tcp://"), EndpointFault::Host);
        assert_eq!(fault("tcp://a b:1"), EndpointFault::Host);
        assert_eq!(fault("tcp://plant:"), EndpointFault::Port);
        assert_eq!(fault("tcp://plant:0"), EndpointFault::Port);
        assert_eq!(fault("tcp://plant:99999"), EndpointFault::Port);
        assert_eq!(fault("tcp://plant:1/base"), EndpointFault::Path);
        assert_eq!(fault("tcp://[::1"), EndpointFault::Host);
        assert_eq!(fault("ssh://ops:secret@plant"), EndpointFault::Password);
        assert_eq!(fault("ssh://-oProxyCommand=evil"), EndpointFault::Host);
        assert_eq!(fault("ssh://-l@plant"), EndpointFault::User);
    }
}
