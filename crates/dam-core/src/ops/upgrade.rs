//! `dam upgrade`.

use super::install::Prepared;
use super::{Candidate, Search, Target};
use crate::Result;
use crate::app::Version;
use crate::event::Reporter;
use crate::host::Host;
use crate::plan::{self, Downgrade};
use crate::repo::Inquiry;

/// Plans the upgrade of an installed app to what `target` names; `replace` says which version goes, where several are
/// installed. What is in a registry is brought into the store before, without a tag.
///
/// # Errors
/// Those of [`Candidate::find`] and of the rules.
pub fn prepare(
    host: &Host,
    target: &Target,
    inquiry: &Inquiry,
    replace: Option<&Version>,
    downgrade: Downgrade,
    reporter: &dyn Reporter,
) -> Result<Prepared> {
    let scratch = host.scratch()?;
    let search = Search { store: &*host.store, keep: &host.keep, scratch: scratch.path(), cancel: &host.cancel };
    let candidate = Candidate::find_to_run(search, target, inquiry, reporter)?;
    let load = candidate.image.is_some();
    let installed = host.ledger.installed()?;
    let mut plan = plan::upgrade(&installed, candidate.release, candidate.source, load, replace, downgrade)?;
    host.require_store_of(plan.release(plan::Side::Old))?;
    plan.leave_out_tags(|reference| host.store.holder(reference))?;
    Ok(Prepared::new(plan, candidate.image))
}
