//! The way of a file's bytes: one answer, or as many as it takes.

use std::io::{self, Read};

use ureq::http::{StatusCode, Uri};

use super::part::Part;
use super::{Download, DownloadError, Step, is_safe};
use crate::Digest;
use crate::registry::ask::{Answer, Ask, Client};
use crate::registry::{RegistryFault, verdict};

/// Bytes read at a time.
const BUFFER: usize = 128 << 10;

/// Why an answer did not bring all.
enum Trouble {
    /// The server, or the way there; the next answer may bring more.
    Fault(RegistryFault),
    /// Something that stays.
    Final(DownloadError),
}

impl From<DownloadError> for Trouble {
    fn from(error: DownloadError) -> Self {
        Self::Final(error)
    }
}

impl From<RegistryFault> for Trouble {
    fn from(fault: RegistryFault) -> Self {
        Self::Fault(fault)
    }
}

/// A file on its way.
pub(super) struct Transfer<'a> {
    client: &'a Client,
    wanted: &'a Download<'a>,
    address: Uri,
    part: &'a mut Part,
    watch: &'a mut dyn FnMut(Step),
    /// What the server calls this very state of the file: its `ETag` or `Last-Modified`.
    state: Option<String>,
    /// Bytes of all, if the server says so.
    total: Option<u64>,
    /// Whether what is there came in more than one answer.
    joined: bool,
    anew: bool,
}

impl<'a> Transfer<'a> {
    pub(super) fn new(
        client: &'a Client,
        wanted: &'a Download<'a>,
        address: Uri,
        part: &'a mut Part,
        watch: &'a mut dyn FnMut(Step),
    ) -> Self {
        Self { client, wanted, address, part, watch, state: None, total: None, joined: false, anew: false }
    }

    /// Tells whether the file came in more than one answer.
    pub(super) fn is_joined(&self) -> bool {
        self.joined
    }

    /// Tells whether nothing is left of what was there before.
    pub(super) fn has_begun_anew(&self) -> bool {
        self.anew
    }

    /// Returns how many bytes are there.
    pub(super) fn size(&self) -> u64 {
        self.part.position()
    }

    /// Brings the whole file, and returns its digest.
    pub(super) fn run_anew(&mut self) -> Result<Digest, DownloadError> {
        self.begin_anew()?;
        self.run()
    }

