//! One app of DAM 1.x as a release.

use dam_oci::Reference;

use super::{FoundBy, LeftReason, Parts};
use crate::app::{App, Family, HookName, Labels, Release};
use crate::ledger::Listed;
use crate::legacy::LegacyApp;
use crate::meta::KeptMeta;
use crate::store::{ListedImage, Store, StoredImage};
use crate::{Error, Result};

/// An app without its hooks: what the labels say, and where they say nothing, the old database.
struct Facts {
    family: Family,
    multiversion: bool,
    more_references: Vec<Reference>,
}

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
    let facts = facts(legacy, &reference, &image);
    if let Some(other) = others.iter().find(|other| excludes(other, legacy, &facts)) {
        return Ok(Err(LeftReason::Family { with: other.id.clone() }));
    }
    let meta = match keep_meta(&image, parts)? {
        Ok(meta) => meta,
        Err(reason) => return Ok(Err(reason)),
    };
    let app = App {
        id: legacy.app.clone(),
        family: facts.family,
        multiversion: facts.multiversion,
        reference,
        more_references: facts.more_references,
        hooks: meta.hooks,
        description: meta.description,
    };
    let release = Release { app, image: image.id, meta: meta.digest, diff_ids: image.diff_ids, size: image.size };
    Ok(Ok((release, found_by)))
}

fn facts(legacy: &LegacyApp, reference: &Reference, image: &StoredImage) -> Facts {
    // DAM 1.x took labels that dam 2 does not: what the old database says is then all there is.
    let Ok(labels) = Labels::read(&legacy.app.name, &image.labels) else {
        let (family, multiversion) = (legacy.family.clone(), legacy.multiversion);
        return Facts { family, multiversion, more_references: Vec::new() };
    };
    let more = labels.servers.iter().filter_map(|server| reference.at_registry(server.as_deref()).ok());
    Facts {
        more_references: more.filter(|other| other != reference).collect(),
        family: labels.family,
        multiversion: labels.multiversion || legacy.multiversion,
    }
}

/// Tells whether an installed app does not allow this one beside it.
fn excludes(other: &Listed, legacy: &LegacyApp, facts: &Facts) -> bool {
    let related = other.family == facts.family || other.id.name == legacy.app.name;
    related && !(other.multiversion && facts.multiversion)
}

fn keep_meta(image: &StoredImage, parts: &Parts) -> Result<Result<KeptMeta, LeftReason>> {
    let meta = match parts.keep.keep(&mut |out| parts.store.meta(image.id, out)) {
        Ok(Some(meta)) => meta,
        Ok(None) => return Ok(Err(LeftReason::NoMeta)),
        Err(Error::Meta(fault)) => return Ok(Err(LeftReason::BadMeta { fault: fault.to_string() })),
        Err(error) => return Err(error),
    };
    let needed = [HookName::Install, HookName::Uninstall];
    Ok(match needed.into_iter().find(|hook| !meta.hooks.contains(hook)) {
        Some(hook) => Err(LeftReason::NoHook { hook }),
        None => Ok(meta),
    })
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
