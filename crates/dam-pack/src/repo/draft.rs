//! Metadata in the making: nothing is seen before everything is written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use md5::Md5;
use sha2::{Digest, Sha256};
use tempfile::TempPath;

use crate::repo::RepositoryError;

/// What unfinished files begin with. What a killed run left is removed by the next.
const UNFINISHED: &str = ".dam-repository-";

/// What is told of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    /// Bytes.
    pub(super) size: u64,
    /// In hexadecimal.
    pub(super) md5: String,
    /// In hexadecimal.
    pub(super) sha256: String,
}

/// Hashes and counts what passes.
pub(super) struct Tally<T> {
    inner: T,
    size: u64,
    md5: Md5,
    sha256: Sha256,
}

impl<T> Tally<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, size: 0, md5: Md5::new(), sha256: Sha256::new() }
    }

    pub(super) fn finish(self) -> (T, Facts) {
        let (md5, sha256) = (hex(&self.md5.finalize()), hex(&self.sha256.finalize()));
        (self.inner, Facts { size: self.size, md5, sha256 })
    }

    fn pass(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.md5.update(bytes);
        self.sha256.update(bytes);
    }
}

impl<T: Read> Read for Tally<T> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(piece)?;
        self.pass(&piece[..count]);
        Ok(count)
    }
}

impl<T: Write> Write for Tally<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.pass(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file without its name yet.
pub(super) struct Draft {
    path: TempPath,
    pub(super) facts: Facts,
}

/// A file that is being written; its faults name the folder, since nobody knows its own name.
pub(super) struct Writer {
    folder: PathBuf,
    path: TempPath,
    to: Tally<BufWriter<File>>,
}

impl Writer {
    /// Begins a file.
    pub(super) fn new(folder: &Path) -> Result<Self, RepositoryError> {
        // The umask says who may read it. Opened and taken apart, for `tempfile` would put its name into what the system says.
        let open = |path: &Path| OpenOptions::new().write(true).create_new(true).mode(0o666).open(path);
        let file = tempfile::Builder::new().prefix(UNFINISHED).make_in(folder, open).map_err(access(folder))?;
        let (file, path) = file.into_parts();
        Ok(Self { folder: folder.to_owned(), path, to: Tally::new(BufWriter::new(file)) })
    }

    /// Adds text.
    pub(super) fn write(&mut self, text: impl AsRef<[u8]>) -> Result<(), RepositoryError> {
        self.to.write_all(text.as_ref()).map_err(access(&self.folder))
    }

    /// Ends the file.
    pub(super) fn finish(self) -> Result<Draft, RepositoryError> {
        let (file, facts) = self.to.finish();
        let file = file.into_inner().map_err(|error| access(&self.folder)(error.into_error()))?;
        file.sync_all().map_err(access(&self.folder))?;
        Ok(Draft { path: self.path, facts })
    }
}

/// A file that is being compressed: the same bytes on every machine.
pub(super) struct GzipWriter {
    folder: PathBuf,
    to: Tally<GzEncoder<Writer>>,
}

impl GzipWriter {
    pub(super) fn new(folder: &Path) -> Result<Self, RepositoryError> {
        // 3 is Unix; left alone, the byte would be that of the machine.
        let builder = GzBuilder::new().mtime(0).operating_system(3);
        let to = Tally::new(builder.write(Writer::new(folder)?, Compression::best()));
        Ok(Self { folder: folder.to_owned(), to })
    }

    pub(super) fn write(&mut self, text: impl AsRef<[u8]>) -> Result<(), RepositoryError> {
        self.to.write_all(text.as_ref()).map_err(access(&self.folder))
    }

    /// Ends the file; the facts are those of what went in.
    pub(super) fn finish(self) -> Result<(Draft, Facts), RepositoryError> {
        let (encoder, facts) = self.to.finish();
        let writer = encoder.finish().map_err(access(&self.folder))?;
        Ok((writer.finish()?, facts))
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Changes to a folder that are made at one go, in order.
pub(super) struct Release<'a> {
    folder: &'a Path,
    steps: Vec<Step>,
}

enum Step {
    Put(String, Draft),
    Remove(String),
}

impl<'a> Release<'a> {
    pub(super) fn new(folder: &'a Path) -> Self {
        Self { folder, steps: Vec::new() }
    }

    pub(super) fn folder(&self) -> &'a Path {
        self.folder
    }

    /// Gives a file its name, in the place of what has that.
    pub(super) fn put(&mut self, name: impl Into<String>, draft: Draft) {
        self.steps.push(Step::Put(name.into(), draft));
    }

    /// The same with a short text.
    pub(super) fn put_text(&mut self, name: &str, text: impl AsRef<[u8]>) -> Result<(), RepositoryError> {
        let mut writer = Writer::new(self.folder)?;
        writer.write(text)?;
        self.put(name, writer.finish()?);
        Ok(())
    }

    /// Puts a text that may be missing: then what has its name goes.
    pub(super) fn put_or_remove(&mut self, name: &str, text: Option<String>) -> Result<(), RepositoryError> {
        match text {
            Some(text) => self.put_text(name, text),
            None => {
                self.remove(name);
                Ok(())
            }
        }
    }

    /// Takes a file away, if it is there.
    pub(super) fn remove(&mut self, name: impl Into<String>) {
        self.steps.push(Step::Remove(name.into()));
    }

    /// Does it, and returns the names of what is there now, sorted.
    pub(super) fn publish(self) -> Result<Vec<String>, RepositoryError> {
        let mut names = Vec::new();
        for step in self.steps {
            match step {
                Step::Put(name, draft) => {
                    let path = self.folder.join(&name);
                    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(access(&path))?;
                    draft.path.persist(&path).map_err(|error| access(&path)(error.error))?;
                    names.push(name);
                }
                Step::Remove(name) => remove(&self.folder.join(name))?,
            }
        }
        // A file system that cannot do this for a folder writes it out when the stick is taken off.
        let _ = File::open(self.folder).and_then(|folder| folder.sync_all());
        names.sort();
        Ok(names)
    }
}

fn remove(path: &Path) -> Result<(), RepositoryError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(access(path)(error)),
        _ => Ok(()),
    }
}

/// Removes what a killed run left.
pub(super) fn sweep(folder: &Path) -> Result<(), RepositoryError> {
    for entry in fs::read_dir(folder).map_err(access(folder))? {
        let name = entry.map_err(access(folder))?.file_name();
        if name.to_string_lossy().starts_with(UNFINISHED) {
            remove(&folder.join(name))?;
        }
    }
    Ok(())
}

pub(super) fn access(path: &Path) -> impl FnOnce(io::Error) -> RepositoryError {
    move |source| RepositoryError::Access { path: path.to_owned(), source }
}
