//! Requests to an engine and their answers.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::Response;
use ureq::{Agent, Body, SendBody};

use super::endpoint::Endpoint;
use super::error::{DockerError, Result, Unreachable};
use super::transport::{ConnectFailure, EngineConnector, NoResolver};
use super::version::ApiVersion;

/// How long an engine may take to answer its first, trivial request.
const PING_LIMIT: Duration = Duration::from_secs(30);
/// Bytes of an error's body that are read.
const MESSAGE_LIMIT: u64 = 64 << 10;

/// A request: where to, and what for in words that follow "the engine did not".
pub(super) struct Ask {
    doing: String,
    path: String,
    query: String,
    /// How long it may take, to the last byte of the answer.
    limit: Option<Duration>,
}

impl Ask {
    /// Asks for `path`, which has no leading slash and no version; each part that came from outside is encoded by
    /// [`Ask::path`].
    pub(super) fn new(doing: impl Into<String>, path: impl Into<String>) -> Self {
        Self { doing: doing.into(), path: path.into(), query: String::new(), limit: None }
    }

    /// Gives it up after so long.
    pub(super) fn within(self, limit: Duration) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// Adds a parameter.
    pub(super) fn with(mut self, key: &str, value: &str) -> Self {
        self.query.push(if self.query.is_empty() { '?' } else { '&' });
        self.query.push_str(key);
        self.query.push('=');
        encode(value, "", &mut self.query);
        self
    }
}

/// Encodes a name for use in a path; its slashes stay, as engines expect.
pub(super) fn path(name: &str) -> String {
    let mut out = String::new();
    encode(name, "/:@", &mut out);
    out
}

fn encode(text: &str, keep: &str, out: &mut String) {
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "-._~".contains(c) || keep.contains(c) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// A connection to an engine whose API version is known.
pub(super) struct Client {
    agent: Agent,
    endpoint: Endpoint,
    deaf: Arc<AtomicBool>,
    version: ApiVersion,
}

/// What an engine says of itself before anything is asked of it.
pub(super) struct Greeting {
    /// Whether `Builder-Version` asks for BuildKit.
    pub(super) prefers_buildkit: bool,
    /// Whether it is Podman's.
    pub(super) is_podman: bool,
}

impl Client {
    /// Connects and agrees on an API version.
    pub(super) fn connect(endpoint: Endpoint) -> Result<(Self, Greeting)> {
        let tls = match &endpoint {
            Endpoint::Tcp { tls: Some(files), .. } => Some(files.load()?),
            _ => None,
        };
        let deaf = Arc::new(AtomicBool::new(false));
        let connector = EngineConnector { endpoint: endpoint.clone(), tls, deaf: Arc::clone(&deaf) };
        // Without `proxy(None)` ureq would read the environment, and a proxy has no business between dam and its engine.
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("dam/", env!("CARGO_PKG_VERSION")))
            .output_buffer_size(256 << 10)
            .input_buffer_size(256 << 10)
            .build();
        let agent = Agent::with_parts(config, connector, NoResolver);
        let mut client = Self { agent, endpoint, deaf, version: ApiVersion::NEWEST };
        let greeting = client.ping()?;
        Ok((client, greeting))
    }

    fn ping(&mut self) -> Result<Greeting> {
        let ask = Ask::new("answer a ping", "_ping");
        let url = format!("{}/_ping", self.base());
        let result = self.agent.get(url).config().timeout_global(Some(PING_LIMIT)).build().call();
        let result = match result {
            Err(ureq::Error::Timeout(_)) => Err(ConnectFailure::from(io::Error::from(io::ErrorKind::TimedOut)).into()),
            other => other,
        };
        let answer = self.answer(&ask, result)?.checked()?;
        let header = |name| answer.response.headers().get(name).and_then(|value| value.to_str().ok());
        self.version = ApiVersion::agree(header("api-version"))?;
        Ok(Greeting {
            prefers_buildkit: header("builder-version") == Some("2"),
            is_podman: header("libpod-api-version").is_some(),
        })
    }

    /// Returns where the engine is.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns the version all requests name.
    pub(super) fn version(&self) -> ApiVersion {
        self.version
    }

    /// Asks for something.
    pub(super) fn get(&self, ask: &Ask) -> Result<Answer> {
        self.answer(ask, self.agent.get(self.url(ask)).config().timeout_global(ask.limit).build().call())
    }

    /// Asks for something and reads it as JSON.
    pub(super) fn get_json<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T> {
        self.get(ask)?.checked()?.json()
    }

    /// Asks for something to be gone.
    pub(super) fn delete(&self, ask: &Ask) -> Result<Answer> {
        self.answer(ask, self.agent.delete(self.url(ask)).config().timeout_global(ask.limit).build().call())
    }

    /// Asks for something to be done.
    pub(super) fn post(&self, ask: &Ask) -> Result<Answer> {
        self.answer(ask, self.agent.post(self.url(ask)).config().timeout_global(ask.limit).build().send_empty())
    }

    /// Asks for something to be done, with a header. What stands in it is neither logged nor part of any error.
    pub(super) fn post_with(&self, ask: &Ask, name: &str, value: &str) -> Result<Answer> {
        self.answer(ask, self.agent.post(self.url(ask)).header(name, value).send_empty())
    }

    /// Asks for something to be done as a JSON document says.
    pub(super) fn post_json(&self, ask: &Ask, document: &impl Serialize) -> Result<Answer> {
        self.answer(ask, self.agent.post(self.url(ask)).config().timeout_global(ask.limit).build().send_json(document))
    }

    /// Sends a tar of any length. When reading `body` fails, the connection is closed without the end that would make
    /// the body a whole one, so an engine never acts on it.
    pub(super) fn upload(&self, ask: &Ask, body: &mut dyn Read) -> Result<Answer> {
        let mut body = WhileHeard { body, deaf: &self.deaf };
        let request = self.agent.post(self.url(ask)).header("Content-Type", "application/x-tar");
        self.answer(ask, request.send(SendBody::from_reader(&mut body)))
    }

    fn base(&self) -> String {
        let scheme = if matches!(self.endpoint, Endpoint::Tcp { tls: Some(_), .. }) { "https" } else { "http" };
        // The name only fills the `Host` header; engines do not look at it.
        format!("{scheme}://docker")
    }

    fn url(&self, ask: &Ask) -> String {
        self.deaf.store(false, Ordering::SeqCst);
        format!("{}/v{}/{}{}", self.base(), self.version, ask.path, ask.query)
    }

    fn answer(&self, ask: &Ask, result: Result<Response<Body>, ureq::Error>) -> Result<Answer> {
        let doing = ask.doing.clone();
        let source = match result {
            Ok(response) => return Ok(Answer { doing, response }),
            Err(ureq::Error::Other(other)) => match other.downcast::<ConnectFailure>() {
                Ok(failure) => return Err(self.unreachable(*failure)),
                Err(other) => io::Error::other(other),
            },
            Err(ureq::Error::Io(error)) => error,
            Err(ureq::Error::Timeout(_)) => io::ErrorKind::TimedOut.into(),
            Err(other) => io::Error::other(other),
        };
        Err(DockerError::BrokeOff { doing, source })
    }

    fn unreachable(&self, failure: ConnectFailure) -> DockerError {
        let ConnectFailure { cause, source } = failure;
        let cause = match (&self.endpoint, cause) {
            (Endpoint::Ssh { .. }, Unreachable::Other) => Unreachable::Ssh,
            (_, cause) => cause,
        };
        DockerError::Unreachable { endpoint: Box::new(self.endpoint.clone()), cause, source }
    }
}

