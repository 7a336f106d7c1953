//! What can go wrong with an engine's archive.

use std::io;
use std::path::{Path, PathBuf};

use dam_oci::Digest;

use super::EngineFile;
use crate::engine::elf::ElfFault;

/// Why an engine's archive cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A file or folder cannot be read or written: the archive, or what is unpacked.
    #[error("cannot access `{path}`")]
    Access {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no archive, or a damaged or hostile one.
    #[error(transparent)]
    Damaged(dam_oci::Error),
    /// It is another file than the one that was pinned.
    #[error("`{path}` has the digest {found}, not {wanted}")]
    Digest {
        /// The archive.
        path: PathBuf,
        /// Its digest.
        found: Digest,
        /// The digest it should have.
        wanted: Digest,
        /// What else is wrong with it, which may tell why.
        #[source]
        damage: Option<Box<ArchiveError>>,
    },
    /// It has something outside of its folder.
    #[error("`{path}` is no archive of Docker Engine: `{name}` is not in a folder `docker`")]
    Foreign {
        /// The archive.
        path: PathBuf,
        /// The member.
        name: String,
    },
    /// It has a link, which upstream's never have.
    #[error("`{path}` is refused: `{name}` is a link")]
    Link {
        /// The archive.
        path: PathBuf,
        /// The member.
        name: String,
    },
    /// It lacks a program that an engine needs.
    #[error("`{path}` is no archive of Docker Engine: it has no `docker/{program}`")]
    Missing {
        /// The archive.
        path: PathBuf,
        /// The program.
        program: &'static str,
    },
    /// It holds too much.
    #[error("`{path}` holds more than {limit} bytes")]
    Large {
        /// The archive.
        path: PathBuf,
        /// The most that is unpacked.
        limit: u64,
    },
    /// A program does not run on the targets.
    #[error("`{name}` of `{path}` {fault}")]
    Program {
        /// The archive.
        path: PathBuf,
        /// The program.
        name: String,
        /// Why.
        fault: ElfFault,
    },
}

impl ArchiveError {
    /// Names the file or folder that cannot be accessed.
    pub(super) fn access(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Access { path, source }
    }

    /// Names the program that is at fault.
    pub(super) fn program(archive: &Path, program: &EngineFile, fault: ElfFault) -> Self {
        match fault {
            ElfFault::Read(source) => Self::Access { path: program.path.clone(), source },
            fault => Self::Program { path: archive.to_owned(), name: program.name.clone(), fault },
        }
    }
}