    /// Brings what is missing, and returns the digest of all.
    pub(super) fn run(&mut self) -> Result<Digest, DownloadError> {
        let (mut failures, mut furthest) = (0, self.part.position());
        loop {
            let fault = match self.attempt() {
                Ok(()) => return Ok(self.part.digest()),
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Fault(fault)) => self.client.go_on().err().unwrap_or(fault),
            };
            // A server that begins anew each time, and never comes further, is not asked for ever.
            failures = if self.part.position() > furthest { 1 } else { failures + 1 };
            furthest = furthest.max(self.part.position());
            let again = failures < self.client.limits.tries && comes_back(&fault);
            let waited = if again { self.client.wait_after(fault, failures) } else { Err(fault) };
            waited.map_err(|fault| DownloadError::Failed { url: self.wanted.url.to_owned(), fault })?;
        }
    }

    /// Asks once for what is missing, and takes what comes.
    fn attempt(&mut self) -> Result<(), Trouble> {
        let position = self.part.position();
        let mut ask = Ask::get(self.address.clone(), "").with("accept", "*/*");
        // Halves of two files would pass for one where neither a digest nor the server tells them apart.
        if position > 0 && (self.wanted.pin.is_some() || self.state.is_some()) {
            ask = ask.with("range", format!("bytes={position}-"));
            if let Some(state) = &self.state {
                ask = ask.with("if-range", state.clone());
            }
        }
        let answer = self.client.follow(&ask, None)?;
        if self.wanted.pin.is_none() && !is_safe(&answer.url) {
            return Err(DownloadError::PlainHttp { url: answer.url.to_string() }.into());
        }
        match answer.head.status() {
            StatusCode::PARTIAL_CONTENT if position > 0 => self.go_on(&answer)?,
            StatusCode::RANGE_NOT_SATISFIABLE if position > 0 => return Err(self.changed()?),
            StatusCode::OK => self.begin(&answer)?,
            _ => return Err(verdict::of_answer(answer.head, false).into()),
        }
        (self.watch)(Step::Begun { done: self.part.position(), total: self.total });
        self.take(answer)
    }

    /// Looks at an answer that brings all from the first byte on.
    fn begin(&mut self, answer: &Answer) -> Result<(), Trouble> {
        if self.part.position() > 0 {
            self.begin_anew()?;
        }
        self.total = answer.head.body().content_length();
        self.state = state(answer);
        self.fits(self.total.unwrap_or(0))
    }

    /// Looks at an answer that brings the rest.
    fn go_on(&mut self, answer: &Answer) -> Result<(), Trouble> {
        let Some((first, total)) = answer.header("content-range").and_then(range) else {
            return Err(RegistryFault::Nonsense("it does not say which part of the file it gives".to_owned()).into());
        };
        if first != self.part.position() || (self.total.is_some() && total.is_some() && total != self.total) {
            return Err(self.changed()?);
        }
        self.joined = true;
        self.total = self.total.or(total);
        self.fits(self.total.unwrap_or(0))
    }

    /// Gives up what is there, for it belongs to another state of the file.
    fn changed(&mut self) -> Result<Trouble, DownloadError> {
        self.begin_anew()?;
        Ok(RegistryFault::Lost(io::Error::other("the file was changed meanwhile")).into())
    }

    fn begin_anew(&mut self) -> Result<(), DownloadError> {
        (self.state, self.total, self.joined, self.anew) = (None, None, false, true);
        self.part.empty()
    }

    fn fits(&mut self, size: u64) -> Result<(), Trouble> {
        let Download { url, limit, .. } = *self.wanted;
        if size <= limit {
            return Ok(());
        }
        self.part.forget();
        Err(DownloadError::Large { url: url.to_owned(), limit }.into())
    }

    /// Writes a body down.
    fn take(&mut self, answer: Answer) -> Result<(), Trouble> {
        let mut body = answer.head.into_body().into_reader();
        let mut buffer = vec![0; BUFFER];
        loop {
            self.client.go_on()?;
            let count = body.read(&mut buffer).map_err(|error| verdict::of_io(error, &self.client.limits))?;
            if count == 0 {
                break;
            }
            self.fits(self.part.position() + count as u64)?;
            self.part.write(&buffer[..count])?;
            (self.watch)(Step::Advanced(count as u64));
        }
        match self.total {
            Some(total) if self.part.position() < total => {
                let ended = io::Error::new(io::ErrorKind::UnexpectedEof, "the answer ends in the middle");
                Err(RegistryFault::Lost(ended).into())
            }
            _ => Ok(()),
        }
    }
}

/// Tells whether a transfer may go on later. A server that is started again is away for a moment.
fn comes_back(fault: &RegistryFault) -> bool {
    verdict::may_pass(fault) || matches!(fault, RegistryFault::Silent(_))
}

/// Returns what tells one state of a file from the next. Source: <https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5>.
fn state(answer: &Answer) -> Option<String> {
    let tag = answer.header("etag").filter(|tag| !tag.starts_with("W/"));
    tag.or_else(|| answer.header("last-modified")).map(str::to_owned)
}

/// Reads where a part begins, and how long all is: `bytes 5-9/10`, or `bytes 5-9/*`.
fn range(header: &str) -> Option<(u64, Option<u64>)> {
    let (part, total) = header.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = part.split_once('-')?;
    Some((first.trim().parse().ok()?, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::range;

    #[test]
    fn parts_of_files_are_read() {
        assert_eq!(range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(range("bytes 5-9/*"), Some((5, None)));
        for bad in ["", "bytes", "bytes */10", "5-9/10", "bytes 5/10"] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_header_breaks_the_reader(header in any::<String>()) {
            range(&header);
        }
    }
}
