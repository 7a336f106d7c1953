//! Reading a tar entry by entry, trusting nothing.
//!
//! Format: <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06> and GNU's long names,
//! <https://www.gnu.org/software/tar/manual/html_node/Standard.html>. Headers are decoded by the `tar` crate; its own
//! iterator is not used, because it reads extended headers of any length into memory and does not say how much of a
//! truncated archive is missing.

use std::io::{self, Read};

use tar::{EntryType, Header};

use crate::archive::name::show;
use crate::archive::source::Source;
use crate::archive::{ArchiveFault, pax};

const BLOCK: u64 = 512;

/// The longest extended header that is read, in bytes. Linux allows 64 KiB for one extended attribute.
const EXTENSION_LIMIT: u64 = 1 << 20;

/// The most padding behind the end, in bytes: more than any tape's block. What is compressed well could go on for hours.
const TRAILER_LIMIT: u64 = 64 << 20;

/// An entry of a tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The name as it was written.
    pub(crate) name: Vec<u8>,
    /// What it is.
    pub(crate) kind: Kind,
    /// Length of the content in bytes; 0 for all but files.
    pub(crate) size: u64,
    /// Permission bits.
    pub(crate) mode: u32,
    /// Seconds since 1970.
    pub(crate) mtime: u64,
    /// Where the content begins, in bytes of the uncompressed tar.
    pub(crate) offset: u64,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    /// With its target as it was written.
    Symlink(Vec<u8>),
    /// With the name of the other entry as it was written.
    HardLink(Vec<u8>),
    /// Something without content; what it is, with its article.
    Special(&'static str),
}

/// Walks the entries of a tar. Reading from it reads the content of the entry returned last.
///
/// Faults of the tar are [`io::Error`]s with an [`ArchiveFault`] inside; [`crate::Error::stream`] brings it to light.
pub(crate) struct Walk<S> {
    source: S,
    /// Bytes passed so far.
    at: u64,
    /// Bytes of the current entry's content not yet read.
    left: u64,
    /// Bytes of padding behind it.
    padding: u64,
    current: Vec<u8>,
    entries: u64,
    headers: u64,
    limit: u64,
    needs_end: bool,
}

impl<S: Source> Walk<S> {
    /// Walks `source`, at most `limit` entries.
    pub(crate) fn new(source: S, limit: u64) -> Self {
        let current = Vec::new();
        Self { source, at: 0, left: 0, padding: 0, current, entries: 0, headers: 0, limit, needs_end: false }
    }

    /// Asks for the block of zeros that ends a tar, for a source whose last bytes may be missing.
    pub(crate) fn with_end(mut self, needs_end: bool) -> Self {
        self.needs_end = needs_end;
        self
    }

