//! Archives of DAM 1.x, `docker save` and others: what can be checked without a `dam.json`.

use std::collections::BTreeSet;

use dam_oci::{Config, Digest, Index, Manifest, Reference, media_type};
use serde::Deserialize;

use super::check_promise;
use super::findings::{Findings, Promised};
use super::pass::{Nested, Pass, blob_digest};
use super::{FileFault, file_name};

/// An image of `manifest.json`, as `docker save` writes it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
}

/// Compares blobs with their names, layers with DiffIDs, and archives in the archive with theirs. Returns the images that
/// have a name, and the number of blobs.
pub(super) fn check(pass: &Pass, findings: &mut Findings) -> (Vec<Reference>, usize) {
    let mut seen = Seen::default();
    seen.saved(pass, findings);
    seen.index(pass, findings);
    for digest in pass.files.keys().filter_map(|name| blob_digest(name)) {
        seen.blobs.insert(digest);
        findings.blob(pass, digest, None);
    }
    for Nested { name, size, crc, pass } in &pass.nested {
        if let Some(promise) = file_name::parse(name) {
            check_promise(name, promise, *size, *crc, findings);
        }
        findings.begin_archive();
        let from = findings.faults.len();
        let (apps, blobs) = check(pass, findings);
        findings.end(pass.ended.as_ref(), Some(name));
        if apps.is_empty() && findings.faults.len() == from {
            findings.document(name, "holds no image");
        }
        seen.references.extend(apps);
        seen.inside += blobs;
    }
    (seen.references, seen.blobs.len() + seen.inside)
}

/// What documents name.
#[derive(Default)]
struct Seen {
    references: Vec<Reference>,
    blobs: BTreeSet<Digest>,
    inside: usize,
}

impl Seen {
    /// Follows `manifest.json`.
    fn saved(&mut self, pass: &Pass, findings: &mut Findings) {
        const NAME: &str = "manifest.json";
        let Some(bytes) = pass.find(NAME).and_then(|fact| fact.bytes.as_ref()) else { return };
        let images: Vec<Saved> = match serde_json::from_slice(bytes) {
            Ok(images) => images,
            Err(fault) => return findings.document(NAME, format!("cannot be read: {fault}")),
        };
        for image in images {
            let tags = image.repo_tags.unwrap_or_default();
            let name = tags.first().cloned().unwrap_or_else(|| "an image".to_owned());
            self.references.extend(tags.iter().filter_map(|tag| tag.parse().ok()));
            let Some(fact) = member(pass, &image.config, &format!("the config of {name}"), findings) else { continue };
            self.blobs.insert(fact.digest);
            let stem = image.config.strip_suffix(".json").unwrap_or(&image.config);
            if let Ok(digest) = Digest::from_hex(stem.rsplit(['/', ':']).next().unwrap_or(stem)) {
                findings.name(digest, || format!("the config of {name}"));
                if digest != fact.digest {
                    if blob_digest(&image.config).is_none() {
                        let what = format!("the config of {name}");
                        findings.add(FileFault::Content { what, digest, found: fact.digest });
                    }
                    continue;
                }
            }
            let Some(config) = config(fact.bytes.as_deref(), &name, findings) else { continue };
            let layers = image.layers.unwrap_or_default();
            if layers.len() != config.rootfs.diff_ids.len() {
                let (listed, promised) = (layers.len(), config.rootfs.diff_ids.len());
                findings.document(NAME, format!("lists {listed} layers of {name}, and its config {promised}"));
            }
            for (at, (layer, diff_id)) in layers.iter().zip(config.rootfs.diff_ids).enumerate() {
                let what = format!("layer {} of {name}", at + 1);
                let Some(fact) = member(pass, layer, &what, findings) else { continue };
                self.blobs.insert(fact.digest);
                if let Some(digest) = blob_digest(layer) {
                    findings.name(digest, || what.clone());
                    if digest != fact.digest {
                        continue;
                    }
                }
                findings.layer(&what, fact, &Promised { diff_id, unpacked_size: None });
            }
        }
    }

    /// Follows `index.json`; blobs of other platforms need not be there.
    fn index(&mut self, pass: &Pass, findings: &mut Findings) {
        const NAME: &str = "index.json";
        let Some(bytes) = pass.find(NAME).and_then(|fact| fact.bytes.as_ref()) else { return };
        let index: Index = match serde_json::from_slice(bytes) {
            Ok(index) => index,
            Err(fault) => return findings.document(NAME, format!("cannot be read: {fault}")),
        };
        for entry in index.manifests.iter().filter(|entry| media_type::is_manifest(&entry.media_type)) {
            let named = entry.annotations.get(dam_oci::archive::NAME);
            let named = named.or_else(|| entry.annotations.get(dam_oci::archive::REF_NAME));
            let reference: Option<Reference> = named.and_then(|name| name.parse().ok());
            let name = reference.as_ref().map_or_else(|| "an image".to_owned(), ToString::to_string);
            self.references.extend(reference.filter(|reference| !self.references.contains(reference)));
            findings.name(entry.digest, || format!("the manifest of {name}"));
            if !findings.blob(pass, entry.digest, Some(entry.size)) {
                continue;
            }
            let bytes = pass.blob(entry.digest).and_then(|fact| fact.bytes.as_deref());
            let Some(Ok(manifest)) = bytes.map(serde_json::from_slice::<Manifest>) else {
                findings.document(super::pass::blob_name(entry.digest), format!("is no manifest of {name}"));
                continue;
            };
            self.image(pass, &name, &manifest, findings);
        }
    }

    fn image(&mut self, pass: &Pass, name: &str, manifest: &Manifest, findings: &mut Findings) {
        let digest = manifest.config.digest;
        findings.name(digest, || format!("the config of {name}"));
        for (at, layer) in manifest.layers.iter().enumerate() {
            findings.name(layer.digest, || format!("layer {} of {name}", at + 1));
        }
        let config = match findings.blob(pass, digest, Some(manifest.config.size)) {
            true => config(pass.blob(digest).and_then(|fact| fact.bytes.as_deref()), name, findings),
            false => None,
        };
        let diff_ids = config.map(|config| config.rootfs.diff_ids).unwrap_or_default();
        for (at, layer) in manifest.layers.iter().enumerate() {
            let is_whole = findings.blob(pass, layer.digest, Some(layer.size));
            let fact = pass.blob(layer.digest).filter(|_| is_whole);
            if let (Some(fact), Some(&diff_id)) = (fact, diff_ids.get(at)) {
                let promised = Promised { diff_id, unpacked_size: None };
                findings.layer(&format!("layer {} of {name}", at + 1), fact, &promised);
            }
        }
    }
}

/// Finds a member that a document names.
fn member<'a>(pass: &'a Pass, name: &str, what: &str, findings: &mut Findings) -> Option<&'a super::pass::Fact> {
    let found = pass.find(name.trim_start_matches("./").trim_start_matches('/'));
    if found.is_none() && pass.ended.is_none() {
        // A blob of a layout is told with the others.
        match blob_digest(name) {
            Some(digest) => {
                findings.name(digest, || what.to_owned());
                findings.blob(pass, digest, None);
            }
            None => findings.add(FileFault::Missing { what: what.to_owned(), name: name.to_owned() }),
        }
    }
    found
}

fn config(bytes: Option<&[u8]>, name: &str, findings: &mut Findings) -> Option<Config> {
    match serde_json::from_slice(bytes?) {
        Ok(config) => Some(config),
        Err(fault) => {
            findings.document(format!("the config of {name}"), format!("cannot be read: {fault}"));
            None
        }
    }
}
