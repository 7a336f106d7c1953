//! Finding, listing, tagging and removing images.

use dam_oci::{Digest, Platform, Reference};

use super::client::{Answer, Ask, path};
use super::error::{DockerError, Result};
use super::wire::{ContainerRow, ImageInspect, ImageRow};
use super::{DockerStore, Engine, meta};
use crate::Error;
use crate::store::{ImageId, ListedImage, StoredImage};

/// Repository of the names under which images arrive in containerd's store.
///
/// A load there needs a name and takes it away from any other image, which is then gone, and with it what a rollback to
/// the same version would go back to. So an image is loaded as `dam-loaded:HEX`, by its own id, and gets its tags
/// afterwards, one by one: a tag that moves leaves the other image as it is. Names in this repository are not shown.
const LOADED: &str = "dam-loaded";

/// Returns the name under which an image arrives in containerd's store.
pub(super) fn loaded_name(id: ImageId) -> Reference {
    Reference::new(None, LOADED, Some(&id.0.hex())).expect("64 hex digits are a tag")
}

impl DockerStore {
    /// Asks for one image by name or id; `None` if the engine does not have it.
    pub(super) fn inspect(&self, name: &str) -> Result<Option<ImageInspect>> {
        let ask = Ask::new(format!("inspect {name}"), format!("images/{}/json", path(name)));
        self.client.get(&ask)?.found()?.map(Answer::json).transpose()
    }

    /// Reads what the engine says of an image.
    pub(super) fn stored(&self, image: ImageInspect) -> Result<StoredImage> {
        let ImageInspect { config, root_fs, os, architecture, variant, created, .. } = image;
        let diff_ids = root_fs.layers.iter().filter_map(|layer| layer.parse().ok()).collect();
        let variant = Some(variant).filter(|variant| !variant.is_empty());
        Ok(StoredImage {
            id: read_id(&image.id, "inspect an image")?,
            tags: self.engine.read_tags(&image.repo_tags),
            labels: config.labels,
            diff_ids,
            size: u64::try_from(image.size).unwrap_or(0),
            platform: Platform { os, architecture, variant },
            created: Some(created).filter(|created| !created.is_empty()),
        })
    }

    pub(super) fn list_images(&self) -> Result<Vec<ListedImage>> {
        let rows: Vec<ImageRow> = self.client.get_json(&Ask::new("list its images", "images/json"))?;
        let mut images = Vec::with_capacity(rows.len());
        for row in rows {
            images.push(ListedImage {
                id: read_id(&row.id, "list its images")?,
                tags: self.engine.read_tags(&row.repo_tags),
                labels: row.labels,
                size: u64::try_from(row.size).unwrap_or(0),
            });
        }
        images.sort_by_key(|image| image.id);
        Ok(images)
    }

    /// Points a tag at an image.
    pub(super) fn move_tag(&self, id: ImageId, reference: &Reference) -> crate::Result<()> {
        self.tag_image(id, reference)?;
        if self.engine.has_containerd_store {
            // It has a name of its own now.
            self.delete(&loaded_name(id).to_string(), id)?;
        }
        Ok(())
    }

    fn tag_image(&self, id: ImageId, reference: &Reference) -> crate::Result<()> {
        let registry = reference.registry().map(|host| format!("{host}/")).unwrap_or_default();
        let name = format!("{registry}{}", reference.repository());
        let ask = Ask::new(format!("tag {id} as {reference}"), format!("images/{id}/tag"))
            .with("repo", &name)
            .with("tag", reference.tag().unwrap_or("latest"));
        match self.client.post(&ask)?.found()? {
            Some(_) => Ok(()),
            None => Err(Error::NoImage(id)),
        }
    }

    pub(super) fn untag_image(&self, reference: &Reference) -> crate::Result<()> {
        let name = tagged(reference);
        let Some(image) = self.inspect(&name)? else { return Ok(()) };
        let id = read_id(&image.id, "inspect an image")?;
        if image.repo_tags.len() < 2 {
            // It goes with its last tag.
            self.known.note(|inventory| inventory.forget(id));
        }
        self.delete(&name, id)
    }

