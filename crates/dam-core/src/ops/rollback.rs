//! `dam rollback`.

use super::install::Prepared;
use crate::host::Host;
use crate::plan;
use crate::{Error, Result};

/// Plans the return of the installed app that `name[:version]` means to the version it replaced, from what is on this machine.
pub fn prepare(host: &Host, name: &str) -> Result<Prepared> {
    let installed = host.ledger.installed()?;
    let current = plan::find(&installed, name)?;
    let mut plan = plan::rollback(&installed, current)?;
    host.require_store_of(&current.release)?;
    host.require_store_of(plan.release(plan::Side::New))?;
    let image = plan.release(plan::Side::New).image;
    if host.store.find_id(image)?.is_none() {
        return Err(Error::NoImage(image));
    }
    plan.leave_out_tags(|reference| host.store.holder(reference))?;
    Ok(Prepared::new(plan, None))
}
