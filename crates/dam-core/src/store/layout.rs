//! The built-in store: an OCI layout in a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;

use dam_oci::layout::LayoutImage;
use dam_oci::{Descriptor, Digest, Image, Layout, Reference, media_type, subtree, visit_blobs};

use super::about::{describe, tag_of};
use super::build::build_into;
use super::{BuildRequest, Demand, Description, ImageId, ListedImage, Room, Store, StoredImage, demand};
use crate::event::{Event, Reporter};
use crate::{Error, Result, fault};

/// The built-in store.
///
/// An [`ImageId`] here is the digest of the manifest, as in containerd's store: one config may stand under two
/// manifests, with raw and with compressed layers, and both are kept as they came. Any number of dams may use the
/// folder at once; see [`Layout`].
#[derive(Debug, Clone)]
pub struct LayoutStore {
    layout: Layout,
}

impl LayoutStore {
    /// Opens the store in `folder`, which is made if it is not there.
    pub fn open(folder: &Path) -> Result<Self> {
        Ok(Self { layout: Layout::open_or_create(folder)? })
    }

    /// Describes the store that is in `folder`, or would be: nothing is made.
    pub fn look(folder: &Path) -> Result<Description> {
        Layout::open_existing(folder)?;
        Ok(description(folder))
    }

    /// Returns the manifest an id stands for, if it is kept here.
    fn kept(&self, id: ImageId) -> Result<Option<Descriptor>> {
        let manifests = self.layout.manifests()?;
        Ok(manifests.into_iter().find(|entry| entry.digest == id.0 && media_type::is_manifest(&entry.media_type)))
    }

    fn open_image(&self, id: ImageId) -> Result<LayoutImage> {
        let kept = self.kept(id)?.ok_or(Error::NoImage(id))?;
        Ok(self.layout.image(kept.digest)?)
    }

    /// Describes a kept image, given all tags of the layout.
    fn stored(&self, id: ImageId, tags: &[(Reference, Descriptor)]) -> Result<StoredImage> {
        let tags = tags.iter().filter(|(_, entry)| entry.digest == id.0).map(|(tag, _)| tag.clone()).collect();
        describe(id, tags, &self.layout.image(id.0)?)
    }

    /// Lists the kept images, those that can be read and those that cannot: one rotten blob must not keep all others
    /// from being used and removed.
    fn sorted(&self) -> Result<(Vec<ListedImage>, Vec<ListedImage>)> {
        let tags = self.layout.tags()?;
        let manifests = self.layout.manifests()?;
        let (mut listed, mut unreadable) = (Vec::new(), Vec::new());
        for entry in manifests.iter().filter(|entry| media_type::is_manifest(&entry.media_type)) {
            let id = ImageId(entry.digest);
            match self.stored(id, &tags) {
                Ok(image) => listed.push(image.into()),
                Err(Error::Oci(fault)) if !matches!(fault, dam_oci::Error::Access { .. }) => {
                    let tags = tags.iter().filter(|(_, tagged)| tagged.digest == id.0).map(|(tag, _)| tag.clone());
                    let mut tags: Vec<Reference> = tags.collect();
                    tags.sort();
                    unreadable.push(ListedImage { id, tags, labels: BTreeMap::new(), size: entry.size });
                }
                Err(error) => return Err(error),
            }
        }
        listed.sort_by_key(|image: &ListedImage| image.id);
        unreadable.sort_by_key(|image| image.id);
        Ok((listed, unreadable))
    }

    /// Removes blobs that no image needs. Where an image is too damaged to say which it needs, they go with the first
    /// sweep after that one has gone or is whole again.
    fn sweep(&self) -> Result<()> {
        match self.layout.collect_garbage() {
            Err(fault) if !matches!(fault, dam_oci::Error::Access { .. }) => Ok(()),
            collected => Ok(collected.map(drop)?),
        }
    }

    /// Puts the blobs and the manifest, unless all of them are here and sound: who loads an image again may do it to
    /// mend one.
    fn put(&self, image: &dyn Image, reporter: &dyn Reporter) -> Result<ImageId> {
        let manifest = image.manifest();
        let id = ImageId(dam_oci::Digest::of(image.manifest_bytes()));
        let mut blobs = manifest.layers.iter().chain([&manifest.config]);
        if let Some(kept) = self.kept(id)?
            && self.layout.has_sound_blob(&kept)
            && blobs.all(|blob| self.layout.has_sound_blob(blob))
        {
            return Ok(id);
        }
        let total = manifest.layers.iter().map(|layer| layer.size).sum::<u64>() + manifest.config.size;
        reporter.event(Event::Started { what: "load image", total: Some(total) });
        fault::point("layout: before the image is kept");
        let put = self.layout.put_image(image, &mut |bytes| {
            fault::point("layout: a piece of a blob has come");
            reporter.event(Event::Advanced { bytes });
        });
        reporter.event(Event::Finished);
        fault::point("layout: after the image is kept");
        match &put {
            Ok(_) => {}
            // Cut off, not broken: what arrived whole is for the next try.
            Err(dam_oci::Error::Lost { .. } | dam_oci::Error::Stream { .. }) => {}
            // Whole blobs of a broken image are of no use here. Its own error says more than one of this would.
            Err(_) => _ = self.layout.collect_garbage(),
        }
        put?;
        Ok(id)
    }
}

