//! Which distribution a machine has.

use std::fs;
use std::io;
use std::path::Path;

use dam_pack::Format;
use dam_pack::targets::Target;
use serde::Serialize;

use crate::{Error, Result};

/// What a distribution says of itself: <https://www.freedesktop.org/software/systemd/man/os-release.html>.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OsRelease {
    /// Its short name: `debian`; `linux` where it has none.
    pub id: String,
    /// What it is made of, nearest first: `rhel`, `fedora`.
    pub like: Vec<String>,
    /// Its version: `12`, `22.04`; none where it has none, as Debian sid.
    pub version: Option<String>,
    /// Names of its release, and of the one it is made of: `bookworm`.
    pub codenames: Vec<String>,
    /// Its name for people: `Debian GNU/Linux 12 (bookworm)`.
    pub name: String,
}

/// Which tools a distribution has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// dpkg and apt.
    Debian,
    /// rpm, with yum or dnf.
    RedHat,
    /// rpm, with zypper.
    Suse,
}

/// The target that a distribution comes nearest to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Nearest {
    /// The target.
    pub target: Target,
    /// Whether it is this very distribution and version.
    pub is_exact: bool,
}

impl Family {
    /// Returns the format of its packages.
    pub fn format(self) -> Format {
        match self {
            Self::Debian => Format::Deb,
            Self::RedHat | Self::Suse => Format::Rpm,
        }
    }
}

impl OsRelease {
    /// Reads what the machine whose `/` is at `root` has; one without is a `linux` of which nothing else is known.
    ///
    /// # Errors
    /// [`Error::Access`].
    pub fn read(root: &Path) -> Result<Self> {
        for place in ["etc/os-release", "usr/lib/os-release"] {
            let path = root.join(place);
            match fs::read(&path) {
                Ok(bytes) => return Ok(Self::parse(&String::from_utf8_lossy(&bytes))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::access(path)(error)),
            }
        }
        Ok(Self::parse(""))
    }

    /// Reads the text; what cannot be understood is skipped.
    pub fn parse(text: &str) -> Self {
        let value = |key: &str| {
            let lines = text.lines().filter_map(|line| line.trim().split_once('='));
            lines.filter(|(name, _)| *name == key).map(|(_, value)| unquoted(value)).rfind(|value| !value.is_empty())
        };
        let id = value("ID").unwrap_or_else(|| "linux".to_owned());
        let codenames = ["VERSION_CODENAME", "UBUNTU_CODENAME", "DEBIAN_CODENAME"];
        Self {
            like: value("ID_LIKE").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
            version: value("VERSION_ID"),
            codenames: codenames.into_iter().filter_map(value).collect(),
            name: value("PRETTY_NAME").unwrap_or_else(|| id.clone()),
            id,
        }
    }

    /// Returns its own name, and the names of what it is made of.
    fn ids(&self) -> impl Iterator<Item = &str> {
        [self.id.as_str()].into_iter().chain(self.like.iter().map(String::as_str))
    }

    /// Returns the family it says it is of.
    pub fn family(&self) -> Option<Family> {
        self.ids().find_map(|id| match id {
            "debian" | "ubuntu" => Some(Family::Debian),
            "rhel" | "fedora" | "centos" | "ol" | "amzn" => Some(Family::RedHat),
            "suse" | "sles" | "opensuse" | "opensuse-leap" | "opensuse-tumbleweed" => Some(Family::Suse),
            _ => None,
        })
    }

    /// Returns the target that it is, or the newest one of its kind that is not newer; the oldest where all are newer. None
    /// where nothing like it is a target.
    pub fn target(&self) -> Option<Nearest> {
        if let Some(target) = self.codenames.iter().find_map(|name| name.parse().ok()) {
            return Some(Nearest { target, is_exact: matches!(self.id.as_str(), "debian" | "ubuntu") });
        }
        // CentOS 9 is none, but a Red Hat 9.
        let all: Vec<(Nearest, bool)> = self.ids().filter_map(kind).filter_map(|kind| self.nearest(kind)).collect();
        let same = all.iter().find(|(_, is_same)| *is_same);
        same.or_else(|| all.first()).map(|(nearest, _)| *nearest)
    }

