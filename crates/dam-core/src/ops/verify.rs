//! `dam verify`: what is installed against what the store holds.

use std::collections::BTreeSet;

use dam_oci::{Digest, Reference};
use serde::Serialize;

use crate::app::{AppId, AppName, Release};
use crate::host::Host;
use crate::ledger::{AppState, Installed};
use crate::store::ImageId;
use crate::{Error, Result};

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
    /// The image is in a store of another kind than the one that is chosen, and was not looked at.
    OtherStore {
        /// The kind of the store that has it.
        was: String,
        /// The kind of the store that is chosen.
        now: String,
    },
    /// A tag of the app is gone, or names another image now.
    TagMoved {
        /// The tag.
        reference: Reference,
        /// The image it names now, if any.
        now: Option<ImageId>,
    },
    /// The store's copy of the image is damaged. What runs of it may still be well.
    ImageDamaged {
        /// The image.
        image: ImageId,
        /// What is wrong, one sentence.
        reason: String,
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
    // Blobs that were read and are as they should be: apps share them.
    let mut sound = BTreeSet::new();
    let apps =
        wanted.map(|one| Ok(VerifiedApp { app: one.release.app.id.clone(), faults: faults(host, one, &mut sound)? }));
    Ok(Verified { apps: apps.collect::<Result<_>>()? })
}

fn faults(host: &Host, installed: &Installed, sound: &mut BTreeSet<Digest>) -> Result<Vec<Fault>> {
    let release = &installed.release;
    let mut faults = Vec::new();
    if installed.state == AppState::Broken {
        faults.push(Fault::Broken);
    }
    let elsewhere = host.require_store_of(release);
    match elsewhere {
        Ok(()) => faults.extend(image_fault(host, release, sound)?),
        Err(Error::InOtherStore { was, now, .. }) => faults.push(Fault::OtherStore { was, now }),
        Err(error) => return Err(error),
    }
    if let Err(error) = host.keep.get(&release.meta) {
        faults.push(Fault::HooksDamaged { reason: error.to_string() });
    }
    if let Some(previous) = &installed.previous
        && host.require_store_of(previous).is_ok()
        && matches!(host.store.find_id(previous.image), Ok(None) | Err(Error::Oci(_)))
    {
        faults.push(Fault::PreviousGone { app: previous.app.id.clone() });
    }
    Ok(faults)
}

/// Says what is wrong with the image of an app.
fn image_fault(host: &Host, release: &Release, sound: &mut BTreeSet<Digest>) -> Result<Option<Fault>> {
    let (store, image) = (&host.store, release.image);
    let damaged = |error: dam_oci::Error| Ok(Some(Fault::ImageDamaged { image, reason: error.to_string() }));
    let stored = match store.find_id(image) {
        Ok(Some(stored)) => stored,
        Ok(None) => return Ok(Some(Fault::ImageGone { image })),
        Err(Error::Oci(error)) => return damaged(error),
        Err(error) => return Err(error),
    };
    if stored.diff_ids != release.diff_ids {
        return Ok(Some(Fault::OtherContent { image }));
    }
    match store.check(image, sound) {
        Err(Error::Oci(error)) => return damaged(error),
        checked => checked?,
    }
    let now = store.find(&release.app.reference)?.map(|image| image.id);
    let moved = || Fault::TagMoved { reference: release.app.reference.clone(), now };
    Ok((now != Some(image)).then(moved))
}
