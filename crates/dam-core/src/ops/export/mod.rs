//! `dam export`: the apps of a machine, as a list or as a bundle with every image.

mod choice;
mod fault;
mod list;
mod outcome;

use std::io::Write;
use std::path::{Path, PathBuf};

use super::Candidate;
use super::save::Tools;
use crate::app::FAMILY;
use crate::bundle::{self, BundleApp, BundleFile, Counted, SplitFile, folder_of};
use crate::cache::{Packed, Packing};
use crate::event::Reporter;
use crate::host::Interruptible;
use crate::meta::Keep;
use crate::{Error, Result};

pub use choice::{Chosen, Origin, Picked, Wanted, installed, pick, with_images};
pub use fault::ExportFault;
pub use list::{ExportedList, list, write_list};
pub use outcome::{Exported, ExportedApp, ExportedPart};

/// The least a part of a split bundle may have, in bytes.
pub const LEAST_PART: u64 = 1_000_000;

/// How often an export begins anew because something in the cache is damaged. Each try finds the next of it.
const TRIES: usize = 127;

/// The bundle to write.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// The apps, in the order of the bundle.
    pub apps: Vec<Chosen>,
    /// The form the layers get.
    pub packing: Packing,
}

/// Where a bundle goes to.
pub enum Output<'a> {
    /// A file, in the place of any file there.
    File(PathBuf),
    /// Files of so many bytes each but the last, at least [`LEAST_PART`].
    Parts(PathBuf, u64),
    /// A stream, such as a pipe.
    Stream(&'a mut dyn Write),
}

/// Writes a bundle. The same apps give the same bytes, on whatever machine.
///
/// Files appear when they are whole; no file is left after an error, and one that was there stays as it was. A stream has
/// got a part by then, which is no bundle.
///
/// # Errors
/// [`ExportFault::Nothing`] without apps; [`Error::NoImage`] where the image of an installed app is gone;
/// [`Error::NotAnApp`]; [`bundle::BundleError::Irregular`] where the output is a device or a pipe; [`Error::Cancelled`];
/// [`Error::Access`] of the output where it cannot be written, of `-` for a stream.
pub fn export(tools: Tools, request: &ExportRequest, output: &mut Output, reporter: &dyn Reporter) -> Result<Exported> {
    if request.apps.is_empty() {
        return Err(ExportFault::Nothing.into());
    }
    if let Output::File(path) = output {
        // Looked at before the work, and again before the rename.
        bundle::refuse_irregular(path)?;
    }
    // What is compressed for the first app must still be there for the last.
    let _spared = tools.cache.spare();
    let mut result = attempt(tools, request, output, reporter);
    for _ in 0..TRIES {
        match &result {
            Err(Error::Oci(dam_oci::Error::Blob(fault))) if tools.cache.discard(fault.digest()) => {}
            _ => break,
        }
        if let Output::Stream(_) = output {
            // What has left cannot be taken back; the next export makes anew what was damaged.
            break;
        }
        result = attempt(tools, request, output, reporter);
    }
    // What a wish to stop breaks reports itself as a failed read or write.
    result.map_err(|error| if tools.cancel.is_set() { Error::Cancelled } else { error })
}

fn attempt(tools: Tools, request: &ExportRequest, output: &mut Output, reporter: &dyn Reporter) -> Result<Exported> {
    tools.cancel.check()?;
    let apps = gather(tools, request, reporter)?;
    let cancel = tools.cancel.clone();
    match output {
        Output::File(path) => {
            let mut file = BundleFile::create(folder_of(path), cancel)?;
            let written = bundle::write(&apps, &mut file, reporter).map_err(|error| file.explain(error, path))?;
            Ok(Exported::of_file(&written, file.finish(path)?))
        }
        Output::Parts(path, size) => {
            let mut file = SplitFile::create(path, (*size).max(LEAST_PART), cancel)?;
            let written = bundle::write(&apps, &mut file, reporter).map_err(|error| file.explain(error))?;
            Ok(Exported::of_parts(&written, path.clone(), file.finish()?))
        }
        Output::Stream(out) => {
            let mut out = Counted::new(out, cancel);
            let path = Path::new("-");
            let written = bundle::write(&apps, &mut out, reporter).map_err(|error| out.explain(error, path))?;
            Ok(Exported::of_stream(&written, &out.finish(path)?))
        }
    }
}

/// Finds the images of all apps and describes them. No image is held open.
fn gather(tools: Tools, request: &ExportRequest, reporter: &dyn Reporter) -> Result<Vec<BundleApp>> {
    let Tools { cache, scratch, cancel, .. } = tools;
    let keep = Keep::open(scratch.path())?;
    look_at_stored(tools, request, &keep, reporter)?;
    let gather_one = |chosen: &Chosen| {
        cancel.check()?;
        let (image, packing) = match &chosen.origin {
            Origin::Store(id) => (tools.store().image(*id, reporter)?, request.packing),
            // As it is in the registry, unless another form was asked for.
            Origin::Registry(found) if request.packing == Packing::default() => {
                (tools.spool(found, reporter)?, Packing::Kept)
            }
            Origin::Registry(found) => (tools.spool(found, reporter)?, request.packing),
        };
        let image = Box::new(Interruptible::new(image, cancel.clone()));
        let image = Packed::new(image, packing, cache, reporter)?;
        let (app, meta) = Candidate::from_layers(&keep, scratch.path(), &chosen.reference, &image.noted())?;
        Ok(BundleApp { app, meta, image: Box::new(image) })
    };
    request.apps.iter().map(gather_one).collect()
}

/// Gets the images of the store ready, once those that may be no apps have been looked at.
fn look_at_stored(tools: Tools, request: &ExportRequest, keep: &Keep, reporter: &dyn Reporter) -> Result<()> {
    let mut images = Vec::new();
    for chosen in &request.apps {
        let Origin::Store(image) = chosen.origin else { continue };
        images.push(image);
        if chosen.installed {
            continue;
        }
        let stored = tools.store().find_id(image)?.ok_or(Error::NoImage(image))?;
        if !stored.labels.contains_key(FAMILY) {
            // It does not say that it is an app: an export of gigabytes is not begun to find that out.
            Candidate::from_store(tools.store(), keep, &chosen.reference)?;
        }
    }
    match images.is_empty() {
        true => Ok(()),
        false => tools.store().fetch(&images, tools.cancel, reporter),
    }
}
