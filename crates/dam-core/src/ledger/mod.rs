//! The ledger: what is installed, what was, and what is being changed.
//!
//! One SQLite file, `ledger.db` under the root, in WAL mode with every commit synced. A change is a pending operation
//! with steps before its first effect ([`Ledger::begin`]), so that whoever opens the ledger next finds what a crash cut
//! off ([`Ledger::pending`]); its end and what it changed are one transaction ([`Ledger::commit`]). Nothing is ever
//! deleted from the history. This module is the only one that knows SQLite.

mod fault;
mod history;
mod hook_log;
mod in_use;
mod installed;
mod journal;
mod old_repos;
mod open;
mod part;
mod pending;
mod release;
mod repos;
mod row;
mod schema;
mod timestamp;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use fault::Fault;
pub use history::{HistoryEntry, OperationState};
pub use hook_log::{HookLog, HookLogSummary};
pub use in_use::Reason;
pub use installed::{AppState, Installed, Listed, Source};
pub use journal::{Change, OperationId, OperationKind, Part};
pub use part::HistoryPart;
pub use pending::{JournalStep, Pending, StepState};
pub use repos::LeftRepo;
pub use timestamp::{ParseTimestampError, Timestamp};

use crate::{Result, fault as fault_points};
use fault::Problem;

/// Name of the file under the root.
pub const FILE: &str = "ledger.db";

/// The newest form of the ledger that this program knows: it brings older ones up to it, and refuses newer ones.
pub const FORM: i64 = schema::NEWEST;

/// The open ledger of one root folder.
pub struct Ledger {
    connection: Connection,
    path: PathBuf,
}

impl Ledger {
    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks something up.
    fn read<T>(&self, look: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        look(&self.connection).map_err(|error| Problem::from(error).at(&self.path).into())
    }

    /// Looks several things up as they are at one moment.
    fn read_at_once<T>(&mut self, look: impl FnOnce(&Transaction) -> rusqlite::Result<T>) -> Result<T> {
        let look = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            let found = look(&transaction)?;
            transaction.finish()?;
            Ok(found)
        };
        look(&mut self.connection).map_err(|error: rusqlite::Error| Problem::from(error).at(&self.path).into())
    }

    /// Changes something: all of it or nothing, and on disk when this returns. `name` is the fault point's.
    fn change<T>(&mut self, name: &str, change: impl FnOnce(&Transaction) -> Result<T, Problem>) -> Result<T> {
        let run = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let made = change(&transaction)?;
            fault_points::point(name);
            transaction.commit()?;
            fault_points::point(name);
            Ok(made)
        };
        run(&mut self.connection).map_err(|problem: Problem| problem.at(&self.path).into())
    }
}
