//! What a `.deb` installs, in the order it is written.

use std::collections::{BTreeMap, BTreeSet};

use crate::deb::tar;
use crate::{Entry, EntryKind, Format, Package, WriteError};

/// What a package installs, folders and files by path and links at the end, as `dpkg-deb` has it: a link may point to
/// what the same package brings.
#[derive(Debug)]
pub(crate) struct Layout<'a> {
    /// Folders that the package does not name, though something is in them: path from the root without slashes around
    /// it. The root itself is not among them.
    pub(crate) parents: BTreeSet<&'a str>,
    /// What it names, by the same.
    pub(crate) entries: BTreeMap<&'a str, &'a Entry>,
}

/// Something in the order of writing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Placed<'a> {
    /// A folder that is not named: 0755.
    Parent(&'a str),
    /// What the package names.
    Named(&'a str, &'a EntryKind),
}

impl<'a> Layout<'a> {
    /// Lays the entries out; two at one path, or one below a file, are an error.
    pub(crate) fn new(package: &'a Package) -> Result<Self, WriteError> {
        let mut layout = Self { parents: BTreeSet::new(), entries: BTreeMap::new() };
        let ours = |entry: &&Entry| entry.only.is_empty() || entry.only.contains(&Format::Deb);
        for entry in package.entries.iter().filter(ours) {
            let path = entry.path.relative();
            if layout.entries.insert(path, entry).is_some() {
                return Err(WriteError::Description(format!("`{}` is in the package twice", entry.path)));
            }
            if let EntryKind::File { content, .. } = &entry.kind
                && content.size() > tar::LARGEST
            {
                return Err(WriteError::Description(format!("`{}` is larger than 8 GiB", entry.path)));
            }
            layout.parents.extend(path.match_indices('/').map(|(at, _)| &path[..at]));
        }
        for (path, entry) in &layout.entries {
            let folder = matches!(entry.kind, EntryKind::Folder { .. });
            if layout.parents.remove(path) && !folder {
                return Err(WriteError::Description(format!("`{}` is no folder, but has something in it", entry.path)));
            }
        }
        Ok(layout)
    }

    /// Returns everything below the root.
    pub(crate) fn placed(&self) -> Vec<Placed<'a>> {
        let parents = self.parents.iter().map(|path| (*path, Placed::Parent(path)));
        let named = self.entries.iter().map(|(path, entry)| (*path, Placed::Named(path, &entry.kind)));
        let mut placed: Vec<_> = parents.chain(named).collect();
        placed.sort_by_key(|(path, placed)| (placed.is_link(), *path));
        placed.into_iter().map(|(_, placed)| placed).collect()
    }

    /// Returns what dpkg calls the installed size, in KiB: files and links rounded up, one for each folder, the root too
    /// (`Installed-Size` in <https://manpages.debian.org/bookworm/dpkg-dev/deb-substvars.5.en.html>).
    pub(crate) fn installed_size(&self) -> u64 {
        let sizes = self.placed().into_iter().map(|placed| match placed {
            Placed::Named(_, EntryKind::File { content, .. }) => content.size().div_ceil(1024),
            Placed::Named(_, EntryKind::Link { target }) => (target.len() as u64).div_ceil(1024),
            Placed::Parent(_) | Placed::Named(_, EntryKind::Folder { .. }) => 1,
        });
        1 + sizes.sum::<u64>()
    }
}

impl Placed<'_> {
    fn is_link(self) -> bool {
        matches!(self, Self::Named(_, EntryKind::Link { .. }))
    }
}
