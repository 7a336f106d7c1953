//! What a package of the engine needs, and what it cannot stand beside.

use std::collections::BTreeMap;

use dam_pack::{Format, Relation, Relations};
use toml::de::DeTable;

use super::reader::Reader;

/// Other packages of the engine, which own the same paths. Those of containerd and runc do not: theirs are elsewhere.
const OTHERS_DEB: &[&str] =
    &["docker-ce", "docker-ce-cli", "docker.io", "docker-cli", "docker-engine", "moby-engine", "podman-docker"];
const OTHERS_RPM: &[&str] = &[
    "docker-ce",
    "docker-ce-cli",
    "docker",
    "docker-io",
    "docker-ee",
    "docker-engine",
    "moby-engine",
    "podman-docker",
];

/// Packages with the files of the Compose plugin: upstream's, Debian's and Ubuntu's.
const COMPOSE: &[&str] = &["docker-compose-plugin", "docker-compose", "docker-compose-v2"];

/// Packages with the file of the Buildx plugin.
const BUILDX: &[&str] = &["docker-buildx-plugin", "docker-buildx"];

/// Returns what a recipe says if it says nothing.
///
/// Nothing is needed that a machine without internet may lack: `iptables` is missing on a small Debian, and
/// `container-selinux` on SUSE and Amazon Linux 2. `dam doctor` tells what is missing.
pub(super) fn defaults() -> BTreeMap<Format, Relations> {
    let deb = Relations {
        recommends: named(&["iptables", "apparmor", "ca-certificates", "xz-utils"]),
        suggests: named(&["pigz", "git"]),
        conflicts: named(OTHERS_DEB),
        ..Relations::default()
    };
    let rpm = Relations {
        depends: named(&["/usr/sbin/groupadd"]),
        recommends: named(&["iptables", "container-selinux", "ca-certificates", "xz"]),
        suggests: named(&["pigz", "git"]),
        conflicts: named(OTHERS_RPM),
        ..Relations::default()
    };
    BTreeMap::from([(Format::Deb, deb), (Format::Rpm, rpm)])
}

fn named(names: &[&str]) -> Vec<Relation> {
    names.iter().map(|name| Relation { name: (*name).to_owned(), version: None }).collect()
}

/// Reads the sections of both formats. A list that is there replaces the default one.
pub(super) fn read<'d>(reader: &mut Reader<'d>, document: &'d DeTable<'d>) -> BTreeMap<Format, Relations> {
    let mut relations = defaults();
    for (format, name) in [(Format::Deb, "deb"), (Format::Rpm, "rpm")] {
        let section = reader.section(document, name);
        let stated = relations.entry(format).or_default();
        let places = [
            ("depends", &mut stated.depends),
            ("recommends", &mut stated.recommends),
            ("suggests", &mut stated.suggests),
            ("conflicts", &mut stated.conflicts),
            ("provides", &mut stated.provides),
            ("replaces", &mut stated.replaces),
        ];
        for (key, place) in places {
            if let Some(list) = reader.list(&section, key, str::parse::<Relation>) {
                *place = list;
            }
        }
    }
    relations
}

/// Adds conflicts with packages that have the files of the plugins.
pub(super) fn exclude_plugins(relations: &mut Relations, format: Format, has_compose: bool, has_buildx: bool) {
    // Only Ubuntu has this name, and RPM would carry it for nothing.
    let is_known = |name: &&&str| format == Format::Deb || **name != "docker-compose-v2";
    let compose = COMPOSE.iter().filter(|_| has_compose).filter(is_known);
    for name in compose.chain(BUILDX.iter().filter(|_| has_buildx)) {
        if relations.conflicts.iter().all(|relation| relation.name != *name) {
            relations.conflicts.extend(named(&[name]));
        }
    }
}
