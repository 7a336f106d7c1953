//! The engine's own units, and the linter on units that are not as careful.

use std::process::Command;

use dam_pack::units::{Rule, lint};

const SERVICE: &str = include_str!("../../dam-core/assets/engine/docker.service");
const SOCKET: &str = include_str!("../../dam-core/assets/engine/docker.socket");

/// The versions of the targets: CentOS 7, Ubuntu 16.04, Debian 9, SLES 15, Ubuntu 18.04, RHEL 8, Debian 10 to 13 and sid.
const VERSIONS: [u16; 13] = [219, 229, 232, 234, 237, 239, 241, 245, 247, 249, 252, 257, 262];

#[test]
fn every_target_understands_the_engines_units() {
    for version in VERSIONS {
        assert_eq!(lint(SERVICE, version), [], "docker.service on systemd {version}");
        assert_eq!(lint(SOCKET, version), [], "docker.socket on systemd {version}");
    }
}

/// Docker's unit of today on the systemd of CentOS 7: why the engine has units of its own.
#[test]
fn a_modern_unit_is_taken_apart() {
    let text = "[Unit]\nStartLimitIntervalSec=60\n\n[Service]\nType=notify-reload\nExecStartPre=+/sbin/modprobe overlay\n\
                LimitNOFILE=1024:524288\nTasksMax=1000\nStartLimitIntervalSec=1\n[Serivce]\nwhat\n";
    let say = |version| lint(text, version).iter().map(|one| format!("{} {one}", one.rule.id())).collect::<Vec<_>>();
    assert_eq!(
        say(219),
        [
            "U04 line 2: `StartLimitIntervalSec` is understood here since systemd 230",
            "U05 line 5: this value of `Type` is understood since systemd 253",
            "U05 line 6: this value of `ExecStartPre` is understood since systemd 231",
            "U05 line 7: this value of `LimitNOFILE` is understood since systemd 229",
            "U04 line 8: `TasksMax` is understood here since systemd 227",
            "U03 line 9: no systemd understands `StartLimitIntervalSec` here",
            "U02 line 10: no systemd knows the section `Serivce`",
            "U01 line 11: `what` is no directive",
        ]
    );
    let rules = |version| lint(text, version).iter().map(|one| one.rule).collect::<Vec<_>>();
    assert_eq!(rules(262), [Rule::Directive, Rule::Section, Rule::Syntax]);
}

/// A systemd that is here has the last word, where it can verify at all: in a bare chroot it cannot.
#[test]
fn systemd_itself_finds_no_fault() {
    let root = tempfile::tempdir().expect("a temp folder");
    let units = root.path().join("etc/systemd/system");
    let programs = ["bin/sh", "usr/bin/dockerd"].map(|path| root.path().join(path));
    for folder in [units.as_path()].into_iter().chain(programs.iter().filter_map(|path| path.parent())) {
        std::fs::create_dir_all(folder).expect("a folder");
    }
    for program in &programs {
        std::fs::copy("/bin/true", program).expect("a program");
    }
    std::fs::write(units.join("docker.service"), SERVICE).expect("written");
    std::fs::write(units.join("docker.socket"), SOCKET).expect("written");
    for target in ["sysinit", "basic", "shutdown", "multi-user", "sockets", "network-online"] {
        std::fs::write(units.join(format!("{target}.target")), "[Unit]\nDefaultDependencies=no\n").expect("written");
    }
    let root = format!("--root={}", root.path().display());
    let verify =
        Command::new("systemd-analyze").args(["verify", "--man=no", &root, "docker.socket", "docker.service"]).output();
    let Ok(output) = verify else { return };
    let text = String::from_utf8_lossy(&output.stderr);
    let ours: Vec<&str> = text.lines().filter(|line| line.contains("docker.")).collect();
    assert_eq!(ours, [""; 0], "{text}");
}
