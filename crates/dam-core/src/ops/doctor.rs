//! `dam doctor`: what is wrong with this machine.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{StatVfsMountFlags, statvfs};
use serde::Serialize;

use crate::app::{AppId, Release};
use crate::ledger::{AppState, Ledger};
use crate::legacy;
use crate::plan::title;
use crate::store::Description;
use crate::{Error, Result};

/// Below this much free space, in bytes, most images do not fit.
const LITTLE_SPACE: u64 = 1 << 30;

/// The machine as the terminal found it.
pub struct Machine<'a> {
    /// The folder with dam's state.
    pub root: &'a Path,
    /// The store, or why there is none: the error and its causes, outermost first.
    pub store: Result<Description, Vec<String>>,
    /// The folders programs are looked for in.
    pub path: &'a [PathBuf],
    /// The folder where DAM 1.x would have its database.
    pub legacy: Option<&'a Path>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// All is well.
    Good,
    /// Something will be missed.
    Warning,
    /// Something does not work.
    Fault,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
pub enum Finding {
    /// The store answers.
    Store(Description),
    /// The store does not answer.
    NoStore {
        /// The error and its causes, outermost first.
        causes: Vec<String>,
    },
    /// A program that an engine needs is missing.
    NoProgram {
        /// Its name, which is also its package's.
        program: &'static str,
        /// What does not work without it.
        without: &'static str,
    },
    /// AppArmor is on, but its parser is missing.
    NoAppArmorParser,
    /// Free space where dam has its state.
    Space {
        /// The folder.
        path: PathBuf,
        /// Free bytes.
        free: u64,
    },
    /// Nothing can be executed where hooks run.
    NoExec {
        /// The folder.
        path: PathBuf,
    },
    /// The state folder cannot be written to.
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Nothing is installed yet, there is no ledger.
    NoLedger,
    /// The ledger is sound.
    Ledger {
        /// Installed apps.
        apps: usize,
    },
    /// The ledger cannot be read.
    LedgerDamaged {
        /// The error and its causes, outermost first.
        causes: Vec<String>,
    },
    /// A change was cut off.
    Pending {
        /// The change, such as `upgrade of shop 1.0 to 2.0`.
        title: String,
    },
    /// A change failed and could not be undone.
    Broken {
        /// The app.
        app: AppId,
    },
    /// DAM 1.x has installed apps here that this dam does not know.
    Legacy {
        /// Its database.
        path: PathBuf,
    },
}

impl Finding {
    /// Tells how bad it is.
    pub fn level(&self) -> Level {
        match self {
            Self::Store(_) | Self::NoLedger | Self::Ledger { .. } => Level::Good,
            Self::Space { free, .. } if *free >= LITTLE_SPACE => Level::Good,
            Self::Space { .. } | Self::NoAppArmorParser | Self::Pending { .. } | Self::Legacy { .. } => Level::Warning,
            Self::NoProgram { .. } => Level::Warning,
            Self::NoStore { .. }
            | Self::NoExec { .. }
            | Self::NotWritable { .. }
            | Self::LedgerDamaged { .. }
            | Self::Broken { .. } => Level::Fault,
        }
    }
}

/// Everything that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checkup {
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
    let mut findings = Vec::new();
    look_at_store(machine, &mut findings);
    look_at_folder(machine.root, &mut findings);
    look_at_ledger(machine.root, &mut findings);
    if let Some(path) = machine.legacy.filter(|path| legacy::has_apps(path)) {
        let unknown = !findings.iter().any(|finding| matches!(finding, Finding::Ledger { apps } if *apps > 0));
        if unknown {
            findings.push(Finding::Legacy { path: path.to_owned() });
        }
    }
    Checkup { findings }
}

fn look_at_store(machine: &Machine, findings: &mut Vec<Finding>) {
    match &machine.store {
        Err(causes) => findings.push(Finding::NoStore { causes: causes.clone() }),
        Ok(store) => {
            let engine = store.kind == "docker";
            findings.push(Finding::Store(store.clone()));
            if engine && !has_program(machine.path, "iptables") {
                findings.push(Finding::NoProgram { program: "iptables", without: "containers will have no network" });
            }
        }
    }
    let apparmor = std::fs::read("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.starts_with(b"Y"));
    if apparmor && !has_program(machine.path, "apparmor_parser") {
        findings.push(Finding::NoAppArmorParser);
    }
}

/// Looks at the state folder, or at the nearest parent that is there.
fn look_at_folder(root: &Path, findings: &mut Vec<Finding>) {
    let path = root.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/")).to_owned();
    match statvfs(&path) {
        Err(error) => findings.push(Finding::NotWritable { path, reason: io::Error::from(error).to_string() }),
        Ok(facts) => {
            if facts.f_flag.contains(StatVfsMountFlags::NOEXEC) {
                findings.push(Finding::NoExec { path: path.clone() });
            }
            if let Err(error) = tempfile::tempfile_in(&path) {
                findings.push(Finding::NotWritable { path: path.clone(), reason: error.to_string() });
            }
            findings.push(Finding::Space { path, free: facts.f_bavail * facts.f_frsize });
        }
    }
}

fn look_at_ledger(root: &Path, findings: &mut Vec<Finding>) {
    match read_ledger(root) {
        Ok(read) => findings.extend(read),
        Err(error) => findings.push(Finding::LedgerDamaged { causes: causes(&error) }),
    }
}

fn read_ledger(root: &Path) -> Result<Vec<Finding>> {
    let Some(mut ledger) = Ledger::open_existing(root)? else { return Ok(vec![Finding::NoLedger]) };
    let listed = ledger.list()?;
    let mut findings = vec![Finding::Ledger { apps: listed.len() }];
    let broken = listed.into_iter().filter(|app| app.state == AppState::Broken);
    findings.extend(broken.map(|app| Finding::Broken { app: app.id }));
    if let Some(pending) = ledger.pending()? {
        let id = |release: &Release| release.app.id.clone();
        let (old, new) = (pending.old.as_ref().map(id), pending.new.as_ref().map(id));
        findings.push(Finding::Pending { title: title(pending.kind, old.as_ref(), new.as_ref()) });
    }
    Ok(findings)
}

fn has_program(path: &[PathBuf], program: &str) -> bool {
    // A user's PATH lacks the folders where system tools are.
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    path.iter().chain(&system).any(|folder| folder.join(program).is_file())
}

/// Returns an error and its causes, outermost first.
pub(super) fn causes(error: &Error) -> Vec<String> {
    let chain = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    chain.map(ToString::to_string).collect()
}
