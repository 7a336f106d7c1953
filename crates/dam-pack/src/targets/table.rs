//! The table of targets.
//!
//! Versions of Debian 11 to 13 and sid, and of Ubuntu 16.04 to 24.04, were read in their archives' `Packages.xz`; CentOS 7's
//! rpm and systemd in their source and in public packages. The others are remembered, and are the oldest of the
//! distribution's life. Ubuntu stands with its long-term releases.

use super::Source::{Read, Remembered, Seen};
use super::{Dpkg, Fact, Profile, Rpm, Source, Tools, Version};

const fn fact<T: Copy>(value: T, source: Source) -> Fact<T> {
    Fact { value, source }
}

/// An rpm that reads Zstandard, and takes unsigned packages and SHA-1.
const fn rpm(version: &'static str, source: Source) -> Rpm {
    Rpm {
        version: fact(Version(version), source),
        zstd: fact(true, Remembered),
        wants_signature: fact(false, Remembered),
        refuses_sha1: fact(false, Remembered),
    }
}

impl Rpm {
    /// Before 4.14, and where it is left out.
    const fn without_zstd(mut self) -> Self {
        self.zstd = fact(false, Read);
        self
    }

    /// RHEL since 9 by its policy for cryptography, Fedora since 38 with Sequoia.
    const fn without_sha1(mut self) -> Self {
        self.refuses_sha1.value = true;
        self
    }

    /// <https://fedoraproject.org/wiki/Changes/Enforcing_signature_checking_by_default>, put off to Fedora 45.
    const fn enforcing(mut self) -> Self {
        self.wants_signature = fact(true, Read);
        self
    }
}

