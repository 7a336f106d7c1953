//! The one pass over a file: what each member is, whatever it should be.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};
use std::rc::Rc;

use dam_oci::archive::{self, Member};
use dam_oci::{Compression, Decompressed, Digest, Error, Hasher, JSON_LIMIT};

/// The most bytes of documents that are kept. A bundle of a thousand apps has a tenth of it.
const KEEP_LIMIT: u64 = 32 << 20;
/// The largest `dam.json` that is kept, in bytes.
const HEAD_LIMIT: u64 = 16 << 20;
/// Bytes of a tar block.
const BLOCK: u64 = 512;
/// Bytes of the two blocks that end a tar.
const END: u64 = 2 * BLOCK;

/// What a pass over an archive found.
#[derive(Default)]
pub(super) struct Pass {
    /// The files that were read whole, by name.
    pub(super) files: BTreeMap<String, Fact>,
    /// What links stand for.
    pub(super) links: HashMap<String, String>,
    /// Archives in the archive, as the bundles of DAM 1.x have.
    pub(super) nested: Vec<Nested>,
    /// Why nothing more could be read, if not all could.
    pub(super) ended: Option<Error>,
    /// Bytes behind the end that are no padding.
    pub(super) trailing: u64,
}

/// An archive in an archive.
pub(super) struct Nested {
    pub(super) name: String,
    pub(super) size: u64,
    /// CRC-32 of all of it.
    pub(super) crc: u32,
    pub(super) pass: Pass,
}

/// A file of an archive.
pub(super) struct Fact {
    /// Its length in bytes.
    pub(super) size: u64,
    pub(super) digest: Digest,
    /// Digest and length when it is unpacked; itself, if it is not compressed.
    pub(super) unpacked: Result<(Digest, u64), String>,
    /// Its bytes, if it may be a document and is small.
    pub(super) bytes: Option<Vec<u8>>,
}

impl Pass {
    /// Reads an archive that may be compressed as a whole. Archives in it are read as well, if `nested`.
    pub(super) fn read(reader: &mut dyn Read, nested: bool) -> Self {
        let mut pass = Self::default();
        let mut budget = KEEP_LIMIT;
        let result = Decompressed::new(reader).map_err(Error::reading("the file")).and_then(|tar| {
            let tail = Tail::default();
            let watched = Watched { inner: tar, tail: tail.clone() };
            archive::stream("the file", watched, &mut |member| {
                match member {
                    Member::Link { name, target } => {
                        pass.links.insert(name.to_owned(), target.to_owned());
                    }
                    Member::File { name, size, content, .. }
                        if nested && !name.contains('/') && name.ends_with(".dam") =>
                    {
                        let mut checked = Checked { inner: content, crc: crc32fast::Hasher::new(), failed: None };
                        let inner = Self::read(&mut checked, false);
                        let crc = checked.finish()?;
                        pass.nested.push(Nested { name: name.to_owned(), size, crc, pass: inner });
                    }
                    Member::File { name, size, content, .. } => {
                        let limit = if name == "dam.json" { HEAD_LIMIT } else { JSON_LIMIT };
                        let keep = size <= limit.min(budget);
                        let fact = Fact::read(name, content, keep)?;
                        budget -= fact.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
                        pass.files.insert(name.to_owned(), fact);
                    }
                }
                tail.mark();
                Ok(())
            })?;
            Ok(tail.trailing())
        });
        match result {
            Ok(trailing) => pass.trailing = trailing,
            Err(error) => pass.ended = Some(error),
        }
        pass
    }

    /// Finds a file, following links.
    pub(super) fn find(&self, name: &str) -> Option<&Fact> {
        let mut name = name;
        for _ in 0..8 {
            match self.links.get(name) {
                Some(target) => name = target,
                None => break,
            }
        }
        self.files.get(name)
    }

    /// Finds a blob of an OCI layout.
    pub(super) fn blob(&self, digest: Digest) -> Option<&Fact> {
        self.find(&blob_name(digest))
    }
}

