//! What an import is offered: a bundle, an archive, or a list.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use dam_oci::archive::PartName;
use dam_oci::{ArchiveFault, Digest};

use crate::bundle::{self, Bundle, BundledApp, Media, MediaReader, StreamedBundle};
use crate::event::Reporter;
use crate::ledger::Source;
use crate::product::{LIST_LIMIT, ProductList, is_list};
use crate::{Error, Result};

/// Where a product is read from.
pub enum Input {
    /// A file, and who puts in the media on which further parts of it are; none where nobody can be asked.
    File(PathBuf, Option<Box<dyn Media>>),
    /// A stream, which is read once, from front to back; the name is for messages.
    Stream(String, Box<dyn Read + Send>),
}

/// A product that is offered.
pub struct Offer {
    pub(super) what: What,
    pub(super) rest: Rest,
    path: PathBuf,
}

/// What a product is made of.
pub(super) enum What {
    /// Apps with their images.
    Apps(Vec<BundledApp>),
    /// Names of apps.
    List(ProductList),
}

/// What is left of an offer when all its images are in the store.
pub(super) enum Rest {
    /// Nothing that matters.
    Nothing,
    /// The layers that nobody wants, and the end of a stream.
    Stream(bundle::Rest),
}

impl Rest {
    /// Tells whether the images come from a stream, which is read once.
    pub(super) fn is_streamed(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    /// Reads the rest of a stream: what is not whole is refused before anything that runs is touched.
    pub(super) fn finish(self) -> Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Stream(rest) => rest.finish(),
        }
    }
}

impl Offer {
    /// Opens a product list, a bundle of this or of DAM 1.x, or an archive with several images, and reads all that
    /// stands before its layers.
    ///
    /// # Errors
    /// Those of [`Bundle::open`] and of [`ProductList::read`]: every line that is wrong.
    pub fn open(input: Input, reporter: &dyn Reporter) -> Result<Self> {
        match input {
            Input::File(path, media) => Self::open_file(&path, media, reporter),
            Input::Stream(name, reader) => Self::open_stream(&name, reader),
        }
    }

    fn open_file(path: &Path, media: Option<Box<dyn Media>>, reporter: &dyn Reporter) -> Result<Self> {
        let (what, rest) = if names_list(path)? {
            (What::List(ProductList::read(path)?), Rest::Nothing)
        } else {
            match (Bundle::open(path, reporter), media, PartName::read(path)) {
                // The other parts are on other media: those are read one after the other.
                (Err(Error::Oci(fault)), Some(media), Some(first)) if is_missing_part(&fault) => {
                    let (verified, rest) = StreamedBundle::open_parts(MediaReader::open(first, media)?)?.into_parts();
                    (What::Apps(verified.into_apps()), Rest::Stream(rest))
                }
                (bundle, ..) => {
                    let verified = bundle?.verify().map_err(|error| error.in_archive(path))?;
                    (What::Apps(verified.into_apps()), Rest::Nothing)
                }
            }
        };
        Ok(Self { what, rest, path: path.to_owned() })
    }

    /// Opens a list or a bundle that can be read once only.
    fn open_stream(name: &str, mut reader: Box<dyn Read + Send>) -> Result<Self> {
        let path = PathBuf::from(name);
        let mut head = Vec::new();
        reader.by_ref().take(512).read_to_end(&mut head).map_err(Error::access(&path))?;
        let listed = is_list(&head);
        let mut reader: Box<dyn Read + Send> = Box::new(io::Cursor::new(head).chain(reader));
        if !listed {
            let (verified, rest) = StreamedBundle::open(name, reader)?.into_parts();
            return Ok(Self { what: What::Apps(verified.into_apps()), rest: Rest::Stream(rest), path });
        }
        let mut bytes = Vec::new();
        reader.by_ref().take(LIST_LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(Error::access(&path))?;
        Ok(Self { what: What::List(ProductList::parse(name, &bytes)?), rest: Rest::Nothing, path })
    }

    /// Tells whether the product is empty: everything that is installed would go.
    pub fn is_empty(&self) -> bool {
        match &self.what {
            What::Apps(apps) => apps.is_empty(),
            What::List(list) => list.entries.is_empty(),
        }
    }

    /// Returns where the product comes from, for the ledger.
    pub(super) fn source(&self) -> Source {
        Source::File { path: self.path.display().to_string() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what tells this product from others: names, and for images their manifests.
    pub(super) fn identity(&self) -> Vec<(String, String)> {
        match &self.what {
            What::Apps(apps) => {
                let manifest = |app: &BundledApp| Digest::of(app.image.manifest_bytes()).to_string();
                apps.iter().map(|app| (app.reference.to_string(), manifest(app))).collect()
            }
            What::List(list) => list.entries.iter().map(|entry| (entry.reference.to_string(), String::new())).collect(),
        }
    }
}

fn is_missing_part(fault: &dam_oci::Error) -> bool {
    matches!(fault, dam_oci::Error::Archive { fault: ArchiveFault::PartMissing { .. }, .. })
}

/// Tells a list from an archive by its first bytes. What is named like a bundle is never taken for a list: a damaged one
/// must not be.
fn names_list(path: &Path) -> Result<bool> {
    let named = |suffix: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(suffix));
    if named("dam") || named("001") {
        return Ok(false);
    }
    let mut head = Vec::new();
    let file = std::fs::File::open(path).map_err(Error::access(path))?;
    file.take(512).read_to_end(&mut head).map_err(Error::access(path))?;
    Ok(is_list(&head))
}
