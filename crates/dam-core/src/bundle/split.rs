//! A bundle that is cut into parts while it is written.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use dam_oci::archive::PartName;
use dam_oci::{Digest, Hasher};
use tempfile::{NamedTempFile, TempPath};

use super::Finished;
use super::counted::{Counted, Counts};
use super::file::{folder_of, refuse_broken_promise, refuse_irregular, sync_folder, temp_file};
use crate::host::Cancel;
use crate::{Error, Result, fault};

/// The parts of a file on their way, as [`super::BundleFile`]. No part has its name before all are whole and on the disk.
pub struct SplitFile {
    counted: Counted<Parts>,
    path: PathBuf,
}

/// All parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedParts {
    /// The parts, in order.
    pub parts: Vec<Finished>,
    /// Parts of an earlier, larger file of the same name, which are gone: they would be read as part of this one.
    pub removed: Vec<PathBuf>,
    /// Length of all parts together in bytes.
    pub bytes: u64,
    /// SHA-256 of all parts, one after the other.
    pub sha256: Digest,
}

impl SplitFile {
    /// Begins the parts of `path`, `size` bytes each but the last. They come to lie in the folder of `path`.
    pub fn create(path: &Path, size: u64, cancel: Cancel) -> Result<Self> {
        refuse_irregular(&part_path(path, 1))?;
        let parts = Parts { folder: folder_of(path).to_owned(), size: size.max(1), whole: Vec::new(), current: None };
        Ok(Self { counted: Counted::new(parts, cancel), path: path.to_owned() })
    }

    /// Gives the parts their names, in the place of any files there, and removes further parts of an earlier file.
    ///
    /// A machine that fails in the middle leaves no part 1, without which nothing is read: never parts of two files.
    pub fn finish(self) -> Result<FinishedParts> {
        let Self { counted, path } = self;
        let Counts { inner: mut parts, crc, sha256, bytes, cancel } = counted.finish(&path)?;
        refuse_broken_promise(&path, crc)?;
        parts.end().map_err(Error::access(&path))?;
        cancel.check()?;
        let paths: Vec<PathBuf> = (1..).take(parts.whole.len()).map(|number| part_path(&path, number)).collect();
        paths.iter().try_for_each(|path| refuse_irregular(path))?;
        let removed = stale(&path, parts.whole.len())?;
        fault::point("split: before the first old part goes");
        remove(&paths[0])?;
        removed.iter().try_for_each(|path| remove(path))?;
        let mut finished = Vec::with_capacity(paths.len());
        // The first part last.
        for (part, path) in parts.whole.into_iter().zip(paths).rev() {
            fault::point("split: before a part has its name");
            part.temp.persist(&path).map_err(|error| Error::access(&path)(error.error))?;
            finished.push(Finished { path, bytes: part.bytes, sha256: part.sha256 });
        }
        fault::point("split: after the first part has its name");
        sync_folder(&parts.folder)?;
        finished.reverse();
        Ok(FinishedParts { parts: finished, removed, bytes, sha256 })
    }

    /// Says what an error of writing to the parts really is.
    pub fn explain(&mut self, error: Error) -> Error {
        self.counted.explain(error, &self.path)
    }
}

impl Write for SplitFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.counted.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.counted.flush()
    }
}

/// Files of one length, one after the other.
struct Parts {
    folder: PathBuf,
    size: u64,
    whole: Vec<WholePart>,
    current: Option<Part>,
}

/// A part that is being written.
struct Part {
    temp: NamedTempFile,
    hasher: Hasher,
    bytes: u64,
}

/// A part that is on the disk. It is not kept open: there may be more of them than a process may have files.
struct WholePart {
    temp: TempPath,
    bytes: u64,
    sha256: Digest,
}

impl Parts {
    /// Ends the part that is being written.
    fn end(&mut self) -> io::Result<()> {
        if let Some(Part { temp, hasher, bytes }) = self.current.take() {
            temp.as_file().sync_all()?;
            self.whole.push(WholePart { temp: temp.into_temp_path(), bytes, sha256: hasher.finish() });
        }
        Ok(())
    }
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Begun with its first byte, so that there is no empty one at the end.
        let part = match &mut self.current {
            Some(part) => part,
            current => {
                let temp = temp_file(&self.folder).map_err(|error| match error {
                    Error::Access { source, .. } => source,
                    other => io::Error::other(other),
                })?;
                current.insert(Part { temp, hasher: Hasher::default(), bytes: 0 })
            }
        };
        let most = usize::try_from(self.size - part.bytes).unwrap_or(usize::MAX).min(bytes.len());
        let count = part.temp.as_file_mut().write(&bytes[..most])?;
        part.hasher.update(&bytes[..count]);
        part.bytes += count as u64;
        if part.bytes == self.size {
            self.end()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the path of a part: the whole's, a dot, and a number of at least three digits.
fn part_path(path: &Path, number: u32) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(format!(".{number:03}"));
    name.into()
}

/// Finds the parts of `path` behind the first `count`.
fn stale(path: &Path, count: usize) -> Result<Vec<PathBuf>> {
    let folder = folder_of(path);
    let mut stale = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::access(folder))? {
        let name = entry.map_err(Error::access(folder))?.file_name();
        let part = PartName::read(Path::new(&name));
        if let Some(part) = part.filter(|part| Some(part.stem().as_os_str()) == path.file_name())
            && part.number() as usize > count
        {
            let path = part_path(path, part.number());
            refuse_irregular(&path)?;
            stale.push((part.number(), path));
        }
    }
    stale.sort();
    Ok(stale.into_iter().map(|(_, path)| path).collect())
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(Error::access(path)),
    }
}