    /// Goes to the next entry, past whatever of the current one was not read.
    pub(crate) fn next(&mut self) -> io::Result<Option<Entry>> {
        let mut long = Extensions::default();
        loop {
            self.finish()?;
            let offset = self.at;
            let Some(header) = self.header()? else {
                return match long.any() {
                    true => Err(damaged(offset, "describes an entry that does not follow")),
                    false => Ok(None),
                };
            };
            // An extended header counts as well: a stream of nothing else must end too. At most two belong to an entry
            // (`L` and `K`, or `x`), so three times the limit is never reached by what is allowed.
            self.headers += 1;
            if self.headers > self.limit.saturating_mul(3) {
                return Err(invalid(ArchiveFault::Entries { limit: self.limit }));
            }
            let size = header.entry_size().map_err(|_| damaged(offset, "has a size that is no number"))?;
            match header.entry_type() {
                EntryType::XHeader => {
                    let pax = pax::parse(&self.extension(offset, size)?).map_err(|reason| damaged(offset, reason))?;
                    long.put_pax(pax).ok_or_else(|| damaged(offset, "is the second of its kind for one entry"))?;
                }
                EntryType::GNULongName | EntryType::GNULongLink => {
                    let is_name = header.entry_type() == EntryType::GNULongName;
                    let mut bytes = self.extension(offset, size)?;
                    bytes.truncate(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
                    let place = if is_name { &mut long.name } else { &mut long.link };
                    if place.replace(bytes).is_some() {
                        return Err(damaged(offset, "is the second of its kind for one entry"));
                    }
                }
                EntryType::XGlobalHeader => {
                    let pax = pax::parse(&self.extension(offset, size)?).map_err(|reason| damaged(offset, reason))?;
                    // Comments, as `git archive` writes, are fine; a name or size for all entries is only ever a trick.
                    if pax != pax::Pax::default() {
                        return Err(damaged(offset, "sets names or sizes for all entries"));
                    }
                }
                _ => return self.entry(&header, offset, size, long).map(Some),
            }
        }
    }

    /// Makes an entry of its header and the extended headers before it.
    fn entry(&mut self, header: &Header, offset: u64, size: u64, long: Extensions) -> io::Result<Entry> {
        let pax = long.pax.unwrap_or_default();
        let name = pax.path.or(long.name).unwrap_or_else(|| header.path_bytes().into_owned());
        let link = || pax.link.or(long.link).or_else(|| header.link_name_bytes().map(Vec::from)).unwrap_or_default();
        let special = |kind| Kind::Special(kind);
        let kind = match header.entry_type() {
            _ if pax.sparse => special("a file with holes in GNU's packed form"),
            // Before POSIX, a folder was a file whose name ends in a slash.
            EntryType::Regular if name.ends_with(b"/") && !is_posix(header) => Kind::Folder,
            EntryType::Regular | EntryType::Continuous => Kind::File,
            EntryType::Directory => Kind::Folder,
            EntryType::Symlink => Kind::Symlink(link()),
            EntryType::Link => Kind::HardLink(link()),
            EntryType::Char | EntryType::Block => special("a device"),
            EntryType::Fifo => special("a pipe"),
            EntryType::GNUSparse => special("a file with holes in GNU's packed form"),
            _ => special("of an unknown kind"),
        };
        let size = pax.size.unwrap_or(size);
        // Readers disagree whether content follows such an entry, so the same bytes could be two archives.
        if size > 0 && !matches!(kind, Kind::File | Kind::Special(_)) {
            return Err(damaged(offset, "gives content to something that has none"));
        }
        self.entries += 1;
        if self.entries > self.limit {
            return Err(invalid(ArchiveFault::Entries { limit: self.limit }));
        }
        if header.entry_type() == EntryType::GNUSparse {
            self.skip_sparse_map(header)?;
        }
        self.expect(offset, size, &name)?;
        let number = |value: io::Result<u64>| value.unwrap_or_default();
        let mode = header.mode().unwrap_or(0o644) & 0o7777;
        Ok(Entry { name, kind, size, mode, mtime: number(header.mtime()), offset: self.at })
    }

    /// Reads the next header; `None` at the end of the tar.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let mut block = [0; BLOCK as usize];
        let count = read_full(&mut self.source, &mut block)?;
        let offset = self.at;
        self.at += count as u64;
        match count as u64 {
            // Some writers leave out the two zero blocks at the end; a missing member shows itself elsewhere.
            0 if !self.needs_end => return Ok(None),
            BLOCK => {}
            _ => return Err(invalid(ArchiveFault::ShortHeader { offset })),
        }
        if block.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        let sum = |from: usize, to: usize| block[from..to].iter().map(|&byte| u32::from(byte)).sum::<u32>();
        let expected = sum(0, 148) + 8 * u32::from(b' ') + sum(156, 512);
        let header = Header::from_byte_slice(&block);
        if header.cksum().ok() != Some(expected) {
            return Err(match offset == 0 && &block[257..262] != b"ustar" {
                true => invalid(ArchiveFault::NotTar),
                false => damaged(offset, "does not match its checksum"),
            });
        }
        Ok(Some(header.clone()))
    }

    /// Passes over the list of holes of GNU's old packed form, whose further blocks no size counts.
    fn skip_sparse_map(&mut self, header: &Header) -> io::Result<()> {
        let mut more = header.as_bytes()[482] != 0;
        let mut block = [0; BLOCK as usize];
        while more {
            let offset = self.at;
            let count = read_full(&mut self.source, &mut block)?;
            self.at += count as u64;
            if count < block.len() {
                return Err(invalid(ArchiveFault::ShortHeader { offset }));
            }
            more = block[504] != 0;
        }
        Ok(())
    }

    /// Reads the content of an extended header.
    fn extension(&mut self, offset: u64, size: u64) -> io::Result<Vec<u8>> {
        if size > EXTENSION_LIMIT {
            return Err(damaged(offset, "is longer than any name"));
        }
        self.expect(offset, size, b"extended header")?;
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Expects `size` bytes of content named `name`.
    fn expect(&mut self, offset: u64, size: u64, name: &[u8]) -> io::Result<()> {
        if size > i64::MAX as u64 {
            return Err(damaged(offset, "has a size that cannot be"));
        }
        self.left = size;
        self.padding = size.next_multiple_of(BLOCK) - size;
        self.current = name.to_vec();
        Ok(())
    }

    /// Passes over what is left of the current entry.
    fn finish(&mut self) -> io::Result<()> {
        let skipped = self.source.skip(self.left)?;
        self.at += skipped;
        self.left -= skipped;
        if self.left > 0 {
            return Err(self.short());
        }
        // Without the padding all content is there; the missing entries behind it show themselves.
        self.at += self.source.skip(self.padding)?;
        self.padding = 0;
        Ok(())
    }

    fn short(&self) -> io::Error {
        invalid(ArchiveFault::Short { member: show(&self.current), missing: self.left })
    }

    /// Reads the second of the two blocks of zeros at the end, once [`Walk::next`] has returned none.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        let mut block = [0; BLOCK as usize];
        let (offset, count) = (self.at, read_full(&mut self.source, &mut block)?);
        self.at += count as u64;
        match count == block.len() {
            true if block == [0; BLOCK as usize] => Ok(()),
            true => Err(invalid(ArchiveFault::Trailing)),
            false => Err(invalid(ArchiveFault::ShortHeader { offset })),
        }
    }

