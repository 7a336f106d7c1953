//! What an engine wants of the machine it runs on, and whether the machine has it.
//!
//! A [`Look`] goes over the files of a machine, this one or one whose tree is in a folder; nothing is changed and, but for
//! rpm's, no program is run. What is found is [`EngineFinding`]s: facts, for which the terminal knows the commands that mend.

mod cgroups;
mod distribution;
#[cfg(any(test, feature = "testing"))]
mod examples;
mod finding;
mod firewall;
mod kernel;
mod look;
mod mounts;
mod packages;
mod security;
mod settings;
mod storage;
mod witness;

pub use cgroups::CgroupVersion;
pub use distribution::{Boot, Distribution, Installer};
#[cfg(any(test, feature = "testing"))]
pub use examples::examples;
pub use finding::{EngineFinding, Lack, Level};
pub use firewall::IptablesBackend;
pub use kernel::Purpose;
pub use look::Look;
pub use packages::{Installed, PackageSource};
pub use witness::{ThisMachine, Witness};

use kernel::{Modules, Use};
use packages::Packages;
use settings::Settings;

/// Returns the file that a package puts into `/usr/lib/modules-load.d`, for the kernel to have the modules of an engine from
/// its start: `overlay` alone. `br_netfilter` was rejected: it turns the firewall on for all bridges of the machine, and dockerd
/// since 27.3 loads it only when a setting needs it, after that had broken machines (<https://github.com/moby/moby/pull/48492>).
///
/// Source: <https://man7.org/linux/man-pages/man5/modules-load.d.5.html>.
pub fn modules_load() -> &'static str {
    include_str!("../../../assets/engine/modules-load.conf")
}

/// Tells whether an engine is installed, by a package or not.
pub fn has_engine(look: &Look) -> bool {
    look.has_program("dockerd") || look.exists("/snap/docker/current")
}

/// Looks at all of the machine that matters to an engine. `major` is the major version of the engine, where it has told.
/// Changes nothing and cannot fail: what cannot be looked at is a finding or none.
pub fn examine(look: &Look, major: Option<u32>) -> Vec<EngineFinding> {
    let mut findings = Vec::new();
    let packages = Packages::of(look);
    let (major, is_there) = (major.or_else(|| packages.major()), packages.has_engine());
    packages.examine(&mut findings);
    let settings = Settings::read(look, &mut findings);
    if is_there {
        settings::examine(look, &settings, &mut findings);
    }
    let release = look.word("/proc/sys/kernel/osrelease").unwrap_or_default();
    let modules = Modules::of(look, &release);
    let mounts = mounts::mounts(look);
    let cgroups = mounts.as_deref().and_then(cgroups::version);
    let uses = Use { means: firewall::means(look, &settings), cgroups };
    kernel::examine(look, &release, &modules, &uses, &mut findings);
    if let Some(mounts) = &mounts {
        cgroups::examine(look, mounts, &release, major, &mut findings);
    }
    cgroups::examine_keeper(look, &release, &mut findings);
    firewall::examine(look, &settings, major, &modules, &mut findings);
    security::examine(look, &mut findings);
    settings::examine_swarm(look, &settings, &mut findings);
    storage::examine_driver(look, &settings, major, &mut findings);
    storage::examine(look, &settings, mounts.as_deref().unwrap_or_default(), &mut findings);
    findings
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{EngineFinding, examples, modules_load};

    #[test]
    fn the_modules_are_a_line_each() {
        let lines: Vec<_> = modules_load().lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines, ["overlay"]);
    }

    /// Returns the names of all findings: serde lists them where it is asked for one that does not exist.
    fn names() -> BTreeSet<String> {
        let refusal =
            serde_json::from_str::<EngineFinding>(r#"{ "finding": "?" }"#).expect_err("there is no such").to_string();
        let (_, listed) = refusal.split_once("expected one of ").expect("the names");
        listed
            .split('`')
            .filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'))
            .map(str::to_owned)
            .filter(|name| !name.is_empty())
            .collect()
    }

    fn name(finding: &EngineFinding) -> String {
        serde_json::to_value(finding).expect("JSON")["finding"].as_str().expect("a name").to_owned()
    }

    #[test]
    fn there_is_an_example_of_every_finding() {
        let examples: BTreeSet<_> = examples().iter().map(name).collect();
        assert!(examples.len() > 30, "{examples:?}");
        assert_eq!(examples, names());
    }

    #[test]
    fn every_finding_is_in_the_docs_once() {
        let page = include_str!("../../../../../docs/engine-doctor.md");
        let told: Vec<_> =
            page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).map(str::to_owned).collect();
        assert_eq!(told.iter().cloned().collect::<BTreeSet<_>>(), names());
        assert_eq!(told.len(), names().len());
    }
}
