//! What the targets of a package cannot read, told of package files.

use dam_core::event::Silent;
use dam_core::ops::engine::check::{Checked, check};
use dam_core::testing::packages::{package, write_deb, write_rpm};
use dam_pack::check::Severity;
use dam_pack::targets::Target;
use dam_pack::{Format, Package};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn all() -> Vec<Target> {
    Target::all().collect()
}

/// A package that only systemd 230 and later understand.
fn newer() -> Package {
    let mut package = package("26.1.5");
    let unit = |path: &str| path.ends_with("/docker.service");
    let found = package.entries.iter_mut().filter(|entry| unit(entry.path.as_str()));
    found.for_each(|entry| {
        let text = b"[Unit]\nStartLimitIntervalSec=60\n[Service]\nExecStart=/usr/bin/docker\n".to_vec();
        let dam_pack::EntryKind::File { content, .. } = &mut entry.kind else { panic!("a file") };
        *content = dam_pack::Content::Bytes(text);
    });
    package
}

fn names(checked: &Checked) -> Vec<String> {
    checked.findings.iter().map(|finding| format!("{finding} ({:?})", finding.targets)).collect()
}

#[test]
fn a_good_package_is_good_for_all_targets_of_its_format() {
    let folder = folder();
    let deb = check(&write_deb(&package("26.1.5"), folder.path()), &all(), &Silent).expect("a package");
    assert_eq!(names(&deb), [""; 0]);
    assert_eq!(deb.targets.len(), all().iter().filter(|target| target.format() == Format::Deb).count());
    assert_eq!((deb.package.name.as_str(), deb.package.version.as_str()), ("dam-docker", "26.1.5-1"));
    let rpm = check(&write_rpm(&package("26.1.5"), folder.path()), &all(), &Silent).expect("a package");
    assert_eq!(names(&rpm), ["R14 package: it is not signed, and rpm takes none that is not ([fedora-45])"]);
    assert_eq!(rpm.count(Severity::Warning), 1);
    assert!(rpm.is_good(), "a warning is no fault");
}

#[test]
fn a_fault_names_the_targets_that_stumble() {
    let folder = folder();
    let checked = check(&write_deb(&newer(), folder.path()), &all(), &Silent).expect("a package");
    assert_eq!(
        names(&checked),
        [
            "U04 /lib/systemd/system/docker.service: line 2: `StartLimitIntervalSec` is understood here since systemd 230 \
          ([ubuntu-16.04])"
        ]
    );
    assert!(!checked.is_good());
    let newest = ["debian-sid".parse().expect("a target")];
    assert!(check(&write_deb(&newer(), folder.path()), &newest, &Silent).expect("a package").is_good());
}

#[test]
fn targets_of_the_other_format_are_left_out_unless_there_are_no_others() {
    let folder = folder();
    let path = write_deb(&package("26.1.5"), folder.path());
    let target = |name: &str| name.parse::<Target>().expect("a target");
    let some = [target("debian-12"), target("centos-7"), target("debian-12")];
    assert_eq!(check(&path, &some, &Silent).expect("a package").targets, [target("debian-12")]);
    let fault = |targets: &[Target]| {
        let fault = check(&path, targets, &Silent).expect_err("nothing to check").to_string();
        fault.replace(&folder.path().display().to_string(), "FOLDER")
    };
    assert_eq!(
        fault(&[target("centos-7")]),
        "`FOLDER/dam-docker_26.1.5-1_amd64.deb` is a .deb, and centos-7 installs no such packages"
    );
    assert_eq!(
        fault(&[target("centos-7"), target("sles-15")]),
        "`FOLDER/dam-docker_26.1.5-1_amd64.deb` is a .deb, and centos-7, sles-15 install no such packages"
    );
}

#[test]
fn what_cannot_be_read_is_named_with_its_part() {
    let folder = folder();
    let told = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        let error = check(&path, &all(), &Silent).expect_err("no package");
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        // `Error` only passes its fault on.
        let mut told: Vec<String> = causes.map(ToString::to_string).collect();
        told.dedup();
        told.join(": ").replace(&folder.path().display().to_string(), "FOLDER")
    };
    let deb = std::fs::read(write_deb(&package("26.1.5"), folder.path())).expect("a package");
    let rpm = std::fs::read(write_rpm(&package("26.1.5"), folder.path())).expect("a package");
    assert_eq!(told("a.txt", b"hello"), "`FOLDER/a.txt` is neither a .deb nor an .rpm");
    assert_eq!(told("empty.deb", b""), "`FOLDER/empty.deb` is neither a .deb nor an .rpm");
    assert_eq!(
        told("cut.deb", &deb[..deb.len() / 2]),
        "the package `FOLDER/cut.deb` cannot be read: ar: it ends early"
    );
    assert_eq!(
        told("cut.rpm", &rpm[..rpm.len() - 9]),
        "the package `FOLDER/cut.rpm` cannot be read: payload: the compressed bytes are damaged: failed to fill whole buffer"
    );
    assert_eq!(
        told("lead.rpm", &rpm[..100]),
        "the package `FOLDER/lead.rpm` cannot be read: signature header: it ends early"
    );
    let folder_fault = check(folder.path(), &all(), &Silent).expect_err("a folder").to_string();
    assert_eq!(folder_fault, format!("`{}` is neither a .deb nor an .rpm", folder.path().display()));
    let missing = check(&folder.path().join("no.deb"), &all(), &Silent).expect_err("missing").to_string();
    assert_eq!(missing, format!("cannot access `{}`", folder.path().join("no.deb").display()));
}
