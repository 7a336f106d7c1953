//! The layers of an app of a bundle, by what documents say of them.

use dam_oci::{Digest, config};

use super::{BundledApp, HeadLayer};
use crate::Result;

impl BundledApp {
    /// Lists the layers, base first. Nothing of them is read: the unpacked length is told where a document tells it, or
    /// where the layer is not packed.
    ///
    /// # Errors
    /// Those of [`dam_oci::config`].
    pub fn layers(&self) -> Result<Vec<HeadLayer>> {
        let (_, config) = config(&*self.image)?;
        let layers = self.image.manifest().layers.iter().zip(config.rootfs.diff_ids);
        let layer = |(layer, diff_id): (&dam_oci::Descriptor, Digest)| {
            let raw = (layer.digest == diff_id).then_some(layer.size);
            HeadLayer {
                diff_id,
                digest: layer.digest,
                size: layer.size,
                unpacked_size: raw.or_else(|| self.image.unpacked_size(layer)),
                media_type: layer.media_type.clone(),
            }
        };
        Ok(layers.map(layer).collect())
    }
}
