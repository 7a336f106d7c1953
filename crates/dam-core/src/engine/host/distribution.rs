//! Which distribution it is, and what its tools are called.

use serde::Serialize;

use super::Look;

/// A Linux distribution, as far as mending commands depend on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct Distribution {
    /// `ID` of `os-release`, such as `debian`; `linux` where it tells none, as the format has it.
    pub id: String,
    /// `VERSION_ID`, such as `12`; empty for rolling releases.
    pub version: String,
    /// `PRETTY_NAME`, such as `Debian GNU/Linux 12 (bookworm)`.
    pub name: String,
    /// What installs packages, if it is one that is known.
    pub installer: Option<Installer>,
    /// What sets options of the kernel, if it is known.
    pub boot: Option<Boot>,
}

/// What installs packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(rename_all = "kebab-case")]
pub enum Installer {
    /// Debian, Ubuntu and their kin.
    AptGet,
    /// Fedora, and RHEL since 8.
    Dnf,
    /// RHEL 7, Amazon Linux 2.
    Yum,
    /// openSUSE and SLES.
    Zypper,
}

/// What sets options of the kernel for the next start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(rename_all = "kebab-case")]
pub enum Boot {
    /// Red Hat's program, whatever boots.
    Grubby,
    /// Debian's `update-grub`.
    UpdateGrub,
    /// GRUB as it is elsewhere.
    Grub2Mkconfig,
    /// `/boot/firmware/cmdline.txt` of a Raspberry Pi.
    FirmwareCmdline,
    /// `/boot/cmdline.txt`, where the Raspberry Pi had it before Debian 12.
    BootCmdline,
}

impl Distribution {
    /// Reads which distribution it is.
    ///
    /// Source: <https://www.freedesktop.org/software/systemd/man/latest/os-release.html>.
    pub fn of(look: &Look) -> Self {
        let text = look.text("/etc/os-release").or_else(|| look.text("/usr/lib/os-release")).unwrap_or_default();
        let id = value(&text, "ID").unwrap_or_else(|| "linux".to_owned());
        let name = value(&text, "PRETTY_NAME").unwrap_or_else(|| "Linux".to_owned());
        let version = value(&text, "VERSION_ID").unwrap_or_default();
        Self { id, version, name, installer: installer(look), boot: boot(look) }
    }
}

/// Goes by the programs: distributions that `os-release` calls something else have those of their kin. apt comes first, for
/// Debian has dnf and zypper as packages, while nobody has apt beside rpm.
fn installer(look: &Look) -> Option<Installer> {
    let known = [
        ("apt-get", Installer::AptGet),
        ("zypper", Installer::Zypper),
        ("dnf", Installer::Dnf),
        ("yum", Installer::Yum),
    ];
    known.into_iter().find(|(program, _)| look.has_program(program)).map(|(_, installer)| installer)
}

fn boot(look: &Look) -> Option<Boot> {
    let files = [("/boot/firmware/cmdline.txt", Boot::FirmwareCmdline), ("/boot/cmdline.txt", Boot::BootCmdline)];
    if let Some((_, boot)) = files.into_iter().find(|(file, _)| look.exists(file)) {
        return Some(boot);
    }
    let programs =
        [("grubby", Boot::Grubby), ("update-grub", Boot::UpdateGrub), ("grub2-mkconfig", Boot::Grub2Mkconfig)];
    programs.into_iter().find(|(program, _)| look.has_program(program)).map(|(_, boot)| boot)
}

fn value(text: &str, key: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
    let bare = line.trim_matches(['"', '\'']);
    (!bare.is_empty()).then(|| bare.to_owned())
}
