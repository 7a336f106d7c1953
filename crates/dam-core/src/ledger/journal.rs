//! Changes while they happen.

use std::fmt;

use rusqlite::{Connection, OptionalExtension, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::{Fault, Problem};
use super::{Installed, Ledger, Source, Timestamp, installed, part, release, row};
use crate::Result;
use crate::app::{AppId, Release};

row::states! {
    /// What an operation does.
    OperationKind {
        /// Installs an app that was not there.
        Install = "install",
        /// Puts another version in place of an app, or another image of the same version.
        Upgrade = "upgrade",
        /// Goes back to the previous release.
        Rollback = "rollback",
        /// Takes an app away.
        Remove = "remove",
        /// Takes an app over from DAM 1.x.
        Migrate = "migrate",
        /// Brings this machine to what a product says: several apps at once.
        Import = "import",
    }
}

/// The number of an operation. Numbers only grow and are never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(pub i64);

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What an operation on several apps does to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// What is done to it.
    pub kind: OperationKind,
    /// What is installed before.
    pub old: Option<&'a Release>,
    /// What is to be installed.
    pub new: Option<&'a Release>,
    /// Where the new release comes from.
    pub source: &'a Source,
}

/// What a successful operation changes in the list of what is installed. The ledger records what is true by then:
/// rows that are already there or already gone are no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An app is installed.
    Put {
        /// The app.
        installed: Box<Installed>,
        /// The app it took the place of.
        replacing: Option<AppId>,
    },
    /// An app is gone.
    Take {
        /// The app.
        app: AppId,
    },
    /// An app that is installed does not work any more.
    Break {
        /// The app.
        app: AppId,
    },
}

impl Ledger {
    /// Opens an operation. `plan` is whatever the op needs to finish or undo it after a crash.
    ///
    /// # Errors
    /// [`Fault::Pending`] if another operation has not ended: there is at most one.
    pub fn begin(
        &mut self,
        kind: OperationKind,
        old: Option<&Release>,
        new: Option<&Release>,
        source: Option<&Source>,
        plan: &Value,
        now: Timestamp,
    ) -> Result<OperationId> {
        self.change("begin", |transaction| {
            refuse_second(transaction)?;
            Ok(insert(transaction, kind, [old, new], source, plan, now)?)
        })
    }

    /// Opens an operation on several apps. `source` is where the product comes from.
    ///
    /// # Errors
    /// [`Fault::Pending`] as [`Ledger::begin`].
    pub fn begin_import(
        &mut self,
        source: &Source,
        parts: &[Part],
        plan: &Value,
        now: Timestamp,
    ) -> Result<OperationId> {
        self.change("begin import", |transaction| {
            refuse_second(transaction)?;
            let operation = insert(transaction, OperationKind::Import, [None, None], Some(source), plan, now)?;
            for (at, part) in parts.iter().enumerate() {
                part::put(transaction, operation, at, part)?;
            }
            Ok(operation)
        })
    }

    /// Notes that the step at `index` is about to have its effect; `note` is what undoing it needs to remember. A step
    /// that is started again gets the new note.
    pub fn step_started(&mut self, operation: OperationId, index: usize, note: &Value) -> Result<()> {
        self.change("step started", |transaction| {
            require_pending(transaction, operation)?;
            transaction
                .prepare_cached(
                    "INSERT INTO step (operation, position, state, note) VALUES (?1, ?2, 'started', ?3)
                     ON CONFLICT (operation, position) DO UPDATE SET state = excluded.state, note = excluded.note",
                )?
                .execute((operation.0, position(index), row::to_json(note)?))?;
            Ok(())
        })
    }

    /// Notes that the step at `index` has had its effect.
    pub fn step_done(&mut self, operation: OperationId, index: usize) -> Result<()> {
        self.change("step done", |transaction| set_step(transaction, operation, index, "done"))
    }

    /// Notes that the effect of the step at `index` is undone.
    pub fn step_undone(&mut self, operation: OperationId, index: usize) -> Result<()> {
        self.change("step undone", |transaction| set_step(transaction, operation, index, "undone"))
    }

