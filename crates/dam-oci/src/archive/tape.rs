//! A tar that is read once, member after member, as whoever reads it asks for the next.

use std::io::{self, Read};

use crate::archive::members::{ENTRY_LIMIT, member};
use crate::archive::outer::Outer;
use crate::archive::sniff::foreign;
use crate::archive::walk::{Walk, read_full};
use crate::archive::{ArchiveFault, show};
use crate::{Compression, Error, Result};

/// The first bytes of a stream, put back in front of it.
type Rejoined = io::Chain<io::Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// The members of a tar stream, plain or compressed as a whole. Reading from it reads the content of the member that was
/// returned last.
pub(super) struct Tape {
    walk: Walk<Outer<Rejoined>>,
    what: String,
    compression: Compression,
    /// A member that was met and not taken yet.
    next: Option<(String, u64)>,
}

impl Tape {
    /// Begins to read `stream`, which `what` names in errors.
    ///
    /// # Errors
    /// [`ArchiveFault::Empty`] and [`ArchiveFault::Foreign`].
    pub(super) fn open(what: &str, mut stream: Box<dyn Read + Send>) -> Result<Self> {
        let mut head = vec![0; 8];
        let count = read_full(&mut stream, &mut head).map_err(Error::reading(what))?;
        head.truncate(count);
        let refuse = |fault| Error::Archive { what: what.to_owned(), fault };
        if head.is_empty() {
            return Err(refuse(ArchiveFault::Empty));
        }
        if let Some(kind) = foreign(&head) {
            return Err(refuse(ArchiveFault::Foreign(kind)));
        }
        // What is read once is told apart from what breaks off only by its end.
        let outer = Outer::new(io::Cursor::new(head).chain(stream)).map_err(Error::reading(what))?;
        let compression = outer.compression();
        Ok(Self { walk: Walk::new(outer, ENTRY_LIMIT).with_end(true), what: what.to_owned(), compression, next: None })
    }

    /// Names the stream as messages do.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    /// Returns how the stream is compressed as a whole.
    pub(super) fn compression(&self) -> Compression {
        self.compression
    }

    pub(super) fn refuse(&self, fault: ArchiveFault) -> Error {
        Error::Archive { what: self.what.clone(), fault }
    }

    /// Returns clean name and size (in bytes) of the next member without passing it; `None` at the end of the tar. What
    /// was not read of the one before is passed over.
    pub(super) fn peek(&mut self) -> Result<Option<(String, u64)>> {
        if self.next.is_none() {
            self.next = self.advance()?;
        }
        Ok(self.next.clone())
    }

    fn advance(&mut self) -> Result<Option<(String, u64)>> {
        while let Some(entry) = self.walk.next().map_err(Error::reading(self.what.as_str()))? {
            match member(&entry).map_err(Error::reading(self.what.as_str()))? {
                None => {}
                Some((name, None)) => return Ok(Some((name, entry.size))),
                // No list of members in front of us could resolve a link.
                Some((_, Some(_))) => return Err(self.refuse(ArchiveFault::Unordered)),
            }
        }
        Ok(None)
    }

    /// Goes to the next member, which must be the file `wanted`. The size it says is compared with `size`.
    pub(super) fn expect(&mut self, what: &str, wanted: &str, size: u64) -> Result<()> {
        let Some((name, found)) = self.peek()? else {
            let (what, name) = (what.to_owned(), wanted.to_owned());
            return Err(self.refuse(ArchiveFault::Missing { what, name }));
        };
        if name != wanted {
            return Err(self.refuse(ArchiveFault::Place { name: show(name.as_bytes()), wanted: wanted.to_owned() }));
        }
        if found != size {
            let reason = format!("`{wanted}` has {found} bytes, and {size} where it is named");
            return Err(Error::damaged(self.what.as_str(), reason));
        }
        self.next = None;
        Ok(())
    }

    /// Reads all of the next member, whatever it is: the caller has looked at its size.
    pub(super) fn read_next(&mut self) -> Result<Vec<u8>> {
        self.next = None;
        let mut bytes = Vec::new();
        self.walk.read_to_end(&mut bytes).map_err(Error::reading(self.what.as_str()))?;
        Ok(bytes)
    }

    /// Passes the mark at the end of the tar; no member may be in front of it.
    pub(super) fn end(&mut self) -> Result<()> {
        if let Some((name, _)) = self.peek()? {
            let (name, wanted) = (show(name.as_bytes()), "the end".to_owned());
            return Err(self.refuse(ArchiveFault::Place { name, wanted }));
        }
        self.walk.end().map_err(Error::reading(self.what.as_str()))
    }

    /// Reads to the end of the stream, where nothing but zeros may be.
    pub(super) fn drain(&mut self) -> Result<()> {
        self.walk.drain_zeros().map_err(Error::reading(self.what.as_str()))
    }
}

impl Read for Tape {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.walk.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind => io::Error::new(kind, Error::reading(self.what.as_str())(error)),
        })
    }
}
