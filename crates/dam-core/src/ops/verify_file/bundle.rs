//! A bundle of dam 2 against its `dam.json`.

use std::collections::BTreeSet;
use std::path::Path;

use dam_oci::{Config, Manifest, Reference};
use serde_json::Value;

use super::FileFault;
use super::findings::{Findings, Promised, SoundImage};
use super::pass::{Pass, blob_digest};
use crate::bundle::{Head, HeadApp, claims, documents, parse_head};
use crate::{Error, Result};

/// Names of the head and of its signature.
const HEAD: [&str; 2] = ["dam.json", "dam.json.minisig"];

/// Reads the `dam.json`, if there is one that can be read.
pub(super) fn head(path: &Path, pass: &Pass, findings: &mut Findings) -> Result<Option<Head>> {
    let Some(fact) = pass.files.get(HEAD[0]) else { return Ok(None) };
    let Some(bytes) = &fact.bytes else {
        findings.document(HEAD[0], format!("has {} bytes, which is too much", fact.size));
        return Ok(None);
    };
    match parse_head(path, bytes) {
        Ok(head) => Ok(Some(head)),
        Err(Error::Oci(dam_oci::Error::Json { source, .. })) => {
            findings.document(HEAD[0], format!("cannot be read: {source}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Compares everything with the head. Returns the apps and the number of blobs.
pub(super) fn check(head: &Head, pass: &Pass, findings: &mut Findings) -> (Vec<Reference>, usize) {
    name_blobs(head, findings);
    check_documents(head, pass, findings);
    check_promises(head, findings);
    let mut names = BTreeSet::new();
    for (place, app) in head.apps.iter().enumerate() {
        if !names.insert(&app.reference) {
            findings.app(&app.reference, "is listed twice");
        }
        check_app(place, app, pass, findings);
    }
    let (mut blobs, mut unnamed) = (0, Vec::new());
    for (name, fact) in &pass.files {
        let digest = blob_digest(name);
        blobs += usize::from(digest.is_some());
        let is_known = digest.is_some_and(|digest| findings.is_named(digest))
            || HEAD.contains(&name.as_str())
            || documents(head).iter().any(|(known, _)| known == name);
        if !is_known {
            unnamed.push(FileFault::Unnamed { name: name.clone(), bytes: fact.size });
        }
    }
    unnamed.into_iter().for_each(|fault| findings.add(fault));
    if pass.trailing > 0 {
        findings.add(FileFault::Trailing { bytes: pass.trailing });
    }
    findings.head = Some(head.clone());
    (head.apps.iter().map(|app| app.reference.clone()).collect(), blobs)
}

/// Gives every blob the name people know it by.
fn name_blobs(head: &Head, findings: &mut Findings) {
    for app in &head.apps {
        let reference = &app.reference;
        findings.name(app.manifest.digest, || format!("the manifest of {reference}"));
        findings.name(app.image, || format!("the config of {reference}"));
        for (at, layer) in app.layers.iter().enumerate() {
            findings.name(layer.digest, || layer_name(at, reference));
        }
    }
}

fn layer_name(at: usize, reference: &Reference) -> String {
    format!("layer {} of {reference}", at + 1)
}

fn check_documents(head: &Head, pass: &Pass, findings: &mut Findings) {
    for (name, expected) in documents(head) {
        let Some(fact) = pass.files.get(name) else {
            if pass.ended.is_none() {
                findings.add(FileFault::Missing { what: "a document".to_owned(), name: name.to_owned() });
            }
            continue;
        };
        let parsed = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
        let same = fact.bytes.as_deref().is_some_and(|found| match name.ends_with(".json") {
            // Another writer may set its JSON in another way.
            true => parsed(found) == parsed(&expected),
            false => found == expected,
        });
        if !same {
            findings.document(name, "is not what `dam.json` implies");
        }
    }
}

/// Looks for promises that are made of one app and missing of another: no writer does that, a flipped bit in the name of a
/// field does. The first writers made none of them.
fn check_promises(head: &Head, findings: &mut Findings) {
    let layers = || head.apps.iter().flat_map(|app| &app.layers);
    let measures =
        layers().any(|layer| layer.unpacked_size.is_some()) || head.apps.iter().any(|app| app.meta.is_some());
    for app in head.apps.iter().filter(|_| measures) {
        if app.meta.is_none() {
            findings.app(&app.reference, "has no digest of its /meta in `dam.json`");
        }
        for (at, _) in app.layers.iter().enumerate().filter(|(_, layer)| layer.unpacked_size.is_none()) {
            findings.app(&app.reference, format!("has no unpacked length of layer {} in `dam.json`", at + 1));
        }
    }
}

fn check_app(place: usize, app: &HeadApp, pass: &Pass, findings: &mut Findings) {
    let mut sound = findings.blob(pass, app.manifest.digest, Some(app.manifest.size));
    sound &= findings.blob(pass, app.image, None);
    for (at, layer) in app.layers.iter().enumerate() {
        let is_whole = findings.blob(pass, layer.digest, Some(layer.size));
        let promised = Promised { diff_id: layer.diff_id, unpacked_size: layer.unpacked_size };
        let fact = pass.blob(layer.digest).filter(|_| is_whole);
        sound &= fact.is_some_and(|fact| findings.layer(&layer_name(at, &app.reference), fact, &promised));
    }
    let read = |digest| pass.blob(digest).filter(|fact| fact.digest == digest).and_then(|fact| fact.bytes.as_ref());
    let (Some(bytes), Some(config)) = (read(app.manifest.digest), read(app.image)) else { return };
    let manifest: Manifest = match serde_json::from_slice(bytes) {
        Ok(manifest) => manifest,
        Err(fault) => return findings.app(&app.reference, format!("has a manifest that cannot be read: {fault}")),
    };
    let config: Config = match serde_json::from_slice(config) {
        Ok(config) => config,
        Err(fault) => return findings.app(&app.reference, format!("has a config that cannot be read: {fault}")),
    };
    match claims(app, bytes, &manifest, &config) {
        Ok(broken) => {
            sound &= broken.is_empty();
            broken.into_iter().for_each(|reason| findings.app(&app.reference, reason));
        }
        Err(error) => return findings.app(&app.reference, format!("has labels that cannot be read: {error}")),
    }
    if sound {
        let (reference, bytes) = (app.reference.clone(), bytes.clone());
        findings.images.push(SoundImage { reference, bytes, manifest, config, place });
    }
}
