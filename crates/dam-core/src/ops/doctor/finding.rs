//! What can be found.

use std::path::PathBuf;

use serde::Serialize;

use crate::app::AppId;
use crate::engine::host::{EngineFinding, Level};
use crate::store::Description;

/// Below this much free space, in bytes, most images do not fit.
const LITTLE_SPACE: u64 = 1 << 30;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
pub enum Finding {
    /// The store answers.
    Store(Description),
    /// The store does not answer.
    NoStore {
        /// The error and its causes, outermost first.
        causes: Vec<String>,
    },
    /// Free space where dam has its state.
    Space {
        /// The folder.
        path: PathBuf,
        /// Free bytes.
        free: u64,
    },
    /// Nothing can be executed where hooks run.
    NoExec {
        /// The folder.
        path: PathBuf,
    },
    /// The state folder cannot be written to.
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Nothing is installed yet, there is no ledger.
    NoLedger,
    /// The ledger is sound.
    Ledger {
        /// Installed apps.
        apps: usize,
    },
    /// The ledger cannot be read.
    LedgerDamaged {
        /// The error and its causes, outermost first.
        causes: Vec<String>,
    },
    /// A change was cut off.
    Pending {
        /// The change, such as `upgrade of shop 1.0 to 2.0`.
        title: String,
    },
    /// A change failed and could not be undone.
    Broken {
        /// The app.
        app: AppId,
    },
    /// DAM 1.x has installed apps here that this dam does not know.
    Legacy {
        /// Its database.
        path: PathBuf,
    },
    /// Something that matters to an engine.
    #[serde(untagged)]
    Engine(EngineFinding),
}

impl Finding {
    /// Tells how bad it is.
    pub fn level(&self) -> Level {
        match self {
            Self::Store(_) | Self::NoLedger | Self::Ledger { .. } => Level::Good,
            Self::Space { free, .. } if *free >= LITTLE_SPACE => Level::Good,
            Self::Space { .. } | Self::Pending { .. } | Self::Legacy { .. } => Level::Warning,
            Self::NoStore { .. }
            | Self::NoExec { .. }
            | Self::NotWritable { .. }
            | Self::LedgerDamaged { .. }
            | Self::Broken { .. } => Level::Fault,
            Self::Engine(finding) => finding.level(),
        }
    }
}
