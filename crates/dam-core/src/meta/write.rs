//! Writes a `/meta` in its one true form.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use dam_oci::{Digest, Hasher};

use super::entry::{Entry, Kind};
use super::index::{Index, content};

/// Writes everything `index` says of `tar` to `out`, sorted and without owners and times, and returns the digest.
pub(super) fn write(index: &Index, tar: &File, out: &File) -> io::Result<Digest> {
    let hashed = Hashed { inner: BufWriter::with_capacity(128 << 10, out), hasher: Hasher::default() };
    let mut builder = tar::Builder::new(hashed);
    for (name, entry) in &index.entries {
        append(&mut builder, name, entry, tar)?;
    }
    let mut hashed = builder.into_inner()?;
    hashed.flush()?;
    Ok(hashed.hasher.finish())
}

fn append(builder: &mut tar::Builder<impl Write>, name: &[u8], entry: &Entry, tar: &File) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_mode(entry.mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(0);
    let path = |bytes| Path::new(OsStr::from_bytes(bytes));
    match &entry.kind {
        Kind::Folder => {
            header.set_entry_type(tar::EntryType::Directory);
            builder.append_data(&mut header, path(&[name, b"/"].concat()), io::empty())
        }
        Kind::File { offset, size } => {
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(*size);
            builder.append_data(&mut header, path(name), content(tar, *offset, *size)?)
        }
        Kind::Link { target } => {
            header.set_entry_type(tar::EntryType::Symlink);
            // As it is written where it fits; the tar crate would tidy it up.
            match header.set_link_name_literal(target) {
                Ok(()) => builder.append_data(&mut header, path(name), io::empty()),
                Err(_) => builder.append_link(&mut header, path(name), path(target)),
            }
        }
    }
}

/// Passes bytes on and hashes them.
struct Hashed<W> {
    inner: W,
    hasher: Hasher,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
