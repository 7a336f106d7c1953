//! Why a change is refused, and how one failed.

use crate::Error;
use crate::app::{AppId, AppName, Family};
use crate::hooks::{HookEnd, HookError};

/// Why a change is refused before anything is touched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// The very same release is installed.
    #[error("{0} is already installed")]
    AlreadyInstalled(AppId),
    /// The version is installed with another image.
    #[error("{0} is already installed, with another image")]
    OtherImage(AppId),
    /// Another version is installed, and the two do not stand side by side.
    #[error("{installed} is installed; a second version needs an app that allows it (multiversion)")]
    OtherVersion {
        /// The version that is installed.
        installed: AppId,
        /// The version that was asked for.
        wanted: AppId,
    },
    /// Another app of the family is installed.
    #[error("{installed} is installed and belongs to the same family, `{family}`, as {wanted}")]
    FamilyTaken {
        /// The family.
        family: Family,
        /// The app that is installed.
        installed: AppId,
        /// The app that was asked for.
        wanted: AppId,
    },
    /// Nothing to upgrade.
    #[error("{0} is not installed, so there is nothing to upgrade")]
    NothingToUpgrade(AppName),
    /// The new version is older.
    #[error("{new} is older than {old}")]
    Downgrade {
        /// What is installed.
        old: AppId,
        /// What was asked for.
        new: AppId,
    },
    /// The app is not installed.
    #[error("`{0}` is not installed")]
    NotInstalled(String),
    /// Several versions are installed and the name does not say which is meant.
    #[error("several versions of {name} are installed: {}", .versions.iter().map(AppId::to_string).collect::<Vec<_>>().join(", "))]
    Ambiguous {
        /// The name.
        name: AppName,
        /// The installed versions.
        versions: Vec<AppId>,
    },
    /// Several versions are installed and nothing says which of them the new one takes the place of.
    #[error("several versions of {name} are installed: {}", .versions.iter().map(AppId::to_string).collect::<Vec<_>>().join(", "))]
    SeveralToUpgrade {
        /// The name.
        name: AppName,
        /// The installed versions.
        versions: Vec<AppId>,
    },
    /// What should take the place of an app is installed beside it.
    #[error("{staying} is already installed, beside {leaving}")]
    Beside {
        /// The app that is wanted.
        staying: AppId,
        /// The app whose place it should take.
        leaving: AppId,
    },
    /// Two apps of a product exclude each other.
    #[error("{first} and {second} are both in the product, and apps of the family `{family}` exclude each other")]
    Exclude {
        /// The family that both belong to.
        family: Family,
        /// The app that comes first.
        first: AppId,
        /// The other.
        second: AppId,
    },
    /// Two versions of an app that does not stand beside itself.
    #[error("{first} and {second} are both in the product; two versions need an app that allows it (multiversion)")]
    Versions {
        /// The version that comes first.
        first: AppId,
        /// The other.
        second: AppId,
    },
    /// The same name and version twice in a product, with different images.
    #[error("{0} is in the product twice")]
    Twice(AppId),
    /// There is no earlier version to go back to.
    #[error("{0} has no earlier version to go back to")]
    NoPrevious(AppId),
}

/// How a step failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The app did not become healthy in time.
    #[error("{app} did not become healthy within {} s", .limit.as_secs_f64().ceil())]
    Unhealthy {
        /// The app.
        app: AppId,
        /// The limit.
        limit: std::time::Duration,
        /// How `health` ended the last time, with what it printed.
        last: HookEnd,
    },
    /// A hook that did not succeed, and anything else.
    #[error(transparent)]
    Other(Box<Error>),
}

impl Failure {
    /// Tells whether the change was cut off, by no fault of what it should bring.
    pub(super) fn is_cut(&self) -> bool {
        match self {
            Self::Unhealthy { .. } => false,
            Self::Other(error) => error.is_cut(),
        }
    }

    /// Tells of a failed run of a hook whether the hook was never started; see [`crate::hooks::Hooks::run`].
    pub(super) fn came_before_the_hook(&self) -> bool {
        let Self::Other(error) = self else { return false };
        match &**error {
            Error::Hook(fault) => match fault {
                HookError::Lost { .. } | HookError::Failed { .. } => false,
                HookError::Missing { .. }
                | HookError::NoInterpreter { .. }
                | HookError::NoExec { .. }
                | HookError::Start { .. } => true,
            },
            // The kept `/meta`, and the private copy that the hook was to run in.
            Error::Meta(_) | Error::Access { .. } | Error::Cancelled => true,
            _ => false,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(Box::new(error))
    }
}

/// What a failed change left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aftermath {
    /// Nothing had been touched.
    Untouched,
    /// Everything is as before; `running` are the apps that were put back.
    AsBefore {
        /// The apps that run again.
        running: Vec<AppId>,
    },
    /// The apps that were changed by then stay so, as it was asked; the rest is as before.
    Stopped {
        /// The apps that were changed.
        changed: Vec<AppId>,
        /// The apps that were put back and run again.
        running: Vec<AppId>,
        /// What could not be undone, one sentence each.
        faults: Vec<String>,
    },
    /// Every step was done, but that could not be recorded; the next change of this machine does so.
    Unrecorded,
    /// The undo cannot go on now (the engine is away, the disk is full); the next change of this machine goes on with it.
    Unfinished {
        /// What stopped it, one sentence.
        cause: String,
    },
    /// The undo failed as well.
    Broken {
        /// What could not be undone, one sentence each.
        faults: Vec<String>,
    },
}
