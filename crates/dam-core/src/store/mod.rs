//! Stores: where images live on this machine.
//!
//! A Docker-compatible daemon and the built-in OCI layout are stores; the tests add one in memory. All of them pass the
//! same contract suite (`tests/store_contract.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{Read, Write};

use dam_oci::{Digest, Image, Platform, Reference};
use serde::{Deserialize, Serialize};

use crate::event::Reporter;
use crate::{Cancel, Result};

pub(crate) mod about;
mod build;
mod composed;
pub(crate) mod demand;
pub mod docker;
mod layout;
mod request;

#[cfg(feature = "testing")]
pub(crate) use build::build_into;
pub use demand::{Demand, ImageDemand, Room};
pub use layout::LayoutStore;
pub use request::{BuildRequest, Builder, PullRequest};

/// What a `/meta` may take: the limits of [`crate::meta`], and as much again for what upper layers replace.
pub(crate) const META_LIMITS: dam_oci::Limits =
    dam_oci::Limits { entries: 2 * crate::meta::ENTRY_LIMIT as u64, bytes: 2 * crate::meta::SIZE_LIMIT };

/// How a store names an image: the config digest in classic stores, the manifest digest in containerd's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageId(pub Digest);

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What a store says of an image it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredImage {
    /// The image.
    pub id: ImageId,
    /// Its tags, sorted.
    pub tags: Vec<Reference>,
    /// Labels of its config.
    pub labels: BTreeMap<String, String>,
    /// DiffIDs of its layers, base first.
    pub diff_ids: Vec<Digest>,
    /// Size in bytes as the store counts it (unpacked for daemons, as stored for the layout).
    pub size: u64,
    /// Operating system and processor.
    pub platform: Platform,
    /// When it was made, RFC 3339, if known.
    pub created: Option<String>,
}

/// One row of [`Store::list`]: what can be had without asking for each image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedImage {
    /// The image.
    pub id: ImageId,
    /// Its tags, sorted; none for a dangling image.
    pub tags: Vec<Reference>,
    /// Labels of its config.
    pub labels: BTreeMap<String, String>,
    /// Size in bytes as the store counts it.
    pub size: u64,
}

/// What a store is, for the status line and `dam doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Description {
    /// `docker`, `podman`, `layout` or `memory`.
    pub kind: &'static str,
    /// Version of the engine; of dam for its own stores.
    pub version: String,
    /// Where it is: an endpoint or a folder.
    pub place: String,
    /// Storage driver and other facts, in words, for people.
    pub details: Vec<String>,
}

/// A place on this machine that holds images.
///
/// Every method that takes an id fails with [`crate::Error::NoImage`] when the store does not hold it. Ids returned by
/// one store mean nothing to another.
pub trait Store: Send {
    /// Says what this store is.
    fn describe(&self) -> Description;

    /// Finds an image by tag. A reference without a tag means `latest`, as everywhere.
    fn find(&self, reference: &Reference) -> Result<Option<StoredImage>>;

    /// Finds an image by id, tagged or not.
    fn find_id(&self, id: ImageId) -> Result<Option<StoredImage>>;

    /// Returns the image that has a tag, even one that [`Store::find`] cannot describe.
    fn holder(&self, reference: &Reference) -> Result<Option<ImageId>> {
        Ok(self.find(reference)?.map(|image| image.id))
    }

    /// Lists all images, tagged or not, sorted by id. Intermediate images of builds are left out, and so are those of
    /// [`Store::unreadable`].
    fn list(&self) -> Result<Vec<ListedImage>>;

    /// Lists the images that are too damaged to say what they are, sorted by id; what is damaged is found by looking at
    /// one with [`Store::find_id`]. They have no labels, and can be removed. An engine keeps such troubles to itself.
    fn unreadable(&self) -> Result<Vec<ListedImage>> {
        Ok(Vec::new())
    }

    /// Puts `image` into the store under `tags` (which may move from other images, leaving those untagged), and
    /// returns its id. Every blob is checked as it passes; after an error the store holds nothing new and no tag
    /// has moved. Loading what is already there is cheap and changes only the tags. Without tags the image stays
    /// untagged, and can be tagged later. What arrived whole of a load that was cut off stays out of sight for the next
    /// one, until [`Store::forget_parts`].
    fn load(&self, image: &dyn Image, tags: &[Reference], reporter: &dyn Reporter) -> Result<ImageId>;

