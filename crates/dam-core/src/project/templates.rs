//! The `.exp` files of a project, expanded beside it.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, FileType, Permissions};
use std::io::{BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use dam_oci::context::Entry;
use dam_oci::{Context, DockerIgnore};
use serde::Serialize;
use tempfile::TempDir;

use super::expander::Expander;
use super::{META, ProjectError, Variables};
use crate::app::HookName;
use crate::{Error, Result};

/// What the name of a template ends in.
const SUFFIX: &str = ".exp";

/// Mode of the scripts every app has, whatever it is in the project.
const SCRIPT_MODE: u32 = 0o755;

/// The expanded files of a project, in a temporary folder that goes away with this.
///
/// `x.exp` gives `x` with the mode of `x.exp`, and stands in for an `x` that is there, as in DAM 1.x, which left the
/// results of earlier runs in the project. `x.exp` itself stays: scripts in the wild remove `*.exp` and count on them.
/// A file named exactly `.exp` is no template.
#[derive(Debug)]
pub struct Templates {
    /// Files of the build context that differ from those in the project.
    pub replacements: Vec<Replacement>,
    /// Variables of dam that the templates name and nobody defines, by file and line.
    pub undefined: Vec<Undefined>,
    folder: TempDir,
}

/// A file of the build context that differs from the one in the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// Path relative to the project, such as `meta/install`.
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
    /// Length in bytes.
    pub size: u64,
    /// The file that has the bytes.
    pub source: PathBuf,
}

/// A `${DAM_…}` that nobody defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Undefined {
    /// File, relative to the project.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// The variable, without `${}`.
    pub variable: String,
}

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "`{}` ({}:{})", self.variable, self.file, self.line)
    }
}

impl Templates {
    /// Expands everything under `meta` of the project `folder`, whose path has no links, into a new folder in `scratch`.
    ///
    /// Fails with [`ProjectError::LinkOutside`] if a template or a script is a link that leaves the project.
    pub(super) fn expand(folder: &Path, variables: &Variables, scratch: &Path) -> Result<Self> {
        // Values can be secrets, and a new folder is otherwise open to all.
        let private = Permissions::from_mode(0o700);
        let temporary = tempfile::Builder::new().prefix("create-").permissions(private).tempdir_in(scratch);
        let temporary = temporary.map_err(Error::access(scratch))?;
        let mut templates = Self { replacements: Vec::new(), undefined: Vec::new(), folder: temporary };
        let mut files = Vec::new();
        walk(folder, Path::new(META), &mut files)?;
        for (path, kind) in &files {
            templates.expand_file(folder, path, *kind, variables)?;
        }
        for hook in [HookName::Install, HookName::Uninstall] {
            templates.make_executable(folder, &Path::new(META).join(hook.file()))?;
        }
        templates.replacements.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(templates)
    }

    /// Puts the files into `context`, except where `ignore` excludes them, and lets it hold on to them.
    pub(super) fn overlay(self, context: &mut Context, ignore: &DockerIgnore) -> Result<()> {
        for Replacement { path, mode, size, source } in &self.replacements {
            let path = path.to_str().ok_or_else(|| dam_oci::Error::Unsupported {
                what: format!("`{}`, a name that is not UTF-8,", path.display()),
            })?;
            if !ignore.excludes(path) {
                context.insert(Entry::disk(path, *mode, *size, source));
            }
        }
        context.keep(self.folder);
        Ok(())
    }

    /// Returns the file that has the bytes of `path`, which is relative to the project `folder`.
    pub(super) fn source(&self, folder: &Path, path: &Path) -> PathBuf {
        let replaced = self.replacements.iter().find(|replacement| replacement.path == path);
        replaced.map_or_else(|| folder.join(path), |replacement| replacement.source.clone())
    }

