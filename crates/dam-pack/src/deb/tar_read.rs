//! Reading the inner archives of a `.deb` that may come from anywhere.
//!
//! What dpkg reads (v7, ustar, GNU's long names) is read as it does, and pax headers, at which it stops, are skipped and
//! told: <https://manpages.debian.org/bookworm/dpkg-dev/deb.5.en.html>. The `tar` crate was not taken: it reads a long name
//! of any claimed length into memory.

use std::io::{self, Read};

use crate::ReadError;
use crate::deb::tar::{BLOCK, checksum, padding};

/// An entry, its texts not yet taken for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TarEntry {
    pub(crate) name: String,
    pub(crate) kind: TarKind,
    pub(crate) mode: u16,
    pub(crate) owner: String,
    pub(crate) group: String,
    pub(crate) time: u64,
    /// Bytes that follow, none for all but files.
    pub(crate) size: u64,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TarKind {
    File,
    Folder,
    Link(String),
    HardLink(String),
    Special,
}

/// What is told of an archive as it is read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peculiarities {
    /// There is a pax header.
    pub(crate) pax: bool,
    /// There is a long name as GNU writes it.
    pub(crate) long_names: bool,
    /// There is a number that is too large for octal digits.
    pub(crate) large_numbers: bool,
}

/// Entries of an archive.
pub(crate) const MOST_ENTRIES: u64 = 500_000;
/// Bytes of all names of an archive.
const MOST_TEXT: u64 = 64 << 20;
/// Bytes of all contents: a few kilobytes of xz can be gigabytes, which cost time.
const MOST_CONTENT: u64 = 64 << 30;
/// Bytes of one long name, or of one pax header.
const LONGEST_TEXT: u64 = 1 << 20;

/// What is done with an entry and its content, of which it may leave a rest.
pub(crate) type Each<'a> = dyn FnMut(&TarEntry, &mut dyn Read) -> Result<(), ReadError> + 'a;

/// Reads an archive to its end.
pub(crate) fn each_entry(part: &str, input: &mut dyn Read, each: &mut Each) -> Result<Peculiarities, ReadError> {
    let mut reader = TarReader { part, input, seen: Peculiarities::default(), text: 0, long: None, long_target: None };
    let (mut count, mut total) = (0, 0_u64);
    while let Some(block) = reader.header()? {
        let size = number(&block[124..136]).ok_or_else(|| reader.damaged("a header has a bad size"))?;
        // Mode, user, group, size and time.
        reader.seen.large_numbers |= [100, 108, 116, 124, 136].iter().any(|at| block[*at] & 0x80 != 0);
        match block[156] {
            b'L' => reader.long = Some(reader.long_text(size)?),
            b'K' => reader.long_target = Some(reader.long_text(size)?),
            b'x' | b'g' => {
                reader.seen.pax = true;
                reader.long_bytes(size)?;
            }
            _ => {
                count += 1;
                if count > MOST_ENTRIES {
                    return Err(reader.too_much("entries", MOST_ENTRIES));
                }
                let entry = reader.entry(&block, size)?;
                total = total.saturating_add(entry.size);
                if total > MOST_CONTENT {
                    return Err(reader.too_much("bytes of contents", MOST_CONTENT));
                }
                let mut content = (&mut *reader.input).take(entry.size);
                each(&entry, &mut content)?;
                let left = content.limit();
                reader.skip(left + padding(entry.size) as u64)?;
            }
        }
    }
    Ok(reader.seen)
}

struct TarReader<'a> {
    part: &'a str,
    input: &'a mut dyn Read,
    seen: Peculiarities,
    text: u64,
    long: Option<String>,
    long_target: Option<String>,
}

