//! From what a person names to one exact release.

use std::path::Path;

use dam_oci::{Config, Digest, Image, Limits, Platform, Reference};

use super::Target;
use crate::app::{App, AppId, NoApp, Release, VERSION, describe};
use crate::bundle::{Bundle, BundleError, BundledApp};
use crate::event::{Event, Reporter, Warning};
use crate::ledger::Source;
use crate::meta::{Keep, KeptMeta};
use crate::repo::{Found, Inquiry, Where};
use crate::store::{ImageId, Store, StoredImage};
use crate::{Cancel, Error, Result, version_order};

/// A release that could be installed: its `/meta` is kept, its image is in the store or in a file.
pub struct Candidate {
    /// The release.
    pub release: Release,
    /// Where it comes from.
    pub source: Source,
    /// The image, if it is not in the store yet.
    pub image: Option<Box<dyn Image>>,
    platform: Platform,
}

/// Where candidates are looked for, and where their `/meta` is kept.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// The store, for what is named as an image.
    pub store: &'a dyn Store,
    /// The kept copies of `/meta`.
    pub keep: &'a Keep,
    /// A folder for temporary files.
    pub scratch: &'a Path,
    /// The wish to stop.
    pub cancel: &'a Cancel,
}

impl Candidate {
    /// Finds what `target` names. Changes nothing but the kept copies of `/meta`, and brings what is in a registry into the
    /// store, without a tag.
    ///
    /// # Errors
    /// Those of [`Inquiry::find`] and of [`Found::fetch`]; [`Error::NotAnApp`].
    pub fn find(search: Search, target: &Target, inquiry: &Inquiry, reporter: &dyn Reporter) -> Result<Self> {
        let word = match target {
            Target::File(path) => return Self::from_file(search.keep, search.scratch, path, reporter),
            Target::Image(word) | Target::Newest(word) => word,
        };
        match inquiry.find(search.store, word, reporter)? {
            Where::Store(reference) => Self::from_store(search.store, search.keep, &reference),
            Where::Registry(found) => Self::from_registry(search, &found, inquiry.look_only, reporter),
        }
    }

    /// Finds what `target` names in a file or in the store; no registry is asked.
    ///
    /// # Errors
    /// [`Error::NoTag`]; [`Error::NotAnApp`].
    pub fn find_here(search: Search, target: &Target, reporter: &dyn Reporter) -> Result<Self> {
        match target {
            Target::File(path) => Self::from_file(search.keep, search.scratch, path, reporter),
            Target::Image(reference) => Self::from_store(search.store, search.keep, reference),
            Target::Newest(wanted) => {
                let newest = newest(search.store, wanted)?.ok_or_else(|| Error::NoTag(wanted.clone()))?;
                Self::from_store(search.store, search.keep, &newest)
            }
        }
    }

    /// Finds an image of the store.
    pub fn from_store(store: &dyn Store, keep: &Keep, reference: &Reference) -> Result<Self> {
        let stored = store.find(reference)?.ok_or_else(|| Error::NoTag(reference.clone()))?;
        Self::from_stored(store, keep, reference, stored, Source::Store)
    }

    /// Brings an image of a registry into the store, without a tag. With `look_only` it stays where it is, and its layers are
    /// read for what they say.
    ///
    /// # Errors
    /// Those of [`Found::fetch`]; [`Error::NotAnApp`].
    pub fn from_registry(search: Search, found: &Found, look_only: bool, reporter: &dyn Reporter) -> Result<Self> {
        let source = Source::Registry { name: found.place.clone() };
        if look_only && found.in_store(search.store)?.is_none() {
            let (_, config) = dam_oci::config(&found.image)?;
            let reference = named(&found.reference, config.config.labels.get(VERSION));
            let (app, meta) = read_layers(search.keep, search.scratch, &reference, &found.image, &config)?;
            let (image, platform) = (ImageId(found.image.manifest().config.digest), config.platform());
            let size = found.image.manifest().layers.iter().map(|layer| layer.size).sum();
            let release = Release { app, image, meta, diff_ids: config.rootfs.diff_ids, size, store: None };
            return Ok(Self { release, source, image: Some(Box::new(found.image.clone())), platform });
        }
        let stored = found.fetch(search.store, search.cancel, reporter)?.stored;
        Self::from_stored(search.store, search.keep, &found.reference, stored, source)
    }

    fn from_stored(
        store: &dyn Store,
        keep: &Keep,
        reference: &Reference,
        stored: StoredImage,
        source: Source,
    ) -> Result<Self> {
        let kept = keep.keep(&mut |out| store.meta(stored.id, out))?;
        let meta = require(kept, reference)?;
        let reference = named(reference, stored.labels.get(VERSION));
        let app = describe(&reference, &stored.labels, &meta)?;
        let meta = meta.digest;
        let kind = Some(store.describe().kind.to_owned());
        let (image, diff_ids, size) = (stored.id, stored.diff_ids, stored.size);
        let release = Release { app, image, meta, diff_ids, size, store: kind };
        Ok(Self { release, source, image: None, platform: stored.platform })
    }

