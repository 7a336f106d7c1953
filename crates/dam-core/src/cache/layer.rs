//! The file of a cached layer.
//!
//! The compressed layer, followed by one skippable frame of zstd (RFC 8878 §3.1.2), so that a file of zstd is zstd as a whole
//! and its facts can neither be lost nor mixed up. Offsets from the start of the frame, numbers little-endian:
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 4 | `5d 2a 4d 18`, a skippable frame |
//! | 4 | 4 | 1078, the bytes that follow |
//! | 8 | 64 | hex SHA-256 of the compressed layer: all of the file before this frame |
//! | 72 | 8 | length of the unpacked layer in bytes |
//! | 80 | 2 | 0 if its roots are unknown, else 1 more than the length of their text |
//! | 82 | 1000 | its roots as [`LayerNotes::roots`] writes them, then zeros |
//! | 1082 | 4 | CRC-32 of the file's name (hex DiffID, form) and bytes 8 to 1081 |

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use dam_oci::{Descriptor, Digest, LayerNotes, VerifyingReader};

use super::Form;
use crate::{Error, Result};

/// Length of the frame in bytes.
pub(super) const TRAILER: usize = 1086;
const FRAME_HEAD: [u8; 8] = [0x5d, 0x2a, 0x4d, 0x18, 0x36, 0x04, 0, 0];
const ROOTS: usize = 82;
const SUM: usize = 1082;

/// Writes the frame.
pub(super) fn trailer(diff_id: Digest, form: Form, digest: Digest, notes: &LayerNotes) -> [u8; TRAILER] {
    let mut frame = [0; TRAILER];
    frame[..8].copy_from_slice(&FRAME_HEAD);
    frame[8..72].copy_from_slice(digest.hex().as_bytes());
    frame[72..80].copy_from_slice(&notes.unpacked_size.unwrap_or_default().to_le_bytes());
    if let Some(roots) = notes.roots() {
        let length = u16::try_from(roots.len() + 1).expect("roots that are noted have at most 1,000 bytes");
        frame[80..ROOTS].copy_from_slice(&length.to_le_bytes());
        frame[ROOTS..ROOTS + roots.len()].copy_from_slice(roots.as_bytes());
    }
    let sum = checksum(diff_id, form, &frame);
    frame[SUM..].copy_from_slice(&sum.to_le_bytes());
    frame
}

/// Reads the frame: digest and notes. `None` if it is damaged or belongs to another layer.
fn read_trailer(diff_id: Digest, form: Form, frame: &[u8; TRAILER]) -> Option<(Digest, LayerNotes)> {
    if frame[..8] != FRAME_HEAD || frame[SUM..] != checksum(diff_id, form, frame).to_le_bytes() {
        return None;
    }
    let digest = Digest::from_hex(std::str::from_utf8(&frame[8..72]).ok()?).ok()?;
    let unpacked = u64::from_le_bytes(frame[72..80].try_into().expect("eight bytes"));
    let roots = match usize::from(u16::from_le_bytes([frame[80], frame[81]])).checked_sub(1) {
        Some(length) => Some(std::str::from_utf8(frame[ROOTS..SUM].get(..length)?).ok()?),
        None => None,
    };
    Some((digest, LayerNotes::with_roots(Some(unpacked), roots)))
}

fn checksum(diff_id: Digest, form: Form, frame: &[u8; TRAILER]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(format!("{}{form}", diff_id.hex()).as_bytes());
    sum.update(&frame[8..SUM]);
    sum.finalize()
}

/// Opens the file of a layer. `None` if there is none or it is not what it should be.
pub(super) fn read(path: &Path, diff_id: Digest, form: Form) -> Result<Option<CachedLayer>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::access(path)(error)),
    };
    let length = file.metadata().map_err(Error::access(path))?.len();
    let Some(size) = length.checked_sub(TRAILER as u64) else { return Ok(None) };
    let mut frame = [0; TRAILER];
    file.read_exact_at(&mut frame, size).map_err(Error::access(path))?;
    let facts = read_trailer(diff_id, form, &frame);
    Ok(facts.map(|(digest, notes)| CachedLayer::new(form, digest, size, diff_id, &notes, file, path.to_owned())))
}

/// Reads a frame that is a file of its own; `None` if it is damaged or belongs to another layer.
pub(super) fn read_frame(file: &File, diff_id: Digest) -> Option<(Digest, LayerNotes)> {
    let mut frame = [0; TRAILER];
    file.read_exact_at(&mut frame, 0).ok()?;
    read_trailer(diff_id, Form::default(), &frame)
}

/// A layer in its compressed form. It stays readable when its file is deleted.
#[derive(Debug, Clone)]
pub struct CachedLayer {
    /// The compressed layer, as a manifest names it, with what is noted of it.
    pub descriptor: Descriptor,
    /// Digest of the unpacked layer.
    pub diff_id: Digest,
    /// Length of the unpacked layer in bytes.
    pub unpacked: u64,
    file: Arc<File>,
    path: PathBuf,
}

impl CachedLayer {
    pub(super) fn new(
        form: Form,
        digest: Digest,
        size: u64,
        diff_id: Digest,
        notes: &LayerNotes,
        file: File,
        path: PathBuf,
    ) -> Self {
        let plain = Descriptor::new(form.media_type(), digest, size);
        let descriptor = Descriptor { annotations: notes.annotations(), ..plain };
        let unpacked = notes.unpacked_size.unwrap_or_default();
        Self { descriptor, diff_id, unpacked, file: Arc::new(file), path }
    }

    /// Opens the compressed bytes. They are checked as they pass; a file that turns out damaged is removed, so that the
    /// next lookup misses.
    pub fn open(&self) -> Box<dyn Read + Send> {
        let inner = VerifyingReader::new(self.open_unverified(), &self.descriptor);
        Box::new(Removing { inner, path: self.path.clone() })
    }

    /// Opens the compressed bytes for a reader that checks them itself.
    pub(super) fn open_unverified(&self) -> Box<dyn Read + Send> {
        Box::new(Span { file: Arc::clone(&self.file), at: 0, end: self.descriptor.size })
    }

    /// Notes that the layer was used just now. Where that fails, the layer only goes earlier.
    pub(super) fn touch(&self) {
        _ = self.file.set_modified(SystemTime::now());
    }
}

/// The first bytes of a file, read without its shared position.
struct Span {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Span {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read_at(&mut buffer[..most], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Removes the file when its bytes turn out wrong.
struct Removing<R> {
    inner: R,
    path: PathBuf,
}

impl<R: Read> Read for Removing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).inspect_err(|error| {
            if error.kind() == ErrorKind::InvalidData {
                _ = fs::remove_file(&self.path);
            }
        })
    }
}
