//! What of a machine matters for installing a package.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use dam_pack::{Format, PackageView, Relation, RelationKind};
use serde::Serialize;

use super::program::{find, query};
use super::smoke::architecture;
use super::tool::Tool;
use crate::Result;
use crate::engine::OsRelease;

/// Where a machine is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Its `/`.
    pub root: &'a Path,
    /// The folders programs are looked for in.
    pub path: &'a [PathBuf],
    /// Whether this user may change it.
    pub is_root: bool,
}

/// A machine on which a package is to be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its distribution.
    pub os: OsRelease,
    /// Its processor, as the kernel calls it: `x86_64`.
    pub kernel: String,
    /// The processor dpkg installs packages for, in Debian's word; a machine can run 32-bit programs on a 64-bit kernel.
    pub dpkg: Option<String>,
    /// The tools it has, with their programs.
    pub tools: BTreeMap<Tool, PathBuf>,
    /// Whether this user may install.
    pub is_root: bool,
    /// Whether systemd runs: <https://www.freedesktop.org/software/systemd/man/sd_booted.html>.
    pub has_systemd: bool,
    /// Whether its system is one image that rpm-ostree keeps.
    pub is_image: bool,
}

/// A package that is installed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct InstalledPackage {
    /// Its name.
    pub name: String,
    /// Its whole version.
    pub version: String,
}

/// What is installed of the packages that a package names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Present {
    /// The package itself.
    pub own: Option<InstalledPackage>,
    /// Whether that was begun and not finished, as dpkg knows of packages whose scripts failed.
    pub is_half: bool,
    /// By the relation that names them; packages that provide the name are there too.
    pub named: BTreeMap<String, Vec<InstalledPackage>>,
}

impl Machine {
    /// Looks at a machine.
    ///
    /// # Errors
    /// [`crate::Error::Access`] for its os-release, and [`super::InstallFault::Start`].
    pub fn look(place: &Place) -> Result<Self> {
        let tools = Tool::ALL.into_iter().filter_map(|tool| Some((tool, find(place.path, tool.program())?)));
        let tools: BTreeMap<Tool, PathBuf> = tools.collect();
        let dpkg = match tools.get(&Tool::Dpkg) {
            Some(program) => Some(query(program, &["--print-architecture"])?.trim().to_owned()),
            None => None,
        };
        Ok(Self {
            os: OsRelease::read(place.root)?,
            kernel: rustix::system::uname().machine().to_string_lossy().into_owned(),
            dpkg: dpkg.filter(|name| !name.is_empty()),
            tools,
            is_root: place.is_root,
            has_systemd: place.root.join("run/systemd/system").is_dir(),
            is_image: place.root.join("run/ostree-booted").exists(),
        })
    }

    /// Returns the processor in the word of a format; the kernel's own word where the format has none for it.
    pub fn architecture(&self, format: Format) -> String {
        if let (Format::Deb, Some(own)) = (format, &self.dpkg) {
            return own.clone();
        }
        architecture(&self.kernel).map_or_else(|| self.kernel.clone(), |known| known.name(format).to_owned())
    }

    /// Asks what is installed of the packages that `view` names.
    ///
    /// # Errors
    /// [`super::InstallFault::Start`].
    pub fn present(&self, path: &[PathBuf], view: &PackageView) -> Result<Present> {
        let inventory = Inventory::new(self, path, view.format)?;
        let own = inventory.ask(&view.name)?.into_iter().find(|package| package.name == view.name);
        let is_half = inventory.has_half(&view.name);
        let mut present = Present { own, is_half, named: BTreeMap::new() };
        for kind in [
            RelationKind::PreDepends,
            RelationKind::Depends,
            RelationKind::Conflicts,
            RelationKind::Breaks,
            RelationKind::Recommends,
        ] {
            for relation in view.relations(kind) {
                let mut found = BTreeSet::new();
                for name in names(relation) {
                    found.extend(inventory.ask(name)?);
                }
                if kind != RelationKind::PreDepends && kind != RelationKind::Depends {
                    found.retain(|package| package.name != view.name);
                }
                present.named.insert(relation.clone(), found.into_iter().collect());
            }
        }
        Ok(present)
    }

    /// Asks which version of a package is installed.
    pub(super) fn version_of(&self, path: &[PathBuf], format: Format, name: &str) -> Result<Option<String>> {
        let found = Inventory::new(self, path, format)?.ask(name)?.into_iter().find(|package| package.name == name);
        Ok(found.map(|package| package.version))
    }
}

/// What is installed, as the database of a format knows it.
enum Inventory {
    /// All of dpkg's packages: dpkg-query finds none by what it provides.
    Dpkg(Vec<DpkgPackage>),
    /// rpm is asked name by name.
    Rpm(PathBuf),
    /// Nothing can be asked.
    Unknown,
}

/// A package as dpkg knows it.
struct DpkgPackage {
    package: InstalledPackage,
    /// Whether it is wholly there.
    is_whole: bool,
    /// The names it has beside its own.
    provides: Vec<String>,
}

