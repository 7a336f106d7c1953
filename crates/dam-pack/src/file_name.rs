//! File names of packages.

use serde::Serialize;

use crate::{Architecture, PackageName, PackageVersion};

/// A package format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Debian's.
    Deb,
    /// Red Hat's.
    Rpm,
}

/// Returns the file name by which a package is known.
///
/// Debian: `name_version-release_architecture.deb`
/// (<https://manpages.debian.org/bookworm/dpkg-dev/dpkg-name.1.en.html>; there is no epoch). RPM:
/// `name-version-release.architecture.rpm`, the `_build_name_fmt` of
/// <https://github.com/rpm-software-management/rpm/blob/rpm-4.18.x/macros.in>.
pub fn file_name(format: Format, name: &PackageName, version: &PackageVersion, architecture: Architecture) -> String {
    let architecture = architecture.name(format);
    match format {
        Format::Deb => format!("{name}_{version}_{architecture}.deb"),
        Format::Rpm => format!("{name}-{version}.{architecture}.rpm"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::{Format, file_name};
    use crate::{Architecture, PackageVersion};

    #[test]
    fn each_format_has_its_own_order() {
        let name = "dam-docker".parse().expect("a name");
        let version = PackageVersion::new("26.1.5", "1").expect("a version");
        let shown = |format| file_name(format, &name, &version, Architecture::X86_64);
        assert_eq!(shown(Format::Deb), "dam-docker_26.1.5-1_amd64.deb");
        assert_eq!(shown(Format::Rpm), "dam-docker-26.1.5-1.x86_64.rpm");
    }

    proptest! {
        #[test]
        fn a_debian_name_can_be_taken_apart_again(
            name in "[a-z0-9][a-z0-9+.-]{1,20}", upstream in "[0-9][A-Za-z0-9.+~]{0,10}", release in "[0-9]{1,3}",
        ) {
            let version = PackageVersion::new(&upstream, &release).expect("a version");
            let file = file_name(Format::Deb, &name.parse().expect("a name"), &version, Architecture::All);
            let parts: Vec<_> = file.split('_').collect();
            prop_assert_eq!(parts, [name, format!("{upstream}-{release}"), "all.deb".to_owned()]);
            prop_assert!(!file.contains('/'));
        }
    }
}
