//! A `.deb` of any maker is read as dpkg reads it, and a bad one is told apart.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;

use dam_pack::{
    Compression, Construct, EntryView, Format, KindView, PackageView, ReadError, RelationKind, RoleView, deb,
};
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use sha2::{Digest, Sha256};

use crate::sample::{LONG, package, written};

mod sample;

fn read(bytes: &[u8]) -> Result<PackageView, ReadError> {
    deb::read(&mut &*bytes, &mut |_, _, _| Ok(()))
}

fn fault(bytes: &[u8]) -> String {
    read(bytes).expect_err("a bad package").to_string()
}

fn sample_bytes() -> Vec<u8> {
    let (_folder, path) = written(&package());
    fs::read(path).expect("written")
}

fn line(entry: &EntryView) -> String {
    let kind = match &entry.kind {
        KindView::File { size, .. } => format!("file {size}"),
        KindView::Folder => "folder".to_owned(),
        KindView::Link { target } => format!("link {target}"),
        KindView::HardLink { target } => format!("hard link {target}"),
        KindView::Special => "special".to_owned(),
    };
    let (owner, group) = (&entry.owner, &entry.group);
    format!("{} {kind} {:o} {owner}:{group} {:?} {}", entry.path, entry.mode, entry.role, entry.time)
}

#[test]
fn our_own_is_read_back() {
    let view = read(&sample_bytes()).expect("good");
    assert_eq!((view.format, &*view.name, &*view.version), (Format::Deb, "dam-sample", "2:26.1.5-1"));
    assert_eq!((&*view.architecture, &*view.summary), ("amd64", "sample of a package"));
    assert_eq!(view.description, "It holds next to nothing.\n\nAnd says so.");
    assert_eq!(view.field("installed-size"), Some("16"));
    let names: Vec<_> = view.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Maintainer", "Installed-Size", "Section", "Priority", "Multi-Arch", "Homepage"]);
    assert_eq!(view.relations(RelationKind::Conflicts), ["docker-ce", "docker.io (<< 30)"]);
    assert_eq!(view.relations(RelationKind::Recommends), ["iptables", "ca-certificates (>= 2016)"]);
    assert!(view.relations(RelationKind::Depends).is_empty());
    let entries: Vec<_> = view.entries.iter().map(line).collect();
    let long = format!("/usr/share/doc/dam-sample/{LONG} file 1500 644 root:root Plain 1700000000");
    assert_eq!(
        entries,
        [
            "/etc folder 755 root:root Plain 1700000000",
            "/etc/sample.conf file 12 644 root:root Config 1700000000",
            "/usr folder 755 root:root Plain 1700000000",
            "/usr/bin folder 755 root:root Plain 1700000000",
            "/usr/bin/another link sample 777 root:root Plain 1700000000",
            "/usr/bin/sample file 22 755 root:root Plain 1700000000",
            "/usr/share folder 755 root:root Plain 1700000000",
            "/usr/share/doc folder 755 root:root Plain 1700000000",
            "/usr/share/doc/dam-sample folder 755 root:root Plain 1700000000",
            &long,
            "/usr/share/doc/dam-sample/changelog.Debian.gz file 138 644 root:root Plain 1700000000",
            "/var folder 755 root:root Plain 1700000000",
            "/var/lib folder 755 root:root Plain 1700000000",
            "/var/lib/sample folder 700 root:root Plain 1700000000",
        ]
    );
    let sha256 = Some(Sha256::digest(b"setting = 1\n").into());
    assert_eq!(view.entry("/etc/sample.conf").expect("there").kind, KindView::File { size: 12, sha256 });
    let places: Vec<_> = view.scripts.iter().map(|script| (&*script.place, &*script.interpreter)).collect();
    assert_eq!(places, [("postinst", "/bin/sh"), ("prerm", "/bin/sh")]);
    assert_eq!(view.scripts[1].text, "#!/bin/sh\nset -e\nexit 0\n");
    let part = |part: &str| part.to_owned();
    let xz = |of: &str| Construct::Compressed { part: part(of), by: Compression::Xz };
    let memory = |of: &str, dictionary| Construct::XzMemory { part: part(of), dictionary };
    assert_eq!(
        view.constructs,
        [
            xz("control.tar"),
            memory("control.tar", 64 << 10),
            xz("data.tar"),
            memory("data.tar", 64 << 10),
            Construct::XzFilter { part: part("data.tar"), id: 4 },
            Construct::GnuLongName { part: part("data.tar") },
        ]
    );
}

