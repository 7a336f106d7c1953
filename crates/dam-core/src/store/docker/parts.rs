//! Loading an image in parts.
//!
//! A classic Docker store unpacks a whole request into its temp folder before it looks at it. So a large image is sent as
//! several loads: first images of the lowest layers, of some more, and so on, then the image itself, for which all layers
//! below the last batch are there by then. The temp folder holds one batch at a time, and a load that is cut off goes on
//! where it was. The images on the way have no tag and the label [`LABEL`]; they are removed after the last load, by the
//! next load of the same image, or by [`crate::store::Store::forget_parts`]. They are in no list that people see.

use std::collections::BTreeSet;
use std::io::Read;

use dam_oci::{Config, Descriptor, Digest, Error, Image, Manifest, config, media_type};
use serde_json::json;

use super::DockerStore;
use super::client::Ask;
use super::images::read_id;
use super::wire::ImageRow;
use crate::Result;
use crate::event::{Event, Reporter, Warning};
use crate::store::{ImageId, ListedImage};

/// The label of a part; its value is the id of the image it is a part of.
pub(super) const LABEL: &str = "dam.part";

/// Unpacked bytes from which on an image is sent in parts, and of each part where its layers allow it.
pub(super) const PART_SIZE: u64 = 256 << 20;

/// Returns the image a row is a part of, if it is one.
pub(super) fn part_of(image: &ListedImage) -> Option<Digest> {
    image.labels.get(LABEL).map(|whole| whole.parse().unwrap_or(image.id.0))
}

/// Says where to cut: after how many layers, from the base up, each load ends; the last is the image itself. `sizes` are
/// the bytes that are sent of each layer, 0 where it is there already. No load takes more than `limit`, or than its largest
/// layer, and a sixteenth of `limit`: an engine needs a tenth of a second for any load, which a few more files are not worth.
pub(super) fn cuts(sizes: &[u64], limit: u64) -> Vec<usize> {
    let mut cuts = Vec::new();
    let (mut batch, mut largest): (u64, u64) = (0, 0);
    for (at, &size) in sizes.iter().enumerate() {
        let most = limit.max(largest).saturating_add(limit / 16);
        if size > 0 && batch > 0 && size > most.saturating_sub(batch) {
            cuts.push(at);
            (batch, largest) = (0, 0);
        }
        batch = batch.saturating_add(size);
        largest = largest.max(size);
    }
    cuts.push(sizes.len());
    cuts
}

/// The lowest layers of an image, as an image.
pub(super) struct Part<'a> {
    whole: &'a dyn Image,
    bytes: Vec<u8>,
    manifest: Manifest,
    config: Vec<u8>,
}

impl<'a> Part<'a> {
    /// Takes the lowest `count` layers.
    pub(super) fn of(whole: &'a dyn Image, count: usize) -> Result<Self, Error> {
        let (_, Config { architecture, os, variant, rootfs, .. }) = config(whole)?;
        let mut config = json!({
            "architecture": architecture,
            "os": os,
            "config": { "Labels": { LABEL: whole.manifest().config.digest } },
            "rootfs": { "type": "layers", "diff_ids": rootfs.diff_ids[..count] },
        });
        if let Some(variant) = variant {
            config["variant"] = variant.into();
        }
        let config = config.to_string().into_bytes();
        let layers = whole.manifest().layers[..count].to_vec();
        let manifest = Manifest::new(Descriptor::of(media_type::CONFIG, &config), layers);
        Ok(Self { whole, bytes: manifest.to_bytes(), manifest, config })
    }

    /// Returns the id a classic store knows it by.
    pub(super) fn id(&self) -> ImageId {
        ImageId(self.manifest.config.digest)
    }
}

impl Image for Part<'_> {
    fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open_unverified(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>, Error> {
        if blob.digest == self.manifest.config.digest {
            return Ok(Box::new(&self.config[..]));
        }
        self.whole.open_unverified(blob)
    }

    fn unpacked_size(&self, layer: &Descriptor) -> Option<u64> {
        self.whole.unpacked_size(layer)
    }

    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.whole.visit_unverified(wanted, visit)
    }
}

impl DockerStore {
    /// Removes the parts of an image that is whole now: those that were just `sent`, and what an earlier load left. What
    /// stays is only told of.
    pub(super) fn drop_parts(&self, whole: ImageId, sent: Vec<ImageId>, reporter: &dyn Reporter) {
        let mut parts = BTreeSet::from_iter(sent);
        self.known.note(|inventory| parts.extend(inventory.parts_of(whole.0)));
        for part in parts {
            if let Err(error) = self.delete_image(part) {
                let what = format!("the engine keeps part {part} of an image that is loaded: {error}");
                reporter.event(Event::Warning(Warning::Leftover { what: &what }));
            }
        }
    }

    /// Removes all parts of all images, but for those somebody made a container of.
    pub(super) fn drop_all_parts(&self) -> Result<()> {
        let filters = json!({ "label": [LABEL] }).to_string();
        let ask = Ask::new("list the parts of images", "images/json").with("filters", &filters);
        let rows: Vec<ImageRow> = self.client.get_json(&ask)?;
        let is_part =
            |row: &&ImageRow| row.labels.contains_key(LABEL) && self.engine.read_tags(&row.repo_tags).is_empty();
        for row in rows.iter().filter(is_part) {
            match self.delete_image(read_id(&row.id, "list the parts of images")?) {
                Err(crate::Error::ImageInUse { .. }) => {}
                deleted => deleted?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use dam_oci::testing::ImageBuilder;
    use dam_oci::{Image, config};

    use super::{LABEL, Part, cuts};

    #[test]
    fn layers_are_sent_in_batches_that_keep_to_the_limit() {
        assert_eq!(cuts(&[3, 3, 3, 3], 6), [2, 4]);
        assert_eq!(cuts(&[3, 3, 3, 3], 12), [4]);
        assert_eq!(cuts(&[9, 1, 9, 9], 6), [1, 2, 3, 4]);
        assert_eq!(cuts(&[40, 1, 1, 1], 32), [3, 4]);
        assert_eq!(cuts(&[17, 17, 30], 32), [2, 3]);
        assert_eq!(cuts(&[0, 0, 9, 0, 9], 6), [4, 5]);
        assert_eq!(cuts(&[u64::MAX, u64::MAX], 6), [1, 2]);
        assert_eq!(cuts(&[], 6), [0]);
    }

    #[test]
    fn a_part_is_an_image_of_the_lowest_layers() {
        let image = ImageBuilder::app().layer().file("a", 0o644, "a").layer().file("b", 0o644, "b").build();
        let part = Part::of(&image, 2).expect("a sound image");
        let (_, found) = config(&part).expect("a sound config");
        assert_eq!(found.rootfs.diff_ids, config(&image).expect("sound").1.rootfs.diff_ids[..2]);
        assert_eq!(found.config.labels[LABEL], image.manifest().config.digest.to_string());
        assert_eq!(found.platform().to_string(), "linux/amd64");
        assert_eq!(part.id(), Part::of(&image, 2).expect("a sound image").id());
    }
}
