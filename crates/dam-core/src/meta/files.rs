//! The files of a kept copy, one by one.

use std::io::{self, Read};

use super::KeptCopy;
use super::entry::{Entry, Kind};
use super::index::content;

/// A file or a symbolic link of a `/meta`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeptFile<'a> {
    /// Its name below `/meta`, such as `install`.
    pub(crate) name: &'a [u8],
    /// Permission bits.
    pub(crate) mode: u32,
    /// What it holds.
    pub(crate) content: Content<'a>,
}

/// What a file or link holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content<'a> {
    /// Bytes in the tar.
    File {
        /// Where they start.
        offset: u64,
        /// How many they are.
        size: u64,
    },
    /// The target of a link, which is only text.
    Link(&'a [u8]),
}

impl KeptCopy {
    /// Lists files and links, in byte order of their names. Folders are left out: the names say it all.
    pub(crate) fn files(&self) -> impl Iterator<Item = KeptFile<'_>> {
        self.index.entries.iter().filter_map(|(name, Entry { mode, kind })| {
            let content = match kind {
                Kind::Folder => return None,
                Kind::File { offset, size } => Content::File { offset: *offset, size: *size },
                Kind::Link { target } => Content::Link(target),
            };
            Some(KeptFile { name: name.strip_prefix(b"meta/")?, mode: *mode, content })
        })
    }

    /// Opens what a file of this copy holds. One at a time: they share a position.
    pub(crate) fn read<'a>(&'a self, file: &KeptFile<'a>) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match file.content {
            Content::File { offset, size } => Box::new(content(&self.file, offset, size)?),
            Content::Link(target) => Box::new(target),
        })
    }
}

impl KeptFile<'_> {
    /// Returns the length of what it holds, in bytes.
    pub(crate) fn size(&self) -> u64 {
        match self.content {
            Content::File { size, .. } => size,
            Content::Link(target) => target.len() as u64,
        }
    }
}
