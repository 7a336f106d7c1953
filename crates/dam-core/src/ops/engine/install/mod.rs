//! `dam engine install`: puts a package of Docker Engine on this machine by the machine's own tool, and sees whether a
//! container runs.
//!
//! All that can be known to go wrong is found before anything is touched: [`prepare`] looks, [`Plan::new`] is pure and holds
//! the rules, [`Prepared::apply`] has the effects.

mod fault;
mod machine;
mod plan;
mod program;
mod smoke;
mod tool;

use std::path::{Path, PathBuf};

use dam_pack::Construct;
use dam_pack::explain::Identity;
use serde::Serialize;

use self::program::{attempt, find, query, run};
use crate::engine::PackageFile;
use crate::event::Reporter;
use crate::{Cancel, Error, Result};

pub use fault::InstallFault;
pub use machine::{InstalledPackage, Machine, Place, Present};
pub use plan::{Note, Plan};
pub use smoke::{Smoke, smoke};
pub use tool::{Change, Tool};

/// Where the engine listens, below `/`.
const SOCKET: &str = "run/docker.sock";

/// A plan, and the machine it is for.
#[derive(Debug)]
pub struct Prepared {
    /// What is to be done.
    pub plan: Plan,
    machine: Machine,
    path: Vec<PathBuf>,
    socket: PathBuf,
    service: Option<String>,
}

/// An engine that was installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Installed {
    /// The package.
    pub package: Identity,
    /// What became of the one that was there.
    #[serde(flatten)]
    pub change: Change,
    /// The tool that did it.
    pub tool: Tool,
    /// What came of trying it.
    pub trial: Trial,
}

/// What came of trying an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Trial {
    /// A container ran.
    Ran(Smoke),
    /// Nothing was started: systemd does not run here.
    NoSystemd,
    /// Nothing was started: the service is not to be, by the package or by `policy-rc.d`.
    NotActive {
        /// The service.
        unit: String,
    },
    /// The package has no engine's service.
    NoService,
}

/// Looks at the package and the machine, and plans.
///
/// # Errors
/// [`InstallFault`], and those of [`PackageFile::read`].
pub fn prepare(path: &Path, place: &Place, reporter: &dyn Reporter) -> Result<Prepared> {
    let absolute = std::path::absolute(path).map_err(Error::access(path))?;
    let file = PackageFile { path: absolute, ..PackageFile::read(path, reporter)? };
    let machine = Machine::look(place)?;
    let present = machine.present(place.path, &file.view)?;
    let plan = Plan::new(&machine, &file, &present).map_err(|fault| fault.of(path))?;
    let is_signed = file.view.constructs.iter().any(|construct| matches!(construct, Construct::Signature { .. }));
    Ok(Prepared {
        plan: simpler(plan, &machine, &present, is_signed)?,
        machine,
        path: place.path.to_vec(),
        socket: place.root.join(SOCKET),
        service: file.service(),
    })
}

/// Takes dpkg where apt would not do it: it refuses everything while something else on the machine is broken, and stumbles
/// over what is half installed itself.
fn simpler(plan: Plan, machine: &Machine, present: &Present, is_signed: bool) -> Result<Plan> {
    let (Tool::AptGet, true) = (plan.tool, machine.tools.contains_key(&Tool::Dpkg)) else { return Ok(plan) };
    if present.is_half {
        let reason = format!("{} is half installed", plan.package.name);
        return Ok(plan.instead(Tool::Dpkg, reason, is_signed));
    }
    let simulated: Vec<String> = ["--simulate".to_owned()].into_iter().chain(plan.arguments.iter().cloned()).collect();
    Ok(match attempt(&machine.tools[&Tool::AptGet], &simulated)? {
        Ok(()) => plan,
        Err(reason) => plan.instead(Tool::Dpkg, reason, is_signed),
    })
}

impl Prepared {
    /// Installs, and tries the engine out.
    ///
    /// # Errors
    /// [`InstallFault`]; after [`InstallFault::Service`] and [`InstallFault::Smoke`] the package is installed.
    pub fn apply(self, cancel: &Cancel, reporter: &dyn Reporter) -> Result<Installed> {
        if !self.machine.is_root {
            return Err(InstallFault::NotRoot.into());
        }
        cancel.check()?;
        let Plan { tool, arguments, package, change, .. } = &self.plan;
        let title = self.plan.title();
        run(&self.machine.tools[tool], arguments, &title, reporter)?;
        let found = self.machine.version_of(&self.path, package.format, &package.name)?;
        if found.as_deref() != Some(&package.version) {
            let (package, version) = (package.name.clone(), package.version.clone());
            return Err(InstallFault::NotThere { tool: *tool, package, version, found }.into());
        }
        let trial = self.try_out(cancel, reporter)?;
        Ok(Installed { package: package.clone(), change: change.clone(), tool: *tool, trial })
    }

    fn try_out(&self, cancel: &Cancel, reporter: &dyn Reporter) -> Result<Trial> {
        let Some(unit) = &self.service else { return Ok(Trial::NoService) };
        let systemctl = find(&self.path, "systemctl").filter(|_| self.machine.has_systemd);
        let Some(systemctl) = systemctl else { return Ok(Trial::NoSystemd) };
        let package = || self.plan.title();
        let state = |unit: &str| query(&systemctl, &["is-active", unit]).map(|state| state.trim().to_owned());
        // Where only the socket listens, the first to connect starts the service.
        let socket = unit.replace(".service", ".socket");
        match state(unit)?.as_str() {
            "active" | "activating" | "reloading" => {}
            "failed" => return Err(InstallFault::Service { package: package(), unit: unit.clone() }.into()),
            _ if state(&socket)? == "active" => {}
            _ => return Ok(Trial::NotActive { unit: unit.clone() }),
        }
        let tried = smoke(&self.socket, cancel, reporter);
        tried.map(Trial::Ran).map_err(|error| match error {
            Error::Cancelled => error,
            other => InstallFault::Smoke { package: package(), source: Box::new(other) }.into(),
        })
    }
}
