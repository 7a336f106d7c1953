//! Putting files into a stage, as a layer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::owner::Owner;
use super::tree::{Kind, Node, Tree, join, name, parent};
use crate::pattern::Pattern;
use crate::{Error, Result};

/// A layer under construction: what it puts into the tree of its stage.
pub(super) struct LayerBuilder<'t> {
    /// Line of the instruction.
    pub(super) line: usize,
    pub(super) tree: &'t mut Tree,
    pub(super) nodes: BTreeMap<String, Arc<Node>>,
    /// From `--chown`.
    pub(super) owner: Option<Owner>,
    /// From `--chmod`.
    pub(super) mode: Option<u32>,
}

/// Where things are put.
pub(super) struct Destination {
    /// From the root, without slashes at the ends.
    pub(super) path: String,
    /// It was written as a folder: with a slash at the end, or as `.`.
    pub(super) is_folder: bool,
}

impl<'t> LayerBuilder<'t> {
    pub(super) fn new(line: usize, tree: &'t mut Tree) -> Self {
        Self { line, tree, nodes: BTreeMap::new(), owner: None, mode: None }
    }

    /// Returns what the layer holds, with the folders above each entry: what unpacks a layer would otherwise make them
    /// anew, with other owners and modes.
    pub(super) fn finish(mut self) -> BTreeMap<String, Arc<Node>> {
        let paths: Vec<String> = self.nodes.keys().cloned().collect();
        for path in paths {
            let mut folder = parent(&path);
            while !folder.is_empty() && !self.nodes.contains_key(folder) {
                let node = self.tree.get(folder).cloned().unwrap_or_else(|| Arc::new(Node::folder(0o755)));
                self.nodes.insert(folder.to_owned(), node);
                folder = parent(folder);
            }
        }
        self.nodes
    }

    /// Copies what is at `source` of `from`, a folder's content or a file, to `to`.
    ///
    /// `named` is the source as the Dockerfile has it, whose last part names a file that goes into a folder.
    pub(super) fn copy(&mut self, from: &Tree, source: &str, named: &str, to: &Destination) -> Result<()> {
        let target = self.follow(&to.path)?;
        let Some(node) = from.get(source).filter(|node| !node.is_folder()) else {
            return self.copy_folder(from, source, &target);
        };
        let target = if to.is_folder || self.tree.is_folder(&target) {
            self.make_folders(&target)?;
            join(&target, name(named))
        } else {
            self.make_folders(parent(&target))?;
            target
        };
        self.put(&target, node)
    }

    fn copy_folder(&mut self, from: &Tree, source: &str, target: &str) -> Result<()> {
        self.make_folders(target)?;
        for (path, node) in from.below(source) {
            let below = path[source.len()..].trim_start_matches('/');
            self.put(&join(target, below), node)?;
        }
        Ok(())
    }

    /// Puts a copy of `node` at `path`, in the place of a file or link. A folder is never in the place of something
    /// else, nor something else in that of a folder.
    pub(super) fn put(&mut self, path: &str, node: &Node) -> Result<()> {
        if matches!(node.kind, Kind::Special) {
            return Err(self.fault(format!("`/{path}` would be a device or a pipe")));
        }
        match (self.tree.is_folder(path), node.is_folder()) {
            (true, false) => return Err(self.fault(format!("`/{path}` is a folder and cannot become a file"))),
            (false, true) if self.tree.get(path).is_some() => {
                return Err(self.fault(format!("`/{path}` is no folder and cannot become one")));
            }
            _ => {}
        }
        let mut node = node.clone();
        if let Some(owner) = self.owner {
            (node.uid, node.gid) = (owner.uid, owner.gid);
        }
        if let Some(mode) = self.mode
            && !matches!(node.kind, Kind::Symlink(_))
        {
            node.mode = mode;
        }
        self.insert(path, node)
    }

    /// Puts a node as it is.
    pub(super) fn insert(&mut self, path: &str, node: Node) -> Result<()> {
        // Whoever unpacks the layer would take it for the removal of another file.
        if name(path).starts_with(".wh.") {
            return Err(self.fault(format!("`/{path}`: a name in an image cannot start with `.wh.`")));
        }
        let node = Arc::new(node);
        if self.tree.is_folder(path) && !node.is_folder() {
            let below = format!("{path}/");
            self.nodes.retain(|known, _| !known.starts_with(&below));
        }
        self.tree.insert(path, Arc::clone(&node));
        self.nodes.insert(path.to_owned(), node);
        Ok(())
    }

    /// Makes `path`, which has no links in it, and the folders above where they are missing.
    pub(super) fn make_folders(&mut self, path: &str) -> Result<()> {
        for (at, _) in path.match_indices('/').chain([(path.len(), "")]) {
            let folder = &path[..at];
            if self.tree.is_folder(folder) {
                continue;
            }
            if self.tree.get(folder).is_some() {
                return Err(self.fault(format!("`/{folder}` is no folder")));
            }
            let Owner { uid, gid } = self.owner.unwrap_or(Owner { uid: 0, gid: 0 });
            self.insert(folder, Node { uid, gid, ..Node::folder(0o755) })?;
        }
        Ok(())
    }

    /// Follows the links of a destination.
    pub(super) fn follow(&self, path: &str) -> Result<String> {
        self.tree.follow(path).map_err(|_| self.fault(format!("`/{path}` goes through too many links")))
    }

    pub(super) fn fault(&self, reason: String) -> Error {
        Error::dockerfile(self.line, reason)
    }
}

/// Returns the paths that a source means: itself, or what matches it as a pattern, sorted.
pub(super) fn expand(line: usize, from: &Tree, source: &str) -> Result<Vec<String>> {
    let parts: Vec<&str> = source.split('/').collect();
    let Some(first) = parts.iter().position(|part| is_pattern(part)) else {
        return Ok(vec![source.to_owned()]);
    };
    let fault = |reason: &str| Error::dockerfile(line, format!("`{source}` {reason}"));
    let pattern = Pattern::glob(&parts[first..].join("/")).map_err(|_| fault("is no pattern"))?;
    let folder = from.follow(&parts[..first].join("/")).map_err(|_| fault("goes through too many links"))?;
    let mut found: Vec<String> = Vec::new();
    for (path, _) in from.below(&folder) {
        let below = path[folder.len()..].trim_start_matches('/');
        // What is in a folder that matches comes with the folder.
        let inside =
            found.last().is_some_and(|last| path.strip_prefix(last.as_str()).is_some_and(|r| r.starts_with('/')));
        if !inside && pattern.matches(below) {
            found.push(path.to_owned());
        }
    }
    Ok(found)
}

fn is_pattern(part: &str) -> bool {
    let mut rest = part.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => drop(rest.next()),
            '*' | '?' | '[' => return true,
            _ => {}
        }
    }
    false
}
