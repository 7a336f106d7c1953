//! `dam info`: an installed app, an image of the store, or the apps of a file.

mod file;

use std::path::PathBuf;

use dam_oci::Digest;
use serde::Serialize;

use super::{Candidate, Target};
use crate::Result;
use crate::app::{App, AppId, Release};
use crate::bundle::Form;
use crate::event::Reporter;
use crate::host::Scratch;
use crate::ledger::{AppState, Installed, Ledger, Source, Timestamp};
use crate::meta::Keep;
use crate::plan;
use crate::store::{ImageId, Store};

pub use file::{InFile, Overview, PackedApp, Wanted, file};

/// What is known of one app.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AppInfo {
    /// What the image says of itself.
    #[serde(flatten)]
    pub app: App,
    /// The image, as the store names it; in a file, as a classic store would.
    pub image: ImageId,
    /// DiffIDs of the layers, base first.
    pub layers: Vec<Digest>,
    /// Bytes of the unpacked layers, as far as known.
    pub size: u64,
    /// Where it was found.
    pub found: Found,
}

/// Where an app was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "where", rename_all = "lowercase")]
pub enum Found {
    /// It is installed.
    Installed {
        /// Where it came from.
        source: Source,
        /// When.
        installed_at: Timestamp,
        /// How it does.
        state: AppState,
        /// What `rollback` would go back to.
        previous: Option<AppId>,
    },
    /// It is in the store, not installed.
    Store,
    /// It is in a file.
    File {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        bytes: u64,
        /// What kind of file it is.
        form: Form,
    },
}

/// Looks an installed app up; none is no error here, for the word may name an image or a file as well.
pub fn installed(ledger: &Ledger, name: &str) -> Result<Option<AppInfo>> {
    Ok(find_installed(ledger, name)?.map(from_installed))
}

/// Finds the installed app that `name[:version]` means, if there is one.
pub(super) fn find_installed(ledger: &Ledger, name: &str) -> Result<Option<Installed>> {
    let installed = ledger.installed()?;
    match plan::find(&installed, name) {
        Ok(found) => Ok(Some(found.clone())),
        Err(plan::RuleFault::NotInstalled(_)) => Ok(None),
        Err(fault) => Err(fault.into()),
    }
}

/// Reads an image of the store. `scratch` takes small temporary files.
pub fn image(store: &dyn Store, target: &Target, scratch: &Scratch, reporter: &dyn Reporter) -> Result<AppInfo> {
    let keep = Keep::open(scratch.path())?;
    let (scratch, cancel) = (scratch.path(), &crate::Cancel::default());
    let search = super::Search { store, keep: &keep, scratch, cancel };
    let candidate = Candidate::find_here(search, target, reporter)?;
    Ok(from_release(candidate.release, Found::Store))
}

fn from_release(release: Release, found: Found) -> AppInfo {
    let Release { app, image, diff_ids, size, .. } = release;
    AppInfo { app, image, layers: diff_ids, size, found }
}

fn from_installed(installed: Installed) -> AppInfo {
    let Installed { release, source, installed_at, state, previous } = installed;
    let previous = previous.map(|previous| previous.app.id);
    from_release(release, Found::Installed { source, installed_at, state, previous })
}