/// Names a blob as an OCI layout does.
pub(super) fn blob_name(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// Reads the digest in the name of a blob.
pub(super) fn blob_digest(name: &str) -> Option<Digest> {
    Digest::from_hex(name.strip_prefix("blobs/sha256/")?).ok()
}

impl Fact {
    fn read(name: &str, content: &mut dyn Read, keep: bool) -> Result<Self, Error> {
        let mut raw = Hashed { inner: content, hasher: Hasher::default(), size: 0, failed: None };
        let (mut bytes, mut is_plain) = (Vec::new(), false);
        let mut unpacked = Hasher::default();
        let mut length = 0;
        let result = Decompressed::new(&mut raw).and_then(|mut plain| {
            is_plain = plain.compression() == Compression::None;
            let mut buffer = vec![0; 256 << 10];
            loop {
                let count = match plain.read(&mut buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    count => count?,
                };
                let piece = &buffer[..count];
                if count == 0 {
                    return Ok(());
                }
                if keep && is_plain && (length > 0 || is_document(name, piece)) && bytes.len() as u64 == length {
                    bytes.extend_from_slice(piece);
                }
                if !is_plain {
                    unpacked.update(piece);
                }
                length += count as u64;
            }
        });
        let (digest, size) = raw.finish()?;
        let unpacked = match result {
            Ok(()) if is_plain => Ok((digest, size)),
            Ok(()) => Ok((unpacked.finish(), length)),
            Err(error) => Err(error.to_string()),
        };
        let is_kept = keep && bytes.len() as u64 == size && (size == 0 || is_document(name, &bytes));
        Ok(Self { size, digest, unpacked, bytes: is_kept.then_some(bytes) })
    }
}

/// Tells what may be a document: every file at the top, and JSON anywhere.
fn is_document(name: &str, begin: &[u8]) -> bool {
    !name.contains('/') || matches!(begin.first(), Some(b'{' | b'['))
}

/// Hashes what passes, and keeps the error of its source apart from those of whoever reads it.
struct Hashed<'a> {
    inner: &'a mut dyn Read,
    hasher: Hasher,
    size: u64,
    failed: Option<io::Error>,
}

impl Hashed<'_> {
    /// Reads the rest.
    fn finish(mut self) -> Result<(Digest, u64), Error> {
        if self.failed.is_none() {
            // What fails is kept.
            _ = io::copy(&mut self, &mut io::sink());
        }
        match self.failed {
            Some(error) => Err(Error::reading("the file")(error)),
            None => Ok((self.hasher.finish(), self.size)),
        }
    }
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = keep_error(&mut self.failed, self.inner.read(buffer))?;
        self.hasher.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

/// As [`Hashed`], for the checksum of an archive in an archive.
struct Checked<'a> {
    inner: &'a mut dyn Read,
    crc: crc32fast::Hasher,
    failed: Option<io::Error>,
}

impl Checked<'_> {
    fn finish(mut self) -> Result<u32, Error> {
        if self.failed.is_none() {
            _ = io::copy(&mut self, &mut io::sink());
        }
        match self.failed {
            Some(error) => Err(Error::reading("the file")(error)),
            None => Ok(self.crc.finalize()),
        }
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = keep_error(&mut self.failed, self.inner.read(buffer))?;
        self.crc.update(&buffer[..count]);
        Ok(count)
    }
}

/// Keeps an error that ends the reading; whoever reads gets one of no account.
fn keep_error(kept: &mut Option<io::Error>, result: io::Result<usize>) -> io::Result<usize> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::Interrupted => error,
        kind => {
            *kept = Some(error);
            kind.into()
        }
    })
}

/// How far a tar was read, and up to where it is more than zeros.
#[derive(Clone, Default)]
struct Tail {
    at: Rc<Cell<u64>>,
    last: Rc<Cell<u64>>,
    /// The end of the last member.
    end: Rc<Cell<u64>>,
}

impl Tail {
    /// Notes that a member has just been read.
    fn mark(&self) {
        self.end.set(self.at.get().next_multiple_of(BLOCK));
    }

    /// Returns how many bytes follow the end of the tar, if they are not all zero.
    fn trailing(&self) -> u64 {
        if self.last.get() > self.end.get() { self.at.get().saturating_sub(self.end.get() + END) } else { 0 }
    }
}

/// Watches where the bytes end that mean something.
struct Watched<R> {
    inner: R,
    tail: Tail,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(last) = buffer[..count].iter().rposition(|&byte| byte != 0) {
            self.tail.last.set(self.tail.at.get() + last as u64 + 1);
        }
        self.tail.at.set(self.tail.at.get() + count as u64);
        Ok(count)
    }
}
