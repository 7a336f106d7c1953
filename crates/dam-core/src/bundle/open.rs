//! Opening a bundle, or any other archive of images.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use dam_oci::{Archive, ArchivedImage, Config, Digest, Image, Reference, config};

use super::file_name::{self, Promise};
use super::head::{FORMAT_VERSION, Head};
use super::{BundleError, verify};
use crate::app::{HookName, NAME, VERSION};
use crate::event::{Event, Reporter, Warning};
use crate::{Error, Result};

/// The largest `dam.json` that is read, in bytes: room for some thousand apps.
const HEAD_LIMIT: u64 = 64 << 20;

/// A file with apps in it, of which nothing is believed yet.
pub struct Bundle {
    pub(super) path: PathBuf,
    pub(super) archive: Archive,
    pub(super) head: Option<Head>,
}

/// A bundle whose head names every image and every blob in it, and matches them. Blobs themselves are checked while they
/// are read.
pub struct VerifiedBundle {
    head: Option<Head>,
    apps: Vec<BundledApp>,
}

/// An app of a bundle.
pub struct BundledApp {
    /// What the image is called: by `dam.json`, else by the archive, else by the image's own labels.
    pub reference: Reference,
    /// Further names the archive gives it.
    pub more_references: Vec<Reference>,
    /// The image.
    pub image: Box<dyn Image>,
    /// Digest of the kept copy of its `/meta`, as `dam.json` promises it; what is read from the layers must have it.
    pub meta: Option<Digest>,
    /// Its scripts, as `dam.json` lists them; none where nothing does.
    pub hooks: Vec<HookName>,
    /// Bytes of its unpacked layers, each once; a layer of unknown unpacked length counts as it is packed.
    pub unpacked: u64,
}

impl Bundle {
    /// Opens a file and reads its head. Where the file's name carries a checksum, all of the file is read and compared;
    /// an archive that has neither that nor a `dam.json` gets a [`Warning::NoChecksum`].
    ///
    /// # Errors
    /// [`BundleError::Checksum`] and [`BundleError::Length`] before anything is believed, then what [`Archive::open`]
    /// fails with, [`BundleError::Newer`] and [`BundleError::NeedsBaseline`].
    pub fn open(path: &Path, reporter: &dyn Reporter) -> Result<Self> {
        let promise = path.file_name().and_then(|name| name.to_str()).and_then(file_name::parse);
        if let Some(promise) = promise.filter(|_| path.is_file()) {
            check(path, promise, reporter)?;
        }
        let archive = Archive::open(path)?;
        let head = read_head(path, &archive)?;
        if promise.is_none() && head.is_none() {
            reporter.event(Event::Warning(Warning::NoChecksum { path }));
        }
        Ok(Self { path: path.to_owned(), archive, head })
    }

    /// Checks the head against the images.
    ///
    /// # Errors
    /// [`BundleError::Contradiction`] where they differ, [`BundleError::NoName`] for an image that has no name
    /// anywhere, and [`dam_oci::Error::MissingBlob`] for one whose layers are not all there.
    pub fn verify(self) -> Result<VerifiedBundle> {
        if let Some(lost) = self.archive.images().iter().find_map(|image| image.absent.first()) {
            return Err(dam_oci::Error::MissingBlob { digest: lost.digest }.into());
        }
        let apps = match &self.head {
            Some(head) => {
                let document = |name: &str| self.archive.member_bytes(name);
                verify::apps(&self.path, head, self.archive.images(), &document)?
            }
            None => self.archive.images().iter().map(|image| self.foreign(image)).collect::<Result<_>>()?,
        };
        Ok(VerifiedBundle::new(self.head, apps))
    }

