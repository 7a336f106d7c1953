//! Whether containerd's store has every blob of an image.
//!
//! That an image is listed says little: containerd unpacks a layer it has a snapshot of without its blob, whoever loads
//! or pulls it, and such an image runs and cannot be saved. Docker before 28 tells nobody. So before a load counts on the
//! blobs of an image, that image is exported once, and the names in the export are compared with its manifest. It costs
//! one read of the image inside the engine (no hashing, nothing is unpacked or written), once as long as the store lives,
//! however many images stand on the same base. Blobs that a listed image names are not collected by containerd; so where
//! the image is still there after the load, the blobs were there all the time, and the loaded image is whole, too.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use dam_oci::{Digest, Image, Manifest};

use super::super::DockerStore;
use super::super::client::Ask;
use super::super::error::DockerError;
use crate::store::{ImageId, pump};
use crate::{Error, Result};

impl DockerStore {
    /// Returns the layers of `image` that are certain to be in containerd's store.
    pub(in super::super) fn proven_layers(&self, image: &dyn Image) -> Result<BTreeSet<Digest>> {
        let mut proven = BTreeSet::new();
        for layer in &image.manifest().layers {
            // An image that proves to lack a blob is forgotten, and the next one may have it.
            while let Some(id) = self.with_inventory(|inventory| inventory.image_with(layer.digest))? {
                if self.with_inventory(|inventory| inventory.is_proven(id))? || self.prove(id)? {
                    proven.insert(layer.digest);
                    break;
                }
            }
        }
        Ok(proven)
    }

    /// Tells whether the images that have `layers` are still there.
    pub(in super::super) fn still_holds(&self, layers: &BTreeSet<Digest>) -> Result<bool> {
        let mut lenders = BTreeSet::new();
        for layer in layers {
            match self.with_inventory(|inventory| inventory.image_with(*layer))? {
                Some(id) => lenders.insert(id),
                None => return Ok(false),
            };
        }
        for id in lenders {
            if self.inspect(&id.to_string())?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Compares an export of an image with its manifest. One that lacks something is not counted on any more.
    fn prove(&self, id: ImageId) -> Result<bool> {
        let is_whole = match self.lacks_nothing(id) {
            // An engine that cannot export it says so in its own way, or breaks off.
            Err(Error::Docker(DockerError::Answered { .. } | DockerError::BrokeOff { .. })) => false,
            answer => answer?,
        };
        if !is_whole {
            self.cache.forget_manifest(id.0);
        }
        self.with_inventory(|inventory| if is_whole { inventory.prove(id) } else { inventory.add(id, Vec::new()) })?;
        Ok(is_whole)
    }

    fn lacks_nothing(&self, id: ImageId) -> Result<bool> {
        let Some(bytes) = self.cache.manifest(id.0) else { return Ok(false) };
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else { return Ok(false) };
        let mut missing: BTreeMap<String, u64> = BTreeMap::new();
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            missing.insert(format!("blobs/sha256/{}", blob.digest.hex()), blob.size);
        }
        let ask = Ask::new(format!("export image {}", id.0.short()), format!("images/{id}/get"));
        let Some(answer) = self.client.get(&ask)?.found()? else { return Ok(false) };
        let (doing, reader) = answer.into_reader();
        let broke_off = |source| Error::from(DockerError::BrokeOff { doing: doing.clone(), source });
        let mut archive = tar::Archive::new(reader);
        for entry in archive.entries().map_err(broke_off)? {
            let mut entry = entry.map_err(broke_off)?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let size = pump(&mut entry, &mut io::sink()).map_err(broke_off)?;
            if missing.get(&name) == Some(&size) {
                missing.remove(&name);
            }
        }
        // To the end, so that the connection can be used again.
        pump(&mut archive.into_inner(), &mut io::sink()).map_err(broke_off)?;
        Ok(missing.is_empty())
    }
}
