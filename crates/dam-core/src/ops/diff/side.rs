//! One side of a comparison.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use dam_oci::{Digest, Reference};

use super::{Compared, DiffTarget, Place};
use crate::app::{AppId, NoApp, Release};
use crate::bundle::{Bundle, BundledApp, HeadLayer};
use crate::event::Reporter;
use crate::meta::Keep;
use crate::ops::Candidate;
use crate::product::{self, ProductList};
use crate::store::ImageId;
use crate::{Error, Result};

/// Bytes that tell a list from an archive.
const HEAD: u64 = 512;

/// A product that was read.
pub(super) struct Side<'a> {
    pub(super) what: Compared,
    pub(super) apps: Vec<SideApp>,
    /// Where the `/meta`s of its apps are kept, or will be.
    pub(super) keep: Keep,
    scratch: &'a Path,
}

/// An app of a product.
pub(super) struct SideApp {
    pub(super) id: AppId,
    pub(super) reference: Reference,
    /// Base first; none where the product is a list.
    pub(super) layers: Vec<SideLayer>,
    /// The digests by which a store may know the image.
    pub(super) images: Vec<ImageId>,
    content: Content,
}

/// What there is of an app beside its name.
enum Content {
    /// Nothing: it is a line of a list.
    Line,
    /// An image in a file, of which the layers were not read yet.
    Bundled(Box<BundledApp>),
    /// All of it.
    Release(Box<Release>),
}

/// A layer, and what is known of its length.
pub(super) enum SideLayer {
    Installed(Digest),
    Bundled(HeadLayer),
}

impl SideLayer {
    pub(super) fn diff_id(&self) -> Digest {
        match self {
            Self::Installed(diff_id) => *diff_id,
            Self::Bundled(layer) => layer.diff_id,
        }
    }

    pub(super) fn told(&self) -> Option<&HeadLayer> {
        match self {
            Self::Installed(_) => None,
            Self::Bundled(layer) => Some(layer),
        }
    }
}

impl<'a> Side<'a> {
    pub(super) fn read(target: &DiffTarget, place: Place<'a>, reporter: &dyn Reporter) -> Result<Self> {
        let scratch = place.scratch.path();
        let path = match target {
            DiffTarget::Installed => {
                let installed = place.ledger.map(|ledger| ledger.installed()).transpose()?.unwrap_or_default();
                let apps = installed.into_iter().map(|installed| SideApp::installed(installed.release)).collect();
                return Ok(Self { what: Compared::Installed, apps, keep: Keep::existing(place.root), scratch });
            }
            DiffTarget::File(path) => path,
        };
        let keep = Keep::open(scratch)?;
        if is_list(path)? {
            let apps = ProductList::read(path)?.entries.into_iter().map(SideApp::listed).collect();
            return Ok(Self { what: Compared::List { path: path.clone() }, apps, keep, scratch });
        }
        let inside = |error: Error| error.in_archive(path);
        let apps = Bundle::open(path, reporter)?.verify().map_err(inside)?.into_apps().into_iter();
        let apps = apps.map(SideApp::bundled).collect::<Result<_>>().map_err(inside)?;
        Ok(Self { what: Compared::Archive { path: path.clone() }, apps, keep, scratch })
    }

    /// Returns all that is to be known of an app, for which `/meta` is read out of its layers; `None` for a line of a list.
    pub(super) fn release(&mut self, at: usize) -> Result<Option<&Release>> {
        let content = &mut self.apps[at].content;
        if let (Content::Bundled(_), Compared::Archive { path }) = (&*content, &self.what) {
            let Content::Bundled(bundled) = std::mem::replace(content, Content::Line) else {
                unreachable!("just looked at")
            };
            let candidate = Candidate::from_bundled(&self.keep, self.scratch, path, *bundled)?;
            *content = Content::Release(Box::new(candidate.release));
        }
        Ok(match &self.apps[at].content {
            Content::Release(release) => Some(release),
            Content::Line | Content::Bundled(_) => None,
        })
    }
}

impl SideApp {
    fn listed(entry: product::Entry) -> Self {
        let product::Entry { id, reference, .. } = entry;
        Self { id, reference, layers: Vec::new(), images: Vec::new(), content: Content::Line }
    }

    fn installed(release: Release) -> Self {
        Self {
            id: release.app.id.clone(),
            reference: release.app.reference.clone(),
            layers: release.diff_ids.iter().copied().map(SideLayer::Installed).collect(),
            images: vec![release.image],
            content: Content::Release(Box::new(release)),
        }
    }

    fn bundled(bundled: BundledApp) -> Result<Self> {
        let reference = bundled.reference.clone();
        let no_version = || Error::NotAnApp { reference: reference.clone(), reason: NoApp::NoVersion };
        Ok(Self {
            id: AppId::of(&reference).ok_or_else(no_version)?,
            layers: bundled.layers()?.into_iter().map(SideLayer::Bundled).collect(),
            images: vec![
                ImageId(bundled.image.manifest().config.digest),
                ImageId(Digest::of(bundled.image.manifest_bytes())),
            ],
            content: Content::Bundled(Box::new(bundled)),
            reference,
        })
    }
}

/// Tells a list from an archive. What is no regular file is left to the archives, which refuse it.
fn is_list(path: &Path) -> Result<bool> {
    if !path.metadata().map_err(Error::access(path))?.is_file() {
        return Ok(false);
    }
    let mut head = Vec::new();
    let file = File::open(path).map_err(Error::access(path))?;
    file.take(HEAD).read_to_end(&mut head).map_err(Error::access(path))?;
    Ok(product::is_list(&head))
}
