//! Undoing, in reverse.

use std::time::Duration;

use super::apply::{Failed, Run};
use super::effect::Before;
use super::transaction::Place;
use super::{Aftermath, Failure, OnFailure, Side, Step};
use crate::app::{AppId, HookName};
use crate::event::{Event, Warning};
use crate::ledger::{Change, JournalStep, StepState, Timestamp};
use crate::store::docker::DockerError;
use crate::{Error, Result, fault};

/// How long an app may take to say that a failed uninstall has not stopped it.
const PROBE_LIMIT: Duration = Duration::from_secs(10);

/// Undoes what `run` did so far and says how it went; `at` is the step that failed. A cancelled change is undone to the
/// end: the wish to stop is taken as heard.
pub(super) fn after_failure(mut run: Run, failure: Failure, at: Option<Place>) -> Error {
    run.host.cancel.clear();
    let title = run.transaction.to_string();
    run.reporter.event(Event::Undoing { what: &title });
    // Apps that are changed already may stay; those that come later have at most arrived.
    let first = match (run.transaction.on_failure(), at) {
        (OnFailure::Stop, Some(place)) if run.transaction.changes_what_runs(place) => place.plan,
        _ => 0,
    };
    let aftermath = undo(&mut run, &failure.to_string(), first)
        .unwrap_or_else(|error| Aftermath::Unfinished { cause: error.to_string() });
    Error::Failed(Box::new(Failed { title, failure, aftermath }))
}

/// Undoes all journalled steps of the plans from `first` on, newest first, records what the plans before it did, and closes
/// the operation. `cause` goes into the history.
///
/// A wish to stop is not heard meanwhile: hooks that end early would leave the old app down and the operation broken.
pub(super) fn undo(run: &mut Run, cause: &str, first: usize) -> Result<Aftermath> {
    let wish = std::mem::take(&mut run.host.cancel);
    run.undoing = true;
    let undone = undo_from(run, cause, first);
    run.host.cancel = wish;
    undone
}

fn undo_from(run: &mut Run, cause: &str, first: usize) -> Result<Aftermath> {
    let pending = run.host.ledger.pending()?.expect("an operation is pending until it is closed here");
    let order = run.transaction.order();
    let mut undone = Undone::default();
    for step in pending.steps.iter().rev().filter(|step| step.state != StepState::Undone) {
        let place = order[step.index];
        if place.plan < first {
            continue;
        }
        fault::point("undo of a step");
        let faults = undone.faults.len();
        undo_step(run, place, step, &pending.steps, &mut undone)?;
        fault::point("step undone");
        // One that failed is tried again where the undo stops at a later step.
        if undone.faults.len() == faults {
            run.host.ledger.step_undone(run.operation, step.index)?;
        }
    }
    if order.iter().any(|place| run.transaction.step(*place).is_load()) {
        // What a load left that was cut off. Where it stays, it only takes space, and `purge` finds it.
        if let Err(error) = run.host.store.forget_parts() {
            unless_for_later(error)?;
        }
    }
    close(run, cause, first, undone)
}

/// Writes to the ledger how the undo went.
fn close(run: &mut Run, cause: &str, first: usize, undone: Undone) -> Result<Aftermath> {
    let now = Timestamp::now();
    let Undone { touched, running, faults, broken } = undone;
    if first > 0 {
        let mut changes = (0..first).map(|plan| run.change(plan)).collect::<Result<Vec<_>>>()?;
        changes.extend(broken.into_iter().map(|app| Change::Break { app }));
        run.host.ledger.commit(run.operation, &changes, Some(cause), now)?;
        let changed = run.transaction.plans()[..first].iter().map(|plan| plan.app().id.clone()).collect();
        return Ok(Aftermath::Stopped { changed, running, faults });
    }
    if !faults.is_empty() {
        run.host.ledger.end_broken(run.operation, &format!("{cause}; {}", faults.join("; ")), &broken, now)?;
        return Ok(Aftermath::Broken { faults });
    }
    run.host.ledger.end_undone(run.operation, cause, now)?;
    fault::point("operation undone");
    Ok(if touched { Aftermath::AsBefore { running } } else { Aftermath::Untouched })
}

/// How an undo goes.
#[derive(Default)]
struct Undone {
    /// Whether anything that runs was touched.
    touched: bool,
    /// The apps that were put back.
    running: Vec<AppId>,
    /// What could not be undone.
    faults: Vec<String>,
    /// The apps this is about, if they were installed before.
    broken: Vec<AppId>,
}

impl Undone {
    fn fault(&mut self, run: &Run, plan: usize, fault: String) {
        self.faults.push(fault);
        self.broken.extend(run.plan(plan).old.as_ref().map(|old| old.app.id.clone()));
    }
}

/// Undoes the step at `place`; `steps` is the whole journal.
fn undo_step(
    run: &mut Run,
    place: Place,
    journal: &JournalStep,
    steps: &[JournalStep],
    undone: &mut Undone,
) -> Result<()> {
    let before: Before = serde_json::from_value(journal.note.clone()).unwrap_or_default();
    let plan = place.plan;
    match run.transaction.step(place).clone() {
        Step::Load { tagged, .. } => {
            let reference = run.plan(plan).release(Side::New).app.reference.clone();
            let tag = if tagged { put_tag_back(run, &reference, &before) } else { Ok(()) };
            if let Err(error) = tag.and_then(|()| unload(run, plan, &before)) {
                let error = unless_for_later(error)?;
                undone.fault(run, plan, format!("the load of {reference} could not be undone: {error}"));
            }
        }
        Step::Tag { reference, .. } => {
            if let Err(error) = put_tag_back(run, &reference, &before) {
                let error = unless_for_later(error)?;
                undone.fault(run, plan, format!("the tag {reference} could not be put back: {error}"));
            }
        }
        Step::Run { hook: HookName::Check | HookName::Health, .. } | Step::Drop => {}
        Step::Run { side: Side::New, hook } => {
            undone.touched = true;
            take_away_new(run, plan)?;
            if hook == HookName::Upgrade {
                give_tags_back(run, plan, steps)?;
                restore_old(run, plan, StepState::Done, undone)?;
            }
        }
        Step::Run { side: Side::Old, .. } => {
            undone.touched = true;
            give_tags_back(run, plan, steps)?;
            restore_old(run, plan, journal.state, undone)?;
        }
    }
    Ok(())
}