#[test]
fn a_visitor_sees_each_file_and_may_leave_a_rest() {
    let mut seen = Vec::new();
    let mut visitor = |path: &str, size: u64, content: &mut dyn Read| -> io::Result<()> {
        let mut start = [0; 9];
        content.read_exact(&mut start)?;
        seen.push((path.to_owned(), size, start));
        Ok(())
    };
    let view = deb::read(&mut &*sample_bytes(), &mut visitor).expect("good");
    assert_eq!(seen.len(), 4);
    assert_eq!(seen[1], ("/usr/bin/sample".to_owned(), 22, *b"#!/bin/sh"));
    assert_eq!(view, read(&sample_bytes()).expect("good"));
    let mut no = |_: &str, _: u64, _: &mut dyn Read| Err(io::Error::other("seen enough"));
    let error = deb::read(&mut &*sample_bytes(), &mut no).expect_err("its own");
    assert_eq!(error.to_string(), "cannot look into `/etc/sample.conf`");
}

/// Packs a tree with Debian's own tool.
fn foreign(arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join("tree").join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        fs::write(path, text).expect("written");
    };
    let control = "Package: foreign\nVersion: 1:2.0~rc1\nArchitecture: all\nMaintainer: A <a@example.org>\n\
                   Depends: libc6 (>= 2.17), a | b\n ,\n c:any\nDescription: short\n long\n";
    write("DEBIAN/control", control);
    write("DEBIAN/conffiles", "/etc/one\n");
    write("DEBIAN/triggers", "interest-noawait /usr/share\n");
    write("etc/one", "1\n");
    write(&format!("usr/{LONG}"), "long");
    let tree = folder.path().join("tree");
    fs::hard_link(tree.join("etc/one"), tree.join("usr/two")).expect("linked");
    std::os::unix::fs::symlink("etc", tree.join("way")).expect("linked");
    let path = folder.path().join("foreign.deb");
    let mut command = Command::new("dpkg-deb");
    command.args(["--root-owner-group", "--build"]).args(arguments).arg(tree).arg(&path);
    assert!(command.output().expect("dpkg-deb").status.success(), "{arguments:?}");
    fs::read(path).expect("built")
}

#[test]
fn those_of_dpkg_are_read() {
    let kinds = [
        (["-Zgzip", "--uniform-compression"], Compression::Gzip, Compression::Gzip),
        (["-Zxz", "--uniform-compression"], Compression::Xz, Compression::Xz),
        (["-Zzstd", "--uniform-compression"], Compression::Zstd, Compression::Zstd),
        (["-Zzstd", "--no-uniform-compression"], Compression::Gzip, Compression::Zstd),
        (["-Znone", "--no-uniform-compression"], Compression::Gzip, Compression::None),
    ];
    for (arguments, control, data) in kinds {
        let view = read(&foreign(&arguments)).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
        assert_eq!((&*view.version, &*view.description), ("1:2.0~rc1", "long"));
        assert_eq!(view.relations(RelationKind::Depends), ["libc6 (>= 2.17)", "a | b", "c:any"]);
        assert_eq!(view.field("triggers"), Some("interest-noawait /usr/share\n"));
        let entry = |path: &str| view.entry(path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(entry("/etc/one").role, RoleView::Config);
        assert!(matches!(entry(&format!("/usr/{LONG}")).kind, KindView::File { size: 4, .. }));
        assert_eq!(entry("/way").kind, KindView::Link { target: "etc".to_owned() });
        // Which of the two names comes first is the file system's business.
        let hard = [entry("/etc/one"), entry("/usr/two")].map(|entry| matches!(entry.kind, KindView::HardLink { .. }));
        assert!(hard[0] != hard[1]);
        for (part, by) in [("control.tar", control), ("data.tar", data)] {
            let construct = Construct::Compressed { part: part.to_owned(), by };
            assert!(view.constructs.contains(&construct), "{arguments:?}: {:?}", view.constructs);
        }
    }
}

/// Puts an archive together from members.
fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        bytes.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len()).bytes());
        bytes.extend_from_slice(content);
        bytes.extend(vec![b'\n'; content.len() % 2]);
    }
    bytes
}

fn tar(arguments: &[&str], files: &[(&str, &str)]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("written");
    }
    let mut command = Command::new("tar");
    command.args(["--create", "--file=-"]).args(arguments).args(files.iter().map(|(name, _)| name));
    let output = command.current_dir(folder.path()).output().expect("tar");
    assert!(output.status.success());
    output.stdout
}

const CONTROL: &str = "Package: a\nVersion: 1\n";

