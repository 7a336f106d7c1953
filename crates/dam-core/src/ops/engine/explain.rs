//! `dam engine explain`: what a package holds, and what differs between two.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dam_pack::explain::{Difference, Explanation, Identity, difference, explain as tell};
use serde::Serialize;

use crate::Result;
use crate::compare::{TEXT_LIMIT, TOTAL_LIMIT, lines};
use crate::engine::PackageFile;
use crate::event::Reporter;

/// A package that was explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The file.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// What is in it.
    #[serde(flatten)]
    pub package: Explanation,
}

/// Two packages that were compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// The one before.
    pub old: Side,
    /// The one after.
    pub new: Side,
    /// What differs, and what an upgrade would do.
    #[serde(flatten)]
    pub difference: Difference,
    /// The lines that differ in scripts and units that both have, by place or path.
    pub lines: BTreeMap<String, String>,
}

/// One of two packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The file.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// Bytes of all files in it.
    pub size: u64,
    /// What it is.
    #[serde(flatten)]
    pub identity: Identity,
}

/// Reads a package and explains it.
///
/// # Errors
/// Those of [`PackageFile::read`].
pub fn explain(path: &Path, reporter: &dyn Reporter) -> Result<Explained> {
    let PackageFile { path, bytes, view, units } = PackageFile::read(path, reporter)?;
    Ok(Explained { path, bytes, package: tell(&view, units.texts()) })
}

/// Reads two packages, of one format or of both, and says what differs.
///
/// # Errors
/// Those of [`PackageFile::read`].
pub fn compare(old: &Path, new: &Path, reporter: &dyn Reporter) -> Result<Compared> {
    let old = PackageFile::read(old, reporter)?;
    let new = PackageFile::read(new, reporter)?;
    let difference = difference(&old.view, &new.view);
    let lines = changed_lines(&texts(&old), &texts(&new));
    Ok(Compared { old: Side::from(&old), new: Side::from(&new), difference, lines })
}

/// Returns scripts by their places and units by their paths; of several scripts at one place, one after the other.
fn texts(file: &PackageFile) -> BTreeMap<String, String> {
    let mut texts = file.units.texts().clone();
    for script in &file.view.scripts {
        texts.entry(script.place.clone()).or_default().push_str(&script.text);
    }
    texts
}

fn changed_lines(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut left = TOTAL_LIMIT;
    let mut is_short = |old: &str, new: &str| {
        let bytes = (old.len() + new.len()) as u64;
        let is_short = bytes <= (2 * TEXT_LIMIT).min(left);
        left -= if is_short { bytes } else { 0 };
        is_short
    };
    let both = old.iter().filter_map(|(name, old)| Some((name, old, new.get(name)?)));
    let changed = both.filter(|(_, old, new)| old != new && is_short(old, new));
    changed.map(|(name, old, new)| (name.clone(), lines(name.trim_start_matches('/'), old, new))).collect()
}

impl From<&PackageFile> for Side {
    fn from(file: &PackageFile) -> Self {
        Self { path: file.path.clone(), bytes: file.bytes, size: file.size(), identity: Identity::from(&file.view) }
    }
}
