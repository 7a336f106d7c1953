//! A package with one of everything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dam_pack::{
    Architecture, Change, Content, Effort, Entry, EntryKind, Format, Package, PackageVersion, Relation, Relations,
    Role, RpmScript, Scripts,
};
use tempfile::TempDir;

/// 2023-11-14 22:13:20 UTC.
pub(crate) const DATE: u32 = 1_700_000_000;

/// A folder with packages.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a package here.
    pub(crate) fn write(&self, package: &Package) -> PathBuf {
        let path =
            self.0.path().join(dam_pack::file_name(Format::Rpm, &package.name, &package.version, package.architecture));
        dam_pack::rpm::write(package, &path, None, &mut dam_pack::unwatched).expect("a good description");
        path
    }

    /// Returns the bytes of a package.
    pub(crate) fn bytes(&self, package: &Package) -> Vec<u8> {
        std::fs::read(self.write(package)).expect("a file")
    }
}

pub(crate) fn version(upstream: &str) -> PackageVersion {
    PackageVersion::new(upstream, "1").expect("a version")
}

pub(crate) fn relations(texts: &[&str]) -> Vec<Relation> {
    texts.iter().map(|text| text.parse().expect("a relation")).collect()
}

pub(crate) fn file(path: &str, bytes: &[u8], mode: u16, role: Role) -> Entry {
    entry(path, EntryKind::File { content: Content::Bytes(bytes.to_owned()), mode, role })
}

pub(crate) fn entry(path: &str, kind: EntryKind) -> Entry {
    Entry { path: path.parse().expect("a path"), kind, only: Vec::new() }
}

/// The smallest package.
pub(crate) fn empty() -> Package {
    Package {
        name: "sample".parse().expect("a name"),
        version: version("1.0"),
        epoch: 0,
        architecture: Architecture::All,
        maintainer: "Some One <some@one.example>".to_owned(),
        summary: "A sample".to_owned(),
        description: "It does nothing.".to_owned(),
        homepage: None,
        license: "MIT".to_owned(),
        vendor: None,
        source_date: DATE,
        effort: Effort::Small,
        relations: BTreeMap::new(),
        entries: Vec::new(),
        scripts: Scripts::default(),
        changelog: Vec::new(),
    }
}

/// A package with one of everything.
pub(crate) fn full() -> Package {
    let script = |place, name: &str| (place, format!("#!/bin/sh\necho {name} $1 >>/log"));
    let triggers =
        ["container-selinux", "other"].map(|name| (name.to_owned(), format!("#!/bin/sh\necho trigger {name}")));
    let relations = Relations {
        depends: relations(&["iptables", "tar (>= 1.2)"]),
        recommends: relations(&["container-selinux (>= 2:2.74)"]),
        suggests: relations(&["git"]),
        conflicts: relations(&["docker-ce", "docker (<< 3)"]),
        provides: relations(&["docker-thing (= 3)"]),
        replaces: relations(&["dam-old (<< 2)"]),
    };
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(100_000, 7);
    Package {
        version: version("26.1.5~rc1"),
        epoch: 2,
        architecture: Architecture::X86_64,
        description: "It is a thing.\n\nOf two paragraphs.".to_owned(),
        homepage: Some("https://example.org/".to_owned()),
        vendor: Some("Some".to_owned()),
        relations: BTreeMap::from([(Format::Rpm, relations)]),
        entries: vec![
            entry("/usr/bin/b", EntryKind::Link { target: "a".to_owned() }),
            file("/usr/bin/a", b"hello\n", 0o755, Role::Plain),
            file("/usr/bin/elf", &elf, 0o755, Role::Plain),
            entry("/etc/sample", EntryKind::Folder { mode: 0o711 }),
            file("/etc/sample/deep/er", b"er", 0o644, Role::Plain),
            file("/etc/sample/setting", b"a = 1\n", 0o640, Role::Config),
            file("/usr/share/doc/sample/README", b"read\n", 0o644, Role::Doc),
            file("/usr/share/doc/sample/EMPTY", b"", 0o644, Role::Doc),
            file("/usr/share/licenses/sample/LICENSE", b"may\n", 0o644, Role::License),
            Entry { only: vec![Format::Deb], ..file("/usr/share/deb", b"deb", 0o644, Role::Plain) },
        ],
        scripts: Scripts {
            deb: BTreeMap::new(),
            rpm: BTreeMap::from([
                script(RpmScript::Pre, "pre"),
                script(RpmScript::Post, "post"),
                script(RpmScript::Preun, "preun"),
                script(RpmScript::Postun, "postun"),
                script(RpmScript::Posttrans, "posttrans"),
            ]),
            rpm_triggers: BTreeMap::from(triggers),
        },
        changelog: vec![
            // At noon, as rpmbuild has every change.
            Change {
                version: version("26.1.5~rc1"),
                date: 1_699_963_200,
                lines: vec!["one".to_owned(), "two".to_owned()],
            },
            Change { version: version("26.1.4"), date: 1_699_876_800, lines: vec!["zero".to_owned()] },
        ],
        ..empty()
    }
}
