//! `dam remove`.

use super::install::Prepared;
use crate::Result;
use crate::host::Host;
use crate::plan;

/// Plans the removal of the installed app that `name[:version]` means; `keep_image` leaves its image in the store,
/// whichever that is.
pub fn prepare(host: &Host, name: &str, keep_image: bool) -> Result<Prepared> {
    let installed = host.ledger.installed()?;
    let current = plan::find(&installed, name)?;
    if !keep_image {
        host.require_store_of(&current.release)?;
    }
    Ok(Prepared::new(plan::remove(current, !keep_image), None))
}
