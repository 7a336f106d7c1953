//! Hooks that run nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use dam_oci::Digest;

use crate::app::{AppId, HookName, Version};
use crate::event::{Event, Reporter};
use crate::hooks::{Ended, HookEnd, HookRun, HookText, Hooks};
use crate::{Cancel, Result};

/// One run a [`FakeHooks`] has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeRun {
    /// The app.
    pub app: AppId,
    /// The hook.
    pub hook: HookName,
    /// The kept `/meta` it was to run in.
    pub meta: Digest,
    /// The version before.
    pub old_version: Option<Version>,
}

impl std::fmt::Display for FakeRun {
    /// `install shop:1.0`, or `upgrade shop:2.0 from 1.0`.
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{} {}", self.hook, self.app)?;
        self.old_version.iter().try_for_each(|old| write!(f, " from {old}"))
    }
}

type Act = Box<dyn FnMut() + Send>;

#[derive(Default)]
struct State {
    runs: Vec<FakeRun>,
    once: BTreeMap<(String, HookName), VecDeque<HookEnd>>,
    always: BTreeMap<(String, HookName), HookEnd>,
    acts: BTreeMap<(String, HookName), Act>,
}

/// Hooks that take note of what they were asked and answer as told; what nobody told them about succeeds at once.
///
/// Clones share everything, so a test keeps one and gives the other away. Apps are written `name:version`.
#[derive(Clone, Default)]
pub struct FakeHooks(Arc<Mutex<State>>);

impl FakeHooks {
    /// Hooks that all succeed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next run of the hook that has no answer yet end so; called twice, it sets the next two.
    pub fn ends(self, app: &str, hook: HookName, ended: Ended, text: &str) -> Self {
        self.state().once.entry((app.to_owned(), hook)).or_default().push_back(end(ended, text));
        self
    }

    /// Makes every run of the hook, after those of [`FakeHooks::ends`], end so.
    pub fn always_ends(self, app: &str, hook: HookName, ended: Ended, text: &str) -> Self {
        self.state().always.insert((app.to_owned(), hook), end(ended, text));
        self
    }

    /// Makes the next run of the hook exit with status 1 after writing `text`.
    pub fn fails(self, app: &str, hook: HookName, text: &str) -> Self {
        self.ends(app, hook, Ended::Exited(1), text)
    }

    /// Does `act` in every run of the hook, before it ends: sets a [`Cancel`], looks at a store. It must not use these
    /// hooks.
    pub fn acts(self, app: &str, hook: HookName, act: impl FnMut() + Send + 'static) -> Self {
        self.state().acts.insert((app.to_owned(), hook), Box::new(act));
        self
    }

    /// Returns what ran so far, oldest first.
    pub fn runs(&self) -> Vec<FakeRun> {
        self.state().runs.clone()
    }

    /// Returns what ran so far as text, such as `install shop:1.0`, and forgets it.
    pub fn take_runs(&self) -> Vec<String> {
        self.state().runs.drain(..).map(|run| run.to_string()).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds the hooks")
    }
}

fn end(ended: Ended, text: &str) -> HookEnd {
    HookEnd { ended, text: HookText::from(text.as_bytes()), took: Duration::from_millis(10) }
}

impl Hooks for FakeHooks {
    fn run(&self, run: &HookRun, cancel: &Cancel, reporter: &dyn Reporter) -> Result<HookEnd> {
        cancel.check()?;
        let (app, hook) = (&run.app.id, run.hook);
        let key = (app.to_string(), hook);
        reporter.event(Event::HookStarted { app, hook });
        let mut state = self.state();
        let (meta, old_version) = (run.meta, run.old_version.cloned());
        state.runs.push(FakeRun { app: app.clone(), hook, meta, old_version });
        if let Some(act) = state.acts.get_mut(&key) {
            act();
        }
        let told = state.once.get_mut(&key).and_then(VecDeque::pop_front).or_else(|| state.always.get(&key).cloned());
        let otherwise = if cancel.is_set() { Ended::Cancelled } else { Ended::Exited(0) };
        let end = told.unwrap_or_else(|| end(otherwise, ""));
        let text = end.text.to_text();
        if !text.is_empty() {
            reporter.event(Event::HookOutput { bytes: text.as_bytes() });
        }
        reporter.event(Event::HookEnded { app, hook, success: end.success() });
        Ok(end)
    }

    fn wait(&self, _: Duration, _: &Cancel) {}
}
