//! What is found on machines that an engine runs on, or does not.

use std::time::{Duration, Instant};

use dam_core::engine::host::{
    Boot, CgroupVersion, Distribution, EngineFinding, Installed, Installer, IptablesBackend, Lack, Level,
    PackageSource, Purpose, ThisMachine, Witness,
};
use dam_core::testing::Island;
use proptest::prelude::{ProptestConfig, any, prop};
use proptest::proptest;

/// Returns what is wrong with a machine.
fn wrong(island: &Island) -> Vec<EngineFinding> {
    island.findings().into_iter().filter(|finding| finding.level() > Level::Good).collect()
}

fn package(name: &str, version: &str, source: PackageSource) -> Installed {
    Installed { name: name.to_owned(), version: version.to_owned(), source }
}

fn lacks(purpose: Purpose, options: &[&str]) -> Vec<Lack> {
    options.iter().map(|option| Lack { option: option.to_string(), purpose }).collect()
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn storage(file_system: &str) -> EngineFinding {
    EngineFinding::Storage { path: "/var/lib/docker".into(), file_system: file_system.to_owned() }
}

#[test]
fn a_healthy_machine_has_nothing_wrong() {
    let engine = EngineFinding::Engine {
        package: Some(package("docker-ce", "5:26.1.5-1~debian.12~bookworm", PackageSource::Dpkg)),
        program: Some("/usr/bin/dockerd".into()),
    };
    let island = Island::new().with_engine().with_deb("docker-ce", "5:26.1.5-1~debian.12~bookworm");
    assert_eq!(
        island.findings(),
        [
            engine,
            EngineFinding::Kernel { release: "6.1.0-18-amd64".to_owned() },
            EngineFinding::Cgroups { version: CgroupVersion::V2 },
            EngineFinding::Firewall { backend: IptablesBackend::Nft },
            storage("ext4"),
        ]
    );
    assert_eq!(
        Distribution::of(&island.look()),
        Distribution {
            id: "debian".to_owned(),
            version: "12".to_owned(),
            name: "Debian GNU/Linux 12 (bookworm)".to_owned(),
            installer: Some(Installer::AptGet),
            boot: Some(Boot::UpdateGrub),
        }
    );
}

#[test]
fn a_machine_that_has_nothing_is_told_so() {
    let island = Island::bare();
    assert_eq!(
        island.findings(),
        [
            EngineFinding::NoEngine,
            EngineFinding::NoKernelConfig { release: String::new() },
            EngineFinding::NoSystemd { wsl: false },
            EngineFinding::NoIptables { nft: false, engine: None },
        ]
    );
    let nothing = Distribution::of(&island.look());
    assert_eq!((nothing.id.as_str(), nothing.installer, nothing.boot), ("linux", None, None));
}

/// CentOS 7 as its installer made it before 7.4.
fn centos_7() -> Island {
    Island::bare()
        .with_release("NAME=\"CentOS Linux\"\nVERSION_ID=\"7\"\nID=\"centos\"\nPRETTY_NAME=\"CentOS Linux 7 (Core)\"\n")
        .with_kernel("3.10.0-514.el7.x86_64")
        .without_kernel_option("CGROUP_PIDS")
        .without_kernel_option("IPVLAN")
        .without_kernel_option("CGROUP_BPF")
        .with_cgroups_v1("devices freezer memory cpu cpuset blkio")
        .with_folder("/run/systemd/system")
        .with_program("/usr/bin/yum")
        .with_program("/usr/sbin/grubby")
        .with_program("/usr/sbin/xtables-multi")
        .with_link("/usr/sbin/iptables", "xtables-multi")
        .with_mount("/", "xfs")
        .with_mount("/var", "xfs")
        .without_ftype()
        .with_folder("/var/lib")
}

#[test]
fn centos_7_wants_a_newer_kernel_and_another_file_system() {
    let island = centos_7();
    assert_eq!(
        island.findings(),
        [
            EngineFinding::NoEngine,
            EngineFinding::OldKernel { release: "3.10.0-514.el7.x86_64".to_owned(), wanted: "3.10.0-693".to_owned() },
            EngineFinding::Cgroups { version: CgroupVersion::V1 },
            EngineFinding::Firewall { backend: IptablesBackend::Legacy },
            EngineFinding::NoFileKinds {
                path: "/var/lib/docker".into(),
                file_system: "xfs".to_owned(),
                mount: "/var".into()
            },
        ]
    );
    let Distribution { installer, boot, .. } = Distribution::of(&island.look());
    assert_eq!((installer, boot), (Some(Installer::Yum), Some(Boot::Grubby)));
}

#[test]
fn amazon_linux_2_is_like_centos_7_with_a_newer_kernel() {
    let island = centos_7()
        .with_release("ID=\"amzn\"\nVERSION_ID=\"2\"\nID_LIKE=\"centos rhel fedora\"\n")
        .with_kernel("4.14.336-253.554.amzn2.x86_64")
        .without_kernel_option("CGROUP_BPF")
        .with_cgroups_v1("devices freezer memory cpu cpuset blkio pids")
        .with_mount("/var", "xfs")
        .with_ftype()
        .with_engine()
        .with_rpm("docker", "20.10.25");
    assert_eq!(wrong(&island), []);
    let docker = package("docker", "20.10.25", PackageSource::Rpm);
    let engine = EngineFinding::Engine { package: Some(docker), program: Some("/usr/bin/dockerd".into()) };
    assert_eq!(island.findings()[0], engine);
}

#[test]
fn a_small_debian_has_no_iptables() {
    let island = Island::new().without("/usr/sbin/iptables").without("/etc/alternatives/iptables");
    assert_eq!(wrong(&island), [EngineFinding::NoIptables { nft: false, engine: None }]);
    let island = island.with_program("/usr/sbin/nft").with_engine().with_deb("docker-ce", "5:29.0.1-1");
    assert_eq!(wrong(&island), [EngineFinding::NoIptables { nft: true, engine: Some(29) }]);
    // Who sets the firewall himself, or has the engine use nft, needs none.
    let island = island.with_file("/etc/docker/daemon.json", r#"{ "iptables": false }"#);
    assert_eq!(wrong(&island), []);
    let island = island.with_file("/etc/docker/daemon.json", r#"{ "firewall-backend": "nftables" }"#);
    assert_eq!(wrong(&island), []);
    let island = island.without("/usr/sbin/nft").with_file("/proc/sys/net/ipv4/ip_forward", "0\n");
    assert_eq!(wrong(&island), [EngineFinding::NoNft, EngineFinding::ForwardingOff]);
}

#[test]
fn ubuntu_16_04_counts_no_swap_and_misses_a_parser() {
    let island = Island::new()
        .with_release("ID=ubuntu\nVERSION_ID=\"16.04\"\nID_LIKE=debian\n")
        .with_kernel("4.4.0-210-generic")
        .with_cgroups_v1("devices freezer memory cpu cpuset blkio pids")
        .without("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")
        .with_file("/sys/module/apparmor/parameters/enabled", "Y\n");
    assert_eq!(wrong(&island), [EngineFinding::NoSwapLimit, EngineFinding::NoAppArmorParser]);
    let island = island.with_program("/sbin/apparmor_parser");
    assert_eq!(wrong(&island), [EngineFinding::NoSwapLimit]);
    assert!(island.findings().contains(&EngineFinding::AppArmor));
}

/// Fedora, which has no `/boot/config` where its files are on another partition.
fn fedora() -> Island {
    let island = Island::new()
        .with_release("ID=fedora\nVERSION_ID=43\nPRETTY_NAME=\"Fedora Linux 43 (Server Edition)\"\n")
        .with_kernel("6.17.1-300.fc43.x86_64")
        .without("/usr/bin/apt-get")
        .without("/usr/sbin/update-grub")
        .with_program("/usr/bin/dnf")
        .with_program("/usr/sbin/grubby")
        .with_file("/sys/fs/selinux/enforce", "1")
        .with_file("/etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n");
    let config = std::fs::read(island.root().join("boot/config-6.17.1-300.fc43.x86_64")).expect("its options");
    island.without("/boot").with_file("/lib/modules/6.17.1-300.fc43.x86_64/config", config)
}

#[test]
fn fedora_needs_the_policy_for_containers() {
    let contexts = "/etc/selinux/targeted/contexts/files/file_contexts";
    let bare = "/usr/bin/.*\tsystem_u:object_r:bin_t:s0\n";
    let island = fedora().with_file(contexts, bare);
    assert_eq!(wrong(&island), [EngineFinding::NoSelinuxPolicy { enforcing: true }]);
    let island = island.with_file("/sys/fs/selinux/enforce", "0");
    assert_eq!(wrong(&island), [EngineFinding::NoSelinuxPolicy { enforcing: false }]);

    let dockerd = "/usr/s?bin/docker.*\t--\tsystem_u:object_r:container_runtime_exec_t:s0\n";
    let labelled = fedora().with_file(contexts, format!("{bare}{dockerd}"));
    assert_eq!(wrong(&labelled), []);
    assert!(labelled.findings().contains(&EngineFinding::Selinux { enforcing: true }));
    // Red Hat and Fedora have the modules in different places.
    for folder in ["/var/lib/selinux", "/etc/selinux"] {
        let island = fedora().with_folder(&format!("{folder}/targeted/active/modules/200/container"));
        assert_eq!(wrong(&island), [], "{folder}");
        let island = fedora().with_folder(&format!("{folder}/targeted/active/modules/100/base"));
        assert_eq!(wrong(&island), [EngineFinding::NoSelinuxPolicy { enforcing: true }], "{folder}");
    }
    // Where nothing of the policy can be read, nothing is said of it.
    assert_eq!(wrong(&fedora()), []);
}

#[test]
fn rhel_10_has_no_legacy_tables_and_hides_a_module() {
    let release = "6.12.0-124.8.1.el10_1.x86_64";
    let gone = ["IP_NF_IPTABLES", "IP_NF_FILTER", "IP_NF_NAT", "IP_NF_RAW", "IP_NF_TARGET_MASQUERADE"];
    let island = gone
        .iter()
        .fold(Island::new().with_kernel(release), |island, option| island.without_kernel_option(option))
        .with_kernel_option("NETFILTER_XT_TARGET_MASQUERADE", 'm')
        .without_module("xt_addrtype")
        .without_module("br_netfilter");
    assert_eq!(
        wrong(&island),
        [
            EngineFinding::NoKernelModules { release: release.to_owned(), modules: texts(&["xt_addrtype"]) },
            EngineFinding::FewKernelOptions { options: lacks(Purpose::Firewall, &["BRIDGE_NETFILTER"]) },
        ]
    );
}

#[test]
fn opensuse_leap_has_a_kernel_without_modules() {
    let island = Island::new()
        .with_release("ID=\"opensuse-leap\"\nVERSION_ID=\"15.6\"\nID_LIKE=\"suse opensuse\"\n")
        .with_kernel("6.4.0-150600.21-default")
        .without("/usr/bin/apt-get")
        .without("/usr/sbin/update-grub")
        .with_program("/usr/bin/zypper")
        .with_program("/usr/sbin/grub2-mkconfig")
        .with_mount("/", "btrfs")
        .without_module("veth")
        .without_module("macvlan");
    assert_eq!(
        wrong(&island),
        [
            EngineFinding::NoKernelModules { release: "6.4.0-150600.21-default".to_owned(), modules: texts(&["veth"]) },
            EngineFinding::FewKernelOptions { options: lacks(Purpose::Networks, &["MACVLAN"]) },
        ]
    );
    let Distribution { installer, boot, .. } = Distribution::of(&island.look());
    assert_eq!((installer, boot), (Some(Installer::Zypper), Some(Boot::Grub2Mkconfig)));
    // What runs is there, wherever its file is.
    let island = island.with_file("/proc/modules", "veth 36864 0 - Live 0x0000000000000000\n");
    assert!(matches!(&wrong(&island)[..], [EngineFinding::FewKernelOptions { .. }]));
}

#[test]
fn windows_has_no_systemd_and_a_kernel_of_one_piece() {
    let island = Island::new()
        .with_kernel("5.15.153.1-microsoft-standard-WSL2")
        .with_own_config()
        .without("/run/systemd/system");
    assert_eq!(wrong(&island), [EngineFinding::NoSystemd { wsl: true }]);
}

#[test]
fn the_kernel_lacks_options() {
    let island = Island::new()
        .without_kernel_option("VETH")
        .without_kernel_option("OVERLAY_FS")
        .without_kernel_option("SECCOMP")
        .without_kernel_option("VXLAN");
    let useful = [lacks(Purpose::Security, &["SECCOMP"]), lacks(Purpose::Swarm, &["VXLAN"])].concat();
    assert_eq!(
        wrong(&island),
        [
            EngineFinding::NoKernelOptions { options: texts(&["OVERLAY_FS", "VETH"]) },
            EngineFinding::FewKernelOptions { options: useful }
        ]
    );
    let built_in = Island::new().with_kernel_option("VETH", 'y').without_module("veth");
    assert_eq!(wrong(&built_in), []);
}

#[test]
fn what_the_kernel_needs_depends_on_what_sets_the_firewall() {
    let legacy = ["IP_NF_IPTABLES", "IP_NF_FILTER", "IP_NF_NAT"];
    // A kernel without the legacy tables serves an iptables that needs none, and no other.
    let modern = legacy.iter().fold(Island::new(), |island, option| island.without_kernel_option(option));
    assert_eq!(wrong(&modern), []);
    let modern =
        modern.without("/etc/alternatives/iptables").with_link("/etc/alternatives/iptables", "xtables-legacy-multi");
    let modern = modern.with_program("/etc/alternatives/xtables-legacy-multi");
    assert_eq!(wrong(&modern), [EngineFinding::NoLegacyTables { options: texts(&legacy) }]);

    let nft = ["NF_TABLES", "NFT_COMPAT", "NFT_NAT"];
    let old = nft.iter().fold(Island::new(), |island, option| island.without_kernel_option(option));
    assert_eq!(wrong(&old), [EngineFinding::NoKernelOptions { options: texts(&nft) }]);
}

#[test]
fn names_of_options_changed_with_the_kernels() {
    let island = Island::new()
        .without_kernel_option("IP_NF_TARGET_MASQUERADE")
        .with_kernel_option("NETFILTER_XT_TARGET_MASQUERADE", 'm')
        .without_kernel_option("DEVPTS_MULTIPLE_INSTANCES");
    assert_eq!(wrong(&island), []);
    let island = Island::new().with_kernel("4.6.7-300.fc24.x86_64").without_kernel_option("DEVPTS_MULTIPLE_INSTANCES");
    let options = texts(&["DEVPTS_MULTIPLE_INSTANCES"]);
    assert_eq!(wrong(&island), [EngineFinding::NoKernelOptions { options }]);
}

#[test]
fn the_kernel_was_updated_and_the_machine_not_started_anew() {
    let island = Island::new().without("/lib/modules/6.1.0-18-amd64");
    assert_eq!(wrong(&island), [EngineFinding::KernelModulesGone { release: "6.1.0-18-amd64".to_owned() }]);
}

#[test]
fn an_admin_forbids_modules() {
    let island =
        Island::new().with_file("/etc/modprobe.d/CIS.conf", "install cramfs /bin/true\ninstall overlay /bin/false\n");
    let file = "/etc/modprobe.d/CIS.conf".to_owned();
    assert_eq!(wrong(&island), [EngineFinding::ModuleBlocked { module: "overlay".to_owned(), file }]);
    // It runs already.
    let island = island.with_file("/proc/modules", "overlay 196608 0 - Live 0x0000000000000000\n");
    assert_eq!(wrong(&island), []);

    let island = Island::new()
        .with_kernel_option("NF_NAT", 'y')
        .with_file("/proc/sys/kernel/modules_disabled", "1\n")
        .with_file("/proc/modules", "overlay 1 0 -\nbridge 1 0 -\nxt_addrtype 1 0 -\nxt_conntrack 1 0 -\nxt_MASQUERADE 1 0 -\nnf_tables 1 0 -\nnft_compat 1 0 -\nnft_chain_nat 1 0 -\n");
    assert_eq!(wrong(&island), [EngineFinding::ModulesForbidden { modules: texts(&["veth"]) }]);
}

#[test]
fn control_groups_are_told_apart() {
    let all = "devices freezer memory cpu cpuset blkio pids";
    let v1 = Island::new().with_cgroups_v1(all);
    assert_eq!(wrong(&v1), [EngineFinding::CgroupV1 { hybrid: false }]);
    let old = Island::new().with_cgroups_v1(all).with_engine().with_deb("docker-ce", "5:19.03.15~3-0~debian-buster");
    assert_eq!(wrong(&old), [], "that engine knows no version 2");
    let hybrid = v1.with_mount("/sys/fs/cgroup/unified", "cgroup2");
    assert_eq!(wrong(&hybrid), [EngineFinding::CgroupV1 { hybrid: true }]);
    assert_eq!(wrong(&Island::new().without_cgroups()), [EngineFinding::NoCgroups]);

    let no_devices =
        Island::new().with_cgroups_v1("freezer memory cpu cpuset blkio pids").without("/run/systemd/system");
    let missing = EngineFinding::NoControllers { version: CgroupVersion::V1, controllers: texts(&["devices"]) };
    assert_eq!(missing.level(), Level::Fault);
    assert_eq!(wrong(&no_devices), [missing, EngineFinding::NoSystemd { wsl: false }]);

    let raspberry =
        Island::new().with_cgroups_v2("cpuset cpu io pids").with_file("/boot/firmware/cmdline.txt", "quiet");
    let missing = EngineFinding::NoControllers { version: CgroupVersion::V2, controllers: texts(&["memory"]) };
    assert_eq!(missing.level(), Level::Warning);
    assert_eq!(wrong(&raspberry), [missing]);
    assert_eq!(Distribution::of(&raspberry.look()).boot, Some(Boot::FirmwareCmdline));
}

#[test]
fn rules_are_in_other_tables_than_iptables_writes_to() {
    let island = Island::new().with_file("/proc/net/ip_tables_names", "nat\nfilter\n");
    assert_eq!(wrong(&island), [EngineFinding::MixedFirewall { iptables: IptablesBackend::Nft }]);
    assert_eq!(wrong(&island.with_file("/proc/net/ip_tables_names", "")), []);

    let legacy = || {
        let island = Island::new().with_program("/usr/sbin/xtables-legacy-multi").without("/usr/sbin/iptables");
        island.with_link("/usr/sbin/iptables", "xtables-legacy-multi")
    };
    let island = legacy().with_file("/proc/modules", "nf_tables 372736 99 nft_compat,nft_chain_nat, Live 0x0\n");
    assert_eq!(wrong(&island), [EngineFinding::MixedFirewall { iptables: IptablesBackend::Legacy }]);
    let island = legacy().with_file("/proc/modules", "nf_tables 372736 0 - Live 0x0\n");
    assert_eq!(wrong(&island), []);
    let island = Island::new().with_file("/proc/sys/net/bridge/bridge-nf-call-iptables", "0\n");
    assert_eq!(wrong(&island), []);
    for wanted in [r#"{ "icc": false }"#, r#"{ "userland-proxy": false }"#] {
        let island = Island::new()
            .with_file("/proc/sys/net/bridge/bridge-nf-call-iptables", "0\n")
            .with_file("/etc/docker/daemon.json", wanted);
        assert_eq!(wrong(&island), [EngineFinding::BridgeNetfilterOff], "{wanted}");
    }
}

#[test]
fn layers_are_stacked_where_the_data_is() {
    let docker = || "/var/lib/docker".into();
    for file_system in ["overlay", "nfs4", "vfat", "fuse.sshfs", "9p"] {
        let island = Island::new().with_mount("/var/lib", file_system);
        let no_overlay = EngineFinding::NoOverlay { path: docker(), file_system: file_system.to_owned() };
        assert_eq!(wrong(&island), [no_overlay], "{file_system}");
    }
    for file_system in ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "f2fs"] {
        let island = Island::new().with_mount("/var/lib", file_system);
        assert_eq!(wrong(&island), [], "{file_system}");
        assert!(island.findings().contains(&storage(file_system)), "{file_system}");
    }
    // The settings say where the data is, and links lead away from there.
    let island = Island::new().with_mount("/data", "xfs").with_mount("/mnt/nas one", "nfs");
    let island = island.with_file("/etc/docker/daemon.json", r#"{ "data-root": "/data/docker" }"#);
    let on_data = EngineFinding::Storage { path: "/data/docker".into(), file_system: "xfs".to_owned() };
    assert_eq!(island.findings().last(), Some(&on_data));
    let island = island.with_link("/data/docker", "../mnt/nas one/docker");
    let on_nas = EngineFinding::NoOverlay { path: "/data/docker".into(), file_system: "nfs".to_owned() };
    assert_eq!(wrong(&island), [on_nas]);
}

#[test]
fn data_that_newer_engines_do_not_know() {
    let old = |driver: &str, gone, engine| {
        let driver = driver.to_owned();
        [EngineFinding::OldStorageDriver { path: "/var/lib/docker".into(), driver, gone, engine }]
    };
    let kept = || Island::new().with_folder("/var/lib/docker/image/devicemapper");
    assert_eq!(wrong(&kept()), old("devicemapper", 25, None));
    let before = kept().with_engine().with_deb("docker-ce", "5:24.0.9-1");
    assert_eq!(wrong(&before), old("devicemapper", 25, Some(24)));
    assert_eq!(before.findings().iter().map(EngineFinding::level).max(), Some(Level::Warning));
    let after = kept().with_engine().with_deb("docker-ce", "5:25.0.0-1");
    assert_eq!(after.findings().iter().map(EngineFinding::level).max(), Some(Level::Fault));
    assert_eq!(wrong(&kept().with_folder("/var/lib/docker/image/overlay2")), []);
    let named = Island::new().with_file("/etc/docker/daemon.json", r#"{ "storage-driver": "aufs" }"#);
    assert_eq!(wrong(&named), old("aufs", 24, None));
    assert_eq!(wrong(&kept().with_file("/etc/docker/daemon.json", r#"{ "storage-driver": "overlay2" }"#)), []);
}

#[test]
fn settings_that_keep_a_machine_from_its_swarm() {
    let settings = r#"{ "live-restore": true, "data-root": "/srv/docker" }"#;
    let island = Island::new().with_file("/etc/docker/daemon.json", settings);
    assert_eq!(wrong(&island), []);
    let island = island.with_file("/srv/docker/swarm/docker-state.json", "{}");
    let not_in_swarm =
        EngineFinding::NotInSwarm { path: "/etc/docker/daemon.json".into(), setting: "live-restore".to_owned() };
    assert_eq!(wrong(&island), [not_in_swarm]);
}

#[test]
fn packages_are_in_each_others_way() {
    let island = Island::new().with_engine().with_deb("docker-ce", "5:26.1.5-1").with_deb("podman-docker", "4.3.1");
    let island = island.with_folder("/snap/docker/2915").with_link("/snap/docker/current", "2915");
    let packages =
        vec![package("docker", "", PackageSource::Snap), package("podman-docker", "4.3.1", PackageSource::Dpkg)];
    assert_eq!(wrong(&island), [EngineFinding::ConflictingPackages { keep: Some("docker-ce".to_owned()), packages }]);

    let red = Island::new().with_rpm("podman-docker", "5.2.0");
    let packages = vec![package("podman-docker", "5.2.0", PackageSource::Rpm)];
    assert_eq!(wrong(&red), [EngineFinding::ConflictingPackages { keep: None, packages }]);

    // Debian's `docker` is a tray for windows, and what was removed is not there.
    let known = "Package: docker.io\nStatus: deinstall ok config-files\nVersion: 20.10\n\n";
    let island = Island::new().with_deb("docker", "1.5-2").with_more("/var/lib/dpkg/status", known);
    assert_eq!(island.findings()[0], EngineFinding::NoEngine);
    assert_eq!(wrong(&island), []);
}

#[test]
fn a_second_dockerd_is_told() {
    let island = Island::new().with_engine().with_program("/usr/local/bin/dockerd").with_link("/bin", "usr/bin");
    let programs = vec!["/usr/local/bin/dockerd".into(), "/usr/bin/dockerd".into()];
    assert_eq!(wrong(&island), [EngineFinding::SeveralEngines { programs }]);
}

#[test]
fn settings_that_dockerd_refuses() {
    let settings = |text: &str| Island::new().with_engine().with_file("/etc/docker/daemon.json", text);
    let damaged = |reason: &str| {
        [EngineFinding::SettingsDamaged { path: "/etc/docker/daemon.json".into(), reason: reason.to_owned() }]
    };
    assert_eq!(wrong(&settings("{ \"debug\": true,\n}\n")), damaged("trailing comma at line 2 column 1"));
    assert_eq!(wrong(&settings("[]")), damaged("it is no JSON object"));
    assert_eq!(wrong(&settings(" \n")), []);

    let hosts = r#"{ "hosts": ["tcp://0.0.0.0:2375"] }"#;
    let twice = |unit: &str| [EngineFinding::HostsTwice { path: "/etc/docker/daemon.json".into(), unit: unit.into() }];
    assert_eq!(wrong(&settings(hosts)), twice("/usr/lib/systemd/system/docker.service"));
    let folder = "/etc/systemd/system/docker.service.d";
    let without = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd\n";
    assert_eq!(wrong(&settings(hosts).with_file(&format!("{folder}/10-hosts.conf"), without)), []);
    let with = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd \\\n  --host=fd://\n";
    let island = settings(hosts).with_file(&format!("{folder}/10-hosts.conf"), without);
    let island = island.with_file(&format!("{folder}/20-more.conf"), with);
    assert_eq!(wrong(&island), twice(&format!("{folder}/20-more.conf")));
}

#[test]
fn the_sockets_group_is_missing() {
    let island = Island::new().with_engine().with_file("/etc/group", "root:x:0:\ndockerx:x:1:\n");
    assert_eq!(wrong(&island), [EngineFinding::NoDockerGroup]);
    assert_eq!(wrong(&island.with_more("/etc/group", "docker:x:998:\n")), []);
    let elsewhere =
        Island::new().with_engine().with_file("/etc/group", "root:x:0:\n").with_file("/run/docker.sock", "");
    assert_eq!(wrong(&elsewhere), []);
}

#[test]
fn a_link_that_leads_in_a_circle_or_out_of_the_tree_leads_nowhere() {
    let island = Island::new()
        .with_link("/etc/docker", "/etc/docker")
        .with_link("/usr/sbin/nft", "../../../../../../../../proc/self/exe")
        .with_folder("/var/lib/dpkg")
        .with_link("/var/lib/dpkg/status", "/var/lib/dpkg");
    assert_eq!(wrong(&island), []);
    let island = island.without("/usr/sbin/iptables");
    assert_eq!(wrong(&island), [EngineFinding::NoIptables { nft: false, engine: None }]);
}

#[test]
fn the_kernel_says_which_file_systems_keep_kinds() {
    let folder = tempfile::tempdir().expect("a temp folder");
    assert_eq!(ThisMachine.keeps_kinds(folder.path()), None);
    std::fs::write(folder.path().join("file"), "").expect("a file");
    assert_eq!(ThisMachine.keeps_kinds(folder.path()), Some(true));
    assert_eq!(ThisMachine.keeps_kinds(&folder.path().join("file")), None);
}

#[test]
fn huge_files_cost_little() {
    let island = Island::new().with_engine();
    let zeros = vec![0; 3 << 20];
    for file in FILES {
        std::fs::create_dir_all(island.root().join(file).parent().expect("a folder")).expect("a folder");
        let place = island.root().join(file);
        std::fs::remove_file(&place).ok();
        std::fs::write(place, &zeros).expect("a file");
    }
    let huge = std::fs::File::create(island.root().join("etc/group")).expect("a file");
    huge.set_len(1 << 40).expect("a hole");
    let begin = Instant::now();
    let _ = island.findings();
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

/// All files that are read.
const FILES: [&str; 24] = [
    "etc/docker/daemon.json",
    "etc/group",
    "etc/modprobe.d/a.conf",
    "etc/os-release",
    "etc/selinux/config",
    "etc/selinux/targeted/contexts/files/file_contexts",
    "etc/systemd/system/docker.service",
    "etc/systemd/system/docker.service.d/a.conf",
    "etc/systemd/system/docker.socket",
    "boot/config-6.1.0-18-amd64",
    "lib/modules/6.1.0-18-amd64/modules.dep",
    "proc/config.gz",
    "proc/modules",
    "proc/net/ip_tables_names",
    "proc/self/mountinfo",
    "proc/sys/kernel/modules_disabled",
    "proc/sys/kernel/osrelease",
    "proc/sys/net/bridge/bridge-nf-call-iptables",
    "proc/sys/net/ipv4/ip_forward",
    "sys/fs/cgroup/cgroup.controllers",
    "sys/fs/selinux/enforce",
    "sys/kernel/security/lsm",
    "sys/module/apparmor/parameters/enabled",
    "var/lib/dpkg/status",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn garbage_in_a_file_is_no_panic(file in prop::sample::select(&FILES[..]), garbage in prop::collection::vec(any::<u8>(), 0..400)) {
        let island = Island::new().with_engine().with_file(&format!("/{file}"), garbage);
        let _ = island.findings();
        let _ = Distribution::of(&island.look());
    }

    #[test]
    fn a_changed_byte_in_a_file_is_no_panic(file in prop::sample::select(&FILES[..]), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let island = Island::new().with_engine().with_deb("docker-ce", "5:26.1.5");
        let path = island.root().join(file);
        if let Ok(mut bytes) = std::fs::read(&path) && !bytes.is_empty() {
            let place = place.index(bytes.len());
            bytes[place] = byte;
            std::fs::write(path, bytes).expect("a file");
        }
        let _ = island.findings();
    }
}
