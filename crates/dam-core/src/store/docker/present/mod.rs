//! Which layers an engine has already.
//!
//! A classic store looks a layer up by what lies below it too, so a layer counts only where all below it are the same.
//! Docker 20.10 and 26 take an archive that names such layers and leaves their files out. Podman wants every file.
//! Containerd's store takes an OCI layout without the blobs it has, but does not say which these are: dam remembers the
//! manifests it has seen there, and counts on those whose image is listed as whole ([`whole`] says how that is known, and
//! that every image is looked at after a load that counted on something).
//!
//! The engine is asked once. The answer is kept as long as the store, and follows what dam itself loads and removes; what
//! others do meanwhile shows when a load that counted on a layer is refused, and is then sent whole.

mod inventory;
mod whole;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};

use dam_oci::{Digest, Image, Manifest, config};

use super::archive::Form;
use super::parts::part_of;
use super::{DockerStore, Engine};
use crate::Result;
use crate::store::ImageId;

pub(super) use inventory::Inventory;

/// The number of images that are asked about; each costs a request of a millisecond or two, once.
const IMAGES_LIMIT: usize = 1000;
/// Bytes of layers, as they are stored, for which asking pays. What is known by then is made use of in any case.
const WORTHWHILE: u64 = 4 << 20;

/// What is known of an engine's images; nothing before it was asked.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<Option<Inventory>>);

impl Known {
    fn lock(&self) -> MutexGuard<'_, Option<Inventory>> {
        self.0.lock().expect("nothing panics while it holds the inventory")
    }

    /// Notes what has changed, if the engine was asked before.
    pub(super) fn note(&self, change: impl FnOnce(&mut Inventory)) {
        if let Some(inventory) = &mut *self.lock() {
            change(inventory);
        }
    }

    /// Tells whether the engine was asked.
    fn is_taken(&self) -> bool {
        self.lock().is_some()
    }

    /// Forgets everything, so that the engine is asked again.
    pub(super) fn doubt(&self) {
        *self.lock() = None;
    }
}

impl Engine {
    /// Names the layers of an image, base first, as the engine's store knows them.
    pub(super) fn names(&self, image: &dyn Image) -> Result<Vec<Digest>> {
        Ok(match self.form() {
            Form::Plain => config(image)?.1.rootfs.diff_ids,
            Form::Layout => image.manifest().layers.iter().map(|layer| layer.digest).collect(),
        })
    }
}

impl DockerStore {
    /// Hands over what is known of the engine's images, for which it is asked if it was not yet.
    pub(super) fn with_inventory<T>(&self, look: impl FnOnce(&mut Inventory) -> T) -> Result<T> {
        let mut known = self.known.lock();
        let mut inventory = match known.take() {
            Some(inventory) => inventory,
            None => self.take_inventory()?,
        };
        let seen = look(&mut inventory);
        *known = Some(inventory);
        Ok(seen)
    }

    fn take_inventory(&self) -> Result<Inventory> {
        match self.engine.form() {
            Form::Plain => self.inspect_images(),
            Form::Layout => self.remember_images(),
        }
    }

    /// Asks a classic store for the layers of each image.
    fn inspect_images(&self) -> Result<Inventory> {
        let mut inventory = Inventory::default();
        for (at, listed) in self.list_images()?.into_iter().enumerate() {
            let layers = match at {
                IMAGES_LIMIT.. => Vec::new(),
                _ => match self.inspect(&listed.id.to_string())? {
                    Some(inspected) => self.stored(inspected)?.diff_ids,
                    None => continue,
                },
            };
            inventory.add(listed.id, layers);
            if let Some(whole) = part_of(&listed) {
                inventory.add_part(listed.id, whole);
            }
        }
        Ok(inventory)
    }

    /// Lists the images of containerd's store, and remembers what their manifests say.
    fn remember_images(&self) -> Result<Inventory> {
        let mut inventory = Inventory::default();
        for id in self.whole_images()? {
            inventory.add(id, self.cache.manifest(id.0).as_deref().and_then(blobs).unwrap_or_default());
        }
        Ok(inventory)
    }

    /// Returns the layers of `image` that need not be sent, by the names the store knows them by.
    pub(super) fn present_layers(&self, image: &dyn Image) -> Result<BTreeSet<Digest>> {
        let size: u64 = image.manifest().layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.size));
        if self.engine.is_podman || (size < WORTHWHILE && !self.known.is_taken()) {
            return Ok(BTreeSet::new());
        }
        self.held_layers(image)
    }

    /// Returns the layers of `image` that an archive may leave out, however small they are.
    pub(super) fn held_layers(&self, image: &dyn Image) -> Result<BTreeSet<Digest>> {
        let layers = self.engine.names(image)?;
        self.with_inventory(|inventory| match self.engine.form() {
            Form::Plain => left_out(&layers, inventory.shared(&layers)),
            Form::Layout => layers.into_iter().filter(|layer| inventory.image_with(*layer).is_some()).collect(),
        })
    }

    /// Tells whether the engine has an image that need not be sent. One of containerd's store may be there and lack blobs.
    pub(super) fn is_present(&self, id: ImageId) -> Result<bool> {
        let is_whole = || match self.engine.form() {
            Form::Layout if self.tells_whole() => self.with_inventory(|inventory| inventory.holds(id)),
            _ => Ok(true),
        };
        Ok(self.inspect(&id.to_string())?.is_some() && is_whole()?)
    }

    /// Notes an image that was loaded.
    pub(super) fn note_loaded(&self, id: ImageId, image: &dyn Image) -> Result<()> {
        let layers = self.lasting_names(image)?;
        if self.engine.form() == Form::Layout {
            self.cache.put_manifest(image.manifest_bytes());
        }
        self.known.note(|inventory| inventory.add(id, layers));
        Ok(())
    }

    /// Names the layers of an image that later loads may count on: none where the engine does not tell whether it is whole.
    pub(super) fn lasting_names(&self, image: &dyn Image) -> Result<Vec<Digest>> {
        match self.engine.form() {
            Form::Layout if !self.tells_whole() => Ok(Vec::new()),
            _ => self.engine.names(image),
        }
    }
}

/// Returns the first `shared` of `layers`, but for those that occur once more higher up, where the engine does not know
/// them.
pub(super) fn left_out(layers: &[Digest], shared: usize) -> BTreeSet<Digest> {
    let (below, above) = layers.split_at(shared);
    below.iter().filter(|layer| !above.contains(layer)).copied().collect()
}

/// Reads the digests of the layers of a manifest.
fn blobs(manifest: &[u8]) -> Option<Vec<Digest>> {
    let manifest: Manifest = serde_json::from_slice(manifest).ok()?;
    Some(manifest.layers.iter().map(|layer| layer.digest).collect())
}
