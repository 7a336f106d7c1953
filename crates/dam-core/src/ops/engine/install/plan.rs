//! The rules: what is done to install a package on a machine, and why not.

use std::cmp::Ordering;
use std::path::PathBuf;

use dam_pack::check::{Severity, check};
use dam_pack::explain::Identity;
use dam_pack::{Construct, RelationKind};
use serde::Serialize;

use super::InstallFault;
use super::machine::{InstalledPackage, Machine, Present, means};
use super::tool::{Change, Tool};
use crate::engine::{Family, Nearest, PackageFile};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The package.
    pub package: Identity,
    /// Its file.
    pub path: PathBuf,
    /// Bytes of all files in it.
    pub size: u64,
    /// The distribution, in its own name.
    pub os: String,
    /// The target that it comes nearest to, for which the package was checked.
    pub target: Option<Nearest>,
    /// What becomes of the package that is there.
    #[serde(flatten)]
    pub change: Change,
    /// The tool.
    pub tool: Tool,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Whether the engine is then tried out.
    pub tries: bool,
    /// What a person should know.
    pub notes: Vec<Note>,
}

/// What a person should know before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "note")]
pub enum Note {
    /// Packages that it recommends are not there, and are not fetched.
    Recommended {
        /// Each as the package names it.
        packages: Vec<String>,
    },
    /// A rule is broken that is none that keeps it from working.
    Warning {
        /// The rule, and why it matters.
        text: String,
    },
    /// systemd does not run, so that nothing is started.
    NothingStarts,
    /// A simpler tool is taken than the one that the machine has.
    Instead {
        /// The better one.
        of: Tool,
        /// What it said.
        reason: String,
    },
}

impl Plan {
    /// Plans to install a package. `present` is what is there of the packages that it names.
    ///
    /// # Errors
    /// [`InstallFault`], for all that would not go well and can be known before anything is touched.
    pub fn new(machine: &Machine, file: &PackageFile, present: &Present) -> Result<Self, InstallFault> {
        let (os, path, view) = (machine.os.name.clone(), file.path.clone(), &file.view);
        let family = machine.os.family().ok_or_else(|| InstallFault::NoFamily { os: os.clone() })?;
        if view.format != family.format() {
            return Err(InstallFault::Format { path, found: view.format, wanted: family.format(), os });
        }
        if machine.is_image {
            return Err(InstallFault::Image { os, path });
        }
        let tool = tool(machine, family)?;
        let here = machine.architecture(view.format);
        if view.architecture != here && !matches!(view.architecture.as_str(), "all" | "noarch") {
            return Err(InstallFault::Architecture { path, found: view.architecture.clone(), wanted: here });
        }
        let target = machine.os.target().filter(|nearest| nearest.target.format() == view.format);
        let mut notes = fitness(file, target)?;
        let package = format!("{} {}", view.name, view.version);
        stand_beside(file, present, tool, &package)?;
        has_what_it_needs(file, present, package)?;
        notes.extend(recommended(file, present));
        notes.extend((!machine.has_systemd).then_some(Note::NothingStarts));
        let change = change(file, present.own.as_ref());
        let is_signed = view.constructs.iter().any(|construct| matches!(construct, Construct::Signature { .. }));
        Ok(Self {
            arguments: tool.arguments(&change, &path.to_string_lossy(), is_signed),
            package: Identity::from(view),
            path,
            size: file.size(),
            os,
            target,
            change,
            tool,
            tries: machine.has_systemd && file.service().is_some(),
            notes,
        })
    }

    /// Takes a simpler tool, for the one that was planned refuses.
    pub(super) fn instead(mut self, tool: Tool, reason: String, is_signed: bool) -> Self {
        self.arguments = tool.arguments(&self.change, &self.path.to_string_lossy(), is_signed);
        let of = std::mem::replace(&mut self.tool, tool);
        self.notes.push(Note::Instead { of, reason });
        self
    }

    /// Returns the package with its version.
    pub fn title(&self) -> String {
        format!("{} {}", self.package.name, self.package.version)
    }

    /// Returns the command, as it would be typed.
    pub fn command(&self) -> String {
        let words = [self.tool.program().to_owned()].into_iter().chain(self.arguments.iter().cloned());
        words.collect::<Vec<_>>().join(" ")
    }
}

