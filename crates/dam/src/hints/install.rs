//! Advice on engines that are to be installed.

use dam_core::ops::engine::install::InstallFault;
use dam_pack::Format;

use super::Advice;
use crate::error::Hint;
use crate::invocation::quote;

/// What all data of an engine is called.
const STAYS: &str = "images, containers and volumes stay";

/// Advises on what is wrong with an installation.
pub(super) fn advise(fault: &InstallFault) -> Advice {
    match fault {
        InstallFault::NoFamily { .. } => {
            Advice::with("unknown-system", [Hint::Advice("install it by the system's own tool".into())])
        }
        InstallFault::Image { path, .. } => {
            let command = format!("rpm-ostree install {}", quote(&path.display().to_string()));
            Advice::with("image-system", [Hint::Command(command, "puts it into the next one, from the next start on")])
        }
        InstallFault::NoTool { .. } => Advice::new("no-package-tool"),
        InstallFault::Format { path, wanted, .. } => {
            let other = match wanted {
                Format::Deb => "take the .deb that was built with it",
                Format::Rpm => "take the .rpm that was built with it",
            };
            Advice::with("other-format", [Hint::Advice(other.into())]).at(path)
        }
        InstallFault::Architecture { path, wanted, .. } => {
            let other = format!("build it with `dam engine build --arch {wanted}`");
            Advice::with("other-architecture", [Hint::Advice(other)]).at(path)
        }
        InstallFault::Unfit { path, target, .. } => {
            let command = format!("dam engine check {} --target {target}", quote(&path.display().to_string()));
            Advice::with("unfit", [Hint::Command(command, "tells each fault")]).at(path)
        }
        InstallFault::Conflicts { installed, tool, .. } => {
            let names: Vec<&str> = installed.iter().map(|package| package.name.as_str()).collect();
            Advice::with("conflicts", [Hint::Command(tool.removal(&names), STAYS)])
        }
        InstallFault::Missing { .. } => {
            Advice::with("missing", [Hint::Advice("install them first; dam fetches nothing".into())])
        }
        InstallFault::NotRoot => Advice::with("not-root", [Hint::Again { before: "sudo", after: "", note: "" }]),
        InstallFault::Start { program, .. } => Advice::new("program").at(program),
        InstallFault::Tool { said, .. } => Advice { said: said.clone(), ..Advice::new("package-tool") },
        InstallFault::NotThere { .. } => Advice::new("not-there"),
        InstallFault::Service { unit, .. } => {
            let journal = format!("journalctl --no-pager --lines 30 --unit {unit}");
            Advice::with("service-failed", [Hint::Command(journal, "shows why"), doctor()])
        }
        InstallFault::Smoke { .. } | InstallFault::Said { .. } | InstallFault::NoProgram(_) => {
            let journal = "journalctl --no-pager --lines 30 --unit docker".to_owned();
            Advice::with("no-container", [Hint::Command(journal, "shows what the engine said"), doctor()])
        }
    }
}

fn doctor() -> Hint {
    Hint::Command("dam doctor".into(), "checks this machine")
}
