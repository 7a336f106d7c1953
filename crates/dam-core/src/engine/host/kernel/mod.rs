//! What the kernel can do.

mod config;
mod modules;
mod options;
mod version;

use std::collections::BTreeSet;

use super::firewall::Means;
use super::{CgroupVersion, EngineFinding, IptablesBackend, Lack, Look};
use config::{KernelConfig, Setting};
use modules::blocked_by;
use options::{Role, WISHES, Wish};

pub(super) use modules::Modules;
pub use options::Purpose;
pub(super) use version::KernelVersion;

/// What an engine on this machine would use of the kernel.
pub(super) struct Use {
    pub(super) means: Means,
    pub(super) cgroups: Option<CgroupVersion>,
}

impl Use {
    fn wants(&self, role: Role) -> bool {
        match role {
            Role::Needed | Role::Useful(_) => true,
            Role::CgroupV1 => matches!(self.cgroups, Some(CgroupVersion::V1 | CgroupVersion::Hybrid)),
            Role::CgroupV2 => self.cgroups == Some(CgroupVersion::V2),
            Role::Iptables => matches!(self.means, Means::Iptables(_)),
            Role::LegacyTables => self.means == Means::Iptables(IptablesBackend::Legacy),
            Role::NftTables => self.means == Means::Iptables(IptablesBackend::Nft),
            Role::NftBackend => self.means == Means::Nftables,
        }
    }
}

/// What was found of the wishes.
#[derive(Default)]
struct Missing {
    options: Vec<String>,
    legacy: Vec<String>,
    useful: Vec<Lack>,
    /// Modules without which nothing works and that are not on the disk.
    modules: Vec<String>,
    /// Modules without which nothing works, and that are on the disk only.
    idle: BTreeSet<String>,
}

/// Looks at the kernel.
pub(super) fn examine(look: &Look, release: &str, modules: &Modules, uses: &Use, findings: &mut Vec<EngineFinding>) {
    let age = if version::is_ancient(release) { Some("3.10") } else { version::wanted(release) };
    if let Some(wanted) = age {
        findings.push(EngineFinding::OldKernel { release: release.to_owned(), wanted: wanted.to_owned() });
    }
    let Some(config) = KernelConfig::find(look, release) else {
        findings.push(EngineFinding::NoKernelConfig { release: release.to_owned() });
        return;
    };
    let missing = missing(&config, release, modules, uses);
    let before = findings.len();
    tell(look, release, modules, missing, findings);
    let faults = findings[before..].iter().any(|finding| !matches!(finding, EngineFinding::FewKernelOptions { .. }));
    if !faults && age.is_none() {
        findings.insert(before, EngineFinding::Kernel { release: release.to_owned() });
    }
}

fn missing(config: &KernelConfig, release: &str, modules: &Modules, uses: &Use) -> Missing {
    let settings = config.settings();
    let version = KernelVersion::read(release);
    let known = |wish: &&Wish| version.is_none_or(|version| wish.since <= version && version < wish.until);
    let mut missing = Missing::default();
    for wish in WISHES.iter().filter(known).filter(|wish| uses.wants(wish.role)) {
        let option = wish.options[0].to_owned();
        let set: Vec<_> = wish.options.iter().filter_map(|option| settings.get(option)).collect();
        let built_in = set.iter().any(|setting| **setting == Setting::BuiltIn);
        let on_disk = wish.modules.iter().find(|module| modules.has(module));
        match wish.role {
            _ if built_in => {}
            Role::Useful(purpose) if set.is_empty() || (on_disk.is_none() && !modules.are_gone()) => {
                missing.useful.push(Lack { option, purpose });
            }
            Role::Useful(_) => {}
            Role::LegacyTables if set.is_empty() => missing.legacy.push(option),
            _ if set.is_empty() => missing.options.push(option),
            _ => match on_disk {
                Some(module) if !modules.has_loaded(module) => _ = missing.idle.insert(module.to_string()),
                Some(_) => {}
                None => missing.modules.push(wish.modules.first().unwrap_or(&wish.options[0]).to_string()),
            },
        }
    }
    missing
}

fn tell(look: &Look, release: &str, modules: &Modules, missing: Missing, findings: &mut Vec<EngineFinding>) {
    let Missing { options, legacy, useful, modules: absent, idle } = missing;
    let release = release.to_owned();
    if !options.is_empty() {
        findings.push(EngineFinding::NoKernelOptions { options });
    }
    if !legacy.is_empty() {
        findings.push(EngineFinding::NoLegacyTables { options: legacy });
    }
    if !absent.is_empty() {
        findings.push(match modules.are_gone() {
            true => EngineFinding::KernelModulesGone { release },
            false => EngineFinding::NoKernelModules { release, modules: absent },
        });
    }
    for module in &idle {
        if let Some(file) = blocked_by(look, module) {
            findings.push(EngineFinding::ModuleBlocked { module: module.clone(), file });
        }
    }
    if modules.forbidden && !idle.is_empty() {
        findings.push(EngineFinding::ModulesForbidden { modules: idle.into_iter().collect() });
    }
    if !useful.is_empty() {
        findings.push(EngineFinding::FewKernelOptions { options: useful });
    }
}
