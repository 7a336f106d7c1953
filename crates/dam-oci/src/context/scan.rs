//! Reading a folder into a [`Context`].

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::{Context, Entry};
use crate::{DockerIgnore, Error, Result};

impl Context {
    /// Reads the folder `dir`: sorted, links not followed, modes kept, without what `ignore` excludes.
    ///
    /// Sockets are left out, as Docker does. Devices and pipes are refused with [`Error::Unsupported`], a file that
    /// cannot be opened with [`Error::Access`], and both name the path: better now than in the middle of a build.
    pub fn scan(dir: &Path, ignore: &DockerIgnore) -> Result<Self> {
        let mut context = Self::new();
        walk(&mut context, dir, "", ignore)?;
        Ok(context)
    }
}

/// Adds what is in `folder`, whose path in the context is `prefix` (empty, or ending in a slash).
fn walk(context: &mut Context, folder: &Path, prefix: &str, ignore: &DockerIgnore) -> Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::access(folder))? {
        names.push(entry.map_err(Error::access(folder))?.file_name());
    }
    names.sort();
    for name in names {
        let disk = folder.join(&name);
        let path = format!("{prefix}{}", utf8(name, &disk)?);
        let metadata = fs::symlink_metadata(&disk).map_err(Error::access(&disk))?;
        let excluded = ignore.excludes(&path);
        if metadata.is_dir() {
            let folder = Entry::folder(&path, metadata.mode() & 0o7777);
            if !excluded {
                context.insert(folder);
                walk(context, &disk, &format!("{path}/"), ignore)?;
            } else if ignore.has_exceptions() || ignore.sends_from_below(&path) {
                let below = format!("{path}/");
                walk(context, &disk, &below, ignore)?;
                // The folder comes along with what was let in, and is as hidden as all of that is.
                let mut inside =
                    context.entries.range(below.clone()..).take_while(|(path, _)| path.starts_with(&below));
                let (some, excluded) =
                    inside.by_ref().fold((false, true), |(_, all), (_, e)| (true, all && e.excluded));
                if some {
                    context.insert(Entry { excluded, ..folder });
                }
            }
        } else if (!excluded || ignore.is_sent_anyway(&path)) && !metadata.file_type().is_socket() {
            let entry = entry(path, &disk, &metadata)?;
            context.insert(Entry { excluded, ..entry });
        }
    }
    Ok(())
}

fn entry(path: String, disk: &Path, metadata: &Metadata) -> Result<Entry> {
    let mode = metadata.mode() & 0o7777;
    if metadata.is_symlink() {
        let target = fs::read_link(disk).map_err(Error::access(disk))?;
        Ok(Entry::symlink(&path, &utf8(target.into_os_string(), disk)?))
    } else if metadata.is_file() {
        fs::File::open(disk).map_err(Error::access(disk))?;
        Ok(Entry::disk(&path, mode, metadata.len(), disk))
    } else {
        let kind = if metadata.file_type().is_fifo() { "pipe" } else { "device" };
        Err(Error::Unsupported { what: format!("the {kind} `{}` in a build", disk.display()) })
    }
}

/// Docker speaks of paths as UTF-8 and fails on others half-way.
fn utf8(name: OsString, disk: &Path) -> Result<String> {
    name.into_string()
        .map_err(|_| Error::Unsupported { what: format!("`{}`, a name that is not UTF-8,", disk.display()) })
}
