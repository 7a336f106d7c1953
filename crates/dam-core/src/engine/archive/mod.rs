//! The archive upstream publishes: `docker-26.1.5.tgz`, a folder `docker` of static programs.
//!
//! Source: <https://github.com/docker/docker-ce-packaging/blob/master/static/Makefile>.

mod error;
mod hashing;
mod unpacked;
mod version;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use dam_oci::archive::Member;
use dam_oci::{Digest, archive};
use dam_pack::Architecture;
use tempfile::TempDir;

use super::elf::{Elf, Needs};

use self::hashing::Hashing;
use self::unpacked::Unpacked;

pub use error::ArchiveError;

/// The programs of an archive, and whether an engine of any version needs them. `containerd-shim` went with containerd 2.
pub const PROGRAMS: [(&str, Necessity); 9] = [
    ("docker", Necessity::Needed),
    ("dockerd", Necessity::Needed),
    ("containerd", Necessity::Needed),
    ("containerd-shim-runc-v2", Necessity::Needed),
    ("runc", Necessity::Needed),
    ("docker-init", Necessity::Needed),
    ("docker-proxy", Necessity::Needed),
    ("ctr", Necessity::Extra),
    ("containerd-shim", Necessity::Extra),
];

/// Whether an engine works without a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Necessity {
    /// It does not.
    Needed,
    /// It does.
    Extra,
}

/// The most that an archive may hold, in bytes. Those of today have 200 MB.
const CONTENT_LIMIT: u64 = 4 << 30;

/// An archive that was read, hashed and unpacked. What was unpacked goes when this is dropped.
#[derive(Debug)]
pub struct EngineArchive {
    path: PathBuf,
    digest: Digest,
    version: Option<String>,
    files: Vec<EngineFile>,
    modified: u32,
    /// Where the files are.
    _folder: TempDir,
}

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineFile {
    /// Its name in the folder `docker`: `dockerd`, `completion/bash/docker`.
    pub name: String,
    /// Where its bytes are.
    pub path: PathBuf,
    /// Its length in bytes.
    pub size: u64,
}

impl EngineArchive {
    /// Reads the archive at `path` once, from front to back: hashes it, and unpacks it into a new folder in `scratch`.
    ///
    /// With `pin` its digest must be that one. Then damage inside is told as what stands behind the wrong digest.
    ///
    /// # Errors
    /// All of [`ArchiveError`] but [`ArchiveError::Program`]. Nothing stays in `scratch` then.
    pub fn unpack(path: &Path, pin: Option<Digest>, scratch: &Path) -> Result<Self, ArchiveError> {
        let folder = tempfile::Builder::new().prefix("engine-").tempdir_in(scratch);
        let folder = folder.map_err(ArchiveError::access(scratch))?;
        let mut file = Hashing::new(File::open(path).map_err(ArchiveError::access(path))?);
        let mut unpacking =
            Unpacking { archive: path, folder: folder.path(), files: Vec::new(), newest: 0, left: CONTENT_LIMIT };
        let unpacked = unpacking.read(&mut file);
        let Unpacking { mut files, newest, .. } = unpacking;
        if let Err(lost @ ArchiveError::Access { .. }) = unpacked {
            return Err(lost);
        }
        let digest = file.finish().map_err(ArchiveError::access(path))?;
        if let Some(wanted) = pin.filter(|wanted| *wanted != digest) {
            let damage = unpacked.err().map(Box::new);
            return Err(ArchiveError::Digest { path: path.to_owned(), found: digest, wanted, damage });
        }
        unpacked?;
        files.sort_by(|one, other| one.name.cmp(&other.name));
        let modified = u32::try_from(newest).unwrap_or(u32::MAX);
        let mut archive = Self { path: path.to_owned(), digest, version: None, files, modified, _folder: folder };
        archive.expect_programs()?;
        archive.version = archive.find_version()?;
        Ok(archive)
    }

    /// Returns the digest of the archive as a whole.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns the engine's version as packages write it, `26.1.5` or `29.0.0~rc.1`: from the archive's name, or else
    /// from `dockerd`. None where neither tells.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Returns when its newest file was changed, in seconds since 1970: the date of what is made of it, for it is the same
    /// wherever that is made.
    pub fn modified(&self) -> u32 {
        self.modified
    }

    /// Returns where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns all files, sorted by name.
    pub fn files(&self) -> &[EngineFile] {
        &self.files
    }

    /// Returns the file of that name.
    pub fn file(&self, name: &str) -> Option<&EngineFile> {
        self.files.iter().find(|file| file.name == name)
    }

