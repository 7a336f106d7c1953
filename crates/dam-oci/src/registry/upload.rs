//! Sending one blob, from where the last try ended.
//!
//! Source: <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks>.

use std::cell::Cell;
use std::io::{self, Read};

use ureq::SendBody;
use ureq::http::{Method, Uri};

use super::ask::{Answer, Ask, Client, Told};
use super::link::join;
use super::send::{Trouble, send};
use super::{RegistryFault, verdict};
use crate::{Descriptor, Error, Image, blob};

/// Bytes of one request: what is lost at most by a cut, and less than what proxies before registries let through. A blob that
/// is no longer goes in one piece.
const CHUNK: u64 = 64 << 20;

/// A blob on its way.
pub(super) struct Upload<'a> {
    pub(super) client: &'a Client,
    pub(super) scope: &'a str,
    /// What the registry itself calls the repository.
    pub(super) repository: &'a str,
    pub(super) image: &'a dyn Image,
    pub(super) blob: &'a Descriptor,
    pub(super) on_bytes: &'a (dyn Fn(u64) + Sync),
}

/// What became of the wish to take a blob from another repository.
pub(super) enum Begun {
    /// It is there.
    Mounted,
    /// It is not, and an upload has begun in its place, as the specification allows.
    Session(Session),
    /// Nothing came of it.
    Refused,
}

/// An upload that the registry knows of.
pub(super) struct Session {
    /// Where the next bytes go.
    url: Uri,
    /// How many it has.
    offset: u64,
    /// The length of a chunk.
    chunk: u64,
}

