//! dam killed at every moment that matters, and what the next one makes of it.
//!
//! Between any two durable effects of a change lies a fault point (`dam_core::fault`); `DAM_FAULT=N` kills this build of
//! dam with SIGKILL at the N-th it passes. Each test goes through all of them: after each death the next dam must leave
//! the machine either as it was or as it was to be, with ledger, store and what runs in agreement, and nothing pending.
//! Then the death is repeated and the recovery itself is killed at a point chosen by the first death.

#![cfg(feature = "fault-points")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use support::Dam;

/// A machine whose apps say what runs by a file: its text is the version, it is gone when nothing runs.
struct Machine {
    dam: Dam,
}

impl Machine {
    /// A machine with the files `shop-1.dam` and `shop-2.dam` and nothing in its store.
    fn new() -> Self {
        let dam = Dam::new();
        let running = dam.path("running");
        let dam = dam.variable("RUNNING", running.to_str().expect("plain")).variable("PATH", "/usr/bin:/bin");
        for version in ["1", "2"] {
            project(&dam.path("shop"), version);
            dam.run(&format!("create shop --version {version}")).success();
            dam.run(&format!("save shop:{version} -o shop-{version}.dam")).success();
        }
        std::fs::remove_dir_all(dam.root()).expect("an empty machine");
        Self { dam }
    }

    fn run(&self, line: &str) {
        let _ = self.dam.run(line).success();
    }

    /// Runs a line that dies at a fault point; false if it came to its end before.
    fn dies(&self, line: &str, point: u32) -> bool {
        let mut command = self.dam.command(line);
        let output = command.env("DAM_FAULT", point.to_string()).output().expect("dam starts");
        if output.status.signal() == Some(9) {
            return true;
        }
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "dam {line} at point {point}: {said}");
        false
    }

    /// Returns what the ledger says is installed.
    fn installed(&self) -> Vec<String> {
        let list = self.dam.run("list --json").success().json();
        let rows = list.as_array().or_else(|| list["apps"].as_array()).expect("a list of apps").clone();
        rows.iter().map(|app| app["version"].as_str().expect("a version").to_owned()).collect()
    }

    fn running(&self) -> Vec<String> {
        std::fs::read_to_string(self.dam.path("running")).into_iter().map(|text| text.trim().to_owned()).collect()
    }

    /// Saves the machine's state, to be put back before each death.
    fn snapshot(&self) {
        self.copy("root", "before-root");
        self.copy("running", "before-running");
    }

    fn put_back(&self) {
        self.copy("before-root", "root");
        self.copy("before-running", "running");
    }

    fn copy(&self, from: &str, to: &str) {
        let (from, to) = (self.dam.path(from), self.dam.path(to));
        let script = r#"rm -rf "$2"; if [ -e "$1" ]; then cp -a "$1" "$2"; fi"#;
        let status = Command::new("/bin/sh").args(["-c", script, "sh"]).arg(from).arg(to).status();
        assert!(status.expect("sh starts").success());
    }

    /// The next dam finishes or undoes; then everything agrees.
    fn check(&self, outcomes: &[&[&str]], when: &str) {
        self.run("verify");
        let installed = self.installed();
        assert!(outcomes.iter().any(|outcome| installed == *outcome), "{when}: {installed:?} is installed");
        assert_eq!(self.running(), installed, "{when}: what runs is what is installed");
        let history = self.dam.run("history --json").success().text().to_owned();
        assert!(!history.contains("pending"), "{when}: {history}");
        self.no_debris(when);
        if installed.is_empty() && !line_removes(when) {
            let images = self.dam.run("purge --all --keep 0 --dry-run --json").success().json();
            assert_eq!(images["remove"].as_array().expect("a list").len(), 0, "{when}: {images}");
        }
    }

    /// Temporary files are swept by the next change.
    fn no_debris(&self, when: &str) {
        for folder in ["tmp", "run"] {
            let left: Vec<_> =
                std::fs::read_dir(self.dam.root().join(folder)).into_iter().flatten().flatten().collect();
            assert!(left.is_empty(), "{when}: {left:?}");
        }
    }

    /// Dies at every point of `line`; the machine ends as one of `outcomes`.
    fn at_every_point(&self, line: &str, outcomes: &[&[&str]]) -> u32 {
        self.snapshot();
        let mut point = 0;
        while self.dies(line, point) {
            self.check(outcomes, &format!("{line}, killed at {point}"));
            self.put_back();
            // Once more, and now the recovery dies too, and the recovery of that.
            assert!(self.dies(line, point));
            for second in [point % 7, point % 11] {
                self.dies("verify", second);
            }
            self.check(outcomes, &format!("{line}, killed at {point} and in its recovery"));
            self.put_back();
            point += 1;
        }
        point
    }
}

/// A removal that was recorded may have left its image, which `purge` takes.
fn line_removes(when: &str) -> bool {
    when.starts_with("remove")
}

fn project(folder: &Path, version: &str) {
    std::fs::create_dir_all(folder.join("meta")).expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("a mode");
    };
    write("Dockerfile", "FROM scratch\nCOPY meta /meta\nCOPY content /content\n");
    write("content", &version.repeat(4096));
    write("meta/install", "#!/bin/sh\nset -e\ntest ! -e \"$RUNNING\"\necho \"$DAM_APP_VERSION\" >\"$RUNNING\"\n");
    write("meta/uninstall", "#!/bin/sh\nrm -f \"$RUNNING\"\n");
    write("meta/health", "#!/bin/sh\ntest \"$(cat \"$RUNNING\")\" = \"$DAM_APP_VERSION\"\n");
}

#[test]
fn an_install_killed_anywhere_is_finished_or_undone() {
    let machine = Machine::new();
    let points = machine.at_every_point("install ./shop-1.dam --yes", &[&[], &["1"]]);
    assert!(points >= 20, "{points} points");
    machine.put_back();
    machine.run("install ./shop-1.dam --yes");
    assert_eq!(machine.installed(), ["1"]);
}

#[test]
fn an_upgrade_killed_anywhere_is_finished_or_undone() {
    let machine = Machine::new();
    machine.run("install ./shop-1.dam --yes");
    let points = machine.at_every_point("upgrade ./shop-2.dam --yes", &[&["1"], &["2"]]);
    assert!(points >= 25, "{points} points");
}

#[test]
fn a_rollback_killed_anywhere_is_finished_or_undone() {
    let machine = Machine::new();
    machine.run("install ./shop-1.dam --yes");
    machine.run("upgrade ./shop-2.dam --yes");
    machine.at_every_point("rollback shop --yes", &[&["1"], &["2"]]);
}

#[test]
fn a_removal_killed_anywhere_is_finished_or_undone() {
    let machine = Machine::new();
    machine.run("install ./shop-1.dam --yes");
    let points = machine.at_every_point("remove shop --yes", &[&["1"], &[]]);
    assert!(points >= 8, "{points} points");
}
