//! What can be found on a machine that has an engine, or should.

use std::path::PathBuf;

use serde::Serialize;

use super::{CgroupVersion, Installed, IptablesBackend, Purpose};

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

/// A useful option that the kernel lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Lack {
    /// The option, without `CONFIG_`.
    pub option: String,
    /// What would work with it.
    pub purpose: Purpose,
}

/// One thing about the machine that matters to an engine. `docs/engine-doctor.md` tells of each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(tag = "finding", rename_all = "kebab-case")]
pub enum EngineFinding {
    /// No engine is installed.
    NoEngine,
    /// An engine is installed.
    Engine {
        /// The package it came in, if it is a known one.
        package: Option<Installed>,
        /// `dockerd`, if it is where programs are.
        program: Option<PathBuf>,
    },
    /// There are several `dockerd`; the first one is what a shell starts.
    SeveralEngines {
        /// All of them, in the order of the search.
        programs: Vec<PathBuf>,
    },
    /// Packages are in each other's way.
    ConflictingPackages {
        /// The engine's package to keep, if there is one.
        keep: Option<String>,
        /// The others.
        packages: Vec<Installed>,
    },
    /// The kernel has all that an engine needs.
    Kernel {
        /// Its release, such as `6.1.0-18-amd64`.
        release: String,
    },
    /// The kernel is too old.
    OldKernel {
        /// Its release.
        release: String,
        /// The oldest release with which containers run well.
        wanted: String,
    },
    /// What the kernel was built with cannot be found.
    NoKernelConfig {
        /// Its release.
        release: String,
    },
    /// The kernel lacks options without which no container runs.
    NoKernelOptions {
        /// The options, without `CONFIG_`.
        options: Vec<String>,
    },
    /// The kernel lacks options that something else needs.
    FewKernelOptions {
        /// The options.
        options: Vec<Lack>,
    },
    /// `iptables` is the legacy one, for which the kernel lacks the tables.
    NoLegacyTables {
        /// The options, without `CONFIG_`.
        options: Vec<String>,
    },
    /// Modules that belong to the kernel are not on the disk.
    NoKernelModules {
        /// The kernel's release.
        release: String,
        /// The modules.
        modules: Vec<String>,
    },
    /// The folder with the modules of the running kernel is gone.
    KernelModulesGone {
        /// The kernel's release.
        release: String,
    },
    /// Modules are needed, and the machine forbids to load any more.
    ModulesForbidden {
        /// The modules.
        modules: Vec<String>,
    },
    /// The admin keeps a module from being loaded.
    ModuleBlocked {
        /// The module.
        module: String,
        /// The file that says so.
        file: String,
    },
    /// Control groups are there.
    Cgroups {
        /// Their version.
        version: CgroupVersion,
    },
    /// There are no control groups.
    NoCgroups,
    /// Control groups are of version 1, on a machine that could have version 2.
    CgroupV1 {
        /// Whether version 2 is there too, for systemd.
        hybrid: bool,
    },
    /// Controllers are missing.
    NoControllers {
        /// The version of the control groups.
        version: CgroupVersion,
        /// The controllers.
        controllers: Vec<String>,
    },
    /// Swap cannot be limited.
    NoSwapLimit,
    /// systemd does not run.
    NoSystemd {
        /// Whether this is Windows Subsystem for Linux.
        wsl: bool,
    },
    /// The firewall can be set.
    Firewall {
        /// What it is set with.
        backend: IptablesBackend,
    },
    /// `iptables` is missing.
    NoIptables {
        /// Whether `nft` is there.
        nft: bool,
        /// The engine's major version, if it is known; from 29 on it can do with `nft`.
        engine: Option<u32>,
    },
    /// The settings want the backend nftables, and `nft` is missing.
    NoNft,
    /// `iptables` writes to other tables than those in which rules are.
    MixedFirewall {
        /// Where `iptables` writes to.
        iptables: IptablesBackend,
    },
    /// Nothing is forwarded, and the engine's backend nftables does not turn that on.
    ForwardingOff,
    /// Rules of the firewall do not see what passes a bridge, as settings of the engine want them to.
    BridgeNetfilterOff,
    /// SELinux is on, and knows containers.
    Selinux {
        /// Whether it forbids, or only tells.
        enforcing: bool,
    },
    /// SELinux is on, but knows no containers.
    NoSelinuxPolicy {
        /// Whether it forbids, or only tells.
        enforcing: bool,
    },
    /// AppArmor is on and complete.
    #[serde(rename = "apparmor")]
    AppArmor,
    /// AppArmor is on, but its parser is missing.
    #[serde(rename = "no-apparmor-parser")]
    NoAppArmorParser,
    /// Layers can be stacked where the engine has its data.
    Storage {
        /// The engine's data folder.
        path: PathBuf,
        /// The type of its file system.
        file_system: String,
    },
    /// Layers cannot be stacked on that file system.
    NoOverlay {
        /// The engine's data folder.
        path: PathBuf,
        /// The type of its file system.
        file_system: String,
    },
    /// The data folder is on a file system that does not keep the kinds of files in folders: an XFS that was made without
    /// `ftype`.
    NoFileKinds {
        /// The engine's data folder.
        path: PathBuf,
        /// The type of its file system.
        file_system: String,
        /// Where the file system is mounted.
        mount: PathBuf,
    },
    /// The engine's data is kept in a way that newer engines do not know.
    OldStorageDriver {
        /// The engine's data folder.
        path: PathBuf,
        /// The storage driver.
        driver: String,
        /// The first major version without it.
        gone: u32,
        /// The engine's major version, if it is known.
        engine: Option<u32>,
    },
    /// The group to which the engine's socket belongs is missing.
    NoDockerGroup,
    /// The engine's settings are no JSON object.
    SettingsDamaged {
        /// Their file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The machine is in a swarm, and a setting keeps it from that.
    NotInSwarm {
        /// The file of the settings.
        path: PathBuf,
        /// The setting.
        setting: String,
    },
    /// The settings and the unit both say where the engine listens.
    HostsTwice {
        /// The file of the settings.
        path: PathBuf,
        /// The file of the unit.
        unit: PathBuf,
    },
}

impl EngineFinding {
    /// Tells how bad it is.
    pub fn level(&self) -> Level {
        match self {
            Self::NoEngine
            | Self::Engine { .. }
            | Self::Kernel { .. }
            | Self::Cgroups { .. }
            | Self::Firewall { .. }
            | Self::Selinux { .. }
            | Self::AppArmor
            | Self::Storage { .. } => Level::Good,
            // Without it dockerd does not start; without others, limits do nothing.
            Self::NoControllers { version: CgroupVersion::V1 | CgroupVersion::Hybrid, controllers }
                if controllers.iter().any(|controller| controller == "devices") =>
            {
                Level::Fault
            }
            Self::OldStorageDriver { gone, engine: Some(engine), .. } if engine >= gone => Level::Fault,
            Self::OldStorageDriver { .. }
            | Self::SeveralEngines { .. }
            | Self::NoKernelConfig { .. }
            | Self::FewKernelOptions { .. }
            | Self::CgroupV1 { .. }
            | Self::NoControllers { .. }
            | Self::NoSwapLimit
            | Self::NoSystemd { .. }
            | Self::MixedFirewall { .. }
            | Self::BridgeNetfilterOff
            | Self::NoSelinuxPolicy { .. }
            | Self::NoAppArmorParser => Level::Warning,
            Self::ConflictingPackages { .. }
            | Self::OldKernel { .. }
            | Self::NoKernelOptions { .. }
            | Self::NoLegacyTables { .. }
            | Self::NoKernelModules { .. }
            | Self::KernelModulesGone { .. }
            | Self::ModulesForbidden { .. }
            | Self::ModuleBlocked { .. }
            | Self::NoCgroups
            | Self::NoIptables { .. }
            | Self::NoNft
            | Self::ForwardingOff
            | Self::NoOverlay { .. }
            | Self::NoFileKinds { .. }
            | Self::NoDockerGroup
            | Self::SettingsDamaged { .. }
            | Self::NotInSwarm { .. }
            | Self::HostsTwice { .. } => Level::Fault,
        }
    }
}
