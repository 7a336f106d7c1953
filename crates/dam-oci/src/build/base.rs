//! Images that stages start from or copy from.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::rc::Rc;
use std::sync::Arc;

use tar::{Archive, EntryType};

use super::spool::{Content, LayerFile};
use super::tree::{Kind, Node, Tree, join, parent};
use super::{BaseImages, BlobSink};
use crate::{Config, Descriptor, Digest, Error, Image, Layer, Result, layers, media_type, visit_blobs, visit_layers};

/// Finds base images, each once.
pub(super) struct Bases<'a> {
    source: &'a dyn BaseImages,
    known: RefCell<BTreeMap<String, Rc<Base>>>,
}

/// A base image, and its files once somebody asks.
pub(super) struct Base {
    /// Tells base images apart.
    pub(super) number: usize,
    /// The exact bytes of the config.
    pub(super) document: Vec<u8>,
    pub(super) config: Config,
    image: Box<dyn Image>,
    tree: OnceCell<Tree>,
}

impl<'a> Bases<'a> {
    pub(super) fn new(source: &'a dyn BaseImages) -> Self {
        Self { source, known: RefCell::default() }
    }

    /// Returns the image called `name`; it is an error of `line` if there is none.
    pub(super) fn get(&self, line: usize, name: &str) -> Result<Rc<Base>> {
        if let Some(base) = self.known.borrow().get(name) {
            return Ok(Rc::clone(base));
        }
        let image = self.source.base(name)?;
        let image = image.ok_or_else(|| Error::dockerfile(line, format!("there is no image `{name}`")))?;
        let (document, config) = crate::config(&*image)?;
        let number = self.known.borrow().len();
        let base = Rc::new(Base { number, document, config, image, tree: OnceCell::new() });
        self.known.borrow_mut().insert(name.to_owned(), Rc::clone(&base));
        Ok(base)
    }
}

impl Base {
    /// Returns the DiffIDs, oldest first.
    pub(super) fn diff_ids(&self) -> &[Digest] {
        &self.config.rootfs.diff_ids
    }

    /// Copies the layers that `sink` has not got, and returns all of them under their OCI types.
    pub(super) fn copy_layers(&self, sink: &dyn BlobSink) -> Result<Vec<Descriptor>> {
        let layers = &self.image.manifest().layers;
        let mut wanted = Vec::new();
        for layer in layers {
            if !sink.has(layer)? {
                wanted.push(layer.clone());
            }
        }
        visit_blobs(&*self.image, &wanted, &mut |layer, reader| {
            sink.put(&as_oci(layer).media_type, &mut |writer| {
                io::copy(reader, writer).map(drop).map_err(Error::stream(format!("layer {}", layer.digest)))
            })?;
            Ok(())
        })?;
        Ok(layers.iter().map(as_oci).collect())
    }

    /// Returns all files, as the layers on top of each other give them.
    pub(super) fn tree(&self) -> Result<&Tree> {
        if let Some(tree) = self.tree.get() {
            return Ok(tree);
        }
        let mut records: BTreeMap<Digest, Vec<Record>> = BTreeMap::new();
        visit_layers(&*self.image, &layers(&*self.image)?, &mut |layer, reader| {
            let mut list = Vec::new();
            each_entry(layer, reader, &mut |entry| {
                list.extend(record(self.number, layer, entry)?);
                Ok(())
            })?;
            records.insert(layer.blob.digest, list);
            Ok(())
        })?;
        let mut tree = Tree::default();
        for layer in &self.image.manifest().layers {
            apply(&mut tree, records.get(&layer.digest).map_or(&[], Vec::as_slice));
        }
        Ok(self.tree.get_or_init(|| tree))
    }

    /// Hands out the content of files by layer and path, reading each layer once.
    pub(super) fn read_files(
        &self,
        wanted: &BTreeMap<Digest, BTreeSet<Arc<str>>>,
        visit: &mut dyn FnMut(LayerFile, &mut dyn Read) -> Result<()>,
    ) -> Result<()> {
        let mut layers = layers(&*self.image)?;
        layers.retain(|layer| wanted.contains_key(&layer.blob.digest));
        visit_layers(&*self.image, &layers, &mut |layer, reader| {
            let digest = layer.blob.digest;
            each_entry(layer, reader, &mut |entry| {
                let path = entry_path(layer, entry)?;
                match path.and_then(|path| wanted[&digest].get(path.as_str()).cloned()) {
                    Some(path) if is_file(entry.header().entry_type()) => {
                        visit(LayerFile { base: self.number, layer: digest, path }, entry)
                    }
                    _ => Ok(()),
                }
            })
        })
    }
}

/// Something a layer does to the file system.
enum Record {
    Put(String, Arc<Node>),
    /// A hard link to a file of this layer or of one below.
    Link(String, String),
    /// A whiteout.
    Remove(String),
    /// An opaque folder: what layers below have in it is gone.
    Clear(String),
}

/// An entry of a layer.
type Entry<'a> = tar::Entry<'a, &'a mut dyn Read>;

