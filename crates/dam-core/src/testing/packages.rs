//! Small packages with the units and the scripts of an engine, for what looks at packages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dam_pack::{
    Architecture, Content, DebScript, Effort, Entry, EntryKind, Format, Package, PackageVersion, Relations, Role,
    RpmScript, Scripts, deb, rpm,
};

/// Describes `dam-docker`: one program, its units, a setting, and a group.
///
/// The program is not one, and carries its version; the package is otherwise the same in each.
pub fn package(version: &str) -> Package {
    let relation = |text: &str| text.parse().expect("a relation");
    let relations = |of: &[&str]| Relations {
        recommends: vec![relation("iptables")],
        conflicts: of.iter().map(|name| relation(name)).collect(),
        ..Relations::default()
    };
    let unit = |folder: &str, name: &str, text: &str, only: Format| Entry {
        only: vec![only],
        ..file(&format!("{folder}/{name}"), text.as_bytes(), 0o644, Role::Plain)
    };
    let mut entries = vec![
        file("/usr/bin/docker", format!("docker {version}\n").as_bytes(), 0o755, Role::Plain),
        file("/etc/default/dam-docker", b"# nothing\n", 0o644, Role::Config),
        Entry {
            path: "/usr/libexec/docker/cli-plugins".parse().expect("a path"),
            kind: EntryKind::Folder { mode: 0o755 },
            only: Vec::new(),
        },
    ];
    for (folder, only) in [("/lib/systemd/system", Format::Deb), ("/usr/lib/systemd/system", Format::Rpm)] {
        entries.push(unit(folder, "docker.service", SERVICE, only));
        entries.push(unit(folder, "docker.socket", SOCKET, only));
    }
    Package {
        name: "dam-docker".parse().expect("a name"),
        version: PackageVersion::new(version, "1").expect("a version"),
        epoch: 0,
        architecture: Architecture::X86_64,
        maintainer: "Ann Example <ann@example.org>".to_owned(),
        summary: "Docker Engine for every Linux".to_owned(),
        description: "Docker's own static programs.".to_owned(),
        homepage: None,
        license: "Apache-2.0".to_owned(),
        vendor: None,
        source_date: 1_700_000_000,
        effort: Effort::Small,
        relations: BTreeMap::from([
            (Format::Deb, relations(&["docker.io", "docker-ce"])),
            (Format::Rpm, relations(&["docker", "docker-ce"])),
        ]),
        entries,
        scripts: scripts(),
        changelog: Vec::new(),
    }
}

/// Writes a package as a `.deb` into a folder, and returns its path.
pub fn write_deb(package: &Package, folder: &Path) -> PathBuf {
    let path = folder.join(name(Format::Deb, package));
    deb::write(package, &path, &mut dam_pack::unwatched).expect("a small package");
    path
}

/// Writes a package as an unsigned `.rpm` into a folder, and returns its path.
pub fn write_rpm(package: &Package, folder: &Path) -> PathBuf {
    let path = folder.join(name(Format::Rpm, package));
    rpm::write(package, &path, None, &mut dam_pack::unwatched).expect("a small package");
    path
}

fn name(format: Format, package: &Package) -> String {
    dam_pack::file_name(format, &package.name, &package.version, package.architecture)
}

/// Units of its own: what looks at packages should not see when those of the engine change.
const SERVICE: &str = "[Unit]\nDescription=Docker Engine\nRequires=docker.socket\n\n[Service]\nType=notify\n\
                       ExecStart=/usr/bin/dockerd -H fd://\n\n[Install]\nWantedBy=multi-user.target\n";
const SOCKET: &str = "[Unit]\nDescription=Docker Engine's API\n\n[Socket]\nListenStream=/run/docker.sock\nSocketMode=0660\n\n\
                      [Install]\nWantedBy=sockets.target\n";

fn file(path: &str, bytes: &[u8], mode: u16, role: Role) -> Entry {
    let content = Content::Bytes(bytes.to_vec());
    Entry { path: path.parse().expect("a path"), kind: EntryKind::File { content, mode, role }, only: Vec::new() }
}

/// Scripts of its own, for the same reason, of which the restart is known as in those of a life cycle.
fn scripts() -> Scripts {
    let script = |text: &str| format!("#!/bin/sh\nset -e\ncommand -v systemctl >/dev/null || exit 0\n{text}");
    let remove = || script("systemctl stop docker.service\n");
    Scripts {
        deb: BTreeMap::from([(DebScript::Postinst, script(RESTART)), (DebScript::Prerm, remove())]),
        rpm: BTreeMap::from([(RpmScript::Posttrans, script(RESTART)), (RpmScript::Preun, remove())]),
        rpm_triggers: BTreeMap::new(),
    }
}

const RESTART: &str = "settings=/etc/dam-docker\n\
                       restart_wanted() { test ! -e $settings/no-restart; }\n\
                       say() { echo \"$*\"; }\n\
                       if restart_wanted docker.service; then\n    \
                           say 'docker.service restarts: containers stop, for live-restore is off'\n    \
                           systemctl restart docker.service\n\
                       fi\n";
