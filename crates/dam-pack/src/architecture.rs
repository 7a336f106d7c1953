//! Processors, as each packaging world names them.

use crate::Format;

/// The processor a package is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    /// Any: the package holds no machine code.
    All,
    /// 64-bit x86.
    X86_64,
    /// 64-bit ARM.
    Aarch64,
    /// 32-bit ARM, hard float, version 7.
    Armv7,
    /// 64-bit POWER, little endian.
    Ppc64le,
    /// IBM Z.
    S390x,
    /// 64-bit RISC-V.
    Riscv64,
}

impl Architecture {
    /// All processors.
    pub const EVERY: [Self; 7] =
        [Self::All, Self::X86_64, Self::Aarch64, Self::Armv7, Self::Ppc64le, Self::S390x, Self::Riscv64];

    /// Returns the name a format uses.
    ///
    /// Sources: <https://wiki.debian.org/ArchitectureSpecificsMemo> for Debian; the `arch` lines of
    /// <https://github.com/rpm-software-management/rpm/blob/rpm-4.18.x/rpmrc.in> for RPM.
    pub fn name(self, format: Format) -> &'static str {
        let (deb, rpm) = match self {
            Self::All => ("all", "noarch"),
            Self::X86_64 => ("amd64", "x86_64"),
            Self::Aarch64 => ("arm64", "aarch64"),
            Self::Armv7 => ("armhf", "armv7hl"),
            Self::Ppc64le => ("ppc64el", "ppc64le"),
            Self::S390x => ("s390x", "s390x"),
            Self::Riscv64 => ("riscv64", "riscv64"),
        };
        match format {
            Format::Deb => deb,
            Format::Rpm => rpm,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Architecture;
    use crate::Format;

    #[test]
    fn each_world_has_its_own_names() {
        let names = |architecture: Architecture| (architecture.name(Format::Deb), architecture.name(Format::Rpm));
        assert_eq!(names(Architecture::X86_64), ("amd64", "x86_64"));
        assert_eq!(names(Architecture::Aarch64), ("arm64", "aarch64"));
        assert_eq!(names(Architecture::Armv7), ("armhf", "armv7hl"));
        assert_eq!(names(Architecture::All), ("all", "noarch"));
    }

    #[test]
    fn no_two_share_a_name() {
        for format in [Format::Deb, Format::Rpm] {
            let names: BTreeSet<_> = Architecture::EVERY.iter().map(|architecture| architecture.name(format)).collect();
            assert_eq!(names.len(), Architecture::EVERY.len());
        }
    }
}
