//! `dam save`: one app into one file.

use std::path::PathBuf;

use dam_oci::{Digest, Image, Reference};
use serde::Serialize;

use super::candidate::newest;
use super::info::find_installed;
use super::{Candidate, Target};
use crate::app::{AppId, FAMILY, Release};
use crate::bundle::{self, BundleApp, BundleFile, Finished};
use crate::cache::{Cache, Packed, Packing};
use crate::event::{Named, Reporter};
use crate::host::{Cancel, Interruptible, Scratch};
use crate::ledger::Ledger;
use crate::meta::Keep;
use crate::repo::Found;
use crate::store::{LayoutStore, Store};
use crate::{Error, Result};

/// Docker's limit for the layers of an image, and so for the damaged ones of an app.
const LAYER_LIMIT: usize = 127;

/// What to save, and where to.
#[derive(Debug, Clone)]
pub struct SaveRequest {
    /// The app: an image, or a file of an older form to be written anew.
    pub target: Target,
    /// The installed release that `target` means, if there is one: then its image is saved, wherever its tag is now.
    pub installed: Option<Release>,
    /// The image, where it comes straight from a registry: the store is not asked for anything then.
    pub found: Option<Found>,
    /// The file to write, in the place of any file there; a folder that is there is used as `folder`.
    pub output: Option<PathBuf>,
    /// The folder for a file whose name dam makes: `NAME-VERSION.CRC.dam`.
    pub folder: PathBuf,
}

/// What was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Saved {
    /// The file.
    pub path: PathBuf,
    /// The app.
    pub app: AppId,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// How many layers the app has.
    pub layers: usize,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// The repo or registry it comes from, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// Where a save finds its things.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// The images; none where all that is wanted comes from files and registries.
    pub store: Option<&'a dyn Store>,
    /// Compressed layers from earlier saves.
    pub cache: &'a Cache,
    /// A folder for small temporary files.
    pub scratch: &'a Scratch,
    /// The wish to stop.
    pub cancel: &'a Cancel,
}

/// Finds the installed release that a name without a version means, if there is one, for [`SaveRequest::installed`].
///
/// A version says which tag is meant, whatever is installed: the packer who has just built `shop:1.0` anew wants that.
///
/// # Errors
/// [`crate::plan::RuleFault`] where several versions are installed and `target` names none.
pub fn installed(ledger: &Ledger, target: &Target) -> Result<Option<Release>> {
    let Target::Newest(reference) = target else { return Ok(None) };
    Ok(find_installed(ledger, &reference.to_string())?.map(|installed| installed.release))
}

/// Saves an app. Layers that the store gives uncompressed are written as zstd.
///
/// # Errors
/// Those of [`Candidate::find`]; [`Error::NoImage`] where the image of an installed app is gone; [`Error::Cancelled`];
/// [`bundle::BundleError::Irregular`] where the output is a device or a pipe. No file is left then, and one that was there
/// stays as it was.
pub fn save(tools: Tools, request: &SaveRequest, reporter: &dyn Reporter) -> Result<Saved> {
    let mut result = attempt(tools, request, reporter);
    for _ in 0..LAYER_LIMIT {
        // What is damaged in the cache can be made again; each try finds the next of it.
        match &result {
            Err(Error::Oci(dam_oci::Error::Blob(fault))) if tools.cache.discard(fault.digest()) => {}
            _ => break,
        }
        result = attempt(tools, request, reporter);
    }
    // What a wish to stop breaks reports itself as a failed read or write.
    result.map_err(|error| if tools.cancel.is_set() { Error::Cancelled } else { error })
}

