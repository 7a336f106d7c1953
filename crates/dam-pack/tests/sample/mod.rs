//! A small package that has one of everything.

// Each test program takes what it needs.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dam_pack::{
    Architecture, Change, Content, DebScript, Effort, Entry, EntryKind, Format, Package, PackageVersion, Relations,
    Role, Scripts, WriteError, deb,
};

pub const LONG: &str =
    "a-file-whose-name-and-folders-are-longer-than-the-one-hundred-bytes-of-a-tar-header-as-some-licences-are.txt";

pub fn package() -> Package {
    let relation = |text: &str| text.parse().expect(text);
    let relations = Relations {
        recommends: vec![relation("iptables"), relation("ca-certificates (>= 2016)")],
        conflicts: vec![relation("docker-ce"), relation("docker.io (<< 30)")],
        ..Relations::default()
    };
    let scripts = BTreeMap::from([
        (DebScript::Postinst, "#!/bin/sh\nset -e\ntouch \"$DPKG_ROOT/configured\"\n".to_owned()),
        (DebScript::Prerm, "#!/bin/sh\nset -e\nexit 0\n".to_owned()),
    ]);
    let version = PackageVersion::new("26.1.5", "1").expect("a version");
    let mut package = Package {
        name: "dam-sample".parse().expect("a name"),
        version: version.clone(),
        epoch: 2,
        architecture: Architecture::X86_64,
        maintainer: "Ann Example <ann@example.org>".to_owned(),
        summary: "sample of a package".to_owned(),
        description: "It holds next to nothing.\n\nAnd says so.".to_owned(),
        homepage: Some("https://example.org/".to_owned()),
        license: "Apache-2.0".to_owned(),
        vendor: None,
        source_date: 1_700_000_000,
        effort: Effort::Small,
        relations: BTreeMap::from([(Format::Deb, relations)]),
        entries: Vec::new(),
        scripts: Scripts { deb: scripts, ..Scripts::default() },
        changelog: vec![Change { version, date: 1_700_000_000, lines: vec!["first".to_owned(), "one".to_owned()] }],
    };
    let changelog = deb::gzip(deb::changelog(&package).as_bytes());
    let folder = |path: &str, mode| entry(path, EntryKind::Folder { mode });
    package.entries = vec![
        file("/usr/bin/sample", b"#!/bin/sh\necho sample\n", 0o755, Role::Plain),
        file("/etc/sample.conf", b"setting = 1\n", 0o644, Role::Config),
        folder("/var/lib/sample", 0o700),
        entry("/usr/bin/another", EntryKind::Link { target: "sample".to_owned() }),
        file("/usr/share/doc/dam-sample/changelog.Debian.gz", &changelog, 0o644, Role::Doc),
        file(&format!("/usr/share/doc/dam-sample/{LONG}"), &[7; 1_500], 0o644, Role::License),
        Entry { only: vec![Format::Rpm], ..folder("/usr/lib/rpm-only", 0o755) },
    ];
    package
}

pub fn entry(path: &str, kind: EntryKind) -> Entry {
    Entry { path: path.parse().expect(path), kind, only: Vec::new() }
}

pub fn file(path: &str, bytes: &[u8], mode: u16, role: Role) -> Entry {
    entry(path, EntryKind::File { content: Content::Bytes(bytes.to_vec()), mode, role })
}

pub fn write(package: &Package, path: &Path) -> Result<(), WriteError> {
    deb::write(package, path, &mut dam_pack::unwatched)
}

/// Writes the package and returns its folder, which lives as long as the value, and its path.
pub fn written(package: &Package) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sample.deb");
    write(package, &path).expect("written");
    (folder, path)
}
