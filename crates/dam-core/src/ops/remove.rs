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
    // The image of two apps, or one that another app would go back to, stays.
    let image = current.release.image;
    let others = installed.iter().filter(|one| one.release.app.id != current.release.app.id);
    let needed =
        others.flat_map(|one| std::iter::once(&one.release).chain(&one.previous)).any(|one| one.image == image);
    Ok(Prepared::new(plan::remove(current, !keep_image && !needed), None))
}
