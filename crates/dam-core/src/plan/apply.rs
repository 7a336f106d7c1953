//! Carrying a plan out.

use std::path::Path;
use std::time::Duration;

use dam_oci::{Image, Reference};
use serde::{Deserialize, Serialize};

use super::{Aftermath, Failure, Plan, Side, Step, undo};
use crate::app::{AppId, HookName, Release};
use crate::event::{Event, Reporter, Warning};
use crate::hooks::{Ended, HookError, HookRun, run_health};
use crate::host::Host;
use crate::ledger::{AppState, Change, Installed, OperationId, OperationKind, Source, Timestamp};
use crate::store::ImageId;
use crate::{Error, Result, fault};

/// How a plan is carried out.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Limit for each hook; none by default, for an install may rightly take long.
    pub timeout: Option<Duration>,
    /// Limit within which `health` must succeed.
    pub health_limit: Duration,
    /// Whether the standard input of dam is a terminal that hooks may read from.
    pub terminal: bool,
    /// Whether a failing `uninstall` is only a warning.
    pub force: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { timeout: None, health_limit: Duration::from_secs(60), terminal: false, force: false }
    }
}

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Applied {
    /// The kind of change.
    pub kind: OperationKind,
    /// The operation in the ledger, for `dam history`.
    pub operation: OperationId,
    /// What was installed before.
    pub old: Option<AppId>,
    /// What is installed now.
    pub new: Option<AppId>,
    /// Seconds until `health` succeeded, if the app has that hook and it was asked.
    pub healthy_after: Option<f64>,
}

/// Carries out `plan`. `image` is the new image, for a plan that loads it.
///
/// The plan is durable in the ledger before its first effect. When a step fails, or the host's cancel flag is set, the
/// steps so far are undone in reverse and the error is [`Error::Failed`], which says what is left behind.
pub fn apply(
    host: &mut Host,
    mut plan: Plan,
    image: Option<&dyn Image>,
    options: &Options,
    reporter: &dyn Reporter,
) -> Result<Applied> {
    plan.store = Some(host.store.describe().kind.to_owned());
    if let Some(new) = &mut plan.new {
        new.store.clone_from(&plan.store);
    }
    let journal = serde_json::to_value(&plan).expect("a plan has only string keys");
    let (old, new) = (plan.old.as_ref(), plan.new.as_ref());
    let operation = host.ledger.begin(plan.kind, old, new, Some(&plan.source), &journal, Timestamp::now())?;
    fault::point("operation begun");
    let mut run = Run { host, operation, plan, image, options, reporter, healthy_after: None };
    match run.forward() {
        Ok(()) => run.finish(),
        Err(failure) => Err(undo::after_failure(run, failure)),
    }
}

/// A plan on its way.
pub(super) struct Run<'a> {
    pub(super) host: &'a mut Host,
    pub(super) operation: OperationId,
    pub(super) plan: Plan,
    pub(super) image: Option<&'a dyn Image>,
    pub(super) options: &'a Options,
    pub(super) reporter: &'a dyn Reporter,
    pub(super) healthy_after: Option<Duration>,
}

/// What undoing a load or a tag needs to remember.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Before {
    /// The image that had the tag.
    pub(super) holder: Option<ImageId>,
    /// Images that had no tag: one of them may be the very image that is loaded or tagged, and then it stays.
    pub(super) untagged: Vec<ImageId>,
}

