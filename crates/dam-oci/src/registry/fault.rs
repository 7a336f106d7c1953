//! What can go wrong between here and a registry.

use std::io;
use std::time::Duration;

/// A registry could not be reached, refused something, or answered nonsense.
#[derive(Debug, thiserror::Error)]
#[error("{server}: cannot {asked}")]
pub struct RegistryError {
    /// The registry, as its address was given; never with credentials.
    pub server: String,
    /// What was asked for, such as "list the tags of `shop`".
    pub asked: String,
    /// What happened.
    #[source]
    pub fault: RegistryFault,
}

/// What happened.
#[derive(Debug, thiserror::Error)]
pub enum RegistryFault {
    /// No connection came about.
    #[error("cannot be reached")]
    Unreachable(#[source] io::Error),
    /// Its name leads nowhere.
    #[error("its name cannot be resolved")]
    UnknownHost(#[source] io::Error),
    /// Its certificate is not signed by an authority that is trusted here.
    #[error("its certificate is signed by an authority that is not trusted here")]
    UnknownAuthority(#[source] io::Error),
    /// TLS failed for another reason.
    #[error("no secure connection came about")]
    Tls(#[source] io::Error),
    /// It speaks plain http only, and is not marked as insecure.
    #[error("it speaks plain http, which is not secure")]
    PlainHttp,
    /// It said nothing for too long.
    #[error("it said nothing for {} s", .0.as_secs())]
    Silent(Duration),
    /// It wants to know who asks, or does not believe it.
    #[error("it wants a login (status 401)")]
    LoginNeeded {
        /// Whether credentials were shown.
        shown: bool,
    },
    /// It does not let this user do that.
    #[error("it does not allow that (status 403)")]
    Forbidden,
    /// It has no such thing.
    #[error("it has no such thing (status 404)")]
    NotFound,
    /// It has had enough for now.
    #[error("it takes no more requests for now (status 429)")]
    RateLimited {
        /// When it may be asked again, if it says so.
        retry_after: Option<Duration>,
    },
    /// Another status, with its own words if it has any.
    #[error("it answered with status {status}{}", .words.as_ref().map(|words| format!(": {words}")).unwrap_or_default())]
    Status {
        /// The HTTP status.
        status: u16,
        /// What the registry's JSON says, shortened, without control characters.
        words: Option<String>,
    },
    /// The answer is not what the distribution API promises.
    #[error("its answer makes no sense: {0}")]
    Nonsense(String),
    /// An answer is longer than any sound one.
    #[error("its answer is longer than {0} bytes")]
    TooLong(u64),
    /// The connection was lost, as often as it was tried.
    #[error("the connection was lost")]
    Lost(#[source] io::Error),
    /// Nobody wants the answer any more: [`super::Network::stop`] is set.
    #[error("it was stopped")]
    Stopped,
    /// The certificates or keys of this machine that are to be used cannot be read.
    #[error("{what} cannot be used: {reason}")]
    Unusable {
        /// The certificate, the key or the proxy.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// The image's index has nothing for the platform.
    #[error("it has no image for {wanted}, only for {}", .found.join(", "))]
    NoPlatform {
        /// The platform.
        wanted: String,
        /// Those of the index.
        found: Vec<String>,
    },
    /// What arrived is not what was sent: the digest after a push differs.
    #[error("it keeps something else than what was sent: {0}")]
    Altered(String),
}
