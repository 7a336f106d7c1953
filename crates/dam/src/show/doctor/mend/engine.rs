//! Which commands make a machine fit for an engine.

use std::path::PathBuf;

use dam_core::engine::host::{
    CgroupVersion, Distribution, EngineFinding, Installed, Installer, IptablesBackend, Level, PackageSource,
};

use super::machine::{boot_option, install, kernel, kernel_modules, nft_tables, remove};
use super::quoted;
use crate::invocation::quote;

/// Returns the commands that mend it on this distribution.
pub(super) fn remedies(finding: &EngineFinding, on: &Distribution) -> Vec<String> {
    let one = |line: &str| vec![line.to_owned()];
    match finding {
        _ if finding.level() == Level::Good => vec![],
        EngineFinding::SeveralEngines { programs } => put_aside(programs),
        EngineFinding::ConflictingPackages { packages, .. } => take_away(on, packages),
        EngineFinding::OldKernel { .. }
        | EngineFinding::NoKernelOptions { .. }
        | EngineFinding::FewKernelOptions { .. } => kernel(on),
        EngineFinding::NoKernelConfig { release } if release.is_empty() => one("sudo mount -t proc proc /proc"),
        EngineFinding::NoKernelConfig { .. } => one("sudo modprobe configs      # where the kernel has that"),
        EngineFinding::NoLegacyTables { .. } | EngineFinding::MixedFirewall { iptables: IptablesBackend::Legacy } => {
            nft_tables(on)
        }
        EngineFinding::MixedFirewall { iptables: IptablesBackend::Nft } => {
            one("sudo iptables-legacy-save      # shows them; who set them, is to use nf_tables")
        }
        EngineFinding::NoKernelModules { release, .. } => kernel_modules(on, release),
        EngineFinding::KernelModulesGone { .. } => one("sudo reboot"),
        EngineFinding::ModulesForbidden { modules } => {
            let modules: Vec<_> = modules.iter().map(|module| quote(module)).collect();
            let list = format!("printf '%s\\n' {} | sudo tee /etc/modules-load.d/docker.conf", modules.join(" "));
            vec![list, "sudo reboot".to_owned()]
        }
        EngineFinding::ModuleBlocked { module, file } => {
            let name = module.replace('_', "[-_]");
            let line = format!("^[[:space:]]*\\(install\\|blacklist\\)[[:space:]]*{name}\\>");
            let comment = format!("sudo sed -i '/{line}/s/^/#/' {}", quote(file));
            vec![comment, format!("sudo modprobe {module}")]
        }
        EngineFinding::NoCgroups => one("sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup"),
        EngineFinding::CgroupV1 { .. } => boot_option(on, "systemd.unified_cgroup_hierarchy=1"),
        EngineFinding::NoControllers { version, controllers } => controllers_back(on, *version, controllers),
        EngineFinding::NoSwapLimit => boot_option(on, "swapaccount=1"),
        EngineFinding::NoSystemd { wsl: true } => {
            vec![
                "printf '[boot]\\nsystemd=true\\n' | sudo tee -a /etc/wsl.conf".to_owned(),
                "wsl.exe --shutdown      # then open it again".to_owned(),
            ]
        }
        EngineFinding::NoSystemd { wsl: false } => {
            one("sudo sh -c 'dockerd >/var/log/docker.log 2>&1 &'      # until this machine's own init does it")
        }
        EngineFinding::NoIptables { nft, engine } => iptables(on, *nft, *engine),
        EngineFinding::NoNft => vec![install(on, "nftables")],
        EngineFinding::ForwardingOff => kernel_setting("net.ipv4.ip_forward=1", "/etc/sysctl.d/99-docker.conf"),
        EngineFinding::BridgeNetfilterOff => {
            kernel_setting("net.bridge.bridge-nf-call-iptables=1", "/etc/sysctl.d/99-docker-bridge.conf")
        }
        EngineFinding::NoSelinuxPolicy { .. } => policy(on),
        EngineFinding::NoAppArmorParser => {
            let package = if on.installer == Some(Installer::Zypper) { "apparmor-parser" } else { "apparmor" };
            vec![install(on, package)]
        }
        EngineFinding::NoOverlay { path, .. } => {
            vec![
                format!("sudo mount /dev/DISK {}      # one with ext4, or XFS with ftype=1", quoted(path)),
                "sudo vi /etc/docker/daemon.json      # or set \"data-root\" to a folder on such a disk".to_owned(),
            ]
        }
        EngineFinding::NoFileKinds { path, .. } => {
            vec![
                "sudo mkfs.xfs -n ftype=1 /dev/DISK      # another disk: it cannot be turned on later".to_owned(),
                format!("sudo mount /dev/DISK {}", quoted(path)),
            ]
        }
        EngineFinding::OldStorageDriver { .. } => other_driver(),
        EngineFinding::NotInSwarm { path, setting } => {
            let edit = format!("sudo vi {}      # take \"{setting}\" out", quoted(path));
            vec![edit, "sudo systemctl restart docker".to_owned()]
        }
        EngineFinding::NoDockerGroup => one("sudo groupadd --system docker"),
        EngineFinding::SettingsDamaged { path, .. } => {
            vec![
                format!("sudo vi {}", quoted(path)),
                format!("dockerd --validate --config-file={}      # from Docker 23 on", quoted(path)),
            ]
        }
        EngineFinding::HostsTwice { .. } => one_host(),
        EngineFinding::NoEngine
        | EngineFinding::Engine { .. }
        | EngineFinding::Kernel { .. }
        | EngineFinding::Cgroups { .. }
        | EngineFinding::Firewall { .. }
        | EngineFinding::Selinux { .. }
        | EngineFinding::AppArmor
        | EngineFinding::Storage { .. } => vec![],
    }
}

