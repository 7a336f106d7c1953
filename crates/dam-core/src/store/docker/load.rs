//! Putting an image into an engine.

use std::collections::BTreeSet;

use dam_oci::{Digest, Image, Reference};

use super::archive::{Archive, Form};
use super::client::Ask;
use super::error::DockerError;
use super::images::loaded_name;
use super::{DockerStore, messages};
use crate::event::{Event, Reporter};
use crate::store::{ImageId, Store};
use crate::{Error, Result, fault};

impl DockerStore {
    pub(super) fn load_image(&self, image: &dyn Image, tags: &[Reference], reporter: &dyn Reporter) -> Result<ImageId> {
        let expected = self.id_of(image);
        if self.find_id(expected)?.is_none() {
            self.send(image, tags, reporter)?;
            if self.find_id(expected)?.is_none() {
                let found = "nothing, or an image with another id".to_owned();
                return Err(DockerError::OtherImage { expected: expected.0, found }.into());
            }
        }
        for tag in tags {
            fault::point("docker: before a tag");
            self.tag(expected, tag)?;
        }
        fault::point("docker: after the tags");
        Ok(expected)
    }

    /// Returns the id the engine will know the image by.
    fn id_of(&self, image: &dyn Image) -> ImageId {
        ImageId(match self.engine.form() {
            Form::Plain => image.manifest().config.digest,
            Form::Layout => Digest::of(image.manifest_bytes()),
        })
    }

    fn send(&self, image: &dyn Image, tags: &[Reference], reporter: &dyn Reporter) -> Result<()> {
        let left_out = self.present_layers(image)?;
        match self.send_without(&left_out, image, tags, reporter) {
            // Another program may have removed the layers that were counted on.
            Err(Error::Docker(DockerError::Answered { .. })) if !left_out.is_empty() => {
                self.send_without(&BTreeSet::new(), image, tags, reporter)
            }
            result => result,
        }
    }

    fn send_without(
        &self,
        left_out: &BTreeSet<Digest>,
        image: &dyn Image,
        tags: &[Reference],
        reporter: &dyn Reporter,
    ) -> Result<()> {
        let name = (self.engine.form() == Form::Layout).then(|| loaded_name(self.id_of(image)).canonical());
        let what = format!("load {}", tags.first().map_or_else(|| self.id_of(image).to_string(), Reference::to_string));
        let known = |diff_id| self.unpacked_size(diff_id);
        let archive = Archive::plan(image, self.engine.form(), left_out, &known, name)?;
        reporter.event(Event::Started { what: &what, total: Some(archive.size()) });
        fault::point("docker: before a load");
        let ask = Ask::new(&what, "images/load").with("quiet", "1");
        let answer = self.upload(&ask, |out| archive.write(out, reporter));
        let sent = answer.and_then(|answer| Ok(messages::read(answer, &mut |_| Ok(()))?));
        fault::point("docker: after a load");
        reporter.event(Event::Finished);
        sent
    }
}
