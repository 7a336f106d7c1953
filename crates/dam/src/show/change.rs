//! A change that was made, or need not be.

use std::cmp::Ordering;

use dam_core::app::AppId;
use dam_core::ledger::OperationKind;
use dam_core::plan::Applied;
use dam_core::version_order;
use serde::Serialize;

use super::{Show, Words};
use crate::ui::style::GOOD;

impl Show for Applied {
    fn words(&self, words: &mut Words) {
        let healthy = self.healthy_after.map(|seconds| format!("  (healthy after {seconds:.1} s)")).unwrap_or_default();
        let version = |app: &Option<AppId>| app.as_ref().map(|app| app.version.to_string()).unwrap_or_default();
        let (old, new) = (version(&self.old), version(&self.new));
        let app = self.new.as_ref().or(self.old.as_ref());
        let name = app.map(|app| app.name.to_string()).unwrap_or_default();
        let (done, what) = match self.kind {
            OperationKind::Install => ("Installed", format!("{name} {new}")),
            OperationKind::Upgrade => match self.direction() {
                Some(Ordering::Less) => ("Downgraded", format!("{name} {old} → {new}")),
                Some(Ordering::Equal) => ("Reinstalled", format!("{name} {new}")),
                _ => ("Upgraded", format!("{name} {old} → {new}")),
            },
            OperationKind::Rollback => ("Rolled back", format!("{name} {old} → {new}")),
            OperationKind::Remove => ("Removed", format!("{name} {old}")),
            OperationKind::Migrate | OperationKind::Import => ("Took over", format!("{name} {new}")),
        };
        words.line(format_args!("{GOOD}{done}{GOOD:#} {what}{healthy}"));
    }
}

trait Direction {
    /// Tells how the new version stands to the old one.
    fn direction(&self) -> Option<Ordering>;
}

impl Direction for Applied {
    fn direction(&self) -> Option<Ordering> {
        Some(version_order::compare(&self.new.as_ref()?.version, &self.old.as_ref()?.version))
    }
}

/// Nothing had to be done.
#[derive(Debug, Serialize)]
pub(crate) struct Unchanged {
    /// The app that is as it was asked for.
    #[serde(rename = "unchanged")]
    pub(crate) app: AppId,
}

impl Show for Unchanged {
    fn words(&self, words: &mut Words) {
        words.line(format_args!("{} {} is already installed", self.app.name, self.app.version));
    }
}
