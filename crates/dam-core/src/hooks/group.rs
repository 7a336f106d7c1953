//! Watching a running hook: its output, its end, and everything that may cut it short.

use std::io::{self, PipeReader, Read};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process_group, test_kill_process_group, waitpid};

use super::process_table::Process;
use super::terminal::Terminal;
use super::{Ended, HookText, TICK};
use crate::Cancel;
use crate::event::{Event, Reporter};

/// How long output is waited for when the hook has exited but something it left behind still holds the pipe.
const LATE_OUTPUT: Duration = Duration::from_millis(200);
/// How long the last of a killed group is waited for; only a process stuck in the kernel takes longer.
pub(super) const AFTER_KILL: Duration = Duration::from_secs(1);
/// Bytes read at once: what a pipe holds.
const CHUNK: usize = 64 << 10;

/// A running hook.
pub(super) struct Group<'a> {
    leader: Pid,
    pipe: Option<PipeReader>,
    buffer: Vec<u8>,
    text: HookText,
    terminal: Option<Terminal>,
    /// The leader's end, once it has been collected.
    status: Option<WaitStatus>,
    /// Longest nap when there is no pipe to wait at; grows so that a hook's end is seen soon and cheaply.
    nap: Duration,
    reporter: &'a dyn Reporter,
}

impl<'a> Group<'a> {
    /// Watches the process group of `leader`, whose output comes out of `pipe`.
    pub(super) fn new(leader: Pid, pipe: PipeReader, terminal: Option<Terminal>, reporter: &'a dyn Reporter) -> Self {
        let nap = Duration::from_millis(1);
        let text = HookText::default();
        Self { leader, pipe: Some(pipe), buffer: vec![0; CHUNK], text, terminal, status: None, nap, reporter }
    }

    /// Waits for the hook's end, or brings it about at `limit` or `cancel`: SIGTERM to the whole group, and SIGKILL
    /// after `grace`.
    pub(super) fn watch(
        mut self,
        limit: Option<Duration>,
        grace: Duration,
        cancel: &Cancel,
    ) -> io::Result<(Ended, HookText)> {
        let ended = self.wait_or_end(limit, grace, cancel);
        if let (Some(terminal), false) = (&mut self.terminal, matches!(ended, Ok(Ended::Exited(_)))) {
            terminal.restore();
        }
        match ended {
            Ok(ended) => Ok((ended, self.text)),
            Err(error) => {
                // Nobody watches it any more, so it must not go on.
                let _ = self.end(grace);
                Err(error)
            }
        }
    }

    fn wait_or_end(&mut self, limit: Option<Duration>, grace: Duration, cancel: &Cancel) -> io::Result<Ended> {
        let mut started = Instant::now();
        let mut stopped = false;
        loop {
            if stopped || self.terminal.as_ref().is_some_and(|terminal| !terminal.is_lent()) {
                stopped &= !self.terminal.as_mut().is_some_and(Terminal::lend);
            }
            self.pump(TICK)?;
            match self.collect()? {
                Some(status) if status.stopped() => {
                    stopped = true;
                    if let Some(terminal) = &mut self.terminal {
                        let pause = Instant::now();
                        terminal.suspend();
                        started += pause.elapsed();
                    }
                }
                Some(status) => {
                    self.drain()?;
                    return Ok(self.ended(status));
                }
                None => {}
            }
            let ended = match limit {
                _ if cancel.is_set() => Ended::Cancelled,
                Some(limit) if started.elapsed() >= limit => Ended::TimedOut(limit),
                _ => continue,
            };
            self.end(grace)?;
            return Ok(ended);
        }
    }

    /// Reads what is there, waiting for it or for the hook's end at most `time`.
    fn pump(&mut self, time: Duration) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else {
            std::thread::sleep(self.nap.min(time));
            self.nap = (self.nap * 2).min(TICK);
            return Ok(());
        };
        let timeout = Timespec { tv_sec: 0, tv_nsec: time.min(TICK).subsec_nanos().into() };
        match poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&timeout)) {
            Ok(0) | Err(Errno::INTR) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        match pipe.read(&mut self.buffer) {
            Ok(0) => self.pipe = None,
            Ok(count) => {
                let bytes = &self.buffer[..count];
                self.text.push(bytes);
                self.reporter.event(Event::HookOutput { bytes });
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Returns the leader's new state, if it has exited or was stopped.
    fn collect(&mut self) -> io::Result<Option<WaitStatus>> {
        if self.status.is_some() {
            return Ok(self.status);
        }
        match waitpid(Some(self.leader), WaitOptions::NOHANG | WaitOptions::UNTRACED) {
            Ok(None) | Err(Errno::INTR) => Ok(None),
            Ok(Some((_, status))) => {
                if !status.stopped() {
                    self.status = Some(status);
                }
                Ok(Some(status))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads what is still in the pipe; a daemon that holds it open is not waited for.
    fn drain(&mut self) -> io::Result<()> {
        let started = Instant::now();
        while self.pipe.is_some() && started.elapsed() < LATE_OUTPUT {
            self.pump(LATE_OUTPUT.saturating_sub(started.elapsed()))?;
        }
        Ok(())
    }

    /// Ends the whole group, the leader's children too if the leader is gone already.
    fn end(&mut self, grace: Duration) -> io::Result<()> {
        let _ = kill_process_group(self.leader, Signal::TERM);
        // A stopped process takes no signal but KILL until it goes on.
        let _ = kill_process_group(self.leader, Signal::CONT);
        if !self.gone_within(grace)? {
            let _ = kill_process_group(self.leader, Signal::KILL);
            self.gone_within(AFTER_KILL)?;
        }
        self.drain()
    }

    fn gone_within(&mut self, time: Duration) -> io::Result<bool> {
        let started = Instant::now();
        loop {
            // Only after the leader has been collected does an empty group look empty; until the group is empty its
            // number is not given to another.
            let left = self.collect()?.is_none_or(WaitStatus::stopped)
                || (test_kill_process_group(self.leader) != Err(Errno::SRCH) && Process::any_in(self.leader));
            if !left {
                return Ok(true);
            }
            if started.elapsed() >= time {
                return Ok(false);
            }
            self.pump(TICK.min(time))?;
        }
    }

    fn ended(&self, status: WaitStatus) -> Ended {
        const INTERRUPTED: i32 = Signal::INT.as_raw();
        match (status.exit_status(), status.terminating_signal()) {
            (_, Some(INTERRUPTED)) if self.terminal.is_some() => Ended::Cancelled,
            // How a shell passes on that its child was interrupted.
            (Some(status), _) if self.terminal.is_some() && status == 128 + INTERRUPTED => Ended::Cancelled,
            (Some(status), _) => Ended::Exited(status),
            (None, signal) => Ended::Signalled(signal.unwrap_or_default()),
        }
    }
}
