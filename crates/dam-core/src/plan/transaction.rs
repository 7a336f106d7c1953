//! Several changes that happen together or not at all.

use std::fmt;

use dam_oci::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Plan, Step};
use crate::Result;
use crate::app::HookName;
use crate::host::Host;
use crate::ledger::{OperationId, Part, Source, Timestamp};

/// What is done with the apps that are changed already when a later one fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// They are put back: all or nothing.
    #[default]
    Rollback,
    /// They stay as they are now; only the one that failed is put back.
    Stop,
}

/// Changes of several apps as one. First everything arrives (images, then tags and preflights), then app by app what runs
/// is changed, in the order of the plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Where the product comes from.
    pub source: Source,
    /// The apps that change, in the order they do.
    pub plans: Vec<Plan>,
    /// What is done when one of them fails.
    pub on_failure: OnFailure,
    /// What the same wish has again: an import that was cut off while images arrived goes on when it meets this.
    pub wish: Digest,
}

/// What an operation carries out: the change of one app, or of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Transaction {
    Product(Product),
    One(Box<Plan>),
}

/// Where a step stands: in which plan, and where in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) plan: usize,
    pub(super) step: usize,
}

impl Product {
    /// Notes that the rest is read from elsewhere: a stick that was pulled out may be mounted under another name by now.
    pub(crate) fn read_from(&mut self, source: &Source) {
        let was = std::mem::replace(&mut self.source, source.clone());
        let moved = self.plans.iter_mut().filter(|plan| plan.new.is_some() && plan.source == was);
        moved.for_each(|plan| plan.source.clone_from(source));
    }

    /// Says the change in words, such as `import of 3 apps`.
    pub fn title(&self) -> String {
        match self.plans.len() {
            1 => "import of 1 app".to_owned(),
            several => format!("import of {several} apps"),
        }
    }
}

impl Transaction {
    pub(super) fn is_product(&self) -> bool {
        matches!(self, Self::Product(_))
    }

    pub(super) fn plans(&self) -> &[Plan] {
        match self {
            Self::Product(product) => &product.plans,
            Self::One(plan) => std::slice::from_ref(&**plan),
        }
    }

    pub(super) fn plans_mut(&mut self) -> &mut [Plan] {
        match self {
            Self::Product(product) => &mut product.plans,
            Self::One(plan) => std::slice::from_mut(&mut **plan),
        }
    }

    /// Returns the steps in the order they are carried out, but for those that come after the change is recorded. The
    /// place of a step in it is its number in the journal.
    pub(super) fn order(&self) -> Vec<Place> {
        let places: Vec<(Place, u8)> = self
            .plans()
            .iter()
            .enumerate()
            .flat_map(|(plan, changes)| {
                changes.steps.iter().enumerate().map(move |(step, what)| (Place { plan, step }, phase(what)))
            })
            .filter(|(place, _)| !self.plans()[place.plan].steps[place.step].is_cleanup())
            .collect();
        let of = |wanted: u8| places.iter().filter(move |(_, phase)| *phase == wanted).map(|(place, _)| *place);
        of(0).chain(of(1)).chain(of(2)).collect()
    }

    pub(super) fn step(&self, place: Place) -> &Step {
        &self.plans()[place.plan].steps[place.step]
    }

    /// Tells whether a step is one of those that change what runs.
    pub(super) fn changes_what_runs(&self, place: Place) -> bool {
        phase(self.step(place)) == 2
    }

    /// Opens the operation in the ledger.
    pub(super) fn begin(&self, host: &mut Host) -> Result<OperationId> {
        let journal = self.journal();
        match self {
            Self::Product(product) => {
                let part = |plan| {
                    let Plan { kind, old, new, source, .. }: &Plan = plan;
                    Part { kind: *kind, old: old.as_ref(), new: new.as_ref(), source }
                };
                let parts: Vec<Part> = product.plans.iter().map(part).collect();
                host.ledger.begin_import(&product.source, &parts, &journal, Timestamp::now())
            }
            Self::One(plan) => {
                let (old, new) = (plan.old.as_ref(), plan.new.as_ref());
                host.ledger.begin(plan.kind, old, new, Some(&plan.source), &journal, Timestamp::now())
            }
        }
    }

    fn journal(&self) -> Value {
        serde_json::to_value(self).expect("a plan has only string keys")
    }

    /// Returns what is done with finished apps when one fails.
    pub(super) fn on_failure(&self) -> OnFailure {
        match self {
            Self::Product(product) => product.on_failure,
            Self::One(_) => OnFailure::Rollback,
        }
    }

    /// Returns the kind of the store it was begun with, if that is known.
    pub(super) fn store(&self) -> Option<&str> {
        self.plans().iter().find_map(|plan| plan.store.as_deref())
    }
}

impl fmt::Display for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Product(product) => f.pad(&product.title()),
            Self::One(plan) => f.pad(&plan.title()),
        }
    }
}

/// Everything arrives before anything that runs is touched.
fn phase(step: &Step) -> u8 {
    match step {
        Step::Load { .. } => 0,
        Step::Tag { .. } | Step::Run { hook: HookName::Check, .. } => 1,
        Step::Run { .. } | Step::Drop => 2,
    }
}