/// A target with rpm; its name, and rpm's version, are followed by the versions of systemd and liblzma.
const fn red(names: [&'static str; 2], rpm: Rpm, systemd: Fact<u16>, liblzma: &'static str) -> Profile {
    let liblzma = fact(Version(liblzma), Remembered);
    Profile { name: names[0], aliases: &[], title: names[1], tools: Tools::Rpm(rpm), systemd, liblzma }
}

/// A target with dpkg: its versions of dpkg, init-system-helpers and systemd have one source.
const fn blue(
    names: [&'static str; 2],
    aliases: &'static [&'static str],
    source: Source,
    versions: (&'static str, &'static str, u16, &'static str),
    (zstd, wants_signed_repository): (Fact<bool>, bool),
) -> Profile {
    let (version, helpers, systemd, liblzma) = versions;
    let dpkg = Dpkg {
        version: fact(Version(version), source),
        zstd,
        helpers: fact(Version(helpers), source),
        wants_signed_repository: fact(wants_signed_repository, Remembered),
    };
    Profile {
        name: names[0],
        aliases,
        title: names[1],
        tools: Tools::Dpkg(dpkg),
        systemd: fact(systemd, source),
        liblzma: fact(Version(liblzma), Remembered),
    }
}

const fn known(systemd: u16) -> Fact<u16> {
    fact(systemd, Remembered)
}

/// What CentOS 7 has; RHEL, Oracle and Amazon have the same.
const EL7: Rpm = rpm("4.11.3", Read).without_zstd();
const EL7_SYSTEMD: Fact<u16> = fact(219, Read);
const EL8: Rpm = rpm("4.14.3", Remembered);
const EL9: Rpm = rpm("4.16.1.3", Remembered).without_sha1();
/// SLES 15 before its service pack 3; later ones have 4.14.3 and systemd 246 to 254. It is built without Zstandard:
/// <https://github.com/uyuni-project/uyuni/issues/1108>.
const SUSE_15: Rpm = rpm("4.14.1", Remembered).without_zstd();

const fn fedora(names: [&'static str; 2], version: &'static str, systemd: u16, liblzma: &'static str) -> Profile {
    red(names, rpm(version, Remembered), known(systemd), liblzma)
}

const fn fedora_38(names: [&'static str; 2], version: &'static str, systemd: u16, liblzma: &'static str) -> Profile {
    red(names, rpm(version, Remembered).without_sha1(), known(systemd), liblzma)
}

const YES: Fact<bool> = fact(true, Seen);
const NO: Fact<bool> = fact(false, Seen);
/// By its version: dpkg reads Zstandard since 1.21.18 (`deb(5)`).
const BY_VERSION: Fact<bool> = fact(true, Read);

/// All targets, families together, oldest first.
pub(super) const PROFILES: [Profile; 39] = [
    red(["centos-7", "CentOS 7"], EL7, EL7_SYSTEMD, "5.2.2"),
    red(["centos-8", "CentOS 8"], EL8, known(239), "5.2.4"),
    red(["rhel-7", "Red Hat Enterprise Linux 7"], EL7, EL7_SYSTEMD, "5.2.2"),
    red(["rhel-8", "Red Hat Enterprise Linux 8"], EL8, known(239), "5.2.4"),
    red(["rhel-9", "Red Hat Enterprise Linux 9"], EL9, known(250), "5.2.5"),
    red(["rhel-10", "Red Hat Enterprise Linux 10"], rpm("4.19.1.1", Remembered).without_sha1(), known(257), "5.6.2"),
    fedora(["fedora-32", "Fedora 32"], "4.15.1", 245, "5.2.5"),
    fedora(["fedora-33", "Fedora 33"], "4.16", 246, "5.2.5"),
    fedora(["fedora-34", "Fedora 34"], "4.16.1.3", 248, "5.2.5"),
    fedora(["fedora-35", "Fedora 35"], "4.17", 249, "5.2.5"),
    fedora(["fedora-36", "Fedora 36"], "4.17", 250, "5.2.5"),
    fedora(["fedora-37", "Fedora 37"], "4.18", 251, "5.2.5"),
    fedora_38(["fedora-38", "Fedora 38"], "4.18.1", 253, "5.4.1"),
    fedora_38(["fedora-39", "Fedora 39"], "4.19", 254, "5.4.4"),
    fedora_38(["fedora-40", "Fedora 40"], "4.19.1", 255, "5.4.6"),
    fedora_38(["fedora-41", "Fedora 41"], "4.20", 256, "5.6.2"),
    fedora_38(["fedora-42", "Fedora 42"], "4.20.1", 257, "5.6.3"),
    fedora_38(["fedora-43", "Fedora 43"], "6.0", 258, "5.8.1"),
    fedora_38(["fedora-44", "Fedora 44"], "6.0", 259, "5.8.1"),
    red(["fedora-45", "Fedora 45"], rpm("6.0", Remembered).without_sha1().enforcing(), known(260), "5.8.1"),
    red(["oracle-7", "Oracle Linux 7"], EL7, EL7_SYSTEMD, "5.2.2"),
    red(["oracle-8", "Oracle Linux 8"], EL8, known(239), "5.2.4"),
    red(["oracle-9", "Oracle Linux 9"], EL9, known(250), "5.2.5"),
    red(["amazon-2", "Amazon Linux 2"], EL7, EL7_SYSTEMD, "5.2.2"),
    red(["amazon-2023", "Amazon Linux 2023"], rpm("4.16.1.3", Remembered), known(252), "5.2.5"),
    red(["opensuse-15", "openSUSE Leap 15"], SUSE_15, known(234), "5.2.3"),
    red(["sles-15", "SUSE Linux Enterprise Server 15"], SUSE_15, known(234), "5.2.3"),
    blue(["ubuntu-16.04", "Ubuntu 16.04"], &["xenial"], Seen, ("1.18.4", "1.29", 229, "5.1.1"), (YES, false)),
    blue(
        ["ubuntu-18.04", "Ubuntu 18.04"],
        &["bionic"],
        Seen,
        ("1.19.0.5", "1.51", 237, "5.2.2"),
        (fact(true, Remembered), true),
    ),
    blue(
        ["ubuntu-20.04", "Ubuntu 20.04"],
        &["focal"],
        Seen,
        ("1.19.7", "1.57", 245, "5.2.4"),
        (fact(true, Remembered), true),
    ),
    blue(
        ["ubuntu-22.04", "Ubuntu 22.04"],
        &["jammy"],
        Seen,
        ("1.21.1", "1.62", 249, "5.2.5"),
        (fact(true, Remembered), true),
    ),
    blue(["ubuntu-24.04", "Ubuntu 24.04"], &["noble"], Seen, ("1.22.6", "1.66", 255, "5.4.5"), (BY_VERSION, true)),
    blue(["ubuntu-26.04", "Ubuntu 26.04"], &[], Remembered, ("1.23", "1.69", 259, "5.8.1"), (BY_VERSION, true)),
    blue(
        ["debian-9", "Debian 9"],
        &["stretch"],
        Remembered,
        ("1.18.25", "1.48", 232, "5.2.2"),
        (fact(false, Read), false),
    ),
    blue(
        ["debian-10", "Debian 10"],
        &["buster"],
        Remembered,
        ("1.19.8", "1.56", 241, "5.2.4"),
        (fact(false, Read), true),
    ),
    blue(["debian-11", "Debian 11"], &["bullseye"], Seen, ("1.20.13", "1.60", 247, "5.2.5"), (NO, true)),
    blue(["debian-12", "Debian 12"], &["bookworm"], Seen, ("1.21.23", "1.65.2", 252, "5.4.1"), (BY_VERSION, true)),
    blue(["debian-13", "Debian 13"], &["trixie"], Seen, ("1.22.22", "1.69", 257, "5.8.1"), (BY_VERSION, true)),
    blue(["debian-sid", "Debian sid"], &["sid"], Seen, ("1.23.11", "1.69", 262, "5.8.1"), (BY_VERSION, true)),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::PROFILES;
    use crate::targets::{Target, Tools};

    #[test]
    fn every_target_of_the_list_is_there_once() {
        let names: BTreeSet<_> =
            PROFILES.iter().flat_map(|profile| profile.aliases.iter().copied().chain([profile.name])).collect();
        assert_eq!(names.len(), 39 + PROFILES.iter().map(|profile| profile.aliases.len()).sum::<usize>());
        let fedoras = (32..=45).map(|number| format!("fedora-{number}"));
        let others = "centos-7 centos-8 rhel-7 rhel-8 rhel-9 rhel-10 oracle-7 oracle-8 oracle-9 amazon-2 amazon-2023 \
                      opensuse-15 sles-15 ubuntu-16.04 ubuntu-18.04 ubuntu-20.04 ubuntu-22.04 ubuntu-24.04 \
                      ubuntu-26.04 debian-9 debian-10 debian-11 debian-12 debian-13 debian-sid";
        for name in fedoras.chain(others.split_whitespace().map(str::to_owned)) {
            assert!(names.contains(name.as_str()), "{name}");
        }
    }

    /// What the packages are promised to be readable by, and nothing older.
    #[test]
    fn no_target_is_older_than_the_writers_know() {
        for target in Target::all() {
            let profile = target.profile();
            assert!(profile.systemd.value >= 219, "{target}");
            match profile.tools {
                Tools::Dpkg(dpkg) => assert!(dpkg.version.value.is_at_least("1.18"), "{target}"),
                Tools::Rpm(rpm) => assert!(rpm.version.value.is_at_least("4.11"), "{target}"),
            }
        }
    }
}
