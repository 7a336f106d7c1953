//! The tables, and how older ones become the newest.
//!
//! `PRAGMA user_version` holds the version and `PRAGMA application_id` says that the file is a ledger at all; see
//! <https://www.sqlite.org/pragma.html>. A file of a newer version is left alone.

use rusqlite::{Connection, TransactionBehavior};

use super::fault::{Fault, Problem};
use super::old_repos;

/// `DAM2`: the file is a ledger.
const APPLICATION: i64 = 0x4441_4d32;

/// The SQL that makes version N from version N - 1, at place N - 1.
const MIGRATIONS: [&str; 3] =
    [include_str!("schema/1.sql"), include_str!("schema/2.sql"), include_str!("schema/3.sql")];

/// The version whose repos are no longer those of DAM 1.x.
const WITH_REPOS: usize = 3;

/// The newest version this program knows.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// Makes the tables in an empty file.
pub(super) fn make(connection: &mut Connection) -> Result<(), Problem> {
    connection.pragma_update(None, "application_id", APPLICATION)?;
    raise(connection)
}

/// Checks that the file is a ledger, and tells whether it is of the newest version or of an older one.
pub(super) fn is_newest(connection: &Connection) -> Result<bool, Problem> {
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let found = version(connection)?;
    if application != APPLICATION || found < 1 {
        Err(Problem::NotALedger)
    } else if found > NEWEST {
        Err(Problem::Newer(found))
    } else {
        Ok(found == NEWEST)
    }
}

/// Runs the migrations that are due, all or none. Another process may have run them in the meantime.
///
/// Foreign keys are not enforced meanwhile, so that a table can be made anew under those that point to it; they are looked
/// at as a whole before the end. See <https://www.sqlite.org/lang_altertable.html#otheralter>.
pub(super) fn raise(connection: &mut Connection) -> Result<(), Problem> {
    let enforced: bool = connection.pragma_query_value(None, "foreign_keys", |row| row.get(0))?;
    connection.pragma_update(None, "foreign_keys", false)?;
    let raised = run_migrations(connection);
    connection.pragma_update(None, "foreign_keys", enforced)?;
    raised
}

fn run_migrations(connection: &mut Connection) -> Result<(), Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = usize::try_from(version(&transaction)?).map_err(|_| Problem::NotALedger)?;
    for (number, migration) in (1..).zip(MIGRATIONS).skip(found) {
        transaction.execute_batch(migration)?;
        if number == WITH_REPOS {
            old_repos::take_over(&transaction)?;
        }
    }
    if found < MIGRATIONS.len() {
        transaction.pragma_update(None, "user_version", NEWEST)?;
        if transaction.prepare("PRAGMA foreign_key_check")?.exists([])? {
            return Err(Problem::NotALedger);
        }
    }
    Ok(transaction.commit()?)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Names the versions of a file that is too new.
pub(super) fn newer(path: &std::path::Path, found: i64) -> Fault {
    Fault::Newer { path: path.to_owned(), found, known: NEWEST }
}
