//! A build context as a value.

mod archive;
mod scan;

use std::any::Any;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

pub(crate) use archive::SizedReader;

/// What a build is given: folders, files and links, sorted by the bytes of their paths.
///
/// The files of a scanned folder stay where they are and are read when they are needed; the folder is never written
/// to. A file can be put in the place of another, which is how expanded files get in.
#[derive(Default)]
pub struct Context {
    entries: BTreeMap<String, Entry>,
    keep: Vec<Box<dyn Any + Send + Sync>>,
}

/// One thing in a [`Context`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path relative to the context, with `/` and without `.` or `..`.
    pub path: String,
    /// Permission bits, with set-user-id, set-group-id and sticky.
    pub mode: u32,
    /// What it is.
    pub kind: EntryKind,
    /// Kept out by `.dockerignore`, and sent to an engine all the same: [`Context::write_tar`] writes it, `COPY` does
    /// not see it.
    pub excluded: bool,
}

/// What an [`Entry`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A file.
    File {
        /// Length in bytes.
        size: u64,
        /// Where the bytes are.
        source: Source,
    },
    /// A symbolic link, never followed.
    Symlink {
        /// Where it points, as it is.
        target: String,
    },
}

/// Where the bytes of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In a file.
    Disk(PathBuf),
    /// Here.
    Bytes(Arc<[u8]>),
}

impl Entry {
    /// Makes a folder.
    pub fn folder(path: &str, mode: u32) -> Self {
        Self { path: path.to_owned(), mode, kind: EntryKind::Folder, excluded: false }
    }

    /// Makes a file of bytes at hand.
    pub fn bytes(path: &str, mode: u32, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes: Arc<[u8]> = bytes.into().into();
        let kind = EntryKind::File { size: bytes.len() as u64, source: Source::Bytes(bytes) };
        Self { path: path.to_owned(), mode, kind, excluded: false }
    }

    /// Makes a file whose `size` bytes are in the file `source`.
    pub fn disk(path: &str, mode: u32, size: u64, source: impl Into<PathBuf>) -> Self {
        let kind = EntryKind::File { size, source: Source::Disk(source.into()) };
        Self { path: path.to_owned(), mode, kind, excluded: false }
    }

    /// Makes a symbolic link.
    pub fn symlink(path: &str, target: &str) -> Self {
        let kind = EntryKind::Symlink { target: target.to_owned() };
        Self { path: path.to_owned(), mode: 0o777, kind, excluded: false }
    }
}

impl Context {
    /// Makes an empty context.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry, in the place of what was at its path, and the folders above it (0755) where they are missing.
    ///
    /// Returns what was there.
    pub fn insert(&mut self, entry: Entry) -> Option<Entry> {
        for (at, _) in entry.path.match_indices('/') {
            let parent = &entry.path[..at];
            if !self.entries.contains_key(parent) {
                self.entries.insert(parent.to_owned(), Entry::folder(parent, 0o755));
            }
        }
        self.entries.insert(entry.path.clone(), entry)
    }

    /// Puts `entry` in the place of the entry at `path`, whose path it may differ from (`a.exp` becomes `a`).
    ///
    /// Returns what was at `path`.
    pub fn replace(&mut self, path: &str, entry: Entry) -> Option<Entry> {
        let before = self.entries.remove(path);
        self.insert(entry);
        before
    }

    /// Takes out the entry at `path`. What lies below a folder stays.
    pub fn remove(&mut self, path: &str) -> Option<Entry> {
        self.entries.remove(path)
    }

    /// Returns the entry at `path`.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// Returns all entries, sorted by the bytes of their paths.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Holds on to `guard`, such as a temporary folder that entries point into, as long as the context lives.
    pub fn keep(&mut self, guard: impl Any + Send + Sync) {
        self.keep.push(Box::new(guard));
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
