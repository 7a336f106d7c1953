//! What is written is read by dpkg, is the same everywhere, and is whole or not there.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use dam_pack::{Architecture, Content, DebScript, Effort, EntryKind, Format, Package, Relations, Role, XzEncoder};
use sha2::{Digest, Sha256};

use crate::sample::{LONG, entry, file, package, write, written};

mod sample;

/// Returns what a program says of the package; its times are those of UTC.
fn said(program: &str, arguments: &[&str], path: &Path) -> String {
    let mut command = Command::new(program);
    let output = command.args(arguments).arg(path).env("TZ", "UTC").env("LC_ALL", "C").output().expect(program);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn dpkg_reads_the_fields() {
    let (_folder, path) = written(&package());
    let fields = "\
Package: dam-sample
Version: 2:26.1.5-1
Architecture: amd64
Maintainer: Ann Example <ann@example.org>
Installed-Size: 16
Recommends: iptables, ca-certificates (>= 2016)
Conflicts: docker-ce, docker.io (<< 30)
Section: admin
Priority: optional
Multi-Arch: foreign
Homepage: https://example.org/
Description: sample of a package
 It holds next to nothing.
 .
 And says so.
";
    assert_eq!(said("dpkg-deb", &["--field"], &path), fields);
    assert_eq!(said("dpkg-deb", &["--show", "--showformat=${Package} ${Version}"], &path), "dam-sample 2:26.1.5-1");
}

#[test]
fn dpkg_reads_the_entries() {
    let (_folder, path) = written(&package());
    let contents = format!(
        "\
drwxr-xr-x root/root         0 2023-11-14 22:13 ./
drwxr-xr-x root/root         0 2023-11-14 22:13 ./etc/
-rw-r--r-- root/root        12 2023-11-14 22:13 ./etc/sample.conf
drwxr-xr-x root/root         0 2023-11-14 22:13 ./usr/
drwxr-xr-x root/root         0 2023-11-14 22:13 ./usr/bin/
-rwxr-xr-x root/root        22 2023-11-14 22:13 ./usr/bin/sample
drwxr-xr-x root/root         0 2023-11-14 22:13 ./usr/share/
drwxr-xr-x root/root         0 2023-11-14 22:13 ./usr/share/doc/
drwxr-xr-x root/root         0 2023-11-14 22:13 ./usr/share/doc/dam-sample/
-rw-r--r-- root/root      1500 2023-11-14 22:13 ./usr/share/doc/dam-sample/{LONG}
-rw-r--r-- root/root       138 2023-11-14 22:13 ./usr/share/doc/dam-sample/changelog.Debian.gz
drwxr-xr-x root/root         0 2023-11-14 22:13 ./var/
drwxr-xr-x root/root         0 2023-11-14 22:13 ./var/lib/
drwx------ root/root         0 2023-11-14 22:13 ./var/lib/sample/
lrwxrwxrwx root/root         0 2023-11-14 22:13 ./usr/bin/another -> sample
"
    );
    assert_eq!(said("dpkg-deb", &["--contents"], &path), contents);
}

#[test]
fn dpkg_unpacks_scripts_settings_and_sums() {
    let (folder, path) = written(&package());
    let control = folder.path().join("control");
    said("dpkg-deb", &["--control", path.to_str().expect("text")], &control);
    let read = |name: &str| fs::read_to_string(control.join(name)).expect(name);
    assert_eq!(read("conffiles"), "/etc/sample.conf\n");
    assert_eq!(read("postinst"), package().scripts.deb[&DebScript::Postinst]);
    let modes =
        said("find", &[control.to_str().expect("text"), "-type", "f", "-printf", "%f %m\n"], Path::new("-true"));
    let mut modes: Vec<_> = modes.lines().collect();
    modes.sort_unstable();
    assert_eq!(modes, ["conffiles 644", "control 644", "md5sums 644", "postinst 755", "prerm 755"]);
    let root = folder.path().join("root");
    said("dpkg-deb", &["--extract", path.to_str().expect("text")], &root);
    let sums = control.join("md5sums");
    let checked = Command::new("md5sum").arg("--check").arg(&sums).current_dir(&root).output().expect("md5sum");
    let text = String::from_utf8(checked.stdout).expect("text");
    assert_eq!(text.lines().filter(|line| line.ends_with(": OK")).count(), 3, "{text}");
    assert!(!text.contains("sample.conf"), "{text}");
    assert_eq!(read("md5sums").lines().count(), 3);
}

/// The parts are the three that dpkg wants, in their order, and xz finds no fault in them within rpm's limit of memory.
#[test]
fn the_parts_are_good_archives() {
    let (folder, path) = written(&package());
    assert_eq!(said("ar", &["t"], &path), "debian-binary\ncontrol.tar.xz\ndata.tar.xz\n");
    for part in ["control.tar.xz", "data.tar.xz"] {
        let bytes = Command::new("ar").arg("p").arg(&path).arg(part).output().expect("ar").stdout;
        let file = folder.path().join(part);
        fs::write(&file, bytes).expect("written");
        said("xz", &["--test", "--memlimit-decompress=100MiB"], &file);
    }
    // `--fsys-tarfile` undoes the filter for x86, too.
    let tar = folder.path().join("data.tar");
    let output = Command::new("dpkg-deb").arg("--fsys-tarfile").arg(&path).output().expect("dpkg-deb");
    fs::write(&tar, output.stdout).expect("written");
    assert_eq!(said("tar", &["--list", "--file"], &tar).lines().count(), 15);
}

/// An engine's package has the largest dictionary; that is in the stream's header, however little follows.
#[test]
fn the_largest_dictionary_is_within_rpms_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("large.xz");
    let output = fs::File::create(&file).expect("created");
    let mut encoder = XzEncoder::new(output, Architecture::X86_64, 4 << 30, Effort::Small).expect("good options");
    encoder.write_all(b"little").expect("written");
    encoder.finish().expect("ended");
    assert_eq!(said("xz", &["--stdout", "--decompress", "--memlimit-decompress=100MiB"], &file), "little");
    let small = Command::new("xz").args(["--test", "--memlimit-decompress=60MiB"]).arg(&file).output().expect("xz");
    assert!(!small.status.success(), "it has no dictionary of 64 MiB");
}

