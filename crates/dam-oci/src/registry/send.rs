//! Requests with a body: sent once, for whoever sends a body that cannot be sent again knows what to do instead.

use ureq::AsSendBody;
use ureq::http::StatusCode;

use super::ask::{Answer, Ask, Client, Told};
use super::link::same_server;
use super::{RegistryFault, verdict};

/// Why an upload stopped.
pub(super) enum Trouble {
    /// The registry, or the way to it.
    Fault(RegistryFault),
    /// The image cannot be read.
    Source(crate::Error),
}

impl From<RegistryFault> for Trouble {
    fn from(fault: RegistryFault) -> Self {
        Self::Fault(fault)
    }
}

/// Sends a request. Credentials go to the registry alone, not to where it may point. A redirect is not followed: by then the
/// body is gone.
///
/// # Errors
/// [`RegistryFault::LoginNeeded`] where the registry wants another token, too: the next request gets one.
pub(super) fn send(client: &Client, ask: &Ask, body: impl AsSendBody) -> Told<Answer> {
    let home = same_server(&ask.url, &client.base()?.url("")?);
    let authorization = if home { client.tokens.authorization(client, &ask.scope)? } else { None };
    let head = client.call(ask, authorization.as_deref(), body)?;
    let status = head.status();
    let answer = Answer { head, url: ask.url.clone() };
    if status.is_success() {
        return Ok(answer);
    }
    if status == StatusCode::UNAUTHORIZED && home {
        client.tokens.learn(client, &answer, &ask.scope, authorization.is_some());
    }
    Err(verdict::of_answer(answer.head, authorization.is_some()))
}
