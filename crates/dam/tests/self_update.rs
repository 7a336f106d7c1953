//! dam as an app (the folder `app`): it replaces the very program that installs it.
//!
//! The program is a copy in the test's own folder. Its other versions are the same program with another version written
//! into it.

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use support::Dam;

/// The version that `cargo` gives the program; versions put in its place have as many characters.
const BUILT: &str = env!("CARGO_PKG_VERSION");

/// A machine whose dam may be replaced, with the app `dam` of several versions in its store. None is installed yet.
struct Machine {
    dam: Dam,
}

impl Machine {
    /// A machine whose dam is of version `running`, and has these as apps.
    fn new(running: &str, apps: &[&str]) -> Self {
        let machine = Self { dam: Dam::new() };
        fs::write(machine.dam.path("program"), program()).expect("space");
        machine.place(running);
        for version in apps {
            machine.app(version, &machine.program(version));
        }
        machine
    }

    /// Puts a dam in place as somebody who copies it there.
    fn place(&self, version: &str) {
        let path = self.dam.path("dam");
        let _ = fs::remove_file(&path);
        fs::write(&path, self.program(version)).expect("space");
        fs::set_permissions(&path, Permissions::from_mode(0o750)).expect("ours");
    }

    /// Makes the app `dam:version` with this program.
    fn app(&self, version: &str, program: &[u8]) {
        let folder = self.dam.path("app");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../app");
        let status = Command::new("cp").arg("-r").arg(source).arg(&folder).status();
        assert!(status.expect("coreutils").success());
        let path = folder.join("meta/dam");
        fs::write(&path, program).expect("space");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("ours");
        let _ = self.dam.run(&format!("create app --version {version}")).success();
        fs::remove_dir_all(folder).expect("ours");
    }

    /// Returns the program with another version in it.
    fn program(&self, version: &str) -> Vec<u8> {
        assert_eq!(version.len(), BUILT.len());
        let replace = format!("s/{}/{version}/g", BUILT.replace('.', "[.]"));
        let output = Command::new("sed").env("LC_ALL", "C").arg(replace).arg(self.dam.path("program")).output();
        output.expect("sed").stdout
    }

    /// The dam in place is this one, to the byte, and runs; beside it is what was kept, if anything, and nothing else.
    fn is(&self, version: &str, kept: Option<&str>) {
        let at = |name: &str| fs::read(self.dam.path(name)).ok();
        assert!(at("dam") == Some(self.program(version)), "the dam in place is not {version}");
        let _ = self.dam.run("version").success().stdout(format!("dam {version}\n"));
        assert!(at("dam.before") == kept.map(|kept| self.program(kept)), "dam.before is not {kept:?}");
        assert!(!self.dam.path("dam.new").exists());
    }

    /// Returns the version of the app that is installed.
    fn installed(&self) -> Option<String> {
        let list = self.dam.run("list --json").success().json();
        let apps = list["apps"].as_array().expect("a list").clone();
        apps.first().map(|app| app["version"].as_str().expect("a version").to_owned())
    }
}

/// Returns the program under test, without what only a debugger reads.
fn program() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temp folder");
    let stripped = folder.path().join("dam");
    let status = Command::new("strip").arg("-o").arg(&stripped).arg(assert_cmd::cargo::cargo_bin!("dam")).status();
    assert!(status.expect("binutils, which come with the compiler").success());
    fs::read(&stripped).expect("it was written")
}

#[test]
fn an_installed_dam_takes_the_place_of_the_one_that_installs_it() {
    let machine = Machine::new("1.9.0", &["2.1.0"]);
    let before = fs::metadata(machine.dam.path("dam")).expect("it is there");
    machine.dam.run("install dam:2.1.0 --yes").success().stdout("Installed dam 2.1.0  (healthy after [TIME] s)\n");
    machine.is("2.1.0", Some("1.9.0"));
    let after = fs::metadata(machine.dam.path("dam")).expect("it is there");
    assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
    assert_ne!(after.ino(), before.ino());
    assert_eq!(machine.installed().as_deref(), Some("2.1.0"));
}

#[test]
fn a_link_to_dam_stays_a_link() {
    let machine = Machine::new("1.9.0", &["2.1.0"]);
    let link = machine.dam.path("link");
    std::os::unix::fs::symlink("dam", &link).expect("a link");
    let mut command = Command::new(&link);
    let status = command.args(["install", "dam:2.1.0", "--yes"]).current_dir(machine.dam.path(""));
    let status =
        status.env_clear().envs(machine.dam.command("").get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert!(status.stderr(Stdio::null()).status().expect("dam starts").success());
    assert_eq!(fs::read_link(&link).expect("still a link"), Path::new("dam"));
    machine.is("2.1.0", Some("1.9.0"));
}

#[test]
fn upgrades_downgrades_and_rollbacks_change_the_program() {
    let machine = Machine::new("2.0.0", &["2.0.0", "2.1.0", "1.9.0"]);
    let run = |line: &str| drop(machine.dam.run(line).success());
    run("install dam:2.0.0 --yes");
    machine.is("2.0.0", Some("2.0.0"));
    run("upgrade dam:2.1.0 --yes");
    machine.is("2.1.0", Some("2.0.0"));
    run("rollback dam --yes");
    machine.is("2.0.0", Some("2.1.0"));
    let _ = machine.dam.run("upgrade dam:1.9.0 --yes").failure();
    machine.is("2.0.0", Some("2.1.0"));
    run("upgrade dam:1.9.0 --allow-downgrade --yes");
    machine.is("1.9.0", Some("2.0.0"));
    run("rollback dam --yes");
    machine.is("2.0.0", Some("1.9.0"));
    assert_eq!(machine.installed().as_deref(), Some("2.0.0"));
}

#[test]
fn a_removal_leaves_the_program_and_says_so() {
    let machine = Machine::new("1.9.0", &["2.1.0"]);
    let _ = machine.dam.run("install dam:2.1.0 --yes").success();
    let said = "dam stays: without it this machine could not be managed any more";
    machine.dam.run("remove dam --yes").success().stdout("Removed dam 2.1.0\n").said(said);
    machine.is("2.1.0", None);
    assert_eq!(machine.installed(), None);
}

#[test]
fn a_program_for_another_machine_changes_nothing() {
    let machine = Machine::new("1.9.0", &[]);
    machine.app("2.1.0", b"\x7fELF\x02\x01\x01 of another machine");
    let run = machine.dam.run("install dam:2.1.0 --yes").failure();
    let _ = run.said("dam 2.1.0 does not run on this machine").said("nothing was changed");
    machine.is("1.9.0", None);
}

#[test]
fn a_folder_that_cannot_be_written_changes_nothing() {
    let machine = Machine::new("1.9.0", &["2.1.0"]);
    let machine = Machine { dam: machine.dam.of_nobody() };
    machine.place("1.9.0");
    let folder = machine.dam.path("");
    fs::set_permissions(machine.dam.path("dam"), Permissions::from_mode(0o755)).expect("ours");
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&folder, Some(0), Some(0)).expect("ours");
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).expect("ours");
    } else {
        fs::set_permissions(&folder, Permissions::from_mode(0o555)).expect("ours");
    }
    let run = machine.dam.run("install dam:2.1.0 --yes").failure();
    let _ = run.said("[FOLDER]/dam cannot be replaced: its folder cannot be written").said("nothing was changed");
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).expect("ours");
    machine.is("1.9.0", None);
}
