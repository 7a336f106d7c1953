//! A store in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use dam_oci::testing::MemoryImage;
use dam_oci::{Descriptor, Digest, Image, Layout, Manifest, Reference, layers, subtree, visit_layers};

use crate::event::Reporter;
use crate::store::about::{describe, tag_of};
use crate::store::build_into;
use crate::store::{BuildRequest, Demand, Description, ImageId, ListedImage, META_LIMITS, Store, StoredImage, demand};
use crate::{Error, Result};

/// A store in memory. Clones share their images, as two dams on one machine do.
///
/// An [`ImageId`] here is the config digest, as in Docker's classic stores. Of two images with one config the first
/// stays.
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    deletes_untagged: bool,
}

#[derive(Default)]
struct State {
    images: BTreeMap<ImageId, MemoryImage>,
    tags: BTreeMap<Reference, ImageId>,
    in_use: BTreeMap<ImageId, String>,
    stuck: BTreeSet<ImageId>,
}

impl MemoryStore {
    /// Makes an empty store that keeps untagged images, as the built-in one does.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty store that deletes an image with its last tag, as a Docker daemon does. An image whose last tag
    /// moves away stays all the same.
    pub fn deleting_untagged() -> Self {
        Self { deletes_untagged: true, ..Self::default() }
    }

    /// Lets an image be in use, as by a container, for `reason`.
    pub fn use_image(&self, id: ImageId, reason: &str) {
        self.state().in_use.insert(id, reason.to_owned());
    }

    /// Lets the removal of an image fail.
    pub fn stick_image(&self, id: ImageId) {
        self.state().stuck.insert(id);
    }

    /// Ends the use of an image.
    pub fn release_image(&self, id: ImageId) {
        self.state().in_use.remove(&id);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the state")
    }
}

impl State {
    fn image(&self, id: ImageId) -> Result<&MemoryImage> {
        self.images.get(&id).ok_or(Error::NoImage(id))
    }

    /// Copies all blobs, which are small in tests.
    fn blobs(&self) -> BTreeMap<Digest, Vec<u8>> {
        let blobs = |image: &MemoryImage| image.clone().blobs_mut().clone();
        self.images.values().flat_map(blobs).collect()
    }

    fn stored(&self, id: ImageId) -> Result<StoredImage> {
        let tags = self.tags.iter().filter(|(_, it)| **it == id).map(|(tag, _)| tag.clone()).collect();
        describe(id, tags, self.image(id)?)
    }

    fn remove(&mut self, id: ImageId) -> Result<()> {
        if let Some(reason) = self.in_use.get(&id) {
            return Err(Error::ImageInUse { id, reason: reason.clone() });
        }
        if self.stuck.contains(&id) {
            return Err(Error::access("memory")(std::io::ErrorKind::ReadOnlyFilesystem.into()));
        }
        self.tags.retain(|_, it| *it != id);
        self.images.remove(&id);
        Ok(())
    }
}

/// An image that is not asked for the blobs its receiver has.
struct Having<'a> {
    image: &'a dyn Image,
    held: BTreeMap<Digest, Vec<u8>>,
}

impl Image for Having<'_> {
    fn manifest_bytes(&self) -> &[u8] {
        self.image.manifest_bytes()
    }

    fn manifest(&self) -> &Manifest {
        self.image.manifest()
    }

    fn open_unverified(&self, blob: &Descriptor) -> dam_oci::Result<Box<dyn Read + Send + '_>> {
        match self.held.get(&blob.digest) {
            Some(bytes) => Ok(Box::new(&bytes[..])),
            None => self.image.open_unverified(blob),
        }
    }

    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> dam_oci::Result<()>,
    ) -> dam_oci::Result<()> {
        let (held, new): (Vec<Descriptor>, Vec<Descriptor>) =
            wanted.iter().cloned().partition(|blob| self.held.contains_key(&blob.digest));
        if !new.is_empty() {
            self.image.visit_unverified(&new, visit)?;
        }
        held.iter().try_for_each(|blob| visit(blob, &mut *self.open_unverified(blob)?))
    }
}

impl Store for MemoryStore {
    fn describe(&self) -> Description {
        Description { kind: "memory", version: "1".to_owned(), place: "memory".to_owned(), details: Vec::new() }
    }

    fn find(&self, reference: &Reference) -> Result<Option<StoredImage>> {
        let state = self.state();
        let id = match reference.digest() {
            Some(digest) => {
                let is_it = |image: &MemoryImage| Digest::of(image.manifest_bytes()) == digest;
                state.images.iter().find(|(_, image)| is_it(image)).map(|(id, _)| *id)
            }
            None => state.tags.get(&tag_of(reference)).copied(),
        };
        id.map(|id| state.stored(id)).transpose()
    }

    fn find_id(&self, id: ImageId) -> Result<Option<StoredImage>> {
        let state = self.state();
        state.images.contains_key(&id).then(|| state.stored(id)).transpose()
    }

    fn list(&self) -> Result<Vec<ListedImage>> {
        let state = self.state();
        state.images.keys().map(|id| state.stored(*id).map(ListedImage::from)).collect()
    }

    fn load(&self, image: &dyn Image, tags: &[Reference], _: &dyn Reporter) -> Result<ImageId> {
        let having = Having { image, held: self.state().blobs() };
        let image = MemoryImage::copy(&having)?;
        visit_layers(&image, &layers(&image)?, &mut |_, _| Ok(()))?;
        let id = ImageId(image.manifest().config.digest);
        self.state().images.entry(id).or_insert(image);
        tags.iter().try_for_each(|tag| self.tag(id, tag))?;
        Ok(id)
    }

    fn demand(&self, images: &[&dyn Image]) -> Result<Demand> {
        let held = self.state().blobs();
        demand::by_blob(images, &|blob| held.contains_key(&blob.digest))
    }

    fn tag(&self, id: ImageId, reference: &Reference) -> Result<()> {
        let mut state = self.state();
        state.image(id)?;
        state.tags.insert(tag_of(reference), id);
        Ok(())
    }

    fn untag(&self, reference: &Reference) -> Result<()> {
        let mut state = self.state();
        let Some(id) = state.tags.remove(&tag_of(reference)) else { return Ok(()) };
        if self.deletes_untagged && !state.tags.values().any(|it| *it == id) {
            state.images.remove(&id);
        }
        Ok(())
    }

    fn remove(&self, id: ImageId) -> Result<()> {
        self.state().remove(id)
    }

    fn meta(&self, id: ImageId, out: &mut dyn Write) -> Result<bool> {
        let image = self.state().image(id)?.clone();
        Ok(subtree(&image, "meta", META_LIMITS, &std::env::temp_dir(), out)?)
    }

    fn image(&self, id: ImageId, _: &dyn Reporter) -> Result<Box<dyn Image>> {
        Ok(Box::new(self.state().image(id)?.clone()))
    }

    fn build(&self, request: &BuildRequest, reporter: &dyn Reporter) -> Result<ImageId> {
        let folder = tempfile::tempdir().map_err(Error::access(std::env::temp_dir()))?;
        let layout = Layout::open_or_create(folder.path())?;
        let built = build_into(&layout, self, request, reporter)?;
        self.load(&layout.image(built.digest)?, &request.tags, reporter)
    }
}
