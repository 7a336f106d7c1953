//! The file system of a stage.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::spool::Content;

/// How many symbolic links are followed for one path; Linux stops at 40 too.
const LINK_LIMIT: usize = 40;

/// A file, folder or link in a stage.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    /// Seconds since 1970; 0 unless it comes out of an archive.
    pub(super) mtime: u64,
    /// Extended attributes by full name.
    pub(super) xattrs: Vec<(String, Vec<u8>)>,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Folder,
    File {
        /// Bytes.
        size: u64,
        content: Content,
    },
    Symlink(String),
    /// A device or a pipe of a base image: it can be there, not be copied.
    Special,
}

impl Node {
    /// A folder of root's.
    pub(super) fn folder(mode: u32) -> Self {
        Self::new(Kind::Folder, mode)
    }

    /// Something of root's.
    pub(super) fn new(kind: Kind, mode: u32) -> Self {
        Self { kind, mode, uid: 0, gid: 0, mtime: 0, xattrs: Vec::new() }
    }

    pub(super) fn is_folder(&self) -> bool {
        matches!(self.kind, Kind::Folder)
    }
}

/// Nodes by path, without slashes at the ends. The root is the empty path, and always a folder.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree(BTreeMap<String, Arc<Node>>);

/// Too many symbolic links.
#[derive(Debug)]
pub(super) struct LinkLoop;

impl Tree {
    /// Returns the node at `path`, links not followed. The root has none.
    pub(super) fn get(&self, path: &str) -> Option<&Arc<Node>> {
        self.0.get(path)
    }

    pub(super) fn is_folder(&self, path: &str) -> bool {
        path.is_empty() || self.get(path).is_some_and(|node| node.is_folder())
    }

    /// Puts a node at `path`. What was below goes, unless both are folders.
    pub(super) fn insert(&mut self, path: &str, node: Arc<Node>) {
        if !node.is_folder() {
            self.clear(path);
        }
        self.0.insert(path.to_owned(), node);
    }

    /// Takes out `path` and everything below.
    pub(super) fn remove(&mut self, path: &str) {
        self.clear(path);
        self.0.remove(path);
    }

    /// Takes out everything below `path`.
    pub(super) fn clear(&mut self, path: &str) {
        let gone: Vec<String> = self.below(path).map(|(below, _)| below.to_owned()).collect();
        for path in gone {
            self.0.remove(&path);
        }
    }

    /// Returns what is below `path`, folders before what is in them.
    pub(super) fn below<'a>(&'a self, path: &str) -> impl Iterator<Item = (&'a str, &'a Arc<Node>)> {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let range = (Bound::Included(prefix.clone()), Bound::Unbounded);
        let rest = self.0.range::<String, _>(range);
        rest.take_while(move |(path, _)| path.starts_with(&prefix)).map(|(path, node)| (path.as_str(), node))
    }

    /// Returns the path that `path` means when all links are followed, as seen from inside: nothing is above the root.
    /// What does not exist is taken as it is.
    pub(super) fn follow(&self, path: &str) -> Result<String, LinkLoop> {
        let mut real = String::new();
        let mut links = 0;
        let mut left: Vec<String> = path.rsplit('/').map(str::to_owned).collect();
        while let Some(part) = left.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    real.truncate(real.rfind('/').unwrap_or(0));
                    continue;
                }
                _ => {}
            }
            let next = join(&real, &part);
            match self.get(&next).map(|node| &node.kind) {
                Some(Kind::Symlink(target)) => {
                    links += 1;
                    if links > LINK_LIMIT {
                        return Err(LinkLoop);
                    }
                    if target.starts_with('/') {
                        real.clear();
                    }
                    left.extend(target.rsplit('/').map(str::to_owned));
                }
                _ => real = next,
            }
        }
        Ok(real)
    }
}

/// Joins a folder, which may be the root, and a path below.
pub(super) fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// Returns the folder a path is in.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Returns the last part of a path.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Kind, Node, Tree};

    fn tree(nodes: &[(&str, Option<&str>)]) -> Tree {
        let mut tree = Tree::default();
        for (path, link) in nodes {
            let kind = link.map_or(Kind::Folder, |target| Kind::Symlink(target.to_owned()));
            tree.insert(path, Arc::new(Node::new(kind, 0o755)));
        }
        tree
    }

    #[test]
    fn links_are_followed_inside_the_tree() {
        let tree = tree(&[
            ("usr", None),
            ("usr/bin", None),
            ("bin", Some("usr/bin")),
            ("abs", Some("/bin/../bin")),
            ("up", Some("../../../usr")),
            ("loop", Some("loop")),
        ]);
        let follow = |path: &str| tree.follow(path).ok();
        assert_eq!(follow("bin/sh").as_deref(), Some("usr/bin/sh"));
        assert_eq!(follow("abs/sh").as_deref(), Some("usr/bin/sh"));
        assert_eq!(follow("up/new/file").as_deref(), Some("usr/new/file"));
        assert_eq!(follow("").as_deref(), Some(""));
        assert_eq!(follow("loop/x"), None);
    }

    #[test]
    fn what_was_below_goes_with_the_folder() {
        let mut tree = tree(&[("a", None), ("a/b", None), ("a-b", None), ("a/b/c", None)]);
        tree.insert("a/b", Arc::new(Node::new(Kind::Symlink("x".into()), 0o777)));
        let paths: Vec<_> = tree.below("").map(|(path, _)| path).collect();
        assert_eq!(paths, ["a", "a-b", "a/b"]);
        tree.remove("a");
        assert_eq!(tree.below("").count(), 1);
    }
}
