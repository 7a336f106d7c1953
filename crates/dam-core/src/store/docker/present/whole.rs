//! Whether containerd's store has every blob of an image.
//!
//! That it can be inspected and run says little: containerd unpacks a layer it has a snapshot of without its blob, whoever
//! loads or pulls it, and such an image cannot be saved. The list of images knows better: engines with API 1.45 and 1.46
//! (Docker 26) leave images out of which content is missing, later ones say of each manifest whether it is
//! available. It costs a look at each blob's name, no reading. An engine whose list fails, as that of Docker 26 does while
//! somebody removes an image, has told of nothing. Source:
//! <https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Image/operation/ImageList>.

use serde_json::json;

use super::super::DockerStore;
use super::super::client::Ask;
use super::super::error::DockerError;
use super::super::images::{loaded_name, read_id};
use super::super::version::ApiVersion;
use super::super::wire::ImageRow;
use crate::Result;
use crate::store::ImageId;

impl DockerStore {
    /// Tells whether this engine says of an image of containerd's store whether it is whole.
    pub(super) fn tells_whole(&self) -> bool {
        self.client.version() >= ApiVersion::LISTS_WHOLE_IMAGES
    }

    /// Tells whether an image that was loaded just now, and has no tag yet, is whole.
    pub(in super::super) fn is_loaded_whole(&self, id: ImageId) -> Result<bool> {
        let filters = json!({ "reference": [loaded_name(id).to_string()] }).to_string();
        let rows = self.rows(&list(format!("list {id}")).with("filters", &filters))?;
        let mut found = rows.iter().filter(|row| read_id(&row.id, "list its images").is_ok_and(|found| found == id));
        Ok(found.any(|row| self.is_whole(row)))
    }

    /// Returns the images that are whole.
    pub(super) fn whole_images(&self) -> Result<Vec<ImageId>> {
        let rows = self.rows(&list("list its images".to_owned()))?;
        let whole = rows.iter().filter(|row| self.is_whole(row)).map(|row| read_id(&row.id, "list its images"));
        Ok(whole.collect::<Result<_, _>>()?)
    }

    fn rows(&self, ask: &Ask) -> Result<Vec<ImageRow>> {
        match self.client.get_json(ask) {
            Err(DockerError::Answered { .. }) => Ok(Vec::new()),
            rows => Ok(rows?),
        }
    }

    /// Reads of a listed image whether it is whole; of an index, whether the image itself is.
    fn is_whole(&self, row: &ImageRow) -> bool {
        match self.client.version() {
            version if version < ApiVersion::LISTS_WHOLE_IMAGES => false,
            version if version < ApiVersion::TELLS_AVAILABLE => true,
            _ => row.manifests.iter().any(|manifest| manifest.id == row.id && manifest.available),
        }
    }
}

fn list(doing: String) -> Ask {
    Ask::new(doing, "images/json").with("manifests", "1")
}