impl Run<'_> {
    fn forward(&mut self) -> Result<(), Failure> {
        for index in 0..self.plan.steps.len() {
            let step = self.plan.steps[index].clone();
            if step.is_cleanup() {
                continue;
            }
            self.host.cancel.check()?;
            let before = serde_json::to_value(self.before(&step)?).expect("notes have only string keys");
            self.host.ledger.step_started(self.operation, index, &before)?;
            fault::point("step started");
            if let Err(failure) = self.effect(&step) {
                // A hook that was never started has touched nothing, so there is nothing to undo of it: an undo would
                // start hooks, and call an app broken that runs as before where they cannot be started either.
                if matches!(step, Step::Run { .. }) && failure.came_before_the_hook() {
                    self.host.ledger.step_undone(self.operation, index)?;
                }
                return Err(failure);
            }
            fault::point("step took effect");
            self.host.ledger.step_done(self.operation, index)?;
        }
        Ok(())
    }

    fn before(&self, step: &Step) -> Result<Before> {
        let store = &self.host.store;
        Ok(match step {
            Step::Load { .. } => {
                let untagged = store.list()?.into_iter().filter(|image| image.tags.is_empty()).map(|image| image.id);
                let untagged = untagged.collect();
                Before { holder: store.holder(&self.plan.release(Side::New).app.reference)?, untagged }
            }
            Step::Tag { reference, .. } => {
                let new = store.find_id(self.plan.release(Side::New).image)?;
                let untagged = new.into_iter().filter(|image| image.tags.is_empty()).map(|image| image.id);
                Before { holder: store.holder(reference)?, untagged: untagged.collect() }
            }
            Step::Run { .. } | Step::Drop => Before::default(),
        })
    }

    fn effect(&mut self, step: &Step) -> Result<(), Failure> {
        match step {
            Step::Load { .. } => self.load()?,
            Step::Tag { reference, take } => {
                let new = self.plan.release(Side::New).image;
                if *take || self.host.store.holder(reference)?.is_none() {
                    self.host.store.tag(new, reference)?;
                }
            }
            Step::Run { side, hook: HookName::Health } => {
                let took = self.health(*side, self.options.health_limit)?;
                self.healthy_after = Some(took);
            }
            Step::Run { side, hook } => match self.hook(*side, *hook) {
                Err(error) if self.is_forced(*hook, &error) => {
                    let what = format!("{error}; going on, as asked");
                    self.reporter.event(Event::Warning(Warning::Leftover { what: &what }));
                }
                other => other?,
            },
            Step::Drop => {}
        }
        Ok(())
    }

    fn load(&mut self) -> Result<()> {
        let image = self.image.expect("rules plan a load only for an image that is at hand");
        let image = crate::host::Interruptible::new(image, self.host.cancel.clone());
        let new = self.plan.new.as_mut().expect("rules plan a load only for a new release");
        let loaded = self.host.store.load(&image, std::slice::from_ref(&new.app.reference), self.reporter);
        // A load that was cut off on purpose fails with whatever the store makes of a broken stream.
        self.host.cancel.check()?;
        new.image = loaded.map_err(|error| match &self.plan.source {
            Source::File { path } => error.in_archive(Path::new(path)),
            _ => error,
        })?;
        Ok(())
    }

    /// Tells whether a hook that failed, or could not be run at all, is only a warning. Ctrl-C always stops.
    fn is_forced(&self, hook: HookName, error: &Error) -> bool {
        let about_hook = match error {
            Error::Hook(HookError::Failed { ended: Ended::Cancelled, .. }) => false,
            Error::Hook(_) | Error::Meta(_) | Error::Access { .. } => true,
            _ => false,
        };
        self.options.force && hook == HookName::Uninstall && about_hook
    }

    /// Runs one hook to its end and writes its output to the ledger, whatever the end.
    pub(super) fn hook(&mut self, side: Side, hook: HookName) -> Result<()> {
        self.hook_within(side, hook, self.options.timeout)
    }

    /// The same with another time limit.
    pub(super) fn hook_within(&mut self, side: Side, hook: HookName, timeout: Option<Duration>) -> Result<()> {
        let Host { hooks, ledger, cancel, .. } = &mut *self.host;
        let run = HookRun { timeout, ..hook_run(&self.plan, self.options, side, hook) };
        let end = hooks.run(&run, cancel, self.reporter)?;
        let text = end.text.to_text();
        ledger.log_hook(self.operation, &run.app.id, hook, &end.ended.to_string(), end.took, text.as_bytes())?;
        end.check(&run.app.id, hook)?;
        Ok(())
    }

    /// Repeats the health hook until it succeeds or `limit` passes; returns how long that took.
    pub(super) fn health(&mut self, side: Side, limit: Duration) -> Result<Duration, Failure> {
        let hook = HookName::Health;
        let Host { hooks, ledger, cancel, .. } = &mut *self.host;
        let run = hook_run(&self.plan, self.options, side, hook);
        let end = run_health(&**hooks, &run, limit, cancel, self.reporter)?;
        let Some(last) = end.failure else {
            ledger.log_hook(self.operation, &run.app.id, hook, "succeeded", end.took, b"")?;
            return Ok(end.took);
        };
        let text = last.text.to_text();
        ledger.log_hook(self.operation, &run.app.id, hook, &last.ended.to_string(), end.took, text.as_bytes())?;
        cancel.check()?;
        Err(Failure::Unhealthy { app: run.app.id.clone(), limit, last })
    }

    /// Records the change, then cleans up.
    pub(super) fn finish(mut self) -> Result<Applied> {
        fault::point("all steps done");
        let change = self.change()?;
        self.host.ledger.commit(self.operation, &change, Timestamp::now())?;
        fault::point("change recorded");
        let cleanup: Vec<Step> = self.plan.steps.iter().filter(|step| step.is_cleanup()).cloned().collect();
        for _ in cleanup {
            if let Some(old) = self.plan.old.clone() {
                self.drop_image(&old);
            }
        }
        Ok(Applied {
            kind: self.plan.kind,
            operation: self.operation,
            old: self.plan.old.map(|old| old.app.id),
            new: self.plan.new.map(|new| new.app.id),
            healthy_after: self.healthy_after.map(|took| took.as_secs_f64()),
        })
    }

    fn change(&self) -> Result<Change> {
        let replacing = self.plan.old.as_ref().map(|old| old.app.id.clone());
        let Some(mut release) = self.plan.new.clone() else {
            return Ok(Change::Take { app: replacing.expect("a plan without a new release takes the old one away") });
        };
        // After a kill the id that the load returned is lost; the tag it set is not. Else the store is not asked: the tag
        // may have moved to an image that is not the app, and an engine that is gone by now must not keep what was done
        // from being recorded.
        let store = &self.host.store;
        let loads = self.plan.steps.iter().any(|step| matches!(step, Step::Load { .. }));
        if loads
            && self.image.is_none()
            && store.find_id(release.image)?.is_none()
            && let Some(stored) = store.find(&release.app.reference)?
        {
            release.image = stored.id;
        }
        let ran_health = self.plan.steps.contains(&Step::Run { side: Side::New, hook: HookName::Health });
        let state = if ran_health { AppState::Healthy } else { AppState::Ok };
        let installed = Installed {
            release,
            source: self.plan.source.clone(),
            installed_at: Timestamp::now(),
            state,
            previous: self.plan.old.clone(),
        };
        Ok(Change::Put { installed: Box::new(installed), replacing })
    }

    /// Takes an app's tags away, and its image with the last of them unless something else needs it.
    fn drop_image(&mut self, release: &Release) {
        if let Err(error) = drop_image(self.host, release) {
            let what = format!("the image of {} stays: {error}", release.app.id);
            self.reporter.event(Event::Warning(Warning::Leftover { what: &what }));
        }
    }
}

