//! What loads into an engine would take.

use std::collections::BTreeSet;

use dam_oci::{Digest, Image, Layer, layers};

use super::DockerStore;
use super::archive::Form;
use super::parts::cuts;
use super::present::{Inventory, left_out};
use crate::Result;
use crate::store::{Demand, ImageDemand, ImageId};

/// An image, as far as its demand depends on it.
struct Asked {
    id: ImageId,
    /// Its layers as the store names them, base first.
    names: Vec<Digest>,
    /// Each layer once.
    layers: Vec<Layer>,
    /// Unpacked bytes of each of `layers`.
    plain: Vec<u64>,
}

impl DockerStore {
    /// Counts what loading these images would take.
    ///
    /// A classic store keeps a layer apart for each stack of layers below it; containerd's keeps the packed blob and the
    /// unpacked files. Podman unpacks nothing it has, but is sent all of it, and keeps the request and a copy of its layers
    /// in its temp folder.
    pub(super) fn count_demand(&self, images: &[&dyn Image]) -> Result<Demand> {
        let mut asked = Vec::with_capacity(images.len());
        for image in images {
            let layers = layers(*image)?;
            let plain = |layer: &Layer| self.plain_size(*image, layer).unwrap_or(layer.blob.size);
            let plain = layers.iter().map(plain).collect();
            asked.push(Asked { id: self.id_of(*image), names: self.lasting_names(*image)?, layers, plain });
        }
        self.with_inventory(|inventory| {
            // What earlier images bring is there for later ones.
            let mut held = inventory.clone();
            let mut demand = Demand::default();
            for image in &asked {
                let (one, stays, passing) = match self.engine.form() {
                    _ if held.holds(image.id) => (ImageDemand::default(), 0, 0),
                    Form::Layout => image.blobs(&held),
                    Form::Plain if self.engine.is_podman => image.everything(&held),
                    Form::Plain => image.stack(&held, self.part_size),
                };
                demand.add(one, stays);
                demand.passing = demand.passing.max(passing);
                held.add(image.id, image.names.clone());
            }
            demand
        })
    }

    /// Returns the bytes of a layer when unpacked, as far as that is known without reading it.
    pub(super) fn plain_size(&self, image: &dyn Image, layer: &Layer) -> Option<u64> {
        // A blob that is its own DiffID is not compressed.
        let plain = (layer.blob.digest == layer.diff_id).then_some(layer.blob.size);
        plain.or_else(|| image.unpacked_size(&layer.blob)).or_else(|| self.unpacked_size(layer.diff_id))
    }
}

impl Asked {
    /// Containerd's store: blobs go straight to their place.
    fn blobs(&self, held: &Inventory) -> (ImageDemand, u64, u64) {
        let mut one = ImageDemand::default();
        let mut stays: u64 = 0;
        for (layer, plain) in self.layers.iter().zip(&self.plain) {
            if held.image_with(layer.blob.digest).is_none() {
                one.send = one.send.saturating_add(layer.blob.size);
                one.layers_sent += 1;
                stays = stays.saturating_add(layer.blob.size).saturating_add(*plain);
            }
        }
        (one, stays, 0)
    }

    /// A classic store: layers above the shared ones, in batches.
    fn stack(&self, held: &Inventory, part_size: u64) -> (ImageDemand, u64, u64) {
        let shared = held.shared(&self.names);
        let (sizes, layers_sent) = self.sizes(&left_out(&self.names, shared));
        let mut passing = 0;
        let mut from = 0;
        for cut in cuts(&sizes, part_size) {
            passing = passing.max(sum(&sizes[from..cut]));
            from = cut;
        }
        (ImageDemand { send: sum(&sizes), layers_sent }, self.stays(shared), passing)
    }

    /// Podman: all of it.
    fn everything(&self, held: &Inventory) -> (ImageDemand, u64, u64) {
        let (sizes, layers_sent) = self.sizes(&BTreeSet::new());
        let send = sum(&sizes);
        (ImageDemand { send, layers_sent }, self.stays(held.shared(&self.names)), send.saturating_mul(2))
    }

    /// Returns the bytes that are sent of the layer at each position, and how many layers these are. A layer that occurs
    /// twice is sent once.
    fn sizes(&self, left_out: &BTreeSet<Digest>) -> (Vec<u64>, usize) {
        let mut seen = left_out.clone();
        let mut count = 0;
        let size = |name: &Digest| {
            let is_sent = seen.insert(*name);
            count += usize::from(is_sent);
            if is_sent { self.plain(*name) } else { 0 }
        };
        (self.names.iter().map(size).collect(), count)
    }

    /// Returns the bytes of the layers above the `shared` lowest.
    fn stays(&self, shared: usize) -> u64 {
        self.names[shared..].iter().map(|name| self.plain(*name)).fold(0, u64::saturating_add)
    }

    fn plain(&self, name: Digest) -> u64 {
        let at = self.layers.iter().position(|layer| layer.diff_id == name);
        at.map_or(0, |at| self.plain[at])
    }
}

/// Sums what nobody has checked.
fn sum(sizes: &[u64]) -> u64 {
    sizes.iter().copied().fold(0, u64::saturating_add)
}