/// Goes through the entries of an uncompressed layer.
fn each_entry(layer: &Layer, mut reader: &mut dyn Read, visit: &mut dyn FnMut(&mut Entry) -> Result<()>) -> Result<()> {
    let stream = || Error::stream(layer.name());
    // Reborrowed, so that the archive need not live as long as the layer.
    let mut archive = Archive::new(&mut reader as &mut dyn Read);
    for entry in archive.entries().map_err(stream())? {
        visit(&mut entry.map_err(stream())?)?;
    }
    Ok(())
}

/// Returns the cleaned path of an entry, or `None` for the root and for names that are not UTF-8, which no Dockerfile
/// can speak of.
fn entry_path(layer: &Layer, entry: &Entry) -> Result<Option<String>> {
    let bytes = entry.path_bytes();
    let Ok(path) = std::str::from_utf8(&bytes) else { return Ok(None) };
    let fault = || Error::damaged(layer.name(), format!("`{path}` leaves the image"));
    Ok(Some(inside(path).ok_or_else(fault)?).filter(|path| !path.is_empty()))
}

/// Cleans a path of an archive; `None` if it would leave the folder it is unpacked to.
pub(super) fn inside(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return None,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn is_file(kind: EntryType) -> bool {
    matches!(kind, EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse)
}

fn record(base: usize, layer: &Layer, entry: &mut Entry) -> Result<Option<Record>> {
    let Some(path) = entry_path(layer, entry)? else { return Ok(None) };
    // Source: <https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#whiteouts>.
    if let Some(hidden) = super::tree::name(&path).strip_prefix(".wh.") {
        let folder = parent(&path);
        return Ok(match hidden {
            ".wh..opq" => Some(Record::Clear(folder.to_owned())),
            hidden if hidden.starts_with(".wh.") => None,
            hidden => Some(Record::Remove(join(folder, hidden))),
        });
    }
    let kind = match entry.header().entry_type() {
        EntryType::Directory => Kind::Folder,
        EntryType::Symlink => Kind::Symlink(link_target(entry)),
        EntryType::Link => return Ok(inside(&link_target(entry)).map(|target| Record::Link(path, target))),
        kind if is_file(kind) => {
            let file = LayerFile { base, layer: layer.blob.digest, path: path.as_str().into() };
            Kind::File { size: entry.size(), content: Content::Layer(file) }
        }
        _ => Kind::Special,
    };
    let node = node(kind, entry).map_err(Error::stream(layer.name()))?;
    Ok(Some(Record::Put(path, Arc::new(Node { mtime: 0, ..node }))))
}

/// Returns where a link of an archive points.
pub(super) fn link_target<R: Read>(entry: &tar::Entry<R>) -> String {
    entry.link_name_bytes().map(|target| String::from_utf8_lossy(&target).into_owned()).unwrap_or_default()
}

/// Takes mode, owner, time and extended attributes of an entry.
pub(super) fn node<R: Read>(kind: Kind, entry: &mut tar::Entry<R>) -> io::Result<Node> {
    let mut xattrs = Vec::new();
    for extension in entry.pax_extensions()?.into_iter().flatten() {
        let extension = extension?;
        if extension.key_bytes().starts_with(b"GNU.sparse.") {
            let reason = "a sparse file in the POSIX format is not supported";
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
        }
        if let Some(name) = extension.key().ok().and_then(|key| key.strip_prefix("SCHILY.xattr.")) {
            xattrs.push((name.to_owned(), extension.value_bytes().to_vec()));
        }
    }
    xattrs.sort();
    let header = entry.header();
    let (mode, uid, gid, mtime) = (header.mode()? & 0o7777, header.uid()?, header.gid()?, header.mtime()?);
    Ok(Node { kind, mode, uid, gid, mtime, xattrs })
}

/// Puts a layer on top. Whiteouts hide what is below and nothing of their own layer, so they go first.
fn apply(tree: &mut Tree, records: &[Record]) {
    for record in records {
        match record {
            Record::Remove(path) => tree.remove(path),
            Record::Clear(path) => tree.clear(path),
            Record::Put(..) | Record::Link(..) => {}
        }
    }
    for record in records {
        match record {
            Record::Put(path, node) => put(tree, path, Arc::clone(node)),
            Record::Link(path, target) => {
                if let Some(node) = tree.get(target).cloned() {
                    put(tree, path, node);
                }
            }
            Record::Remove(_) | Record::Clear(_) => {}
        }
    }
}

/// Puts a node, and the folders above it that its layer does not mention.
fn put(tree: &mut Tree, path: &str, node: Arc<Node>) {
    for (at, _) in path.match_indices('/') {
        if !tree.is_folder(&path[..at]) {
            tree.insert(&path[..at], Arc::new(Node::folder(0o755)));
        }
    }
    tree.insert(path, node);
}

fn as_oci(layer: &Descriptor) -> Descriptor {
    let media_type = match layer.media_type.as_str() {
        media_type::DOCKER_LAYER => media_type::LAYER,
        media_type::DOCKER_LAYER_GZIP => media_type::LAYER_GZIP,
        other => other,
    };
    Descriptor { media_type: media_type.to_owned(), ..layer.clone() }
}
