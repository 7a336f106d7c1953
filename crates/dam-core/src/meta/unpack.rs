//! Writes a checked `/meta` into a folder, following no link on the way.
//!
//! Every step is one name relative to an open folder (`openat(2)` with `O_NOFOLLOW`), and everything is created new, so
//! not even somebody who changes the folder meanwhile makes a write land elsewhere.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};

use super::entry::{Entry, Kind};
use super::index::{Index, content};

/// Writes everything `index` says of `tar` below `into`, which must be a folder without a `meta`.
///
/// Folders are always the owner's to write in, so that a hook can work in them and dam can take them away again.
pub(super) fn unpack(index: &Index, tar: &File, into: &Path) -> io::Result<()> {
    let root = rustix::fs::openat(CWD, into, FOLDER, Mode::empty())?;
    // The folder worked in last; entries are sorted, so it is nearly always the next one's too.
    let mut last: Option<(&[u8], OwnedFd)> = None;
    for (name, entry) in &index.entries {
        let (parent, leaf) = match name.iter().rposition(|byte| *byte == b'/') {
            Some(at) => (&name[..at], &name[at + 1..]),
            None => (&[][..], name.as_slice()),
        };
        let folder = match last.take() {
            Some((known, folder)) if known == parent => folder,
            _ => open(&root, parent)?,
        };
        create(&folder, leaf, entry, tar)?;
        last = Some((parent, folder));
    }
    Ok(())
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens the folder `name` below `root`, part by part.
fn open(root: &OwnedFd, name: &[u8]) -> io::Result<OwnedFd> {
    let mut folder = root.try_clone()?;
    for part in name.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        folder = rustix::fs::openat(&folder, part, FOLDER, Mode::empty())?;
    }
    Ok(folder)
}

fn create(folder: &OwnedFd, leaf: &[u8], entry: &Entry, tar: &File) -> io::Result<()> {
    match &entry.kind {
        Kind::Folder => {
            rustix::fs::mkdirat(folder, leaf, Mode::RWXU)?;
            let new = rustix::fs::openat(folder, leaf, FOLDER, Mode::empty())?;
            rustix::fs::fchmod(&new, Mode::from_raw_mode(entry.mode | 0o700))?;
        }
        Kind::File { offset, size } => {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let new = File::from(rustix::fs::openat(folder, leaf, flags, Mode::RUSR | Mode::WUSR)?);
            if io::copy(&mut content(tar, *offset, *size)?, &mut &new)? != *size {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // Not left to openat: the umask would take bits away.
            rustix::fs::fchmod(&new, Mode::from_raw_mode(entry.mode))?;
        }
        Kind::Link { target } => rustix::fs::symlinkat(target.as_slice(), folder, leaf)?,
    }
    Ok(())
}
