//! `dam verify`: what is installed against what the store holds.

use dam_oci::Reference;
use serde::Serialize;

use crate::Result;
use crate::app::{AppId, AppName};
use crate::host::Host;
use crate::ledger::{AppState, Installed};
use crate::store::ImageId;

/// How an installed app compares with what is on the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The apps that were looked at.
    pub apps: Vec<VerifiedApp>,
}

impl Verified {
    /// Returns the number of faults of all apps.
    pub fn faults(&self) -> usize {
        self.apps.iter().map(|app| app.faults.len()).sum()
    }
}

/// One installed app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifiedApp {
    /// The app.
    pub app: AppId,
    /// What is wrong; nothing when all is well.
    pub faults: Vec<Fault>,
}

/// What can be wrong with an installed app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum Fault {
    /// The image is gone. The app can still be removed: its hooks are kept.
    ImageGone {
        /// The image.
        image: ImageId,
    },
    /// A tag of the app is gone, or names another image now.
    TagMoved {
        /// The tag.
        reference: Reference,
        /// The image it names now, if any.
        now: Option<ImageId>,
    },
    /// The store's image has other layers than the one that was installed.
    OtherContent {
        /// The image.
        image: ImageId,
    },
    /// The kept copy of `/meta` is gone or damaged.
    HooksDamaged {
        /// What is wrong, one sentence.
        reason: String,
    },
    /// The last change of the app failed and could not be undone.
    Broken,
    /// The image of the version before is gone: `rollback` will not work.
    PreviousGone {
        /// The version before.
        app: AppId,
    },
}

/// Looks at all installed apps, or at those called `name`.
pub fn verify(host: &Host, name: Option<&AppName>) -> Result<Verified> {
    let installed = host.ledger.installed()?;
    let wanted = installed.iter().filter(|one| name.is_none_or(|name| one.release.app.id.name == *name));
    let apps = wanted.map(|one| Ok(VerifiedApp { app: one.release.app.id.clone(), faults: faults(host, one)? }));
    Ok(Verified { apps: apps.collect::<Result<_>>()? })
}

fn faults(host: &Host, installed: &Installed) -> Result<Vec<Fault>> {
    let release = &installed.release;
    let mut faults = Vec::new();
    if installed.state == AppState::Broken {
        faults.push(Fault::Broken);
    }
    match host.store.find_id(release.image)? {
        None => faults.push(Fault::ImageGone { image: release.image }),
        Some(image) if image.diff_ids != release.diff_ids => {
            faults.push(Fault::OtherContent { image: release.image });
        }
        Some(_) => {
            let now = host.store.find(&release.app.reference)?.map(|image| image.id);
            if now != Some(release.image) {
                faults.push(Fault::TagMoved { reference: release.app.reference.clone(), now });
            }
        }
    }
    if let Err(error) = host.keep.get(&release.meta) {
        faults.push(Fault::HooksDamaged { reason: error.to_string() });
    }
    if let Some(previous) = &installed.previous
        && host.store.find_id(previous.image)?.is_none()
    {
        faults.push(Fault::PreviousGone { app: previous.app.id.clone() });
    }
    Ok(faults)
}
