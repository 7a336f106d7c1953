//! Waiting for an app to be well.

use std::time::Duration;

use super::{Ended, HookEnd, HookRun, Hooks};
use crate::event::Reporter;
use crate::{Cancel, Result};

/// Time from the end of one health check to the start of the next.
const PAUSE: Duration = Duration::from_secs(1);

/// How the wait for health ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthEnd {
    /// How long it took, checks and pauses.
    pub took: Duration,
    /// How many checks ran.
    pub checks: u32,
    /// The last check, if the app did not become well.
    pub failure: Option<HookEnd>,
}

impl HealthEnd {
    /// Tells whether the app is well.
    pub fn healthy(&self) -> bool {
        self.failure.is_none()
    }
}

/// Repeats the hook of `run`, at once and then a second after each failure, until it succeeds, `limit` has passed or
/// `cancel` is set. One check may take what is left of `limit` (at least a second), or `run.timeout` if that is less.
pub fn run_health(
    hooks: &dyn Hooks,
    run: &HookRun,
    limit: Duration,
    cancel: &Cancel,
    reporter: &dyn Reporter,
) -> Result<HealthEnd> {
    // Adds up what hooks and pauses took instead of asking a clock, so that a fake's time counts like real time.
    let mut took = Duration::ZERO;
    let mut checks = 0;
    loop {
        let left = limit.saturating_sub(took).max(PAUSE);
        let timeout = run.timeout.map_or(left, |timeout| timeout.min(left));
        let end = hooks.run(&HookRun { timeout: Some(timeout), ..run.clone() }, cancel, reporter)?;
        took += end.took;
        checks += 1;
        if end.success() {
            return Ok(HealthEnd { took, checks, failure: None });
        }
        if end.ended != Ended::Cancelled && took + PAUSE <= limit {
            hooks.wait(PAUSE, cancel);
            took += PAUSE;
            if !cancel.is_set() {
                continue;
            }
        }
        let ended = if cancel.is_set() { Ended::Cancelled } else { end.ended };
        return Ok(HealthEnd { took, checks, failure: Some(HookEnd { ended, ..end }) });
    }
}
