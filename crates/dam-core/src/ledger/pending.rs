//! The operation that a crash, a kill or a power cut left unfinished.

use rusqlite::{OptionalExtension, Row, Transaction};
use serde_json::Value;

use super::{Ledger, OperationId, OperationKind, Source, Timestamp, release, row};
use crate::Result;
use crate::app::Release;

row::states! {
    /// How far a step came.
    StepState {
        /// Its effect may or may not have happened.
        Started = "started",
        /// Its effect has happened.
        Done = "done",
        /// Its effect has been taken back.
        Undone = "undone",
    }
}

/// A step of a pending operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalStep {
    /// The step, from 0.
    pub index: usize,
    /// How far it came.
    pub state: StepState,
    /// What undoing it needs to remember.
    pub note: Value,
}

/// An operation that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its number.
    pub id: OperationId,
    /// What it does.
    pub kind: OperationKind,
    /// What was installed before.
    pub old: Option<Release>,
    /// What is to be installed.
    pub new: Option<Release>,
    /// Where the new release comes from.
    pub source: Option<Source>,
    /// The plan, as [`Ledger::begin`] was given it.
    pub plan: Value,
    /// The steps that were started, in order of their index.
    pub steps: Vec<JournalStep>,
    /// When it began.
    pub started_at: Timestamp,
}

impl Ledger {
    /// Returns the operation that has not ended, if there is one.
    pub fn pending(&mut self) -> Result<Option<Pending>> {
        self.read_at_once(|transaction| {
            let Some(mut pending) = transaction
                .prepare_cached(
                    "SELECT operation.id, kind, old.document AS old, new.document AS new, source, plan, started_at
                     FROM operation
                     LEFT JOIN release AS old ON old.id = operation.old
                     LEFT JOIN release AS new ON new.id = operation.new
                     WHERE state = 'pending'",
                )?
                .query_row([], read_pending)
                .optional()?
            else {
                return Ok(None);
            };
            pending.steps = steps(transaction, pending.id)?;
            Ok(Some(pending))
        })
    }
}

fn read_pending(row: &Row) -> rusqlite::Result<Pending> {
    Ok(Pending {
        id: OperationId(row.get("id")?),
        kind: row.get("kind")?,
        old: release::read_optional(row, "old")?,
        new: release::read_optional(row, "new")?,
        source: row::optional_json(row, "source")?,
        plan: row::json(row, "plan")?,
        steps: Vec::new(),
        started_at: Timestamp(row.get("started_at")?),
    })
}

fn steps(transaction: &Transaction, operation: OperationId) -> rusqlite::Result<Vec<JournalStep>> {
    transaction
        .prepare_cached("SELECT position, state, note FROM step WHERE operation = ?1 ORDER BY position")?
        .query_map([operation.0], |row| {
            Ok(JournalStep {
                index: row::count(row, "position")?,
                state: row.get("state")?,
                note: row::json(row, "note")?,
            })
        })?
        .collect()
}
