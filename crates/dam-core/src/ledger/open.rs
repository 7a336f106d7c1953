//! Opening the ledger, and making it where there is none.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::fault::{Fault, Problem};
use super::{FILE, Ledger, schema};
use crate::{Error, Result, fault as fault_points};

/// How long to wait for another process's transaction. Each lasts milliseconds; a whole change of the machine is
/// guarded by another lock.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many pages of an older ledger are copied at a time; others may write between two.
const PAGES: i32 = 1000;

impl Ledger {
    /// Opens the ledger under `root`; makes both if they are not there. The folder gets mode 0700, the file 0600.
    ///
    /// # Errors
    /// [`Fault::Newer`], [`Fault::NotALedger`], [`Fault::Damaged`] and [`Fault::Orphan`]: nothing is changed then.
    pub fn open(root: &Path) -> Result<Self> {
        let path = root.join(FILE);
        if !exists(&path)? {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(root).map_err(Error::access(root))?;
            refuse_orphan(&path)?;
            create(root, &path)?;
        }
        finish(path, |path| {
            let mut connection = connect(path)?;
            if !schema::is_newest(&connection)? {
                schema::raise(&mut connection)?;
            }
            Ok(connection)
        })
    }

    /// Opens the ledger under `root` for looking only: nothing is made where there is none, and changes fail. Another
    /// process may be changing the ledger at the same time, also an older dam, which could not go on in a newer one: an
    /// older ledger is looked at as a copy in memory, of the newest version.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_existing(root: &Path) -> Result<Option<Self>> {
        let path = root.join(FILE);
        if !exists(&path)? {
            return refuse_orphan(&path).map(|()| None);
        }
        let ledger = finish(path, look)?;
        // Not opened read-only: such a connection could not tidy the log up when it is the last to close.
        ledger.read(|connection| connection.pragma_update(None, "query_only", true))?;
        Ok(Some(ledger))
    }
}

fn exists(path: &Path) -> Result<bool> {
    path.try_exists().map_err(Error::access(path))
}

/// Fails if the write-ahead log is there without its ledger: a new ledger would swallow it. An empty log holds nothing.
fn refuse_orphan(path: &Path) -> Result<()> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let log = PathBuf::from(log);
    let holds_something = match fs::metadata(&log) {
        Ok(data) => data.len() > 0,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(Error::access(log)(error)),
    };
    // Looked at in this order, another process that is just making the ledger is not mistaken for an orphan.
    if holds_something && !exists(path)? {
        return Err(Fault::Orphan { path: path.to_owned(), log }.into());
    }
    Ok(())
}

/// Makes an empty ledger under another name and moves it into place, so that nobody ever sees half of one. If somebody
/// else was faster, theirs stays.
fn create(root: &Path, path: &Path) -> Result<()> {
    let draft = tempfile::Builder::new().prefix(".ledger-").tempfile_in(root).map_err(Error::access(root))?;
    // The file must not be open when SQLite has it: closing it would drop SQLite's locks.
    // See <https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_>.
    let draft = draft.into_temp_path();
    fill(&draft).map_err(|problem| problem.at(path))?;
    fault_points::point("ledger file");
    match draft.persist_noclobber(path) {
        Ok(()) => {}
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(Error::access(path)(error.error)),
    }
    fault_points::point("ledger file");
    let folder = fs::File::open(root).map_err(Error::access(root))?;
    folder.sync_all().map_err(Error::access(root))
}

fn fill(draft: &Path) -> Result<(), Problem> {
    let mut connection = Connection::open_with_flags(draft, flags())?;
    // Without a journal beside it a draft that a crash leaves is one file. WAL is a property of the file and stays.
    connection.pragma_update(None, "journal_mode", "memory")?;
    connection.pragma_update(None, "synchronous", "full")?;
    schema::make(&mut connection)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.close().map_err(|(_, error)| error.into())
}

/// Never creates; no URI, whose special characters a path may contain; one thread at a time, as the borrow checker sees
/// to.
fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// Opens the file, whatever its version.
fn connect(path: &Path) -> Result<Connection, Problem> {
    let connection = Connection::open_with_flags(path, flags())?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A password that was taken away is no longer in the file.
    connection.pragma_update(None, "secure_delete", true)?;
    // The file may be damaged or made up: nothing in it is run, and every page is looked at before it is used.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// Opens the file, or a copy of it in memory where it is of an older version.
fn look(path: &Path) -> Result<Connection, Problem> {
    let connection = connect(path)?;
    if schema::is_newest(&connection)? {
        return Ok(connection);
    }
    let mut copy = Connection::open_in_memory()?;
    Backup::new(&connection, &mut copy)?.run_to_completion(PAGES, Duration::ZERO, None)?;
    schema::raise(&mut copy)?;
    Ok(copy)
}

fn finish(path: PathBuf, open: impl FnOnce(&Path) -> Result<Connection, Problem>) -> Result<Ledger> {
    match open(&path) {
        Ok(connection) => Ok(Ledger { connection, path }),
        Err(problem) => Err(problem.at(&path).into()),
    }
}
