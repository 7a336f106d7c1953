//! What can go wrong with the ledger.

use std::error::Error;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::{OperationId, schema};

/// What can go wrong with the ledger.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A newer dam has written the file.
    #[error("the ledger `{path}` has version {found}, and this dam knows versions up to {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The file is something else: another database, or nothing at all.
    #[error("`{path}` is not a ledger of dam")]
    NotALedger {
        /// The file.
        path: PathBuf,
    },
    /// The file is broken, or something in it cannot be read as what it should be.
    #[error("the ledger `{path}` is damaged")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The ledger is gone while its newest changes are still there.
    #[error("the ledger `{path}` is missing, but its last changes are still in `{log}`")]
    Orphan {
        /// The missing file.
        path: PathBuf,
        /// The write-ahead log.
        log: PathBuf,
    },
    /// Another process has held the ledger for too long.
    #[error("the ledger `{path}` is in use by another process")]
    Busy {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The disk is full.
    #[error("cannot write the ledger `{path}`: no space is left")]
    Full {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Reading or writing failed: no permission, a device error.
    #[error("cannot access the ledger `{path}`")]
    Access {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An operation was begun while another has not ended.
    #[error("operation {0} has not ended")]
    Pending(OperationId),
    /// A step or an end was reported for an operation that is not pending.
    #[error("operation {0} is not pending")]
    NotPending(OperationId),
    /// An end was reported for a step that was not started.
    #[error("step {index} of operation {operation} was not started")]
    NoStep {
        /// The operation.
        operation: OperationId,
        /// The step, from 0.
        index: usize,
    },
}

/// What went wrong inside, before the path is known.
#[derive(Debug)]
pub(super) enum Problem {
    Sqlite(rusqlite::Error),
    NotALedger,
    Newer(i64),
    Fault(Fault),
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Problem {
    /// Names the file.
    pub(super) fn at(self, path: &Path) -> Fault {
        match self {
            Self::Sqlite(error) => sqlite(error, path),
            Self::NotALedger => Fault::NotALedger { path: path.to_owned() },
            Self::Newer(found) => schema::newer(path, found),
            Self::Fault(fault) => fault,
        }
    }
}

/// `SQLITE_IOERR_SHMSIZE`: the index of the write-ahead log could not grow, for which SQLite has no other word than an I/O
/// error when the disk is full. Source: <https://www.sqlite.org/rescode.html#ioerr_shmsize>.
const NO_ROOM_FOR_INDEX: i32 = 4874;

/// Sorts what SQLite says by who can do something about it.
fn sqlite(error: rusqlite::Error, path: &Path) -> Fault {
    let path = path.to_owned();
    let code = error.sqlite_error_code();
    let extended = error.sqlite_error().map(|error| error.extended_code);
    let source = error.into();
    match code {
        Some(ErrorCode::DiskFull) => Fault::Full { path, source },
        Some(ErrorCode::SystemIoFailure) if extended == Some(NO_ROOM_FOR_INDEX) => Fault::Full { path, source },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Fault::Busy { path, source },
        // `Unknown` is a statement that does not fit the tables; the statements are tested, so the tables are wrong.
        None
        | Some(
            ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch
            | ErrorCode::TooBig
            | ErrorCode::Unknown,
        ) => Fault::Damaged { path, source },
        Some(_) => Fault::Access { path, source },
    }
}
