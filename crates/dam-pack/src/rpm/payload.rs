//! The payload: all files in one archive, compressed.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::rpm::cpio::{self, Member};
use crate::rpm::files::{self, START, Seen};
use crate::rpm::measured::{Measured, hex};
use crate::{Architecture, Content, Entry, EntryKind, WriteError, XzEncoder};

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

/// Packs files into a file without a name in the folder of `path`, by which faults are named.
pub(super) fn pack(
    files: &[&Entry],
    architecture: Architecture,
    source_date: u32,
    path: &Path,
) -> Result<Payload, WriteError> {
    let fault = |source| WriteError::Output { path: path.to_owned(), source };
    let file = tempfile::tempfile_in(folder(path)).map_err(fault)?;
    let size = files.iter().map(|entry| files::size(entry).map(u64::from)).sum::<Result<u64, _>>()?;
    let compressor = XzEncoder::new(Measured::new(file), architecture, size).map_err(fault)?;
    let mut archive = Archive { out: Measured::new(compressor), path };
    let mut seen = Vec::new();
    for (index, entry) in files.iter().enumerate() {
        let member = Member {
            name: format!("./{}", entry.path.relative()),
            inode: index as u32 + 1,
            mode: u32::from(files::mode(entry)),
            time: source_date,
            size: files::size(entry)?,
        };
        seen.push(archive.add(entry, &member)?);
    }
    cpio::finish(&mut archive.out).map_err(fault)?;
    let (compressor, plain_size, plain_digest) = archive.out.finish();
    let (file, size, digest) = compressor.finish().map_err(fault)?.finish();
    Ok(Payload { file, size, digest, plain_size, plain_digest, seen })
}

struct Archive<'a, W> {
    out: W,
    path: &'a Path,
}

impl<W: Write> Archive<'_, W> {
    fn fault(&self, source: io::Error) -> WriteError {
        WriteError::Output { path: self.path.to_owned(), source }
    }

    fn add(&mut self, entry: &Entry, member: &Member) -> Result<Seen, WriteError> {
        member.write(&mut self.out).map_err(|source| self.fault(source))?;
        let seen = match &entry.kind {
            EntryKind::File { content: Content::Bytes(bytes), .. } => {
                self.out.write_all(bytes).map_err(|source| self.fault(source))?;
                Seen { digest: hex(&Sha256::digest(bytes)), start: bytes[..bytes.len().min(START)].to_owned() }
            }
            EntryKind::File { content: Content::File { path, size }, .. } => self.copy(path, *size)?,
            EntryKind::Folder { .. } => Seen::default(),
            EntryKind::Link { target } => {
                self.out.write_all(target.as_bytes()).map_err(|source| self.fault(source))?;
                Seen::default()
            }
        };
        cpio::pad(member.size, &mut self.out).map_err(|source| self.fault(source))?;
        Ok(seen)
    }

    /// Copies a file, of which every byte is looked at once.
    fn copy(&mut self, path: &Path, size: u64) -> Result<Seen, WriteError> {
        let fault = |source| WriteError::Content { path: path.to_owned(), source };
        // One byte more than is wanted tells of a file that grew.
        let mut file = File::open(path).map_err(fault)?.take(size + 1);
        let (mut hash, mut start, mut total) = (Sha256::new(), Vec::new(), 0);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = file.read(&mut buffer).map_err(fault)?;
            total += count as u64;
            if total > size || (count == 0 && total < size) {
                let found = (total < size).then_some(total);
                return Err(WriteError::Length { path: path.to_owned(), said: size, found });
            }
            if count == 0 {
                return Ok(Seen { digest: hex(&hash.finalize()), start });
            }
            let part = &buffer[..count];
            hash.update(part);
            start.extend(&part[..count.min(START - start.len())]);
            self.out.write_all(part).map_err(|source| self.fault(source))?;
        }
    }
}

/// Returns the folder a file is in.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
