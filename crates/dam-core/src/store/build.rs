//! Building for stores that have no engine.

use std::path::PathBuf;

use dam_oci::build::{BaseImages, build};
use dam_oci::context::{EntryKind, Source};
use dam_oci::{Archive, Context, Descriptor, Error, Image, Layout, Reference, Result};

use super::{BuildRequest, Store};
use crate::event::{Event, Reporter, Silent};

/// Endings that make the word after `FROM` a file of the context, as one with a leading `./` is.
const SUFFIXES: [&str; 6] = [".dam", ".tar", ".tar.gz", ".tgz", ".tar.zst", ".oci"];

/// Builds into `layout` and keeps the image there, without a name. Base images come from `store`, or from archives of
/// the build context (`FROM ./base.tar`).
pub(crate) fn build_into(
    layout: &Layout,
    store: &dyn Store,
    request: &BuildRequest,
    reporter: &dyn Reporter,
) -> crate::Result<Descriptor> {
    let hold = layout.hold()?;
    let wanted = dam_oci::build::BuildRequest {
        context: request.context,
        dockerfile: request.dockerfile.clone(),
        labels: request.labels.clone(),
        args: request.args.clone(),
        platform: request.platform.clone(),
    };
    let bases = Bases { store, context: request.context };
    let built = build(&wanted, layout, &bases, &mut |line| reporter.event(Event::BuildLine { line }));
    let kept = built.and_then(|built| layout.keep(&built.manifest_bytes));
    drop(hold);
    if kept.is_err() {
        // What was put before the failure is of no use. The failure says more than an error of this would.
        _ = layout.collect_garbage();
    }
    Ok(kept?)
}

/// Where a build finds its base images.
struct Bases<'a> {
    store: &'a dyn Store,
    context: &'a Context,
}

impl BaseImages for Bases<'_> {
    fn base(&self, name: &str) -> Result<Option<Box<dyn Image>>> {
        if name.starts_with("./") || SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
            return self.archive(name).map(|path| only_image(name, &path)).transpose();
        }
        let Ok(reference) = name.parse::<Reference>() else { return Ok(None) };
        let found = self.store.find(&reference).map_err(into_oci)?;
        found.map(|found| self.store.image(found.id, &Silent).map_err(into_oci)).transpose()
    }
}

impl Bases<'_> {
    /// Finds a file of the context.
    fn archive(&self, name: &str) -> Option<PathBuf> {
        let entry = self.context.get(name.trim_start_matches("./"))?;
        match &entry.kind {
            EntryKind::File { source: Source::Disk(path), .. } => Some(path.clone()),
            _ => None,
        }
    }
}

fn only_image(name: &str, path: &std::path::Path) -> Result<Box<dyn Image>> {
    match Archive::open(path)?.images() {
        [only] => Ok(Box::new(only.image.clone())),
        images => Err(Error::Unsupported { what: format!("`FROM {name}`, which holds {} images", images.len()) }),
    }
}

/// The build speaks of images only; a store of dam's own fails with little else.
fn into_oci(error: crate::Error) -> Error {
    match error {
        crate::Error::Oci(error) => error,
        crate::Error::Access { path, source } => Error::Access { path, source },
        other => Error::damaged("base image", other.to_string()),
    }
}
