//! Writing tars whose bytes depend on nothing but what is in them.
//!
//! `tar::Builder` decides too much by itself (modes, sparse files, an 8 KiB copy buffer); of it only the encoding of
//! headers and of long names is used. Format: <https://www.gnu.org/software/tar/manual/html_node/Standard.html>.

use std::io::{self, Write};
use std::path::Path;

use tar::{Builder, EntryType, Header};

/// Bytes read from a file at a time.
const BUFFER: usize = 256 << 10;

/// What the header of an entry says. The path has no leading or trailing slash.
pub(crate) struct Facts<'a> {
    pub(crate) path: &'a str,
    pub(crate) kind: EntryType,
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    /// Seconds since 1970.
    pub(crate) mtime: u64,
    /// Bytes of content that follow.
    pub(crate) size: u64,
    /// Where a symbolic link points.
    pub(crate) target: &'a str,
    /// Extended attributes by full name, such as `security.capability`.
    pub(crate) xattrs: &'a [(String, Vec<u8>)],
}

impl<'a> Facts<'a> {
    /// Owner root, time 0, no content.
    pub(crate) fn new(path: &'a str, kind: EntryType) -> Self {
        Self { path, kind, mode: 0, uid: 0, gid: 0, mtime: 0, size: 0, target: "", xattrs: &[] }
    }
}

/// Writes headers and contents one after the other. The caller writes exactly as many bytes as the header promised.
pub(crate) struct TarWriter<W: Write> {
    builder: Builder<W>,
    buffer: Box<[u8]>,
}

impl<W: Write> TarWriter<W> {
    pub(crate) fn new(writer: W) -> Self {
        Self { builder: Builder::new(writer), buffer: vec![0; BUFFER].into_boxed_slice() }
    }

    /// Writes a header.
    pub(crate) fn header(&mut self, facts: &Facts) -> io::Result<()> {
        if !facts.xattrs.is_empty() {
            let keys: Vec<String> = facts.xattrs.iter().map(|(name, _)| format!("SCHILY.xattr.{name}")).collect();
            let values = facts.xattrs.iter().map(|(_, value)| value.as_slice());
            self.builder.append_pax_extensions(keys.iter().map(String::as_str).zip(values))?;
        }
        let mut header = Header::new_gnu();
        header.set_entry_type(facts.kind);
        header.set_mode(facts.mode);
        header.set_uid(facts.uid);
        header.set_gid(facts.gid);
        header.set_mtime(facts.mtime);
        header.set_size(facts.size);
        match facts.kind {
            EntryType::Directory => self.builder.append_data(&mut header, format!("{}/", facts.path), io::empty()),
            EntryType::Symlink => match header.set_link_name_literal(facts.target) {
                Ok(()) => self.builder.append_data(&mut header, facts.path, io::empty()),
                Err(_) => self.builder.append_link(&mut header, facts.path, Path::new(facts.target)),
            },
            _ => self.builder.append_data(&mut header, facts.path, io::empty()),
        }
    }

    /// Writes content.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.builder.get_mut().write_all(bytes)
    }

    /// Returns the buffer to read content into, for [`TarWriter::write_buffered`].
    pub(crate) fn buffer(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    /// Writes the first `count` bytes of the buffer.
    pub(crate) fn write_buffered(&mut self, count: usize) -> io::Result<()> {
        self.builder.get_mut().write_all(&self.buffer[..count])
    }

    /// Fills up the last block behind a content of `size` bytes.
    pub(crate) fn pad(&mut self, size: u64) -> io::Result<()> {
        let odd = (size % 512) as usize;
        self.write(&[0; 512][..(512 - odd) % 512])
    }

    /// Writes the end and gives the writer back.
    pub(crate) fn finish(self) -> io::Result<W> {
        self.builder.into_inner()
    }
}
