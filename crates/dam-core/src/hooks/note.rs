//! What stands beside a private copy: which process runs in it.
//!
//! `<root>/run/<random>/hook.json`. A killed dam cannot end its hook; by this file the next one can. It only has to
//! outlive dam, not the machine, which takes all processes with it: so it is renamed into place but never synced.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use super::process_table::{self, Process};
use crate::app::{AppId, HookName};
use crate::{Error, Result};

const FILE: &str = "hook.json";

/// A hook that has been, or is just being, started in a private copy.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) app: AppId,
    pub(super) hook: HookName,
    /// `None` from just before the start, when there is no pid yet, until just after it.
    leader: Option<Leader>,
}

/// A process that is never mistaken for a later one with the same pid.
#[derive(Debug, Serialize, Deserialize)]
struct Leader {
    pid: i32,
    /// In clock ticks since boot.
    started: u64,
    boot: String,
}

impl Note {
    /// A note of a hook that is about to start.
    pub(super) fn new(app: &AppId, hook: HookName) -> Self {
        Self { app: app.clone(), hook, leader: None }
    }

    /// Adds the process, which must still be dam's to collect: so the pid cannot be another's yet.
    pub(super) fn with_leader(mut self, leader: Pid) -> Self {
        self.leader = Process::find(leader).zip(boot()).map(|(process, boot)| Leader {
            pid: leader.as_raw_nonzero().get(),
            started: process.started,
            boot,
        });
        self
    }

    /// Writes the note into the folder that holds a private copy, over one that may be there.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let json = serde_json::to_vec(self).expect("a note has only string keys");
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(Error::access(&path))?;
        file.write_all(&json).map_err(Error::access(&path))?;
        file.persist(&path).map_err(|error| Error::access(&path)(error.error))?;
        Ok(())
    }

    /// Reads the note of a folder. None is there if no hook was started, and one that cannot be read names nobody.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()
    }

    /// Returns the leader of the hook's process group if it still runs.
    ///
    /// A leader that has exited proves nothing about its group, and what is left of that was meant to stay: daemons
    /// that an `install` starts are left alone after an ordinary run too.
    pub(super) fn running(&self, folder: &Path) -> Option<Pid> {
        let Some(leader) = &self.leader else { return just_started(folder) };
        let process = Process::find(process_table::pid(leader.pid)?)?;
        let same = process.started == leader.started && boot().as_ref() == Some(&leader.boot);
        (same && process.leads()).then_some(process.pid)
    }
}

/// Finds the hook of a dam that was killed between starting it and writing its pid down: it works in the copy and leads
/// a group, but no session as daemons do. Waiting for the pid to be written would need a program between dam and every
/// hook, or code between fork and exec.
fn just_started(folder: &Path) -> Option<Pid> {
    let identity = |path: &Path| fs::metadata(path).ok().map(|facts| (facts.dev(), facts.ino()));
    let meta = identity(&folder.join("meta"))?;
    let works_here = |process: &Process| identity(format!("/proc/{}/cwd", process.pid).as_ref()) == Some(meta);
    let pid = |process: &Process| process.pid.as_raw_nonzero().get();
    Process::all()
        .find(|process| process.leads() && process.session != pid(process) && works_here(process))
        .map(|process| process.pid)
}

/// Returns what tells this boot from all others: <https://man7.org/linux/man-pages/man4/random.4.html>.
fn boot() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}
