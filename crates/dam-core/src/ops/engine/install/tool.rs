//! The tools by which distributions install packages, and what they are told.
//!
//! All of them are told to leave the network alone: what is wanted lies on this machine.

use std::fmt;

use dam_pack::Format;
use serde::Serialize;

/// A tool that installs packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// Debian's, with dependencies: <https://manpages.debian.org/bookworm/apt/apt-get.8.en.html>.
    AptGet,
    /// Debian's, without: <https://manpages.debian.org/bookworm/dpkg/dpkg.1.en.html>.
    Dpkg,
    /// Fedora's, and RHEL's since 8: <https://dnf.readthedocs.io/en/latest/command_ref.html>.
    Dnf,
    /// CentOS 7's and Amazon Linux 2's: <https://man7.org/linux/man-pages/man8/yum.8.html>.
    Yum,
    /// SUSE's: <https://manpages.opensuse.org/Tumbleweed/zypper/zypper.8.en.html>.
    Zypper,
    /// Without dependencies: <https://man7.org/linux/man-pages/man8/rpm.8.html>.
    Rpm,
}

/// What becomes of the package that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
pub enum Change {
    /// There is none.
    New,
    /// A newer one comes.
    Upgrade {
        /// The version that is there.
        from: String,
    },
    /// The same version comes again.
    Again,
    /// An older one comes.
    Downgrade {
        /// The version that is there.
        from: String,
    },
}

impl Tool {
    /// All tools.
    pub const ALL: [Self; 6] = [Self::AptGet, Self::Dpkg, Self::Dnf, Self::Yum, Self::Zypper, Self::Rpm];

    /// Lists the tools of a format.
    pub(super) fn list(format: &Format) -> &'static str {
        match format {
            Format::Deb => "apt-get and no dpkg",
            Format::Rpm => "dnf, yum, zypper or rpm",
        }
    }

    /// Returns the name of its program.
    pub fn program(self) -> &'static str {
        match self {
            Self::AptGet => "apt-get",
            Self::Dpkg => "dpkg",
            Self::Dnf => "dnf",
            Self::Yum => "yum",
            Self::Zypper => "zypper",
            Self::Rpm => "rpm",
        }
    }

    /// Returns its arguments for installing the package at an absolute path. `is_signed` says whether that has a signature.
    ///
    /// Settings that the admin changed stay, and nothing is removed to make room. apt is shown no repository at all, as dnf is:
    /// with its `--no-download` it fails for a package in a file, too (`Pathname to install is not absolute`, apt 2.6).
    pub fn arguments(self, change: &Change, path: &str, is_signed: bool) -> Vec<String> {
        let words: Vec<&str> = match self {
            Self::AptGet => {
                let fixed = "install --yes --no-remove --no-install-recommends \
                             -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/dev/null \
                             -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold";
                fixed
                    .split_whitespace()
                    .chain(match change {
                        Change::Again => Some("--reinstall"),
                        Change::Downgrade { .. } => Some("--allow-downgrades"),
                        Change::New | Change::Upgrade { .. } => None,
                    })
                    .collect()
            }
            Self::Dpkg => vec!["--install", "--force-confdef", "--force-confold"],
            Self::Dnf | Self::Yum => {
                let verb = match change {
                    Change::New | Change::Upgrade { .. } => "install",
                    Change::Again => "reinstall",
                    Change::Downgrade { .. } => "downgrade",
                };
                vec!["--assumeyes", "--disablerepo=*", verb]
            }
            Self::Zypper => {
                let mut words = vec!["--non-interactive", "--no-refresh", "install", "--no-recommends"];
                words.extend((!is_signed).then_some("--allow-unsigned-rpm"));
                words.extend(match change {
                    Change::New | Change::Upgrade { .. } => None,
                    Change::Again => Some("--force"),
                    Change::Downgrade { .. } => Some("--oldpackage"),
                });
                words
            }
            Self::Rpm => {
                let mut words = vec!["--upgrade", "--verbose"];
                words.extend(match change {
                    Change::New | Change::Upgrade { .. } => None,
                    Change::Again => Some("--replacepkgs"),
                    Change::Downgrade { .. } => Some("--oldpackage"),
                });
                words
            }
        };
        words.into_iter().chain([path]).map(str::to_owned).collect()
    }

    /// Returns the command that removes packages and keeps their data.
    pub fn removal(self, packages: &[&str]) -> String {
        let words = match self {
            Self::AptGet => "apt-get remove",
            Self::Dpkg => "dpkg --remove",
            Self::Dnf => "dnf remove",
            Self::Yum => "yum remove",
            Self::Zypper => "zypper remove",
            Self::Rpm => "rpm --erase",
        };
        format!("{words} {}", packages.join(" "))
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.program())
    }
}

impl Serialize for Tool {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.program())
    }
}