impl Store for LayoutStore {
    fn describe(&self) -> Description {
        description(self.layout.root())
    }

    fn find(&self, reference: &Reference) -> Result<Option<StoredImage>> {
        if let Some(digest) = reference.digest() {
            return self.find_id(ImageId(digest));
        }
        let tags = self.layout.tags()?;
        let reference = tag_of(reference);
        match tags.iter().find(|(tag, entry)| *tag == reference && media_type::is_manifest(&entry.media_type)) {
            Some((_, entry)) => self.stored(ImageId(entry.digest), &tags).map(Some),
            None => Ok(None),
        }
    }

    fn find_id(&self, id: ImageId) -> Result<Option<StoredImage>> {
        match self.kept(id)? {
            Some(_) => self.stored(id, &self.layout.tags()?).map(Some),
            None => Ok(None),
        }
    }

    fn is_whole(&self, id: ImageId) -> Result<bool> {
        let image = self.open_image(id)?;
        let manifest = image.manifest();
        Ok(manifest.layers.iter().chain([&manifest.config]).all(|blob| self.layout.has_blob(blob)))
    }

    fn holder(&self, reference: &Reference) -> Result<Option<ImageId>> {
        let reference = tag_of(reference);
        let tags = self.layout.tags()?;
        let holder = tags.iter().find(|(tag, entry)| *tag == reference && media_type::is_manifest(&entry.media_type));
        Ok(holder.map(|(_, entry)| ImageId(entry.digest)))
    }

    fn list(&self) -> Result<Vec<ListedImage>> {
        Ok(self.sorted()?.0)
    }

    fn unreadable(&self) -> Result<Vec<ListedImage>> {
        Ok(self.sorted()?.1)
    }

    fn load(&self, image: &dyn Image, tags: &[Reference], reporter: &dyn Reporter) -> Result<ImageId> {
        let id = self.put(image, reporter)?;
        tags.iter().try_for_each(|tag| self.tag(id, tag))?;
        Ok(id)
    }

    fn demand(&self, images: &[&dyn Image]) -> Result<Demand> {
        demand::by_blob(images, &|blob| self.layout.has_blob(blob))
    }

    fn room(&self) -> Result<Option<Room>> {
        Room::of(self.layout.root()).map(Some)
    }

    fn forget_parts(&self) -> Result<()> {
        self.sweep()
    }

    fn tag(&self, id: ImageId, reference: &Reference) -> Result<()> {
        fault::point("layout: before the tag moves");
        let tagged = self.layout.tag(&tag_of(reference), id.0);
        fault::point("layout: after the tag has moved");
        match tagged {
            Err(dam_oci::Error::MissingBlob { .. }) => Err(Error::NoImage(id)),
            tagged => Ok(tagged?),
        }
    }

    fn untag(&self, reference: &Reference) -> Result<()> {
        fault::point("layout: before the tag goes");
        self.layout.untag(&tag_of(reference))?;
        fault::point("layout: after the tag went");
        Ok(())
    }

    fn remove(&self, id: ImageId) -> Result<()> {
        fault::point("layout: before the image goes");
        if self.layout.forget(id.0)? {
            fault::point("layout: after the image went, its blobs still there");
            self.sweep()?;
        }
        fault::point("layout: after the blobs went");
        Ok(())
    }

    fn meta(&self, id: ImageId, out: &mut dyn Write) -> Result<bool> {
        let image = self.open_image(id)?;
        Ok(subtree(&image, "meta", super::META_LIMITS, self.layout.root(), out)?)
    }

    fn check(&self, id: ImageId, sound: &mut BTreeSet<Digest>) -> Result<()> {
        let image = self.open_image(id)?;
        let manifest = image.manifest();
        let blobs = manifest.layers.iter().chain([&manifest.config]).filter(|blob| !sound.contains(&blob.digest));
        let blobs: Vec<Descriptor> = blobs.cloned().collect();
        visit_blobs(&image, &blobs, &mut |blob, reader| {
            let broken = dam_oci::Error::stream(format!("blob {}", blob.digest));
            super::pump(reader, &mut io::sink()).map_err(broken)?;
            sound.insert(blob.digest);
            Ok(())
        })?;
        Ok(())
    }

    fn image(&self, id: ImageId, _: &dyn Reporter) -> Result<Box<dyn Image>> {
        Ok(Box::new(self.open_image(id)?))
    }

    fn build(&self, request: &BuildRequest, reporter: &dyn Reporter) -> Result<ImageId> {
        fault::point("layout: before the build");
        let id = ImageId(build_into(&self.layout, self, request, reporter)?.digest);
        fault::point("layout: after the build, the image kept without a tag");
        request.tags.iter().try_for_each(|tag| self.tag(id, tag))?;
        Ok(id)
    }
}

fn description(folder: &Path) -> Description {
    Description {
        kind: "layout",
        version: env!("CARGO_PKG_VERSION").to_owned(),
        place: folder.display().to_string(),
        details: vec!["OCI image layout".to_owned()],
    }
}
