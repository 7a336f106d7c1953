//! Releases, each stored once by the digest of its JSON.

use dam_oci::Digest;
use rusqlite::{Connection, Result, Row};

use super::row;
use crate::app::Release;

/// Returns the row of a release, adding it if it is new.
pub(super) fn put(connection: &Connection, release: &Release) -> Result<i64> {
    let document = row::to_json(release)?;
    let digest = Digest::of(document.as_bytes()).to_string();
    connection
        .prepare_cached(
            "INSERT INTO release (digest, name, version, image, meta, document) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (digest) DO NOTHING",
        )?
        .execute((
            &digest,
            release.app.id.name.as_str(),
            release.app.id.version.as_str(),
            release.image.to_string(),
            release.meta.to_string(),
            &document,
        ))?;
    connection.prepare_cached("SELECT id FROM release WHERE digest = ?1")?.query_row([&digest], |row| row.get(0))
}

/// Returns the row of a release that may be absent.
pub(super) fn put_optional(connection: &Connection, release: Option<&Release>) -> Result<Option<i64>> {
    release.map(|release| put(connection, release)).transpose()
}

/// Reads the document in a column of a joined row; an absent release is none.
pub(super) fn read_optional(row: &Row, column: &str) -> Result<Option<Release>> {
    row::optional_json(row, column)
}
