//! The parts of a split bundle, read one after the other from media of which one is there at a time.
//!
//! Parts in one folder are read like one file (`dam_oci::archive::Parts`), in any order. This reader is for parts that
//! are not together: each is read once, from front to back, and its file is closed before the next is asked for, so that
//! the medium can be taken out. How parts are named, and how wrong ones are found, stands in `docs/formats/bundle-v2.md`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dam_oci::ArchiveFault;
use dam_oci::archive::PartName;

use super::BundleError;
use crate::{Error, Result};

/// Whoever puts media in.
pub trait Media: Send {
    /// Returns where a part is that does not lie beside the one before it: its path, or that of the folder it is in.
    /// `wanted` is where it would lie beside the one before; that very path is a good answer once the medium was changed.
    /// `refused` says what is wrong with the answer before this one.
    ///
    /// # Errors
    /// Gives up: reading ends with [`dam_oci::Error::Lost`], which names the part and has this error as its cause.
    fn next(&mut self, wanted: &Path, refused: Option<Error>) -> Result<PathBuf>;

    /// Fails when reading is to stop; asked before every read.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// There is nobody to change a medium.
pub struct NoMedia;

impl Media for NoMedia {
    fn next(&mut self, wanted: &Path, refused: Option<Error>) -> Result<PathBuf> {
        Err(refused.unwrap_or_else(|| Error::access(wanted)(io::ErrorKind::NotFound.into())))
    }
}

/// A split file as a stream.
pub struct MediaReader {
    /// The part that was opened last.
    part: PartName,
    /// Length of the first part in bytes, which all but the last have.
    length: u64,
    /// The part that is read, and the bytes that are left of it.
    open: Option<(File, u64)>,
    /// Whether the part that was read last is shorter than the first, so that it must be the last.
    is_short: bool,
    whole: Arc<AtomicBool>,
    media: Box<dyn Media>,
}

impl MediaReader {
    /// Opens the first part. `media` is asked for each later one that is not beside the one before it.
    ///
    /// # Errors
    /// [`ArchiveFault::NotFirst`] for any other part, [`ArchiveFault::NotFile`], [`ArchiveFault::Empty`], and
    /// [`Error::Access`].
    pub fn open(first: PartName, media: Box<dyn Media>) -> Result<Self> {
        let path = path(&first);
        if first.number() != 1 {
            return Err(refuse(&path, ArchiveFault::NotFirst { first: file_name(&first.sibling(1)) }));
        }
        let (file, length) = open(&path)?;
        let (open, whole) = (Some((file, length)), Arc::default());
        Ok(Self { part: first, length, open, is_short: false, whole, media })
    }

    /// Returns the path of the whole file: that of its parts without the number.
    pub fn stem(&self) -> &Path {
        self.part.stem()
    }

    /// Gives a flag to be set when the last byte of the archive has been read: no further part is asked for then.
    pub(super) fn whole(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.whole)
    }

    /// Opens the part behind the one that was read.
    fn open_next(&mut self) -> io::Result<()> {
        let number = self.part.number().checked_add(1).ok_or(io::ErrorKind::FileTooLarge)?;
        let wanted = self.part.sibling(number);
        if self.is_short {
            return Err(fault(self.part.stem(), ArchiveFault::PartCut { part: file_name(&path(&self.part)) }));
        }
        let mut place = wanted.clone();
        let (mut asked, mut refused) = (false, None);
        loop {
            match self.open_part(&place, number) {
                Ok(()) => return Ok(()),
                // Nobody has said that it is there.
                Err(Error::Access { source, .. }) if !asked && source.kind() == io::ErrorKind::NotFound => {}
                Err(error) => refused = Some(error),
            }
            let answer =
                self.media.next(&wanted, refused.take()).map_err(|error| lost(&wanted, io::Error::other(error)))?;
            place = if answer.is_dir() { answer.join(wanted.file_name().unwrap_or_default()) } else { answer };
            asked = true;
        }
    }

    /// Opens a part if it can be the one.
    fn open_part(&mut self, place: &Path, number: u32) -> Result<()> {
        let other = || BundleError::OtherPart { path: place.to_owned(), number };
        let part = PartName::read(place).filter(|part| part.number() == number).ok_or_else(other)?;
        let (file, found) = open(place)?;
        if found > self.length {
            let (part, expected) = (file_name(place), self.length);
            return Err(refuse(self.part.stem(), ArchiveFault::PartShort { part, found, expected }));
        }
        (self.part, self.is_short, self.open) = (part, found < self.length, Some((file, found)));
        Ok(())
    }
}

impl Read for MediaReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.media.check().map_err(io::Error::other)?;
        loop {
            let path = path(&self.part);
            if let Some((file, left)) = self.open.as_mut().filter(|(_, left)| *left > 0) {
                let most = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
                let count = file.read(&mut buffer[..most]).map_err(|error| lost(&path, error))?;
                *left -= count as u64;
                return match count {
                    0 => Err(fault(&path, ArchiveFault::PartCut { part: file_name(&path) })),
                    count => Ok(count),
                };
            }
            // Closed before the next one is asked for.
            self.open = None;
            if self.whole.load(Ordering::SeqCst) {
                return Ok(0);
            }
            self.open_next()?;
        }
    }
}

/// Opens a file that is not empty, and returns its length in bytes.
fn open(path: &Path) -> Result<(File, u64)> {
    // Asked before opening, which would wait forever for the other end of a pipe.
    let about = fs::metadata(path).map_err(Error::access(path))?;
    match (about.is_file(), about.len()) {
        (false, _) => Err(refuse(path, ArchiveFault::NotFile)),
        (true, 0) => Err(refuse(path, ArchiveFault::Empty)),
        (true, length) => Ok((File::open(path).map_err(Error::access(path))?, length)),
    }
}

fn path(part: &PartName) -> PathBuf {
    part.sibling(part.number())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().display().to_string()
}

fn refuse(path: &Path, fault: ArchiveFault) -> Error {
    dam_oci::Error::Archive { what: format!("`{}`", path.display()), fault }.into()
}

/// Says what is wrong with the parts, to travel through [`Read`].
fn fault(path: &Path, fault: ArchiveFault) -> io::Error {
    let what = format!("`{}`", path.display());
    io::Error::new(io::ErrorKind::InvalidData, dam_oci::Error::Archive { what, fault })
}

/// Names the part that cannot be read.
fn lost(path: &Path, source: io::Error) -> io::Error {
    match source.kind() {
        io::ErrorKind::Interrupted => source,
        kind => io::Error::new(kind, dam_oci::Error::Lost { what: format!("`{}`", path.display()), source }),
    }
}
