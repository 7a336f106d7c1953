//! Writing a tar whose bytes depend on nothing but names and content.

use std::io::{self, BufWriter, Read, Write};

use tar::{EntryType, Header};

use crate::{Error, Result};

/// Bytes that are written at once. Archives lie on sticks and network shares, which like it big.
const BUFFER: usize = 1 << 20;

/// The largest number in the 11 octal digits of a header.
const OCTAL_LIMIT: u64 = 0o777_7777_7777;

/// Writes a tar: owner 0, time 0, files of mode 0644, names as given, so that equal content gives equal bytes.
///
/// Headers are ustar; what does not fit (names over 256 bytes, files of 8 GiB) goes into a pax header in front of the
/// entry. Folders are not written for the files in them: neither `docker load` nor `podman load` needs them.
///
/// Format: <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06>.
pub struct ArchiveWriter<W: Write> {
    out: BufWriter<W>,
}

/// What stands in the header of an entry.
pub(crate) struct NewEntry<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) kind: EntryType,
    /// The target of a link, else empty.
    pub(crate) link: &'a [u8],
    pub(crate) mode: u32,
    pub(crate) mtime: u64,
    pub(crate) size: u64,
}

impl<W: Write> ArchiveWriter<W> {
    /// Writes to `out`, in pieces of 1 MiB.
    pub fn new(out: W) -> Self {
        Self { out: BufWriter::with_capacity(BUFFER, out) }
    }

    /// Adds a file of known content.
    ///
    /// # Errors
    /// [`Error::Stream`] where `out` cannot be written.
    pub fn add_bytes(&mut self, name: &str, mut content: &[u8]) -> Result<()> {
        self.add_stream(name, content.len() as u64, &mut content)
    }

    /// Adds a file of `size` bytes, read from `content` to its end.
    ///
    /// # Errors
    /// [`Error::Stream`] where `out` cannot be written or `content` not be read, [`Error::Damaged`] where `content` is
    /// shorter or longer than `size`. The archive is of no use then.
    pub fn add_stream(&mut self, name: &str, size: u64, content: &mut dyn Read) -> Result<()> {
        let (kind, link) = (EntryType::Regular, &b""[..]);
        self.add(&NewEntry { name: name.as_bytes(), kind, link, mode: 0o644, mtime: 0, size }, content)
    }

    /// Adds an entry of any kind.
    pub(crate) fn add(&mut self, entry: &NewEntry<'_>, content: &mut dyn Read) -> Result<()> {
        let name = String::from_utf8_lossy(entry.name);
        let writing = || Error::stream(format!("archive at `{name}`"));
        let (pax, header) = headers(entry);
        if !pax.is_empty() {
            self.write_block(pax_header(pax.len() as u64).as_bytes(), &pax).map_err(writing())?;
        }
        self.write_block(header.as_bytes(), &[]).map_err(writing())?;
        let mut buffer = vec![0; entry.size.min(BUFFER as u64) as usize];
        let mut left = entry.size;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let count = match content.read(&mut buffer[..most]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                count => count.map_err(Error::stream(format!("`{name}`")))?,
            };
            if count == 0 {
                return Err(Error::damaged(format!("`{name}`"), format!("it ends {left} bytes early")));
            }
            self.out.write_all(&buffer[..count]).map_err(writing())?;
            left -= count as u64;
        }
        if content.read(&mut [0]).map_err(Error::stream(format!("`{name}`")))? != 0 {
            return Err(Error::damaged(format!("`{name}`"), format!("it is longer than its {} bytes", entry.size)));
        }
        self.pad(entry.size).map_err(writing())
    }

    /// Ends the archive and returns what it was written to, flushed.
    ///
    /// # Errors
    /// [`Error::Stream`] where the rest cannot be written. An archive that is only dropped has no end.
    pub fn finish(mut self) -> Result<W> {
        self.out.write_all(&[0; 1024]).map_err(Error::stream("end of the archive"))?;
        self.out.into_inner().map_err(|error| Error::stream("end of the archive")(error.into_error()))
    }

    fn write_block(&mut self, header: &[u8], content: &[u8]) -> io::Result<()> {
        self.out.write_all(header)?;
        self.out.write_all(content)?;
        self.pad(content.len() as u64)
    }

    fn pad(&mut self, size: u64) -> io::Result<()> {
        let padding = size.next_multiple_of(512) - size;
        self.out.write_all(&[0; 512][..padding as usize])
    }
}

