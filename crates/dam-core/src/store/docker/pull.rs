//! Letting an engine fetch an image from its registry.

use std::collections::HashMap;

use dam_oci::Reference;

use super::client::Ask;
use super::wire::Message;
use super::{DockerStore, messages};
use crate::event::{Event, Reporter};
use crate::store::{ImageId, Store};
use crate::{Error, Result};

impl DockerStore {
    /// Pulls without a login. Source:
    /// <https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Image/operation/ImageCreate>.
    pub(super) fn pull_image(&self, reference: &Reference, reporter: &dyn Reporter) -> Result<ImageId> {
        let registry = reference.registry().map(|host| format!("{host}/")).unwrap_or_default();
        let what = format!("pull {reference}");
        let version = match reference.digest() {
            Some(digest) => digest.to_string(),
            None => reference.tag().unwrap_or("latest").to_owned(),
        };
        let ask = Ask::new(&what, "images/create")
            .with("fromImage", &format!("{registry}{}", reference.repository()))
            .with("tag", &version);
        reporter.event(Event::Started { what: &what, total: None });
        let mut layers = Layers { reporter, done: HashMap::new() };
        let pulled = self.client.post(&ask).and_then(super::client::Answer::checked);
        let pulled = pulled.and_then(|answer| {
            messages::read(answer, &mut |message| {
                layers.take(message);
                Ok(())
            })
        });
        reporter.event(Event::Finished);
        pulled?;
        self.known.doubt();
        Ok(self.find(reference)?.ok_or_else(|| Error::NoTag(reference.clone()))?.id)
    }
}

/// Adds up what an engine tells of each layer.
struct Layers<'a> {
    reporter: &'a dyn Reporter,
    /// Bytes of each layer that are told of.
    done: HashMap<String, u64>,
}

impl Layers<'_> {
    fn take(&mut self, message: &Message) {
        let (Some(id), Some("Downloading")) = (&message.id, message.status.as_deref()) else { return };
        let current = message.progress.as_ref().and_then(|progress| u64::try_from(progress.current?).ok());
        let done = self.done.entry(id.clone()).or_default();
        if let Some(bytes) = current.and_then(|current| current.checked_sub(*done)).filter(|bytes| *bytes > 0) {
            *done += bytes;
            self.reporter.event(Event::Advanced { bytes });
        }
    }
}
