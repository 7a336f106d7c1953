//! An OCI layout in a tar.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::archive::image::ArchiveImage;
use crate::archive::{ArchiveFault, ArchivedImage, Members};
use crate::media_type::{is_index, is_manifest};
use crate::{BlobFault, Descriptor, Digest, Error, Index, Manifest, Platform, Reference, Result, VerifyingReader};

/// How deep an index may stand within indexes.
const DEPTH_LIMIT: usize = 4;

/// The most images and names in a list of them.
pub(super) const LINE_LIMIT: usize = 10_000;

/// The annotation of the full name, as containerd writes it.
pub const NAME: &str = "io.containerd.image.name";
/// The annotation of the tag, or of the full name, as others write it.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Returns the images of a layout, each once; `None` if the archive is no layout.
pub(super) fn images(members: &Arc<Members>) -> Result<Option<Vec<ArchivedImage>>> {
    let Some(bytes) = members.bytes("index.json")? else { return Ok(None) };
    let index: Index = parse(members, "index.json", &bytes)?;
    check_count(members, "index.json", index.manifests.len())?;
    let mut images: Vec<ArchivedImage> = Vec::new();
    for entry in for_this_machine(&index.manifests) {
        let manifest = descend(members, entry, DEPTH_LIMIT)?;
        let known = images.iter().position(|image| image.manifest == manifest.digest);
        let at = match known {
            Some(at) => at,
            None => {
                images.push(open(members, &manifest)?);
                images.len() - 1
            }
        };
        if let Some(name) = name_of(entry) {
            images[at].name(&name);
        }
    }
    Ok(Some(images))
}

/// Returns the full name in an entry of `index.json`.
///
/// Docker, containerd and dam write two names that agree. umoci knows only the second: where it makes an image of another, the
/// first is still that of the old one.
pub(crate) fn name_of(entry: &Descriptor) -> Option<Cow<'_, str>> {
    let annotation = |key| entry.annotations.get(key).map(String::as_str);
    // A bare tag names no image: Docker and skopeo write such beside, or in place of, the full name.
    let (name, short) = match (annotation(NAME), annotation(REF_NAME)) {
        (Some(name), Some(short)) => (name, short),
        (Some(name), None) => return Some(Cow::Borrowed(name)),
        (None, short) => return short.filter(|name| name.contains([':', '/'])).map(Cow::Borrowed),
    };
    let old: Option<Reference> = name.parse().ok();
    let is_newer = |tag: &str| old.as_ref().is_some_and(|old| old.tag().is_some_and(|old| old != tag));
    match short {
        short if short.contains('/') => Some(Cow::Borrowed(short)),
        // A digest, as containerd writes one.
        short if short.contains(':') || !is_newer(short) => Some(Cow::Borrowed(name)),
        tag => match old.and_then(|old| old.with_tag(tag).ok()) {
            Some(newer) => Some(Cow::Owned(newer.canonical())),
            None => Some(Cow::Borrowed(name)),
        },
    }
}

/// Drops entries for other platforms where one of the same name is for this machine.
pub(super) fn for_this_machine(entries: &[Descriptor]) -> impl Iterator<Item = &Descriptor> {
    let served: HashSet<Option<Cow<str>>> = entries.iter().filter(|entry| fits(entry)).map(name_of).collect();
    entries.iter().filter(move |&entry| entry.platform.is_none() || fits(entry) || !served.contains(&name_of(entry)))
}

fn fits(entry: &Descriptor) -> bool {
    let host = Platform::host();
    entry.platform.as_ref().is_some_and(|it| it.os == host.os && it.architecture == host.architecture)
}

/// Follows indexes down to the manifest for this machine.
fn descend(members: &Members, entry: &Descriptor, depth: usize) -> Result<Descriptor> {
    if is_manifest(&entry.media_type) {
        return Ok(entry.clone());
    }
    if !is_index(&entry.media_type) {
        return Err(Error::Unsupported { what: format!("`{}` in {}", entry.media_type, members.name()) });
    }
    if depth == 0 {
        return Err(Error::damaged(members.name(), format!("its indexes are nested more than {DEPTH_LIMIT} deep")));
    }
    let index: Index = parse(members, "index", &blob(members, entry, "index")?)?;
    descend(members, choose(members, &index)?, depth - 1)
}

/// Chooses the entry for this machine; the only one there is will do too, its platform is for the caller to judge.
fn choose<'a>(members: &Members, index: &'a Index) -> Result<&'a Descriptor> {
    // Build records stand beside images, for a platform that is none.
    let is_image =
        |entry: &&Descriptor| entry.platform.as_ref().is_none_or(|platform| platform.architecture != "unknown");
    let offered: Vec<&Descriptor> = index.manifests.iter().filter(is_image).collect();
    match (offered.iter().find(|entry| fits(entry)), &offered[..]) {
        (Some(entry), _) | (None, [entry]) => Ok(entry),
        _ => {
            let platform = |entry: &&Descriptor| entry.platform.as_ref().map_or("any".to_owned(), Platform::to_string);
            let offered = offered.iter().take(20).map(platform).collect::<Vec<_>>().join(", ");
            Err(members.refuse(ArchiveFault::Platform { wanted: Platform::host().to_string(), offered }))
        }
    }
}

