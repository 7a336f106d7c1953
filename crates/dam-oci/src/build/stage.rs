//! Going through the stages.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::base::{Base, Bases};
use super::document::Document;
use super::spool::{Content, Spool};
use super::transfer::Request;
use super::tree::{Kind, Node, Tree};
use super::{BuildRequest, plan};
use crate::context::EntryKind;
use crate::dockerfile::{Action, Scope, Stage, Transfer, resolve};
use crate::{Context, Dockerfile, Error, Platform, Result};

/// The search path of an image of nothing, as BuildKit sets it.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A layer by path.
pub(super) type Nodes = BTreeMap<String, Arc<Node>>;

/// A stage as far as it has come.
#[derive(Clone)]
pub(super) struct Finished {
    /// The image at the bottom; `None` is scratch.
    pub(super) base: Option<Rc<Base>>,
    /// What was put on top.
    pub(super) layers: Vec<Nodes>,
    pub(super) document: Document,
    /// All files; made when something needs them, as a base image must be read for it.
    tree: Option<Tree>,
    /// `CMD` was given in this stage, not inherited.
    pub(super) has_command: bool,
}

impl Finished {
    /// Returns all files of the stage.
    pub(super) fn tree(&mut self) -> Result<&mut Tree> {
        if self.tree.is_none() {
            self.tree = Some(match &self.base {
                Some(base) => base.tree()?.clone(),
                None => Tree::default(),
            });
        }
        Ok(self.tree.as_mut().expect("made above"))
    }

    /// Puts a layer on top, unless it is empty; tells whether it was.
    pub(super) fn push(&mut self, nodes: Nodes) -> bool {
        let is_layer = !nodes.is_empty();
        self.layers.extend(is_layer.then_some(nodes));
        is_layer
    }

    /// Returns the working folder without slashes at the ends.
    pub(super) fn folder(&self) -> String {
        resolve("", self.document.text("WorkingDir"))
    }
}

