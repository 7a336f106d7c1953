//! From what a product names to exact releases and their images.

use std::collections::BTreeMap;

use dam_oci::{Image, Reference};

use super::list::from_list;
use super::offer::{Offer, What};
use crate::app::{Release, describe};
use crate::bundle::BundledApp;
use crate::event::Reporter;
use crate::host::Host;
use crate::ledger::Installed;
use crate::meta::KeptMeta;
use crate::ops::Candidate;
use crate::plan::Brought;
use crate::repo::Inquiry;
use crate::store::ImageId;
use crate::{Error, Result};

/// What a product brings.
pub(super) struct Load {
    pub(super) brought: Vec<Brought>,
    /// The images of those that are not in the store, by their names.
    pub(super) images: BTreeMap<Reference, Box<dyn Image>>,
    /// What must live as long as they are read.
    pub(super) rest: super::offer::Rest,
}

/// Reads what `offer` brings. Of an app that is `installed` exactly so, nothing but the head is read.
pub(super) fn bring(
    host: &Host,
    offer: Offer,
    installed: &[Installed],
    inquiry: &Inquiry,
    reporter: &dyn Reporter,
) -> Result<Load> {
    let source = offer.source();
    let path = offer.path().to_owned();
    let Offer { what, rest, .. } = offer;
    let mut load = Load { brought: Vec::new(), images: BTreeMap::new(), rest };
    match what {
        What::List(list) => {
            (load.brought, load.images) = from_list(host, &path, list, installed, inquiry, reporter)?;
        }
        What::Apps(apps) => {
            let scratch = host.scratch()?;
            for bundled in apps {
                host.cancel.check()?;
                if let Some(release) = promised(host, &bundled, installed, load.rest.is_streamed())? {
                    let brought =
                        Brought { release, source: source.clone(), load: true, promised: load.rest.is_streamed() };
                    load.images.insert(bundled.reference, bundled.image);
                    load.brought.push(brought);
                    continue;
                }
                let candidate = Candidate::from_bundled(&host.keep, scratch.path(), &path, bundled)?;
                candidate.warn_of_platform(reporter);
                let Candidate { release, source, image, .. } = candidate;
                load.images.extend(image.map(|image| (release.app.reference.clone(), image)));
                load.brought.push(Brought { release, source, load: true, promised: false });
            }
        }
    }
    Ok(load)
}

/// Describes an app by what its bundle promises, without reading a layer: one that is installed already, of which nothing
/// will be done if the promise holds, and one of a stream, whose layers come later. That promise is compared when they have.
fn promised(host: &Host, app: &BundledApp, installed: &[Installed], streamed: bool) -> Result<Option<Release>> {
    let Some(meta) = app.meta else {
        let reference = app.reference.clone();
        return if streamed { Err(Error::NoPromise { reference }) } else { Ok(None) };
    };
    let (_, config) = dam_oci::config(&*app.image)?;
    let diff_ids = config.rootfs.diff_ids.clone();
    let is_there = installed.iter().any(|one| {
        one.release.app.reference == app.reference && one.release.meta == meta && one.release.diff_ids == diff_ids
    });
    let kept = match (host.keep.get(&meta), streamed) {
        (Ok(kept), _) if is_there || streamed => kept,
        (Err(_), true) => KeptMeta { digest: meta, hooks: app.hooks.clone(), description: None },
        _ => return Ok(None),
    };
    let described = describe(&app.reference, &config.config.labels, &kept)?;
    let image = ImageId(app.image.manifest().config.digest);
    Ok(Some(Release { app: described, image, meta, diff_ids, size: app.unpacked, store: None }))
}
