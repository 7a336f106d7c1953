//! What the hooks of an operation wrote.

use std::time::Duration;

use rusqlite::{Connection, Row};
use serde::Serialize;

use super::{Ledger, OperationId, row};
use crate::Result;
use crate::app::{AppId, HookName};

/// One run of a hook, without its output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookLogSummary {
    /// The app.
    pub app: AppId,
    /// The hook.
    pub hook: HookName,
    /// How it ended, in words.
    pub ended: String,
    /// How long it ran.
    pub milliseconds: u64,
    /// Bytes of output that are kept.
    pub bytes: u64,
}

/// One run of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookLog {
    /// What is known of the run.
    pub summary: HookLogSummary,
    /// What the hook wrote, not yet cleaned of control characters.
    pub text: Vec<u8>,
}

impl Ledger {
    /// Keeps what a hook wrote. `text` is already cut to a sensible length; `ended` says in words how the hook ended.
    pub fn log_hook(
        &mut self,
        operation: OperationId,
        app: &AppId,
        hook: HookName,
        ended: &str,
        took: Duration,
        text: &[u8],
    ) -> Result<()> {
        self.change("hook log", |transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO hook_log (operation, name, version, hook, ended, milliseconds, text)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute((
                    operation.0,
                    app.name.as_str(),
                    app.version.as_str(),
                    hook.file(),
                    ended,
                    i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
                    text,
                ))?;
            Ok(())
        })
    }

    /// Returns what the hooks of an operation wrote, in the order they ran.
    pub fn hook_logs(&self, operation: OperationId) -> Result<Vec<HookLog>> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT name, version, hook, ended, milliseconds, length(text) AS bytes, text
                     FROM hook_log WHERE operation = ?1 ORDER BY id",
                )?
                .query_map([operation.0], |row| Ok(HookLog { summary: read_summary(row)?, text: row.get("text")? }))?
                .collect()
        })
    }
}

/// Returns the runs of an operation's hooks, without their output.
pub(super) fn summaries(connection: &Connection, operation: OperationId) -> rusqlite::Result<Vec<HookLogSummary>> {
    connection
        .prepare_cached(
            "SELECT name, version, hook, ended, milliseconds, length(text) AS bytes
             FROM hook_log WHERE operation = ?1 ORDER BY id",
        )?
        .query_map([operation.0], read_summary)?
        .collect()
}

fn read_summary(row: &Row) -> rusqlite::Result<HookLogSummary> {
    Ok(HookLogSummary {
        app: AppId { name: row::word(row, "name")?, version: row::word(row, "version")? },
        hook: row::hook(row, "hook")?,
        ended: row.get("ended")?,
        milliseconds: row::count(row, "milliseconds")?,
        bytes: row::count(row, "bytes")?,
    })
}
