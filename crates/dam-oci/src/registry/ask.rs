//! Requests: with a login where one is wanted, again where that may help, and along redirects.

use std::fmt;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ureq::http::{Method, Request, Response, StatusCode, Uri};
use ureq::{AsSendBody, Body};

use super::api::Base;
use super::auth::Tokens;
use super::http::Roads;
use super::link::{join, same_server};
use super::{Access, Network, RegistryFault, TimeLimits, verdict};

/// How often an answer may point elsewhere.
const REDIRECTS: usize = 10;
/// The first wait before something is tried again; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest sleep before it is looked whether anybody still wants an answer.
const NAP: Duration = Duration::from_millis(50);

/// Result of the parts of a question; [`super::Registry`] says what was asked, and of whom.
pub(super) type Told<T> = Result<T, RegistryFault>;

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Uri,
    /// What it needs rights for, as token servers have it: `repository:NAME:pull`; several are separated by spaces.
    pub(super) scope: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Ask {
    /// Asks for what is at an address.
    pub(super) fn get(url: Uri, scope: &str) -> Self {
        Self { method: Method::GET, url, scope: scope.to_owned(), headers: Vec::new() }
    }

    /// Adds a header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Asks in another way, such as `HEAD`.
    pub(super) fn by(self, method: Method) -> Self {
        Self { method, ..self }
    }
}

/// An answer, and where it came from after all redirects.
pub(super) struct Answer {
    pub(super) head: Response<Body>,
    pub(super) url: Uri,
}

impl Answer {
    /// Returns a header, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers().get(name)?.to_str().ok()
    }
}

/// Who asks a registry: all that a [`super::Registry`] shares with its clones.
pub(super) struct Client {
    pub(super) access: Access,
    pub(super) limits: TimeLimits,
    pub(super) base: Mutex<Option<Base>>,
    pub(super) tokens: Tokens,
    roads: Roads,
    stop: Arc<AtomicBool>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Client").field("access", &self.access).finish_non_exhaustive()
    }
}

impl Client {
    pub(super) fn build(access: Access, network: &Network) -> Told<Self> {
        let roads = Roads::build(&access, network)?;
        let (limits, stop) = (network.limits, Arc::clone(&network.stop));
        Ok(Self { access, limits, base: Mutex::default(), tokens: Tokens::default(), roads, stop })
    }

    /// Asks until an answer of success comes, as often and as long as the limits say.
    pub(super) fn ask(&self, ask: &Ask) -> Told<Answer> {
        self.patiently(verdict::may_pass, || self.ask_once(ask))
    }

    /// Tries again, with longer and longer waits between, as long as `may_pass` hopes for it.
    pub(super) fn patiently<T>(
        &self,
        may_pass: impl Fn(&RegistryFault) -> bool,
        mut attempt: impl FnMut() -> Told<T>,
    ) -> Told<T> {
        let mut tried = 1;
        loop {
            match attempt() {
                Err(fault) if tried < self.limits.tries && may_pass(&fault) => self.wait_after(fault, tried)?,
                done => return done,
            }
            tried += 1;
        }
    }

    /// Waits until something may be tried for the `tried + 1`st time.
    ///
    /// # Errors
    /// `fault` again where the registry wants a longer wait than the limits allow: coming back earlier helps nobody.
    pub(super) fn wait_after(&self, fault: RegistryFault, tried: u32) -> Told<()> {
        let doubled = FIRST_WAIT.saturating_mul(1 << (tried - 1).min(16));
        let wait = match fault {
            RegistryFault::RateLimited { retry_after: Some(wait) } if wait > self.limits.wait => return Err(fault),
            RegistryFault::RateLimited { retry_after: Some(wait) } => wait,
            _ => doubled.min(self.limits.wait),
        };
        let end = Instant::now() + wait;
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.go_on()?;
            sleep(left.min(NAP));
        }
        self.go_on()
    }

    /// Fails where nobody wants an answer any more.
    pub(super) fn go_on(&self) -> Told<()> {
        if self.stop.load(Ordering::Relaxed) { Err(RegistryFault::Stopped) } else { Ok(()) }
    }

    /// Asks once; a second time where the answer says which login it takes.
    fn ask_once(&self, ask: &Ask) -> Told<Answer> {
        let mut refused = false;
        loop {
            let authorization = self.tokens.authorization(self, &ask.scope)?;
            let answer = self.follow(ask, authorization.as_deref())?;
            let home = same_server(&answer.url, &ask.url);
            let status = answer.head.status();
            if status.is_success() {
                return Ok(answer);
            }
            if status == StatusCode::UNAUTHORIZED && home && !refused {
                refused = true;
                if self.tokens.learn(self, &answer, &ask.scope, authorization.is_some()) {
                    self.drain(answer);
                    continue;
                }
            }
            // The token of a stranger shows nobody.
            let shown = home && authorization.is_some() && self.access.credentials.is_some();
            return Err(verdict::of_answer(answer.head, shown));
        }
    }

    /// Asks wherever redirects lead. Credentials stay at the server that was asked first, and https never becomes http.
    pub(super) fn follow(&self, ask: &Ask, authorization: Option<&str>) -> Told<Answer> {
        let mut url = ask.url.clone();
        for _ in 0..=REDIRECTS {
            let shown = authorization.filter(|_| same_server(&url, &ask.url));
            let head = self.call(&Ask { url: url.clone(), ..ask.clone() }, shown, ())?;
            let Some(target) = redirect(&head) else { return Ok(Answer { head, url }) };
            let Some(next) = join(&url, target) else {
                return Err(RegistryFault::Nonsense("it redirects to what is no address".to_owned()));
            };
            if url.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
                return Err(RegistryFault::Nonsense("it redirects from https to http".to_owned()));
            }
            url = next;
        }
        Err(RegistryFault::Nonsense(format!("it redirects more than {REDIRECTS} times")))
    }

    /// Sends one request, and nothing else: no login is got, no redirect followed, nothing tried again.
    pub(super) fn call(&self, ask: &Ask, authorization: Option<&str>, body: impl AsSendBody) -> Told<Response<Body>> {
        self.go_on()?;
        let mut request = Request::builder().method(ask.method.clone()).uri(ask.url.clone());
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let request = request.body(body);
        let request = request.map_err(|_| RegistryFault::Nonsense("a header that it asks for is none".to_owned()))?;
        self.roads.call(request).map_err(|fault| match self.go_on() {
            Ok(()) => fault,
            Err(stopped) => stopped,
        })
    }

    /// Reads the short rest of an answer, so that its connection serves the next request.
    pub(super) fn drain(&self, answer: Answer) {
        // What fails here fails again, where it matters.
        let _ = self.read_all(answer.head, 64 << 10);
    }

    /// Reads a body of at most `limit` bytes.
    pub(super) fn read_all(&self, head: Response<Body>, limit: u64) -> Told<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = head.into_body().into_reader().take(limit + 1).read_to_end(&mut bytes);
        match read {
            Err(error) => {
                self.go_on()?;
                Err(verdict::of_io(error, &self.limits))
            }
            Ok(_) if bytes.len() as u64 > limit => Err(RegistryFault::TooLong(limit)),
            Ok(_) => Ok(bytes),
        }
    }
}

fn redirect(head: &Response<Body>) -> Option<&str> {
    let moved = matches!(head.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    moved.then(|| head.headers().get("location")?.to_str().ok())?
}
