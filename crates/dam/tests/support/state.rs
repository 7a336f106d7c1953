//! Everything of a machine that a change may touch, to be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use dam_core::cache::Cache;
use dam_core::ledger::{Installed, Ledger};
use dam_core::store::docker::{DockerStore, Endpoint};
use dam_core::store::{LayoutStore, Store};

/// Everything of a machine that an import may change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Each app with its image, its state, and what `rollback` goes back to.
    pub(crate) installed: Vec<String>,
    /// The tags of each image.
    pub(crate) images: BTreeMap<String, Vec<String>>,
    /// The blobs of the built-in store.
    pub(crate) blobs: BTreeSet<String>,
    /// What the hooks of the apps say runs.
    pub(crate) running: BTreeMap<String, String>,
}

impl State {
    /// Reads the state in the folder `root`, with the built-in store; hooks note what runs in the folder `notes`.
    pub(crate) fn of(root: &Path, notes: &Path) -> Self {
        let store = LayoutStore::open(&root.join("store")).expect("a store");
        let blobs = fs::read_dir(root.join("store/blobs/sha256")).expect("a store");
        let blobs = blobs.map(|blob| blob.expect("a name").file_name().into_string().expect("hex"));
        Self { images: images(&store), blobs: blobs.collect(), ..Self::without_store(root, notes) }
    }

    /// The same where the images are in an engine.
    pub(crate) fn on_docker(root: &Path, notes: &Path, endpoint: Endpoint) -> Self {
        let store = DockerStore::connect(endpoint, Cache::new(root.join("cache"), 0)).expect("the engine answers");
        Self { images: images(&store), ..Self::without_store(root, notes) }
    }

    fn without_store(root: &Path, notes: &Path) -> Self {
        let ledger = Ledger::open_existing(root).expect("a ledger").expect("a ledger");
        let line = |one: &Installed| {
            let Installed { release, state, previous, .. } = one;
            let previous =
                previous.as_ref().map(|previous| (previous.app.id.to_string(), previous.image, previous.meta));
            format!("{} {} {} {state}, before it {previous:?}", release.app.id, release.image, release.meta)
        };
        let installed = ledger.installed().expect("a ledger").iter().map(line).collect();
        let running = fs::read_dir(notes).expect("a folder").map(|note| {
            let path = note.expect("a name").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name").to_owned();
            (name, fs::read_to_string(path).expect("a version"))
        });
        Self { installed, running: running.collect(), ..Self::default() }
    }

    /// Leaves out the images without a tag.
    pub(crate) fn tagged(&self) -> Self {
        let mut tagged = self.clone();
        tagged.images.retain(|_, tags| !tags.is_empty());
        tagged
    }
}

fn images(store: &dyn Store) -> BTreeMap<String, Vec<String>> {
    let images = store.list().expect("a store").into_iter();
    images.map(|image| (image.id.to_string(), image.tags.iter().map(ToString::to_string).collect())).collect()
}
