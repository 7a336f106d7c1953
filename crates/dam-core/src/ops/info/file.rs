//! The apps of a file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use dam_oci::{Digest, Reference};
use serde::Serialize;

use super::{AppInfo, Found, from_release};
use crate::Result;
use crate::app::{AppId, AppName, NameFault, Version};
use crate::bundle::{Bundle, BundledApp, Form};
use crate::event::Reporter;
use crate::host::Scratch;
use crate::meta::Keep;
use crate::ops::Candidate;

/// An app that is asked for: `NAME`, which is every version of it, or `NAME:VERSION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The name.
    pub name: AppName,
    /// The version.
    pub version: Option<Version>,
}

impl FromStr for Wanted {
    type Err = NameFault;

    fn from_str(text: &str) -> Result<Self, NameFault> {
        Ok(match text.contains(':') {
            true => {
                let AppId { name, version } = text.parse()?;
                Self { name, version: Some(version) }
            }
            false => Self { name: text.parse()?, version: None },
        })
    }
}

impl Wanted {
    fn is(&self, reference: &Reference) -> bool {
        let version = self.version.as_ref().is_none_or(|version| reference.tag() == Some(version.as_str()));
        reference.repository() == self.name.as_str() && version
    }
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub enum InFile {
    /// The only app of the file, or those that were asked for; none, if they are not there.
    Apps(Vec<AppInfo>),
    /// All apps, by what documents say of them.
    Overview(Overview),
}

/// The apps of a file, by what documents say of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// The file; of a split one the first part.
    pub path: PathBuf,
    /// Its length in bytes, all parts together.
    pub bytes: u64,
    /// What kind of file it is.
    pub form: Form,
    /// The apps, in the order of the file.
    pub apps: Vec<PackedApp>,
}

/// An app of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackedApp {
    /// Name and version; none where the image has no tag, which cannot be installed.
    #[serde(flatten)]
    pub id: Option<AppId>,
    /// The image.
    pub reference: Reference,
    /// Bytes of its unpacked layers; a layer of unknown unpacked length counts as it is packed.
    pub size: u64,
    /// Bytes of the layers that no app before it in the file has, as they are in the file.
    pub adds: u64,
    /// How many layers it has, each counted once.
    pub layers: usize,
    /// How many of them an app before it in the file has.
    pub shares: usize,
}

/// Reads a file: all there is to know of the only app, or of those that are `wanted`; otherwise an overview of all apps, for
/// which only documents are read. `scratch` takes small temporary files.
///
/// # Errors
/// Those of [`Bundle::open`] and [`Bundle::verify`], and those of [`Candidate::from_bundled`].
pub fn file(path: &Path, wanted: Option<&Wanted>, scratch: &Scratch, reporter: &dyn Reporter) -> Result<InFile> {
    let bundle = Bundle::open(path, reporter)?;
    let (bytes, form) = (bundle.length(), bundle.form());
    let apps = bundle.verify().map_err(|error| error.in_archive(path))?.into_apps();
    if wanted.is_none() && apps.len() != 1 {
        let apps = packed(&apps).map_err(|error| error.in_archive(path))?;
        return Ok(InFile::Overview(Overview { path: path.to_owned(), bytes, form, apps }));
    }
    let keep = Keep::open(scratch.path())?;
    let apps = apps.into_iter().filter(|app| wanted.is_none_or(|wanted| wanted.is(&app.reference)));
    let apps = apps.map(|app| {
        let candidate = Candidate::from_bundled(&keep, scratch.path(), path, app)?;
        Ok(from_release(candidate.release, Found::File { path: path.to_owned(), bytes, form }))
    });
    Ok(InFile::Apps(apps.collect::<Result<_>>()?))
}

fn packed(apps: &[BundledApp]) -> Result<Vec<PackedApp>> {
    let mut known: BTreeSet<Digest> = BTreeSet::new();
    let app = |app: &BundledApp| {
        let (mut own, mut shares, mut adds) = (BTreeSet::new(), 0, 0_u64);
        for layer in app.layers()?.into_iter().filter(|layer| own.insert(layer.diff_id)) {
            match known.contains(&layer.diff_id) {
                true => shares += 1,
                false => adds = adds.saturating_add(layer.size),
            }
        }
        let layers = own.len();
        known.extend(own);
        let reference = app.reference.clone();
        Ok(PackedApp { id: AppId::of(&reference), reference, size: app.unpacked, adds, layers, shares })
    };
    apps.iter().map(app).collect()
}
