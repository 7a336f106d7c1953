//! Carrying a plan out, or several as one.

use std::collections::BTreeSet;
use std::time::Duration;

use dam_oci::Image;
use serde::Serialize;

use super::effect::Before;
use super::transaction::{Place, Transaction};
use super::{Aftermath, Failure, Plan, Product, Step, undo};
use crate::app::AppId;
use crate::event::{Event, Reporter, Warning};
use crate::host::Host;
use crate::ledger::{OperationId, OperationKind, StepState};
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
    plan: Plan,
    image: Option<&dyn Image>,
    options: &Options,
    reporter: &dyn Reporter,
) -> Result<Applied> {
    let arrivals = Arrivals { images: &[image], arrived: None };
    let mut applied = begin(host, Transaction::One(Box::new(plan)), arrivals, options, reporter)?;
    Ok(applied.remove(0))
}

/// What several plans load.
#[derive(Default)]
pub struct Arrivals<'a> {
    /// The new images, one for each plan that loads one.
    pub images: &'a [Option<&'a dyn Image>],
    /// Called when all of them are in the store, before anything else: its failure undoes the loads.
    pub arrived: Option<Box<dyn FnOnce() -> Result<()> + 'a>>,
}

/// Carries out several plans as one operation: all of them, or none.
///
/// Before anything that runs is touched, every image is in the store. What cuts the operation off until then (a stick that
/// is pulled out, Ctrl-C, an engine that goes away) is [`Error::Paused`]: the operation stays open, and [`super::resume`] goes on
/// with it. Any other failure undoes all steps, in reverse; see [`super::OnFailure`].
pub fn apply_product(
    host: &mut Host,
    product: Product,
    arrivals: Arrivals,
    options: &Options,
    reporter: &dyn Reporter,
) -> Result<Vec<Applied>> {
    begin(host, Transaction::Product(product), arrivals, options, reporter)
}

fn begin(
    host: &mut Host,
    mut transaction: Transaction,
    arrivals: Arrivals,
    options: &Options,
    reporter: &dyn Reporter,
) -> Result<Vec<Applied>> {
    let kind = host.store.describe().kind;
    for plan in transaction.plans_mut() {
        plan.store = Some(kind.to_owned());
        if let Some(new) = &mut plan.new {
            new.store.clone_from(&plan.store);
        }
    }
    let operation = transaction.begin(host)?;
    fault::point("operation begun");
    Run::new(host, operation, transaction, arrivals, options, reporter).carry_out()
}

