//! What `docker save` writes, and with it DAM 1.x: a `manifest.json` that lists configs and layer tars.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::archive::image::ArchiveImage;
use crate::archive::name::{clean_member, show};
use crate::archive::{ArchiveFault, ArchivedImage, Members, oci};
use crate::{BlobFault, Compression, Config, Descriptor, Digest, Error, Manifest, Result, media_type};

/// An image of `manifest.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Saved {
    pub(super) config: String,
    pub(super) repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
}

/// Reads `manifest.json`; `None` if the archive has none.
pub(super) fn saved(members: &Members) -> Result<Option<Vec<Saved>>> {
    let Some(bytes) = members.bytes("manifest.json")? else { return Ok(None) };
    let saved: Vec<Saved> = oci::parse(members, "manifest.json", &bytes)?;
    let names: usize = saved.iter().map(|saved| 1 + saved.repo_tags.as_ref().map_or(0, Vec::len)).sum();
    oci::check_count(members, "manifest.json", names)?;
    Ok(Some(saved))
}

/// Adds the images of `manifest.json` to those of the OCI layout in the same archive: names to what is known by its
/// config, the rest with a manifest that is made up.
pub(super) fn add(members: &Arc<Members>, saved: Vec<Saved>, images: &mut Vec<ArchivedImage>) -> Result<()> {
    for saved in saved {
        let config = members.bytes_at(find(members, "image config", &saved.config)?)?;
        let digest = Digest::of(&config);
        check_name(members, &saved.config, digest)?;
        let at = match images.iter().position(|known| known.image.manifest().config.digest == digest) {
            Some(at) => at,
            None => {
                images.push(open(members, &saved, &config)?);
                images.len() - 1
            }
        };
        saved.repo_tags.iter().flatten().for_each(|name| images[at].name(name));
    }
    Ok(())
}

/// Makes an image of a config and the layers beside it.
fn open(members: &Arc<Members>, saved: &Saved, bytes: &[u8]) -> Result<ArchivedImage> {
    let config: Config = oci::parse(members, &saved.config, bytes)?;
    let layers = saved.layers.as_deref().unwrap_or_default();
    let diff_ids = &config.rootfs.diff_ids;
    if layers.len() != diff_ids.len() {
        let reason = format!("`manifest.json` lists {} layers and the config {}", layers.len(), diff_ids.len());
        return Err(Error::damaged(members.name(), reason));
    }
    let mut blobs = BTreeMap::new();
    let mut descriptors = Vec::with_capacity(layers.len());
    for (at, (name, &diff_id)) in layers.iter().zip(diff_ids).enumerate() {
        let index = find(members, &format!("layer {}", at + 1), name)?;
        let (compression, digest) = members.packed(index)?.unwrap_or((Compression::None, diff_id));
        blobs.insert(digest, index);
        descriptors.push(Descriptor::new(compression.layer_media_type(), digest, members.size_at(index)));
    }
    let config = Descriptor::of(media_type::CONFIG, bytes);
    blobs.insert(config.digest, find(members, "image config", &saved.config)?);
    let manifest = Manifest::new(config, descriptors);
    let bytes = manifest.to_bytes();
    let digest = Digest::of(&bytes);
    let image = Arc::new(ArchiveImage::new(Arc::clone(members), bytes, manifest, blobs));
    Ok(ArchivedImage { references: Vec::new(), unreadable: Vec::new(), manifest: digest, absent: Vec::new(), image })
}

/// Checks a config against the digest in its name, where there is one: no other document vouches for it. Docker and podman
/// write `<hex>.json`, Docker from 25 on `blobs/sha256/<hex>`, crane `sha256:<hex>`.
fn check_name(members: &Members, name: &str, found: Digest) -> Result<()> {
    let stem = name.strip_suffix(".json").unwrap_or(name);
    let hex = stem.rsplit(['/', ':']).next().unwrap_or(stem);
    match Digest::from_hex(hex) {
        Ok(digest) if digest != found => {
            let (what, fault) = ("image config".to_owned(), BlobFault::Mismatch { digest, found });
            Err(members.refuse(ArchiveFault::Blob { what, fault }))
        }
        _ => Ok(()),
    }
}

/// Finds a member that `manifest.json` names.
fn find(members: &Members, what: &str, name: &str) -> Result<usize> {
    let refuse = |reason| members.refuse(ArchiveFault::Name { name: show(name.as_bytes()), reason });
    let clean = clean_member(name.as_bytes()).map_err(refuse)?;
    let missing = || members.refuse(ArchiveFault::Missing { what: what.to_owned(), name: show(name.as_bytes()) });
    members.find(&clean)?.ok_or_else(missing)
}
