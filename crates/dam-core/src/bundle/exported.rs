//! Bundles of DAM 1.x, as its `dam export --all` wrote them: a plain tar of `app_list` and one `.dam` file for each app,
//! `NAME-VERSION.CRC.dam`, which is an archive of one image in gzip. Each is read where it lies in the file.
//!
//! What the tar carries besides is passed over, as DAM 1.x did: it packed whatever an earlier export had left behind.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use dam_oci::archive::Members;
use dam_oci::{Archive, Compression, Reference};

use super::file_name::{self, Promise};
use super::open::{check_blobs, crc, nameless};
use super::{BundleError, BundledApp};
use crate::event::{Event, Reporter};
use crate::product::ProductList;
use crate::{Error, Result};

/// The list of the apps.
const LIST: &str = "app_list";
/// How the name of an app's archive ends.
const SUFFIX: &str = ".dam";

/// A bundle of DAM 1.x: the checksums of its archives match, nothing else is believed.
pub(super) struct Exported {
    list: ProductList,
    /// The archives, by their name in the bundle.
    archives: Vec<(String, Archive)>,
}

/// Tells whether these are the members of such a bundle: all other archives of images say at their root what they are.
pub(super) fn is_exported(members: &Members) -> bool {
    let is_image = |name| matches!(name, "dam.json" | "index.json" | "manifest.json");
    let mut names = members.list().map(|(name, _)| name);
    !members.list().any(|(name, _)| is_image(name)) && names.any(|name| name == LIST || is_archive(name))
}

fn is_archive(name: &str) -> bool {
    !name.contains('/') && name.ends_with(SUFFIX)
}

impl Exported {
    /// Compares every archive with the checksum in its name, and reads what their images are.
    pub(super) fn open(path: &Path, members: &Members, reporter: &dyn Reporter) -> Result<Self> {
        let compression = match members.compression() {
            Compression::None => None,
            Compression::Gzip => Some("gzip"),
            Compression::Zstd => Some("zstd"),
        };
        if let Some(compression) = compression {
            // Each pass over one app would be one over all of them.
            return Err(BundleError::Packed { path: path.to_owned(), compression }.into());
        }
        let list = members.bytes(LIST)?.ok_or_else(|| contradiction(path, format!("its `{LIST}` is missing")))?;
        let list = ProductList::parse(&path.join(LIST).display().to_string(), &list)?;
        let files: Vec<(&str, u64)> = members.list().filter(|(name, _)| is_archive(name)).collect();
        let total = files.iter().fold(0, |sum: u64, (_, size)| sum.saturating_add(*size));
        reporter.event(Event::Started { what: "check file", total: Some(total) });
        let checked = files.iter().try_for_each(|&(name, size)| check(path, members, name, size, reporter));
        reporter.event(Event::Finished);
        checked?;
        let archives = files.into_iter().map(|(name, _)| Ok((name.to_owned(), archive(path, members, name)?)));
        Ok(Self { list, archives: archives.collect::<Result<_>>()? })
    }

    /// Returns the apps in the order of the list, each of which must have an archive, and each archive an app.
    pub(super) fn apps(self, path: &Path) -> Result<Vec<BundledApp>> {
        let listed = self.list.entries.iter().enumerate();
        let listed = listed.map(|(at, entry)| ((entry.id.name.as_str(), entry.id.version.as_str()), at));
        let listed: HashMap<_, _> = listed.collect();
        let mut found: Vec<Option<(&str, BundledApp)>> = Vec::new();
        found.resize_with(self.list.entries.len(), || None);
        for (name, archive) in &self.archives {
            let (at, app) = app(path, &listed, name, archive)?;
            if let Some((other, app)) = found[at].replace((name, app)) {
                let reason = format!("`{other}` and `{name}` both carry `{}`", app.reference);
                return Err(contradiction(path, reason));
            }
        }
        let there = found.into_iter().zip(&self.list.entries).map(|(found, entry)| match found {
            Some((_, app)) => Ok(app),
            None => Err(BundleError::NotThere { path: path.to_owned(), app: entry.id.clone() }.into()),
        });
        there.collect()
    }
}

/// Compares an archive with what its name promises.
fn check(path: &Path, members: &Members, name: &str, size: u64, reporter: &dyn Reporter) -> Result<()> {
    let within = || path.join(name);
    let Some(Promise { crc: promised, size: length }) = file_name::parse(name) else {
        return Err(contradiction(path, format!("`{name}` has no checksum in its name")));
    };
    if let Some(promised) = length.filter(|&promised| promised != size) {
        return Err(BundleError::Length { path: within(), promised, found: size }.into());
    }
    let mut content = read(path, members, name)?;
    match crc(&mut content, reporter).map_err(dam_oci::Error::reading(within().display().to_string()))? {
        found if found == promised => Ok(()),
        found => Err(BundleError::Checksum { path: within(), promised, found }.into()),
    }
}

fn read<'a>(path: &Path, members: &'a Members, name: &str) -> Result<Box<dyn Read + Send + 'a>> {
    members.read(name)?.ok_or_else(|| contradiction(path, format!("`{name}` is missing")))
}

/// Opens the archive of one app.
fn archive(path: &Path, members: &Members, name: &str) -> Result<Archive> {
    let nested = members.nested(name)?.ok_or_else(|| contradiction(path, format!("`{name}` is missing")))?;
    let archive = Archive::of(Arc::new(nested))?;
    match archive.images().len() {
        1 => Ok(archive),
        count => Err(contradiction(path, format!("`{name}` holds {count} images in place of one"))),
    }
}

/// Returns the app of an archive, and its place in the list.
fn app(
    path: &Path,
    listed: &HashMap<(&str, &str), usize>,
    name: &str,
    archive: &Archive,
) -> Result<(usize, BundledApp)> {
    let image = &archive.images()[0];
    check_blobs(image)?;
    let Some(first) = image.references.first() else { return Err(nameless(&path.join(name), image)) };
    let places = image.references.iter().enumerate();
    let mut places = places.filter_map(|(at, reference)| Some((at, place(listed, reference)?)));
    let Some((at, place)) = places.next() else {
        let (path, archive, app) = (path.to_owned(), name.to_owned(), first.clone());
        return Err(BundleError::NotListed { path, archive, app }.into());
    };
    let mut names = image.references.clone();
    let reference = names.remove(at);
    Ok((place, BundledApp::new(reference, names, image)))
}

/// Finds an image in the list. DAM 1.x took all before the last `/` for the server and listed what is behind it:
/// `plant:5000/tools/backup:1` is `backup:1` there. Of several that fit, the longest name.
fn place(listed: &HashMap<(&str, &str), usize>, reference: &Reference) -> Option<usize> {
    let (name, version) = (reference.repository(), reference.tag()?);
    let shorter = name.match_indices('/').map(|(at, _)| &name[at + 1..]);
    std::iter::once(name).chain(shorter).find_map(|name| listed.get(&(name, version)).copied())
}

fn contradiction(path: &Path, reason: String) -> Error {
    BundleError::Contradiction { path: path.to_owned(), reason }.into()
}