#[test]
fn members_are_the_three_in_their_order() {
    let control = tar(&[], &[("control", CONTROL)]);
    let data = tar(&[], &[("a", "1")]);
    let binary = ("debian-binary", &b"2.0\n"[..]);
    let (control, data) = (("control.tar", &control[..]), ("data.tar/", &data[..]));
    assert_eq!(read(&ar(&[binary, control, data])).expect("good").entries.len(), 1);
    let signed = read(&ar(&[binary, ("_odd", b"1"), control, data, ("_gpgorigin", b"signed")])).expect("good");
    let foreign = |name: &str| Construct::ForeignMember { name: name.to_owned() };
    assert!(signed.constructs.contains(&foreign("_odd")) && signed.constructs.contains(&foreign("_gpgorigin")));
    assert_eq!(fault(&ar(&[binary, data, control])), "ar: `data.tar` stands where `control.tar` should");
    assert_eq!(fault(&ar(&[control, data])), "ar: `control.tar` stands where `debian-binary` should");
    assert_eq!(fault(&ar(&[binary, control])), "ar: it has no `data.tar`");
    assert_eq!(
        fault(&ar(&[binary, ("control.tar.br", b"")])),
        "ar: `control.tar.br` stands where `control.tar` should"
    );
    assert_eq!(fault(&ar(&[("debian-binary", b"3.0\n")])), "debian-binary: its format is `3.0`, not 2");
    assert_eq!(fault(&ar(&[("debian-binary", &[b'2'; 2_000])])), "debian-binary: more than 1024 bytes");
    let bzip2 = fault(&ar(&[binary, control, ("data.tar.bz2", b"BZh")]));
    assert_eq!(bzip2, "data.tar: it is compressed in a way that went out of use");
    assert_eq!(fault(b"\xed\xab\xee\xdb and so on"), "ar: it is no .deb");
    assert_eq!(fault(b""), "ar: it ends early");
}

#[test]
fn control_archives_say_what_they_must() {
    let with = |files: &[(&str, &str)]| {
        let control = tar(&[], files);
        fault(&ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control)]))
    };
    assert_eq!(with(&[("other", "")]), "control.tar: it has no `control`");
    assert_eq!(with(&[("control", "Package: a\n")]), "control: it has no `Version`");
    assert_eq!(with(&[("control", "Package\n")]), "control: line 1 is no field");
}

#[test]
fn pax_headers_are_told() {
    let control = tar(&[], &[("control", CONTROL)]);
    let data = tar(&["--format=pax"], &[("a", "1")]);
    let view = read(&ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control), ("data.tar", &data)]));
    let view = view.expect("skipped");
    assert!(view.constructs.contains(&Construct::PaxHeader { part: "data.tar".to_owned() }));
    assert!(view.entry("/a").is_some());
}

#[test]
fn a_stick_that_is_pulled_out_is_no_damage() {
    struct Pulled<'a>(&'a [u8]);
    impl Read for Pulled<'_> {
        fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
            match self.0.read(piece)? {
                0 => Err(io::Error::from_raw_os_error(5)),
                length => Ok(length),
            }
        }
    }
    let bytes = sample_bytes();
    for length in [4, 30, 100, 600, 1_000, bytes.len() - 5] {
        let error = deb::read(&mut Pulled(&bytes[..length]), &mut |_, _, _| Ok(())).expect_err("pulled");
        assert!(matches!(&error, ReadError::Input(cause) if cause.raw_os_error() == Some(5)), "{length}: {error:?}");
    }
}

#[test]
fn a_package_is_whole_or_bad() {
    let bytes = sample_bytes();
    // The last byte may be the one that fills the last member up.
    for length in 0..bytes.len() - 1 {
        assert!(read(&bytes[..length]).is_err(), "{length} of {}", bytes.len());
    }
}

/// The archive of Debian itself, where a machine has some of it.
#[test]
fn packages_of_this_machine_are_read() {
    for entry in fs::read_dir("/var/cache/apt/archives").into_iter().flatten().flatten().take(20) {
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == "deb") {
            check_against_dpkg(&path);
        }
    }
}

fn check_against_dpkg(path: &Path) {
    let mut file = fs::File::open(path).expect("readable");
    let view =
        deb::read(&mut file, &mut |_, _, _| Ok(())).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let output = Command::new("dpkg-deb").arg("--show").arg(path).output().expect("dpkg-deb");
    let shown = format!("{}\t{}\n", view.name, view.version);
    assert_eq!(String::from_utf8_lossy(&output.stdout), shown);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damage_is_an_error_or_nothing(
        places in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = sample_bytes();
        for (at, byte) in places {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // Only the headers of the outer archive have no checksum, and there nothing but times and owners goes unseen.
        if let Ok(view) = read(&bytes) {
            prop_assert_eq!(view, read(&sample_bytes()).expect("good"));
        }
    }
}