/// Builds the stages one after the other.
pub(super) struct Builder<'a> {
    pub(super) request: &'a BuildRequest<'a>,
    file: &'a Dockerfile,
    bases: &'a Bases<'a>,
    on_line: &'a mut dyn FnMut(&str),
    pub(super) scope: Scope<'a>,
    pub(super) spool: Spool,
    context: OnceCell<Tree>,
    stages: BTreeMap<usize, Finished>,
    needed: BTreeSet<usize>,
    step: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        request: &'a BuildRequest<'a>,
        file: &'a Dockerfile,
        bases: &'a Bases<'a>,
        on_line: &'a mut dyn FnMut(&str),
    ) -> Result<Self> {
        let platform = request.platform.clone().unwrap_or_else(Platform::host);
        Ok(Self {
            request,
            file,
            bases,
            on_line,
            scope: Scope::new(file, &request.args, &platform)?,
            spool: Spool::default(),
            context: OnceCell::new(),
            stages: BTreeMap::new(),
            needed: plan::needed(file)?,
            step: 0,
        })
    }

    /// Builds what the last stage needs, and returns that stage.
    pub(super) fn run(&mut self) -> Result<Finished> {
        for at in self.needed.clone() {
            let finished = self.stage(at, &self.file.stages[at])?;
            self.stages.insert(at, finished);
        }
        self.warn_of_unused();
        let last = self.file.stages.len() - 1;
        let mut finished = self.stages.remove(&last).expect("the last stage is always needed");
        finished.document.label(&self.request.labels);
        Ok(finished)
    }

    /// Gives up the files that were spooled.
    pub(super) fn into_spool(self) -> Spool {
        self.spool
    }

    fn stage(&mut self, at: usize, stage: &Stage) -> Result<Finished> {
        self.scope.leave();
        let base = self.scope.expand(stage.line, &stage.base)?;
        let name = stage.name.as_ref().map(|name| format!(" AS {name}")).unwrap_or_default();
        self.tell(&format!("FROM {base}{name}"));
        let mut finished = self.start(at, stage, &base)?;
        self.scope.enter(finished.document.environment());
        for instruction in &stage.instructions {
            self.tell(&instruction.text);
            let made_layer = self.carry_out(&mut finished, instruction, at)?;
            // An argument is a fact of the build and not of the image.
            if !matches!(instruction.action, Action::Arg(_)) {
                finished.document.note(&instruction.text, made_layer);
            }
        }
        Ok(finished)
    }

    /// Returns what `FROM` gives.
    fn start(&mut self, at: usize, stage: &Stage, base: &str) -> Result<Finished> {
        let fault = |reason: String| Error::dockerfile(stage.line, reason);
        let platform = match &stage.platform {
            Some(text) => {
                let text = self.scope.expand(stage.line, text)?;
                Some(text.parse::<Platform>().map_err(|error| fault(error.to_string()))?)
            }
            None => self.request.platform.clone(),
        };
        if base.is_empty() {
            return Err(fault(format!("FROM `{}` names nothing", stage.base)));
        }
        if base == "scratch" {
            let mut document = Document::scratch(&platform.unwrap_or_else(Platform::host));
            document.set("Env", vec![format!("PATH={DEFAULT_PATH}")]);
            document.set("WorkingDir", "/");
            return Ok(Finished { base: None, layers: Vec::new(), document, tree: None, has_command: false });
        }
        if let Some(earlier) = self.file.stage_named(base, at) {
            let earlier = self.stages.get(&earlier).ok_or_else(|| fault(format!("stage `{base}` was not built")))?;
            return Ok(Finished { has_command: false, ..earlier.clone() });
        }
        let base = self.base(stage.line, base)?;
        let found = base.config.platform();
        if let Some(wanted) = platform
            && (&wanted.os, &wanted.architecture) != (&found.os, &found.architecture)
        {
            return Err(fault(format!("the image `{}` is for {found} and not for {wanted}", stage.base)));
        }
        let document = Document::of(&base)?;
        if !document.list("OnBuild").is_empty() {
            return Err(Error::NeedsEngine { line: stage.line, instruction: "ONBUILD" });
        }
        Ok(Finished { base: Some(base), layers: Vec::new(), document, tree: None, has_command: false })
    }

    fn base(&mut self, line: usize, name: &str) -> Result<Rc<Base>> {
        let base = self.bases.get(line, name)?;
        self.spool.watch(&base);
        Ok(base)
    }

    /// Carries out `COPY` or `ADD`; returns the layer.
    pub(super) fn transfer(
        &mut self,
        stage: &mut Finished,
        line: usize,
        keyword: &str,
        transfer: &Transfer,
        at: usize,
    ) -> Result<Nodes> {
        let request = Request::new(line, keyword, transfer, &self.scope, &stage.folder())?;
        let Some(from) = &request.from else {
            let context = self.context.get_or_init(|| tree_of(self.request.context));
            return request.apply(context, "the build context", stage.tree()?, &mut self.spool);
        };
        let from_name = format!("`{from}`");
        match self.file.stage_named(from, at) {
            Some(earlier) => {
                let missing = || Error::dockerfile(line, format!("stage `{from}` was not built"));
                let earlier = self.stages.get_mut(&earlier).ok_or_else(missing)?;
                request.apply(earlier.tree()?, &from_name, stage.tree()?, &mut self.spool)
            }
            None => {
                let base = self.base(line, from)?;
                request.apply(base.tree()?, &from_name, stage.tree()?, &mut self.spool)
            }
        }
    }

    fn tell(&mut self, text: &str) {
        let steps: usize = self.needed.iter().map(|&at| 1 + self.file.stages[at].instructions.len()).sum();
        self.step += 1;
        (self.on_line)(&format!("step {}/{steps}: {text}", self.step));
    }

    fn warn_of_unused(&mut self) {
        let instructions = self.file.stages.iter().flat_map(|stage| &stage.instructions).chain(&self.file.globals);
        let declared: BTreeSet<&String> = instructions
            .filter_map(|instruction| match &instruction.action {
                Action::Arg(arguments) => Some(arguments.iter().map(|(name, _)| name)),
                _ => None,
            })
            .flatten()
            .collect();
        for name in self.request.args.keys().filter(|name| !declared.contains(name)) {
            (self.on_line)(&format!("warning: no ARG takes the build argument `{name}`"));
        }
    }
}

/// Returns what `COPY` sees of a context: all of root's, without what is excluded.
fn tree_of(context: &Context) -> Tree {
    let mut tree = Tree::default();
    for entry in context.iter().filter(|entry| !entry.excluded) {
        let kind = match &entry.kind {
            EntryKind::Folder => Kind::Folder,
            EntryKind::File { size, source } => Kind::File { size: *size, content: Content::Context(source.clone()) },
            EntryKind::Symlink { target } => Kind::Symlink(target.clone()),
        };
        tree.insert(&entry.path, Arc::new(Node::new(kind, entry.mode)));
    }
    tree
}
