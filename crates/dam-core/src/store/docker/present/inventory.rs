//! What an engine holds, as far as a load has to know.

use std::collections::{HashMap, HashSet};

use dam_oci::{Digest, Hasher};

use crate::store::ImageId;

/// The images an engine held when it was asked, and what was loaded since. It may be stale: others use the engine, too.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Inventory {
    /// The layers of each image, base first: DiffIDs in classic stores, digests of blobs in containerd's. Empty where
    /// they are not known.
    images: HashMap<ImageId, Vec<Digest>>,
    /// Names of layers that stand for all below them, too.
    stacks: HashSet<Digest>,
    /// Parts of images that were sent one by one, each with the image it is a part of.
    parts: HashMap<ImageId, Digest>,
}

impl Inventory {
    /// Notes an image and its layers, base first.
    pub(in super::super) fn add(&mut self, id: ImageId, layers: Vec<Digest>) {
        self.stacks.extend(stacks(&layers));
        self.images.insert(id, layers);
    }

    /// Notes that an image is gone, and with it the layers that no other image has.
    pub(in super::super) fn forget(&mut self, id: ImageId) {
        self.parts.remove(&id);
        if self.images.remove(&id).is_some() {
            self.stacks = self.images.values().flat_map(|layers| stacks(layers)).collect();
        }
    }

    /// Tells whether an image is there.
    pub(in super::super) fn holds(&self, id: ImageId) -> bool {
        self.images.contains_key(&id)
    }

    /// Returns how many of `layers`, from the base up, are there on top of the same ones.
    pub(in super::super) fn shared(&self, layers: &[Digest]) -> usize {
        stacks(layers).take_while(|stack| self.stacks.contains(stack)).count()
    }

    /// Returns an image that has a layer, whatever is below it there. Whole images come before parts.
    pub(in super::super) fn image_with(&self, layer: Digest) -> Option<ImageId> {
        let with = self.images.iter().filter(|(_, layers)| layers.contains(&layer)).map(|(id, _)| *id);
        with.min_by_key(|id| (self.parts.contains_key(id), *id))
    }

    /// Notes a part of the image `whole`.
    pub(in super::super) fn add_part(&mut self, id: ImageId, whole: Digest) {
        self.parts.insert(id, whole);
    }

    /// Returns the parts of an image, sorted.
    pub(in super::super) fn parts_of(&self, whole: Digest) -> Vec<ImageId> {
        let mut parts: Vec<ImageId> =
            self.parts.iter().filter(|(_, of)| **of == whole).map(|(part, _)| *part).collect();
        parts.sort();
        parts
    }
}

/// Names each layer together with all below it: the first by itself, each next one by the one below and its own. This is
/// the ChainID of <https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md#layer-chainid>.
fn stacks(layers: &[Digest]) -> impl Iterator<Item = Digest> {
    let mut below: Option<Digest> = None;
    layers.iter().map(move |layer| {
        let stack = match below {
            None => *layer,
            Some(below) => {
                let mut hasher = Hasher::default();
                hasher.update(format!("{below} {layer}").as_bytes());
                hasher.finish()
            }
        };
        below = Some(stack);
        stack
    })
}

#[cfg(test)]
mod tests {
    use dam_oci::Digest;

    use super::Inventory;
    use crate::store::ImageId;

    fn layers(names: &str) -> Vec<Digest> {
        names.bytes().map(|name| Digest::of(&[name])).collect()
    }

    fn id(name: &str) -> ImageId {
        ImageId(Digest::of(name.as_bytes()))
    }

    #[test]
    fn a_layer_counts_where_all_below_it_are_the_same() {
        let mut inventory = Inventory::default();
        inventory.add(id("one"), layers("abc"));
        inventory.add(id("two"), layers("abd"));
        assert_eq!(inventory.shared(&layers("abdx")), 3);
        assert_eq!(inventory.shared(&layers("ba")), 0);
        assert_eq!(inventory.shared(&layers("aab")), 1);
        inventory.forget(id("two"));
        assert_eq!(inventory.shared(&layers("abdx")), 2);
        inventory.forget(id("one"));
        inventory.forget(id("one"));
        assert_eq!(inventory.shared(&layers("abdx")), 0);
    }

    #[test]
    fn whole_images_lend_their_layers_before_parts() {
        let mut inventory = Inventory::default();
        for part in ["p", "q"] {
            inventory.add(id(part), layers("a"));
            inventory.add_part(id(part), Digest::of(b"whole"));
        }
        assert_eq!(inventory.parts_of(Digest::of(b"whole")).len(), 2);
        assert_eq!(inventory.parts_of(Digest::of(b"other")), []);
        assert!(inventory.image_with(layers("a")[0]).is_some());
        inventory.add(id("whole"), layers("ab"));
        assert_eq!(inventory.image_with(layers("a")[0]), Some(id("whole")));
        assert_eq!(inventory.image_with(layers("c")[0]), None);
    }
}
