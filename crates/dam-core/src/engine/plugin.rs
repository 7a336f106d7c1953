//! A single program that goes beside the engine: the Compose or Buildx plugin.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use dam_oci::{Digest, Hasher};
use dam_pack::Architecture;

use super::elf::{Elf, ElfFault, Needs};

/// A program that was hashed and looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub size: u64,
    /// Its digest.
    pub digest: Digest,
}

/// Why a plugin cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// It cannot be read.
    #[error("cannot access `{path}`")]
    Access {
        /// The plugin.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is another file than the one that was pinned.
    #[error("`{path}` has the digest {found}, not {wanted}")]
    Digest {
        /// The plugin.
        path: PathBuf,
        /// Its digest.
        found: Digest,
        /// The digest it should have.
        wanted: Digest,
    },
    /// It does not run on the targets.
    #[error("`{path}` {fault}")]
    Program {
        /// The plugin.
        path: PathBuf,
        /// Why.
        fault: ElfFault,
    },
}

impl Plugin {
    /// Reads the program at `path`: its digest, which must be `pin` if there is one, and what it runs on.
    ///
    /// # Errors
    /// [`PluginError`]; a wrong digest is told before what is wrong with the program.
    pub fn read(
        path: &Path,
        pin: Option<Digest>,
        architecture: Architecture,
        needs: Needs,
    ) -> Result<Self, PluginError> {
        let access = |source| PluginError::Access { path: path.to_owned(), source };
        let mut hasher = Hasher::default();
        let mut file = File::open(path).map_err(access)?;
        let size = io::copy(&mut file, &mut hasher).map_err(access)?;
        let digest = hasher.finish();
        if let Some(wanted) = pin.filter(|wanted| *wanted != digest) {
            return Err(PluginError::Digest { path: path.to_owned(), found: digest, wanted });
        }
        match Elf::read(file).and_then(|elf| elf.check(architecture, needs)) {
            Ok(()) => Ok(Self { path: path.to_owned(), size, digest }),
            Err(ElfFault::Read(source)) => Err(access(source)),
            Err(fault) => Err(PluginError::Program { path: path.to_owned(), fault }),
        }
    }
}