impl Upload<'_> {
    /// Asks the registry to take the blob from another of its repositories.
    pub(super) fn mount(&self, from: &str) -> Told<Begun> {
        let path = format!("{}/blobs/uploads/?mount={}&from={from}", self.repository, self.blob.digest);
        let scope = format!("{} repository:{from}:pull", self.scope);
        let ask = Ask::get(self.client.base()?.url(&path)?, &scope).by(Method::POST).with("content-length", "0");
        match self.client.ask(&ask) {
            Ok(answer) if answer.head.status().as_u16() == 201 => {
                self.client.drain(answer);
                Ok(Begun::Mounted)
            }
            Ok(answer) => Ok(Begun::Session(Session { offset: 0, ..self.session(answer, 0)? })),
            // Whoever may not read the other repository may still send the blob to this one.
            Err(RegistryFault::Forbidden | RegistryFault::NotFound | RegistryFault::LoginNeeded { .. }) => {
                Ok(Begun::Refused)
            }
            Err(RegistryFault::Status { status: 400..500, .. }) => Ok(Begun::Refused),
            Err(fault) => Err(fault),
        }
    }

    /// Sends the blob. After a cut it goes on where the registry has it from; one that has forgotten gets all of it again.
    pub(super) fn run(&self, session: Option<Session>) -> Result<(), Trouble> {
        let mut session = session;
        let (furthest, mut best, mut tried, mut renewed) = (Cell::new(0), 0, 1, false);
        loop {
            let fault = match self.attempt(&mut session, &furthest) {
                Ok(()) => return Ok(()),
                Err(Trouble::Fault(fault)) => fault,
                Err(source) => {
                    self.abandon(session);
                    return Err(source);
                }
            };
            if furthest.get() > best {
                // It goes on, if slowly: patience begins anew.
                (best, tried) = (furthest.get(), 1);
            }
            match fault {
                // A token ends in the middle of a long upload.
                RegistryFault::LoginNeeded { .. } if !renewed => renewed = true,
                // A registry that lost the upload, as Docker's own does where a chunk was cut in the middle.
                RegistryFault::NotFound | RegistryFault::Status { status: 400 | 416, .. }
                    if session.is_some() && tried < self.client.limits.tries =>
                {
                    session = None;
                    tried += 1;
                    continue;
                }
                fault if verdict::may_pass(&fault) && tried < self.client.limits.tries => {
                    self.client.wait_after(fault, tried)?;
                    tried += 1;
                }
                fault => {
                    self.abandon(session);
                    return Err(fault.into());
                }
            }
            session = session.and_then(|session| self.status(&session).ok());
        }
    }

    /// Sends what is missing.
    fn attempt(&self, session: &mut Option<Session>, furthest: &Cell<u64>) -> Result<(), Trouble> {
        let session = match session {
            Some(session) => session,
            None => session.insert(self.begin()?),
        };
        let mut content = blob(self.image, self.blob)?;
        let mut passed = io::copy(&mut content.by_ref().take(session.offset), &mut io::sink()).map_err(unreadable)?;
        if self.blob.size <= session.chunk && session.offset == 0 {
            return self.finish(session, &mut content, furthest);
        }
        while session.offset < self.blob.size {
            if passed != session.offset {
                // The registry took less than it was sent.
                content = blob(self.image, self.blob)?;
                passed = io::copy(&mut content.by_ref().take(session.offset), &mut io::sink()).map_err(unreadable)?;
            }
            passed += self.send_chunk(session, &mut content, furthest)?;
        }
        self.finish(session, &mut io::empty(), furthest)
    }

    /// Sends one chunk, and takes note of how far the registry has got by it.
    fn send_chunk(&self, session: &mut Session, content: &mut dyn Read, furthest: &Cell<u64>) -> Result<u64, Trouble> {
        let (offset, length) = (session.offset, session.chunk.min(self.blob.size - session.offset));
        let ask = Ask::get(session.url.clone(), self.scope).by(Method::PATCH);
        let ask = ask.with("content-range", format!("{offset}-{}", offset + length - 1));
        let answer = self.send(ask, (offset, length), content, furthest)?;
        let next = self.session(answer, offset + length)?;
        if next.offset <= offset || next.offset > offset + length {
            let text = format!("it has {} bytes after {}", next.offset, offset + length);
            return Err(RegistryFault::Nonsense(text).into());
        }
        (session.url, session.offset) = (next.url, next.offset);
        Ok(length)
    }

    /// Ends the upload, with the whole blob or what is left of it: nothing.
    fn finish(&self, session: &Session, content: &mut dyn Read, furthest: &Cell<u64>) -> Result<(), Trouble> {
        let joint = if session.url.query().is_some() { '&' } else { '?' };
        let url = format!("{}{joint}digest={}", session.url, self.blob.digest);
        let url = url.parse().map_err(|_| RegistryFault::Nonsense("its upload has no address".to_owned()))?;
        let ask = Ask::get(url, self.scope).by(Method::PUT);
        let answer = self.send(ask, (session.offset, self.blob.size - session.offset), content, furthest)?;
        let found = answer.header("docker-content-digest").map(str::to_owned);
        self.client.drain(answer);
        match found.filter(|found| *found != self.blob.digest.to_string()) {
            Some(found) => {
                let found = verdict::shorten(&found);
                Err(RegistryFault::Altered(format!("{found} where {} was sent", self.blob.digest)).into())
            }
            None => Ok(()),
        }
    }

    /// Sends a request with bytes of the blob: `length` of them, the first of which is at `offset`.
    fn send(
        &self,
        ask: Ask,
        (offset, length): (u64, u64),
        content: &mut dyn Read,
        furthest: &Cell<u64>,
    ) -> Result<Answer, Trouble> {
        let ask = ask.with("content-type", "application/octet-stream").with("content-length", length.to_string());
        let mut passing =
            Passing { inner: content.take(length), at: offset, furthest, on_bytes: self.on_bytes, failed: None };
        let sent = send(self.client, &ask, SendBody::from_reader(&mut passing));
        match passing.failed {
            Some(error) => Err(unreadable(error)),
            None => Ok(sent?),
        }
    }

    fn begin(&self) -> Told<Session> {
        let url = self.client.base()?.url(&format!("{}/blobs/uploads/", self.repository))?;
        let ask = Ask::get(url, self.scope).by(Method::POST).with("content-length", "0");
        Ok(Session { offset: 0, ..self.session(self.client.ask(&ask)?, 0)? })
    }

    /// Asks how far an upload has got.
    fn status(&self, session: &Session) -> Told<Session> {
        let ask = Ask::get(session.url.clone(), self.scope);
        let answer = self.client.patiently(verdict::may_pass, || send(self.client, &ask, ()))?;
        let next = match answer.header("location") {
            Some(_) => self.session(answer, 0)?,
            None => Session { url: session.url.clone(), offset: received(&answer).unwrap_or(0), chunk: session.chunk },
        };
        Ok(Session { offset: next.offset.min(self.blob.size), chunk: session.chunk, ..next })
    }

    /// Reads where an upload goes on. An answer that does not say how much there is means `otherwise`.
    fn session(&self, answer: Answer, otherwise: u64) -> Told<Session> {
        let location = answer.header("location").and_then(|location| join(&answer.url, location));
        let url = location.ok_or_else(|| RegistryFault::Nonsense("its upload has no address".to_owned()))?;
        if answer.url.scheme_str() == Some("https") && url.scheme_str() != Some("https") {
            return Err(RegistryFault::Nonsense("it sends an upload from https to http".to_owned()));
        }
        let least = answer.header("oci-chunk-min-length").and_then(|least| least.parse().ok()).unwrap_or(0);
        let offset = received(&answer).unwrap_or(otherwise);
        self.client.drain(answer);
        Ok(Session { url, offset, chunk: CHUNK.max(least) })
    }

    /// Tells the registry that no more comes, if there is still somebody to tell.
    fn abandon(&self, session: Option<Session>) {
        if let Some(Session { url, .. }) = session {
            // Registries clean up by themselves, if later.
            let _ = send(self.client, &Ask::get(url, self.scope).by(Method::DELETE), ());
        }
    }
}

/// Reads `Range: 0-99` as 100 bytes. `0-0` is what registries say of nothing.
fn received(answer: &Answer) -> Option<u64> {
    let last = answer.header("range")?.trim_start_matches("bytes=").strip_prefix("0-")?.parse::<u64>().ok()?;
    Some(if last == 0 { 0 } else { last.checked_add(1)? })
}

fn unreadable(error: io::Error) -> Trouble {
    Trouble::Source(Error::stream("blob")(error))
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Source(error)
    }
}

/// The bytes of a request as they pass.
struct Passing<'a, R> {
    inner: io::Take<R>,
    /// Where in the blob the next byte is.
    at: u64,
    /// Where the furthest byte was that was ever sent: what is sent again is not told again.
    furthest: &'a Cell<u64>,
    on_bytes: &'a (dyn Fn(u64) + Sync),
    /// What the source said, which the HTTP library would pass on as a fault of the connection.
    failed: Option<io::Error>,
}

impl<R: Read> Read for Passing<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.inner.read(buffer) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                self.failed = Some(error);
                return Err(io::Error::other("the image cannot be read"));
            }
            result => result?,
        };
        self.at += count as u64;
        if let Some(more) = self.at.checked_sub(self.furthest.get()).filter(|more| *more > 0) {
            self.furthest.set(self.at);
            (self.on_bytes)(more);
        }
        Ok(count)
    }
}
