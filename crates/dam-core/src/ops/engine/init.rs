//! `dam engine init`: a recipe to begin with.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::engine::recipe::{DEFAULT, KEYS};
use crate::{Error, Result};

/// A recipe that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Begun {
    /// The file.
    pub path: PathBuf,
    /// How many keys it explains.
    pub keys: usize,
}

/// Writes the default recipe, in which every key is explained.
///
/// # Errors
/// [`Error::Access`]; a file that is there is never replaced.
pub fn init(path: &Path) -> Result<Begun> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(Error::access(path))?;
    file.write_all(DEFAULT.as_bytes()).map_err(Error::access(path))?;
    let keys = KEYS.iter().map(|(_, keys)| keys.len()).sum();
    Ok(Begun { path: path.to_owned(), keys })
}
