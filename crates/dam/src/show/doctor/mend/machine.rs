//! What the tools of distributions are called.

use dam_core::engine::host::{Boot, Distribution, Installer};

/// Installs a package, which has one name everywhere.
pub(super) fn install(distribution: &Distribution, package: &str) -> String {
    match tool(distribution) {
        Some(tool) => format!("sudo {tool} install {package}"),
        None => format!("# install {package} as this distribution installs packages"),
    }
}

/// Removes packages.
pub(super) fn remove(distribution: &Distribution, packages: &[&str]) -> String {
    let packages = packages.join(" ");
    match tool(distribution) {
        Some(tool) => format!("sudo {tool} remove {packages}"),
        None => format!("# remove {packages} as this distribution removes packages"),
    }
}

fn tool(distribution: &Distribution) -> Option<&'static str> {
    Some(match distribution.installer? {
        Installer::AptGet => "apt-get",
        Installer::Dnf => "dnf",
        Installer::Yum => "yum",
        Installer::Zypper => "zypper",
    })
}

/// Installs the distribution's own kernel, in its newest version, and starts it.
pub(super) fn kernel(distribution: &Distribution) -> Vec<String> {
    let package = match distribution.installer {
        Some(Installer::AptGet) if distribution.id == "ubuntu" => "linux-image-generic",
        Some(Installer::AptGet) => "linux-image-$(dpkg --print-architecture)",
        Some(Installer::Zypper) => "kernel-default",
        Some(Installer::Dnf | Installer::Yum) | None => "kernel",
    };
    // Red Hat's tools install a kernel beside the others; a name that is installed is not brought up to date by `install`.
    let line = match distribution.installer {
        Some(Installer::Dnf) => "sudo dnf upgrade kernel".to_owned(),
        Some(Installer::Yum) => "sudo yum update kernel".to_owned(),
        _ => install(distribution, package),
    };
    vec![line, "sudo reboot".to_owned()]
}

/// Installs the rest of the kernel that runs.
pub(super) fn kernel_modules(distribution: &Distribution, release: &str) -> Vec<String> {
    match distribution.installer {
        Some(Installer::AptGet) if distribution.id == "ubuntu" => {
            vec![format!("sudo apt-get install linux-modules-extra-{release}")]
        }
        // RHEL 10 has what iptables asks for in the second one (docker/docker-ce-packaging#1340).
        Some(Installer::Dnf) => {
            vec![format!("sudo dnf install kernel-modules-{release} kernel-modules-extra-{release}")]
        }
        Some(Installer::Yum) => vec![format!("sudo yum reinstall kernel-{release}")],
        Some(Installer::AptGet | Installer::Zypper) | None => kernel(distribution),
    }
}

/// Sets an option of the kernel for the next start, and starts anew.
pub(super) fn boot_option(distribution: &Distribution, option: &str) -> Vec<String> {
    let grub = |update: &str| {
        vec![format!("sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&{option} /' /etc/default/grub"), format!("sudo {update}")]
    };
    let mut lines = match distribution.boot {
        Some(Boot::Grubby) => vec![format!("sudo grubby --update-kernel=ALL --args={option}")],
        Some(Boot::UpdateGrub) => grub("update-grub"),
        Some(Boot::Grub2Mkconfig) => grub("grub2-mkconfig -o /boot/grub2/grub.cfg"),
        Some(Boot::FirmwareCmdline) => vec![format!("sudo sed -i '1s/$/ {option}/' /boot/firmware/cmdline.txt")],
        Some(Boot::BootCmdline) => vec![format!("sudo sed -i '1s/$/ {option}/' /boot/cmdline.txt")],
        None => return vec![format!("# start the kernel with {option}")],
    };
    lines.push("sudo reboot".to_owned());
    lines
}

/// Lets `iptables` write to nf_tables.
pub(super) fn nft_tables(distribution: &Distribution) -> Vec<String> {
    let switch = "sudo update-alternatives --set iptables /usr/sbin/iptables-nft".to_owned();
    match distribution.installer {
        Some(Installer::Dnf) => vec![install(distribution, "iptables-nft"), switch],
        // The package switches by itself.
        Some(Installer::Zypper) => vec![install(distribution, "iptables-backend-nft")],
        Some(Installer::AptGet | Installer::Yum) | None => vec![switch],
    }
}
