//! What an import would do, and what it did.

use std::cmp::Ordering;
use std::path::PathBuf;

use serde::Serialize;

use crate::app::{AppId, AppName, Version};
use crate::compare::FileChange;
use crate::ledger::{OperationId, Source};
use crate::plan::{Applied, Plan};
use crate::version_order;

/// What an import would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportPlan {
    /// Where the product comes from, as it was given.
    pub source: String,
    /// The apps: those of the product in its order, then those that go.
    pub apps: Vec<PlannedApp>,
    /// The scripts and configs that are other ones in the new versions.
    pub hooks: Vec<HookChanges>,
    /// The space it takes; none where what is free cannot be known from here.
    pub space: Option<Space>,
    /// Whether it goes on with an import that was cut off.
    pub goes_on: bool,
}

/// What would be done with one app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedApp {
    /// What is done.
    pub action: Action,
    /// Its name.
    pub name: AppName,
    /// The version that is installed.
    pub old: Option<Version>,
    /// The version that will be.
    pub new: Option<Version>,
    /// The app in whose place it comes, where that has another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Source>,
    /// Bytes of layers that are sent to the store.
    pub send: u64,
    /// Bytes of all its unpacked layers.
    pub size: u64,
}

/// What is done with an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is not there yet.
    Install,
    /// A newer version takes the place of the installed one.
    Upgrade,
    /// An older version does.
    Downgrade,
    /// The same version does: another image of it, because it was asked for, or because it is broken.
    Reinstall,
    /// It is there, exactly so.
    Keep,
    /// It is not in the product.
    Remove,
}

impl Action {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::Reinstall => "reinstall",
            Self::Keep => "keep",
            Self::Remove => "remove",
        }
    }
}

/// How the scripts and configs of an app change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookChanges {
    /// The app as it will be.
    pub app: AppId,
    /// Its files that change.
    pub changes: Vec<FileChange>,
}

/// The space an import takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Space {
    /// Bytes it needs at the most, what only passes included.
    pub needed: u64,
    /// Bytes that are free.
    pub free: u64,
    /// Where.
    pub place: PathBuf,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Imported {
    /// Where the product came from, as it was given.
    pub source: String,
    /// The operation in the ledger; none if there was nothing to do.
    pub operation: Option<OperationId>,
    /// The apps that were changed, in their order.
    pub apps: Vec<Applied>,
    /// The number of apps that were there already, exactly so.
    pub kept: usize,
}

impl ImportPlan {
    /// Returns the number of apps to which this is done.
    pub fn count(&self, action: Action) -> usize {
        self.apps.iter().filter(|app| app.action == action).count()
    }

    /// Tells whether nothing has to be done.
    pub fn is_empty(&self) -> bool {
        self.count(Action::Keep) == self.apps.len()
    }

    /// Returns the bytes that are sent to the store.
    pub fn send(&self) -> u64 {
        // Lengths that a bundle claims.
        self.apps.iter().map(|app| app.send).fold(0, u64::saturating_add)
    }
}

impl PlannedApp {
    pub(super) fn of(plan: &Plan, send: u64) -> Self {
        let (old, new) = (plan.old.as_ref(), plan.new.as_ref());
        let version = |id: &AppId| id.version.clone();
        let order = old.zip(new).map(|(old, new)| version_order::compare(&new.app.id.version, &old.app.id.version));
        let action = match order {
            None if new.is_some() => Action::Install,
            None => Action::Remove,
            Some(Ordering::Greater) => Action::Upgrade,
            Some(Ordering::Less) => Action::Downgrade,
            Some(Ordering::Equal) => Action::Reinstall,
        };
        Self {
            action,
            name: plan.app().id.name.clone(),
            old: old.map(|old| version(&old.app.id)),
            new: new.map(|new| version(&new.app.id)),
            from: new.map(|_| plan.source.clone()),
            send,
            size: new.map_or(0, |new| new.size),
        }
    }

    pub(super) fn kept(app: AppId) -> Self {
        let AppId { name, version } = app;
        let (old, new) = (Some(version.clone()), Some(version));
        Self { action: Action::Keep, name, old, new, from: None, send: 0, size: 0 }
    }
}

impl Imported {
    pub(super) fn new(plan: ImportPlan, apps: Vec<Applied>) -> Self {
        let operation = apps.first().map(|one| one.operation);
        let kept = plan.count(Action::Keep);
        Self { source: plan.source, operation, apps, kept }
    }
}
