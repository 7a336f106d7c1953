//! What dam's own stores say of an image, read from the image itself.

use dam_oci::{Digest, Image, Reference, config};

use super::{ImageId, ListedImage, StoredImage};
use crate::Result;

/// Describes `image` as it stands under `id`; its size is what is stored: manifest, config and layers.
pub(crate) fn describe(id: ImageId, mut tags: Vec<Reference>, image: &dyn Image) -> Result<StoredImage> {
    let (_, config) = config(image)?;
    let manifest = image.manifest();
    let mut blobs: Vec<(Digest, u64)> =
        manifest.layers.iter().chain([&manifest.config]).map(|blob| (blob.digest, blob.size)).collect();
    blobs.sort_unstable();
    blobs.dedup();
    tags.sort();
    Ok(StoredImage {
        id,
        tags,
        platform: config.platform(),
        labels: config.config.labels,
        diff_ids: config.rootfs.diff_ids,
        size: blobs.iter().map(|(_, size)| size).sum::<u64>() + image.manifest_bytes().len() as u64,
        created: config.created,
    })
}

impl From<StoredImage> for ListedImage {
    fn from(StoredImage { id, tags, labels, size, .. }: StoredImage) -> Self {
        Self { id, tags, labels, size }
    }
}

/// Returns the tag that `reference` stands for: without a digest, and `latest` where it names none.
pub(crate) fn tag_of(reference: &Reference) -> Reference {
    reference.with_tag(reference.tag().unwrap_or("latest")).expect("the parts of a reference make one")
}
