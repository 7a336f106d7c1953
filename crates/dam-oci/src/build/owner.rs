//! Users and groups, by number or by name.

use super::spool::Spool;
use super::tree::Tree;
use crate::{Error, Result};

/// The largest `/etc/passwd` that is read, in bytes.
const LIMIT: u64 = 4 << 20;

/// Who owns a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) uid: u64,
    pub(super) gid: u64,
}

/// Reads `user[:group]`. Names are looked up in the files of the stage, whose tree is only asked for then.
///
/// Without a group, a number stands for both and a name has the group of its `/etc/passwd` line, as in BuildKit.
pub(super) fn find<'t>(
    line: usize,
    text: &str,
    spool: &mut Spool,
    tree: impl FnOnce() -> Result<&'t Tree>,
) -> Result<Owner> {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let numbers = (number(user), group.map(number));
    match numbers {
        (Some(uid), None) => return Ok(Owner { uid, gid: uid }),
        (Some(uid), Some(Some(gid))) => return Ok(Owner { uid, gid }),
        _ => {}
    }
    let mut files = Files { line, spool, tree: tree()? };
    let (uid, own_gid) = match number(user) {
        Some(uid) => (uid, uid),
        None => files.user(user)?,
    };
    let gid = match (group, numbers.1.flatten()) {
        (None, _) => own_gid,
        (Some(_), Some(gid)) => gid,
        (Some(name), None) => files.group(name)?,
    };
    Ok(Owner { uid, gid })
}

fn number(text: &str) -> Option<u64> {
    text.parse::<u32>().ok().map(u64::from)
}

/// The files that name users and groups.
struct Files<'a> {
    line: usize,
    spool: &'a mut Spool,
    tree: &'a Tree,
}

impl Files<'_> {
    fn user(&mut self, name: &str) -> Result<(u64, u64)> {
        let fields = self.fields("etc/passwd", "user", name)?;
        let number = |at: usize| fields.get(at).and_then(|field| number(field));
        match (number(2), number(3)) {
            (Some(uid), Some(gid)) => Ok((uid, gid)),
            _ => Err(self.unknown("etc/passwd", "user", name)),
        }
    }

    fn group(&mut self, name: &str) -> Result<u64> {
        let fields = self.fields("etc/group", "group", name)?;
        fields.get(2).and_then(|field| number(field)).ok_or_else(|| self.unknown("etc/group", "group", name))
    }

    /// Returns the fields of the line that starts with `name`.
    ///
    /// Format: <https://man7.org/linux/man-pages/man5/passwd.5.html>.
    fn fields(&mut self, path: &str, kind: &str, name: &str) -> Result<Vec<String>> {
        let real = self.tree.follow(path).unwrap_or_default();
        let bytes = match self.tree.get(&real).cloned() {
            Some(node) => self.spool.read(&node, LIMIT)?.unwrap_or_default(),
            None => Vec::new(),
        };
        let text = String::from_utf8_lossy(&bytes);
        let found = text.lines().find(|line| line.split(':').next() == Some(name));
        let fields = found.map(|line| line.split(':').map(str::to_owned).collect());
        fields.ok_or_else(|| self.unknown(path, kind, name))
    }

    fn unknown(&self, path: &str, kind: &str, name: &str) -> Error {
        Error::dockerfile(self.line, format!("the {kind} `{name}` is not in /{path} of the image"))
    }
}
