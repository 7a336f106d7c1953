//! What one layer says of the folder.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::archive::{ArchiveFault, Entry, Kind, Section, Stream, Walk, clean, show};
use crate::subtree::budget::Budget;
use crate::{Error, Result};

/// The most entries of a layer. Only those of the folder are kept; this bounds nothing but the time.
const ENTRY_LIMIT: u64 = 50_000_000;

/// The longest path, as Linux has it, in bytes.
const PATH_LIMIT: usize = 4096;

/// One line of what a layer says.
pub(super) struct Change {
    /// Clean path from the root of the image: the folder, something in it, or something above it.
    pub(super) path: Vec<u8>,
    pub(super) what: What,
}

/// What a layer does at a path.
#[derive(Clone)]
pub(super) enum What {
    /// Hides what lower layers have there.
    Gone,
    /// Hides what lower layers have in there.
    Emptied,
    /// Puts something there.
    Put(Node),
    /// Puts there what is, in the same layer, at another path.
    Link(Vec<u8>),
}

/// Something in the folder.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    pub(super) mode: u32,
    pub(super) mtime: u64,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum NodeKind {
    Folder,
    /// Place in the spool file.
    File {
        offset: u64,
        size: u64,
    },
    Symlink(Vec<u8>),
}

/// What one layer says of the folder; the content of its files is in a file without a name.
pub(super) struct Spool {
    root: Vec<u8>,
    layer: String,
    scratch: PathBuf,
    file: Option<Arc<File>>,
    length: u64,
    pub(super) changes: Vec<Change>,
    /// Files outside of the folder that hard links in it name, as far as they were found.
    pub(super) outside: HashMap<Vec<u8>, Option<Node>>,
}

impl Spool {
    pub(super) fn new(root: &[u8], layer: String, scratch: &Path) -> Self {
        let (changes, outside) = (Vec::new(), HashMap::new());
        Self { root: root.to_vec(), layer, scratch: scratch.to_owned(), file: None, length: 0, changes, outside }
    }

    /// Reads the layer.
    pub(super) fn read(&mut self, layer: &mut dyn Read, budget: &mut Budget) -> Result<()> {
        self.walk(layer, &mut |spool, path, entry, content| {
            let what = match what(&path, &entry, &spool.root) {
                None => return Ok(()),
                Some(Found::Change(path, what)) => {
                    spool.take(budget, path.len(), 0)?;
                    spool.changes.push(Change { path, what });
                    return Ok(());
                }
                Some(Found::Entry) => spool.put(&path, &entry, content, budget)?,
            };
            spool.changes.push(Change { path, what });
            Ok(())
        })
    }

    /// Tells whether hard links name files outside of the folder.
    pub(super) fn needs_more(&self) -> bool {
        !self.outside.is_empty()
    }

    /// Reads the layer again, for those files.
    pub(super) fn read_outside(&mut self, layer: &mut dyn Read, budget: &mut Budget) -> Result<()> {
        self.walk(layer, &mut |spool, path, entry, content| {
            if spool.outside.contains_key(&path)
                && matches!(entry.kind, Kind::File | Kind::Symlink(_))
                && let What::Put(node) = spool.put(&path, &entry, content, budget)?
            {
                spool.outside.insert(path, Some(node));
            }
            Ok(())
        })
    }

    /// Opens the content of a file.
    pub(super) fn open(&self, offset: u64, size: u64) -> Option<Section> {
        let file: Arc<File> = Arc::clone(self.file.as_ref()?);
        Some(Section::new(file, offset, size))
    }

    pub(super) fn refuse(&self, fault: ArchiveFault) -> Error {
        Error::Archive { what: self.layer.clone(), fault }
    }

    pub(super) fn take(&self, budget: &mut Budget, names: usize, bytes: u64) -> Result<()> {
        budget.take(names, bytes).map_err(|fault| self.refuse(fault))
    }

