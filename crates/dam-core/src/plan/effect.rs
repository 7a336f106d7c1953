//! What the steps of a plan do.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::apply::{Options, Run};
use super::transaction::Place;
use super::{Failure, Plan, Side, Step};
use crate::app::HookName;
use crate::bundle::BundleError;
use crate::event::{Event, Named, Warning};
use crate::hooks::{Ended, HookError, HookRun, run_health};
use crate::host::{Host, Interruptible};
use crate::ledger::{Installed, Source};
use crate::store::ImageId;
use crate::{Error, Result};

/// What undoing a load or a tag needs to remember, and a later try.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Before {
    /// The image that had the tag.
    pub(super) holder: Option<ImageId>,
    /// Images that had no tag: one of them may be the very image that is loaded or tagged, and then it stays.
    pub(super) untagged: Vec<ImageId>,
    /// What the store calls the image that was loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) loaded: Option<ImageId>,
}

/// Reads from the note of a load what the store calls the image.
pub(super) fn loaded(note: &serde_json::Value) -> Option<ImageId> {
    serde_json::from_value(note.clone()).ok().and_then(|before: Before| before.loaded)
}

impl Run<'_> {
    pub(super) fn before(&self, plan: usize, step: &Step) -> Result<Before> {
        let store = &self.host.store;
        let new = || self.plan(plan).release(Side::New);
        let (holder, untagged) = match step {
            Step::Load { .. } => {
                let untagged = store.list()?.into_iter().filter(|image| image.tags.is_empty()).map(|image| image.id);
                (store.holder(&new().app.reference)?, untagged.collect())
            }
            Step::Tag { reference, .. } => {
                let image = store.find_id(new().image)?;
                let untagged = image.into_iter().filter(|image| image.tags.is_empty()).map(|image| image.id);
                (store.holder(reference)?, untagged.collect())
            }
            Step::Run { .. } | Step::Drop => return Ok(Before::default()),
        };
        let mut untagged: Vec<ImageId> = untagged;
        untagged.retain(|image| !self.brought.contains(image));
        if matches!(step, Step::Tag { .. }) && self.was_fetched(plan)? {
            untagged.clear();
        }
        Ok(Before { holder, untagged, loaded: None })
    }

    /// Tells whether the new image of a plan came from a registry without a tag, for this change or an earlier one that was not
    /// carried out: it can come again, so no tag has to stay to keep it. One that a rollback would go back to is worth more.
    fn was_fetched(&self, plan: usize) -> Result<bool> {
        let plan = self.plan(plan);
        let image = plan.release(Side::New).image;
        let needed = |one: &Installed| {
            one.release.image == image || one.previous.as_ref().is_some_and(|previous| previous.image == image)
        };
        let from_registry = matches!(plan.source, Source::Registry { .. });
        Ok(from_registry && !self.host.ledger.installed()?.iter().any(needed))
    }

    /// Learns from the note of a step that an earlier try did, and returns the note.
    pub(super) fn recall(&mut self, place: Place, note: Option<&serde_json::Value>) -> Before {
        let before: Before = note.and_then(|note| serde_json::from_value(note.clone()).ok()).unwrap_or_default();
        let Plan { new, steps, .. } = &mut self.transaction.plans_mut()[place.plan];
        if let (Some(loaded), Some(new)) = (before.loaded, new) {
            new.image = loaded;
            // The bundle promises no description. A `/meta` that is gone is told of by the first hook.
            if matches!(steps[place.step], Step::Load { promised: true, .. })
                && let Ok(kept) = self.host.keep.get(&new.meta)
            {
                new.app.description = kept.description;
            }
        }
        before
    }

    /// Notes which image a load has brought: one that was there before is none. The loads of a product give no tags, so
    /// that an image with one was there.
    pub(super) fn note_arrival(&mut self, before: &Before) -> Result<()> {
        let Some(loaded) = before.loaded.filter(|image| !before.untagged.contains(image)) else { return Ok(()) };
        if self.host.store.find_id(loaded)?.is_some_and(|image| image.tags.is_empty()) {
            self.brought.insert(loaded);
        }
        Ok(())
    }

    pub(super) fn effect(&mut self, plan: usize, step: &Step) -> Result<(), Failure> {
        match step {
            Step::Load { tagged, promised, .. } => self.load(plan, *tagged, *promised)?,
            Step::Tag { reference, take } => {
                let new = self.plan(plan).release(Side::New).image;
                if *take || self.host.store.holder(reference)?.is_none() {
                    self.host.store.tag(new, reference)?;
                }
            }
            Step::Run { side, hook: HookName::Health } => {
                let took = self.health(plan, *side, self.options.health_limit)?;
                self.healthy_after[plan] = Some(took);
            }
            Step::Run { side, hook } => match self.hook(plan, *side, *hook) {
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

    fn load(&mut self, plan: usize, tagged: bool, promised: bool) -> Result<()> {
        let image = self.image(plan).expect("rules plan a load only for an image that is at hand");
        let image = Interruptible::new(image, self.host.cancel.clone());
        let Plan { new, source, .. } = &mut self.transaction.plans_mut()[plan];
        let new = new.as_mut().expect("rules plan a load only for a new release");
        let tags = if tagged { std::slice::from_ref(&new.app.reference) } else { &[] };
        let reporter = Named::new(self.reporter, format!("load {}", new.app.id));
        let loaded = self.host.store.load(&image, tags, &reporter);
        // A load that was cut off on purpose fails with whatever the store makes of a broken stream.
        self.host.cancel.check()?;
        let in_source = |error: Error| match &*source {
            Source::File { path } => error.in_archive(Path::new(path)),
            _ => error,
        };
        new.image = loaded.map_err(in_source)?;
        if !promised {
            return Ok(());
        }
        let broken_promise = || match &*source {
            Source::File { path } => {
                let reason = format!("the /meta of `{}` is not the one it promises", new.app.reference);
                BundleError::Contradiction { path: path.into(), reason }.into()
            }
            _ => Error::NoImage(new.image),
        };
        let Host { keep, store, .. } = &*self.host;
        let kept = keep.keep(&mut |out| store.meta(new.image, out))?;
        let kept =
            kept.filter(|kept| kept.digest == new.meta && kept.hooks == new.app.hooks).ok_or_else(broken_promise)?;
        new.app.description = kept.description;
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
    pub(super) fn hook(&mut self, plan: usize, side: Side, hook: HookName) -> Result<()> {
        self.hook_within(plan, side, hook, self.options.timeout)
    }

    /// The same with another time limit.
    pub(super) fn hook_within(
        &mut self,
        plan: usize,
        side: Side,
        hook: HookName,
        timeout: Option<Duration>,
    ) -> Result<()> {
        let Host { hooks, ledger, cancel, .. } = &mut *self.host;
        let plan = &self.transaction.plans()[plan];
        let run = HookRun { timeout, ..hook_run(plan, self.options, side, hook, self.undoing) };
        let end = hooks.run(&run, cancel, self.reporter)?;
        let text = end.text.to_text();
        ledger.log_hook(self.operation, &run.app.id, hook, &end.ended.to_string(), end.took, text.as_bytes())?;
        end.check(&run.app.id, hook)?;
        Ok(())
    }

    /// Repeats the health hook until it succeeds or `limit` passes; returns how long that took.
    pub(super) fn health(&mut self, plan: usize, side: Side, limit: Duration) -> Result<Duration, Failure> {
        let hook = HookName::Health;
        let Host { hooks, ledger, cancel, .. } = &mut *self.host;
        let run = hook_run(&self.transaction.plans()[plan], self.options, side, hook, self.undoing);
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
}

fn hook_run<'a>(plan: &'a Plan, options: &Options, side: Side, hook: HookName, undo: bool) -> HookRun<'a> {
    let release = plan.release(side);
    let old_version = plan.old.as_ref().filter(|_| plan.new.is_some()).map(|old| &old.app.id.version);
    let Options { timeout, terminal, .. } = *options;
    HookRun { old_version, undo, timeout, terminal, ..HookRun::new(&release.app, hook, release.meta) }
}
