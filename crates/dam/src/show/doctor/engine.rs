//! What was found about an engine, in words.

use dam_core::engine::host::{CgroupVersion, EngineFinding, Installed, IptablesBackend, Lack, PackageSource, Purpose};

/// Says what was found, in one line.
pub(super) fn text(finding: &EngineFinding) -> String {
    match finding {
        EngineFinding::NoEngine => "Docker Engine is not installed".to_owned(),
        EngineFinding::Engine { package, program } => match (package, program) {
            (Some(package), _) => format!("Docker Engine is installed by {}", named(package)),
            (None, Some(program)) => format!("Docker Engine is {}, of no package known to dam", program.display()),
            (None, None) => "Docker Engine is installed".to_owned(),
        },
        EngineFinding::SeveralEngines { programs } => {
            let programs: Vec<_> = programs.iter().map(|program| program.display().to_string()).collect();
            format!("There are several dockerd, of which the first is started by hand: {}", programs.join(", "))
        }
        EngineFinding::ConflictingPackages { keep, packages } => {
            let packages: Vec<_> = packages.iter().map(named).collect();
            let way = keep.as_ref().map_or_else(|| "a package of Docker Engine".to_owned(), Clone::clone);
            format!("In the way of {way}: {}", packages.join(", "))
        }
        EngineFinding::Kernel { release } => format!("Kernel {release} has what an engine needs"),
        EngineFinding::OldKernel { release, wanted } => {
            format!("Kernel {release} is too old: containers need {wanted} or newer")
        }
        EngineFinding::NoKernelConfig { release } if release.is_empty() => {
            "What the kernel can do is not known: /proc is not mounted".to_owned()
        }
        EngineFinding::NoKernelConfig { release } => {
            format!("What kernel {release} can do is not known: it does not tell, and its package has left no file")
        }
        EngineFinding::NoKernelOptions { options } => {
            format!("The kernel lacks {}: no container runs, or none has a network", options.join(", "))
        }
        EngineFinding::FewKernelOptions { options } => format!("The kernel lacks {}", lacks(options)),
        EngineFinding::NoLegacyTables { options } => {
            format!("iptables is the legacy one, for which the kernel lacks {}", options.join(", "))
        }
        EngineFinding::NoKernelModules { release, modules } => {
            format!("Kernel {release} is not complete: {} missing from /lib/modules", are(modules))
        }
        EngineFinding::KernelModulesGone { release } => {
            format!("The modules of the running kernel {release} are gone: it was updated")
        }
        EngineFinding::ModulesForbidden { modules } => {
            format!("The kernel takes no more modules (kernel.modules_disabled), but {} not loaded", are(modules))
        }
        EngineFinding::ModuleBlocked { module, file } => format!("{file} keeps the module {module} from being loaded"),
        EngineFinding::Cgroups { version } => format!("Control groups are there, {}", version_named(*version)),
        EngineFinding::NoCgroups => "There are no control groups: no container starts".to_owned(),
        EngineFinding::CgroupV1 { hybrid } => {
            let also = if *hybrid { "; version 2 is there for systemd alone" } else { "" };
            format!("Control groups are of version 1, which Docker gives up by 2029{also}")
        }
        EngineFinding::NoControllers { version, controllers } => {
            let what = match controllers.iter().any(|name| name == "devices") && *version != CgroupVersion::V2 {
                true => "no container starts",
                false => "limits on that do nothing",
            };
            format!("Control groups lack {}: {what}", controllers.join(", "))
        }
        EngineFinding::NoSwapLimit => "Swap of containers is neither counted nor limited".to_owned(),
        EngineFinding::NoSystemd { wsl: true } => {
            "systemd does not run in this Windows Subsystem for Linux: nothing starts dockerd".to_owned()
        }
        EngineFinding::NoSystemd { wsl: false } => "systemd does not run: nothing starts dockerd".to_owned(),
        EngineFinding::Firewall { backend } => format!("The firewall is set by iptables, {}", tables(*backend)),
        EngineFinding::NoIptables { nft: true, .. } => {
            "iptables is missing, and Docker uses nft only where its settings say so: containers have no network"
                .to_owned()
        }
        EngineFinding::NoIptables { nft: false, .. } => "iptables is missing: containers have no network".to_owned(),
        EngineFinding::NoNft => "daemon.json wants nftables, but nft is missing: dockerd does not start".to_owned(),
        EngineFinding::MixedFirewall { iptables: IptablesBackend::Legacy } => {
            "iptables writes to the legacy tables, while rules are in nf_tables: both must let a packet through"
                .to_owned()
        }
        EngineFinding::MixedFirewall { iptables: IptablesBackend::Nft } => {
            "iptables writes to nf_tables, while rules are in the legacy tables: both must let a packet through"
                .to_owned()
        }
        EngineFinding::ForwardingOff => {
            "Nothing is forwarded, and dockerd with nftables does not turn that on: containers have no network"
                .to_owned()
        }
        EngineFinding::BridgeNetfilterOff => {
            "The firewall does not see what passes a bridge, as daemon.json (icc, userland-proxy) wants it to"
                .to_owned()
        }
        EngineFinding::Selinux { enforcing } => format!("SELinux is {} and knows containers", mode(*enforcing)),
        EngineFinding::NoSelinuxPolicy { enforcing } => {
            let mode = mode(*enforcing);
            format!("SELinux is {mode}, but knows no containers: it keeps them neither apart nor in")
        }
        EngineFinding::AppArmor => "AppArmor is on".to_owned(),
        EngineFinding::NoAppArmorParser => {
            "AppArmor is on, but apparmor_parser is missing: containers run without a profile".to_owned()
        }
        EngineFinding::Storage { path, file_system } => {
            format!("Layers can be stacked in {} ({file_system})", path.display())
        }
        EngineFinding::NoOverlay { path, file_system } => {
            format!(
                "Layers cannot be stacked in {}, on {file_system}: every one is copied, if dockerd starts",
                path.display()
            )
        }
        EngineFinding::NoFileKinds { path, file_system, mount } => {
            let (path, mount) = (path.display(), mount.display());
            let option = if file_system == "xfs" { "ftype=1" } else { "kinds of files in folders" };
            format!("Layers cannot be stacked in {path}: the {file_system} at {mount} was made without {option}")
        }
        EngineFinding::OldStorageDriver { path, driver, gone, .. } => {
            format!("Images in {} are kept by {driver}, which Docker {gone} and newer do not know", path.display())
        }
        EngineFinding::NotInSwarm { path, setting } => {
            format!("This machine is kept from its swarm by `{setting}` in {}", path.display())
        }
        EngineFinding::NoDockerGroup => "The group docker is missing: docker.socket does not start".to_owned(),
        EngineFinding::SettingsDamaged { path, reason } => {
            format!("dockerd does not start, for {} is damaged: {reason}", path.display())
        }
        EngineFinding::HostsTwice { path, unit } => {
            let (path, unit) = (path.display(), unit.display());
            format!("dockerd does not start, for {path} has `hosts` and {unit} has -H")
        }
    }
}

