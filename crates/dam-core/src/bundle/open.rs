//! Opening a bundle, or any other archive of images.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dam_oci::archive::Members;
use dam_oci::{Archive, ArchivedImage, Config, Digest, Image, Reference, config};

use super::exported::{self, Exported};
use super::file_name::{self, Promise};
use super::form::Form;
use super::head::{FORMAT_VERSION, Head};
use super::{BundleError, verify};
use crate::app::{HookName, NAME, VERSION};
use crate::event::{Event, Reporter, Warning};
use crate::{Error, Result};

/// The largest `dam.json` that is read, in bytes: room for some thousand apps.
const HEAD_LIMIT: u64 = 64 << 20;

/// A file with apps in it, of which nothing is believed yet.
pub struct Bundle {
    path: PathBuf,
    length: u64,
    content: Content,
}

/// What a file with apps turned out to be.
enum Content {
    /// One archive, of one image or several, and its `dam.json` if it is a bundle of dam 2.
    Images { archive: Archive, head: Option<Head> },
    /// A bundle of DAM 1.x: an archive for each app.
    Archives(Exported),
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
    /// fails with, [`BundleError::Newer`], [`BundleError::NeedsBaseline`] and, for a bundle of DAM 1.x,
    /// [`BundleError::Packed`] and [`Error::List`].
    pub fn open(path: &Path, reporter: &dyn Reporter) -> Result<Self> {
        let promise = path.file_name().and_then(|name| name.to_str()).and_then(file_name::parse);
        if let Some(promise) = promise.filter(|_| path.is_file()) {
            check(path, promise, reporter)?;
        }
        let members = Members::open(path)?;
        let length = members.length();
        let content = match exported::is_exported(&members) {
            true => Content::Archives(Exported::open(path, &members, reporter)?),
            false => {
                let archive = Archive::of(Arc::new(members))?;
                let head = read_head(path, &archive)?;
                if promise.is_none() && head.is_none() {
                    reporter.event(Event::Warning(Warning::NoChecksum { path }));
                }
                Content::Images { archive, head }
            }
        };
        Ok(Self { path: path.to_owned(), length, content })
    }

    /// Returns the length of the file in bytes; of a split one, that of all parts.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns what kind of file it is.
    pub fn form(&self) -> Form {
        match &self.content {
            Content::Archives(_) => Form::Dam1Bundle,
            Content::Images { head: Some(_), .. } => Form::Bundle,
            Content::Images { archive, head: None } => Form::of_foreign(archive.members()),
        }
    }

    /// Checks the head against the images.
    ///
    /// # Errors
    /// [`BundleError::Contradiction`] where they differ, [`BundleError::NotThere`] and [`BundleError::NotListed`] where a
    /// bundle of DAM 1.x does not carry what it lists, [`BundleError::NoName`] for an image that has no name anywhere, and
    /// [`dam_oci::Error::MissingBlob`] for one whose layers are not all there.
    pub fn verify(self) -> Result<VerifiedBundle> {
        let (head, apps) = match self.content {
            Content::Archives(exported) => (None, exported.apps(&self.path)?),
            Content::Images { archive, head } => {
                archive.images().iter().try_for_each(check_blobs)?;
                let apps = match &head {
                    Some(head) => {
                        let document = |name: &str| archive.member_bytes(name);
                        verify::apps(&self.path, head, archive.images(), &document)?
                    }
                    None => archive.images().iter().map(|image| foreign(&self.path, image)).collect::<Result<_>>()?,
                };
                (head, apps)
            }
        };
        Ok(VerifiedBundle::new(head, apps))
    }
}

/// Refuses an image of which a layer was left out.
pub(super) fn check_blobs(image: &ArchivedImage) -> Result<()> {
    match image.absent.first() {
        Some(lost) => Err(dam_oci::Error::MissingBlob { digest: lost.digest }.into()),
        None => Ok(()),
    }
}

/// Makes an app of an image that no `dam.json` describes.
fn foreign(path: &Path, archived: &ArchivedImage) -> Result<BundledApp> {
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
        (None, true, None) => return Err(nameless(path, archived)),
    };
    Ok(BundledApp::new(reference, names, archived))
}

/// Says that an image has no name, or none that is one.
pub(super) fn nameless(path: &Path, archived: &ArchivedImage) -> Error {
    match archived.unreadable.first() {
        Some(fault) => dam_oci::Error::Reference(fault.clone()).into(),
        None => {
            let image = archived.image.manifest().config.digest;
            BundleError::NoName { path: path.to_owned(), image }.into()
        }
    }
}

impl BundledApp {
    /// Makes an app of an image of which nothing but the manifest tells how long its layers are.
    pub(super) fn new(reference: Reference, more_references: Vec<Reference>, archived: &ArchivedImage) -> Self {
        let mut once = BTreeSet::new();
        let layers = archived.image.manifest().layers.iter().filter(|layer| once.insert(layer.digest));
        let unpacked = layers.map(|layer| layer.size).sum();
        let image = Box::new(archived.image.clone());
        Self { reference, more_references, image, meta: None, hooks: Vec::new(), unpacked }
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

/// Returns the CRC-32 of all that can be read.
pub(super) fn crc(file: &mut dyn Read, reporter: &dyn Reporter) -> io::Result<u32> {
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
pub(crate) fn parse_head(path: &Path, bytes: &[u8]) -> Result<Head> {
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
