//! What a package needs, provides and excludes, as tags.

use crate::rpm::header::Header;
use crate::rpm::tag::{self, sense};
use crate::{Architecture, Comparison, Entry, EntryKind, Format, Package, Relation, Role, RpmScript};

/// A dependency: a name, how its version compares and why it is there, and the version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dependency {
    name: String,
    flags: u32,
    version: String,
}

impl Dependency {
    fn new(name: impl Into<String>, flags: u32, version: impl Into<String>) -> Self {
        Self { name: name.into(), flags, version: version.into() }
    }

    /// What rpm itself must be able to do.
    fn rpmlib(feature: &str, version: &str) -> Self {
        Self::new(format!("rpmlib({feature})"), sense::RPMLIB | sense::LESS | sense::EQUAL, version)
    }
}

impl From<&Relation> for Dependency {
    fn from(relation: &Relation) -> Self {
        let (flags, version) = match &relation.version {
            Some((comparison, version)) => (comparison_flags(*comparison), version.as_str()),
            None => (0, ""),
        };
        Self::new(&relation.name, flags, version)
    }
}

fn comparison_flags(comparison: Comparison) -> u32 {
    match comparison {
        Comparison::Less => sense::LESS,
        Comparison::LessOrEqual => sense::LESS | sense::EQUAL,
        Comparison::Equal => sense::EQUAL,
        Comparison::GreaterOrEqual => sense::GREATER | sense::EQUAL,
        Comparison::Greater => sense::GREATER,
    }
}

/// Returns `[epoch:]version-release`.
pub(super) fn full_version(package: &Package) -> String {
    match package.epoch {
        0 => package.version.to_string(),
        epoch => format!("{epoch}:{}", package.version),
    }
}

/// Writes all dependencies of a package that holds these files.
pub(super) fn describe(header: &mut Header, package: &Package, files: &[&Entry]) {
    let none = crate::Relations::default();
    let relations = package.relations.get(&Format::Rpm).unwrap_or(&none);
    let plain = |relations: &[Relation]| relations.iter().map(Dependency::from).collect::<Vec<_>>();
    let own = own_names(package, files);
    let mut requires = plain(&relations.depends);
    requires.extend(interpreters(package));
    requires.extend(own.iter().filter(|name| name.flags & sense::CONFIG != 0).cloned());
    let mut provides = plain(&relations.provides);
    provides.extend(own);
    let [conflicts, obsoletes, recommends, suggests] =
        [&relations.conflicts, &relations.replaces, &relations.recommends, &relations.suggests]
            .map(|relations| plain(relations));
    let all = [&requires, &provides, &conflicts, &obsoletes, &recommends, &suggests];
    let tilde = all.into_iter().flatten().any(|dependency| dependency.version.contains('~'));
    requires.extend(features(tilde, files));

    set(header, requires, [tag::REQUIRE_NAMES, tag::REQUIRE_FLAGS, tag::REQUIRE_VERSIONS]);
    set(header, provides, [tag::PROVIDE_NAMES, tag::PROVIDE_FLAGS, tag::PROVIDE_VERSIONS]);
    set(header, conflicts, [tag::CONFLICT_NAMES, tag::CONFLICT_FLAGS, tag::CONFLICT_VERSIONS]);
    set(header, obsoletes, [tag::OBSOLETE_NAMES, tag::OBSOLETE_FLAGS, tag::OBSOLETE_VERSIONS]);
    set(header, recommends, [tag::RECOMMEND_NAMES, tag::RECOMMEND_FLAGS, tag::RECOMMEND_VERSIONS]);
    set(header, suggests, [tag::SUGGEST_NAMES, tag::SUGGEST_FLAGS, tag::SUGGEST_VERSIONS]);
}

/// The names by which the package itself is found.
fn own_names(package: &Package, files: &[&Entry]) -> Vec<Dependency> {
    let version = full_version(package);
    let mut names = vec![Dependency::new(package.name.as_str(), sense::EQUAL, &version)];
    if let Some(isa) = isa(package.architecture) {
        names.push(Dependency::new(format!("{}({isa})", package.name), sense::EQUAL, &version));
    }
    let config = |entry: &&Entry| matches!(entry.kind, EntryKind::File { role: Role::Config, .. });
    if files.iter().any(config) {
        names.push(Dependency::new(format!("config({})", package.name), sense::EQUAL | sense::CONFIG, &version));
    }
    names
}

/// `%{_isa}` of <https://github.com/rpm-software-management/rpm/blob/rpm-4.18.x/installplatform>.
fn isa(architecture: Architecture) -> Option<&'static str> {
    match architecture {
        Architecture::All => None,
        Architecture::X86_64 => Some("x86-64"),
        Architecture::Aarch64 => Some("aarch-64"),
        Architecture::Armv7 => Some("armv7hl-32"),
        Architecture::Ppc64le => Some("ppc-64"),
        Architecture::S390x => Some("s390-64"),
        Architecture::Riscv64 => Some("riscv-64"),
    }
}

/// The shell, once for each place that needs it: it must be there by then.
fn interpreters(package: &Package) -> Vec<Dependency> {
    let place = |script: &RpmScript| match script {
        RpmScript::Pre => sense::PRE,
        RpmScript::Post => sense::POST,
        RpmScript::Preun => sense::PREUN,
        RpmScript::Postun => sense::POSTUN,
        RpmScript::Posttrans => sense::POSTTRANS,
    };
    let triggers = (!package.scripts.rpm_triggers.is_empty()).then_some(0);
    let places = package.scripts.rpm.keys().map(place).chain(triggers);
    places.map(|place| Dependency::new("/bin/sh", sense::INTERPRETER | place, "")).collect()
}

/// What rpm must know to read the package; all of it is known to rpm 4.11
/// (<https://github.com/rpm-software-management/rpm/blob/rpm-4.11.x/lib/rpmds.c>).
fn features(tilde: bool, files: &[&Entry]) -> Vec<Dependency> {
    let mut features = vec![
        Dependency::rpmlib("CompressedFileNames", "3.0.4-1"),
        Dependency::rpmlib("PayloadFilesHavePrefix", "4.0-1"),
        Dependency::rpmlib("PayloadIsXz", "5.2-1"),
    ];
    if !files.is_empty() {
        features.push(Dependency::rpmlib("FileDigests", "4.6.0-1"));
    }
    if tilde {
        features.push(Dependency::rpmlib("TildeInVersions", "4.10.0-1"));
    }
    features
}

/// Sorted, for rpm looks them up by binary search.
fn set(header: &mut Header, mut dependencies: Vec<Dependency>, [names, flags, versions]: [u32; 3]) {
    dependencies.sort();
    dependencies.dedup();
    header.texts(names, dependencies.iter().map(|dependency| dependency.name.as_str()));
    header.numbers(flags, dependencies.iter().map(|dependency| dependency.flags));
    header.texts(versions, dependencies.iter().map(|dependency| dependency.version.as_str()));
}
