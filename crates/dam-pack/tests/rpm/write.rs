//! What `rpm -qp` and `rpm -K` say of a package.

use std::fs;

use dam_pack::{Architecture, Content, EntryKind, Package, Role};
use sha2::{Digest, Sha256};

use crate::sample::{Folder, empty, entry, file, full};
use crate::tools::{query, rpm, run, shown};

#[test]
fn rpm_reads_all_of_a_package() {
    let folder = Folder::new();
    let package = folder.write(&full());
    let line = |words: &[&str]| query(&package, words).trim().to_owned();
    assert_eq!(
        line(&["--qf", "%{NEVRA} %{OS} %{SOURCERPM}"]),
        "sample-2:26.1.5~rc1-1.x86_64 linux sample-26.1.5~rc1-1.src.rpm"
    );
    assert_eq!(
        line(&["--list"]).lines().collect::<Vec<_>>(),
        [
            "/etc/sample",
            "/etc/sample/deep/er",
            "/etc/sample/setting",
            "/usr/bin/a",
            "/usr/bin/b",
            "/usr/bin/elf",
            "/usr/share/doc/sample/EMPTY",
            "/usr/share/doc/sample/README",
            "/usr/share/licenses/sample/LICENSE",
        ]
    );
    assert_eq!(line(&["--configfiles"]), "/etc/sample/setting");
    assert_eq!(line(&["--licensefiles"]), "/usr/share/licenses/sample/LICENSE");
    assert_eq!(
        line(&["--requires"]).lines().collect::<Vec<_>>(),
        [
            "/bin/sh",
            "/bin/sh",
            "/bin/sh",
            "/bin/sh",
            "/bin/sh",
            "/bin/sh",
            "config(sample) = 2:26.1.5~rc1-1",
            "iptables",
            "rpmlib(CompressedFileNames) <= 3.0.4-1",
            "rpmlib(FileDigests) <= 4.6.0-1",
            "rpmlib(PayloadFilesHavePrefix) <= 4.0-1",
            "rpmlib(PayloadIsXz) <= 5.2-1",
            "rpmlib(TildeInVersions) <= 4.10.0-1",
            "tar >= 1.2",
        ]
    );
    assert_eq!(
        line(&["--provides"]).lines().collect::<Vec<_>>(),
        [
            "config(sample) = 2:26.1.5~rc1-1",
            "docker-thing = 3",
            "sample = 2:26.1.5~rc1-1",
            "sample(x86-64) = 2:26.1.5~rc1-1",
        ]
    );
    assert_eq!(line(&["--conflicts", "--obsoletes", "--recommends"]).lines().count(), 4);
    assert_eq!(line(&["--scripts"]).lines().next(), Some("preinstall scriptlet (using /bin/sh):"));
    assert!(line(&["--triggers"]).starts_with("triggerin scriptlet (using /bin/sh) -- container-selinux\n"));
    assert!(
        line(&["--changelog"])
            .starts_with("* Tue Nov 14 2023 Some One <some@one.example> - 26.1.5~rc1-1\n- one\n- two")
    );
}

#[test]
fn every_digest_is_right() {
    let folder = Folder::new();
    let package = folder.write(&full());
    assert_eq!(
        rpm(folder.path(), &["-Kv", shown(&package)]).expect().lines().skip(1).collect::<Vec<_>>(),
        [
            "    Header SHA256 digest: OK",
            "    Header SHA1 digest: OK",
            "    Payload SHA256 digest: OK",
            "    MD5 digest: OK",
        ]
    );
}

#[test]
fn the_payload_is_what_cpio_reads() {
    let folder = Folder::new();
    let package = folder.write(&full());
    let list = run("sh", &["-c", &format!("rpm2cpio {} | busybox cpio -itv", shown(&package))]).expect();
    assert_eq!(list.lines().count(), 9, "{list}");
    assert!(list.contains("lrwxrwxrwx 0/0         0 2023-11-14 22:13:20 ./usr/bin/b -> a\n"), "{list}");
    assert!(list.contains("drwx--x--x 0/0         0 2023-11-14 22:13:20 ./etc/sample\n"), "{list}");
}

#[test]
fn a_package_of_nothing_is_a_package() {
    let folder = Folder::new();
    for architecture in Architecture::EVERY {
        let package = folder.write(&Package { architecture, ..empty() });
        assert_eq!(query(&package, &["--list"]), "(contains no files)\n");
        rpm(folder.path(), &["-K", shown(&package)]).expect();
    }
}

#[test]
fn the_same_description_gives_the_same_bytes() {
    let (one, two) = (Folder::new(), Folder::new());
    let mut package = full();
    let first = one.write(&package);
    package.entries.reverse();
    let second = two.write(&package);
    assert!(fs::read(first).expect("a file") == fs::read(second).expect("a file"));
}

/// Whatever changes these bytes changes every package that is built again from an unchanged recipe: say so in the
/// changelog. An update of the compressor may.
#[test]
fn the_bytes_are_those_of_the_last_release() {
    let bytes = Folder::new().bytes(&full());
    let sum = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!((bytes.len(), sum.as_str()), (4677, "faa6e0842b7acee21bc598c4c2d12db73daec5322d5d6ba95c416e3bd77d9b1f"));
}

#[test]
fn a_file_of_the_disk_is_read_once_it_is_packed() {
    let folder = Folder::new();
    let path = folder.path().join("content");
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(&path, &bytes).expect("a file");
    let content = Content::File { path, size: bytes.len() as u64 };
    let on_disk = entry("/usr/share/content", EntryKind::File { content, mode: 0o644, role: Role::Plain });
    let here = file("/usr/share/content", &bytes, 0o644, Role::Plain);
    let [on_disk, here] = [on_disk, here].map(|entry| folder.bytes(&Package { entries: vec![entry], ..empty() }));
    assert!(on_disk == here);
}
