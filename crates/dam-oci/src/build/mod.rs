//! Building images from Dockerfiles without an engine and without `RUN`.
//!
//! A stage is a tree of nodes whose content stays where it is: in the context, in a layer of a base image, in a spool
//! file. Only the layers of the last stage are ever written, each once, compressed and hashed while it passes. What
//! `COPY` and `ADD` do follows BuildKit, whose behaviour is the reference:
//! <https://github.com/moby/buildkit/tree/v0.16.0/frontend/dockerfile> and
//! <https://github.com/tonistiigi/fsutil/blob/master/copy/copy.go>.

mod base;
mod copy;
mod document;
mod duration;
mod instruction;
mod layer;
mod owner;
mod plan;
mod spool;
mod stage;
mod transfer;
mod tree;
mod unpack;

use std::collections::BTreeMap;
use std::io::{Read, Write};

use self::base::Bases;
use self::spool::Spool;
use self::stage::{Builder, Finished};
use crate::context::{EntryKind, Source};
use crate::{Context, Descriptor, Digest, Dockerfile, Error, Image, Layout, Manifest, Platform, Result, media_type};

/// The largest Dockerfile that is read, in bytes.
const DOCKERFILE_LIMIT: u64 = 4 << 20;

/// Takes the blobs of an image that is being built.
pub trait BlobSink {
    /// Stores what `write` writes and describes it. If `write` fails, nothing is stored.
    fn put(&self, media_type: &str, write: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<Descriptor>;

    /// Tells whether a blob is there already, whole, so that a base layer need not be copied.
    fn has(&self, _blob: &Descriptor) -> Result<bool> {
        Ok(false)
    }
}

impl BlobSink for Layout {
    fn put(&self, media_type: &str, write: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<Descriptor> {
        self.put_blob(media_type, write)
    }

    fn has(&self, blob: &Descriptor) -> Result<bool> {
        Ok(self.has_blob(blob))
    }
}

/// Finds the images that `FROM` and `COPY --from` name.
pub trait BaseImages {
    /// Returns the image that is called `name` in the Dockerfile, or `None` if there is none.
    fn base(&self, name: &str) -> Result<Option<Box<dyn Image>>>;
}

/// What to build.
pub struct BuildRequest<'a> {
    /// The files.
    pub context: &'a Context,
    /// Path of the Dockerfile inside the context.
    pub dockerfile: String,
    /// Labels that override those of the Dockerfile.
    pub labels: BTreeMap<String, String>,
    /// Values for `ARG`.
    pub args: BTreeMap<String, String>,
    /// Platform to build for. Base images of another are refused. `None` takes what the base images are for, and
    /// the platform of this program for `FROM scratch`.
    pub platform: Option<Platform>,
}

impl<'a> BuildRequest<'a> {
    /// Asks for `context` to be built by its `Dockerfile`, with nothing overridden.
    pub fn new(context: &'a Context) -> Self {
        let (labels, args) = (BTreeMap::new(), BTreeMap::new());
        Self { context, dockerfile: "Dockerfile".to_owned(), labels, args, platform: None }
    }
}

/// An image whose config and layers are in the sink. The manifest is not: whoever stores it also names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The exact bytes of the manifest.
    pub manifest_bytes: Vec<u8>,
    /// Describes the manifest.
    pub manifest: Descriptor,
    /// Digest of the config, the image id of Docker's classic stores.
    pub config: Digest,
}

/// Builds an image and hands its config and layers to `sink`. Steps and warnings are told to `on_line`.
///
/// The same request gives the same digests: layers are sorted, times are 1970, owners are root unless `--chown` says
/// otherwise. Fails with [`Error::Dockerfile`] on what the Dockerfile gets wrong, with [`Error::NeedsEngine`] on `RUN`
/// and `ONBUILD` before anything is done, and both name the line. A stage that nothing comes from is not built.
pub fn build(
    request: &BuildRequest,
    sink: &dyn BlobSink,
    bases: &dyn BaseImages,
    on_line: &mut dyn FnMut(&str),
) -> Result<Built> {
    let file = Dockerfile::parse(&read_dockerfile(request)?)?;
    let bases = Bases::new(bases);
    let mut builder = Builder::new(request, &file, &bases, on_line)?;
    let finished = builder.run()?;
    let mut spool = builder.into_spool();
    store(finished, sink, &mut spool)
}

fn read_dockerfile(request: &BuildRequest) -> Result<String> {
    let name = &request.dockerfile;
    let missing = || Error::MissingDockerfile { path: name.clone() };
    let entry = request.context.get(&crate::dockerfile::resolve("", name)).ok_or_else(missing)?;
    let EntryKind::File { size, source } = &entry.kind else { return Err(missing()) };
    if *size > DOCKERFILE_LIMIT {
        return Err(Error::damaged(format!("`{name}`"), "it is too large for a Dockerfile"));
    }
    let mut bytes = Vec::new();
    match source {
        Source::Bytes(content) => bytes.extend_from_slice(content),
        Source::Disk(path) => {
            let file = std::fs::File::open(path).map_err(Error::access(path))?;
            file.take(DOCKERFILE_LIMIT).read_to_end(&mut bytes).map_err(Error::access(path))?;
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::damaged(format!("`{name}`"), "it is not UTF-8"))
}

/// Writes layers and config of the last stage.
fn store(finished: Finished, sink: &dyn BlobSink, spool: &mut Spool) -> Result<Built> {
    let mut layers = Vec::new();
    let mut diff_ids = Vec::new();
    if let Some(base) = &finished.base {
        layers.extend(base.copy_layers(sink)?);
        diff_ids.extend_from_slice(base.diff_ids());
    }
    let fetched = spool.fetch(finished.layers.iter().flat_map(|layer| layer.values()))?;
    for nodes in &finished.layers {
        let (layer, diff_id) = layer::write(nodes, &fetched, sink)?;
        layers.push(layer);
        diff_ids.push(diff_id);
    }
    let config = finished.document.finish(&diff_ids);
    let config =
        sink.put(media_type::CONFIG, &mut |writer| writer.write_all(&config).map_err(Error::stream("image config")))?;
    let digest = config.digest;
    let manifest_bytes = Manifest::new(config, layers).to_bytes();
    let manifest = Descriptor::of(media_type::MANIFEST, &manifest_bytes);
    Ok(Built { manifest_bytes, manifest, config: digest })
}
