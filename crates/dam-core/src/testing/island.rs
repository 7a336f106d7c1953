//! A made-up machine: the files by which `dam doctor` knows one.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use crate::engine::host::{EngineFinding, Installed, Look, PackageSource, Witness, examine};

/// The options of a distribution's kernel that are modules, and the modules.
const MODULES: [(&str, &str); 24] = [
    ("OVERLAY_FS", "overlay"),
    ("VETH", "veth"),
    ("BRIDGE", "bridge"),
    ("NF_NAT", "nf_nat"),
    ("NETFILTER_XT_MATCH_ADDRTYPE", "xt_addrtype"),
    ("NETFILTER_XT_MATCH_CONNTRACK", "xt_conntrack"),
    ("IP_NF_TARGET_MASQUERADE", "xt_MASQUERADE"),
    ("IP_NF_IPTABLES", "ip_tables"),
    ("IP_NF_FILTER", "iptable_filter"),
    ("IP_NF_NAT", "iptable_nat"),
    ("IP_NF_RAW", "iptable_raw"),
    ("IP6_NF_FILTER", "ip6table_filter"),
    ("IP6_NF_NAT", "ip6table_nat"),
    ("NF_TABLES", "nf_tables"),
    ("NFT_COMPAT", "nft_compat"),
    ("NFT_NAT", "nft_chain_nat"),
    ("NFT_CT", "nft_ct"),
    ("BRIDGE_NETFILTER", "br_netfilter"),
    ("VXLAN", "vxlan"),
    ("IP_VS", "ip_vs"),
    ("NETFILTER_XT_MATCH_IPVS", "xt_ipvs"),
    ("NETFILTER_XT_MARK", "xt_mark"),
    ("IPVLAN", "ipvlan"),
    ("MACVLAN", "macvlan"),
];

/// Those that are part of it.
const BUILT_IN: [&str; 26] = [
    "NAMESPACES",
    "NET_NS",
    "PID_NS",
    "IPC_NS",
    "UTS_NS",
    "USER_NS",
    "CGROUPS",
    "POSIX_MQUEUE",
    "DEVPTS_MULTIPLE_INSTANCES",
    "CGROUP_DEVICE",
    "CGROUP_FREEZER",
    "CGROUP_BPF",
    "SECCOMP",
    "SECCOMP_FILTER",
    "KEYS",
    "MEMCG",
    "CPUSETS",
    "CGROUP_CPUACCT",
    "CGROUP_SCHED",
    "CFS_BANDWIDTH",
    "CGROUP_PIDS",
    "BLK_CGROUP",
    "BLK_DEV_THROTTLING",
    "NFT_FIB_IPV4",
    "NFT_MASQ",
    "MODULES",
];

/// A machine under construction, in a folder that is thrown away.
pub struct Island {
    folder: TempDir,
    release: String,
    /// Options with their settings, and modules.
    options: Vec<(String, char)>,
    modules: Vec<String>,
    mounts: Vec<String>,
    keeps_kinds: Option<bool>,
    rpm: Vec<Installed>,
}

impl Island {
    /// A machine that has nothing.
    pub fn bare() -> Self {
        Self {
            folder: TempDir::with_prefix("dam-island-").expect("a temp folder"),
            release: String::new(),
            options: Vec::new(),
            modules: Vec::new(),
            mounts: Vec::new(),
            keeps_kinds: Some(true),
            rpm: Vec::new(),
        }
    }

    /// A healthy machine of today: systemd, control groups of version 2, iptables over nf_tables, ext4.
    pub fn new() -> Self {
        Self::bare()
            .with_release("ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n")
            .with_kernel("6.1.0-18-amd64")
            .with_cgroups_v2("cpuset cpu io memory hugetlb pids rdma misc")
            .with_mount("/", "ext4")
            .with_folder("/run/systemd/system")
            .with_program("/usr/bin/apt-get")
            .with_program("/usr/sbin/update-grub")
            .with_program("/usr/sbin/xtables-nft-multi")
            .with_link("/etc/alternatives/iptables", "/usr/sbin/xtables-nft-multi")
            .with_link("/usr/sbin/iptables", "/etc/alternatives/iptables")
    }