/// An operation on its way.
pub(super) struct Run<'a> {
    pub(super) host: &'a mut Host,
    pub(super) operation: OperationId,
    pub(super) transaction: Transaction,
    /// The images; none of them where a killed dam's operation is finished or undone.
    arrivals: Arrivals<'a>,
    pub(super) options: &'a Options,
    pub(super) reporter: &'a dyn Reporter,
    /// For each plan, how long its app took to become healthy.
    pub(super) healthy_after: Vec<Option<Duration>>,
    /// The images it has loaded that were not there before.
    pub(super) brought: BTreeSet<ImageId>,
    /// Whether it is being undone.
    pub(super) undoing: bool,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        host: &'a mut Host,
        operation: OperationId,
        transaction: Transaction,
        arrivals: Arrivals<'a>,
        options: &'a Options,
        reporter: &'a dyn Reporter,
    ) -> Self {
        let healthy_after = vec![None; transaction.plans().len()];
        Self {
            host,
            operation,
            transaction,
            arrivals,
            options,
            reporter,
            healthy_after,
            brought: BTreeSet::new(),
            undoing: false,
        }
    }

    pub(super) fn plan(&self, plan: usize) -> &Plan {
        &self.transaction.plans()[plan]
    }

    pub(super) fn image(&self, plan: usize) -> Option<&'a dyn Image> {
        self.arrivals.images.get(plan).copied().flatten()
    }

    /// Carries out what is not done yet, and undoes it where that fails.
    pub(super) fn carry_out(mut self) -> Result<Vec<Applied>> {
        match self.forward() {
            Ok(()) => {
                let title = self.transaction.to_string();
                let unrecorded =
                    |error: Error| Failed { title, failure: error.into(), aftermath: Aftermath::Unrecorded };
                self.finish().map_err(|error| Error::Failed(Box::new(unrecorded(error))))
            }
            Err((failure, _)) if self.pauses(&failure)? => {
                Err(Error::Paused(Box::new(Paused { title: self.transaction.to_string(), failure })))
            }
            Err((failure, at)) => Err(undo::after_failure(self, failure, at)),
        }
    }

    /// Carries out the steps that are not done yet; a failure comes with its place, if it was in a step.
    fn forward(&mut self) -> Result<(), (Failure, Option<Place>)> {
        let journal = self.host.ledger.pending().map_err(|error| (error.into(), None))?;
        let journal = journal.map(|pending| pending.steps).unwrap_or_default();
        for (index, place) in self.transaction.order().into_iter().enumerate() {
            if !self.transaction.step(place).is_load()
                && let Some(arrived) = self.arrivals.arrived.take()
            {
                arrived().map_err(|error| (error.into(), None))?;
                if !journal.is_empty() {
                    self.forget_cut_off_parts();
                }
            }
            let earlier = journal.iter().find(|step| step.index == index);
            let note = earlier.map(|step| step.note.clone());
            // An image that is handed in once more has arrived, and was removed since.
            let again = self.transaction.step(place).is_load() && self.image(place.plan).is_some();
            if !again && earlier.is_some_and(|step| step.state == StepState::Done) {
                let before = self.recall(place, note.as_ref());
                self.note_arrival(&before).map_err(|error| (error.into(), Some(place)))?;
                continue;
            }
            self.take_step(index, place, note).map_err(|failure| (failure, Some(place)))?;
        }
        Ok(())
    }

    /// Removes what the loads left that an earlier dam was cut off in: this one has loaded the same anew. Where it stays, it
    /// only takes space, and `purge` finds it.
    fn forget_cut_off_parts(&self) {
        if let Err(error) = self.host.store.forget_parts() {
            let what = format!("the store keeps what a load left that was cut off: {error}");
            self.reporter.event(Event::Warning(Warning::Leftover { what: &what }));
        }
    }

    /// Carries out one step. `note` is the one of an earlier try that was cut off: what was there before that is what
    /// undoing must bring back.
    fn take_step(&mut self, index: usize, place: Place, note: Option<serde_json::Value>) -> Result<(), Failure> {
        let step = self.transaction.step(place).clone();
        self.host.cancel.check()?;
        let before = match note {
            Some(note) => serde_json::from_value(note).unwrap_or_default(),
            None => self.before(place.plan, &step)?,
        };
        self.host.ledger.step_started(self.operation, index, &to_note(&before))?;
        fault::point("step started");
        match self.effect(place.plan, &step) {
            Err(failure) => {
                // A hook that was never started has touched nothing, so there is nothing to undo of it: an undo would
                // start hooks, and call an app broken that runs as before where they cannot be started either.
                if matches!(step, Step::Run { .. }) && failure.came_before_the_hook() {
                    self.host.ledger.step_undone(self.operation, index)?;
                }
                return Err(failure);
            }
            Ok(()) if step.is_load() && self.transaction.is_product() => {
                // A later try, which does not load it again, must know what the store calls it.
                let loaded = self.plan(place.plan).new.as_ref().map(|new| new.image);
                let before = Before { loaded, ..before };
                self.note_arrival(&before)?;
                self.host.ledger.step_started(self.operation, index, &to_note(&before))?;
            }
            Ok(()) => {}
        }
        fault::point("step took effect");
        Ok(self.host.ledger.step_done(self.operation, index)?)
    }

    /// Tells whether the operation stays open after `failure`: it was cut off while images arrived.
    fn pauses(&mut self, failure: &Failure) -> Result<bool> {
        if !self.transaction.is_product() || !failure.is_cut() {
            return Ok(false);
        }
        only_loads(&self.transaction, self.host)
    }
}

/// Tells whether nothing but loads was begun of the pending operation.
pub(super) fn only_loads(transaction: &Transaction, host: &mut Host) -> Result<bool> {
    let Some(pending) = host.ledger.pending()? else { return Ok(false) };
    let order = transaction.order();
    Ok(pending.steps.iter().all(|step| order.get(step.index).is_some_and(|place| transaction.step(*place).is_load())))
}

fn to_note(before: &Before) -> serde_json::Value {
    serde_json::to_value(before).expect("notes have only string keys")
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

/// A change of several apps that was cut off while their images arrived. Nothing that runs was touched; what arrived is
/// kept.
#[derive(Debug, thiserror::Error)]
#[error("{failure}")]
pub struct Paused {
    /// The change, such as `import of 3 apps`.
    pub title: String,
    /// What cut it off.
    #[source]
    pub failure: Failure,
}
