//! The payload: all files in one archive, compressed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::content::{Progress, go_on, pour};
use crate::rpm::cpio::{self, Member};
use crate::rpm::files::{self, START, Seen};
use crate::rpm::measured::{Measured, hex};
use crate::{Content, Entry, EntryKind, Package, WriteError, XzEncoder};

/// A payload, kept in a file without a name until the header, which holds its digests, is written before it.
pub(super) struct Payload {
    /// The compressed archive.
    pub(super) file: File,
    /// Its length in bytes.
    pub(super) size: u64,
    /// Its SHA-256, in hexadecimal.
    pub(super) digest: String,
    /// The length of the archive, uncompressed, in bytes.
    pub(super) plain_size: u64,
    /// The SHA-256 of the archive, in hexadecimal.
    pub(super) plain_digest: String,
    /// What was seen of each file.
    pub(super) seen: Vec<Seen>,
}

/// Packs files into a file without a name in the folder of `path`, by which faults are named. `progress` is told how many
/// bytes of contents have been packed.
pub(super) fn pack(
    files: &[&Entry],
    package: &Package,
    path: &Path,
    progress: &mut Progress<'_>,
) -> Result<Payload, WriteError> {
    let fault = |source| WriteError::Output { path: path.to_owned(), source };
    let file = tempfile::tempfile_in(folder(path)).map_err(fault)?;
    let output = Measured::new(BufWriter::new(file));
    let size = files.iter().map(|entry| files::size(entry).map(u64::from)).sum::<Result<u64, _>>()?;
    let compressor = XzEncoder::new(output, package.architecture, size, package.effort).map_err(fault)?;
    let mut archive = Archive { out: Measured::new(compressor), path, done: 0, progress };
    let mut seen = Vec::new();
    for (index, entry) in files.iter().enumerate() {
        let member = Member {
            name: format!("./{}", entry.path.relative()),
            inode: index as u32 + 1,
            mode: u32::from(files::mode(entry)),
            time: package.source_date,
            size: files::size(entry)?,
        };
        seen.push(archive.add(entry, &member)?);
    }
    cpio::finish(&mut archive.out).map_err(fault)?;
    let (compressor, plain_size, plain_digest) = archive.out.finish();
    let (output, size, digest) = compressor.finish().map_err(fault)?.finish();
    let file = output.into_inner().map_err(|error| fault(error.into_error()))?;
    Ok(Payload { file, size, digest, plain_size, plain_digest, seen })
}

struct Archive<'a, W> {
    out: W,
    path: &'a Path,
    done: u64,
    progress: &'a mut Progress<'a>,
}

impl<W: Write> Archive<'_, W> {
    fn fault(&self, source: io::Error) -> WriteError {
        WriteError::Output { path: self.path.to_owned(), source }
    }

    fn add(&mut self, entry: &Entry, member: &Member) -> Result<Seen, WriteError> {
        member.write(&mut self.out).map_err(|source| self.fault(source))?;
        let seen = match &entry.kind {
            EntryKind::File { content, .. } => self.copy(content)?,
            EntryKind::Folder { .. } => Seen::default(),
            EntryKind::Link { target } => {
                self.out.write_all(target.as_bytes()).map_err(|source| self.fault(source))?;
                Seen::default()
            }
        };
        cpio::pad(member.size, &mut self.out).map_err(|source| self.fault(source))?;
        Ok(seen)
    }

    /// Copies a content, of which every byte is looked at once.
    fn copy(&mut self, content: &Content) -> Result<Seen, WriteError> {
        let (mut hash, mut start) = (Sha256::new(), Vec::new());
        pour(content, &mut |piece| {
            hash.update(piece);
            start.extend(&piece[..piece.len().min(START - start.len())]);
            self.out.write_all(piece).map_err(|source| self.fault(source))?;
            self.done += piece.len() as u64;
            go_on((self.progress)(self.done))
        })?;
        Ok(Seen { digest: hex(&hash.finalize()), start })
    }
}

/// Returns the folder a file is in.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