impl TarReader<'_> {
    /// Reads a header and checks its sum; none at the end of the archive.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, ReadError> {
        let mut block = [0; BLOCK];
        self.input.read_exact(&mut block).map_err(|error| compressed(self.part, error))?;
        if block == [0; BLOCK] {
            return Ok(None);
        }
        match number(&block[148..156]) {
            Some(sum) if sum == u64::from(checksum(&block)) => Ok(Some(block)),
            _ => Err(self.damaged("a header does not have the sum that it names")),
        }
    }

    fn entry(&mut self, block: &[u8; BLOCK], size: u64) -> Result<TarEntry, ReadError> {
        let name = match self.long.take() {
            Some(long) => long,
            // Only POSIX's own headers have a prefix; GNU's keep times there.
            None if block[257..263] == *b"ustar\0" && block[345] != 0 => {
                format!("{}/{}", text(&block[345..500]), text(&block[..100]))
            }
            None => text(&block[..100]),
        };
        let target = self.long_target.take().unwrap_or_else(|| text(&block[157..257]));
        let kind = match block[156] {
            0 | b'0' if name.ends_with('/') => TarKind::Folder,
            0 | b'0' | b'7' => TarKind::File,
            b'1' => TarKind::HardLink(target),
            b'2' => TarKind::Link(target),
            b'3' | b'4' | b'6' => TarKind::Special,
            b'5' => TarKind::Folder,
            other => {
                return Err(self.damaged(&format!("an entry is of unknown type `{}`", (other as char).escape_debug())));
            }
        };
        let named = |at: usize, number_at: usize| match text(&block[at..at + 32]) {
            name if name.is_empty() => number(&block[number_at..number_at + 8]).unwrap_or(0).to_string(),
            name => name,
        };
        let entry = TarEntry {
            size: if kind == TarKind::File { size } else { 0 },
            mode: (number(&block[100..108]).unwrap_or(0) & 0o7777) as u16,
            owner: named(265, 108),
            group: named(297, 116),
            time: number(&block[136..148]).unwrap_or(0),
            name,
            kind,
        };
        self.count_text(entry.name.len() as u64)?;
        Ok(entry)
    }

    fn long_text(&mut self, size: u64) -> Result<String, ReadError> {
        self.seen.long_names = true;
        self.long_bytes(size).map(|bytes| text(&bytes))
    }

    fn long_bytes(&mut self, size: u64) -> Result<Vec<u8>, ReadError> {
        if size > LONGEST_TEXT {
            return Err(self.too_much("bytes of a name", LONGEST_TEXT));
        }
        self.count_text(size)?;
        let mut bytes = Vec::new();
        (&mut *self.input).take(size).read_to_end(&mut bytes).map_err(|error| compressed(self.part, error))?;
        // What is missing from the bytes is missing from what follows, too.
        self.skip(padding(size) as u64 + size - bytes.len() as u64)?;
        Ok(bytes)
    }

    fn count_text(&mut self, size: u64) -> Result<(), ReadError> {
        self.text += size;
        if self.text > MOST_TEXT { Err(self.too_much("bytes of names", MOST_TEXT)) } else { Ok(()) }
    }

    fn skip(&mut self, size: u64) -> Result<(), ReadError> {
        let skipped = io::copy(&mut (&mut *self.input).take(size), &mut io::sink());
        match skipped.map_err(|error| compressed(self.part, error))? {
            skipped if skipped < size => Err(compressed(self.part, io::ErrorKind::UnexpectedEof.into())),
            _ => Ok(()),
        }
    }

    fn damaged(&self, fault: &str) -> ReadError {
        ReadError::Damaged { part: self.part.to_owned(), fault: fault.to_owned() }
    }

    fn too_much(&self, what: &'static str, limit: u64) -> ReadError {
        ReadError::TooMuch { part: self.part.to_owned(), what, limit }
    }
}

/// Turns what a decoder said into an error that names the part.
pub(crate) fn compressed(part: &str, source: io::Error) -> ReadError {
    match source.kind() {
        io::ErrorKind::UnexpectedEof => ReadError::Damaged { part: part.to_owned(), fault: "it ends early".to_owned() },
        _ => ReadError::Compressed { part: part.to_owned(), source },
    }
}

