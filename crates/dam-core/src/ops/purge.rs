//! `dam purge`: takes away the images no installed app needs.

use std::collections::BTreeMap;

use dam_oci::Reference;
use serde::Serialize;

use super::create::is_draft;
use super::doctor::causes;
use crate::app::{AppId, AppName, FAMILY};
use crate::host::Host;
use crate::ledger::Reason;
use crate::store::{ImageId, ListedImage};
use crate::{Error, Result, version_order};

/// Which images go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurgeRequest {
    /// Also images that are no apps, and the earlier versions that `rollback` would go back to.
    pub all: bool,
    /// Of each app, how many of the newest versions that are not installed stay.
    pub keep: usize,
}

/// What a purge would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PurgePlan {
    /// The images that go, by name.
    pub remove: Vec<PurgedImage>,
    /// The number of images that stay because an installed app is made of them.
    pub installed: usize,
    /// The number of images that stay because `rollback` would go back to them.
    pub previous: usize,
    /// The number of images that stay because they are no apps, or among the newest.
    pub spared: usize,
}

/// An image that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PurgedImage {
    /// The image.
    pub id: ImageId,
    /// Its tags.
    pub tags: Vec<Reference>,
    /// Its size in bytes, as the store counts it; shared layers count in each.
    pub size: u64,
}

/// What a purge did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Purged {
    /// The images that are gone.
    pub removed: Vec<PurgedImage>,
    /// The images that a container needs, with the store's own words.
    pub in_use: Vec<(PurgedImage, String)>,
    /// The error that ended the purge before its end, and its causes, outermost first.
    pub error: Option<Vec<String>>,
}

impl From<ListedImage> for PurgedImage {
    fn from(image: ListedImage) -> Self {
        Self { id: image.id, tags: image.tags, size: image.size }
    }
}

/// Says which images a purge would take away. Images of installed apps always stay; so do, unless `all` is asked, the
/// images that `rollback` would go back to, and images that are no apps. Images too damaged to be read are
/// never spared, nor are those a `create` left that was killed.
pub fn plan(host: &Host, request: PurgeRequest) -> Result<PurgePlan> {
    let in_use = host.ledger.images_in_use()?;
    let mut plan = PurgePlan { remove: Vec::new(), installed: 0, previous: 0, spared: 0 };
    let mut loose = Vec::new();
    for image in host.store.list()? {
        let reasons = in_use.iter().filter(|(used, ..)| *used == image.id).map(|(_, reason, _)| *reason);
        match reasons.map(|reason| reason == Reason::Previous).min() {
            Some(false) => plan.installed += 1,
            Some(true) if !request.all => plan.previous += 1,
            None if is_left_by_create(&image) => plan.remove.push(image.into()),
            None if !request.all && !image.labels.contains_key(FAMILY) => plan.spared += 1,
            _ => loose.push(image),
        }
    }
    let spared = newest(&loose, request.keep);
    for image in loose {
        if spared.contains(&image.id) {
            plan.spared += 1;
        } else {
            plan.remove.push(image.into());
        }
    }
    for image in host.store.unreadable()? {
        let reasons = in_use.iter().filter(|(used, ..)| *used == image.id).map(|(_, reason, _)| *reason);
        match reasons.map(|reason| reason == Reason::Previous).min() {
            Some(false) => plan.installed += 1,
            Some(true) if !request.all => plan.previous += 1,
            _ => plan.remove.push(image.into()),
        }
    }
    plan.remove.sort_by(|one, other| (&one.tags, one.id).cmp(&(&other.tags, other.id)));
    Ok(plan)
}

/// Tells whether all names of an image are those of drafts: a `create` was killed before it gave the app its own. One
/// that a `create` is building at this moment looks the same; that one then fails, and can be repeated.
fn is_left_by_create(image: &ListedImage) -> bool {
    !image.tags.is_empty() && image.tags.iter().all(is_draft)
}

/// Returns the newest `keep` versions of each app among `images`.
fn newest(images: &[ListedImage], keep: usize) -> Vec<ImageId> {
    let mut by_name: BTreeMap<AppName, Vec<(AppId, ImageId)>> = BTreeMap::new();
    for image in images {
        if let Some(app) = image.tags.iter().find(|tag| !is_draft(tag)).and_then(AppId::of) {
            by_name.entry(app.name.clone()).or_default().push((app, image.id));
        }
    }
    let newest = by_name.into_values().flat_map(|mut versions| {
        versions.sort_by(|(one, _), (other, _)| version_order::compare(&other.version, &one.version));
        versions.into_iter().take(keep).map(|(_, id)| id)
    });
    newest.collect()
}

/// Takes the images of a plan away, what loads left that were cut off, and the kept hooks that nothing needs any more. An
/// image that a container needs stays. Any other refusal, and the wish to stop, ends the removal of images: the error then
/// comes beside the outcome, which tells what was removed by then.
pub fn apply(host: &mut Host, plan: PurgePlan) -> (Purged, Option<Error>) {
    let mut purged = Purged::default();
    let removed = remove(host, plan.remove, &mut purged).and_then(|()| host.store.forget_parts());
    let tidied = host.ledger.metas_in_use().and_then(|metas| host.keep.forget_all_but(&metas));
    let error = removed.and(tidied.map(drop)).err();
    purged.error = error.as_ref().map(causes);
    (purged, error)
}

fn remove(host: &Host, images: Vec<PurgedImage>, purged: &mut Purged) -> Result<()> {
    for image in images {
        host.cancel.check()?;
        match host.store.remove(image.id) {
            Ok(()) => purged.removed.push(image),
            Err(Error::ImageInUse { reason, .. }) => purged.in_use.push((image, reason)),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
