//! The database of DAM 1.x, read and never written.
//!
//! Two text files, `Apps` and `Repos`, in the user's cache folder (`$XDG_CACHE_HOME/dam`, else `$HOME/.cache/dam`). DAM 1.x
//! stopped every command at the first line it did not like; here such a line becomes a [`LineFault`] with its number and
//! the good lines are used. DAM 1.x overwrote files without cutting them to length, so what follows the last good line
//! may be the rest of anything, even of the file with the passwords: faults never quote a line.

mod app;
mod line;
mod repo;

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

pub use app::LegacyApp;
pub use line::{LineFault, LineProblem};
pub use repo::LegacyRepo;

/// Name of the file with the apps.
pub const APPS: &str = "Apps";
/// Name of the file with the registries.
pub const REPOS: &str = "Repos";

/// What a database of DAM 1.x says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The folder it is in.
    pub folder: PathBuf,
    /// The installed apps, in the order of the file.
    pub apps: Vec<LegacyApp>,
    /// The registries, in the order of the file.
    pub repos: Vec<LegacyRepo>,
    /// The lines that could not be used, those of `Repos` first.
    pub faults: Vec<LineFault>,
}

/// Tells whether DAM 1.x has installed apps by the database in `folder`, without reading it.
pub fn has_apps(folder: &Path) -> bool {
    folder.join("Apps").metadata().is_ok_and(|file| file.len() > 0)
}

/// Reads the database in `folder`, if there is one: a folder with at least one of the two files.
///
/// # Errors
/// [`Error::Access`] if a file is there and cannot be read. No content is an error.
pub fn read(folder: &Path) -> Result<Option<Database>> {
    let (repos, apps) = (open(&folder.join(REPOS))?, open(&folder.join(APPS))?);
    if repos.is_none() && apps.is_none() {
        return Ok(None);
    }
    let mut database = Database { folder: folder.to_owned(), apps: Vec::new(), repos: Vec::new(), faults: Vec::new() };
    if let Some(file) = repos {
        database.repos = rows(file, REPOS, &folder.join(REPOS), LegacyRepo::read, &mut database.faults)?;
    }
    if let Some(file) = apps {
        let repos = &database.repos;
        let read = |line: &str| LegacyApp::read(line, repos);
        database.apps = rows(file, APPS, &folder.join(APPS), read, &mut database.faults)?;
    }
    Ok(Some(database))
}

fn open(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::access(path)(error)),
    }
}

/// A row of either file.
trait Row {
    /// Returns what tells rows apart: no two rows of one file have the same number.
    fn id(&self) -> u32;
}

/// Reads the rows of a file; the first of several with one number is the true one, the others are leftovers.
fn rows<T: Row>(
    file: File,
    name: &'static str,
    path: &Path,
    read: impl Fn(&str) -> Result<T, LineProblem>,
    faults: &mut Vec<LineFault>,
) -> Result<Vec<T>> {
    let mut rows: Vec<T> = Vec::new();
    let mut seen = std::collections::BTreeMap::new();
    line::each(BufReader::new(file), |number, line| {
        let row = line.and_then(&read).and_then(|row| match seen.get(&row.id()) {
            Some(&line) => Err(LineProblem::Repeated { line }),
            None => Ok(row),
        });
        match row {
            Ok(row) => {
                seen.insert(row.id(), number);
                rows.push(row);
            }
            Err(problem) => faults.push(LineFault { file: name, line: number, problem }),
        }
    })
    .map_err(Error::access(path))?;
    Ok(rows)
}
