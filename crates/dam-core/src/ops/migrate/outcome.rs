//! What `migrate` would do, and did.

use std::path::PathBuf;

use dam_oci::registry::Secret;
use serde::Serialize;

use crate::app::{AppId, HookName};
use crate::ledger::LeftRepo;
use crate::legacy::{LegacyApp, LineFault};
use crate::repo::{Repo, RepoName};
use crate::store::ImageId;

/// What `migrate` would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigratePlan {
    /// The folder of the old database.
    pub folder: PathBuf,
    /// The apps to take over.
    pub take: Vec<LegacyApp>,
    /// Apps that an earlier run took over, whatever became of them since.
    pub done: Vec<AppId>,
    /// Apps that are installed already, by other means.
    pub present: Vec<AppId>,
    /// Apps that the old database names twice; the later row counts, as it did for `dam remove`.
    pub repeated: Vec<AppId>,
    /// Repos that the ledger does not know yet, with good names of their own.
    pub repos: Vec<Repo>,
    /// Logins of repos that the ledger knows without one.
    pub logins: Vec<TakenLogin>,
    /// Repos that cannot be taken over: their servers are none.
    pub repos_left: Vec<LeftRepo>,
    /// Lines that cannot be used.
    pub faults: Vec<LineFault>,
}

impl MigratePlan {
    /// Tells whether something becomes of the repos.
    pub fn changes_repos(&self) -> bool {
        !self.repos.is_empty() || !self.logins.is_empty()
    }
}

/// The user and the password of DAM 1.x for a repo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TakenLogin {
    /// The repo.
    pub repo: RepoName,
    /// The user.
    pub username: String,
    /// The password, if there is one.
    #[serde(skip)]
    pub password: Option<Secret>,
}

/// What `migrate` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrateOutcome {
    /// The plan it followed.
    pub plan: MigratePlan,
    /// The apps that are now in the ledger.
    pub taken: Vec<Taken>,
    /// The apps that could not be taken over.
    pub left: Vec<Left>,
}

/// An app that was taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// The app.
    pub app: AppId,
    /// Its image.
    pub image: ImageId,
    /// How the image was found.
    pub found_by: FoundBy,
}

/// How the image of an app was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FoundBy {
    /// Its id begins as the old database says: this very image was installed.
    Id,
    /// It has the app's tag. It may have been built anew since.
    Tag,
}

/// An app that could not be taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The app.
    pub app: AppId,
    /// Why.
    #[serde(flatten)]
    pub reason: LeftReason,
}

/// Why an app could not be taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum LeftReason {
    /// The store has neither the image nor the tag.
    #[error("its image {docker_id} is gone")]
    ImageGone {
        /// The first 12 hex digits of the image's id.
        docker_id: String,
    },
    /// The image has no `/meta`.
    #[error("its image has no /meta")]
    NoMeta,
    /// A script that every app has is missing.
    #[error("its image has no /meta/{hook}")]
    NoHook {
        /// The script.
        hook: HookName,
    },
    /// The `/meta` breaks a rule.
    #[error("its /meta cannot be used: {fault}")]
    BadMeta {
        /// The rule, in words.
        fault: String,
    },
    /// An app of its family is installed and does not allow another.
    #[error("{with} of the same family is installed")]
    Family {
        /// The installed app.
        with: AppId,
    },
}
