//! Exit codes.

use std::process::ExitCode;

/// How dam ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or nothing to do.
    Done,
    /// Failed.
    Failed,
    /// Failed, and the answer that was printed says how: `dam verify` that found faults.
    Told,
    /// The command line or a settings file makes no sense.
    Misused,
    /// Nobody reads the answer any more (`dam list | head -1`): the code a shell shows for a death by SIGPIPE. dam
    /// itself ignores that signal, or a daemon that closes its socket would kill an install without an undo.
    Unread,
    /// A bug in dam.
    Bug,
}

impl Exit {
    /// Returns the number the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed | Self::Told => 1,
            Self::Misused => 2,
            Self::Unread => 141,
            Self::Bug => 255,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
