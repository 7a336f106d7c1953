//! How a hook ended.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{HookError, HookText};
use crate::app::{AppId, HookName};

/// How a hook ended; shown, it completes the sentence "`install` of `shop:1.0` …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It exited with this status; 0 is success.
    Exited(i32),
    /// This signal killed it, and dam did not send it.
    Signalled(i32),
    /// It took longer than this and was ended.
    TimedOut(Duration),
    /// The user interrupted it.
    Cancelled,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Exited(0) => f.write_str("succeeded"),
            Self::Exited(status) => write!(f, "failed with exit status {status}"),
            Self::Signalled(signal) => write!(f, "was killed by signal {signal}"),
            Self::TimedOut(limit) => write!(f, "did not end within {limit:?}"),
            Self::Cancelled => f.write_str("was interrupted"),
        }
    }
}

/// The end of a hook's run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookEnd {
    /// How it ended.
    pub ended: Ended,
    /// What it wrote to stdout and stderr, in the order it came.
    pub text: HookText,
    /// How long it ran.
    pub took: Duration,
}

impl HookEnd {
    /// Tells whether the hook did its work.
    pub fn success(&self) -> bool {
        self.ended == Ended::Exited(0)
    }

    /// Turns a bad end into [`HookError::Failed`].
    pub fn check(self, app: &AppId, hook: HookName) -> Result<Self, HookError> {
        if self.success() {
            return Ok(self);
        }
        Err(HookError::Failed { app: app.clone(), hook, ended: self.ended, text: Box::new(self.text) })
    }
}