/// Keeps those in the folders of packages.
fn put_aside(programs: &[PathBuf]) -> Vec<String> {
    let of_package = |program: &&PathBuf| {
        ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].iter().any(|folder| program.starts_with(folder))
    };
    let others: Vec<_> = programs.iter().filter(|program| !of_package(program)).collect();
    match &others[..] {
        [] => vec![format!("ls -l {}", programs.iter().map(|program| quoted(program)).collect::<Vec<_>>().join(" "))],
        others => others.iter().map(|program| format!("sudo mv {0} {0}.old", quoted(program))).collect(),
    }
}

fn take_away(on: &Distribution, packages: &[Installed]) -> Vec<String> {
    let (snaps, others): (Vec<_>, Vec<_>) = packages.iter().partition(|package| package.source == PackageSource::Snap);
    let others: Vec<_> = others.iter().map(|package| package.name.as_str()).collect();
    let line = (!others.is_empty()).then(|| remove(on, &others));
    line.into_iter().chain(snaps.iter().map(|snap| format!("sudo snap remove {}", snap.name))).collect()
}

fn controllers_back(on: &Distribution, version: CgroupVersion, controllers: &[String]) -> Vec<String> {
    let (memory, others): (Vec<_>, Vec<_>) = controllers.iter().partition(|name| *name == "memory");
    let mut lines: Vec<String> = match version {
        CgroupVersion::V2 if !others.is_empty() => {
            vec!["cat /proc/cmdline      # what cgroup_disable= names there, is to be taken out".to_owned()]
        }
        CgroupVersion::V2 => vec![],
        CgroupVersion::V1 | CgroupVersion::Hybrid => others
            .iter()
            .map(|name| {
                let folder = format!("/sys/fs/cgroup/{name}");
                format!("sudo mkdir -p {folder} && sudo mount -t cgroup -o {name} cgroup {folder}")
            })
            .collect(),
    };
    if !memory.is_empty() {
        lines.extend(boot_option(on, "cgroup_enable=memory"));
    }
    lines
}

fn iptables(on: &Distribution, nft: bool, engine: Option<u32>) -> Vec<String> {
    let mut lines = vec![install(on, "iptables")];
    if nft && engine.is_none_or(|major| major >= 29) {
        let setting = r#""firewall-backend": "nftables""#;
        lines.push(format!("sudo vi /etc/docker/daemon.json      # or, from Docker 29 on, set {setting}"));
    }
    lines
}

fn kernel_setting(setting: &str, file: &str) -> Vec<String> {
    vec![format!("echo {setting} | sudo tee {file}"), "sudo sysctl --system".to_owned()]
}

fn policy(on: &Distribution) -> Vec<String> {
    let package = if on.installer == Some(Installer::AptGet) { "selinux-policy-default" } else { "container-selinux" };
    // Files keep the labels that they had.
    let label = "sudo restorecon -R /usr/bin/docker /usr/bin/dockerd /usr/libexec/docker /etc/docker /var/lib/docker";
    vec![install(on, package), label.to_owned()]
}

fn other_driver() -> Vec<String> {
    let names = "docker image ls --format '{{.Repository}}:{{.Tag}}' | grep -v '<none>'";
    vec![
        format!("docker save -o images.tar $({names})      # by the old engine"),
        "sudo vi /etc/docker/daemon.json      # take \"storage-driver\" out, if it is there".to_owned(),
        "docker load -i images.tar      # by the new one".to_owned(),
    ]
}

fn one_host() -> Vec<String> {
    let folder = "/etc/systemd/system/docker.service.d";
    let unit = "[Service]\\nExecStart=\\nExecStart=/usr/bin/dockerd\\n";
    vec![
        format!("sudo mkdir -p {folder}"),
        format!("printf '{unit}' | sudo tee {folder}/zz-hosts.conf      # leaves it to daemon.json"),
        "sudo systemctl daemon-reload".to_owned(),
    ]
}
