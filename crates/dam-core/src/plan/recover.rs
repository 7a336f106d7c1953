//! Finishing or undoing what a killed dam left.

use dam_oci::Digest;
use serde::Serialize;

use super::apply::{Run, only_loads};
use super::effect::loaded;
use super::transaction::Transaction;
use super::{Aftermath, Applied, Arrivals, OnFailure, Options, Product, undo};
use crate::event::{Event, Reporter};
use crate::host::Host;
use crate::ledger::{OperationId, Pending, StepState};
use crate::{Error, Result};

/// An operation that was found cut off.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recovered {
    /// The change, such as `upgrade of shop 1.0 to 2.0`.
    pub title: String,
    /// Whether it was finished; else it was undone.
    pub finished: bool,
    /// What could not be undone, one sentence each.
    pub faults: Vec<String>,
}

/// Looks for an operation that was cut off, and finishes it if only its recording was missing, else undoes it. The
/// caller holds the machine's lock, so that nobody is still working on it.
///
/// # Errors
/// [`Error::BegunInOtherStore`] where it was begun with a store of another kind: there its tags and images are, and
/// nothing of it can be undone here. It stays pending.
pub fn recover(host: &mut Host, options: &Options, reporter: &dyn Reporter) -> Result<Option<Recovered>> {
    let Some((pending, transaction)) = read(host)? else { return Ok(None) };
    let finish = is_complete(&transaction, &pending);
    let title = transaction.to_string();
    require_its_store(host, &transaction)?;
    reporter.event(Event::Recovering { what: &title, finish });
    let mut run = Run::new(host, pending.id, transaction, Arrivals::default(), options, reporter);
    let order = run.transaction.order();
    for step in &pending.steps {
        run.recall(order[step.index], Some(&step.note));
    }
    if finish {
        run.finish()?;
        return Ok(Some(Recovered { title, finished: true, faults: Vec::new() }));
    }
    let first = match run.transaction.on_failure() {
        OnFailure::Rollback => 0,
        OnFailure::Stop => finished_plans(&run.transaction, &pending),
    };
    let faults = match undo::undo(&mut run, "dam was cut off", first)? {
        Aftermath::Broken { faults } | Aftermath::Stopped { faults, .. } => faults,
        _ => Vec::new(),
    };
    Ok(Some(Recovered { title, finished: false, faults }))
}

/// A change of several apps that was cut off while their images arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Resumable {
    operation: OperationId,
    /// The change, as it was planned.
    pub product: Product,
    /// For each app that changes, whether its image has arrived, and is still there.
    pub arrived: Vec<bool>,
}

/// Looks for an operation that was cut off while its images arrived and that has this `wish`; none otherwise, and where the
/// store is another one.
pub fn resumable(host: &mut Host, wish: &Digest) -> Result<Option<Resumable>> {
    let Some((pending, transaction)) = read(host)? else { return Ok(None) };
    if require_its_store(host, &transaction).is_err() || !only_loads(&transaction, host)? {
        return Ok(None);
    }
    let order = transaction.order();
    let mut arrived = vec![false; transaction.plans().len()];
    for step in pending.steps.iter().filter(|step| step.state == StepState::Done) {
        // It has no tag yet: `docker image prune` takes it.
        let is_there = |image| matches!(host.store.find_id(image), Ok(Some(_)));
        arrived[order[step.index].plan] = loaded(&step.note).is_none_or(is_there);
    }
    match transaction {
        Transaction::Product(product) if product.wish == *wish => {
            Ok(Some(Resumable { operation: pending.id, product, arrived }))
        }
        _ => Ok(None),
    }
}

/// Tells whether an operation is pending of which nothing but loads was begun: what is installed and what runs is as before
/// it.
pub fn is_paused(host: &mut Host) -> Result<bool> {
    match read(host)? {
        Some((_, transaction)) => Ok(transaction.is_product() && only_loads(&transaction, host)?),
        None => Ok(false),
    }
}

/// Goes on with a change that was cut off. Of `arrivals`, the images that have arrived are not needed.
pub fn resume(
    host: &mut Host,
    resumable: Resumable,
    arrivals: Arrivals,
    options: &Options,
    reporter: &dyn Reporter,
) -> Result<Vec<Applied>> {
    let Resumable { operation, product, .. } = resumable;
    Run::new(host, operation, Transaction::Product(product), arrivals, options, reporter).carry_out()
}

/// Reads the operation that has not ended.
fn read(host: &mut Host) -> Result<Option<(Pending, Transaction)>> {
    let Some(pending) = host.ledger.pending()? else { return Ok(None) };
    let transaction = serde_json::from_value(pending.plan.clone())
        .map_err(|source| Error::UnreadablePlan { operation: pending.id, source })?;
    Ok(Some((pending, transaction)))
}

fn require_its_store(host: &Host, transaction: &Transaction) -> Result<()> {
    let now = host.store.describe().kind;
    match transaction.store() {
        Some(was) if was != now => {
            let (title, was, now) = (transaction.to_string(), was.to_owned(), now.to_owned());
            Err(Error::BegunInOtherStore { title, was, now })
        }
        _ => Ok(()),
    }
}

/// Returns how many plans, from the first on, were carried out to their end and are not undone.
fn finished_plans(transaction: &Transaction, pending: &Pending) -> usize {
    let is_done = |index| pending.steps.iter().any(|step| step.index == index && step.state == StepState::Done);
    let order = transaction.order();
    match order.iter().enumerate().find(|(index, _)| !is_done(*index)) {
        Some((_, place)) if transaction.changes_what_runs(*place) => place.plan,
        // Not even everything has arrived.
        Some(_) => 0,
        None => transaction.plans().len(),
    }
}

/// Tells whether every step was done and none is undone yet.
fn is_complete(transaction: &Transaction, pending: &Pending) -> bool {
    pending.steps.len() == transaction.order().len() && pending.steps.iter().all(|step| step.state == StepState::Done)
}