#[test]
fn dpkg_installs_and_purges() {
    let (folder, path) = written(&Package { architecture: Architecture::All, ..package() });
    let root = folder.path().join("root");
    for part in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "usr/bin"] {
        fs::create_dir_all(root.join(part)).expect("a folder");
    }
    for part in ["status", "available"] {
        fs::write(root.join("var/lib/dpkg").join(part), "").expect("written");
    }
    let argument = format!("--root={}", root.display());
    // Scripts run on this machine and are told the root.
    let dpkg = |arguments: &[&str], path: &Path| {
        let all =
            [&[&*argument, "--force-script-chrootless", "--force-not-root", "--force-bad-path"], arguments].concat();
        said("dpkg", &all, path)
    };
    dpkg(&["--install"], &path);
    assert!(root.join("configured").exists());
    assert_eq!(fs::read_link(root.join("usr/bin/another")).expect("a link"), Path::new("sample"));
    fs::remove_file(root.join("configured")).expect("it was there");
    assert_eq!(dpkg(&["--verify"], Path::new("dam-sample")), "");
    fs::write(root.join("etc/sample.conf"), "setting = 2\n").expect("written");
    dpkg(&["--remove"], Path::new("dam-sample"));
    assert!(!root.join("usr/bin").exists() || !root.join("usr/bin/sample").exists());
    assert_eq!(fs::read_to_string(root.join("etc/sample.conf")).expect("kept"), "setting = 2\n");
    dpkg(&["--purge"], Path::new("dam-sample"));
    assert!(!root.join("etc/sample.conf").exists());
}