    /// Says what loading `images` in this order would take. A layer that several of them have counts with the first. A
    /// store asks its engine once for what is there, however many images there are, and keeps the answer.
    ///
    /// # Errors
    /// Those of reading the configs, and of asking the engine.
    fn demand(&self, images: &[&dyn Image]) -> Result<Demand> {
        demand::by_blob(images, &|_| false)
    }

    /// Says how much is free where the store keeps its data; `None` where that cannot be known from here, as with an
    /// engine on another machine.
    fn room(&self) -> Result<Option<Room>> {
        Ok(None)
    }

    /// Removes what loads left that were cut off: whole layers that no image needs, and the parts of images an engine was
    /// sent one by one. The next load of the same image would have gone on with them.
    fn forget_parts(&self) -> Result<()> {
        Ok(())
    }

    /// Lets the engine fetch an image from its registry into the store, by digest and without a tag. Returns the bytes that it
    /// says it has fetched.
    ///
    /// # Errors
    /// [`crate::Error::CannotPull`] where the store talks to no registry.
    fn pull(&self, request: &PullRequest, _reporter: &dyn Reporter) -> Result<u64> {
        let store = self.describe().kind;
        Err(crate::Error::CannotPull { reference: request.exact.clone(), store })
    }

    /// Tells whether all of an image is there, as far as that can be seen without reading it. An engine keeps no image of
    /// which it lacks a part.
    fn is_whole(&self, _id: ImageId) -> Result<bool> {
        Ok(true)
    }

    /// Points `reference` at an image, away from any other.
    fn tag(&self, id: ImageId, reference: &Reference) -> Result<()>;

    /// Takes a tag away; the image itself stays, untagged if this was its last tag, where the store allows it (a
    /// Docker daemon deletes an image with its last tag). A tag that is not there is no error.
    fn untag(&self, reference: &Reference) -> Result<()>;

    /// Removes an image with all its tags. Fails with [`crate::Error::ImageInUse`] if a container needs it; an image
    /// that is not there is no error.
    fn remove(&self, id: ImageId) -> Result<()>;

    /// Writes the image's `/meta` to `out` as a tar whose entries are named `meta/…`. Returns false if it has none.
    /// The tar is unchecked input: it goes through [`crate::meta`] and nowhere else.
    fn meta(&self, id: ImageId, out: &mut dyn Write) -> Result<bool>;

    /// Reads all that is stored of an image and compares it with its digests, but for the blobs in `sound`, to which it
    /// adds. A store that does so by itself, or cannot be asked to, has nothing to do here.
    ///
    /// # Errors
    /// [`crate::Error::Oci`] where something is damaged or missing.
    fn check(&self, _id: ImageId, _sound: &mut BTreeSet<Digest>) -> Result<()> {
        Ok(())
    }

    /// Gets images ready for [`Store::image`], each of which is cheap then: a store that can only stream whole images
    /// streams several at once, so that what they share passes once. A wish to stop ends it.
    fn fetch(&self, _ids: &[ImageId], _cancel: &Cancel, _reporter: &dyn Reporter) -> Result<()> {
        Ok(())
    }

    /// Gives the image as a value, with compressed layers where the store has them.
    fn image(&self, id: ImageId, reporter: &dyn Reporter) -> Result<Box<dyn Image>>;

    /// Builds a Dockerfile and tags the result; the lines the build prints leave through `reporter`.
    fn build(&self, request: &BuildRequest, reporter: &dyn Reporter) -> Result<ImageId>;
}

/// Copies everything from `reader` to `out`; the buffer is large because both ends are often sockets.
pub(crate) fn pump(reader: &mut dyn Read, out: &mut dyn Write) -> std::io::Result<u64> {
    let mut buffer = vec![0; 256 << 10];
    let mut total = 0;
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        out.write_all(&buffer[..count])?;
        total += count as u64;
    }
}
