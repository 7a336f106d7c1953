//! What cannot be packed, and that nothing of it stays.

use std::fs;
use std::path::Path;

use dam_pack::{Content, EntryKind, Package, Role, WriteError};

use crate::sample::{Folder, empty, entry, file};
use crate::tools::{run, shown};

/// Returns why a package could not be written into an otherwise empty folder.
fn fault(package: &Package) -> WriteError {
    let folder = Folder::new();
    let error = dam_pack::rpm::write(package, &folder.path().join("x.rpm"), None, &mut dam_pack::unwatched)
        .expect_err("a bad one");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    error
}

fn from_disk(path: &Path, size: u64) -> Package {
    let content = Content::File { path: path.to_owned(), size };
    let entries = vec![entry("/a", EntryKind::File { content, mode: 0o644, role: Role::Plain })];
    Package { entries, ..empty() }
}

#[test]
fn a_path_stands_once() {
    let twice = || file("/a", b"", 0o644, Role::Plain);
    let error = fault(&Package { entries: vec![twice(), twice()], ..empty() });
    assert_eq!(error.to_string(), "`/a` is twice in the package");
}

#[test]
fn no_text_holds_a_nul() {
    let error = fault(&Package { summary: "a\0b".to_owned(), ..empty() });
    assert_eq!(error.to_string(), r#""a\0b" holds a NUL, which an .rpm cannot"#);
}

#[test]
fn a_file_that_changes_is_told() {
    let folder = Folder::new();
    let path = folder.path().join("content");
    fs::write(&path, b"12345").expect("a file");
    assert!(matches!(fault(&from_disk(&path, 4)), WriteError::Length { said: 4, found: None, .. }));
    assert!(matches!(fault(&from_disk(&path, 6)), WriteError::Length { said: 6, found: Some(5), .. }));
    fs::remove_file(&path).expect("it is there");
    assert!(matches!(fault(&from_disk(&path, 5)), WriteError::Content { path: named, .. } if named == path));
}

#[test]
fn who_wants_no_more_is_left_nothing() {
    let folder = Folder::new();
    let package = Package { entries: vec![file("/a", b"bytes", 0o644, Role::Plain)], ..empty() };
    let stop = &mut |_| std::ops::ControlFlow::Break(());
    let deb = dam_pack::deb::write(&package, &folder.path().join("x.deb"), stop).expect_err("stopped");
    let rpm = dam_pack::rpm::write(&package, &folder.path().join("x.rpm"), None, stop).expect_err("stopped");
    assert!(matches!((deb, rpm), (WriteError::Stopped, WriteError::Stopped)));
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn more_than_the_format_counts_is_told_before_it_is_read() {
    let error = fault(&from_disk(Path::new("/dev/zero"), 1 << 32));
    assert_eq!(error.to_string(), "`/a` is too large for an .rpm, which holds 4 GiB");
}

#[test]
fn a_folder_that_takes_nothing_is_told() {
    let path = Path::new("/proc/x.rpm");
    let error =
        dam_pack::rpm::write(&empty(), path, None, &mut dam_pack::unwatched).expect_err("nothing is written there");
    assert_eq!(error.to_string(), "cannot write `/proc/x.rpm`");
}

/// Runs the next test on a disk of 64 KiB, in a namespace of its own.
#[test]
fn a_full_disk_leaves_nothing() {
    let folder = Folder::new();
    let own = std::env::current_exe().expect("a test");
    let script = format!(
        "mount -t tmpfs -o size=64k tmpfs {0} && cd {0} && exec {1} --exact bad::on_a_small_disk --ignored",
        shown(folder.path()),
        shown(&own)
    );
    run("unshare", &["--map-root-user", "--mount", "sh", "-c", &script]).expect();
}

#[test]
#[ignore = "runs in a folder of its own, which the test before makes"]
fn on_a_small_disk() {
    // Bytes that no compressor makes smaller.
    let noise =
        std::iter::successors(Some(1_u64), |last| Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)));
    for words in [6_000_usize, 20_000] {
        let bytes: Vec<u8> = noise.clone().map(|word| (word >> 33) as u8).take(words * 8).collect();
        let package = Package { entries: vec![file("/a", &bytes, 0o644, Role::Plain)], ..empty() };
        let error =
            dam_pack::rpm::write(&package, Path::new("x.rpm"), None, &mut dam_pack::unwatched).expect_err("no space");
        assert_eq!(error.to_string(), "cannot write `x.rpm`");
        assert_eq!(fs::read_dir(".").expect("a folder").count(), 0);
    }
}
