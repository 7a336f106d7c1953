//! Logins: Basic, and the tokens of token servers.
//!
//! Sources: <https://distribution.github.io/distribution/spec/auth/token/> and
//! <https://distribution.github.io/distribution/spec/auth/oauth/>.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use ureq::http::{Method, Uri};

use super::ask::{Answer, Ask, Client, Told};
use super::challenge::{Challenge, challenges};
use super::{Credentials, RegistryFault, Secret, verdict};
use crate::JSON_LIMIT;

/// How long a token lasts whose server does not say so.
const LIFE: Duration = Duration::from_secs(60);
/// What is taken from a token's life, for the way and for clocks.
const MARGIN: Duration = Duration::from_secs(5);
/// Tokens kept at most: one for each repository, while a search goes through thousands.
const TOKENS: usize = 4096;

/// What one registry wants to see, and the tokens for it.
#[derive(Default)]
pub(super) struct Tokens {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    challenge: Option<Challenge>,
    by_scope: BTreeMap<String, Token>,
}

#[derive(Clone)]
struct Token {
    text: Secret,
    until: Instant,
}

/// The answer of a token server.
#[derive(Deserialize)]
struct Granted {
    token: Option<Secret>,
    access_token: Option<Secret>,
    expires_in: Option<u64>,
}

impl Tokens {
    /// Returns the `Authorization` for a scope; `None` where the registry asked for none so far, or nobody is there to show.
    pub(super) fn authorization(&self, client: &Client, scope: &str) -> Told<Option<String>> {
        let (challenge, token) = {
            let known = self.lock();
            let token = known.by_scope.get(scope).filter(|token| token.until > Instant::now());
            (known.challenge.clone(), token.cloned())
        };
        match challenge {
            None => Ok(None),
            Some(Challenge::Basic) => Ok(basic(client)),
            Some(Challenge::Bearer { realm, service, scope: wanted }) => {
                let token = match token {
                    Some(token) => token,
                    None => self.fetch(client, &realm, service.as_deref(), scope, wanted.as_deref())?,
                };
                Ok(Some(format!("Bearer {}", token.text.reveal())))
            }
        }
    }

    /// Takes note of how a registry refused. Returns whether it is worth asking again: not, where that would be the same
    /// request. `shown` says whether it had an `Authorization`.
    pub(super) fn learn(&self, client: &Client, answer: &Answer, scope: &str, shown: bool) -> bool {
        let headers = answer.head.headers().get_all("www-authenticate");
        let offered: Vec<Challenge> =
            headers.iter().filter_map(|text| text.to_str().ok()).flat_map(challenges).collect();
        let bearer = offered.iter().find(|challenge| matches!(challenge, Challenge::Bearer { .. }));
        let Some(chosen) = bearer.or(offered.first()) else { return false };
        let mut known = self.lock();
        known.by_scope.remove(scope);
        let again = match chosen {
            Challenge::Basic => basic(client).is_some() && !(shown && known.challenge == Some(Challenge::Basic)),
            Challenge::Bearer { .. } => true,
        };
        known.challenge = Some(chosen.clone());
        again
    }

    fn fetch(
        &self,
        client: &Client,
        realm: &str,
        service: Option<&str>,
        scope: &str,
        wanted: Option<&str>,
    ) -> Told<Token> {
        // What the registry itself says counts where dam has no idea, as with `GET /v2/`.
        let scopes = if scope.is_empty() { wanted.unwrap_or_default() } else { scope };
        let url: Uri =
            realm.parse().map_err(|_| RegistryFault::Nonsense("its token server has no address".to_owned()))?;
        may_be_told(client, &url)?;
        let granted = client.patiently(verdict::may_pass, || ask_for_token(client, &url, service, scopes))?;
        let Some(text) = granted.token.or(granted.access_token).filter(|text| !text.reveal().is_empty()) else {
            return Err(RegistryFault::Nonsense("its token server gives no token".to_owned()));
        };
        let life = granted.expires_in.map_or(LIFE, Duration::from_secs).min(Duration::from_secs(86_400));
        let token = Token { text, until: Instant::now() + life.saturating_sub(MARGIN) };
        let mut known = self.lock();
        if known.by_scope.len() >= TOKENS {
            known.by_scope.clear();
        }
        known.by_scope.insert(scope.to_owned(), token.clone());
        Ok(token)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Every change is whole: whoever panicked left nothing half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fails where credentials would go over plain http to another machine.
fn may_be_told(client: &Client, url: &Uri) -> Told<()> {
    let plain = url.scheme_str() != Some("https");
    if plain && !client.access.insecure && !super::api::is_loopback(url) {
        Err(RegistryFault::PlainHttp)
    } else {
        Ok(())
    }
}

fn basic(client: &Client) -> Option<String> {
    match &client.access.credentials {
        Some(Credentials::Password { username, password }) => {
            Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{}", password.reveal()))))
        }
        _ => None,
    }
}

fn ask_for_token(client: &Client, url: &Uri, service: Option<&str>, scopes: &str) -> Told<Granted> {
    let head = match &client.access.credentials {
        Some(Credentials::IdentityToken(token)) => {
            let mut form = form(service, &[("scope", scopes), ("grant_type", "refresh_token")]);
            add(&mut form, "refresh_token", token.reveal());
            let ask = Ask::get(url.clone(), "").by(Method::POST);
            client.call(&ask.with("content-type", "application/x-www-form-urlencoded"), None, &form[..])?
        }
        credentials => {
            let mut pairs: Vec<(&str, &str)> = scopes.split(' ').map(|scope| ("scope", scope)).collect();
            if let Some(Credentials::Password { username, .. }) = credentials {
                pairs.push(("account", username));
            }
            client.call(&Ask::get(with_query(url, &form(service, &pairs))?, ""), basic(client).as_deref(), ())?
        }
    };
    if !head.status().is_success() {
        return Err(verdict::of_answer(head, client.access.credentials.is_some()));
    }
    let bytes = client.read_all(head, JSON_LIMIT)?;
    // The error of the parser would not show the token; its text is not needed either.
    serde_json::from_slice(&bytes).map_err(|_| RegistryFault::Nonsense("its token server gives no JSON".to_owned()))
}

fn form(service: Option<&str>, pairs: &[(&str, &str)]) -> String {
    let mut form = "client_id=dam".to_owned();
    service.iter().for_each(|service| add(&mut form, "service", service));
    pairs.iter().filter(|(_, value)| !value.is_empty()).for_each(|(name, value)| add(&mut form, name, value));
    form
}

fn add(form: &mut String, name: &str, value: &str) {
    write!(form, "&{name}={}", encode(value)).expect("memory does not fail");
}

/// Writes a text as it may stand in a query.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ => write!(encoded, "%{byte:02X}").expect("memory does not fail"),
        }
    }
    encoded
}

fn with_query(url: &Uri, query: &str) -> Told<Uri> {
    let joint = if url.query().is_some() { '&' } else { '?' };
    let full = format!("{url}{joint}{query}");
    full.parse().map_err(|_| RegistryFault::Nonsense("its token server has no address".to_owned()))
}
