//! `/meta` of each sound app against what the file says of it.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use dam_oci::archive::Members;
use dam_oci::{Descriptor, Error as OciError, Image, Limits, Manifest};

use super::findings::{Findings, SoundImage};
use super::pass::{Pass, blob_name};
use crate::app::{App, describe};
use crate::bundle::{Bundle, HeadApp};
use crate::event::Silent;
use crate::host::Scratch;
use crate::meta::{Keep, KeptMeta};
use crate::ops::Candidate;
use crate::{Error, Result};

/// Looks at the `/meta` of every app that is sound so far.
pub(super) fn check(path: &Path, pass: &Pass, scratch: &Scratch, findings: &mut Findings) -> Result<()> {
    let keep = Keep::open(scratch.path())?;
    let Some(head) = findings.head.take() else {
        // The documents of other forms contradict each other in ways that only opening them tells.
        if findings.faults.is_empty() {
            check_foreign(path, &keep, scratch, findings);
        }
        return Ok(());
    };
    // A file that ends too early has no list of members; what it lacks is told already.
    if pass.ended.is_some() {
        return Ok(());
    }
    let members = Arc::new(Members::open(path)?);
    for image in std::mem::take(&mut findings.images) {
        let promised = &head.apps[image.place];
        let reference = image.reference.clone();
        match read(image, &members, &keep, scratch) {
            Ok((app, meta)) => compare(promised, &app, &meta, findings),
            Err(Error::NotAnApp { reason, .. }) => findings.app(&reference, format!("is not an app: {reason}")),
            Err(error) => findings.app(&reference, format!("has a /meta that cannot be read: {error}")),
        }
    }
    Ok(())
}

fn read(image: SoundImage, members: &Arc<Members>, keep: &Keep, scratch: &Scratch) -> Result<(App, KeptMeta)> {
    let SoundImage { reference, bytes, manifest, config, .. } = image;
    let image = Packed { bytes, manifest, members: Arc::clone(members) };
    let fill = &mut |out: &mut dyn std::io::Write| {
        Ok(dam_oci::subtree(&image, "meta", Limits::default(), scratch.path(), out)?)
    };
    let no_meta = || Error::NotAnApp { reference: reference.clone(), reason: crate::app::NoApp::NoMeta };
    let meta = keep.keep(fill)?.ok_or_else(no_meta)?;
    Ok((describe(&reference, &config.config.labels, &meta)?, meta))
}

/// Compares what is in the layers with what the head says.
fn compare(promised: &HeadApp, app: &App, meta: &KeptMeta, findings: &mut Findings) {
    let hooks: Vec<&str> = app.hooks.iter().map(|hook| hook.file()).collect();
    let first = app.description.as_deref().and_then(|text| text.lines().next()).map(str::trim);
    let description = first.filter(|line| !line.is_empty());
    let claims = [
        ("has another /meta in its layers", promised.meta.is_none_or(|promised| promised == meta.digest)),
        ("has other scripts in its layers", promised.hooks == hooks),
        ("has another description in its layers", promised.description.as_deref() == description),
    ];
    claims.into_iter().filter(|(_, holds)| !holds).for_each(|(reason, _)| findings.app(&promised.reference, reason));
}

fn check_foreign(path: &Path, keep: &Keep, scratch: &Scratch, findings: &mut Findings) {
    let apps = match Bundle::open(path, &Silent).and_then(Bundle::verify) {
        Ok(bundle) => bundle.into_apps(),
        Err(error) => return findings.document(path.display().to_string(), format!("cannot be used: {error}")),
    };
    for app in apps {
        let reference = app.reference.clone();
        match Candidate::from_bundled(keep, scratch.path(), path, app) {
            Ok(_) => {}
            Err(Error::NotAnApp { reason, .. }) => findings.app(&reference, format!("is not an app: {reason}")),
            Err(error) => findings.app(&reference, format!("has a /meta that cannot be read: {error}")),
        }
    }
}

/// An image of a bundle whose other apps may be damaged.
struct Packed {
    bytes: Vec<u8>,
    manifest: Manifest,
    members: Arc<Members>,
}

impl Image for Packed {
    fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open_unverified(&self, blob: &Descriptor) -> dam_oci::Result<Box<dyn Read + Send + '_>> {
        let lost = OciError::MissingBlob { digest: blob.digest };
        self.members.read(&blob_name(blob.digest))?.ok_or(lost)
    }
}
