//! One app of DAM 1.x as a release.

use dam_oci::Reference;

use super::{FoundBy, LeftReason, Parts};
use crate::app::{App, AppId, FAMILY, NoApp, Release, describe};
use crate::ledger::Listed;
use crate::legacy::LegacyApp;
use crate::meta::KeptMeta;
use crate::store::{ListedImage, Store, StoredImage};
use crate::{Error, Result};

/// Describes an app as its image does, and keeps its `/meta`.
pub(super) fn take(
    legacy: &LegacyApp,
    images: &[ListedImage],
    others: &[Listed],
    parts: &Parts,
) -> Result<Result<(Release, FoundBy), LeftReason>> {
    let reference = reference(legacy);
    let Some((image, found_by)) = find(legacy, &reference, images, parts.store)? else {
        return Ok(Err(LeftReason::ImageGone { docker_id: legacy.docker_id.clone() }));
    };
    let meta = match parts.keep.keep(&mut |out| parts.store.meta(image.id, out)) {
        Ok(Some(meta)) => meta,
        Ok(None) => return Ok(Err(LeftReason::NoMeta)),
        Err(Error::Meta(fault)) => return Ok(Err(LeftReason::BadMeta { fault: fault.to_string() })),
        Err(error) => return Err(error),
    };
    let app = match describe_app(legacy, &reference, &image, &meta) {
        Ok(app) => app,
        Err(Error::NotAnApp { reason: NoApp::NoHook(hook), .. }) => return Ok(Err(LeftReason::NoHook { hook })),
        Err(error) => return Err(error),
    };
    if let Some(other) = others.iter().find(|other| excludes(other, &app)) {
        return Ok(Err(LeftReason::Family { with: other.id.clone() }));
    }
    let (meta, store) = (meta.digest, Some(parts.store.describe().kind.to_owned()));
    let release = Release { app, image: image.id, meta, diff_ids: image.diff_ids, size: image.size, store };
    Ok(Ok((release, found_by)))
}

/// Describes the app by its labels. DAM 1.x took families that are none here; the old database or the name then says
/// which it is.
fn describe_app(legacy: &LegacyApp, reference: &Reference, image: &StoredImage, meta: &KeptMeta) -> Result<App> {
    let app = match describe(reference, &image.labels, meta) {
        Err(Error::Name(_)) => {
            let mut labels = image.labels.clone();
            labels.insert(FAMILY.to_owned(), legacy.family.to_string());
            describe(reference, &labels, meta)?
        }
        described => described?,
    };
    Ok(App { multiversion: app.multiversion || legacy.multiversion, ..app })
}

/// Tells whether an installed app does not allow this one beside it.
fn excludes(other: &Listed, app: &App) -> bool {
    let related = other.family == app.family || other.id.name == app.id.name;
    related && !(other.multiversion && app.multiversion)
}

/// Returns what dam 2 calls the app: `user/shop:1.0` where DAM 1.x took `user` for a registry.
pub(super) fn id(legacy: &LegacyApp) -> AppId {
    AppId::of(&reference(legacy)).expect("the reference has a tag")
}

/// Returns the name the image was tagged with. Where DAM 1.x took something for a registry that is none, the name
/// alone is left.
fn reference(legacy: &LegacyApp) -> Reference {
    let prefixed = legacy.server.as_ref().and_then(|server| format!("{server}/{}", legacy.app).parse().ok());
    prefixed.unwrap_or_else(|| legacy.app.to_string().parse().expect("a name and a version are a reference"))
}

fn find(
    legacy: &LegacyApp,
    reference: &Reference,
    images: &[ListedImage],
    store: &dyn Store,
) -> Result<Option<(StoredImage, FoundBy)>> {
    let same = |image: &&ListedImage| image.id.0.hex().starts_with(&legacy.docker_id);
    if let Some(image) = images.iter().find(same)
        && let Some(image) = store.find_id(image.id)?
    {
        return Ok(Some((image, FoundBy::Id)));
    }
    Ok(store.find(reference)?.map(|image| (image, FoundBy::Tag)))
}
