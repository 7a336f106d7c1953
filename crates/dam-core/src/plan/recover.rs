//! Finishing or undoing what a killed dam left.

use serde::Serialize;

use super::apply::Run;
use super::{Aftermath, Options, Plan, Step, undo};
use crate::event::{Event, Reporter};
use crate::host::Host;
use crate::ledger::{Pending, StepState};
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
    let Some(pending) = host.ledger.pending()? else { return Ok(None) };
    let plan: Plan = serde_json::from_value(pending.plan.clone())
        .map_err(|source| Error::UnreadablePlan { operation: pending.id, source })?;
    let finish = is_complete(&plan, &pending);
    let title = plan.title();
    let now = host.store.describe().kind;
    if let Some(was) = plan.store.clone().filter(|was| was != now) {
        return Err(Error::BegunInOtherStore { title, was, now: now.to_owned() });
    }
    reporter.event(Event::Recovering { what: &title, finish });
    let mut run = Run { operation: pending.id, plan, image: None, options, reporter, healthy_after: None, host };
    if finish {
        run.finish()?;
        return Ok(Some(Recovered { title, finished: true, faults: Vec::new() }));
    }
    let faults = match undo::undo(&mut run, "dam was cut off")? {
        Aftermath::Broken { faults } => faults,
        Aftermath::Untouched | Aftermath::AsBefore { .. } => Vec::new(),
    };
    Ok(Some(Recovered { title, finished: false, faults }))
}

/// Tells whether every step was done and none is undone yet.
fn is_complete(plan: &Plan, pending: &Pending) -> bool {
    let wanted = plan.steps.iter().filter(|step| !Step::is_cleanup(step)).count();
    pending.steps.len() == wanted && pending.steps.iter().all(|step| step.state == StepState::Done)
}
