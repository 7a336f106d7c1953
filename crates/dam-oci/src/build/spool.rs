//! Where the bytes of files are, and fetching those that lie in layers of base images.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::sync::Arc;

use super::base::Base;
use super::tree::{Kind, Node};
use crate::context::Source;
use crate::{Digest, Error, Result};

/// Bytes copied at a time.
const BUFFER: usize = 256 << 10;

/// Where the bytes of a file are.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// In the context.
    Context(Source),
    /// In a layer of a base image.
    Layer(LayerFile),
    /// In the spool file.
    Spool(Span),
}

/// A file in a layer of a base image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LayerFile {
    /// Number of the base image, see [`Spool::watch`].
    pub(super) base: usize,
    /// Digest of the layer as it is stored.
    pub(super) layer: Digest,
    /// Path in the layer.
    pub(super) path: Arc<str>,
}

/// Bytes in the spool file.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) file: Arc<File>,
    /// First byte.
    pub(super) start: u64,
}

/// Where files of layers are in the spool, for [`super::layer::write`].
pub(super) type Fetched = HashMap<LayerFile, Span>;

/// A nameless temporary file that takes what can be read only once: files out of archives and layers.
#[derive(Default)]
pub(super) struct Spool {
    file: Option<Arc<File>>,
    end: u64,
    bases: Vec<Rc<Base>>,
    fetched: Fetched,
    /// Bytes on their way; made once, as most files are small and there are many.
    buffer: Vec<u8>,
}

impl Spool {
    /// Makes known where the layers of `base` are read from.
    pub(super) fn watch(&mut self, base: &Rc<Base>) {
        if !self.bases.iter().any(|known| known.number == base.number) {
            self.bases.push(Rc::clone(base));
        }
    }

    /// Appends all of `reader`, and returns where it is and how long. `what` names it in errors.
    pub(super) fn add(&mut self, what: &str, reader: &mut dyn Read) -> Result<(Span, u64)> {
        let spool = || Error::stream("temporary file");
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => Arc::clone(self.file.insert(Arc::new(tempfile::tempfile().map_err(spool())?))),
        };
        let start = self.end;
        self.buffer.resize(BUFFER, 0);
        loop {
            let count = match reader.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::stream(what)(error)),
            };
            (&*file).write_all(&self.buffer[..count]).map_err(spool())?;
            self.end += count as u64;
        }
        Ok((Span { file, start }, self.end - start))
    }

    /// Copies the files of `nodes` that lie in layers of base images to the spool, reading each layer once.
    pub(super) fn fetch<'n>(&mut self, nodes: impl Iterator<Item = &'n Arc<Node>>) -> Result<Fetched> {
        let mut wanted: BTreeMap<usize, BTreeMap<Digest, BTreeSet<Arc<str>>>> = BTreeMap::new();
        for node in nodes {
            if let Kind::File { content: Content::Layer(file), .. } = &node.kind
                && !self.fetched.contains_key(file)
            {
                let paths = wanted.entry(file.base).or_default().entry(file.layer).or_default();
                paths.insert(Arc::clone(&file.path));
            }
        }
        for base in self.bases.clone() {
            let Some(layers) = wanted.get(&base.number) else { continue };
            base.read_files(layers, &mut |file, reader| {
                let (span, _) = self.add("base layer", reader)?;
                self.fetched.insert(file, span);
                Ok(())
            })?;
        }
        Ok(self.fetched.clone())
    }

    /// Reads a small file whole; `None` if it is no file or longer than `limit` bytes.
    pub(super) fn read(&mut self, node: &Arc<Node>, limit: u64) -> Result<Option<Vec<u8>>> {
        let Kind::File { size, content } = &node.kind else { return Ok(None) };
        if *size > limit {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        match content {
            Content::Context(Source::Bytes(content)) => bytes.extend_from_slice(content),
            Content::Context(Source::Disk(path)) => {
                let file = File::open(path).map_err(Error::access(path))?;
                file.take(*size).read_to_end(&mut bytes).map_err(Error::access(path))?;
            }
            Content::Spool(span) => span.read(*size, &mut bytes)?,
            Content::Layer(file) => {
                let fetched = self.fetch(std::iter::once(node))?;
                let span = fetched.get(file).ok_or_else(|| missing(file))?;
                span.read(*size, &mut bytes)?;
            }
        }
        Ok(Some(bytes))
    }
}

impl Span {
    /// Appends the `size` bytes, at most a few, to `bytes`.
    fn read(&self, size: u64, bytes: &mut Vec<u8>) -> Result<()> {
        bytes.resize(usize::try_from(size).unwrap_or(usize::MAX), 0);
        self.file.read_exact_at(bytes, self.start).map_err(Error::stream("temporary file"))
    }
}

/// A layer gave a file when it was listed, and does not when it is read.
pub(super) fn missing(file: &LayerFile) -> Error {
    Error::damaged(format!("layer {}", file.layer), format!("`{}` is gone from it", file.path))
}
