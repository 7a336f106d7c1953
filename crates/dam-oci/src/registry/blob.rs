//! Blobs: read as they come, and read on where the connection was cut.
//!
//! Source: <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs>.

use std::io::{self, Read};
use std::sync::Arc;

use ureq::BodyReader;
use ureq::http::{StatusCode, Uri};

use super::ask::{Answer, Ask, Client, Told};
use super::{RegistryError, RegistryFault, verdict};
use crate::{BlobFault, Descriptor, Error};

/// Bytes that are thrown away at a time where a server sends again what was read already.
const SKIP: usize = 64 << 10;

/// A blob on its way.
pub(super) struct BlobReader {
    client: Arc<Client>,
    blob: Descriptor,
    url: Uri,
    scope: String,
    body: Option<BodyReader<'static>>,
    /// Bytes that were handed out.
    position: u64,
    /// Tries since the last byte.
    failures: u32,
}

impl BlobReader {
    /// Asks for a blob of a repository.
    ///
    /// # Errors
    /// [`Error::Registry`], and [`Error::Blob`] where the registry has another length in mind than the manifest.
    pub(super) fn open(client: &Arc<Client>, repository: &str, blob: &Descriptor) -> crate::Result<Self> {
        let opened = Self::prepare(client, repository, blob);
        let mut reader = opened.map_err(|fault| failure(client, blob, fault))?;
        let answer = client.ask(&reader.request()).map_err(|fault| failure(client, blob, fault))?;
        reader.receive(answer)?;
        Ok(reader)
    }

    fn prepare(client: &Arc<Client>, repository: &str, blob: &Descriptor) -> Told<Self> {
        let inner = client.full_name(repository)?;
        let url = client.base()?.url(&format!("{inner}/blobs/{}", blob.digest))?;
        let (client, blob, scope) = (Arc::clone(client), blob.clone(), format!("repository:{inner}:pull"));
        Ok(Self { client, blob, url, scope, body: None, position: 0, failures: 0 })
    }

    fn request(&self) -> Ask {
        let ask = Ask::get(self.url.clone(), &self.scope).with("accept", "application/octet-stream, */*");
        match self.position {
            0 => ask,
            position => ask.with("range", format!("bytes={position}-")),
        }
    }

    /// Takes the first answer, if it has the right length.
    fn receive(&mut self, answer: Answer) -> crate::Result<()> {
        let Descriptor { digest, size, .. } = self.blob;
        match answer.head.body().content_length() {
            Some(length) if length > size => return Err(BlobFault::Long { digest, size }.into()),
            Some(length) if length < size => return Err(BlobFault::Short { digest, missing: size - length }.into()),
            _ => {}
        }
        self.body = Some(answer.head.into_body().into_reader());
        Ok(())
    }

    /// Asks for what is missing.
    fn go_on(&mut self) -> Told<()> {
        let answer = self.client.ask(&self.request())?;
        let begin = match answer.head.status() {
            StatusCode::PARTIAL_CONTENT => begin(&answer)?,
            _ => 0,
        };
        if begin > self.position {
            return Err(RegistryFault::Nonsense(format!("it goes on at {begin}, not at {}", self.position)));
        }
        let mut body = answer.head.into_body().into_reader();
        let mut again = self.position - begin;
        let mut buffer = vec![0; SKIP];
        while again > 0 {
            let most = usize::try_from(again).unwrap_or(SKIP).min(SKIP);
            let count = body.read(&mut buffer[..most]).map_err(|error| verdict::of_io(error, &self.client.limits))?;
            if count == 0 {
                return Err(cut());
            }
            again -= count as u64;
        }
        self.body = Some(body);
        Ok(())
    }

    /// Reads once, from the answer that is there or from the next one.
    fn try_read(&mut self, buffer: &mut [u8]) -> Told<usize> {
        if self.body.is_none() {
            self.go_on()?;
        }
        let body = self.body.as_mut().expect("it was there, or came just now");
        let count = body.read(buffer).map_err(|error| verdict::of_io(error, &self.client.limits))?;
        if count == 0 && self.position < self.blob.size { Err(cut()) } else { Ok(count) }
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Nothing is tried again for the sake of an end that has been reached.
        if buffer.is_empty() || (self.position >= self.blob.size && self.body.is_none()) {
            return Ok(0);
        }
        loop {
            let fault = match self.try_read(buffer) {
                Ok(count) => {
                    self.position += count as u64;
                    self.failures = if count > 0 { 0 } else { self.failures };
                    return Ok(count);
                }
                Err(fault) => fault,
            };
            self.body = None;
            self.failures += 1;
            let stopped = self.client.go_on();
            let told = match stopped {
                Err(stopped) => Err(stopped),
                Ok(()) if self.failures < self.client.limits.tries && comes_back(&fault) => {
                    self.client.wait_after(fault, self.failures)
                }
                Ok(()) => Err(fault),
            };
            told.map_err(|fault| io::Error::other(failure(&self.client, &self.blob, fault)))?;
        }
    }
}

/// Tells whether a transfer that was under way may go on later. A server that is started again is away for a moment.
fn comes_back(fault: &RegistryFault) -> bool {
    verdict::may_pass(fault) || matches!(fault, RegistryFault::Silent(_) | RegistryFault::Unreachable(_))
}

fn cut() -> RegistryFault {
    RegistryFault::Lost(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer ends in the middle"))
}

/// Reads where a part begins: `bytes 5-9/10`.
fn begin(answer: &Answer) -> Told<u64> {
    let range = answer.header("content-range").and_then(|text| text.trim().strip_prefix("bytes "));
    let first = range.and_then(|range| range.split('-').next()?.trim().parse().ok());
    first.ok_or_else(|| RegistryFault::Nonsense("it does not say which part of the blob it gives".to_owned()))
}

fn failure(client: &Client, blob: &Descriptor, fault: RegistryFault) -> Error {
    let server = client.access.server.to_string();
    RegistryError { server, asked: format!("give the blob {}", blob.digest), fault }.into()
}
