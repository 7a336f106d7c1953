//! `dam install`.

use dam_oci::Image;

use super::{Candidate, Search, Target};
use crate::Result;
use crate::event::Reporter;
use crate::host::Host;
use crate::plan::{self, Applied, Options, Plan};
use crate::repo::Inquiry;

/// A plan and what it needs to be carried out.
pub struct Prepared {
    /// The change.
    pub plan: Plan,
    /// The image it loads, if it loads one.
    image: Option<Box<dyn Image>>,
}

impl Prepared {
    /// Joins a plan with the image it loads.
    pub(super) fn new(plan: Plan, image: Option<Box<dyn Image>>) -> Self {
        Self { plan, image }
    }

    /// Carries the plan out.
    pub fn apply(self, host: &mut Host, options: &Options, reporter: &dyn Reporter) -> Result<Applied> {
        plan::apply(host, self.plan, self.image.as_deref(), options, reporter)
    }
}

/// Plans the installation of what `target` names. What is in a registry is brought into the store before, without a tag.
///
/// # Errors
/// Those of [`Candidate::find`] and of the rules.
pub fn prepare(host: &Host, target: &Target, inquiry: &Inquiry, reporter: &dyn Reporter) -> Result<Prepared> {
    let scratch = host.scratch()?;
    let search = Search { store: &*host.store, keep: &host.keep, scratch: scratch.path(), cancel: &host.cancel };
    let candidate = Candidate::find_to_run(search, target, inquiry, reporter)?;
    let load = candidate.image.is_some();
    let mut plan = plan::install(&host.ledger.installed()?, candidate.release, candidate.source, load)?;
    plan.leave_out_tags(|reference| host.store.holder(reference))?;
    Ok(Prepared::new(plan, candidate.image))
}