/// Opens the image of a manifest.
fn open(members: &Arc<Members>, descriptor: &Descriptor) -> Result<ArchivedImage> {
    let bytes = blob(members, descriptor, "manifest")?;
    let manifest: Manifest = parse(members, "manifest", &bytes)?;
    if members.find(&member_name(manifest.config.digest))?.is_none() {
        let (what, name) = ("image config".to_owned(), member_name(manifest.config.digest));
        return Err(members.refuse(ArchiveFault::Missing { what, name }));
    }
    let mut blobs = BTreeMap::new();
    let mut absent = Vec::new();
    let layers = manifest.layers.iter().enumerate().map(|(at, layer)| (format!("layer {}", at + 1), layer));
    for (what, blob) in layers.chain([("image config".to_owned(), &manifest.config)]) {
        match members.find(&member_name(blob.digest))? {
            Some(index) => {
                check_size(members, what, blob, members.size_at(index))?;
                blobs.insert(blob.digest, index);
            }
            None => absent.push(blob.clone()),
        }
    }
    let image = Arc::new(ArchiveImage::new(Arc::clone(members), bytes, manifest, blobs));
    Ok(ArchivedImage { references: Vec::new(), unreadable: Vec::new(), manifest: descriptor.digest, absent, image })
}

/// Compares the size of a member with what the manifest says: a short one is told before anything is read.
fn check_size(members: &Members, what: String, blob: &Descriptor, found: u64) -> Result<()> {
    let Descriptor { digest, size, .. } = *blob;
    let fault = match found.cmp(&size) {
        Ordering::Equal => return Ok(()),
        Ordering::Less => BlobFault::Short { digest, missing: size - found },
        Ordering::Greater => BlobFault::Long { digest, size },
    };
    Err(members.refuse(ArchiveFault::Blob { what, fault }))
}

/// Reads a JSON blob and checks it.
fn blob(members: &Members, descriptor: &Descriptor, what: &str) -> Result<Vec<u8>> {
    let name = member_name(descriptor.digest);
    let Some(index) = members.find(&name)? else {
        return Err(members.refuse(ArchiveFault::Missing { what: what.to_owned(), name }));
    };
    let bytes = members.bytes_at(index)?;
    let mut checked = Vec::with_capacity(bytes.len());
    match VerifyingReader::new(&bytes[..], descriptor).read_to_end(&mut checked).map_err(Error::stream(what)) {
        Ok(_) => Ok(checked),
        Err(Error::Blob(fault)) => Err(members.refuse(ArchiveFault::Blob { what: what.to_owned(), fault })),
        Err(error) => Err(error),
    }
}

pub(super) fn member_name(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// Refuses documents with so many lines that comparing them would take minutes.
pub(super) fn check_count(members: &Members, name: &str, count: usize) -> Result<()> {
    match count {
        0..=LINE_LIMIT => Ok(()),
        _ => Err(members.refuse(ArchiveFault::Lines { name: name.to_owned(), limit: LINE_LIMIT })),
    }
}

pub(super) fn parse<T: DeserializeOwned>(members: &Members, what: &str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes)
        .map_err(|source| Error::Json { what: format!("`{what}` in {}", members.name()), source })
}

#[cfg(test)]
mod tests {
    use super::{NAME, REF_NAME, name_of};
    use crate::{Descriptor, media_type};

    #[test]
    fn the_name_that_was_given_last() {
        let shop = "docker.io/library/shop:1.0";
        let cases = [
            (None, None, None),
            (None, Some("1.0"), None),
            (None, Some("shop:1.0"), Some("shop:1.0")),
            (Some(shop), None, Some(shop)),
            (Some(shop), Some("1.0"), Some(shop)),
            (Some(shop), Some(shop), Some(shop)),
            (Some(shop), Some("1.1"), Some("docker.io/library/shop:1.1")),
            (Some(shop), Some("docker.io/library/till:2"), Some("docker.io/library/till:2")),
            (Some(shop), Some("sha256:12"), Some(shop)),
            (Some(shop), Some("no tag"), Some(shop)),
            (Some("docker.io/library/shop"), Some("latest"), Some("docker.io/library/shop")),
            (Some("No Name"), Some("1.1"), Some("No Name")),
        ];
        for (name, short, expected) in cases {
            let mut entry = Descriptor::of(media_type::MANIFEST, b"{}");
            for (key, value) in [(NAME, name), (REF_NAME, short)] {
                entry.annotations.extend(value.map(|value| (key.to_owned(), value.to_owned())));
            }
            assert_eq!(name_of(&entry).as_deref(), expected);
        }
    }
}