    /// Returns the programs that are there, in the order of [`PROGRAMS`].
    pub fn programs(&self) -> impl Iterator<Item = &EngineFile> {
        PROGRAMS.iter().filter_map(|(name, _)| self.file(name))
    }

    /// Checks that all programs run on that processor, static but for those that `dynamic` names.
    ///
    /// # Errors
    /// [`ArchiveError::Program`].
    pub fn check(&self, architecture: Architecture, dynamic: &[String]) -> Result<(), ArchiveError> {
        for program in self.programs() {
            let needs = if dynamic.contains(&program.name) { Needs::Libraries } else { Needs::Nothing };
            let checked = Elf::open(&program.path).and_then(|elf| elf.check(architecture, needs));
            checked.map_err(|fault| ArchiveError::program(&self.path, program, fault))?;
        }
        Ok(())
    }

    fn expect_programs(&self) -> Result<(), ArchiveError> {
        let missing =
            PROGRAMS.iter().find(|(name, necessity)| *necessity == Necessity::Needed && self.file(name).is_none());
        missing.map_or(Ok(()), |(program, _)| Err(ArchiveError::Missing { path: self.path.clone(), program }))
    }

    fn find_version(&self) -> Result<Option<String>, ArchiveError> {
        if let Some(version) = version::of_name(&self.path) {
            return Ok(Some(version));
        }
        let Some(dockerd) = self.file("dockerd") else { return Ok(None) };
        let access = || ArchiveError::access(&dockerd.path);
        version::of_program(File::open(&dockerd.path).map_err(access())?).map_err(access())
    }
}

/// An archive that is being unpacked.
struct Unpacking<'a> {
    archive: &'a Path,
    folder: &'a Path,
    files: Vec<EngineFile>,
    /// When the newest file so far was changed.
    newest: u64,
    /// Bytes that may still come.
    left: u64,
}

impl Unpacking<'_> {
    fn read(&mut self, file: &mut Hashing<File>) -> Result<(), ArchiveError> {
        let what = format!("`{}`", self.archive.display());
        let stream = Unpacked::new(file).map_err(ArchiveError::access(self.archive))?;
        // The walk has no place for faults that are not its own.
        let mut refused = None;
        let walked = archive::stream(&what, stream, &mut |member| {
            self.take(member).map_err(|fault| match fault {
                ArchiveError::Damaged(error) => error,
                fault => {
                    refused = Some(fault);
                    dam_oci::Error::Unsupported { what: what.clone() }
                }
            })
        });
        match (refused, walked) {
            (Some(refused), _) => Err(refused),
            (None, Err(dam_oci::Error::Stream { source, .. } | dam_oci::Error::Lost { source, .. })) => {
                Err(ArchiveError::access(self.archive)(source))
            }
            (None, walked) => walked.map_err(ArchiveError::Damaged),
        }
    }

    fn take(&mut self, member: Member<'_>) -> Result<(), ArchiveError> {
        let (name, size, content) = match member {
            Member::File { name, size, modified, content } => {
                self.newest = self.newest.max(modified);
                (name, size, content)
            }
            Member::Link { name, .. } => {
                let (path, name) = (self.archive.to_owned(), name.escape_debug().to_string());
                return Err(ArchiveError::Link { path, name });
            }
        };
        let Some(inner) = name.strip_prefix("docker/") else {
            let (path, name) = (self.archive.to_owned(), name.escape_debug().to_string());
            return Err(ArchiveError::Foreign { path, name });
        };
        let large = || ArchiveError::Large { path: self.archive.to_owned(), limit: CONTENT_LIMIT };
        self.left = self.left.checked_sub(size).ok_or_else(large)?;
        // Neither `..` nor a link has come this far, so this is inside the folder.
        let path = self.folder.join(inner);
        if let Some(parent) = path.parent() {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(parent);
            made.map_err(ArchiveError::access(parent))?;
        }
        // Runnable, for `dockerd --validate`; what a package gives it is the package's business.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o700).open(&path);
        let mut file = file.map_err(ArchiveError::access(&path))?;
        self.copy(content, &mut file, &path)?;
        self.files.push(EngineFile { name: inner.to_owned(), path, size });
        Ok(())
    }

    /// Copies the content of a member, and tells a fault of the archive from one of the disk.
    fn copy(&self, content: &mut dyn Read, file: &mut File, path: &Path) -> Result<(), ArchiveError> {
        let mut buffer = vec![0; 256 << 10];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => file.write_all(&buffer[..count]).map_err(ArchiveError::access(path))?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let what = format!("`{}`", self.archive.display());
                    return Err(ArchiveError::Damaged(dam_oci::Error::reading(what)(error)));
                }
            }
        }
    }
}