    /// Expands the file `path` if it is a template.
    fn expand_file(&mut self, folder: &Path, path: &Path, kind: FileType, variables: &Variables) -> Result<()> {
        let disk = folder.join(path);
        let Some(target) = expanded_name(path) else { return Ok(()) };
        let source = if kind.is_symlink() { follow(&disk, folder)? } else { disk.clone() };
        let metadata = fs::metadata(&source).map_err(Error::access(&source))?;
        if !metadata.is_file() {
            return Ok(());
        }
        let in_the_way = folder.join(&target);
        if fs::symlink_metadata(&in_the_way).is_ok_and(|metadata| metadata.is_dir()) {
            return Err(ProjectError::FolderInTheWay { path: disk, folder: in_the_way }.into());
        }
        let result = self.folder.path().join(self.replacements.len().to_string());
        let (size, undefined) = expand_into(&result, &source, variables)?;
        let file = path.to_string_lossy().into_owned();
        let undefined = undefined.into_iter().map(|(line, variable)| Undefined { file: file.clone(), line, variable });
        self.undefined.extend(undefined);
        let mode = metadata.permissions().mode() & 0o7777;
        self.replacements.push(Replacement { path: target, mode, size, source: result });
        Ok(())
    }

    /// Gives the script `path` its mode, whether it was expanded or not.
    fn make_executable(&mut self, folder: &Path, path: &Path) -> Result<()> {
        if let Some(expanded) = self.replacements.iter_mut().find(|replacement| replacement.path == path) {
            expanded.mode = SCRIPT_MODE;
            return Ok(());
        }
        let source = follow(&folder.join(path), folder)?;
        let size = fs::metadata(&source).map_err(Error::access(&source))?.len();
        self.replacements.push(Replacement { path: path.to_owned(), mode: SCRIPT_MODE, size, source });
        Ok(())
    }
}

/// Collects the files and links below the real folder `path` of the project, sorted, with what they are.
fn walk(folder: &Path, path: &Path, files: &mut Vec<(PathBuf, FileType)>) -> Result<()> {
    let disk = folder.join(path);
    let access = || Error::access(&disk);
    let mut names = Vec::new();
    for entry in fs::read_dir(&disk).map_err(access())? {
        let entry = entry.map_err(access())?;
        names.push((entry.file_name(), entry.file_type().map_err(access())?));
    }
    names.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, kind) in names {
        let path = path.join(name);
        if kind.is_dir() {
            walk(folder, &path, files)?;
        } else if kind.is_file() || kind.is_symlink() {
            files.push((path, kind));
        }
    }
    Ok(())
}

/// Returns the path without `.exp`, if it is the path of a template.
fn expanded_name(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.as_bytes().strip_suffix(SUFFIX.as_bytes()).filter(|name| !name.is_empty())?;
    // `..exp` and `...exp` would expand to the folder and to its parent.
    let name = Some(name).filter(|name| *name != b"." && *name != b"..")?;
    Some(path.with_file_name(OsStr::from_bytes(name)))
}

/// Returns what `path` is or links to, if that is inside the project.
fn follow(path: &Path, folder: &Path) -> Result<PathBuf> {
    let target = fs::canonicalize(path).map_err(Error::access(path))?;
    if target.starts_with(folder) {
        Ok(target)
    } else {
        Err(ProjectError::LinkOutside { path: path.to_owned(), target }.into())
    }
}

/// Expands the file `source` into the new file `result`; returns its size, and lines and names of undefined variables.
fn expand_into(result: &Path, source: &Path, variables: &Variables) -> Result<(u64, Vec<(usize, String)>)> {
    let mut reader = File::open(source).map_err(Error::access(source))?;
    let file = File::create_new(result).map_err(Error::access(result))?;
    let mut writer = BufWriter::with_capacity(64 << 10, &file);
    let mut expander = Expander::new(variables);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::access(source)(error)),
        };
        expander.push(&buffer[..count], &mut writer).map_err(Error::access(result))?;
    }
    let undefined = expander.finish(&mut writer).map_err(Error::access(result))?;
    writer.flush().map_err(Error::access(result))?;
    drop(writer);
    let size = file.metadata().map_err(Error::access(result))?.len();
    Ok((size, undefined))
}
