//! One of every finding, for tests of what is said about them.

use super::{CgroupVersion, EngineFinding, Installed, IptablesBackend, Lack, PackageSource, Purpose};

/// Returns one of every finding, in the order in which they are declared.
pub fn examples() -> Vec<EngineFinding> {
    let package = |name: &str, source| Installed { name: name.to_owned(), version: "24.0.7".to_owned(), source };
    let release = || "6.1.0-18-amd64".to_owned();
    vec![
        EngineFinding::NoEngine,
        EngineFinding::Engine {
            package: Some(package("docker-ce", PackageSource::Dpkg)),
            program: Some("/usr/bin/dockerd".into()),
        },
        EngineFinding::SeveralEngines { programs: vec!["/usr/local/bin/dockerd".into(), "/usr/bin/dockerd".into()] },
        EngineFinding::ConflictingPackages {
            keep: Some("docker-ce".to_owned()),
            packages: vec![package("podman-docker", PackageSource::Dpkg), package("docker", PackageSource::Snap)],
        },
        EngineFinding::Kernel { release: release() },
        EngineFinding::OldKernel { release: "3.10.0-514.el7.x86_64".to_owned(), wanted: "3.10.0-693".to_owned() },
        EngineFinding::NoKernelConfig { release: release() },
        EngineFinding::NoKernelOptions { options: vec!["VETH".to_owned(), "BRIDGE".to_owned()] },
        EngineFinding::FewKernelOptions {
            options: vec![
                Lack { option: "SECCOMP".to_owned(), purpose: Purpose::Security },
                Lack { option: "CFS_BANDWIDTH".to_owned(), purpose: Purpose::Limits },
                Lack { option: "VXLAN".to_owned(), purpose: Purpose::Swarm },
                Lack { option: "IP_VS".to_owned(), purpose: Purpose::Swarm },
            ],
        },
        EngineFinding::NoLegacyTables { options: vec!["IP_NF_IPTABLES".to_owned()] },
        EngineFinding::NoKernelModules { release: release(), modules: vec!["veth".to_owned()] },
        EngineFinding::KernelModulesGone { release: release() },
        EngineFinding::ModulesForbidden { modules: vec!["overlay".to_owned(), "veth".to_owned()] },
        EngineFinding::ModuleBlocked { module: "overlay".to_owned(), file: "/etc/modprobe.d/CIS.conf".to_owned() },
        EngineFinding::Cgroups { version: CgroupVersion::V2 },
        EngineFinding::NoCgroups,
        EngineFinding::CgroupV1 { hybrid: true },
        EngineFinding::NoControllers { version: CgroupVersion::V2, controllers: vec!["memory".to_owned()] },
        EngineFinding::NoSwapLimit,
        EngineFinding::NoSystemd { wsl: true },
        EngineFinding::Firewall { backend: IptablesBackend::Nft },
        EngineFinding::NoIptables { nft: true, engine: Some(29) },
        EngineFinding::NoNft,
        EngineFinding::MixedFirewall { iptables: IptablesBackend::Legacy },
        EngineFinding::ForwardingOff,
        EngineFinding::BridgeNetfilterOff,
        EngineFinding::Selinux { enforcing: true },
        EngineFinding::NoSelinuxPolicy { enforcing: true },
        EngineFinding::AppArmor,
        EngineFinding::NoAppArmorParser,
        EngineFinding::Storage { path: "/var/lib/docker".into(), file_system: "ext4".to_owned() },
        EngineFinding::NoOverlay { path: "/var/lib/docker".into(), file_system: "nfs4".to_owned() },
        EngineFinding::NoFileKinds {
            path: "/var/lib/docker".into(),
            file_system: "xfs".to_owned(),
            mount: "/var".into(),
        },
        EngineFinding::OldStorageDriver {
            path: "/var/lib/docker".into(),
            driver: "devicemapper".to_owned(),
            gone: 25,
            engine: Some(26),
        },
        EngineFinding::NoDockerGroup,
        EngineFinding::SettingsDamaged {
            path: "/etc/docker/daemon.json".into(),
            reason: "trailing comma at line 3 column 1".to_owned(),
        },
        EngineFinding::NotInSwarm { path: "/etc/docker/daemon.json".into(), setting: "live-restore".to_owned() },
        EngineFinding::HostsTwice {
            path: "/etc/docker/daemon.json".into(),
            unit: "/usr/lib/systemd/system/docker.service".into(),
        },
    ]
}
