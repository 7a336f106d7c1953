//! Takes over what DAM 1.x installed: its rows become rows of the ledger, and no hook runs.
//!
//! The files of DAM 1.x are only read. A row is taken over once: what a later command removes does not come back when
//! `migrate` runs again.

mod outcome;
mod repos;
mod take;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

pub use outcome::{FoundBy, Left, LeftReason, MigrateOutcome, MigratePlan, Taken, TakenLogin};

use crate::app::AppId;
use crate::ledger::{AppState, Change, Installed, Ledger, OperationKind, Source, Timestamp};
use crate::legacy::Database;
use crate::meta::Keep;
use crate::store::Store;
use crate::{Cancel, Result};

/// What [`apply`] works with. The caller holds the lock of the root.
pub struct Parts<'a> {
    /// The ledger.
    pub ledger: &'a mut Ledger,
    /// The store that DAM 1.x used: a Docker daemon.
    pub store: &'a dyn Store,
    /// Where the copies of `/meta` are kept.
    pub keep: &'a Keep,
    /// Looked at between apps; what is taken by then stays taken.
    pub cancel: &'a Cancel,
    /// The current moment.
    pub now: Timestamp,
}

/// Compares the old database with the ledger.
pub fn plan(legacy: &Database, ledger: &Ledger) -> Result<MigratePlan> {
    let migrated = ledger.migrated()?;
    let installed: BTreeSet<AppId> = ledger.list()?.into_iter().map(|listed| listed.id).collect();
    let repos::Sorted { repos, logins, left } = repos::sort(&legacy.repos, &ledger.repos()?);
    let mut plan = MigratePlan {
        folder: legacy.folder.clone(),
        take: Vec::new(),
        done: Vec::new(),
        present: Vec::new(),
        repeated: Vec::new(),
        repos,
        logins,
        repos_left: left,
        faults: legacy.faults.clone(),
    };
    let last: BTreeMap<AppId, u32> = legacy.apps.iter().map(|app| (take::id(app), app.id)).collect();
    for app in &legacy.apps {
        let id = take::id(app);
        if last[&id] != app.id {
            plan.repeated.push(id);
        } else if migrated.contains(&id) {
            plan.done.push(id);
        } else if installed.contains(&id) {
            plan.present.push(id);
        } else {
            plan.take.push(app.clone());
        }
    }
    Ok(plan)
}

/// Takes the apps over, each in a transaction of its own. Apps that cannot be taken over are told in the outcome.
///
/// # Errors
/// Those of the store, the ledger and the kept copies; [`crate::Error::Cancelled`]. What was taken over before stays, and
/// the next run goes on.
pub fn apply(plan: MigratePlan, parts: Parts) -> Result<MigrateOutcome> {
    if plan.changes_repos() {
        parts.ledger.change_repos(|repos| Ok(repos::taken_over(repos, &plan)))?;
    }
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    let images = if plan.take.is_empty() { Vec::new() } else { parts.store.list()? };
    let mut others = parts.ledger.list()?;
    // What DAM 1.x let stand side by side does stand side by side.
    others.retain(|listed| listed.source != Source::Migrated);
    for legacy in &plan.take {
        parts.cancel.check()?;
        match take::take(legacy, &images, &others, &parts)? {
            Ok((release, found_by)) => {
                let app = Taken { app: release.app.id.clone(), image: release.image, found_by };
                let note = json!({ "folder": plan.folder, "number": legacy.id, "found_by": found_by });
                let installed = Installed {
                    release,
                    source: Source::Migrated,
                    installed_at: parts.now,
                    state: AppState::Ok,
                    previous: None,
                };
                let change = Change::Put { installed: Box::new(installed), replacing: None };
                parts.ledger.record(OperationKind::Migrate, &change, &note, parts.now)?;
                taken.push(app);
            }
            Err(reason) => left.push(Left { app: take::id(legacy), reason }),
        }
    }
    Ok(MigrateOutcome { plan, taken, left })
}
