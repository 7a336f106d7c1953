//! What must not be thrown away.

use std::collections::BTreeSet;

use dam_oci::Digest;

use super::{Ledger, row};
use crate::Result;
use crate::app::AppId;
use crate::store::ImageId;

row::states! {
    /// Why an image is needed.
    Reason {
        /// An app of it is installed.
        Installed = "installed",
        /// `rollback` goes back to it.
        Previous = "previous",
        /// An operation that has not ended needs it.
        Pending = "pending",
    }
}

/// Every release that is needed, and why.
const IN_USE: &str = "
    SELECT release.name, release.version, release.image, release.meta, 'installed' AS reason
    FROM installed JOIN release ON release.id = installed.release
    UNION
    SELECT release.name, release.version, release.image, release.meta, 'previous'
    FROM installed JOIN release ON release.id = installed.previous
    UNION
    SELECT release.name, release.version, release.image, release.meta, 'pending'
    FROM operation JOIN release ON release.id IN (operation.old, operation.new)
    WHERE operation.state = 'pending'
    UNION
    SELECT release.name, release.version, release.image, release.meta, 'pending'
    FROM operation JOIN part ON part.operation = operation.id JOIN release ON release.id IN (part.old, part.new)
    WHERE operation.state = 'pending'";

impl Ledger {
    /// Returns the kept copies of `/meta` that are needed.
    pub fn metas_in_use(&self) -> Result<BTreeSet<Digest>> {
        self.read(|connection| {
            connection.prepare_cached(IN_USE)?.query_map([], |row| row::word(row, "meta"))?.collect()
        })
    }

    /// Returns the images that are needed, why, and for which app. An image may be there several times.
    pub fn images_in_use(&self) -> Result<Vec<(ImageId, Reason, AppId)>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{IN_USE} ORDER BY 1, 2, 3, 5"))?;
            statement
                .query_map([], |row| {
                    let app = AppId { name: row::word(row, "name")?, version: row::word(row, "version")? };
                    Ok((ImageId(row::word(row, "image")?), row.get("reason")?, app))
                })?
                .collect()
        })
    }
}
