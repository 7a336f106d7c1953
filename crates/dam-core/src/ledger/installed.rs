//! What is installed.

use std::fmt;

use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};

use super::{Ledger, Timestamp, release, row};
use crate::Result;
use crate::app::{AppId, AppName, Family, Release};
use crate::store::ImageId;
use crate::version_order;

/// Where an app came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Source {
    /// A file.
    File {
        /// The path, as it was given.
        path: String,
    },
    /// The store already held the image.
    Store,
    /// A registry.
    Registry {
        /// Its name.
        name: String,
    },
    /// The database of DAM 1.x.
    Migrated,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::File { .. } => "(file)",
            Self::Store => "(store)",
            Self::Registry { name } => name,
            Self::Migrated => "(dam 1.x)",
        })
    }
}

row::states! {
    /// How an installed app is.
    AppState {
        /// Installed, and nothing more is known.
        Ok = "ok",
        /// Installed, and its health hook succeeded.
        Healthy = "healthy",
        /// A change of it failed and could not be undone.
        Broken = "broken",
    }
}

/// An installed app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// The app as one exact image.
    pub release: Release,
    /// Where it came from.
    pub source: Source,
    /// When it was installed.
    pub installed_at: Timestamp,
    /// How it is.
    pub state: AppState,
    /// What `rollback` goes back to.
    pub previous: Option<Release>,
}

/// An installed app as a row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Name and version.
    #[serde(flatten)]
    pub id: AppId,
    /// The family.
    pub family: Family,
    /// Whether several versions may be installed side by side.
    pub multiversion: bool,
    /// The exact image.
    pub image: ImageId,
    /// Where it came from.
    pub source: Source,
    /// When it was installed.
    pub installed_at: Timestamp,
    /// How it is.
    pub state: AppState,
}

const INSTALLED: &str = "
    SELECT release.document AS release, previous.document AS previous, source, installed_at, state
    FROM installed
    JOIN release ON release.id = installed.release
    LEFT JOIN release AS previous ON previous.id = installed.previous";

impl Ledger {
    /// Returns all installed apps, by name and then oldest version first.
    pub fn installed(&self) -> Result<Vec<Installed>> {
        let mut installed: Vec<Installed> =
            self.read(|connection| connection.prepare_cached(INSTALLED)?.query_map([], read_installed)?.collect())?;
        installed.sort_by(|a, b| order(&a.release.app.id, &b.release.app.id));
        Ok(installed)
    }

    /// Returns the installed versions of an app, oldest first.
    pub fn versions_of(&self, name: &AppName) -> Result<Vec<Installed>> {
        let mut installed: Vec<Installed> = self.read(|connection| {
            connection
                .prepare_cached(&format!("{INSTALLED} WHERE installed.name = ?1"))?
                .query_map([name.as_str()], read_installed)?
                .collect()
        })?;
        installed.sort_by(|a, b| order(&a.release.app.id, &b.release.app.id));
        Ok(installed)
    }

    /// Lists the installed apps, by name and then oldest version first, reading only what a list shows: 1,000 apps take a
    /// few milliseconds, however long their descriptions are.
    pub fn list(&self) -> Result<Vec<Listed>> {
        let mut listed: Vec<Listed> = self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT name, version, family, multiversion, image, source, installed_at, state FROM installed",
                )?
                .query_map([], read_listed)?
                .collect()
        })?;
        listed.sort_by(|a, b| order(&a.id, &b.id));
        Ok(listed)
    }
}

fn order(a: &AppId, b: &AppId) -> std::cmp::Ordering {
    a.name.cmp(&b.name).then_with(|| version_order::compare(&a.version, &b.version))
}

fn read_installed(row: &Row) -> rusqlite::Result<Installed> {
    Ok(Installed {
        release: row::json(row, "release")?,
        source: row::json(row, "source")?,
        installed_at: Timestamp(row.get("installed_at")?),
        state: row.get("state")?,
        previous: release::read_optional(row, "previous")?,
    })
}

fn read_listed(row: &Row) -> rusqlite::Result<Listed> {
    Ok(Listed {
        id: AppId { name: row::word(row, "name")?, version: row::word(row, "version")? },
        family: row::word(row, "family")?,
        multiversion: row.get("multiversion")?,
        image: ImageId(row::word(row, "image")?),
        source: row::json(row, "source")?,
        installed_at: Timestamp(row.get("installed_at")?),
        state: row.get("state")?,
    })
}

/// Writes the row of an installed app over any that is there.
pub(super) fn put(connection: &Connection, installed: &Installed) -> rusqlite::Result<()> {
    let app = &installed.release.app;
    let release = release::put(connection, &installed.release)?;
    let previous = release::put_optional(connection, installed.previous.as_ref())?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO installed
             (name, version, family, multiversion, image, source, state, installed_at, release, previous)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute((
            app.id.name.as_str(),
            app.id.version.as_str(),
            app.family.as_str(),
            app.multiversion,
            installed.release.image.to_string(),
            row::to_json(&installed.source)?,
            installed.state.as_str(),
            installed.installed_at.0,
            release,
            previous,
        ))?;
    Ok(())
}

/// Deletes the row of an app, if it is there.
pub(super) fn take(connection: &Connection, app: &AppId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM installed WHERE name = ?1 AND version = ?2")?
        .execute((app.name.as_str(), app.version.as_str()))?;
    Ok(())
}

/// Marks an app as broken, if it is there.
pub(super) fn mark_broken(connection: &Connection, app: &AppId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE installed SET state = 'broken' WHERE name = ?1 AND version = ?2")?
        .execute((app.name.as_str(), app.version.as_str()))?;
    Ok(())
}
