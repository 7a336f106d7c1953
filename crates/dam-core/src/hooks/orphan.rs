//! Hooks whose dam was killed.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::TICK;
use super::group::AFTER_KILL;
use super::note::Note;
use super::process_table::Process;
use crate::event::{Event, Reporter, Warning};
use crate::{Cancel, Result};

/// Ends the hook that a killed dam left running in `folder`, and says so; returns whether none runs there now. Nothing
/// is ended that cannot be proven to be that hook.
pub(super) fn end(folder: &Path, grace: Duration, cancel: &Cancel, reporter: &dyn Reporter) -> Result<bool> {
    let Some(note) = Note::read(folder) else { return Ok(true) };
    let Some(leader) = note.running(folder) else { return Ok(true) };
    let ended = end_group(leader, grace, cancel)?;
    let Note { app, hook, .. } = note;
    let what = match ended {
        true => format!("ended {hook} of {app}, which a killed dam had left running"),
        false => format!("{hook} of {app}, which a killed dam had left running, cannot be ended"),
    };
    reporter.event(Event::Warning(Warning::Leftover { what: &what }));
    Ok(ended)
}

fn end_group(leader: Pid, grace: Duration, cancel: &Cancel) -> Result<bool> {
    let _ = kill_process_group(leader, Signal::TERM);
    // A stopped process takes no signal but KILL until it goes on.
    let _ = kill_process_group(leader, Signal::CONT);
    if gone_within(leader, grace, cancel)? {
        return Ok(true);
    }
    let _ = kill_process_group(leader, Signal::KILL);
    gone_within(leader, AFTER_KILL, cancel)
}

fn gone_within(leader: Pid, time: Duration, cancel: &Cancel) -> Result<bool> {
    let started = Instant::now();
    loop {
        if !Process::any_in(leader) {
            return Ok(true);
        }
        if started.elapsed() >= time {
            return Ok(false);
        }
        cancel.check()?;
        std::thread::sleep(TICK);
    }
}
