//! How much an engine may still keep.

use std::fs;
use std::path::{Path, PathBuf};

use super::{DockerStore, Endpoint};
use crate::Result;
use crate::store::Room;

impl DockerStore {
    /// Looks at the folder the engine says it keeps its data in, if it is one of this machine: the engine listens on a
    /// socket here, the folder is here, and does not belong to another engine. One in a container or a chroot may name a
    /// folder that is not the one this process sees under that name; then it usually does not exist here.
    pub(super) fn free_room(&self) -> Result<Option<Room>> {
        let Endpoint::Unix(_) = self.client.endpoint() else { return Ok(None) };
        match self.data_folder() {
            Some(place) if place.is_dir() && !is_of_other_engine(&self.engine.root, &self.engine.id) => {
                Room::of(&place).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// A dockerd that starts containerd itself has its store below its own folder; where another one keeps it nobody says.
    fn data_folder(&self) -> Option<PathBuf> {
        let root = self.engine.root.as_path();
        let folder = if self.engine.has_containerd_store { root.join("containerd/daemon") } else { root.to_owned() };
        root.is_absolute().then_some(folder)
    }
}

/// Docker since 23 keeps its id in a file of its folder.
fn is_of_other_engine(root: &Path, id: &str) -> bool {
    fs::read_to_string(root.join("engine-id")).is_ok_and(|found| found.trim() != id)
}