    /// Ends an operation that succeeded, and changes what is installed, all at once. `stopped` says why it went no further,
    /// where it was to keep what it had done by then.
    pub fn commit<'a>(
        &mut self,
        operation: OperationId,
        changes: impl IntoIterator<Item = &'a Change>,
        stopped: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        self.change("commit", |transaction| {
            end(transaction, operation, "done", stopped, now)?;
            Ok(changes.into_iter().try_for_each(|change| apply(transaction, change))?)
        })
    }

    /// Records a whole operation that has no effect outside the ledger, so that it is never pending.
    ///
    /// # Errors
    /// [`Fault::Pending`] as [`Ledger::begin`].
    pub fn record(
        &mut self,
        kind: OperationKind,
        change: &Change,
        plan: &Value,
        now: Timestamp,
    ) -> Result<OperationId> {
        let (new, source) = match change {
            Change::Put { installed, .. } => (Some(&installed.release), Some(&installed.source)),
            Change::Take { .. } | Change::Break { .. } => (None, None),
        };
        self.change("record", |transaction| {
            refuse_second(transaction)?;
            let operation = insert(transaction, kind, [None, new], source, plan, now)?;
            end(transaction, operation, "done", None, now)?;
            apply(transaction, change)?;
            Ok(operation)
        })
    }

    /// Ends an operation that failed and is undone. `error` is why it failed.
    pub fn end_undone(&mut self, operation: OperationId, error: &str, now: Timestamp) -> Result<()> {
        self.change("end undone", |transaction| end(transaction, operation, "undone", Some(error), now))
    }

    /// Ends an operation that failed and could not be undone, and marks the apps it leaves broken, if they are installed.
    pub fn end_broken<'a>(
        &mut self,
        operation: OperationId,
        error: &str,
        broken: impl IntoIterator<Item = &'a AppId>,
        now: Timestamp,
    ) -> Result<()> {
        self.change("end broken", |transaction| {
            end(transaction, operation, "broken", Some(error), now)?;
            Ok(broken.into_iter().try_for_each(|app| installed::mark_broken(transaction, app))?)
        })
    }
}

fn refuse_second(transaction: &Transaction) -> Result<(), Problem> {
    let pending = "SELECT id FROM operation WHERE state = 'pending'";
    match transaction.query_row(pending, [], |row| row.get(0)).optional()? {
        Some(id) => Err(Fault::Pending(OperationId(id)).into()),
        None => Ok(()),
    }
}

fn insert(
    connection: &Connection,
    kind: OperationKind,
    [old, new]: [Option<&Release>; 2],
    source: Option<&Source>,
    plan: &Value,
    now: Timestamp,
) -> rusqlite::Result<OperationId> {
    let old = release::put_optional(connection, old)?;
    let new = release::put_optional(connection, new)?;
    let source = source.map(row::to_json).transpose()?;
    connection
        .prepare_cached(
            "INSERT INTO operation (kind, old, new, source, plan, state, started_at)
             VALUES (?1, ?2, ?3, ?4, ?5, 'pending', ?6)",
        )?
        .execute((kind.as_str(), old, new, source, row::to_json(plan)?, now.0))?;
    Ok(OperationId(connection.last_insert_rowid()))
}

fn apply(connection: &Connection, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Put { installed, replacing } => {
            replacing.iter().try_for_each(|app| installed::take(connection, app))?;
            installed::put(connection, installed)
        }
        Change::Take { app } => installed::take(connection, app),
        Change::Break { app } => installed::mark_broken(connection, app),
    }
}

fn require_pending(transaction: &Transaction, operation: OperationId) -> Result<(), Problem> {
    let pending = transaction
        .prepare_cached("SELECT 1 FROM operation WHERE id = ?1 AND state = 'pending'")?
        .exists([operation.0])?;
    if pending { Ok(()) } else { Err(Fault::NotPending(operation).into()) }
}

fn set_step(transaction: &Transaction, operation: OperationId, index: usize, state: &str) -> Result<(), Problem> {
    require_pending(transaction, operation)?;
    let changed = transaction
        .prepare_cached("UPDATE step SET state = ?3 WHERE operation = ?1 AND position = ?2")?
        .execute((operation.0, position(index), state))?;
    if changed == 1 { Ok(()) } else { Err(Fault::NoStep { operation, index }.into()) }
}

fn end(
    transaction: &Transaction,
    operation: OperationId,
    state: &str,
    error: Option<&str>,
    now: Timestamp,
) -> Result<(), Problem> {
    let changed = transaction
        .prepare_cached(
            "UPDATE operation SET state = ?2, error = ?3, ended_at = ?4 WHERE id = ?1 AND state = 'pending'",
        )?
        .execute((operation.0, state, error, now.0))?;
    if changed == 1 { Ok(()) } else { Err(Fault::NotPending(operation).into()) }
}

fn position(index: usize) -> i64 {
    i64::try_from(index).expect("a plan has fewer steps than that")
}
