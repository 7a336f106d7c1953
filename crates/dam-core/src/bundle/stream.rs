//! A bundle that is read once, from front to back: from a pipe, or from parts on several media.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dam_oci::archive::{StreamedArchive, StreamedDocuments};
use dam_oci::{ArchiveFault, Compression};

use super::open::parse_head;
use super::{BundleError, MediaReader, VerifiedBundle, verify};
use crate::Result;

/// A bundle of which the head was read and checked, while its layers are still to come.
pub struct StreamedBundle {
    bundle: VerifiedBundle,
    rest: Rest,
}

/// What is left of the stream when all that was wanted has been loaded.
pub struct Rest {
    archive: StreamedArchive,
    /// To be set at the end of the archive, where the stream does not know its own.
    whole: Arc<AtomicBool>,
}

impl StreamedBundle {
    /// Reads a stream up to its first layer and checks the head against the images, as [`super::Bundle::verify`] does.
    /// `what` names the stream in errors, such as `standard input`.
    ///
    /// The images of the apps share the stream: load them in the order of the bundle. A layer that has gone by is
    /// [`dam_oci::Error::PassedBlob`]. Every layer knows its unpacked length, so that nothing must be read to measure it.
    ///
    /// # Errors
    /// [`BundleError::NotStreamed`] for any other kind of archive, and otherwise those of [`super::Bundle::open`] and
    /// [`super::Bundle::verify`].
    pub fn open(what: &str, reader: Box<dyn Read + Send>) -> Result<Self> {
        Self::read(Path::new(what), reader, Arc::default())
    }

    /// Reads a split bundle whose parts are on several media; otherwise as [`StreamedBundle::open`].
    ///
    /// # Errors
    /// Those of [`StreamedBundle::open`]. A bundle that is compressed as a whole has no end of its own by which the last
    /// part could be told: [`BundleError::NotStreamed`].
    pub fn open_parts(reader: MediaReader) -> Result<Self> {
        let (path, whole) = (reader.stem().to_owned(), reader.whole());
        let bundle = Self::read(&path, Box::new(reader), whole)?;
        match bundle.rest.archive.compression() {
            Compression::None => Ok(bundle),
            Compression::Gzip | Compression::Zstd => Err(BundleError::NotStreamed { path }.into()),
        }
    }

    fn read(path: &Path, reader: Box<dyn Read + Send>, whole: Arc<AtomicBool>) -> Result<Self> {
        let documents =
            StreamedDocuments::open(&format!("`{}`", path.display()), reader).map_err(|error| foreign(path, error))?;
        let Some(bytes) = documents.document("dam.json") else {
            return Err(BundleError::NotStreamed { path: path.to_owned() }.into());
        };
        // Before anything else: a later format may have changed everything.
        let head = parse_head(path, bytes)?;
        let archive = documents.into_archive()?;
        let document = |name: &str| Ok(archive.document(name).map(<[u8]>::to_vec));
        let apps = verify::apps(path, &head, archive.images(), &document)?;
        Ok(Self { bundle: VerifiedBundle::new(Some(head), apps), rest: Rest { archive, whole } })
    }

    /// Returns the bundle.
    pub fn bundle(&self) -> &VerifiedBundle {
        &self.bundle
    }

    /// Gives the bundle away, and what is left of the stream to be finished behind it.
    pub fn into_parts(self) -> (VerifiedBundle, Rest) {
        (self.bundle, self.rest)
    }
}

impl Rest {
    /// Compares from now on the digests of layers that nobody wants, too. Otherwise only their places and sizes are
    /// looked at.
    pub fn hash_skipped(&self) {
        self.archive.hash_skipped();
    }

    /// Reads to the end of the stream. The images give no layer any more.
    ///
    /// # Errors
    /// Those of a damaged archive where the stream is not as long as its head says.
    pub fn finish(self) -> Result<()> {
        self.archive.pass_rest()?;
        self.whole.store(true, Ordering::SeqCst);
        self.archive.drain()?;
        Ok(())
    }
}

/// Tells an archive that another program wrote.
fn foreign(path: &Path, error: dam_oci::Error) -> crate::Error {
    match error {
        dam_oci::Error::Archive { fault: ArchiveFault::Unordered, .. } => {
            BundleError::NotStreamed { path: path.to_owned() }.into()
        }
        error => error.into(),
    }
}