    /// Reads to the end of the source, where nothing but zeros may be.
    pub(crate) fn drain_zeros(&mut self) -> io::Result<()> {
        let mut block = [0; BLOCK as usize];
        let mut left = TRAILER_LIMIT;
        loop {
            let count = read_full(&mut self.source, &mut block)?;
            left = left.saturating_sub(count as u64);
            match count {
                0 => return Ok(()),
                count if left == 0 || block[..count].iter().any(|&byte| byte != 0) => {
                    return Err(invalid(ArchiveFault::Trailing));
                }
                _ => {}
            }
        }
    }

    /// Reads to the end of the source, so that a checksum there is looked at.
    pub(crate) fn drain(mut self) -> io::Result<()> {
        match self.source.skip(TRAILER_LIMIT)? {
            TRAILER_LIMIT => Err(damaged(self.at, "is the last, but a lot follows")),
            _ => Ok(()),
        }
    }
}

impl<S: Source> Read for Walk<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.source.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(self.short());
        }
        self.left -= count as u64;
        self.at += count as u64;
        Ok(count)
    }
}

/// What extended headers said of the entry to come.
#[derive(Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    pax: Option<pax::Pax>,
}

impl Extensions {
    fn any(&self) -> bool {
        self.name.is_some() || self.link.is_some() || self.pax.is_some()
    }

    fn put_pax(&mut self, pax: pax::Pax) -> Option<()> {
        self.pax.replace(pax).is_none().then_some(())
    }
}

fn is_posix(header: &Header) -> bool {
    header.as_ustar().is_some() || header.as_gnu().is_some()
}

/// Reads until `buffer` is full or the stream ends.
pub(crate) fn read_full(reader: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Wraps a fault to travel through [`Read`].
pub(crate) fn invalid(fault: ArchiveFault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, fault)
}

fn damaged(offset: u64, reason: &'static str) -> io::Error {
    invalid(ArchiveFault::Header { offset, reason })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::{any, prop, proptest};

    use super::{Kind, Walk};
    use crate::archive::source::Stream;

    fn walk(bytes: &[u8]) -> Vec<(String, u64)> {
        let mut walk = Walk::new(Stream(bytes), 100);
        let mut found = Vec::new();
        while let Ok(Some(entry)) = walk.next() {
            let mut content = Vec::new();
            if walk.read_to_end(&mut content).is_err() {
                break;
            }
            assert_eq!(content.len() as u64, entry.size);
            found.push((String::from_utf8_lossy(&entry.name).into_owned(), entry.size));
        }
        found
    }

    fn small() -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, size) in [("a".to_owned(), 3), ("b".repeat(300), 700), ("c".to_owned(), 0)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(size);
            header.set_mode(0o600);
            tar.append_data(&mut header, name, std::io::repeat(7).take(size)).expect("memory does not fail");
        }
        tar.into_inner().expect("memory does not fail")
    }

    #[test]
    fn entries_come_in_order_with_long_names() {
        assert_eq!(walk(&small()), [("a".to_owned(), 3), ("b".repeat(300), 700), ("c".to_owned(), 0)]);
    }

    #[test]
    fn a_name_of_a_gigabyte_is_not_read() {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(1 << 30);
        header.set_cksum();
        let bytes = header.as_bytes().as_slice().chain(std::io::repeat(b'a'));
        let fault = Walk::new(Stream(bytes), 10).next().expect_err("too long");
        assert_eq!(fault.to_string(), "is damaged: the header at byte 0 is longer than any name");
    }

    #[test]
    fn links_carry_no_content() {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(512);
        header.set_cksum();
        assert!(Walk::new(Stream(&header.as_bytes()[..]), 10).next().is_err());
        header.set_size(0);
        header.set_link_name("there").expect("short");
        header.set_cksum();
        let entry = Walk::new(Stream(&header.as_bytes()[..]), 10).next().expect("good").expect("one");
        assert_eq!(entry.kind, Kind::Symlink(b"there".to_vec()));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
            walk(&bytes);
        }

        #[test]
        fn flipped_and_cut_tars_never_panic(at in 0..4096_usize, bit in 0..8_u8, cut in 0..6000_usize) {
            let mut bytes = small();
            let at = at % bytes.len();
            bytes[at] ^= 1_u8 << bit;
            // The checksum is mended, so that the fields behind it are reached.
            if let Some(block) = bytes.get_mut(at / 512 * 512..at / 512 * 512 + 512) {
                let mut header = tar::Header::from_byte_slice(block).clone();
                header.set_cksum();
                block.copy_from_slice(header.as_bytes());
            }
            bytes.truncate(cut);
            walk(&bytes);
        }
    }
}