/// Lists options by what they are for.
fn lacks(options: &[Lack]) -> String {
    let mut purposes: Vec<Purpose> = options.iter().map(|lack| lack.purpose).collect();
    purposes.dedup();
    let of = |purpose: Purpose| {
        let names = options.iter().filter(|lack| lack.purpose == purpose).map(|lack| lack.option.as_str());
        let use_of = match purpose {
            Purpose::Security => "security",
            Purpose::Limits => "limits",
            Purpose::Firewall => "the firewall",
            Purpose::Ipv6 => "IPv6",
            Purpose::Swarm => "swarms",
            Purpose::Networks => "networks of their own kind",
        };
        format!("{} for {use_of}", names.collect::<Vec<_>>().join(", "))
    };
    purposes.into_iter().map(of).collect::<Vec<_>>().join("; ")
}

fn are(modules: &[String]) -> String {
    let verb = if modules.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", modules.join(", "))
}

fn named(package: &Installed) -> String {
    let source = if package.source == PackageSource::Snap { " of snap" } else { "" };
    format!("{} {}", package.name, package.version).trim_end().to_owned() + source
}

fn version_named(version: CgroupVersion) -> &'static str {
    match version {
        CgroupVersion::V1 => "version 1",
        CgroupVersion::V2 => "version 2",
        CgroupVersion::Hybrid => "version 1 (with version 2 for systemd)",
    }
}

fn tables(backend: IptablesBackend) -> &'static str {
    match backend {
        IptablesBackend::Legacy => "in the legacy tables",
        IptablesBackend::Nft => "in nf_tables",
    }
}

fn mode(enforcing: bool) -> &'static str {
    if enforcing { "enforcing" } else { "permissive" }
}