fn hook_run<'a>(plan: &'a Plan, options: &Options, side: Side, hook: HookName) -> HookRun<'a> {
    let release = plan.release(side);
    let old_version = plan.old.as_ref().filter(|_| plan.new.is_some()).map(|old| &old.app.id.version);
    let Options { timeout, terminal, .. } = *options;
    HookRun { old_version, timeout, terminal, ..HookRun::new(&release.app, hook, release.meta) }
}

fn drop_image(host: &Host, release: &Release) -> Result<()> {
    if host.ledger.images_in_use()?.iter().any(|(image, ..)| *image == release.image) {
        return Ok(());
    }
    let image = match host.store.find_id(release.image) {
        Ok(Some(image)) => image,
        Ok(None) => return Ok(()),
        // Nobody can use a damaged one, whatever names it has.
        Err(Error::Oci(_)) => return host.store.remove(release.image),
        Err(error) => return Err(error),
    };
    let is_ours = |tag: &Reference| *tag == release.app.reference || release.app.more_references.contains(tag);
    let (ours, foreign): (Vec<_>, Vec<_>) = image.tags.into_iter().partition(is_ours);
    // Removed as a whole where it may be: an engine then also takes what only its build had left.
    if foreign.is_empty() {
        return host.store.remove(release.image);
    }
    ours.iter().try_for_each(|tag| host.store.untag(tag))
}

/// A change that failed.
#[derive(Debug, thiserror::Error)]
#[error("{failure}")]
pub struct Failed {
    /// The change, such as `upgrade of shop 1.0 to 2.0`.
    pub title: String,
    /// How it failed.
    #[source]
    pub failure: Failure,
    /// What is left behind.
    pub aftermath: Aftermath,
}
