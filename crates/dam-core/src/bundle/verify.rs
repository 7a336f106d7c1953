//! Checking the head of a bundle against the images it speaks of.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use dam_oci::{ArchivedImage, Config, Descriptor, Digest, Image, Manifest, config};

use super::head::{Head, HeadApp, HeadLayer, OCI_LAYOUT};
use super::{BundleError, BundledApp};
use crate::Result;
use crate::app::{AppId, HookName, Labels};

/// Returns the apps of a bundle whose head tells the truth about its images, of which a file and a stream know alike.
/// `document` gives a small member by name.
pub(super) fn apps(
    path: &Path,
    head: &Head,
    images: &[ArchivedImage],
    document: &dyn Fn(&str) -> dam_oci::Result<Option<Vec<u8>>>,
) -> Result<Vec<BundledApp>> {
    let refuse = |reason: String| BundleError::Contradiction { path: path.to_owned(), reason };
    for (name, expected) in [("oci-layout", OCI_LAYOUT), ("app_list", &head.app_list())] {
        // What dam does not need is checked all the same: a flipped bit is a sign of a bad stick.
        if document(name)?.as_deref() != Some(expected.as_bytes()) {
            return Err(refuse(format!("`{name}` is not what it should be")).into());
        }
    }
    let mut names = BTreeSet::new();
    let apps = head.apps.iter().map(|app| {
        if !names.insert(&app.reference) {
            return Err(refuse(format!("`{}` is listed twice", app.reference)).into());
        }
        let image = images.iter().find(|image| image.manifest == app.manifest.digest);
        let image = image.ok_or_else(|| refuse(format!("`{}` is listed and not there", app.reference)))?;
        let (_, config) = config(&*image.image)?;
        match contradiction(app, image, &config)? {
            Some(reason) => Err(refuse(format!("`{}` {reason}", app.reference)).into()),
            None => Ok(BundledApp {
                reference: app.reference.clone(),
                more_references: Vec::new(),
                meta: app.meta,
                hooks: HookName::ALL
                    .into_iter()
                    .filter(|hook| app.hooks.iter().any(|name| name == hook.file()))
                    .collect(),
                image: Box::new(Measured { image: image.image.clone(), layers: app.layers.clone() }),
                unpacked: app.unpacked(),
            }),
        }
    });
    let apps = apps.collect::<Result<Vec<_>>>()?;
    let listed: BTreeSet<Digest> = head.apps.iter().map(|app| app.manifest.digest).collect();
    match images.iter().find(|image| !listed.contains(&image.manifest)) {
        Some(image) => Err(refuse(format!("the image {} is there and not listed", image.manifest)).into()),
        None => Ok(apps),
    }
}

/// Says what the head claims of an app that its image does not bear out.
fn contradiction(app: &HeadApp, archived: &ArchivedImage, config: &Config) -> Result<Option<String>> {
    let image = &archived.image;
    if !archived.references.contains(&app.reference) {
        return Ok(Some("has another name in the index".to_owned()));
    }
    let broken = claims(app, image.manifest_bytes(), image.manifest(), config)?.into_iter().next();
    Ok(broken.map(str::to_owned))
}

/// Says of everything that the head claims of an app and its manifest and config do not bear out, what the app has
/// instead.
pub(crate) fn claims(app: &HeadApp, bytes: &[u8], manifest: &Manifest, config: &Config) -> Result<Vec<&'static str>> {
    let id = AppId { name: app.name.clone(), version: app.version.clone() };
    let labels = Labels::read(&app.name, &config.config.labels)?;
    let servers: Vec<String> = labels.servers.into_iter().map(Option::unwrap_or_default).collect();
    let claims = [
        ("has another name and version in its reference", AppId::of(&app.reference).as_ref() == Some(&id)),
        ("has a manifest of another length", app.manifest.size == bytes.len() as u64),
        ("has a manifest of another type", app.manifest.media_type == manifest.media_type()),
        ("has another config", app.image == manifest.config.digest),
        ("has other layers", same_layers(&app.layers, manifest, config)),
        ("has another family in its labels", app.family == labels.family),
        ("has another multiversion in its labels", app.multiversion == labels.multiversion),
        ("has other servers in its labels", app.servers == servers),
    ];
    Ok(claims.into_iter().filter(|(_, holds)| !holds).map(|(reason, _)| reason).collect())
}

fn same_layers(listed: &[HeadLayer], manifest: &Manifest, config: &Config) -> bool {
    let layers = &manifest.layers;
    let same = |(listed, (layer, diff_id)): (&HeadLayer, (&Descriptor, &Digest))| {
        listed.digest == layer.digest
            && listed.size == layer.size
            && listed.media_type == layer.media_type
            && listed.diff_id == *diff_id
    };
    listed.len() == layers.len()
        && layers.len() == config.rootfs.diff_ids.len()
        && listed.iter().zip(layers.iter().zip(&config.rootfs.diff_ids)).all(same)
}

/// An image of the bundle, with what the head claims of its unpacked layers.
struct Measured {
    image: Arc<dyn Image>,
    layers: Vec<HeadLayer>,
}

impl Image for Measured {
    fn manifest_bytes(&self) -> &[u8] {
        self.image.manifest_bytes()
    }

    fn manifest(&self) -> &Manifest {
        self.image.manifest()
    }

    fn open_unverified(&self, blob: &Descriptor) -> dam_oci::Result<Box<dyn Read + Send + '_>> {
        self.image.open_unverified(blob)
    }

    fn unpacked_size(&self, layer: &Descriptor) -> Option<u64> {
        self.layers.iter().find(|known| known.digest == layer.digest)?.unpacked_size
    }

    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> dam_oci::Result<()>,
    ) -> dam_oci::Result<()> {
        self.image.visit_unverified(wanted, visit)
    }
}
