//! `dam engine check`.

mod support;

use dam_core::testing::packages::{package, write_deb, write_rpm};
use dam_pack::{Content, EntryKind, Package};
use serde_json::json;
use snapbox::str;
use support::Dam;

/// A folder with a good package of both formats, `dam-docker` 26.1.5, and one for newer systemds, 27.0.1.
fn dam() -> Dam {
    let dam = Dam::new();
    let folder = dam.path("");
    let good = package("26.1.5");
    write_deb(&good, &folder);
    write_rpm(&good, &folder);
    let newer = newer();
    write_deb(&newer, &folder);
    write_rpm(&newer, &folder);
    dam
}

/// A package whose service only systemd 230 and later understand, and which wants one of two packages.
fn newer() -> Package {
    let mut package = package("27.0.1");
    for entry in &mut package.entries {
        if let EntryKind::File { content, .. } = &mut entry.kind
            && entry.path.as_str().ends_with("/docker.service")
        {
            *content =
                Content::Bytes(b"[Unit]\nStartLimitIntervalSec=60\n\n[Service]\nExecStart=/usr/bin/docker\n".to_vec());
        }
    }
    package
}

#[test]
fn a_good_package_reads_and_runs_everywhere() {
    let dam = dam();
    dam.run("engine check dam-docker_26.1.5-1_amd64.deb").success().no_stderr().stdout(str![[r#"
✓ dam-docker_26.1.5-1_amd64.deb: reads and runs on all 12 targets of its format

"#]]);
    dam.run("engine check dam-docker_26.1.5-1_amd64.deb dam-docker-26.1.5-1.x86_64.rpm --all")
        .success()
        .no_stderr()
        .stdout(str![[r#"
✓ dam-docker_26.1.5-1_amd64.deb: reads and runs on all 12 targets of its format

! R14 warning: package
    it is not signed, and rpm takes none that is not
    on Fedora 45
✓ dam-docker-26.1.5-1.x86_64.rpm: reads and runs on all 27 targets of its format, 1 warning

"#]]);
    dam.run("engine check dam-docker_26.1.5-1_amd64.deb --target bookworm --target debian-11 --target centos-7")
        .success()
        .no_stderr()
        .stdout(str![[r#"
✓ dam-docker_26.1.5-1_amd64.deb: reads and runs on Debian 11 and 12

"#]]);
}

#[test]
fn a_fault_names_the_targets_and_ends_with_1() {
    let dam = dam();
    dam.run("engine check dam-docker_27.0.1-1_amd64.deb dam-docker-27.0.1-1.x86_64.rpm")
        .failure()
        .no_stderr()
        .stdout(str![[r#"
✗ U04 fault: /lib/systemd/system/docker.service
    line 2: `StartLimitIntervalSec` is understood here since systemd 230
    on Ubuntu 16.04
✗ dam-docker_27.0.1-1_amd64.deb: 1 fault; not fit for Ubuntu 16.04

✗ U04 fault: /usr/lib/systemd/system/docker.service
    line 2: `StartLimitIntervalSec` is understood here since systemd 230
    on CentOS 7, Red Hat Enterprise Linux 7, Oracle Linux 7, Amazon Linux 2
! R14 warning: package
    it is not signed, and rpm takes none that is not
    on Fedora 45
✗ dam-docker-27.0.1-1.x86_64.rpm: 1 fault, 1 warning; not fit for CentOS 7, Red Hat Enterprise Linux 7, Oracle Linux 7, Amazon Linux 2

"#]]);
    dam.run("engine check dam-docker_27.0.1-1_amd64.deb --target debian-12").success().no_stderr().stdout(str![[r#"
✓ dam-docker_27.0.1-1_amd64.deb: reads and runs on Debian 12

"#]]);
}

#[test]
fn programs_read_the_same() {
    let dam = dam();
    let document = dam
        .run("engine check dam-docker-27.0.1-1.x86_64.rpm --target centos-7 --target fedora-45 --json")
        .failure()
        .no_stderr()
        .json();
    let package = &document["packages"][0];
    assert_eq!(package["targets"], json!(["centos-7", "fedora-45"]));
    assert_eq!(
        package["findings"],
        json!([
            {
                "rule": "U04",
                "severity": "fault",
                "targets": ["centos-7"],
                "what": "/usr/lib/systemd/system/docker.service",
                "why": "line 2: `StartLimitIntervalSec` is understood here since systemd 230"
            },
            {
                "rule": "R14",
                "severity": "warning",
                "targets": ["fedora-45"],
                "what": "package",
                "why": "it is not signed, and rpm takes none that is not"
            }
        ])
    );
    assert_eq!(package["path"], "dam-docker-27.0.1-1.x86_64.rpm");
}

#[test]
fn what_is_no_package_or_no_target_is_named() {
    let dam = dam().file("notes.txt", "notes").file("cut.deb", "!<arch>\ndebian-binary   ");
    dam.run("engine check notes.txt").failure().no_stdout().stderr(str![[r#"
error: `notes.txt` is neither a .deb nor an .rpm

"#]]);
    dam.run("engine check dam-docker_26.1.5-1_amd64.deb cut.deb").failure().no_stdout().stderr(str![[r#"
✓ dam-docker_26.1.5-1_amd64.deb: reads and runs on all 12 targets of its format
error: the package `cut.deb` cannot be read
caused by: ar: it ends early
hint: copy the file again from where it came

"#]]);
    dam.run("engine check missing.deb").failure().no_stdout().stderr(str![[r#"
error: cannot access `missing.deb`
caused by: No such file or directory (os error 2)

"#]]);
    dam.run("engine check cut.deb --target debain-12").misuse().no_stdout().stderr(str![[r#"
error: `debain-12` is no target; `debian-12` is one
hint: dam engine check --help

"#]]);
    dam.run("engine check dam-docker_26.1.5-1_amd64.deb --target fedora-40").failure().no_stdout().stderr(str![[r#"
error: `dam-docker_26.1.5-1_amd64.deb` is a .deb, and fedora-40 installs no such packages
hint: without --target, all targets of its format are asked

"#]]);
    dam.run("engine check").misuse().no_stdout().stderr(str![[r#"
error: `dam engine check` needs <PKG>...
hint: dam engine check --help

"#]]);
}
