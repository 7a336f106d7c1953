//! A Docker-compatible daemon as a store: Docker 20.10 and later, and Podman's Docker API.
//!
//! Only what is asked for is fetched: one request for one image, never the whole list to find one in it.

mod archive;
mod build;
mod client;
mod context;
mod demand;
mod endpoint;
mod error;
mod export;
mod feed;
mod images;
mod load;
mod messages;
mod meta;
mod parts;
mod present;
mod pull;
mod room;
mod run;
mod tls;
mod trace;
mod transport;
mod upload;
mod version;
mod wire;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use dam_oci::{Digest, Image, Reference};

use self::archive::Form;
use self::client::{Ask, Client, Greeting};
use self::present::Known;
use self::wire::Info;
use super::{BuildRequest, Demand, Description, ImageId, ListedImage, PullRequest, Room, Store, StoredImage};
use crate::Result;
use crate::cache::Cache;
use crate::event::Reporter;
use crate::host::Cancel;

pub use context::{ContextFault, EndpointSettings};
pub use endpoint::{Endpoint, EndpointFault, ParseEndpointError, without_password};
pub use error::{DockerError, TlsFault, Unreachable};
pub use run::{EngineFacts, Ran};
pub use tls::TlsFiles;

/// A Docker-compatible daemon.
pub struct DockerStore {
    client: Arc<Client>,
    engine: Engine,
    cache: Cache,
    known: Known,
    part_size: u64,
}

/// What is asked of an engine once and kept.
struct Engine {
    is_podman: bool,
    prefers_buildkit: bool,
    /// Images live in containerd's store: an image's id is the digest of its manifest.
    has_containerd_store: bool,
    description: Description,
    /// The folder of its data, as it sees it.
    root: PathBuf,
    /// What it calls itself.
    id: String,
}

impl Engine {
    fn new(client: &Client, greeting: Greeting) -> Result<Self, DockerError> {
        let info: Info = client.get_json(&Ask::new("describe itself", "info"))?;
        let snapshots = |fact: &Vec<String>| matches!(fact.as_slice(), [key, value] if key == "driver-type" && value.starts_with("io.containerd.snapshotter"));
        let has_containerd_store = info.driver_status.iter().any(snapshots);
        let root = PathBuf::from(&info.docker_root_dir);
        let details = [
            format!("API {}", client.version()),
            format!("storage driver {}", info.driver),
            format!("data in {}", info.docker_root_dir),
            format!("{} by default", if greeting.prefers_buildkit { "BuildKit" } else { "classic builder" }),
            info.operating_system,
        ];
        let description = Description {
            kind: if greeting.is_podman { "podman" } else { "docker" },
            version: info.server_version,
            place: client.endpoint().to_string(),
            details: details.into(),
        };
        let Greeting { prefers_buildkit, is_podman } = greeting;
        Ok(Self { is_podman, prefers_buildkit, has_containerd_store, description, root, id: info.id })
    }

    /// Returns the form of archive the engine takes.
    fn form(&self) -> Form {
        if self.has_containerd_store { Form::Layout } else { Form::Plain }
    }
}

impl DockerStore {
    /// Connects to the engine at `endpoint`. Layers that leave it are compressed into `cache`.
    ///
    /// # Errors
    /// [`DockerError::Unreachable`] when nobody answers there, [`DockerError::Tls`] for certificates that cannot be used.
    pub fn connect(endpoint: Endpoint, cache: Cache) -> Result<Self> {
        let (client, greeting) = Client::connect(endpoint)?;
        let engine = Engine::new(&client, greeting)?;
        Ok(Self { client: Arc::new(client), engine, cache, known: Known::default(), part_size: parts::PART_SIZE })
    }

    /// Sends images in parts of so many unpacked bytes, not of 256 MiB, to an engine with a classic store.
    pub fn with_part_size(self, part_size: u64) -> Self {
        Self { part_size, ..self }
    }

    /// Returns the plain length of a layer in bytes, if the cache happens to know it.
    fn unpacked_size(&self, diff_id: Digest) -> Option<u64> {
        self.cache.layer(diff_id).ok().flatten().map(|layer| layer.unpacked)
    }
}

impl Store for DockerStore {
    fn describe(&self) -> Description {
        self.engine.description.clone()
    }

    fn find(&self, reference: &Reference) -> Result<Option<StoredImage>> {
        let found = self.inspect(&images::tagged(reference))?;
        Ok(found.map(|image| self.stored(image)).transpose()?)
    }

    fn find_id(&self, id: ImageId) -> Result<Option<StoredImage>> {
        let found = self.inspect(&id.to_string())?;
        Ok(found.map(|image| self.stored(image)).transpose()?)
    }

    fn list(&self) -> Result<Vec<ListedImage>> {
        let mut images = self.list_images()?;
        images.retain(|image| parts::part_of(image).is_none());
        Ok(images)
    }

    fn load(&self, image: &dyn Image, tags: &[Reference], reporter: &dyn Reporter) -> Result<ImageId> {
        self.load_image(image, tags, reporter)
    }

    fn demand(&self, images: &[&dyn Image]) -> Result<Demand> {
        self.count_demand(images)
    }

    fn room(&self) -> Result<Option<Room>> {
        self.free_room()
    }

    fn forget_parts(&self) -> Result<()> {
        self.drop_all_parts()
    }

    fn pull(&self, request: &PullRequest, reporter: &dyn Reporter) -> Result<u64> {
        self.pull_image(request, reporter)
    }

    fn tag(&self, id: ImageId, reference: &Reference) -> Result<()> {
        self.move_tag(id, reference)
    }

    fn untag(&self, reference: &Reference) -> Result<()> {
        self.untag_image(reference)
    }

    fn remove(&self, id: ImageId) -> Result<()> {
        self.remove_image(id)
    }

    fn meta(&self, id: ImageId, out: &mut dyn Write) -> Result<bool> {
        self.copy_meta(id, out)
    }

    fn fetch(&self, ids: &[ImageId], cancel: &Cancel, reporter: &dyn Reporter) -> Result<()> {
        self.fetch_images(ids, cancel, reporter)
    }

    fn image(&self, id: ImageId, reporter: &dyn Reporter) -> Result<Box<dyn Image>> {
        self.image_value(id, reporter)
    }

    fn build(&self, request: &BuildRequest, reporter: &dyn Reporter) -> Result<ImageId> {
        self.build_image(request, reporter)
    }
}