fn digest(path: &Path) -> String {
    Sha256::digest(fs::read(path).expect("written")).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A new digest means that packages of the same description have other bytes than before: a new version of a compressor
/// may do that, and the changelog says so.
#[test]
fn the_bytes_are_those_of_last_year() {
    let (_folder, path) = written(&package());
    assert_eq!(digest(&path), "cd12ca8d4cc23aa3fe26088b17527faf0c1d05af91d7ec548bd8efd92beb8f37");
}

#[test]
fn the_bytes_are_the_same_everywhere() {
    let (folder, path) = written(&package());
    // In another process, folder, time zone and language, with another umask, and over what was there.
    let other = folder.path().join("other.deb");
    fs::write(&other, "what was there").expect("written");
    let exe = fs::read_link("/proc/self/exe").expect("this program");
    let mut child = Command::new("sh")
        .args(["-c", "umask 077 && cd / && exec \"$0\" --exact writes_for_another_test --ignored --nocapture"])
        .arg(exe)
        .envs([("TZ", "Pacific/Chatham"), ("LC_ALL", "C"), ("SOURCE_DATE_EPOCH", "1"), ("HOME", "/nonexistent")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("sh");
    let mut input = child.stdin.take().expect("piped");
    input.write_all(other.to_str().expect("text").as_bytes()).expect("told");
    drop(input);
    assert!(child.wait().expect("ran").success());
    assert_eq!(digest(&other), digest(&path));
    // Entries may come in any order.
    let mut package = package();
    package.entries.reverse();
    let (_reversed, reversed) = written(&package);
    assert_eq!(digest(&reversed), digest(&path));
}

#[test]
#[ignore = "run by another test in a process of its own"]
fn writes_for_another_test() {
    let mut path = String::new();
    std::io::stdin().read_to_string(&mut path).expect("told");
    write(&package(), Path::new(&path)).expect("written");
}

/// Asserts that nothing is written and returns the fault, with its cause.
fn fault(package: &Package) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sample.deb");
    let error = write(package, &path).expect_err("a bad package");
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
    error.to_string()
}

#[test]
fn contents_are_as_long_as_was_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("binary");
    fs::write(&path, [1; 5_000]).expect("written");
    let with = |size| {
        let content = Content::File { path: path.clone(), size };
        let kind = EntryKind::File { content, mode: 0o755, role: Role::Plain };
        Package { entries: vec![entry("/usr/bin/binary", kind)], ..package() }
    };
    written(&with(5_000));
    let name = path.display();
    assert_eq!(fault(&with(5_001)), format!("`{name}` has 5000 bytes, not the 5001 it had before"));
    assert_eq!(fault(&with(4_999)), format!("`{name}` has more than the 4999 bytes it had before"));
    fs::remove_file(&path).expect("it was there");
    assert_eq!(fault(&with(5_000)), format!("cannot read `{name}`"));
}

#[test]
fn what_a_deb_cannot_hold_is_told() {
    let with = |entries| Package { entries, ..package() };
    let twice = with(vec![file("/a", b"", 0o644, Role::Plain), entry("/a", EntryKind::Folder { mode: 0o755 })]);
    assert_eq!(fault(&twice), "`/a` is in the package twice");
    let below = with(vec![file("/a", b"", 0o644, Role::Plain), file("/a/b", b"", 0o644, Role::Plain)]);
    assert_eq!(fault(&below), "`/a` is no folder, but has something in it");
    let two_lines = Package { summary: "one\nDepends: evil".to_owned(), ..package() };
    assert_eq!(fault(&two_lines), "description `one\\nDepends: evil` is not one line");
    let nobody = Package { maintainer: " ".to_owned(), ..package() };
    assert_eq!(fault(&nobody), "a package needs a maintainer");
    let relations = Relations { depends: vec!["/usr/sbin/groupadd".parse().expect("RPM's")], ..Relations::default() };
    let path = Package { relations: BTreeMap::from([(Format::Deb, relations)]), ..package() };
    assert_eq!(fault(&path), "`/usr/sbin/groupadd` is no relation to a Debian package");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = write(&package(), Path::new("/nonexistent/sample.deb")).expect_err("no folder");
    assert_eq!(error.to_string(), "cannot write `/nonexistent/sample.deb`");
}

/// A file system of 64 KiB holds neither the archive nor a half of it, and what was there stays.
#[test]
fn no_space_leaves_what_was_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(folder.path()).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        return;
    }
    let path = folder.path().join("sample.deb");
    fs::write(&path, "the last one").expect("written");
    // Bytes that do not compress: each is the lowest of a chain of digests.
    let mut last = Sha256::digest(b"");
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        last = Sha256::digest(last);
        last.to_vec()
    })
    .take(5_000)
    .flatten()
    .collect();
    let package = Package { entries: vec![file("/noise", &noise, 0o644, Role::Plain)], ..package() };
    let result = write(&package, &path);
    let names = fs::read_dir(folder.path()).expect("readable").count();
    let kept = fs::read_to_string(&path);
    Command::new("umount").arg(folder.path()).status().expect("umount");
    let error = result.expect_err("no space");
    assert_eq!(error.to_string(), format!("cannot write `{}`", path.display()));
    assert_eq!(
        std::error::Error::source(&error).expect("a cause").to_string(),
        "No space left on device (os error 28)"
    );
    assert_eq!((names, kept.expect("readable").as_str()), (1, "the last one"));
}