    /// Writes a file, or writes it anew.
    pub fn with_file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let place = self.place(path);
        fs::create_dir_all(place.parent().expect("it is in the folder")).expect("a folder");
        fs::write(&place, content).unwrap_or_else(|fault| panic!("{}: {fault}", place.display()));
        self
    }

    /// Adds to a file.
    pub fn with_more(self, path: &str, text: &str) -> Self {
        let known = fs::read_to_string(self.place(path)).unwrap_or_default();
        self.with_file(path, known + text)
    }

    /// Makes a folder.
    pub fn with_folder(self, path: &str) -> Self {
        fs::create_dir_all(self.place(path)).expect("a folder");
        self
    }

    /// Makes a symbolic link.
    pub fn with_link(self, path: &str, target: &str) -> Self {
        let place = self.place(path);
        fs::create_dir_all(place.parent().expect("it is in the folder")).expect("a folder");
        symlink(target, place).expect("a link");
        self
    }

    /// Puts a program somewhere.
    pub fn with_program(self, path: &str) -> Self {
        self.with_file(path, "#!/bin/false\n")
    }

    /// Takes a file, a link or a folder away.
    pub fn without(self, path: &str) -> Self {
        let place = self.place(path);
        match place.is_dir() && !place.is_symlink() {
            true => fs::remove_dir_all(place).expect("a folder"),
            false => fs::remove_file(place).expect("a file"),
        }
        self
    }

    /// Says which distribution it is, as `os-release` does.
    pub fn with_release(self, text: &str) -> Self {
        self.with_file("/etc/os-release", text)
    }

    /// Gives it a distribution's kernel, with all its modules.
    pub fn with_kernel(mut self, release: &str) -> Self {
        self.release = release.to_owned();
        self.options = BUILT_IN.iter().map(|option| (option.to_string(), 'y')).collect();
        self.options.extend(MODULES.iter().map(|(option, _)| (option.to_string(), 'm')));
        self.modules = MODULES.iter().map(|(_, module)| module.to_string()).collect();
        let path = "/proc/sys/kernel/osrelease";
        self.with_file(path, format!("{release}\n")).write_kernel()
    }

    /// Sets an option of the kernel to `y` or `m`.
    pub fn with_kernel_option(mut self, option: &str, setting: char) -> Self {
        self.options.retain(|(known, _)| known != option);
        self.options.push((option.to_owned(), setting));
        self.write_kernel()
    }

    /// Leaves an option out of the kernel.
    pub fn without_kernel_option(mut self, option: &str) -> Self {
        self.options.retain(|(known, _)| known != option);
        self.write_kernel()
    }

    /// Takes a module off the disk.
    pub fn without_module(mut self, module: &str) -> Self {
        self.modules.retain(|known| known != module);
        self.write_kernel()
    }

    fn write_kernel(self) -> Self {
        let config: String =
            self.options.iter().map(|(option, setting)| format!("CONFIG_{option}={setting}\n")).collect();
        let modules: String = self.modules.iter().map(|module| format!("kernel/net/{module}.ko.xz:\n")).collect();
        let (boot, folder) = (format!("/boot/config-{}", self.release), format!("/lib/modules/{}", self.release));
        let config = format!("#\n# Linux/x86 Kernel Configuration\n#\n{config}# CONFIG_RT is not set\n");
        self.with_file(&boot, config).with_file(&format!("{folder}/modules.dep"), modules)
    }

    /// Lets the kernel tell its options itself, in place of its package.
    pub fn with_own_config(self) -> Self {
        let boot = format!("/boot/config-{}", self.release);
        let text = fs::read(self.place(&boot)).expect("it has a kernel");
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&text).expect("memory");
        let packed = packed.finish().expect("memory");
        self.with_file("/proc/config.gz", packed).without(&boot)
    }

    /// Mounts a file system, over what was mounted there.
    pub fn with_mount(self, point: &str, file_system: &str) -> Self {
        self.with_mount_options(point, file_system, "rw")
    }

    fn with_mount_options(mut self, point: &str, file_system: &str, options: &str) -> Self {
        let number = self.mounts.len() + 20;
        let place = point.replace(' ', "\\040");
        self.mounts.push(format!("{number} 1 0:{number} / {place} rw - {file_system} none {options}\n"));
        let text = self.mounts.concat();
        self.with_file("/proc/self/mountinfo", text)
    }

    /// Gives it control groups of version 2 with these controllers.
    pub fn with_cgroups_v2(self, controllers: &str) -> Self {
        let known = self.with_mount("/sys/fs/cgroup", "cgroup2");
        known.with_file("/sys/fs/cgroup/cgroup.controllers", format!("{controllers}\n"))
    }

    /// Gives it control groups of version 1 with these controllers, in place of others.
    pub fn with_cgroups_v1(mut self, controllers: &str) -> Self {
        self.mounts.retain(|mount| !mount.contains("cgroup"));
        let v1 = |island: Self, name: &str| {
            island.with_mount_options(&format!("/sys/fs/cgroup/{name}"), "cgroup", &format!("rw,{name}"))
        };
        let folder = "/sys/fs/cgroup/memory/memory";
        let counted = self
            .with_file(&format!("{folder}.limit_in_bytes"), "9223372036854771712\n")
            .with_file(&format!("{folder}.memsw.limit_in_bytes"), "9223372036854771712\n");
        controllers.split(' ').fold(counted, v1)
    }

    /// Takes all control groups away.
    pub fn without_cgroups(mut self) -> Self {
        self.mounts.retain(|mount| !mount.contains("cgroup"));
        let text = self.mounts.concat();
        self.with_file("/proc/self/mountinfo", text)
    }

    /// Lets the file system of the engine's data keep no kinds of files in folders, as an XFS without `ftype`.
    pub fn without_ftype(mut self) -> Self {
        self.keeps_kinds = Some(false);
        self
    }

    /// Lets it keep them, as others do.
    pub fn with_ftype(mut self) -> Self {
        self.keeps_kinds = Some(true);
        self
    }

    /// Notes a package in dpkg's list.
    pub fn with_deb(self, name: &str, version: &str) -> Self {
        let (status, file) = ("install ok installed", "/var/lib/dpkg/status");
        let stanza =
            format!("Package: {name}\nStatus: {status}\nSection: admin\nVersion: {version}\nDescription: it\n\n");
        self.with_more(file, &stanza)
    }

    /// Notes a package in rpm's list.
    pub fn with_rpm(mut self, name: &str, version: &str) -> Self {
        self.rpm.push(Installed { name: name.to_owned(), version: version.to_owned(), source: PackageSource::Rpm });
        self.with_folder("/var/lib/rpm")
    }

    /// Installs an engine as a package does: the program, the units, the group.
    pub fn with_engine(self) -> Self {
        self.with_program("/usr/bin/dockerd")
            .with_file("/usr/lib/systemd/system/docker.service", "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n")
            .with_file("/usr/lib/systemd/system/docker.socket", "[Socket]\nSocketGroup=docker\n")
            .with_file("/etc/group", "root:x:0:\ndocker:x:998:\n")
    }

    /// Returns the folder with its files.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    fn place(&self, path: &str) -> PathBuf {
        self.root().join(path.strip_prefix('/').expect("an absolute path"))
    }

    /// Returns what there is to look at.
    pub fn look(&self) -> Look<'_> {
        Look { root: self.root(), path: &[], witness: self }
    }

    /// Examines it.
    pub fn findings(&self) -> Vec<EngineFinding> {
        examine(&self.look(), None)
    }
}

impl Default for Island {
    fn default() -> Self {
        Self::new()
    }
}

impl Witness for Island {
    fn keeps_kinds(&self, _folder: &Path) -> Option<bool> {
        self.keeps_kinds
    }

    fn of_rpm(&self, names: &[&str]) -> Vec<Installed> {
        self.rpm.iter().filter(|package| names.contains(&package.name.as_str())).cloned().collect()
    }
}
