//! `dam verify FILE`: all that is wrong with a file of apps, not only the first.
//!
//! The file is read once from front to back, whatever it holds; then documents are compared with what was found. Only the
//! layers that `/meta` needs are read again, and only of apps whose blobs are sound.

mod bundle;
mod fault;
mod findings;
mod foreign;
mod meta;
mod pass;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use dam_oci::{Archive, Reference, archive};
use serde::Serialize;

use crate::app::{AppName, NameFault};
use crate::bundle::file_name::{self, Promise};
use crate::event::{Event, Reporter, Watched};
use crate::host::Scratch;
use crate::ops::Target;
use crate::{Error, Result};

pub use fault::FileFault;
use findings::Findings;
use pass::Pass;

/// What a person wants verified: an installed app by its name, or a file by its path or ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifyTarget {
    /// An installed app.
    App(AppName),
    /// A file.
    File(PathBuf),
}

impl FromStr for VerifyTarget {
    type Err = NameFault;

    fn from_str(text: &str) -> Result<Self, NameFault> {
        match text.parse() {
            Ok(Target::File(path)) => Ok(Self::File(path)),
            _ => text.parse().map(Self::App),
        }
    }
}

/// What a file holds, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifiedFile {
    /// The file; of a split one the first part.
    pub path: PathBuf,
    /// Its length in bytes, all parts together.
    pub bytes: u64,
    /// The apps it says it holds, in its order.
    pub apps: Vec<Reference>,
    /// How many blobs were read whole.
    pub blobs: usize,
    /// What is wrong; nothing when all is well.
    pub faults: Vec<FileFault>,
}

/// Reads all of a file. `scratch` takes small temporary files.
///
/// # Errors
/// [`Error::Access`] and [`crate::bundle::BundleError::Newer`], and those of [`dam_oci::Archive::open`] where nothing of the
/// file can be read at all: it is no archive.
pub fn verify_file(path: &Path, scratch: &Scratch, reporter: &dyn Reporter) -> Result<VerifiedFile> {
    let (reader, bytes) = archive::open_bytes(path)?;
    let mut summed = Summed { inner: Watched::new(reader, reporter), crc: crc32fast::Hasher::new() };
    reporter.event(Event::Started { what: "verify file", total: Some(bytes) });
    let mut pass = Pass::read(&mut summed, true);
    // What is behind a fault belongs to the checksum all the same.
    let rest = std::io::copy(&mut summed, &mut std::io::sink());
    reporter.event(Event::Finished);
    if let Some(error) = pass.ended.take_if(|_| pass.files.is_empty() && pass.nested.is_empty()) {
        // Who opens archives knows best what this is in place of one.
        let error = Archive::open(path).err().unwrap_or(error);
        return Err(Error::from(error).in_archive(path));
    }
    let mut findings = Findings::default();
    if let Some(name) = path.file_name().and_then(|name| name.to_str())
        && let (Some(promise), Ok(_)) = (file_name::parse(name), rest)
    {
        check_promise(name, promise, bytes, summed.crc.finalize(), &mut findings);
    }
    let (apps, blobs) = match bundle::head(path, &pass, &mut findings)? {
        Some(head) => bundle::check(&head, &pass, &mut findings),
        None => foreign::check(&pass, &mut findings),
    };
    findings.end(pass.ended.as_ref(), None);
    meta::check(path, &pass, scratch, &mut findings)?;
    Ok(VerifiedFile { path: path.to_owned(), bytes, apps, blobs, faults: findings.faults })
}

/// Compares a file with what its name promises.
fn check_promise(name: &str, promise: Promise, bytes: u64, crc: u32, findings: &mut Findings) {
    let name = name.to_owned();
    match promise.size {
        Some(promised) if promised != bytes => findings.add(FileFault::Length { name, promised, found: bytes }),
        _ if promise.crc != crc => {
            let [promised, found] = [promise.crc, crc].map(|crc| format!("{crc:08x}"));
            findings.add(FileFault::Checksum { name, promised, found });
        }
        _ => {}
    }
}

/// Sums up the bytes that pass.
struct Summed<R> {
    inner: R,
    crc: crc32fast::Hasher,
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.crc.update(&buffer[..count]);
        Ok(count)
    }
}
