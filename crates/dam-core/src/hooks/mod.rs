//! Hooks: the scripts of an app, run on this machine.
//!
//! A hook runs in a private copy of its `/meta`, in a process group of its own, with its output shown live and kept.
//! What it does is the app's business; that it ends, and that nothing of it is lost, is this module's.

mod command;
mod copies;
mod ended;
mod fault;
mod group;
mod health;
mod note;
mod orphan;
mod process;
mod process_table;
mod terminal;
mod text;

use std::time::{Duration, Instant};

use dam_oci::Digest;

use crate::app::{App, HookName, Version};
use crate::event::Reporter;
use crate::{Cancel, Result};

pub use ended::{Ended, HookEnd};
pub use fault::HookError;
pub use health::{HealthEnd, run_health};
pub use process::ProcessHooks;
pub use text::HookText;

/// How long a wait for anything may go on before it looks at [`Cancel`] again.
const TICK: Duration = Duration::from_millis(25);

/// Runs hooks.
pub trait Hooks: Send {
    /// Runs one hook to its end. A hook that ends badly is no error here: see [`HookEnd::success`]. Errors are those of
    /// [`HookError`] (it could not be started), of its kept `/meta`, and [`crate::Error::Cancelled`] if `cancel` is set
    /// already; then it has not run. Only with [`HookError::Lost`] it has.
    ///
    /// Reports that it started, its output as it comes, and that it ended.
    fn run(&self, run: &HookRun, cancel: &Cancel, reporter: &dyn Reporter) -> Result<HookEnd>;

    /// Ends the hooks that killed dams left running, and takes their debris away, saying so. The caller holds the
    /// machine's lock and has not begun to recover: nothing may run beside a hook that still runs. Fails with
    /// [`crate::Error::Cancelled`] when `cancel` is set while a hook is being ended. Fakes leave nothing.
    fn end_orphans(&self, _cancel: &Cancel, _reporter: &dyn Reporter) -> Result<()> {
        Ok(())
    }

    /// Waits between two health checks; returns early when `cancel` is set. A fake returns at once.
    fn wait(&self, time: Duration, cancel: &Cancel) {
        let started = Instant::now();
        while !cancel.is_set() && started.elapsed() < time {
            std::thread::sleep(TICK.min(time.saturating_sub(started.elapsed())));
        }
    }
}

/// One run of one hook.
#[derive(Debug, Clone)]
pub struct HookRun<'a> {
    /// The app.
    pub app: &'a App,
    /// The hook.
    pub hook: HookName,
    /// The kept `/meta` to run in.
    pub meta: Digest,
    /// In an upgrade or rollback, the version that was installed before; `DAM_OLD_VERSION`.
    pub old_version: Option<&'a Version>,
    /// Whether a change that failed is being undone; `DAM_UNDO`.
    pub undo: bool,
    /// How long it may take. At the end of it the whole process group is ended.
    pub timeout: Option<Duration>,
    /// True if dam's stdin is a terminal the hook may use.
    pub terminal: bool,
}

impl<'a> HookRun<'a> {
    /// A run of a change that goes forward, without a time limit, an old version or a terminal.
    pub fn new(app: &'a App, hook: HookName, meta: Digest) -> Self {
        Self { app, hook, meta, old_version: None, undo: false, timeout: None, terminal: false }
    }
}
