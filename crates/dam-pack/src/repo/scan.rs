//! The packages of a folder.

use std::collections::BTreeMap;
use std::fs::{self, FileType};
use std::path::{Path, PathBuf};

use crate::Format;
use crate::repo::{NameFault, RepositoryError, fat};

/// Finds the `.deb`s and the `.rpm`s below a folder, each by their paths below it, sorted.
pub(super) fn find(folder: &Path) -> Result<(Vec<String>, Vec<String>), RepositoryError> {
    let (mut debs, mut rpms) = (Vec::new(), Vec::new());
    let mut ahead = vec![PathBuf::new()];
    while let Some(inner) = ahead.pop() {
        let place = folder.join(&inner);
        let fault = |source| RepositoryError::Access { path: place.clone(), source };
        for entry in fs::read_dir(&place).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let (name, kind) = (entry.file_name(), entry.file_type().map_err(fault)?);
            let shown = name.to_string_lossy();
            // Every stick with ext4 has the latter, and root alone may look into it.
            if shown.starts_with('.') || shown == "lost+found" {
                continue;
            }
            let path = inner.join(&name);
            match format(&shown) {
                _ if kind.is_dir() => ahead.push(path),
                Some(format) => {
                    let list = if format == Format::Deb { &mut debs } else { &mut rpms };
                    list.extend(package(folder, &path, kind)?);
                }
                None => {}
            }
        }
    }
    debs.sort();
    rpms.sort();
    distinct(debs.iter().chain(&rpms))?;
    Ok((debs, rpms))
}

/// Tells the format by the ending, as every tool does; sources are not installed.
fn format(name: &str) -> Option<Format> {
    let name = name.to_ascii_lowercase();
    let source = name.ends_with(".src.rpm") || name.ends_with(".nosrc.rpm");
    match name.rsplit_once('.') {
        Some((_, "deb")) => Some(Format::Deb),
        Some((_, "rpm")) if !source => Some(Format::Rpm),
        _ => None,
    }
}

/// Returns the path as it stands in metadata; nothing for what is no file.
fn package(folder: &Path, path: &Path, kind: FileType) -> Result<Option<String>, RepositoryError> {
    if kind.is_symlink() {
        return Err(RepositoryError::Link { path: folder.join(path) });
    }
    if !kind.is_file() {
        return Ok(None);
    }
    let name = |part: &str, fault| RepositoryError::Name { path: folder.join(path), part: part.to_owned(), fault };
    let mut parts = Vec::new();
    for part in path {
        let part = part.to_str().ok_or_else(|| name(&part.to_string_lossy(), NameFault::NoText))?;
        fat::check(part).map_err(|fault| name(part, fault))?;
        parts.push(part);
    }
    Ok(Some(parts.join("/")))
}

/// Looks for names, of packages and of their folders, that are one where case does not count.
fn distinct<'a>(paths: impl Iterator<Item = &'a String>) -> Result<(), RepositoryError> {
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    for path in paths {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for name in ends.map(|end| &path[..end]) {
            let first = *known.entry(name.to_lowercase()).or_insert(name);
            if first != name {
                return Err(RepositoryError::Clash { first: first.to_owned(), second: name.to_owned() });
            }
        }
    }
    Ok(())
}