    /// Describes an image whose layers are at hand, and returns the digest of its `/meta` too: it is read from the layers,
    /// which spares an engine making a container of it.
    pub(super) fn from_layers(
        keep: &Keep,
        scratch: &Path,
        reference: &Reference,
        image: &dyn Image,
    ) -> Result<(App, Digest)> {
        let (_, config) = dam_oci::config(image)?;
        let reference = named(reference, config.config.labels.get(VERSION));
        read_layers(keep, scratch, &reference, image, &config)
    }

    /// Finds the one app of an archive.
    pub fn from_file(keep: &Keep, scratch: &Path, path: &Path, reporter: &dyn Reporter) -> Result<Self> {
        let mut apps = Bundle::open(path, reporter)?.verify().map_err(|error| error.in_archive(path))?.into_apps();
        if apps.len() != 1 {
            let apps = apps.into_iter().map(|app| app.reference).collect();
            return Err(Error::NotOneApp { path: path.to_owned(), apps });
        }
        Self::from_bundled(keep, scratch, path, apps.remove(0))
    }

    /// Reads an app of an archive.
    pub fn from_bundled(keep: &Keep, scratch: &Path, path: &Path, bundled: BundledApp) -> Result<Self> {
        Self::read_bundled(keep, scratch, path, bundled).map_err(|error| error.in_archive(path))
    }

    fn read_bundled(keep: &Keep, scratch: &Path, path: &Path, bundled: BundledApp) -> Result<Self> {
        let BundledApp { reference, image, meta: promised, unpacked, .. } = bundled;
        let (_, config) = dam_oci::config(&*image)?;
        let (app, meta) = read_layers(keep, scratch, &reference, &*image, &config)?;
        if promised.is_some_and(|promised| promised != meta) {
            let reason = format!("`{reference}` has another /meta in its layers");
            return Err(BundleError::Contradiction { path: path.to_owned(), reason }.into());
        }
        let (id, platform) = (ImageId(image.manifest().config.digest), config.platform());
        let release = Release { app, image: id, meta, diff_ids: config.rootfs.diff_ids, size: unpacked, store: None };
        let source = Source::File { path: path.display().to_string() };
        Ok(Self { release, source, image: Some(image), platform })
    }

    /// Finds what `target` names, for this machine to run: warns where that may not work.
    pub(super) fn find_to_run(
        search: Search,
        target: &Target,
        inquiry: &Inquiry,
        reporter: &dyn Reporter,
    ) -> Result<Self> {
        let candidate = Self::find(search, target, inquiry, reporter)?;
        candidate.warn_of_platform(reporter);
        Ok(candidate)
    }
}

/// Describes an image by its layers; the digest is that of its kept `/meta`.
fn read_layers(
    keep: &Keep,
    scratch: &Path,
    reference: &Reference,
    image: &dyn Image,
    config: &Config,
) -> Result<(App, Digest)> {
    let kept = keep.keep(&mut |out| Ok(dam_oci::subtree(image, "meta", Limits::default(), scratch, out)?))?;
    let meta = require(kept, reference)?;
    Ok((describe(reference, &config.config.labels, &meta)?, meta.digest))
}

impl Candidate {
    /// Warns where this machine may not be able to run it. No error, for an emulator may do it.
    pub(super) fn warn_of_platform(&self, reporter: &dyn Reporter) {
        let (app, made_for, here) = (&self.release.app.id, &self.platform, &Platform::host());
        if !here.runs(made_for) {
            reporter.event(Event::Warning(Warning::Platform { app, made_for, here }));
        }
    }
}

/// Returns the tag of an app, and no digest. One that was named by its digest only has the version that it says.
pub(super) fn named(reference: &Reference, version: Option<&String>) -> Reference {
    let version = reference.tag().or(version.map(String::as_str));
    version.and_then(|version| reference.with_tag(version).ok()).unwrap_or_else(|| reference.clone())
}

/// Refuses an image without `/meta`.
fn require(kept: Option<KeptMeta>, reference: &Reference) -> Result<KeptMeta> {
    kept.ok_or_else(|| Error::NotAnApp { reference: reference.clone(), reason: NoApp::NoMeta })
}

/// Returns the newest version that the store holds of a repository, if it holds any.
pub(crate) fn newest(store: &dyn Store, wanted: &Reference) -> Result<Option<Reference>> {
    let tags = store.list()?.into_iter().flat_map(|image| image.tags);
    let same = |tag: &Reference| tag.registry() == wanted.registry() && tag.repository() == wanted.repository();
    let versions = tags.filter(same).filter_map(|tag| Some((AppId::of(&tag)?.version, tag)));
    let newest = versions.max_by(|(one, _), (other, _)| version_order::compare(one, other));
    Ok(newest.map(|(_, tag)| tag))
}
