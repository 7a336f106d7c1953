//! One change at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::Cancel;
use crate::event::{Event, Reporter};
use crate::{Error, Result};

/// How often a waiting dam looks again. Not a blocking lock: Ctrl-C must end the wait.
const PAUSE: Duration = Duration::from_millis(50);

/// The machine's lock, held until dropped or until the process ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the open file holds the lock")] File);

impl Lock {
    /// Takes the lock of the state folder `root`, waiting for whoever has it.
    pub fn take(root: &Path, cancel: &Cancel, reporter: &dyn Reporter) -> Result<Self> {
        let path = root.join("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = file.map_err(Error::access(&path))?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) if !told => {
                    reporter.event(Event::WaitingForLock { path: &path });
                    told = true;
                }
                Err(TryLockError::WouldBlock) => {
                    cancel.check()?;
                    thread::sleep(PAUSE);
                }
                Err(TryLockError::Error(error)) => return Err(Error::access(path)(error)),
            }
        }
    }
}
