//! Versions of kernels.

/// A kernel's version, as far as what it can do depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KernelVersion {
    major: u32,
    minor: u32,
}

impl KernelVersion {
    /// A version by its two numbers.
    pub(crate) const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Reads the beginning of a release such as `6.1.0-18-amd64`.
    pub(crate) fn read(release: &str) -> Option<Self> {
        let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        Some(Self { major: numbers.next()?.ok()?, minor: numbers.next()?.ok()? })
    }
}

/// Returns the version an engine wants, where a release is older. Upstream's minimum is 3.10; Red Hat put what containers need
/// into its 3.10 step by step, and runc fails before that of RHEL 7.4 (docker/for-linux#595).
pub(crate) fn wanted(release: &str) -> Option<&'static str> {
    const RHEL_7_4: u32 = 693;
    let version = KernelVersion::read(release)?;
    let build = release.strip_prefix("3.10.0-")?.split('.').next()?.parse::<u32>();
    match version {
        _ if release.contains(".el7") && build.is_ok_and(|build| build < RHEL_7_4) => Some("3.10.0-693"),
        _ => None,
    }
}

/// Tells whether no engine of today runs on it at all.
pub(crate) fn is_ancient(release: &str) -> bool {
    KernelVersion::read(release).is_some_and(|version| version < KernelVersion::new(3, 10))
}

#[cfg(test)]
mod tests {
    use super::{KernelVersion, is_ancient, wanted};

    #[test]
    fn releases_are_read() {
        for (release, version) in [
            ("6.1.0-18-amd64", Some((6, 1))),
            ("3.10.0-1160.el7.x86_64", Some((3, 10))),
            ("6.18.44-fc-v657", Some((6, 18))),
            ("7.0", Some((7, 0))),
            ("7", None),
            ("", None),
            ("4294967296.1", None),
        ] {
            let read = KernelVersion::read(release);
            assert_eq!(read, version.map(|(major, minor)| KernelVersion::new(major, minor)), "{release}");
        }
    }

    #[test]
    fn old_kernels_of_red_hat_are_told() {
        assert_eq!(wanted("3.10.0-514.el7.x86_64"), Some("3.10.0-693"));
        assert_eq!(wanted("3.10.0-693.el7.x86_64"), None);
        assert_eq!(wanted("3.10.0-514.custom"), None);
        assert!(is_ancient("2.6.32-754.el6.x86_64"));
        assert!(!is_ancient("3.10.0"));
    }
}
