//! What can go wrong between dam and an engine.

use std::io;
use std::path::PathBuf;

use dam_oci::Digest;

use super::context::ContextFault;
use super::endpoint::{Endpoint, ParseEndpointError};

/// What can go wrong between dam and an engine.
#[derive(Debug, thiserror::Error)]
pub enum DockerError {
    /// An address that is none.
    #[error(transparent)]
    Endpoint(#[from] ParseEndpointError),
    /// A docker context that cannot be used.
    #[error(transparent)]
    Context(#[from] ContextFault),
    /// Certificates that cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsFault),
    /// Nobody can be talked to there.
    #[error("cannot reach the engine at `{endpoint}`: {cause}")]
    Unreachable {
        /// Where.
        endpoint: Box<Endpoint>,
        /// Why, as far as it can be told.
        cause: Unreachable,
        /// What the system said.
        source: io::Error,
    },
    /// The engine answered with an error.
    #[error("the engine did not {doing} (status {status}), in its own words: {message}")]
    Answered {
        /// What was asked for, such as "inspect `shop:1.0`".
        doing: String,
        /// HTTP status; 200 for an error that came inside a stream.
        status: u16,
        /// The engine's words, not yet cleaned of control characters.
        message: String,
    },
    /// The connection ended too early.
    #[error("the connection to the engine broke off while it was to {doing}")]
    BrokeOff {
        /// What was asked for.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// The answer is not what the API says.
    #[error("the engine's answer cannot be understood when asked to {doing}")]
    Garbage {
        /// What was asked for.
        doing: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The engine's API is older than dam can use.
    #[error("the engine's API {version} is older than {minimum}")]
    TooOld {
        /// What the engine offers.
        version: String,
        /// What dam needs.
        minimum: &'static str,
    },
    /// The engine took an image and holds another one under its name.
    #[error("the engine holds {found} where {expected} was loaded")]
    OtherImage {
        /// The image that was sent.
        expected: Digest,
        /// What the engine has, in words.
        found: String,
    },
    /// A step of a build failed.
    #[error("the build failed, in the engine's words: {message}")]
    Build {
        /// The engine's words, not yet cleaned of control characters.
        message: String,
    },
    /// BuildKit needs to talk back to the client, which only docker's own command lets it do.
    #[error("BuildKit asks for a session, which dam does not offer: {message}")]
    BuildSession {
        /// The engine's words.
        message: String,
    },
    /// An exported image lacks something.
    #[error("the engine's export of image {image} lacks {what}")]
    Export {
        /// The image.
        image: Digest,
        /// What is missing.
        what: String,
    },
}

/// Why nobody can be talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// No such socket or host.
    #[error("nothing is there")]
    NotFound,
    /// This user may not.
    #[error("permission denied")]
    Permission,
    /// Nobody listens.
    #[error("nobody listens")]
    Refused,
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// The handshake failed: a certificate that is not trusted, or a peer that speaks something else.
    #[error("the TLS handshake failed")]
    Handshake,
    /// The `ssh` program is not there or ended.
    #[error("ssh made no connection")]
    Ssh,
    /// Something else.
    #[error("the connection failed")]
    Other,
}

impl Unreachable {
    /// Tells the cause from what the system said.
    pub(super) fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::Permission,
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::TimedOut,
            _ => Self::Other,
        }
    }
}

/// Certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// A file could not be read.
    #[error("cannot access `{path}`")]
    Access {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not PEM, or lacks what it should hold.
    #[error("`{path}` is not a PEM file with what its name says")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: rustls::pki_types::pem::Error,
    },
    /// A certificate that TLS refuses.
    #[error("the certificate in `{path}` cannot be used")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
}

/// Result of the parts of a Docker store.
pub(super) type Result<T, E = DockerError> = std::result::Result<T, E>;