fn attempt(tools: Tools, request: &SaveRequest, reporter: &dyn Reporter) -> Result<Saved> {
    let Tools { cancel, .. } = tools;
    cancel.check()?;
    let (folder, path) = place(request)?;
    let bundled = source(tools, request, reporter)?;
    let (id, layers) = (bundled.app.id.clone(), bundled.image.manifest().layers.len());
    let mut file = BundleFile::create(&folder, cancel.clone())?;
    let written = bundle::write(&[bundled], &mut file, reporter);
    written.map_err(|error| file.explain(error, path.as_deref().unwrap_or(&folder)))?;
    let Finished { path, bytes, sha256 } = match path {
        Some(path) => file.finish(&path)?,
        None => file.finish_as_app(&id)?,
    };
    let from = request.found.as_ref().map(|found| found.place.clone());
    Ok(Saved { path, app: id, bytes, layers, sha256, from })
}

/// Finds the app to be saved, and its image with compressed layers.
fn source(tools: Tools, request: &SaveRequest, reporter: &dyn Reporter) -> Result<BundleApp> {
    let Tools { cache, scratch, cancel, .. } = tools;
    let keep = Keep::open(scratch.path())?;
    let bundled = |reference: &Reference, image: Box<dyn Image>, packing: Packing| {
        let image = Box::new(Interruptible::new(image, cancel.clone()));
        let image = Packed::new(image, packing, cache, reporter)?;
        let (app, meta) = Candidate::from_layers(&keep, scratch.path(), reference, &image.noted())?;
        Ok(BundleApp { app, meta, image: Box::new(image) })
    };
    if let Some(found) = &request.found {
        return bundled(&found.reference, tools.spool(found, reporter)?, Packing::Kept);
    }
    let reference = match (&request.installed, &request.target) {
        (Some(release), _) => {
            let image = tools.store().image(release.image, reporter)?;
            return bundled(&release.app.reference, image, Packing::default());
        }
        (None, Target::File(path)) => {
            let Candidate { release, image, .. } = Candidate::from_file(&keep, scratch.path(), path, reporter)?;
            let image = image.expect("an archive gives its image");
            let image = Box::new(Interruptible::new(image, cancel.clone()));
            let image = Packed::new(image, Packing::default(), cache, reporter)?;
            return Ok(BundleApp { app: release.app, meta: release.meta, image: Box::new(image) });
        }
        (None, Target::Image(reference)) => reference.clone(),
        (None, Target::Newest(wanted)) => newest(tools.store(), wanted)?.ok_or_else(|| Error::NoTag(wanted.clone()))?,
    };
    let store = tools.store();
    let stored = store.find(&reference)?.ok_or_else(|| Error::NoTag(reference.clone()))?;
    if !stored.labels.contains_key(FAMILY) {
        // It does not say that it is an app: an export of gigabytes is not begun to find that out.
        Candidate::from_store(store, &keep, &reference)?;
    }
    bundled(&reference, store.image(stored.id, reporter)?, Packing::default())
}

impl<'a> Tools<'a> {
    /// Returns the store.
    pub(super) fn store(&self) -> &'a dyn Store {
        self.store.expect("whoever wants something of the store hands it in")
    }

    /// Brings an image of a registry here, into a folder that ends with the work: it is read more than once, and a registry is
    /// far. Byte for byte.
    pub(super) fn spool(&self, found: &Found, reporter: &dyn Reporter) -> Result<Box<dyn Image>> {
        let spool = LayoutStore::open(&self.scratch.path().join("fetched"))?;
        let image = Interruptible::new(&found.image, self.cancel.clone());
        let id = spool.load(&image, &[], &Named::new(reporter, format!("fetch {}", found.reference)))?;
        spool.image(id, reporter)
    }
}

/// Returns the folder to write in, and the file's path if the request gives one.
fn place(request: &SaveRequest) -> Result<(PathBuf, Option<PathBuf>)> {
    match &request.output {
        None => Ok((request.folder.clone(), None)),
        Some(output) if output.is_dir() => Ok((output.clone(), None)),
        Some(output) => {
            // Looked at before the work, and again before the rename.
            bundle::refuse_irregular(output)?;
            Ok((bundle::folder_of(output).to_owned(), Some(output.clone())))
        }
    }
}