    /// Returns the target of a kind, and whether it has this very version.
    fn nearest(&self, kind: &str) -> Option<(Nearest, bool)> {
        let is_own = self::kind(&self.id) == Some(kind);
        let nearest = |target, is_same| (Nearest { target, is_exact: is_same && is_own }, is_same);
        let Some(version) = &self.version else {
            // Debian's testing and sid have no version.
            let sid = (kind == "debian").then(|| "debian-sid".parse().ok()).flatten()?;
            return Some(nearest(sid, true));
        };
        let numbers = |text: &str| -> Vec<u64> { text.split('.').map_while(|part| part.parse().ok()).collect() };
        let of = |target: Target| target.name().strip_prefix(kind)?.strip_prefix('-').map(numbers);
        let targets = Target::all().filter_map(|target| Some((target, of(target)?))).filter(|(_, of)| !of.is_empty());
        let targets: Vec<(Target, Vec<u64>)> = targets.collect();
        let here = numbers(version);
        let newest = targets.iter().rfind(|(_, of)| *of <= here);
        let (target, of) = newest.or_else(|| targets.first())?;
        // `9.4` is a `9`; but `23.10` is no `22.04`.
        Some(nearest(*target, here.starts_with(of)))
    }
}

/// Returns the name that a target has for a distribution.
fn kind(id: &str) -> Option<&'static str> {
    Some(match id {
        "debian" => "debian",
        "ubuntu" => "ubuntu",
        "centos" => "centos",
        "rhel" => "rhel",
        "fedora" => "fedora",
        "ol" => "oracle",
        "amzn" => "amazon",
        "opensuse-leap" => "opensuse",
        "sles" | "sled" => "sles",
        _ => return None,
    })
}

/// Takes quotes and backslashes off, as the shell does.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    let inner = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value);
    let mut characters = inner.chars();
    let mut text = String::new();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Family, OsRelease};

    #[test]
    fn values_are_read_as_the_shell_reads_them() {
        let text =
            "# a comment\nID=debian\nPRETTY_NAME=\"Debian \\\"12\\\"\"\n\nVERSION_ID='12'\nnonsense\nID_LIKE=\"\"\n";
        let release = OsRelease::parse(text);
        assert_eq!((release.id.as_str(), release.name.as_str()), ("debian", "Debian \"12\""));
        assert_eq!((release.version.as_deref(), release.like.len()), (Some("12"), 0));
        assert_eq!(OsRelease::parse("").id, "linux");
    }

    #[test]
    fn relatives_are_known_by_what_they_are_made_of() {
        for (text, family, target) in [
            ("ID=rocky\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=9.4", Some(Family::RedHat), Some(("rhel-9", false))),
            ("ID=centos\nID_LIKE=\"rhel fedora\"\nVERSION_ID=9", Some(Family::RedHat), Some(("rhel-9", false))),
            (
                "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=21.3\nVERSION_CODENAME=virginia\nUBUNTU_CODENAME=jammy",
                Some(Family::Debian),
                Some(("ubuntu-22.04", false)),
            ),
            (
                "ID=raspbian\nID_LIKE=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm",
                Some(Family::Debian),
                Some(("debian-12", false)),
            ),
            (
                "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=23.10\nVERSION_CODENAME=mantic",
                Some(Family::Debian),
                Some(("ubuntu-22.04", false)),
            ),
            ("ID=debian\nVERSION_ID=8\nVERSION_CODENAME=jessie", Some(Family::Debian), Some(("debian-9", false))),
            ("ID=fedora\nVERSION_ID=46", Some(Family::RedHat), Some(("fedora-45", false))),
            ("ID=opensuse-tumbleweed\nID_LIKE=\"opensuse suse\"\nVERSION_ID=20260901", Some(Family::Suse), None),
            ("ID=arch", None, None),
            ("", None, None),
        ] {
            let release = OsRelease::parse(text);
            assert_eq!(release.family(), family, "{text}");
            let nearest = release.target().map(|nearest| (nearest.target.name(), nearest.is_exact));
            assert_eq!(nearest, target, "{text}");
        }
    }
}