    /// Makes an app of an image that no `dam.json` describes.
    fn foreign(&self, archived: &ArchivedImage) -> Result<BundledApp> {
        let (_, config) = config(&*archived.image)?;
        let labelled = labelled(&config);
        let mut names = archived.references.clone();
        // Of several names the one that the image itself claims, if it is among them.
        let own = names.iter().position(|name| {
            labelled.as_ref().is_some_and(|own| (own.repository(), own.tag()) == (name.repository(), name.tag()))
        });
        let reference = match (own, names.is_empty(), labelled) {
            (Some(at), ..) => names.remove(at),
            (None, false, _) => names.remove(0),
            (None, true, Some(own)) => own,
            (None, true, None) => {
                if let Some(fault) = archived.unreadable.first() {
                    return Err(dam_oci::Error::Reference(fault.clone()).into());
                }
                let image = archived.image.manifest().config.digest;
                return Err(BundleError::NoName { path: self.path.clone(), image }.into());
            }
        };
        let mut once = BTreeSet::new();
        let layers = archived.image.manifest().layers.iter().filter(|layer| once.insert(layer.digest));
        let unpacked = layers.map(|layer| layer.size).sum();
        let image = Box::new(archived.image.clone());
        Ok(BundledApp { reference, more_references: names, image, meta: None, hooks: Vec::new(), unpacked })
    }
}

impl VerifiedBundle {
    pub(super) fn new(head: Option<Head>, apps: Vec<BundledApp>) -> Self {
        Self { head, apps }
    }

    /// Returns the `dam.json`, if the file is a bundle of dam 2.
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Returns the apps, in the order of the bundle.
    pub fn apps(&self) -> &[BundledApp] {
        &self.apps
    }

    /// Gives the apps away, in the order of the bundle.
    pub fn into_apps(self) -> Vec<BundledApp> {
        self.apps
    }
}

/// Returns the name that the labels of dam 2 give an image.
fn labelled(config: &Config) -> Option<Reference> {
    let labels = &config.config.labels;
    format!("{}:{}", labels.get(NAME)?, labels.get(VERSION)?).parse().ok()
}

/// Compares a file with what its name promises.
fn check(path: &Path, promise: Promise, reporter: &dyn Reporter) -> Result<()> {
    let path = path.to_owned();
    let mut file = File::open(&path).map_err(Error::access(&path))?;
    let length = file.metadata().map_err(Error::access(&path))?.len();
    if let Some(promised) = promise.size.filter(|&promised| promised != length) {
        return Err(BundleError::Length { path, promised, found: length }.into());
    }
    reporter.event(Event::Started { what: "check file", total: Some(length) });
    let found = crc(&mut file, reporter).map_err(Error::access(&path));
    reporter.event(Event::Finished);
    match found? {
        found if found == promise.crc => Ok(()),
        found => Err(BundleError::Checksum { path, promised: promise.crc, found }.into()),
    }
}

fn crc(file: &mut File, reporter: &dyn Reporter) -> io::Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize()),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                reporter.event(Event::Advanced { bytes: count as u64 });
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads the `dam.json` of an archive, if it has one.
fn read_head(path: &Path, archive: &Archive) -> Result<Option<Head>> {
    let Some(reader) = archive.members().read("dam.json")? else { return Ok(None) };
    let what = format!("`dam.json` in `{}`", path.display());
    let mut bytes = Vec::new();
    reader.take(HEAD_LIMIT).read_to_end(&mut bytes).map_err(dam_oci::Error::stream(what))?;
    parse_head(path, &bytes).map(Some)
}

/// Parses a `dam.json`. The version is looked at first: a later format may have changed everything else.
pub(super) fn parse_head(path: &Path, bytes: &[u8]) -> Result<Head> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        format_version: u32,
    }
    let unreadable = |source| dam_oci::Error::Json { what: format!("`dam.json` in `{}`", path.display()), source };
    let Version { format_version: version } = serde_json::from_slice(bytes).map_err(unreadable)?;
    if version > FORMAT_VERSION {
        return Err(BundleError::Newer { path: path.to_owned(), version }.into());
    }
    let head: Head = serde_json::from_slice(bytes).map_err(unreadable)?;
    match head.baseline {
        Some(_) => Err(BundleError::NeedsBaseline { path: path.to_owned() }.into()),
        None => Ok(head),
    }
}
