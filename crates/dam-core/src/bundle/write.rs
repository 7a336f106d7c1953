//! Writing a bundle.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use dam_oci::archive::{ArchiveWriter, NAME, REF_NAME};
use dam_oci::{Descriptor, Digest, Image, Index, blob, config};
use serde_json::json;

use super::BundleError;
use super::head::{FORMAT_VERSION, Head, HeadApp, HeadLayer, OCI_LAYOUT};
use crate::Result;
use crate::app::{App, Labels};
use crate::event::{Event, Reporter, Watched};
use crate::store::pump;

/// An app to be written.
pub struct BundleApp {
    /// What its image says of it.
    pub app: App,
    /// Digest of the kept copy of its `/meta`, as [`crate::meta::Keep::keep`] returns it.
    pub meta: Digest,
    /// The image; its layers are written as they are. A layer whose unpacked length it does not know is unpacked once
    /// to count it.
    pub image: Box<dyn Image>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The `dam.json` of the bundle.
    pub head: Head,
    /// Blobs, each once.
    pub blobs: usize,
    /// Length of the blobs in bytes.
    pub blob_bytes: u64,
    /// Of that, what each app needs that no app before it does.
    pub added: Vec<u64>,
}

/// Writes a bundle of `apps` to `out`, in one pass. Equal apps give equal bytes.
///
/// Blobs are checked while they are read; where one turns out damaged, what was written is of no use.
pub fn write(apps: &[BundleApp], out: impl Write, reporter: &dyn Reporter) -> Result<Written> {
    let head = head(apps)?;
    let mut archive = ArchiveWriter::new(out);
    let [first, others @ ..] = documents(&head);
    archive.add_bytes(first.0, &first.1)?;
    archive.add_bytes("dam.json", &json(&head))?;
    others.iter().try_for_each(|(name, bytes)| archive.add_bytes(name, bytes))?;
    let layers = head.apps.iter().flat_map(|app| &app.layers);
    let total = layers.map(|layer| (layer.digest, layer.size)).collect::<BTreeMap<_, _>>().values().sum();
    reporter.event(Event::Started { what: "write bundle", total: Some(total) });
    let blobs = write_blobs(apps, &mut archive, reporter);
    reporter.event(Event::Finished);
    let (blobs, added) = blobs?;
    archive.finish()?;
    Ok(Written { head, blobs, blob_bytes: added.iter().sum(), added })
}

/// Returns the documents that follow from `dam.json`, by name and in the order of the bundle.
pub(crate) fn documents(head: &Head) -> [(&'static str, Vec<u8>); 4] {
    [
        ("oci-layout", OCI_LAYOUT.as_bytes().to_vec()),
        ("index.json", json(&index(head))),
        ("manifest.json", json(&manifest_json(head))),
        ("app_list", head.app_list().into_bytes()),
    ]
}

/// Writes manifests and configs, app by app, then layers, base first; each blob once. Returns how many there are, and the
/// bytes of those that came with each app.
fn write_blobs<W: Write>(
    apps: &[BundleApp],
    archive: &mut ArchiveWriter<W>,
    reporter: &dyn Reporter,
) -> Result<(usize, Vec<u64>)> {
    let mut written = BTreeSet::new();
    let mut added = vec![0; apps.len()];
    for (BundleApp { image, .. }, added) in apps.iter().zip(&mut added) {
        let manifest = manifest_of(&**image);
        if written.insert(manifest.digest) {
            archive.add_bytes(&path(manifest.digest), image.manifest_bytes())?;
            *added += manifest.size;
        }
        let config = &image.manifest().config;
        if written.insert(config.digest) {
            archive.add_stream(&path(config.digest), config.size, &mut blob(&**image, config)?)?;
            *added += config.size;
        }
    }
    for (BundleApp { image, .. }, added) in apps.iter().zip(&mut added) {
        for layer in &image.manifest().layers {
            if written.insert(layer.digest) {
                let content = &mut Watched::new(blob(&**image, layer)?, reporter);
                archive.add_stream(&path(layer.digest), layer.size, content)?;
                *added += layer.size;
            }
        }
    }
    Ok((written.len(), added))
}

fn head(apps: &[BundleApp]) -> Result<Head> {
    let mut names = BTreeSet::new();
    if let Some(twice) = apps.iter().find(|app| !names.insert(&app.app.reference)) {
        return Err(BundleError::Twice(twice.app.reference.clone()).into());
    }
    let apps = apps.iter().map(head_app).collect::<Result<_>>()?;
    Ok(Head { format_version: FORMAT_VERSION, apps, baseline: None })
}

fn head_app(bundled: &BundleApp) -> Result<HeadApp> {
    let BundleApp { app, meta, image } = bundled;
    let (_, config) = config(&**image)?;
    let labels = Labels::read(&app.id.name, &config.config.labels)?;
    let unpacked = unpacked_sizes(&**image)?;
    let layers = image.manifest().layers.iter().zip(&config.rootfs.diff_ids);
    let first_line = app.description.as_deref().and_then(|text| text.lines().next());
    Ok(HeadApp {
        name: app.id.name.clone(),
        version: app.id.version.clone(),
        family: labels.family,
        multiversion: labels.multiversion,
        servers: labels.servers.into_iter().map(Option::unwrap_or_default).collect(),
        description: first_line.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()),
        hooks: app.hooks.iter().map(|hook| hook.file().to_owned()).collect(),
        reference: app.reference.clone(),
        manifest: manifest_of(&**image),
        image: image.manifest().config.digest,
        meta: Some(*meta),
        layers: layers.map(|(layer, diff_id)| head_layer(layer, *diff_id, unpacked[diff_id])).collect(),
    })
}