/// A body that ends when nobody reads it any more.
struct WhileHeard<'a> {
    body: &'a mut dyn Read,
    deaf: &'a AtomicBool,
}

impl Read for WhileHeard<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.deaf.load(Ordering::SeqCst) { Ok(0) } else { self.body.read(buffer) }
    }
}

/// An engine's answer, whose body has not been read.
pub(super) struct Answer {
    doing: String,
    response: Response<Body>,
}

impl Answer {
    /// Returns the HTTP status.
    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Fails with the engine's words if its answer is an error.
    pub(super) fn checked(self) -> Result<Self> {
        if self.response.status().is_success() { Ok(self) } else { Err(self.into_error()) }
    }

    /// Returns `None` if the engine does not know the thing, and fails on every other error.
    pub(super) fn found(self) -> Result<Option<Self>> {
        if self.status() == 404 { Ok(None) } else { self.checked().map(Some) }
    }

    /// Takes the engine's words for its error.
    pub(super) fn into_error(self) -> DockerError {
        let status = self.status();
        DockerError::Answered { status, message: message(self.response), doing: self.doing }
    }

    /// Reads the body as JSON.
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<T> {
        let doing = self.doing;
        let reader = BufReader::new(self.response.into_body().into_reader());
        serde_json::from_reader(reader).map_err(|source| match source.io_error_kind() {
            Some(_) => DockerError::BrokeOff { doing, source: source.into() },
            None => DockerError::Garbage { doing, source },
        })
    }

    /// Returns the body as it comes.
    pub(super) fn into_reader(self) -> (String, impl Read) {
        (self.doing, self.response.into_body().into_reader())
    }
}

/// Reads `{"message":"…"}`, or whatever text is there instead.
fn message(response: Response<Body>) -> String {
    let mut bytes = Vec::new();
    // Half a message is better than none.
    let _ = response.into_body().into_reader().take(MESSAGE_LIMIT).read_to_end(&mut bytes);
    let document: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
    let words = document.as_ref().and_then(|document| document.get("message")?.as_str());
    words.map_or_else(|| String::from_utf8_lossy(&bytes).into_owned(), str::to_owned).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Ask, path};

    #[test]
    fn names_keep_their_slashes_and_nothing_escapes_a_parameter() {
        assert_eq!(path("[::1]:5000/a/b:1"), "%5B::1%5D:5000/a/b:1");
        assert_eq!(Ask::new("", "x").with("t", "a/b:1").with("q", "a&b=ü").query, "?t=a%2Fb%3A1&q=a%26b%3D%C3%BC");
    }
}