    fn walk(&mut self, layer: &mut dyn Read, visit: &mut VisitEntry<'_>) -> Result<()> {
        let mut walk = Walk::new(Stream(layer), ENTRY_LIMIT);
        while let Some(entry) = walk.next().map_err(Error::stream(&self.layer))? {
            let refuse = |reason| self.refuse(ArchiveFault::Name { name: show(&entry.name), reason });
            let path = clean(&entry.name).map_err(refuse)?;
            visit(self, path, entry, &mut walk)?;
        }
        Ok(())
    }

    /// Keeps an entry of the folder, with its content.
    fn put(&mut self, path: &[u8], entry: &Entry, content: &mut dyn Read, budget: &mut Budget) -> Result<What> {
        if path.len() > PATH_LIMIT {
            let (name, reason) = (show(path), crate::archive::NameFault::Long);
            return Err(self.refuse(ArchiveFault::Name { name, reason }));
        }
        let names = match &entry.kind {
            Kind::Symlink(target) | Kind::HardLink(target) => path.len() + target.len(),
            _ => path.len(),
        };
        self.take(budget, names, entry.size)?;
        let kind = match &entry.kind {
            Kind::Folder => NodeKind::Folder,
            Kind::File => self.store(entry.size, content)?,
            Kind::Symlink(target) => NodeKind::Symlink(target.clone()),
            Kind::HardLink(target) => return self.link(path, target),
            Kind::Special(kind) => return Err(self.refuse(ArchiveFault::Special { name: show(path), kind })),
        };
        Ok(What::Put(Node { kind, mode: entry.mode, mtime: entry.mtime }))
    }

    fn link(&mut self, path: &[u8], target: &[u8]) -> Result<What> {
        let outside = |_| self.refuse(ArchiveFault::Outside { name: show(path), target: show(target) });
        let target = clean(target).map_err(outside)?;
        if !is_within(&target, &self.root) {
            self.outside.insert(target.clone(), None);
        }
        Ok(What::Link(target))
    }

    /// Appends content to the spool file.
    fn store(&mut self, size: u64, content: &mut dyn Read) -> Result<NodeKind> {
        let offset = self.length;
        let scratch = &self.scratch;
        let file = match &self.file {
            Some(file) => file,
            None => &*self.file.insert(Arc::new(tempfile::tempfile_in(scratch).map_err(Error::access(scratch))?)),
        };
        let mut file = &**file;
        let mut buffer = vec![0; 64 << 10];
        let mut left = size;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let count = match content.read(&mut buffer[..most]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                count => count.map_err(Error::stream(&*self.layer))?,
            };
            io::Write::write_all(&mut file, &buffer[..count]).map_err(Error::access(scratch))?;
            left -= count as u64;
        }
        self.length += size;
        Ok(NodeKind::File { offset, size })
    }
}

/// What goes on with an entry during a walk.
type VisitEntry<'a> = dyn FnMut(&mut Spool, Vec<u8>, Entry, &mut dyn Read) -> Result<()> + 'a;

/// What an entry means for the folder.
enum Found {
    /// It is the folder or something in it.
    Entry,
    /// It hides something.
    Change(Vec<u8>, What),
}

/// Tells what an entry means for the folder `root`, if anything.
fn what(path: &[u8], entry: &Entry, root: &[u8]) -> Option<Found> {
    let (parent, name) = match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&b""[..], path),
    };
    let touches = |path: &[u8]| is_within(path, root) || is_within(root, path);
    if let Some(hidden) = name.strip_prefix(b".wh.") {
        let (path, what) = match hidden {
            b".wh..opq" => (parent.to_vec(), What::Emptied),
            // Notes of AUFS to itself.
            hidden if hidden.starts_with(b".wh.") => return None,
            hidden if parent.is_empty() => (hidden.to_vec(), What::Gone),
            hidden => ([parent, hidden].join(&b'/'), What::Gone),
        };
        return touches(&path).then_some(Found::Change(path, what));
    }
    if is_within(path, root) {
        return Some(Found::Entry);
    }
    // Something that is no folder above it: the folder cannot be there any more.
    let is_above = is_within(root, path) && entry.kind != Kind::Folder;
    is_above.then(|| Found::Change(path.to_vec(), What::Gone))
}

/// Tells whether `path` is `folder` or in it.
pub(super) fn is_within(path: &[u8], folder: &[u8]) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}
