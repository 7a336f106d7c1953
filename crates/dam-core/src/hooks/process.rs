//! Hooks as real processes.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use super::command::Caller;
use super::copies::{self, PrivateCopy};
use super::group::Group;
use super::note::Note;
use super::terminal::{self, Terminal};
use super::{HookEnd, HookError, HookRun, Hooks, command, orphan};
use crate::event::{Event, Reporter};
use crate::meta::Keep;
use crate::{Cancel, Result, fault};

/// How long a hook has after SIGTERM before it gets SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// Runs hooks as processes of this machine, in private copies of `/meta` below `<root>/run`.
#[derive(Debug, Clone)]
pub struct ProcessHooks {
    keep: Keep,
    run: PathBuf,
    grace: Duration,
    caller: Caller,
}

impl ProcessHooks {
    /// Runs the hooks of what is kept below `root`.
    pub fn open(root: &Path) -> Result<Self> {
        Ok(Self { keep: Keep::open(root)?, run: root.join("run"), grace: GRACE, caller: Caller::default() })
    }

    /// Tells which variables this process has: those about an app, `DAM_APP_*`, are kept from hooks. Those that dam sets
    /// itself always are.
    pub fn with_variables<'a>(mut self, names: impl IntoIterator<Item = &'a OsStr>) -> Self {
        let about_an_app = |name: &&OsStr| name.as_encoded_bytes().starts_with(b"DAM_APP_");
        self.caller.inherited = names.into_iter().filter(about_an_app).map(OsStr::to_owned).collect();
        self
    }

    /// Tells which file this program was started from, as far as that is known: an absolute path.
    pub fn with_executable(mut self, executable: Option<PathBuf>) -> Self {
        self.caller.executable = executable;
        self
    }

    /// Sets how long a hook has between SIGTERM and SIGKILL, for tests.
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    fn run_in(&self, copy: &PrivateCopy, run: &HookRun, cancel: &Cancel, reporter: &dyn Reporter) -> Result<HookEnd> {
        let (app, hook) = (&run.app.id, run.hook);
        let lost = |source| HookError::Lost { app: app.clone(), hook, source };
        let (output, input) = io::pipe().map_err(|source| HookError::Start { app: app.clone(), hook, source })?;
        let lend = run.terminal && terminal::is_ours();
        let stdin = if lend { Stdio::inherit() } else { Stdio::null() };
        let started = Instant::now();
        Note::new(app, hook).write(copy.folder())?;
        fault::point("before a hook starts");
        let child = command::start(run, copy.meta(), &self.caller, input, stdin)?;
        fault::point("hook started, its pid not noted");
        let leader = Pid::from_child(&child);
        // On a full disk the first note stays, by which the hook may be found as well.
        let _ = Note::new(app, hook).with_leader(leader).write(copy.folder());
        reporter.event(Event::HookStarted { app, hook });
        let terminal = if lend { Terminal::new(leader).ok() } else { None };
        let watched = Group::new(leader, output, terminal, reporter).watch(run.timeout, self.grace, cancel);
        fault::point("after a hook ended");
        let end = watched.map(|(ended, text)| HookEnd { ended, text, took: started.elapsed() });
        reporter.event(Event::HookEnded { app, hook, success: end.as_ref().is_ok_and(HookEnd::success) });
        Ok(end.map_err(lost)?)
    }
}

impl Hooks for ProcessHooks {
    fn run(&self, run: &HookRun, cancel: &Cancel, reporter: &dyn Reporter) -> Result<HookEnd> {
        cancel.check()?;
        let kept = self.keep.copy(&run.meta)?;
        if !kept.has(run.hook) {
            return Err(HookError::Missing { app: run.app.id.clone(), hook: run.hook }.into());
        }
        let copy = PrivateCopy::make(&self.run, &kept)?;
        let end = self.run_in(&copy, run, cancel, reporter);
        copy.remove(reporter);
        end
    }

    fn end_orphans(&self, cancel: &Cancel, reporter: &dyn Reporter) -> Result<()> {
        copies::sweep(&self.run, &mut |folder| orphan::end(folder, self.grace, cancel, reporter))
    }
}
