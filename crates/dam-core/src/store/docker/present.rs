//! Which layers an engine has already.
//!
//! A classic store looks a layer up by what lies below it too, so a layer counts only where all below it are the same.
//! Docker 20.10 and 26 take an archive that names such layers and leaves their files out. Podman wants every file, and
//! containerd's store would lack the blobs for a later export; both get everything.

use std::collections::BTreeSet;

use dam_oci::{Digest, Image};

use super::DockerStore;
use super::archive::Form;
use crate::Result;

/// The number of images that are asked about; each costs a request of a millisecond or two.
const IMAGES_LIMIT: usize = 200;
/// Bytes of layers, as they are stored, for which asking pays.
const WORTHWHILE: u64 = 4 << 20;

impl DockerStore {
    /// Returns the layers of `image` that need not be sent.
    pub(super) fn present_layers(&self, image: &dyn Image) -> Result<BTreeSet<Digest>> {
        let size: u64 = image.manifest().layers.iter().map(|layer| layer.size).sum();
        if self.engine.is_podman || self.engine.form() == Form::Layout || size < WORTHWHILE {
            return Ok(BTreeSet::new());
        }
        let (_, config) = dam_oci::config(image)?;
        let wanted = config.rootfs.diff_ids;
        let mut shared = 0;
        for listed in self.list_images()?.iter().take(IMAGES_LIMIT) {
            let Some(inspected) = self.inspect(&listed.id.to_string())? else { continue };
            let held = self.stored(inspected)?.diff_ids;
            shared = shared.max(wanted.iter().zip(&held).take_while(|(wanted, held)| wanted == held).count());
            if shared == wanted.len() {
                break;
            }
        }
        let (below, above) = wanted.split_at(shared);
        // A layer may occur once more higher up, where the engine does not know it.
        Ok(below.iter().filter(|layer| !above.contains(layer)).copied().collect())
    }
}
