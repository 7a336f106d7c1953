//! The apps of an operation on several.

use rusqlite::{Connection, Row};
use serde::Serialize;

use super::{OperationId, OperationKind, Part, Source, release, row};
use crate::app::AppId;

/// What an operation did to one of its apps, as the history shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryPart {
    /// What it did.
    pub kind: OperationKind,
    /// What was installed before.
    pub old: Option<AppId>,
    /// What was to be installed.
    pub new: Option<AppId>,
    /// Where the new app came from.
    pub source: Source,
}

/// Writes one part of an operation.
pub(super) fn put(connection: &Connection, operation: OperationId, at: usize, part: &Part) -> rusqlite::Result<()> {
    let old = release::put_optional(connection, part.old)?;
    let new = release::put_optional(connection, part.new)?;
    let position = i64::try_from(at).expect("a product has fewer apps than that");
    connection
        .prepare_cached(
            "INSERT INTO part (operation, position, kind, old, new, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((operation.0, position, part.kind.as_str(), old, new, row::to_json(part.source)?))?;
    Ok(())
}

/// Reads the parts of an operation, in their order; none for an operation on one app.
pub(super) fn of(connection: &Connection, operation: OperationId) -> rusqlite::Result<Vec<HistoryPart>> {
    connection
        .prepare_cached(
            "SELECT kind, source,
                    old.name AS old_name, old.version AS old_version, new.name AS new_name, new.version AS new_version
             FROM part
             LEFT JOIN release AS old ON old.id = part.old
             LEFT JOIN release AS new ON new.id = part.new
             WHERE operation = ?1 ORDER BY position",
        )?
        .query_map([operation.0], read)?
        .collect()
}

fn read(row: &Row) -> rusqlite::Result<HistoryPart> {
    Ok(HistoryPart {
        kind: row.get("kind")?,
        old: row::optional_app(row, "old_name", "old_version")?,
        new: row::optional_app(row, "new_name", "new_version")?,
        source: row::json(row, "source")?,
    })
}
