//! What a load would take, said before its first byte is sent.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use dam_oci::{Descriptor, Image, layers};

use crate::{Error, Result};

/// What loading some images in their order would take.
///
/// It is what the store looked like when it was asked. A load sends what is missing when it runs, which may be more if
/// somebody else removed images meanwhile. Where nobody knows the unpacked length of a layer, its packed length counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    /// Each image, in the order they were given.
    pub images: Vec<ImageDemand>,
    /// Bytes that stay where the store keeps its data.
    pub store: u64,
    /// The most that lies in the engine's temp folder at one moment, in bytes, beside what stays. Zero for a store that
    /// takes blobs straight to their place.
    pub passing: u64,
}

/// What loading one image would take, after those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImageDemand {
    /// Bytes of layers that are sent, as they are sent: unpacked to an engine with a classic store and to Podman, as they
    /// are in the image to all others.
    pub send: u64,
    /// The number of layers that are sent.
    pub layers_sent: usize,
}

/// Where a store keeps its data, and what is free there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The folder.
    pub place: PathBuf,
    /// Bytes that this process may still write there.
    pub free: u64,
}

impl Room {
    /// Asks the system about the file system of `place`.
    pub(super) fn of(place: &Path) -> Result<Self> {
        let about = rustix::fs::statvfs(place).map_err(|errno| Error::access(place)(errno.into()))?;
        Ok(Self { place: place.to_owned(), free: about.f_bavail.saturating_mul(about.f_frsize) })
    }
}

impl Demand {
    /// Returns the bytes of layers that are sent for all images.
    pub fn send(&self) -> u64 {
        self.images.iter().map(|image| image.send).fold(0, u64::saturating_add)
    }

    /// Counts the next image; layers it shares with one before count there.
    pub(super) fn add(&mut self, image: ImageDemand, stays: u64) {
        self.images.push(image);
        self.store = self.store.saturating_add(stays);
    }
}

/// Counts what a store takes that keeps each blob as it comes, once; `is_here` tells of those it has.
pub(crate) fn by_blob(images: &[&dyn Image], is_here: &dyn Fn(&Descriptor) -> bool) -> Result<Demand> {
    let mut demand = Demand::default();
    let mut counted = HashSet::new();
    for image in images {
        let mut one = ImageDemand::default();
        for layer in layers(*image)? {
            if counted.insert(layer.blob.digest) && !is_here(&layer.blob) {
                one.send = one.send.saturating_add(layer.blob.size);
                one.layers_sent += 1;
            }
        }
        demand.add(one, one.send);
    }
    Ok(demand)
}
