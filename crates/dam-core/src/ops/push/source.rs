//! The images that are pushed.

use dam_oci::{Image, Reference, media_type};

use super::super::Target;
use super::super::candidate::newest;
use super::super::info::find_installed;
use super::Tools;
use crate::bundle::Bundle;
use crate::cache::{Packed, Packing};
use crate::event::Reporter;
use crate::host::Interruptible;
use crate::{Error, Result};

/// An image, and what it is called here.
pub(super) struct Source {
    pub(super) reference: Reference,
    /// As it is; [`pack`] gives its layers the form they are to have there.
    pub(super) image: Box<dyn Image>,
}

/// Finds all that is named, in its order.
pub(super) fn find(tools: Tools, what: &[Target], reporter: &dyn Reporter) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for target in what {
        tools.cancel.check()?;
        match target {
            Target::File(path) => {
                let bundle = Bundle::open(path, reporter)?.verify().map_err(|error| error.in_archive(path))?;
                let apps = bundle.into_apps().into_iter();
                sources.extend(apps.map(|app| Source { reference: app.reference, image: app.image }));
            }
            Target::Image(reference) | Target::Newest(reference) => {
                sources.push(stored(tools, target, reference, reporter)?);
            }
        }
    }
    Ok(sources)
}

/// Finds an image of the store: where no version is named, that of the installed release, else the newest. A version says
/// which tag is meant, whatever is installed.
fn stored(tools: Tools, target: &Target, reference: &Reference, reporter: &dyn Reporter) -> Result<Source> {
    let store = tools.store.ok_or_else(|| Error::NoTag(reference.clone()))?;
    let reference = match target {
        Target::Newest(wanted) => {
            if let Some(ledger) = tools.ledger
                && let Some(installed) = find_installed(ledger, &wanted.to_string())?
            {
                let release = installed.release;
                return Ok(Source { reference: release.app.reference, image: store.image(release.image, reporter)? });
            }
            newest(store, wanted)?.ok_or_else(|| Error::NoTag(wanted.clone()))?
        }
        _ => reference.clone(),
    };
    let stored = store.find(&reference)?.ok_or_else(|| Error::NoTag(reference.clone()))?;
    Ok(Source { reference, image: store.image(stored.id, reporter)? })
}

/// Gives layers the form they are to have, unless they have it. What stays as it is is not even looked at: it may be
/// gigabytes.
pub(super) fn pack(
    tools: Tools,
    image: Box<dyn Image>,
    packing: Packing,
    reporter: &dyn Reporter,
) -> Result<Box<dyn Image>> {
    let image: Box<dyn Image> = Box::new(Interruptible::new(image, tools.cancel.clone()));
    match packing.changes(&*image) {
        true => Ok(Box::new(Packed::new(image, packing, tools.cache, reporter)?)),
        false => Ok(image),
    }
}

/// Tells whether an image has layers in zstd.
pub(super) fn has_zstd(image: &dyn Image) -> bool {
    image.manifest().layers.iter().any(|layer| layer.media_type == media_type::LAYER_ZSTD)
}