/// Returns the error, unless it is one that passes: the engine is away, the disk is full, the ledger cannot be written. Then
/// the undo stops here, the operation stays pending, and the next dam goes on with it. Rejected: to call the operation
/// broken, which nobody would ever mend.
fn unless_for_later(error: Error) -> Result<Error> {
    match error {
        Error::Docker(DockerError::Unreachable { .. } | DockerError::BrokeOff { .. }) | Error::Ledger(_) => Err(error),
        other if other.is_of_full_disk() => Err(other),
        other => Ok(other),
    }
}

/// Gives a tag back to the image that had it; an image that has lost its only tag by this, and was not there untagged
/// before, goes.
fn put_tag_back(run: &mut Run, reference: &dam_oci::Reference, before: &Before) -> Result<()> {
    let store = &run.host.store;
    let current = store.holder(reference)?;
    if current == before.holder {
        return Ok(());
    }
    let was_untagged = current.is_some_and(|id| before.untagged.contains(&id));
    match before.holder {
        Some(holder) => store.tag(holder, reference)?,
        // An engine deletes an image with its last tag. One that was there before is worth more than a tag too many.
        None if was_untagged => {
            let what = format!("the image keeps the tag {reference}, for it was there before without any");
            run.reporter.event(Event::Warning(Warning::Leftover { what: &what }));
        }
        None => store.untag(reference)?,
    }
    let Some(current) = current.filter(|_| !was_untagged) else { return Ok(()) };
    match store.find_id(current)? {
        Some(image) if image.tags.is_empty() => store.remove(current),
        _ => Ok(()),
    }
}

/// Gives the tags of a plan back to the images that had them, before their own steps are undone: the hooks of the old app
/// start what its tag names, which may be the new image of the same version. What cannot be given back is told when its
/// step is undone.
fn give_tags_back(run: &Run, plan: usize, steps: &[JournalStep]) -> Result<()> {
    let order = run.transaction.order();
    for step in steps.iter().filter(|step| order[step.index].plan == plan) {
        let reference = match run.transaction.step(order[step.index]) {
            Step::Tag { reference, .. } => reference,
            Step::Load { tagged: true, .. } => &run.plan(plan).release(Side::New).app.reference,
            Step::Load { .. } | Step::Run { .. } | Step::Drop => continue,
        };
        let before: Before = serde_json::from_value(step.note.clone()).unwrap_or_default();
        let Some(holder) = before.holder else { continue };
        if let Err(error) = run.host.store.tag(holder, reference) {
            unless_for_later(error)?;
        }
    }
    Ok(())
}

/// Removes the new image where a load was cut off before it was tagged: an image without a tag that was not there
/// before, of exactly the new layers.
fn unload(run: &Run, plan: usize, before: &Before) -> Result<()> {
    let store = &run.host.store;
    let new = run.plan(plan).release(Side::New);
    let untagged = store.list()?.into_iter().filter(|image| image.tags.is_empty()).map(|image| image.id);
    for id in untagged.filter(|id| !before.untagged.contains(id)) {
        if store.find_id(id)?.is_some_and(|image| image.diff_ids == new.diff_ids) {
            store.remove(id)?;
        }
    }
    Ok(())
}

/// Runs the new app's `uninstall`. Its failure is a warning: what it should take away may never have come up.
fn take_away_new(run: &mut Run, plan: usize) -> Result<()> {
    if let Err(error) = run.hook(plan, Side::New, HookName::Uninstall) {
        let what = unless_for_later(error)?.to_string();
        run.reporter.event(Event::Warning(Warning::Leftover { what: &what }));
    }
    Ok(())
}

/// Gets the old app running again: by `install`, and where that fails once more after an `uninstall`, which clears
/// away what a half-done uninstall left.
fn restore_old(run: &mut Run, plan: usize, uninstall: StepState, undone: &mut Undone) -> Result<()> {
    let old = run.plan(plan).release(Side::Old).app.clone();
    let limit = run.options.health_limit;
    // An uninstall that failed at its first line has stopped nothing.
    if uninstall == StepState::Started
        && old.has(HookName::Health)
        && run.hook_within(plan, Side::Old, HookName::Health, Some(PROBE_LIMIT)).is_ok()
    {
        undone.running.push(old.id);
        return Ok(());
    }
    let mut healthy = Ok(());
    let mut result = run.hook(plan, Side::Old, HookName::Install);
    if let Err(error) = result {
        unless_for_later(error)?;
        let _ = run.hook(plan, Side::Old, HookName::Uninstall);
        result = run.hook(plan, Side::Old, HookName::Install);
    }
    if result.is_ok() && old.has(HookName::Health) {
        healthy = run.health(plan, Side::Old, limit).map(drop);
    }
    let failure = match result.map_err(Failure::from).and(healthy) {
        Ok(()) => {
            undone.running.push(old.id);
            return Ok(());
        }
        Err(Failure::Other(error)) => unless_for_later(*error)?.into(),
        Err(unhealthy) => unhealthy,
    };
    undone.fault(run, plan, format!("{} does not run: {failure}", old.id));
    Ok(())
}