/// Makes the header of an entry, and the pax records for what does not fit into it.
fn headers(entry: &NewEntry<'_>) -> (Vec<u8>, Header) {
    let mut pax = Vec::new();
    let mut header = Header::new_ustar();
    header.set_entry_type(entry.kind);
    header.set_mode(entry.mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(entry.mtime.min(OCTAL_LIMIT));
    match entry.size {
        0..=OCTAL_LIMIT => header.set_size(entry.size),
        size => {
            header.set_size(0);
            record(&mut pax, "size", size.to_string().as_bytes());
        }
    }
    let ustar = header.as_ustar_mut().expect("made as ustar");
    match split(entry.name) {
        Some((prefix, name)) => {
            ustar.prefix[..prefix.len()].copy_from_slice(prefix);
            ustar.name[..name.len()].copy_from_slice(name);
        }
        None => {
            ustar.name.copy_from_slice(&entry.name[..100]);
            record(&mut pax, "path", entry.name);
        }
    }
    let fits = entry.link.len().min(ustar.linkname.len());
    ustar.linkname[..fits].copy_from_slice(&entry.link[..fits]);
    if fits < entry.link.len() {
        record(&mut pax, "linkpath", entry.link);
    }
    header.set_cksum();
    (pax, header)
}

fn pax_header(size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::XHeader);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.as_ustar_mut().expect("made as ustar").name[..3].copy_from_slice(b"pax");
    header.set_cksum();
    header
}

/// Splits a name into prefix (up to 155 bytes) and the rest (up to 100), at a slash; `None` if it cannot be.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= 100 {
        return Some((b"", name));
    }
    // The slash between the two is not stored. The last byte of a folder's name is a slash that must stay.
    let slash = name.len() - 101..name.len() - 1;
    let at = slash.start + name.get(slash)?.iter().position(|&byte| byte == b'/')?;
    (at > 0 && at <= 155).then(|| (&name[..at], &name[at + 1..]))
}

/// Appends a pax record, whose length counts itself.
fn record(pax: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    pax.extend_from_slice(format!("{length} {key}=").as_bytes());
    pax.extend_from_slice(value);
    pax.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::{prop, proptest};

    use super::ArchiveWriter;

    fn read(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
        let entry = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
            let mut entry = entry.expect("a sound entry");
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("memory does not fail");
            (String::from_utf8_lossy(&entry.path_bytes()).into_owned(), content)
        };
        tar::Archive::new(archive).entries().expect("a tar").map(entry).collect()
    }

    fn write(files: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut archive = ArchiveWriter::new(Vec::new());
        files.iter().for_each(|(name, content)| archive.add_bytes(name, content).expect("memory does not fail"));
        archive.finish().expect("memory does not fail")
    }

    #[test]
    fn a_small_archive_is_two_blocks_and_the_end() {
        let bytes = write(&[("a".into(), b"hello".to_vec())]);
        assert_eq!(bytes.len(), 512 + 512 + 1024);
        assert_eq!(&bytes[..108], [b"a".as_slice(), &[0; 99], b"0000644\0"].concat());
        assert_eq!(bytes, write(&[("a".into(), b"hello".to_vec())]));
    }

    #[test]
    fn a_stream_must_have_the_size_it_was_given() {
        let add = |size, mut content: &[u8]| {
            let error = ArchiveWriter::new(Vec::new()).add_stream("a", size, &mut content).expect_err("wrong size");
            error.to_string()
        };
        assert_eq!(add(6, b"hello"), "`a` is damaged: it ends 1 bytes early");
        assert_eq!(add(4, b"hello"), "`a` is damaged: it is longer than its 4 bytes");
        assert_eq!(add(0, b"hello"), "`a` is damaged: it is longer than its 0 bytes");
    }

    #[test]
    fn files_over_8_gib_carry_their_size_in_pax() {
        let (kind, link) = (tar::EntryType::Regular, &b""[..]);
        let entry = super::NewEntry { name: b"big", kind, link, mode: 0o644, mtime: 0, size: 1 << 33 };
        let (pax, header) = super::headers(&entry);
        assert_eq!(pax, b"19 size=8589934592\n");
        assert_eq!(header.entry_size().expect("a number"), 0);
    }

    proptest! {
        #[test]
        fn others_read_what_was_written(
            files in prop::collection::vec(("[a-c/é]{1,300}", prop::collection::vec(0..255_u8, 0..2000)), 0..6)
        ) {
            assert_eq!(read(&write(&files)), files);
        }
    }
}
