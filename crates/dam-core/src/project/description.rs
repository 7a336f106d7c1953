//! What a project says of its app in one line.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::{META, Project, Templates};
use crate::{Error, Result};

/// The most bytes that are looked at.
const LIMIT: u64 = 4096;

impl Templates {
    /// Returns the first line with something on it of `meta/DESCRIPTION`, expanded; `None` if there is none. A link is
    /// not followed.
    pub fn description(&self, project: &Project) -> Result<Option<String>> {
        let path = self.source(project.folder(), &Path::new(META).join("DESCRIPTION"));
        if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let file = File::open(&path).map_err(Error::access(&path))?;
        file.take(LIMIT).read_to_end(&mut bytes).map_err(Error::access(&path))?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        Ok(text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned))
    }
}
