//! Putting an image into an engine.

use std::collections::{BTreeMap, BTreeSet};

use dam_oci::{Digest, Image, Reference};

use super::archive::{Archive, Form};
use super::client::Ask;
use super::error::DockerError;
use super::images::loaded_name;
use super::parts::{Part, cuts};
use super::present::left_out;
use super::{DockerStore, messages};
use crate::event::{Event, Reporter, Silent};
use crate::store::composed::Composed;
use crate::store::{ImageId, Store};
use crate::{Error, Result, fault};

impl DockerStore {
    pub(super) fn load_image(&self, image: &dyn Image, tags: &[Reference], reporter: &dyn Reporter) -> Result<ImageId> {
        let expected = self.id_of(image);
        if !self.is_present(expected)? {
            let what = tags.first().map_or_else(|| expected.to_string(), Reference::to_string);
            let mut load =
                Load { store: self, id: expected, what: format!("load {what}"), reporter, parts: Vec::new() };
            load.send(image)?;
            self.note_loaded(expected, image)?;
            self.drop_parts(expected, load.parts, reporter);
        }
        for tag in tags {
            fault::point("docker: before a tag");
            self.tag(expected, tag)?;
        }
        fault::point("docker: after the tags");
        Ok(expected)
    }

    /// Returns the id the engine will know the image by.
    pub(super) fn id_of(&self, image: &dyn Image) -> ImageId {
        ImageId(match self.engine.form() {
            Form::Plain => image.manifest().config.digest,
            Form::Layout => Digest::of(image.manifest_bytes()),
        })
    }

    /// Finds an image that has a layer with this content, and gives it as a value.
    fn lender(&self, diff_id: Digest) -> Result<Option<Box<dyn Image>>> {
        match self.with_inventory(|inventory| inventory.image_with(diff_id))? {
            Some(id) => match self.image(id, &Silent) {
                Err(Error::NoImage(_)) => Ok(None),
                image => image.map(Some),
            },
            None => Ok(None),
        }
    }
}

/// An image on its way.
struct Load<'a> {
    store: &'a DockerStore,
    id: ImageId,
    /// What is done, such as "load shop:1.0".
    what: String,
    reporter: &'a dyn Reporter,
    /// The parts that were sent.
    parts: Vec<ImageId>,
}

