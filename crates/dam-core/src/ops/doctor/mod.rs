//! `dam doctor`: what is wrong with this machine.

mod finding;
mod state;

use std::path::Path;

use crate::engine::host::{self, Distribution, Look};
use crate::legacy;
use crate::store::Description;
use crate::{Error, Result};

pub use crate::engine::host::{EngineFinding, Level};
pub use finding::Finding;

/// The machine as the terminal found it.
pub struct Machine<'a> {
    /// The folder with dam's state.
    pub root: &'a Path,
    /// The store, or why there is none: the error and its causes, outermost first.
    pub store: Result<Description, Vec<String>>,
    /// The folder where DAM 1.x would have its database.
    pub legacy: Option<&'a Path>,
    /// What an engine would find.
    pub look: Look<'a>,
    /// When to look for what matters to an engine.
    pub engine: EngineChecks,
}

/// When to look for what matters to an engine. A machine with dam's own store needs none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineChecks {
    /// Where there is an engine: it is installed, or the store is one of this machine.
    WhereThereIsOne,
    /// In any case: one is to be installed.
    Always,
}

/// Everything that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkup {
    /// What the machine runs on.
    pub distribution: Distribution,
    /// The findings, in the order of looking.
    pub findings: Vec<Finding>,
}

impl Checkup {
    /// Returns how many findings are so bad.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level() == level).count()
    }
}

/// Looks at the machine. Changes nothing and cannot fail: what cannot be looked at is a finding.
pub fn examine(machine: &Machine) -> Checkup {
    let mut findings = vec![match &machine.store {
        Err(causes) => Finding::NoStore { causes: causes.clone() },
        Ok(store) => Finding::Store(store.clone()),
    }];
    state::look_at_folder(machine.root, &mut findings);
    state::look_at_ledger(machine.root, &mut findings);
    if let Some(path) = machine.legacy.filter(|path| legacy::has_apps(path)) {
        let unknown = !findings.iter().any(|finding| matches!(finding, Finding::Ledger { apps } if *apps > 0));
        if unknown {
            findings.push(Finding::Legacy { path: path.to_owned() });
        }
    }
    let engine = engine_here(machine);
    if machine.engine == EngineChecks::Always || engine.is_some() || host::has_engine(&machine.look) {
        let version = engine.map(|store| store.version.as_str()).unwrap_or_default();
        let found = host::examine(&machine.look, major(version));
        findings.extend(found.into_iter().map(Finding::Engine));
    }
    Checkup { distribution: Distribution::of(&machine.look), findings }
}

/// Returns the store if it is a Docker engine on this machine. Podman brings what it needs by itself.
fn engine_here<'a>(machine: &'a Machine) -> Option<&'a Description> {
    machine.store.as_ref().ok().filter(|store| store.kind == "docker" && store.place.starts_with("unix://"))
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// Returns an error and its causes, outermost first.
pub(super) fn causes(error: &Error) -> Vec<String> {
    let chain = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    chain.map(ToString::to_string).collect()
}
