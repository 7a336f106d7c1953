//! Two kept `/meta`s, file by file.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use dam_oci::Digest;
use serde::Serialize;

use super::text::{self, Time};
use super::{TEXT_LIMIT, TOTAL_LIMIT};
use crate::app::HookName;
use crate::meta::{Content, Keep, KeptCopy, KeptFile};
use crate::{Error, Result};

/// A file below `/meta` that is not in both, or not the same.
///
/// Name and text come from an image: they may hold anything a terminal acts on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Its name below `/meta`, such as `install`; control characters are escaped.
    pub path: String,
    /// Lines that are new.
    pub added: usize,
    /// Lines that are gone.
    pub removed: usize,
    /// What is different, in the unified form with three lines of context; a new mode stands in front, as `git diff` writes
    /// it. `None` where a side is no text or is too long: then nothing was counted, either.
    pub diff: Option<String>,
}

/// One side of a comparison.
struct Side<'a> {
    copy: Option<&'a KeptCopy>,
    files: BTreeMap<&'a [u8], KeptFile<'a>>,
    /// Where the copies are, for errors.
    folder: &'a Path,
}

/// Compares the kept `/meta` `old` with `new`; `None` is one without files. Scripts come first, in the order of
/// [`HookName::ALL`], then all other files by name. Files that are the same are left out.
///
/// # Errors
/// [`crate::meta::MetaError`] where a kept copy is gone or damaged.
pub fn hooks(keep: &Keep, old: Option<&Digest>, new: Option<&Digest>) -> Result<Vec<FileChange>> {
    hooks_across((keep, old), (keep, new))
}

/// Compares as [`hooks`] does where the two copies are kept in different places.
pub fn hooks_across(old: (&Keep, Option<&Digest>), new: (&Keep, Option<&Digest>)) -> Result<Vec<FileChange>> {
    let ((old_keep, old), (new_keep, new)) = (old, new);
    if old == new {
        return Ok(Vec::new());
    }
    let (old, new) = (open(old_keep, old)?, open(new_keep, new)?);
    let (old, new) = (Side::new(old.as_ref(), old_keep), Side::new(new.as_ref(), new_keep));
    let mut names: Vec<&[u8]> = old.files.keys().chain(new.files.keys()).copied().collect();
    names.sort_unstable_by_key(|name| (rank(name), *name));
    names.dedup();
    let (mut changes, mut left, time) = (Vec::new(), TOTAL_LIMIT, Time::begin());
    for name in names {
        let (old_file, new_file) = (old.files.get(name), new.files.get(name));
        if same(&old, old_file, &new, new_file)? {
            continue;
        }
        let path = shown(name);
        let texts = match (old.text(old_file, &mut left)?, new.text(new_file, &mut left)?) {
            (Some(before), Some(after)) => Some((before, after)),
            _ => None,
        };
        let Some((before, after)) = texts else {
            changes.push(FileChange { path, added: 0, removed: 0, diff: None });
            continue;
        };
        let names = [header("a", &path, old_file), header("b", &path, new_file)];
        let mode = mode_lines(old_file, new_file);
        let text::Difference { added, removed, unified } = text::compare(&before, &after, &names, &time);
        changes.push(FileChange { path, added, removed, diff: Some(mode + &unified) });
    }
    Ok(changes)
}

fn open(keep: &Keep, digest: Option<&Digest>) -> Result<Option<KeptCopy>> {
    digest.map(|digest| keep.copy(digest)).transpose()
}

impl<'a> Side<'a> {
    fn new(copy: Option<&'a KeptCopy>, keep: &'a Keep) -> Self {
        let files = copy.into_iter().flat_map(KeptCopy::files).map(|file| (file.name, file)).collect();
        Self { copy, files, folder: keep.folder() }
    }

    fn read(&self, file: &KeptFile<'a>) -> Result<Box<dyn Read + 'a>> {
        let copy = self.copy.expect("a file is of a copy");
        copy.read(file).map_err(Error::access(self.folder))
    }

    /// Reads a file that is text and not too long; one that is not there is empty.
    fn text(&self, file: Option<&KeptFile<'a>>, left: &mut u64) -> Result<Option<String>> {
        let Some(file) = file else { return Ok(Some(String::new())) };
        if file.size() > TEXT_LIMIT.min(*left) {
            return Ok(None);
        }
        *left -= file.size();
        let mut bytes = Vec::new();
        self.read(file)?.read_to_end(&mut bytes).map_err(Error::access(self.folder))?;
        Ok(String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')))
    }
}

/// Tells whether a file is on both sides and the same.
fn same<'a>(
    old: &Side<'a>,
    old_file: Option<&KeptFile<'a>>,
    new: &Side<'a>,
    new_file: Option<&KeptFile<'a>>,
) -> Result<bool> {
    let (Some(one), Some(other)) = (old_file, new_file) else { return Ok(false) };
    if kind(one) != kind(other) || one.size() != other.size() {
        return Ok(false);
    }
    same_bytes(&mut *old.read(one)?, &mut *new.read(other)?).map_err(Error::access(old.folder))
}

fn same_bytes(one: &mut dyn Read, other: &mut dyn Read) -> io::Result<bool> {
    let (mut here, mut there) = (vec![0; 64 << 10], Vec::with_capacity(64 << 10));
    loop {
        let count = one.read(&mut here)?;
        there.clear();
        (&mut *other).take(count as u64).read_to_end(&mut there)?;
        if here[..count] != there {
            return Ok(false);
        }
        if count == 0 {
            return Ok(true);
        }
    }
}

/// Puts scripts before everything else.
fn rank(name: &[u8]) -> usize {
    let hook = |hook: &HookName| hook.file().as_bytes() == name;
    HookName::ALL.iter().position(hook).unwrap_or(HookName::ALL.len())
}

/// Returns what a file is, as `git diff` writes it.
fn kind(file: &KeptFile) -> String {
    match file.content {
        Content::File { .. } => format!("100{:03o}", file.mode),
        Content::Link(_) => "120000".to_owned(),
    }
}

/// Says that a file is no longer what it was, beside its content.
fn mode_lines(old: Option<&KeptFile>, new: Option<&KeptFile>) -> String {
    match (old.map(kind), new.map(kind)) {
        (Some(old), Some(new)) if old == new => String::new(),
        (Some(old), Some(new)) => format!("old mode {old}\nnew mode {new}\n"),
        (None, Some(new)) => format!("new file mode {new}\n"),
        (Some(old), None) => format!("deleted file mode {old}\n"),
        (None, None) => String::new(),
    }
}

fn header(side: &str, path: &str, file: Option<&KeptFile>) -> String {
    match file {
        Some(_) => format!("{side}/meta/{path}"),
        None => "/dev/null".to_owned(),
    }
}

/// Makes a name text of one line: a line break in it must not pass for a line of the difference.
fn shown(name: &[u8]) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
    String::from_utf8_lossy(name).chars().map(escape).collect()
}
