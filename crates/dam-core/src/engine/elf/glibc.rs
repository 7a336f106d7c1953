//! Which distribution has which C library.

use std::fmt;

/// A version of glibc: `2.34` is `Glibc(2, 34)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glibc(pub u32, pub u32);

/// A distribution's release, and its C library. A service pack may bring a newer one; the first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Its C library.
    pub glibc: Glibc,
}

/// Targets by the age of their C library, oldest first; among equals, the one that is kept longest.
///
/// Sources: the `glibc`, `libc6` or `eglibc` package of each, as <https://repology.org/project/glibc/versions> lists them.
pub const GLIBC: &[Target] = &[
    Target { name: "EL 7", glibc: Glibc(2, 17) },
    Target { name: "Ubuntu 16.04", glibc: Glibc(2, 23) },
    Target { name: "Debian 9", glibc: Glibc(2, 24) },
    Target { name: "Amazon Linux 2", glibc: Glibc(2, 26) },
    Target { name: "SLES 15", glibc: Glibc(2, 26) },
    Target { name: "Ubuntu 18.04", glibc: Glibc(2, 27) },
    Target { name: "EL 8", glibc: Glibc(2, 28) },
    Target { name: "Debian 10", glibc: Glibc(2, 28) },
    Target { name: "Ubuntu 20.04", glibc: Glibc(2, 31) },
    Target { name: "Debian 11", glibc: Glibc(2, 31) },
    Target { name: "Fedora 32", glibc: Glibc(2, 31) },
    Target { name: "EL 9", glibc: Glibc(2, 34) },
    Target { name: "Amazon Linux 2023", glibc: Glibc(2, 34) },
    Target { name: "Ubuntu 22.04", glibc: Glibc(2, 35) },
    Target { name: "Debian 12", glibc: Glibc(2, 36) },
    Target { name: "EL 10", glibc: Glibc(2, 39) },
    Target { name: "Ubuntu 24.04", glibc: Glibc(2, 39) },
    Target { name: "Debian 13", glibc: Glibc(2, 41) },
    Target { name: "Fedora 43", glibc: Glibc(2, 42) },
];

impl Glibc {
    /// Reads the version of a symbol: `GLIBC_2.2.5` is 2.2. None where it is another library's, or glibc's own affair
    /// (`GLIBC_PRIVATE`).
    pub fn of_symbol(name: &str) -> Option<Self> {
        // Written by linkers that pack relocations; 2.36 was the first to have it.
        if name == "GLIBC_ABI_DT_RELR" {
            return Some(Self(2, 36));
        }
        let mut parts = name.strip_prefix("GLIBC_")?.split('.').map(|part| part.parse().ok());
        Some(Self(parts.next()??, parts.next()??))
    }

    /// Returns the oldest of the targets that have this version.
    pub fn oldest_target(self) -> Option<&'static Target> {
        GLIBC.iter().find(|target| target.glibc >= self)
    }
}

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} (glibc {})", self.name, self.glibc)
    }
}

#[cfg(test)]
mod tests {
    use super::{GLIBC, Glibc};

    #[test]
    fn the_oldest_target_is_the_first_that_has_it() {
        let oldest = |minor| Glibc(2, minor).oldest_target().map(|target| target.name);
        assert_eq!(oldest(4), Some("EL 7"));
        assert_eq!(oldest(32), Some("EL 9"));
        assert_eq!(oldest(36), Some("Debian 12"));
        assert_eq!(oldest(99), None);
        assert!(GLIBC.is_sorted_by_key(|target| target.glibc));
    }

    #[test]
    fn symbols_name_their_glibc() {
        assert_eq!(Glibc::of_symbol("GLIBC_2.34"), Some(Glibc(2, 34)));
        assert_eq!(Glibc::of_symbol("GLIBC_2.2.5"), Some(Glibc(2, 2)));
        assert_eq!(Glibc::of_symbol("GLIBC_PRIVATE"), None);
        assert_eq!(Glibc::of_symbol("GLIBCXX_3.4.29"), None);
    }
}
