//! `dam engine check`: what of a package the tools of its targets cannot read.

use std::path::{Path, PathBuf};

use dam_pack::Format;
use dam_pack::check::{Finding, Severity, check as find};
use dam_pack::explain::Identity;
use dam_pack::targets::Target;
use serde::Serialize;

use crate::Result;
use crate::engine::PackageFile;
use crate::event::Reporter;

/// A package that was looked at with the eyes of its targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The file.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// What it is.
    pub package: Identity,
    /// The targets it was checked for: those of its format, oldest of a family first. At least one.
    pub targets: Vec<Target>,
    /// What they cannot read, worst first.
    pub findings: Vec<Finding>,
}

/// Why a package cannot be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckFault {
    /// None of the targets that were named installs packages of this format.
    #[error("`{path}` is {} .{format}, and {} no such packages", match .format { Format::Deb => "a", Format::Rpm => "an" }, install(targets))]
    NoTarget {
        /// The package.
        path: PathBuf,
        /// Its format.
        format: Format,
        /// The targets, at least one.
        targets: Vec<Target>,
    },
}

fn install(targets: &[Target]) -> String {
    match targets {
        [one] => format!("{one} installs"),
        several => {
            let names: Vec<&str> = several.iter().map(|target| target.name()).collect();
            format!("{} install", names.join(", "))
        }
    }
}

impl Checked {
    /// Counts the findings of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.rule.severity() == severity).count()
    }

    /// Says whether it can be installed on all of its targets, and does there what it says. Warnings do not count.
    pub fn is_good(&self) -> bool {
        self.count(Severity::Fault) == 0
    }
}

/// Reads a package and checks it for targets; those whose packages have another format are left out.
///
/// # Errors
/// [`CheckFault`], and those of [`PackageFile::read`].
pub fn check(path: &Path, targets: &[Target], reporter: &dyn Reporter) -> Result<Checked> {
    let PackageFile { path, bytes, view, units } = PackageFile::read(path, reporter)?;
    let mut own: Vec<Target> = targets.iter().copied().filter(|target| target.format() == view.format).collect();
    own.sort_unstable();
    own.dedup();
    if own.is_empty() {
        return Err(CheckFault::NoTarget { path, format: view.format, targets: targets.to_vec() }.into());
    }
    let findings = find(&view, units.texts(), &own);
    Ok(Checked { path, bytes, package: Identity::from(&view), targets: own, findings })
}