fn head_layer(layer: &Descriptor, diff_id: Digest, unpacked: u64) -> HeadLayer {
    let Descriptor { media_type, digest, size, .. } = layer.clone();
    HeadLayer { diff_id, digest, size, unpacked_size: Some(unpacked), media_type }
}

/// Returns the unpacked length of each layer, by DiffID.
fn unpacked_sizes(image: &dyn Image) -> Result<BTreeMap<Digest, u64>> {
    let mut sizes = BTreeMap::new();
    let mut unknown = Vec::new();
    for layer in dam_oci::layers(image)? {
        // A layer may be its own unpacked form.
        let raw = (layer.blob.digest == layer.diff_id).then_some(layer.blob.size);
        match raw.or_else(|| image.unpacked_size(&layer.blob)) {
            Some(size) => _ = sizes.insert(layer.diff_id, size),
            None => unknown.push(layer),
        }
    }
    dam_oci::visit_layers(image, &unknown, &mut |layer, content| {
        let size = pump(content, &mut std::io::sink()).map_err(dam_oci::Error::stream(layer.name()))?;
        sizes.insert(layer.diff_id, size);
        Ok(())
    })?;
    Ok(sizes)
}

fn manifest_of(image: &dyn Image) -> Descriptor {
    Descriptor::of(image.manifest().media_type(), image.manifest_bytes())
}

/// Names each manifest as containerd and `docker save` do. skopeo and umoci find an image by its tag alone, and take the
/// first of several: what has its tag with others goes by its full name there, as Podman writes it.
fn index(head: &Head) -> Index {
    let mut tags: BTreeMap<&str, usize> = BTreeMap::new();
    head.apps.iter().for_each(|app| *tags.entry(app.version.as_str()).or_default() += 1);
    let entry = |app: &HeadApp| {
        let mut entry = app.manifest.clone();
        let name = app.reference.canonical();
        let short = if tags[app.version.as_str()] == 1 { app.version.to_string() } else { name.clone() };
        entry.annotations.insert(NAME.to_owned(), name);
        entry.annotations.insert(REF_NAME.to_owned(), short);
        entry
    };
    Index { manifests: head.apps.iter().map(entry).collect(), ..Index::default() }
}

/// What `docker load` of engines before 25, and Podman, read.
fn manifest_json(head: &Head) -> serde_json::Value {
    let image = |app: &HeadApp| {
        let layers: Vec<String> = app.layers.iter().map(|layer| path(layer.digest)).collect();
        json!({ "Config": path(app.image), "RepoTags": [app.reference], "Layers": layers })
    };
    head.apps.iter().map(image).collect()
}

fn path(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("only string keys")
}
