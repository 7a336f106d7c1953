//! The layers laid upon each other.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use tar::EntryType;

use crate::archive::{ArchiveFault, ArchiveWriter, NewEntry, show};
use crate::subtree::budget::Budget;
use crate::subtree::spool::{Change, Node, NodeKind, Spool, What, is_within};
use crate::{Error, Result};

/// What a container would see of the folder.
pub(super) struct View {
    root: Vec<u8>,
    /// By path, with the spool that holds the content. A folder comes before what is in it.
    nodes: BTreeMap<Vec<u8>, (usize, Node)>,
}

impl View {
    pub(super) fn new(root: &[u8]) -> Self {
        Self { root: root.to_vec(), nodes: BTreeMap::new() }
    }

    /// Lays the layer `spool`, which is number `at`, on top.
    pub(super) fn add(&mut self, at: usize, spool: &Spool, budget: &mut Budget) -> Result<()> {
        // Whiteouts are for what lies below, wherever in the layer they stand.
        for Change { path, what } in &spool.changes {
            match what {
                What::Gone => self.remove(path),
                What::Emptied => self.empty(path),
                What::Put(_) | What::Link(_) => {}
            }
        }
        for Change { path, what } in &spool.changes {
            match what {
                What::Gone | What::Emptied => {}
                What::Put(node) => self.put(path, (at, node.clone()), spool, budget)?,
                What::Link(target) => {
                    let found = match spool.outside.get(target) {
                        Some(node) => node.clone().map(|node| (at, node)),
                        None => self.nodes.get(target).filter(|(_, node)| node.kind != NodeKind::Folder).cloned(),
                    };
                    let dangling = || spool.refuse(ArchiveFault::Dangling { name: show(path) });
                    self.put(path, found.ok_or_else(dangling)?, spool, budget)?;
                }
            }
        }
        Ok(())
    }

    /// Writes the folder as a tar; `false`, and nothing written, if there is none.
    pub(super) fn write(&self, spools: &[Spool], out: &mut dyn Write) -> Result<bool> {
        if self.nodes.get(&self.root).is_none_or(|(_, node)| node.kind != NodeKind::Folder) {
            return Ok(false);
        }
        let mut tar = ArchiveWriter::new(out);
        for (path, (at, node)) in &self.nodes {
            let mut name = path.clone();
            let mut link = &b""[..];
            let mut content: Box<dyn Read> = Box::new(io::empty());
            let (kind, size) = match &node.kind {
                NodeKind::Folder => {
                    name.push(b'/');
                    (EntryType::Directory, 0)
                }
                NodeKind::File { offset, size } => {
                    if let Some(spooled) = spools[*at].open(*offset, *size) {
                        content = Box::new(spooled);
                    }
                    (EntryType::Regular, *size)
                }
                NodeKind::Symlink(target) => {
                    link = target;
                    (EntryType::Symlink, 0)
                }
            };
            let (mode, mtime) = (node.mode, node.mtime);
            tar.add(&NewEntry { name: &name, kind, link, mode, mtime, size }, &mut content)?;
        }
        let out = tar.finish()?;
        out.flush().map_err(Error::stream("folder of the image"))?;
        Ok(true)
    }

    fn put(&mut self, path: &[u8], node: (usize, Node), spool: &Spool, budget: &mut Budget) -> Result<()> {
        // What lies in something that is no folder lies in a folder now.
        for (slash, _) in path.iter().enumerate().filter(|&(_, &byte)| byte == b'/') {
            let folder = &path[..slash];
            let is_there = self.nodes.get(folder).is_some_and(|(_, node)| node.kind == NodeKind::Folder);
            if is_within(folder, &self.root) && !is_there {
                spool.take(budget, folder.len(), 0)?;
                let made = Node { kind: NodeKind::Folder, mode: 0o755, mtime: 0 };
                self.nodes.insert(folder.to_vec(), (node.0, made));
            }
        }
        if node.1.kind != NodeKind::Folder {
            self.empty(path);
        }
        self.nodes.insert(path.to_vec(), node);
        Ok(())
    }

    fn remove(&mut self, path: &[u8]) {
        self.nodes.remove(path);
        self.empty(path);
    }

    /// Removes what is in a folder.
    fn empty(&mut self, folder: &[u8]) {
        let inside = match folder {
            b"" => Vec::new(),
            folder => [folder, b"/"].concat(),
        };
        let from = self.nodes.range(inside.clone()..).map(|(path, _)| path);
        let gone: Vec<Vec<u8>> = from.take_while(|path| path.starts_with(&inside)).cloned().collect();
        gone.iter().for_each(|path| drop(self.nodes.remove(path)));
    }
}