impl Load<'_> {
    /// Sends what the engine lacks. Layers that it wants and the source does not give are taken out of images it has.
    fn send(&mut self, image: &dyn Image) -> Result<()> {
        let mut composed = Composed::new(image);
        loop {
            let present = self.store.present_layers(&composed)?;
            let sent = self.send_missing(&composed, &present);
            let Err(Error::Oci(dam_oci::Error::MissingBlob { digest } | dam_oci::Error::PassedBlob { digest })) = &sent
            else {
                return sent;
            };
            if self.store.engine.form() == Form::Layout {
                // What the engine has of a small image is asked only now.
                let held = self.store.held_layers(image)?;
                return if held.contains(digest) { self.send_missing(image, &held) } else { sent };
            }
            // A layer that was lent is not one of the source's any more: this ends after as many rounds as it has layers.
            let lender = composed.diff_id(*digest)?.map(|diff_id| self.store.lender(diff_id)).transpose()?.flatten();
            let is_lent = lender.map(|lender| composed.lend(*digest, lender)).transpose()?.unwrap_or(false);
            if !is_lent {
                return sent;
            }
        }
    }

    /// Sends an image without the layers that are `present`, and all of it where that turns out not to be so.
    fn send_missing(&mut self, image: &dyn Image, present: &BTreeSet<Digest>) -> Result<()> {
        if present.is_empty() {
            return self.send_without(present, image);
        }
        let refused = match self.send_without(present, image) {
            // Containerd's store takes images of which blobs are missing.
            Ok(()) if self.store.engine.form() == Form::Layout && !self.store.is_loaded_whole(self.id)? => None,
            // Another program may have removed the layers that were counted on.
            Err(error @ Error::Docker(DockerError::Answered { .. } | DockerError::OtherImage { .. })) => Some(error),
            sent => return sent,
        };
        self.store.known.doubt();
        match (self.send_without(&BTreeSet::new(), image), refused) {
            // There is no second try from a stream, so the first one's answer counts.
            (Err(Error::Oci(dam_oci::Error::PassedBlob { .. })), Some(refusal)) => Err(refusal),
            (sent, _) => sent,
        }
    }

    /// Sends the image without some layers, at once or in parts, and makes sure that the engine has it then.
    fn send_without(&mut self, present: &BTreeSet<Digest>, image: &dyn Image) -> Result<()> {
        let store = self.store;
        let name = (store.engine.form() == Form::Layout).then(|| loaded_name(self.id).canonical());
        let archive = self.plan(image, present, &BTreeMap::new(), name)?;
        self.reporter.event(Event::Started { what: &self.what, total: Some(archive.size()) });
        let sent = match self.cuts(image, &archive)? {
            cuts if cuts.len() < 2 => self.upload(&archive),
            cuts => self.send_in_parts(image, &archive, &cuts),
        };
        self.reporter.event(Event::Finished);
        sent?;
        if store.find_id(self.id)?.is_none() {
            let found = "nothing, or an image with another id".to_owned();
            return Err(DockerError::OtherImage { expected: self.id.0, found }.into());
        }
        Ok(())
    }

    /// Says after how many layers each load ends.
    fn cuts(&self, image: &dyn Image, archive: &Archive) -> Result<Vec<usize>> {
        let store = self.store;
        if store.engine.form() == Form::Layout || store.engine.is_podman {
            return Ok(Vec::new());
        }
        let mut sizes = archive.sizes();
        let layers = store.engine.names(image)?;
        let sizes: Vec<u64> = layers.iter().map(|layer| sizes.remove(layer).unwrap_or(0)).collect();
        Ok(cuts(&sizes, store.part_size))
    }

    fn send_in_parts(&mut self, image: &dyn Image, archive: &Archive, cuts: &[usize]) -> Result<()> {
        let sizes = archive.sizes();
        let layers = self.store.engine.names(image)?;
        let mut below = layers.iter().take_while(|layer| !sizes.contains_key(layer)).count();
        for &cut in cuts {
            let left_out = left_out(&layers[..cut], below);
            if cut == layers.len() {
                self.upload(&self.plan(image, &left_out, &sizes, None)?)?;
                break;
            }
            let part = Part::of(image, cut)?;
            self.upload(&self.plan(&part, &left_out, &sizes, None)?)?;
            self.parts.push(part.id());
            self.store.known.note(|inventory| {
                inventory.add(part.id(), layers[..cut].to_vec());
                inventory.add_part(part.id(), self.id.0);
            });
            fault::point("docker: between two parts");
            below = cut;
        }
        Ok(())
    }

    fn plan<'i>(
        &self,
        image: &'i dyn Image,
        left_out: &BTreeSet<Digest>,
        sizes: &BTreeMap<Digest, u64>,
        name: Option<String>,
    ) -> Result<Archive<'i>> {
        let known = |diff_id| sizes.get(&diff_id).copied().or_else(|| self.store.unpacked_size(diff_id));
        Ok(Archive::plan(image, self.store.engine.form(), left_out, &known, name)?)
    }

    fn upload(&self, archive: &Archive) -> Result<()> {
        fault::point("docker: before a load");
        let ask = Ask::new(&self.what, "images/load").with("quiet", "1");
        let answer = self.store.upload(&ask, |out| archive.write(out, self.reporter));
        let sent = answer.and_then(|answer| Ok(messages::read(answer, &mut |_| Ok(()))?));
        fault::point("docker: after a load");
        sent
    }
}
