//! `dam push`: apps of files and of this machine into a registry.

mod destination;
mod fault;
mod outcome;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dam_oci::registry::{Pushed, Registry, Server};
use dam_oci::{Digest, Image, Reference};

use super::Target;
use crate::app::{AppId, NameFault};
use crate::cache::{Cache, Packing};
use crate::event::{Event, Reporter};
use crate::host::Cancel;
use crate::ledger::Ledger;
use crate::repo::Registries;
use crate::store::Store;
use crate::{Error, Result};

pub use destination::{Destination, DestinationFault};
pub use fault::PushFault;
pub use outcome::{PushOutcome, PushedApp};

use source::{Source, has_zstd};

/// How often an app is tried anew because something in the cache is damaged. Each try finds the next of it.
const TRIES: usize = 127;

/// What to push, and where to.
#[derive(Debug, Clone)]
pub struct PushRequest {
    /// Files, of which all apps are meant, and images of this machine.
    pub what: Vec<Target>,
    /// The registry.
    pub to: Destination,
    /// The form layers get. What has it keeps every byte, and with that its digest.
    pub packing: Packing,
    /// Only finds out what would be sent.
    pub dry_run: bool,
}

/// Where a push finds its things.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// The images of this machine; files need none.
    pub store: Option<&'a dyn Store>,
    /// What is installed, if anything is.
    pub ledger: Option<&'a Ledger>,
    /// Compressed layers from earlier on.
    pub cache: &'a Cache,
    /// The repos, and the way to them.
    pub registries: &'a Registries,
    /// The wish to stop.
    pub cancel: &'a Cancel,
}

/// Pushes apps, one after the other; each is called there as it is here, under the registry's address. Blobs that the registry
/// has are not sent, and those that came with an app before are taken from there. An app's name is there when all of it is.
///
/// # Errors
/// [`PushFault`]; [`Error::NoTag`] for what is not on this machine; those of opening a file; those of
/// [`Registry::push`]; [`Error::Cancelled`]. What had arrived by then stays there, and another push goes on from it.
pub fn push(tools: Tools, request: &PushRequest, reporter: &dyn Reporter) -> Result<PushOutcome> {
    if tools.registries.is_offline() {
        return Err(PushFault::Offline.into());
    }
    let (to, registry) = request.to.open(tools.registries)?;
    // What is compressed for the first app must still be there for the last.
    let _spared = tools.cache.spare();
    let pushed = push_all(tools, request, &to, &registry, reporter);
    // What a wish to stop breaks reports itself as a failed read or request.
    let apps = pushed.map_err(|error| if tools.cancel.is_set() { Error::Cancelled } else { error })?;
    let bytes = apps.iter().map(|app| app.bytes).sum();
    Ok(PushOutcome { to, dry_run: request.dry_run, apps, bytes })
}

fn push_all(
    tools: Tools,
    request: &PushRequest,
    to: &Server,
    registry: &Registry,
    reporter: &dyn Reporter,
) -> Result<Vec<PushedApp>> {
    let parcels = address(source::find(tools, &request.what, reporter)?, to)?;
    let mut elsewhere = BTreeMap::new();
    let mut apps = Vec::with_capacity(parcels.len());
    for parcel in parcels {
        tools.cancel.check()?;
        let mut result = push_one(tools, request, (registry, &parcel), &elsewhere, reporter);
        for _ in 0..TRIES {
            match &result {
                Err(Error::Oci(dam_oci::Error::Blob(fault))) if tools.cache.discard(fault.digest()) => {}
                _ => break,
            }
            result = push_one(tools, request, (registry, &parcel), &elsewhere, reporter);
        }
        let (pushed, blobs, zstd) = result?;
        for blob in blobs {
            elsewhere.entry(blob).or_insert_with(|| parcel.reference.repository().to_owned());
        }
        apps.push(PushedApp::new(parcel.app, parcel.reference, pushed, zstd));
    }
    Ok(apps)
}

/// An image with its address.
struct Parcel {
    app: AppId,
    /// What it is to be called there.
    reference: Reference,
    image: Arc<dyn Image>,
}

/// Says what each image is to be called there. One that is named twice is pushed once.
fn address(sources: Vec<Source>, to: &Server) -> Result<Vec<Parcel>> {
    let mut known: BTreeMap<Reference, Digest> = BTreeMap::new();
    let mut parcels = Vec::with_capacity(sources.len());
    for Source { reference, image } in sources {
        let app = AppId::of(&reference).ok_or_else(|| NameFault::NoVersion(reference.to_string()))?;
        let reference = to.reference(app.name.as_str(), Some(app.version.as_str())).map_err(dam_oci::Error::from)?;
        match known.insert(reference.clone(), image.manifest().config.digest) {
            None => parcels.push(Parcel { app, reference, image: Arc::from(image) }),
            Some(same) if same == image.manifest().config.digest => {}
            Some(_) => return Err(PushFault::Twice(reference).into()),
        }
    }
    Ok(parcels)
}

/// Pushes one image. Returns what came of it, its blobs, and whether layers are in zstd.
fn push_one(
    tools: Tools,
    request: &PushRequest,
    (registry, Parcel { reference, image, .. }): (&Registry, &Parcel),
    elsewhere: &BTreeMap<Digest, String>,
    reporter: &dyn Reporter,
) -> Result<(Pushed, BTreeSet<Digest>, bool)> {
    let image = source::pack(tools, Box::new(Arc::clone(image)), request.packing, reporter)?;
    let manifest = image.manifest();
    let sizes: BTreeMap<Digest, u64> =
        manifest.layers.iter().chain([&manifest.config]).map(|blob| (blob.digest, blob.size)).collect();
    let name = format!("{}:{}", reference.repository(), reference.tag().unwrap_or_default());
    let what = if request.dry_run { format!("compare {name}") } else { format!("push {name}") };
    let total = (!request.dry_run).then(|| sizes.values().sum());
    reporter.event(Event::Started { what: &what, total });
    let pushed = match request.dry_run {
        true => registry.compare(&*image, reference, elsewhere),
        false => registry.push(&*image, reference, elsewhere, &|bytes| reporter.event(Event::Advanced { bytes })),
    };
    reporter.event(Event::Finished);
    Ok((pushed?, sizes.into_keys().collect(), has_zstd(&*image)))
}
