//! Lending dam's terminal to a hook.
//!
//! A process group other than the terminal's foreground group cannot read from it and gets no Ctrl-C, so the hook's
//! group is made that group while it runs: <https://www.gnu.org/software/libc/manual/html_node/Foreground-and-Background.html>.

use std::io;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use rustix::process::{Pid, getpgrp, kill_current_process_group};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr, tcsetpgrp};

use super::TICK;

/// The terminal behind stdin while a hook runs.
pub(super) struct Terminal {
    own: Pid,
    hook: Pid,
    settings: Termios,
    lent: bool,
    /// Signals blocked in this thread before.
    mask: SigSet,
}

/// Tells whether stdin is a terminal whose foreground group this process is in: a dam in the background has no
/// terminal to lend.
pub(super) fn is_ours() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}

impl Terminal {
    /// Takes note of the terminal for the group `hook`, lends nothing yet. Call it after the hook was started: it
    /// blocks SIGTTOU in this thread, which a child would inherit.
    pub(super) fn new(hook: Pid) -> io::Result<Self> {
        let settings = tcgetattr(io::stdin())?;
        let mask = SigSet::from(Signal::SIGTTOU).thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Self { own: getpgrp(), hook, settings, lent: false, mask })
    }

    /// Makes the hook's group the foreground group if dam's is, and wakes it: it may have asked for the terminal too
    /// early and been stopped. Returns whether it has the terminal.
    pub(super) fn lend(&mut self) -> bool {
        if !self.lent && is_ours() && tcsetpgrp(io::stdin(), self.hook).is_ok() {
            self.lent = true;
            let _ = rustix::process::kill_process_group(self.hook, rustix::process::Signal::CONT);
        }
        self.lent
    }

    /// Tells whether the hook has the terminal.
    pub(super) fn is_lent(&self) -> bool {
        self.lent
    }

    /// Makes dam's group the foreground group again.
    pub(super) fn take_back(&mut self) {
        if std::mem::take(&mut self.lent) {
            let _ = tcsetpgrp(io::stdin(), self.own);
        }
    }

    /// Stops dam as the hook was stopped (Ctrl-Z), and returns when the user's shell wakes it. Where no shell is
    /// watching, the kernel ignores the signal and this returns at once.
    pub(super) fn suspend(&mut self) {
        self.take_back();
        let _ = kill_current_process_group(rustix::process::Signal::TSTP);
        // Another thread may take the signal, and this one runs on for a moment: not into lending the terminal again.
        std::thread::sleep(TICK);
    }

    /// Takes the terminal back with the settings it had: a killed `sudo` leaves it without echo.
    pub(super) fn restore(&mut self) {
        self.take_back();
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.settings);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.take_back();
        let _ = self.mask.thread_set_mask();
    }
}