    pub(super) fn remove_image(&self, id: ImageId) -> crate::Result<()> {
        let Some(image) = self.inspect(&id.to_string())? else { return Ok(()) };
        let tags: Vec<Reference> = image.repo_tags.iter().filter_map(|tag| self.engine.read_tag(tag)).collect();
        // Asked first, so that an image in use keeps all of its tags and not only the last.
        if let Some(reason) = self.user_of(id)? {
            return Err(Error::ImageInUse { id, reason });
        }
        for (at, tag) in tags.iter().enumerate() {
            if let Err(error) = self.delete(&tagged(tag), id) {
                tags[..at].iter().try_for_each(|tag| self.tag_image(id, tag))?;
                return Err(error);
            }
        }
        self.delete_image(id)
    }

    /// Deletes an image that has no tag.
    pub(super) fn delete_image(&self, id: ImageId) -> crate::Result<()> {
        self.known.note(|inventory| inventory.forget(id));
        self.delete(&id.to_string(), id)
    }

    /// Deletes a tag or an image without force; what is not there is no error.
    fn delete(&self, name: &str, id: ImageId) -> crate::Result<()> {
        let ask = Ask::new(format!("remove {name}"), format!("images/{}", path(name))).with("force", "0");
        let by_id = name == id.to_string();
        // The untagged parents of a removed image go with it; those of a tag that is taken away stay.
        let ask = if by_id { ask.with("noprune", "0") } else { ask.with("noprune", "1") };
        let answer = self.client.delete(&ask)?;
        match answer.status() {
            404 => Ok(()),
            409 => match answer.into_error() {
                DockerError::Answered { message, .. } => Err(Error::ImageInUse { id, reason: message }),
                other => Err(other.into()),
            },
            _ => answer.checked().map(drop).map_err(Error::from),
        }
    }

    /// Names a container made of exactly this image. Containers that a killed dam left behind while it read a `/meta`
    /// are removed on the way and count for nothing.
    fn user_of(&self, id: ImageId) -> Result<Option<String>> {
        // Without `sha256:`, which Podman's filter does not understand.
        let filters = serde_json::json!({ "ancestor": [id.0.hex()] }).to_string();
        let ask = Ask::new("list its containers", "containers/json").with("all", "1").with("filters", &filters);
        let rows: Vec<ContainerRow> = self.client.get_json(&ask)?;
        for row in rows.iter().filter(|row| read_id(&row.image_id, "").is_ok_and(|image| image == id)) {
            if row.labels.contains_key(meta::LABEL) {
                self.remove_helper(&row.id)?;
                continue;
            }
            let name = row.names.first().map_or(row.id.as_str(), |name| name.trim_start_matches('/'));
            return Ok(Some(format!("container {name} is made of it")));
        }
        Ok(None)
    }
}

impl Engine {
    /// Reads tags as the engine writes them. `<none>:<none>` and whatever dam cannot name are left out.
    pub(super) fn read_tags(&self, tags: &[String]) -> Vec<Reference> {
        let mut tags: Vec<Reference> = tags.iter().filter_map(|tag| self.read_tag(tag)).collect();
        tags.retain(|tag| !self.has_containerd_store || tag.registry().is_some() || tag.repository() != LOADED);
        tags.sort();
        tags.dedup();
        tags
    }

    /// Podman keeps what was built without a registry as `localhost/x:1`, and finds it as `x:1`.
    fn read_tag(&self, tag: &str) -> Option<Reference> {
        let reference: Reference = tag.parse().ok()?;
        match reference.registry() {
            Some("localhost") if self.is_podman => reference.at_registry(None).ok(),
            _ => Some(reference),
        }
    }
}

/// Reads an id, which Podman writes without `sha256:` in places.
pub(super) fn read_id(text: &str, doing: &str) -> Result<ImageId> {
    let digest = text.parse::<Digest>().or_else(|_| Digest::from_hex(text));
    digest.map(ImageId).map_err(|error| {
        let source = <serde_json::Error as serde::de::Error>::custom(error);
        DockerError::Garbage { doing: doing.to_owned(), source }
    })
}

/// Writes a reference with its tag.
pub(super) fn tagged(reference: &Reference) -> String {
    match (reference.tag(), reference.digest()) {
        (None, None) => format!("{reference}:latest"),
        _ => reference.to_string(),
    }
}