impl Inventory {
    fn new(machine: &Machine, path: &[PathBuf], format: Format) -> Result<Self> {
        Ok(match (format, find(path, "dpkg-query"), machine.tools.get(&Tool::Rpm)) {
            (Format::Deb, Some(program), _) => {
                let answer = query(&program, &["--show", DPKG])?;
                let of_dpkg = |line: &str| {
                    let (line, provides) = line.rsplit_once('\t')?;
                    let names = provides.split(',').filter_map(|one| one.split_whitespace().next());
                    let (package, is_whole) = (package(line)?, line.starts_with("installed\t"));
                    Some(DpkgPackage { package, is_whole, provides: names.map(str::to_owned).collect() })
                };
                Self::Dpkg(answer.lines().filter_map(of_dpkg).collect())
            }
            (Format::Rpm, _, Some(program)) => Self::Rpm(program.clone()),
            _ => Self::Unknown,
        })
    }

    /// Says whether a package is there and not whole.
    fn has_half(&self, name: &str) -> bool {
        matches!(self, Self::Dpkg(all) if all.iter().any(|own| own.package.name == name && !own.is_whole))
    }

    /// Returns the packages that have a name, or provide it.
    fn ask(&self, name: &str) -> Result<Vec<InstalledPackage>> {
        match self {
            Self::Dpkg(all) => {
                let is_it = |own: &&DpkgPackage| own.package.name == name || own.provides.iter().any(|own| own == name);
                Ok(all.iter().filter(is_it).map(|own| own.package.clone()).collect())
            }
            // A name is of a package that nobody trusts yet, and must not be an option.
            Self::Rpm(program) if !name.starts_with('-') => {
                let answer = query(program, &["--query", "--whatprovides", RPM, name])?;
                Ok(answer.lines().filter_map(package).collect())
            }
            Self::Rpm(_) | Self::Unknown => Ok(Vec::new()),
        }
    }
}

/// A line a package; what is not installed rpm says on stdout, but without tabs.
const DPKG: &str = "--showformat=${db:Status-Status}\\t${Package}\\t${Version}\\t${Provides}\\n";
const RPM: &str = "--queryformat=installed\\t%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\n";

fn package(line: &str) -> Option<InstalledPackage> {
    let (state, rest) = line.split_once('\t')?;
    let (name, version) = rest.split_once('\t')?;
    let is_there = !matches!(state, "not-installed" | "config-files");
    is_there.then(|| InstalledPackage { name: name.to_owned(), version: version.to_owned() })
}

/// Returns the names in a relation of either format: `a | b`, `docker-ce (<< 5)`, `docker-ce < 5`. Rich ones have none.
fn names(relation: &str) -> impl Iterator<Item = &str> {
    let plain = !relation.starts_with('(');
    let parts = relation.split('|').filter(move |_| plain);
    parts.filter_map(|part| part.split([' ', '(', ':']).find(|word| !word.is_empty()))
}

/// Says whether a relation means a version that is installed.
pub(super) fn means(format: Format, relation: &str, version: &str) -> bool {
    let wanted = match format {
        Format::Deb => relation.parse::<Relation>().ok().and_then(|relation| relation.version),
        Format::Rpm => rpm_version(relation),
    };
    let Some((comparison, wanted)) = wanted else { return true };
    let ordering = dam_pack::order::compare(format, version, &wanted);
    comparison.holds(ordering)
}

/// Reads `name < 5`.
fn rpm_version(relation: &str) -> Option<(dam_pack::Comparison, String)> {
    use dam_pack::Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};

    let mut words = relation.split_whitespace().skip(1);
    let comparison = match words.next()? {
        "<" => Less,
        "<=" => LessOrEqual,
        "=" => Equal,
        ">=" => GreaterOrEqual,
        ">" => Greater,
        _ => return None,
    };
    Some((comparison, words.next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use dam_pack::Format;

    use super::{means, names};

    #[test]
    fn relations_name_packages() {
        let of = |relation| names(relation).collect::<Vec<_>>();
        assert_eq!(of("iptables | nftables (>= 1)"), ["iptables", "nftables"]);
        assert_eq!(of("docker-ce < 5"), ["docker-ce"]);
        assert_eq!(of("python3:any"), ["python3"]);
        assert_eq!(of("(iptables-nft or iptables)"), [""; 0]);
    }

    #[test]
    fn a_relation_means_some_versions() {
        for (format, relation, version, expected) in [
            (Format::Deb, "docker.io", "20.10.24", true),
            (Format::Deb, "docker.io (<< 20)", "20.10.24", false),
            (Format::Deb, "docker.io (>= 20)", "20.10.24", true),
            (Format::Rpm, "docker < 26", "25.0-1", true),
            (Format::Rpm, "docker < 26", "2:25.0-1", false),
            (Format::Rpm, "docker = 25.0", "25.0-1", true),
        ] {
            assert_eq!(means(format, relation, version), expected, "{relation} {version}");
        }
    }
}
