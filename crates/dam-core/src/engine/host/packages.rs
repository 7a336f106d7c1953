//! Packages with an engine, or with what is in its way.

use std::path::PathBuf;

use serde::Serialize;

use super::{EngineFinding, Look};

/// Packages with an engine, those to keep first. Of rpm, `docker` is Red Hat's and SUSE's; Debian's `docker` is something else.
const ENGINES: [&str; 9] = [
    "dam-docker",
    "docker-ce",
    "docker-ee",
    "moby-engine",
    "docker.io",
    "docker-engine",
    "docker-latest",
    "docker-io",
    "docker",
];
/// A `docker` command that speaks to Podman.
const IMPOSTOR: &str = "podman-docker";

/// A package that is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Installed {
    /// Its name.
    pub name: String,
    /// Its version; empty where that cannot be known.
    pub version: String,
    /// What has installed it.
    pub source: PackageSource,
}

/// What has installed a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(rename_all = "lowercase")]
pub enum PackageSource {
    /// dpkg, and with it apt.
    Dpkg,
    /// rpm, and with it dnf, yum or zypper.
    Rpm,
    /// snap.
    Snap,
}

impl Installed {
    /// Returns the major version of the software in it, without epoch.
    pub fn major(&self) -> Option<u32> {
        let version = self.version.split_once(':').map_or(self.version.as_str(), |(_, version)| version);
        version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }
}

/// The packages of a machine, as far as they matter to an engine.
pub(super) struct Packages {
    /// Those with an engine, that to keep first.
    engines: Vec<Installed>,
    impostor: Option<Installed>,
    /// All `dockerd` that are found.
    programs: Vec<PathBuf>,
}

impl Packages {
    /// Reads which are installed.
    pub(super) fn of(look: &Look) -> Self {
        let rpm = || look.exists("/var/lib/rpm") || look.exists("/usr/lib/sysimage/rpm");
        let mut installed = match of_dpkg(look) {
            // Debian has rpm as a package, with an empty list.
            Some(installed) => installed,
            None if rpm() => look.witness.of_rpm(&[&ENGINES[..], &[IMPOSTOR]].concat()),
            None => Vec::new(),
        };
        let place = |package: &Installed| ENGINES.iter().position(|name| package.name == *name);
        let impostor = installed.iter().find(|package| package.name == IMPOSTOR).cloned();
        installed.retain(|package| place(package).is_some());
        installed.sort_by_key(place);
        installed.extend(of_snap(look));
        let programs = look.programs("dockerd").into_iter().map(|(path, _)| path).collect();
        Self { engines: installed, impostor, programs }
    }

    /// Returns the major version of the engine.
    pub(super) fn major(&self) -> Option<u32> {
        self.engines.first()?.major()
    }

    /// Tells whether there is an engine.
    pub(super) fn has_engine(&self) -> bool {
        !self.engines.is_empty() || !self.programs.is_empty()
    }

    /// Tells what is there.
    pub(super) fn examine(mut self, findings: &mut Vec<EngineFinding>) {
        if !self.has_engine() {
            findings.push(EngineFinding::NoEngine);
        } else {
            let (package, program) = (self.engines.first().cloned(), self.programs.first().cloned());
            findings.push(EngineFinding::Engine { package, program });
        }
        let keep = self.engines.first().map(|package| package.name.clone());
        let others: Vec<_> = self.engines.drain(..).skip(1).chain(self.impostor).collect();
        if !others.is_empty() {
            findings.push(EngineFinding::ConflictingPackages { keep, packages: others });
        }
        if self.programs.len() > 1 {
            findings.push(EngineFinding::SeveralEngines { programs: self.programs });
        }
    }
}

/// Reads dpkg's list, which is text; `None` where there is none.
///
/// Source: <https://www.debian.org/doc/debian-policy/ch-controlfields.html>, `dpkg-query(1)` on `Status`.
fn of_dpkg(look: &Look) -> Option<Vec<Installed>> {
    let (mut installed, mut name, mut present) = (Vec::new(), None::<String>, false);
    let listed = look.lines("/var/lib/dpkg/status", |line| {
        if line.is_empty() {
            (name, present) = (None, false);
        } else if let Some(package) = line.strip_prefix("Package: ") {
            let known = package == IMPOSTOR || (ENGINES.contains(&package) && package != "docker");
            name = known.then(|| package.to_owned());
        } else if let Some(status) = line.strip_prefix("Status: ") {
            present = status.ends_with(" installed");
        } else if let Some(version) = line.strip_prefix("Version: ")
            && present
            && let Some(name) = name.take()
        {
            installed.push(Installed { name, version: version.to_owned(), source: PackageSource::Dpkg });
        }
        true
    });
    listed.then_some(installed)
}

fn of_snap(look: &Look) -> Option<Installed> {
    let package = |version| Installed { name: "docker".to_owned(), version, source: PackageSource::Snap };
    look.exists("/snap/docker/current").then(|| package(String::new()))
}
