//! What was changed, and how that ended.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row};
use serde::Serialize;

use super::{HistoryPart, HookLogSummary, Ledger, OperationId, OperationKind, Source, Timestamp, hook_log, part, row};
use crate::Result;
use crate::app::{AppId, AppName};

row::states! {
    /// How an operation stands.
    OperationState {
        /// It has not ended.
        Pending = "pending",
        /// It succeeded.
        Done = "done",
        /// It failed and was undone.
        Undone = "undone",
        /// It failed and could not be undone.
        Broken = "broken",
    }
}

/// An operation as the history shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// Its number.
    pub id: OperationId,
    /// What it did.
    pub kind: OperationKind,
    /// What was installed before; none for an operation on several apps.
    pub old: Option<AppId>,
    /// What was to be installed; none for an operation on several apps.
    pub new: Option<AppId>,
    /// Where the new app, or the product, came from.
    pub source: Option<Source>,
    /// What it did to each app, for an operation on several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<HistoryPart>,
    /// How it stands.
    pub state: OperationState,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// The hooks it ran, in their order.
    pub hooks: Vec<HookLogSummary>,
}

const ENTRY: &str = "
    SELECT operation.id, kind, source, state, started_at, ended_at, error,
           old.name AS old_name, old.version AS old_version, new.name AS new_name, new.version AS new_version
    FROM operation
    LEFT JOIN release AS old ON old.id = operation.old
    LEFT JOIN release AS new ON new.id = operation.new";

impl Ledger {
    /// Returns the newest `limit` operations, of all apps or of one, newest first.
    pub fn history(&mut self, name: Option<&AppName>, limit: usize) -> Result<Vec<HistoryEntry>> {
        let name = name.map(AppName::as_str);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read_at_once(|transaction| {
            let sql = format!(
                "{ENTRY} WHERE ?1 IS NULL OR old.name = ?1 OR new.name = ?1 OR operation.id IN (
                     SELECT operation FROM part JOIN release ON release.id IN (part.old, part.new)
                     WHERE release.name = ?1)
                 ORDER BY operation.id DESC LIMIT ?2"
            );
            let mut entries: Vec<HistoryEntry> =
                transaction.prepare_cached(&sql)?.query_map((name, limit), read_entry)?.collect::<Result<_, _>>()?;
            entries.iter_mut().try_for_each(|entry| add_details(transaction, entry))?;
            Ok(entries)
        })
    }

    /// Returns the apps that were ever taken over from DAM 1.x.
    pub fn migrated(&self) -> Result<BTreeSet<AppId>> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT release.name, release.version FROM operation JOIN release ON release.id = operation.new
                     WHERE operation.kind = 'migrate' AND operation.state = 'done'",
                )?
                .query_map([], |row| Ok(AppId { name: row::word(row, "name")?, version: row::word(row, "version")? }))?
                .collect()
        })
    }

    /// Returns one operation.
    pub fn operation(&mut self, id: OperationId) -> Result<Option<HistoryEntry>> {
        self.read_at_once(|transaction| {
            let sql = format!("{ENTRY} WHERE operation.id = ?1");
            let mut statement = transaction.prepare_cached(&sql)?;
            let mut entry = statement.query_map([id.0], read_entry)?.next().transpose()?;
            entry.iter_mut().try_for_each(|entry| add_details(transaction, entry))?;
            Ok(entry)
        })
    }
}

fn add_details(connection: &Connection, entry: &mut HistoryEntry) -> rusqlite::Result<()> {
    entry.hooks = hook_log::summaries(connection, entry.id)?;
    entry.parts = part::of(connection, entry.id)?;
    Ok(())
}

fn read_entry(row: &Row) -> rusqlite::Result<HistoryEntry> {
    Ok(HistoryEntry {
        id: OperationId(row.get("id")?),
        kind: row.get("kind")?,
        old: row::optional_app(row, "old_name", "old_version")?,
        new: row::optional_app(row, "new_name", "new_version")?,
        source: row::optional_json(row, "source")?,
        state: row.get("state")?,
        started_at: Timestamp(row.get("started_at")?),
        ended_at: row.get::<_, Option<i64>>("ended_at")?.map(Timestamp),
        error: row.get("error")?,
        parts: Vec::new(),
        hooks: Vec::new(),
    })
}
