//! `COPY` and `ADD`.

use std::sync::Arc;

use super::copy::{Destination, LayerBuilder, expand};
use super::owner::{self, Owner};
use super::spool::{Content, Spool};
use super::tree::{Kind, Node, Tree};
use super::unpack::unpack;
use crate::context::Source;
use crate::dockerfile::{Quotes, Scope, Transfer, TransferSource, resolve};
use crate::{Error, Result};

/// A `COPY` or `ADD` with its variables expanded.
pub(super) struct Request {
    line: usize,
    /// Archives are unpacked.
    unpacks: bool,
    sources: Vec<Wanted>,
    destination: Destination,
    chown: Option<String>,
    mode: Option<u32>,
    /// Value of `--from`.
    pub(super) from: Option<String>,
}

enum Wanted {
    /// As it is written.
    Path(String),
    /// A file in the Dockerfile.
    Document { name: String, content: String },
}

impl Request {
    /// Expands the words of `transfer`, in the working folder `folder`. `keyword` is `COPY` or `ADD`.
    pub(super) fn new(line: usize, keyword: &str, transfer: &Transfer, scope: &Scope, folder: &str) -> Result<Self> {
        let fault = |reason: String| Error::dockerfile(line, reason);
        let destination = scope.expand(line, &transfer.destination)?;
        let mut request = Self {
            line,
            unpacks: keyword == "ADD",
            sources: Vec::new(),
            destination: Destination {
                path: resolve(folder, &destination),
                is_folder: matches!(destination.as_str(), "" | "." | "..")
                    || destination.ends_with(['/'])
                    || destination.ends_with("/.")
                    || destination.ends_with("/.."),
            },
            chown: None,
            mode: None,
            from: None,
        };
        for (name, value) in &transfer.flags {
            let value = value.as_deref().map(|value| scope.expand(line, value)).transpose()?;
            match (name.as_str(), value) {
                ("chown", Some(owner)) => request.chown = Some(owner),
                ("chmod", Some(mode)) => {
                    let bits = u32::from_str_radix(&mode, 8).ok().filter(|bits| *bits <= 0o7777);
                    let reason = || fault(format!("--chmod={mode} is no octal mode such as 755"));
                    request.mode = Some(bits.ok_or_else(reason)?);
                }
                ("from", Some(from)) if keyword == "COPY" => request.from = Some(from),
                // A promise about the cache, which there is none of here.
                ("link", _) => {}
                (name, _) => return Err(fault(format!("--{name} of {keyword} is not supported"))),
            }
        }
        for source in &transfer.sources {
            request.sources.push(wanted(line, keyword, source, scope)?);
        }
        Ok(request)
    }

    /// Carries it out: from the tree `from`, called `from_name` in errors, into `tree`. Returns the layer.
    pub(super) fn apply(
        &self,
        from: &Tree,
        from_name: &str,
        tree: &mut Tree,
        spool: &mut Spool,
    ) -> Result<std::collections::BTreeMap<String, Arc<Node>>> {
        let owner = self.owner(tree, spool)?;
        let found = self.find(from, from_name)?;
        let mut layer = LayerBuilder::new(self.line, tree);
        (layer.owner, layer.mode) = (owner, self.mode);
        let count = found.len() + self.sources.iter().filter(|s| matches!(s, Wanted::Document { .. })).count();
        let target = layer.follow(&self.destination.path)?;
        if count > 1 && !self.destination.is_folder && !layer.tree.is_folder(&target) {
            let reason = format!("{count} sources need a destination that is a folder and ends in `/`");
            return Err(layer.fault(reason));
        }
        for (real, named) in &found {
            if self.unpacks
                && let Some(node) = from.get(real)
                && unpack(&mut layer, spool, named, node, &self.destination)?
            {
                continue;
            }
            layer.copy(from, real, named, &self.destination)?;
        }
        for source in &self.sources {
            if let Wanted::Document { name, content } = source {
                let mut document = Tree::default();
                let source = Source::Bytes(content.as_bytes().into());
                let kind = Kind::File { size: content.len() as u64, content: Content::Context(source) };
                document.insert(name, Arc::new(Node::new(kind, 0o644)));
                layer.copy(&document, name, name, &self.destination)?;
            }
        }
        Ok(layer.finish())
    }

    fn owner(&self, tree: &Tree, spool: &mut Spool) -> Result<Option<Owner>> {
        let Some(chown) = &self.chown else { return Ok(None) };
        owner::find(self.line, chown, spool, || Ok(tree)).map(Some)
    }

    /// Returns what the paths and patterns mean: where it is, links followed, and how it is called.
    fn find(&self, from: &Tree, from_name: &str) -> Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        let mut missing = None;
        for source in &self.sources {
            let Wanted::Path(source) = source else { continue };
            let missing_here = || Error::dockerfile(self.line, format!("`{source}` is not in {from_name}"));
            let named = expand(self.line, from, &resolve("", source))?;
            if named.is_empty() {
                missing.get_or_insert_with(missing_here);
            }
            for named in named {
                let real = from.follow(&named).map_err(|_| missing_here())?;
                if !real.is_empty() && from.get(&real).is_none() {
                    return Err(missing_here());
                }
                found.push((real, named));
            }
        }
        // `COPY app.conf extra* /etc/` may find no extras; a line that copies nothing at all is a mistake.
        match missing {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }
}

fn wanted(line: usize, keyword: &str, source: &TransferSource, scope: &Scope) -> Result<Wanted> {
    let path = match source {
        TransferSource::HereDocument { name, expand, content } => {
            let content = match expand {
                true => scope.expand_as(Quotes::Kept, line, content)?,
                false => content.clone(),
            };
            return Ok(Wanted::Document { name: name.clone(), content });
        }
        TransferSource::Path(path) => scope.expand(line, path)?,
    };
    let remote = ["http://", "https://", "ftp://", "git://", "ssh://", "git@"];
    if keyword == "ADD" && remote.iter().any(|scheme| path.starts_with(scheme)) {
        return Err(Error::dockerfile(line, format!("ADD of the address `{path}` is not supported")));
    }
    Ok(Wanted::Path(path))
}
