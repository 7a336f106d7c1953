//! Control groups, and who keeps them.

use std::collections::BTreeSet;

use serde::Serialize;

use super::kernel::KernelVersion;
use super::mounts::Mount;
use super::{EngineFinding, Look};

/// The controllers of version 1 that an engine uses.
const V1: [&str; 7] = ["devices", "freezer", "memory", "cpu", "cpuset", "blkio", "pids"];
/// Those of version 2, where devices and freezing are no controllers.
const V2: [&str; 5] = ["cpu", "cpuset", "io", "memory", "pids"];
/// The first kernel with all of version 2 that an engine uses.
const GOOD_V2: KernelVersion = KernelVersion::new(5, 2);

/// A version of control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(rename_all = "lowercase")]
pub enum CgroupVersion {
    /// Version 1, a hierarchy for each controller.
    V1,
    /// Version 2, one for all.
    V2,
    /// Version 1 for engines, with one of version 2 for systemd.
    Hybrid,
}

/// Returns the version, if there are control groups at all.
pub(super) fn version(mounts: &[Mount]) -> Option<CgroupVersion> {
    let has = |file_system: &str| mounts.iter().any(|mount| mount.file_system == file_system);
    match (has("cgroup"), has("cgroup2")) {
        (true, true) => Some(CgroupVersion::Hybrid),
        (true, false) => Some(CgroupVersion::V1),
        (false, true) => Some(CgroupVersion::V2),
        (false, false) => None,
    }
}

/// Looks at control groups; `engine` is the engine's major version.
pub(super) fn examine(
    look: &Look,
    mounts: &[Mount],
    release: &str,
    engine: Option<u32>,
    findings: &mut Vec<EngineFinding>,
) {
    match version(mounts) {
        None => findings.push(EngineFinding::NoCgroups),
        Some(version) => {
            // Docker does since 20.10.
            let knows_v2 = engine.is_none_or(|major| major >= 20);
            let missing = missing(look, mounts, version, release);
            let could_be_v2 =
                has_systemd(look) && knows_v2 && KernelVersion::read(release).is_some_and(|version| version >= GOOD_V2);
            match version {
                CgroupVersion::V1 | CgroupVersion::Hybrid if could_be_v2 => {
                    findings.push(EngineFinding::CgroupV1 { hybrid: version == CgroupVersion::Hybrid });
                }
                _ => findings.push(EngineFinding::Cgroups { version }),
            }
            let memory = !missing.iter().any(|controller| controller == "memory");
            if !missing.is_empty() {
                findings.push(EngineFinding::NoControllers { version, controllers: missing });
            }
            if memory && version != CgroupVersion::V2 && lacks_swap(look, mounts) {
                findings.push(EngineFinding::NoSwapLimit);
            }
        }
    }
}

/// Looks at who keeps them.
pub(super) fn examine_keeper(look: &Look, release: &str, findings: &mut Vec<EngineFinding>) {
    if !has_systemd(look) {
        let wsl = release.to_lowercase().contains("microsoft");
        findings.push(EngineFinding::NoSystemd { wsl });
    }
}

/// Tells whether systemd runs, as `sd_booted(3)` has it.
fn has_systemd(look: &Look) -> bool {
    look.exists("/run/systemd/system")
}

fn missing(look: &Look, mounts: &[Mount], version: CgroupVersion, release: &str) -> Vec<String> {
    if version == CgroupVersion::V2 {
        let Some(text) = look.text("/sys/fs/cgroup/cgroup.controllers") else { return Vec::new() };
        let present: BTreeSet<_> = text.split_whitespace().collect();
        return V2.iter().filter(|name| !present.contains(*name)).map(ToString::to_string).collect();
    }
    let v1 = mounts.iter().filter(|mount| mount.file_system == "cgroup");
    let present: BTreeSet<_> = v1.flat_map(|mount| mount.options.iter().map(String::as_str)).collect();
    // The last controller to come: processes.
    let old = KernelVersion::read(release).is_some_and(|version| version < KernelVersion::new(4, 3));
    let wanted = V1.iter().filter(|name| !(old && **name == "pids"));
    wanted.filter(|name| !present.contains(*name)).map(ToString::to_string).collect()
}

/// Tells whether the memory controller of version 1 does not count swap, as it did not by default on Debian and Ubuntu.
fn lacks_swap(look: &Look, mounts: &[Mount]) -> bool {
    let memory = mounts.iter().find(|mount| mount.options.iter().any(|option| option == "memory"));
    let Some(folder) = memory.and_then(|mount| mount.point.to_str()) else { return false };
    look.exists(&format!("{folder}/memory.limit_in_bytes"))
        && !look.exists(&format!("{folder}/memory.memsw.limit_in_bytes"))
}