/// Reads a text up to its first zero.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Reads a number: octal digits, or GNU's bytes behind a first bit that is set. None if it is neither, or too large.
fn number(bytes: &[u8]) -> Option<u64> {
    if let [first @ 0x80..=0xff, rest @ ..] = bytes {
        // The second bit is the sign.
        let positive = (first & 0x40 == 0).then_some(u64::from(first & 0x3f))?;
        let all = rest.iter().try_fold(positive, |sum, byte| sum.checked_mul(256).map(|sum| sum | u64::from(*byte)));
        return all.filter(|number| *number <= i64::MAX as u64);
    }
    let end = |byte: &u8| matches!(byte, 0 | b' ');
    let start = bytes.iter().position(|byte| *byte != b' ').unwrap_or(bytes.len());
    let digits = bytes[start..].split(end).next().unwrap_or(&[]);
    digits.iter().try_fold(0_u64, |sum, byte| match byte {
        b'0'..=b'7' => sum.checked_mul(8).map(|sum| sum + u64::from(byte - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{TarEntry, TarKind, each_entry, number};
    use crate::deb::tar::{Kind, padding, write_end, write_header};

    fn read(mut bytes: &[u8]) -> Result<Vec<(TarEntry, Vec<u8>)>, String> {
        let mut entries = Vec::new();
        let mut each = |entry: &TarEntry, content: &mut dyn Read| {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).expect("memory");
            entries.push((entry.clone(), bytes));
            Ok(())
        };
        each_entry("data.tar", &mut bytes, &mut each).map_err(|error| error.to_string())?;
        Ok(entries)
    }

    fn one(name: &str, kind: Kind, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_header(&mut bytes, name, kind, 0o4755, 7).expect("written");
        bytes.extend_from_slice(content);
        bytes.extend(vec![0; padding(content.len() as u64)]);
        write_end(&mut bytes).expect("written");
        bytes
    }

    #[test]
    fn numbers_are_octal_or_gnus() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"   644 \0"), Some(0o644));
        assert_eq!(number(b"\0\0\0\0"), Some(0));
        assert_eq!(number(b"9\0"), None);
        assert_eq!(number(b"77777777777777777777777"), None);
        assert_eq!(number(&[0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 1]), None);
        assert_eq!(number(&[0x80, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1]), None);
        assert_eq!(number(&[0x80, 0, 0, 0, 0, 0, 1, 0]), Some(256));
        assert_eq!(number(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1]), Some((2 << 32) + 1));
        assert_eq!(number(&[0xff; 12]), None);
    }

    #[test]
    fn what_is_not_whole_is_told() {
        let whole = one("./a", Kind::File { size: 600 }, &[1; 600]);
        assert_eq!(read(&whole).expect("good")[0].1, [1; 600]);
        for length in [0, 100, 512, 700, 1_200, 1_535] {
            assert_eq!(read(&whole[..length]).expect_err("short"), "data.tar: it ends early", "{length}");
        }
        let mut sum = whole.clone();
        sum[0] = b'x';
        assert_eq!(read(&sum).expect_err("bad"), "data.tar: a header does not have the sum that it names");
    }

    #[test]
    fn a_long_name_is_not_endless() {
        let mut bytes = Vec::new();
        write_header(&mut bytes, "./@LongLink", Kind::File { size: 2 << 20 }, 0, 0).expect("written");
        // Of another type: the sum changes with it.
        bytes[156] = b'L';
        let sum = super::checksum(bytes[..512].try_into().expect("a block"));
        bytes[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        assert_eq!(read(&bytes).expect_err("long"), "data.tar: more than 1048576 bytes of a name");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            name in "\\./[a-z/]{1,300}[a-z]", target in "[a-z./]{1,300}",
            content in proptest::collection::vec(any::<u8>(), 0..1_500),
        ) {
            let entry = |bytes: &[u8]| read(bytes).expect("good").remove(0);
            let (file, back) = entry(&one(&name, Kind::File { size: content.len() as u64 }, &content));
            prop_assert_eq!((&file.name, &file.kind, back), (&name, &TarKind::File, content));
            prop_assert_eq!((file.mode, file.time, &*file.owner, &*file.group), (0o4755, 7, "root", "root"));
            let (link, _) = entry(&one(&name, Kind::Link { target: &target }, b""));
            prop_assert_eq!((link.name, link.kind), (name, TarKind::Link(target)));
        }

        #[test]
        fn damage_is_an_error_or_nothing(
            at in any::<proptest::sample::Index>(), byte in any::<u8>(), right in any::<bool>(),
        ) {
            let long = "a".repeat(150);
            let mut bytes = one(&long, Kind::Link { target: &long }, b"");
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if right {
                // As one who means harm would have it.
                for block in bytes.chunks_exact_mut(512) {
                    let sum = super::checksum((&*block).try_into().expect("a block"));
                    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
                }
            }
            let _ = read(&bytes);
        }
    }
}