/// Takes the first tool of its family that a machine has.
fn tool(machine: &Machine, family: Family) -> Result<Tool, InstallFault> {
    let own: &[Tool] = match family {
        Family::Debian => &[Tool::AptGet, Tool::Dpkg],
        Family::RedHat => &[Tool::Dnf, Tool::Yum, Tool::Rpm],
        Family::Suse => &[Tool::Zypper, Tool::Rpm],
    };
    let found = own.iter().find(|tool| machine.tools.contains_key(tool)).copied();
    found.ok_or_else(|| InstallFault::NoTool { os: machine.os.name.clone(), format: family.format() })
}

/// Checks the package for the target; warnings are told.
fn fitness(file: &PackageFile, target: Option<Nearest>) -> Result<Vec<Note>, InstallFault> {
    let Some(Nearest { target, .. }) = target else { return Ok(Vec::new()) };
    let findings = check(&file.view, file.units.texts(), &[target]);
    let (faults, warnings): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|finding| finding.rule.severity() == Severity::Fault);
    if faults.is_empty() {
        return Ok(warnings.iter().map(|finding| Note::Warning { text: finding.to_string() }).collect());
    }
    let findings = faults.iter().map(ToString::to_string).collect();
    Err(InstallFault::Unfit { path: file.path.clone(), target, findings })
}

/// Refuses to be installed beside what the package excludes.
fn stand_beside(file: &PackageFile, present: &Present, tool: Tool, package: &str) -> Result<(), InstallFault> {
    let view = &file.view;
    let relations = [RelationKind::Conflicts, RelationKind::Breaks].into_iter().flat_map(|kind| view.relations(kind));
    let in_the_way = relations.flat_map(|relation| {
        let named = present.named.get(relation).into_iter().flatten();
        named.filter(|package| means(view.format, relation, &package.version)).cloned()
    });
    let mut installed: Vec<InstalledPackage> = in_the_way.collect();
    installed.sort();
    installed.dedup();
    match installed.is_empty() {
        true => Ok(()),
        false => Err(InstallFault::Conflicts { package: package.to_owned(), installed, tool }),
    }
}

/// Refuses what would be left without something that it needs, for nothing is fetched.
fn has_what_it_needs(file: &PackageFile, present: &Present, package: String) -> Result<(), InstallFault> {
    let view = &file.view;
    let own = |relation: &str| {
        let name = relation.split([' ', '(']).next().unwrap_or_default();
        // Features of rpm itself were checked with the target; a rich relation is the tool's to judge.
        relation.starts_with('(')
            || ["rpmlib(", "config("].iter().any(|kind| relation.starts_with(kind))
            || name == view.name
    };
    let needed = [RelationKind::PreDepends, RelationKind::Depends].into_iter().flat_map(|kind| view.relations(kind));
    let missing = needed.filter(|relation| !own(relation)).filter(|relation| {
        let found = present.named.get(*relation);
        found.is_some_and(|found| !found.iter().any(|package| is_met(file, relation, package)))
    });
    let missing: Vec<String> = missing.cloned().collect();
    if missing.is_empty() { Ok(()) } else { Err(InstallFault::Missing { package, missing }) }
}

/// Says whether a package is what a relation wants. Of alternatives the versions are not compared, and neither are those
/// of what a package only provides.
fn is_met(file: &PackageFile, relation: &str, package: &InstalledPackage) -> bool {
    relation.contains('|')
        || !relation.starts_with(&package.name)
        || means(file.view.format, relation, &package.version)
}

fn recommended(file: &PackageFile, present: &Present) -> Option<Note> {
    let all = file.view.relations(RelationKind::Recommends).iter();
    let missing = all.filter(|relation| present.named.get(*relation).is_some_and(Vec::is_empty));
    // What a rich relation wants is not known here.
    let packages: Vec<String> = missing.filter(|relation| !relation.starts_with('(')).cloned().collect();
    (!packages.is_empty()).then_some(Note::Recommended { packages })
}

fn change(file: &PackageFile, own: Option<&InstalledPackage>) -> Change {
    let Some(InstalledPackage { version: from, .. }) = own else { return Change::New };
    match dam_pack::order::compare(file.view.format, &file.view.version, from) {
        Ordering::Equal => Change::Again,
        Ordering::Greater => Change::Upgrade { from: from.clone() },
        Ordering::Less => Change::Downgrade { from: from.clone() },
    }
}
