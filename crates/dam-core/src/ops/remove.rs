//! `dam remove`.

use super::install::Prepared;
use crate::Result;
use crate::host::Host;
use crate::plan;

/// Plans the removal of the installed app that `name[:version]` means; `keep_image` leaves its image in the store.
pub fn prepare(host: &Host, name: &str, keep_image: bool) -> Result<Prepared> {
    let installed = host.ledger.installed()?;
    let current = plan::find(&installed, name)?;
    Ok(Prepared::new(plan::remove(current, !keep_image), None))
}
