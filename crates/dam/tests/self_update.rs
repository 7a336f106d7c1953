//! dam as an app (the folder `app`): it replaces the very program that installs it.
//!
//! The program is a copy in the test's own folder. Its other versions are the same program with another version written
//! into it.

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
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
        self.app_with(version, &[("dam", program)]);
    }

    /// Makes the app `dam:version` with these files, which are programs, in its `/meta`.
    fn app_with(&self, version: &str, programs: &[(&str, &[u8])]) {
        let folder = self.dam.path("app");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../app");
        let status = Command::new("cp").arg("-r").arg(source).arg(&folder).status();
        assert!(status.expect("coreutils").success());
        for (name, program) in programs {
            write_program(&folder.join("meta").join(name), program);
        }
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

    /// Returns the version of the app `dam` that is installed.
    fn installed(&self) -> Option<String> {
        let list = self.dam.run("list --json").success().json();
        let dam = list["apps"].as_array().expect("a list").iter().find(|app| app["name"] == "dam")?;
        Some(dam["version"].as_str().expect("a version").to_owned())
    }
}

fn write_program(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("space");
    fs::set_permissions(path, Permissions::from_mode(0o755)).expect("ours");
}

/// A dam that came before every ledger.
const ANCIENT: &str = r#"#!/bin/sh
case $* in *--json*) echo '{ "version": "0.9.0", "platform": "linux/amd64", "ledger": 0 }' ;; *) echo dam 0.9.0 ;; esac
"#;

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
fn a_dam_that_is_not_well_is_replaced_by_the_one_before() {
    let machine = Machine::new("1.9.0", &["2.0.0"]);
    machine.app("2.1.0", &machine.program("2.0.9"));
    let run = machine.dam.run("install dam:2.1.0 --timeout 5s --yes").failure();
    let _ = run.said("[FOLDER]/dam is dam 2.0.9").said("everything is as before");
    machine.is("1.9.0", None);
    assert_eq!(machine.installed(), None);
    // And where a dam was installed as an app before.
    let _ = machine.dam.run("install dam:2.0.0 --yes").success();
    let _ = machine.dam.run("upgrade dam:2.1.0 --timeout 5s --yes").failure().said("dam 2.0.0 runs again");
    machine.is("2.0.0", None);
    assert_eq!(machine.installed().as_deref(), Some("2.0.0"));
    // And in a rollback to it.
    let _ = machine.dam.run("upgrade dam:2.1.0 --no-health --yes").success();
    machine.is("2.0.9", Some("2.0.0"));
    let _ = machine.dam.run("upgrade dam:2.0.0 --allow-downgrade --yes").success();
    let _ = machine.dam.run("rollback dam --timeout 5s --yes").failure().said("dam 2.0.0 runs again");
    machine.is("2.0.0", None);
}

#[test]
fn what_was_kept_by_an_earlier_change_is_not_put_back() {
    let machine = Machine::new("1.9.0", &["2.0.0"]);
    machine.app("2.1.0", &machine.program("2.0.9"));
    let _ = machine.dam.run("install dam:2.0.0 --yes").success();
    let _ = machine.dam.run("remove dam --yes").success();
    fs::write(machine.dam.path("dam.before"), "somebody's own").expect("ours");
    let _ = machine.dam.run("install dam:2.1.0 --timeout 5s --yes").failure();
    machine.is("2.0.0", None);
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
fn a_dam_that_does_not_read_the_ledger_is_refused() {
    let machine = Machine::new("2.0.0", &[]);
    machine.app("0.9.0", ANCIENT.as_bytes());
    let run = machine.dam.run("install dam:0.9.0 --yes").failure();
    let _ = run.said("dam 0.9.0 is too old for this machine: it does not read the ledger of dam 2.0.0");
    machine.is("2.0.0", None);
}

#[test]
fn the_undo_does_not_put_back_a_dam_that_does_not_read_the_ledger() {
    let machine = Machine::new("2.0.0", &[]);
    let program = machine.program("2.1.0");
    machine.app_with("2.1.0", &[("dam", &program), ("health", b"#!/bin/sh\nkill -KILL $PPID\n")]);
    let status = machine.dam.command("install dam:2.1.0 --yes").stderr(Stdio::null()).status();
    assert_eq!(status.expect("dam starts").signal(), Some(9));
    // As if the dam that undoes had brought the ledger to a form of its own.
    write_program(&machine.dam.path("dam.before"), ANCIENT.as_bytes());
    let run = machine.dam.run("verify").success();
    let _ = run.said("[FOLDER]/dam stays dam 2.1.0: [FOLDER]/dam.before does not read its ledger");
    let _ = machine.dam.run("version").success().stdout("dam 2.1.0\n");
    assert_eq!(machine.installed(), None);
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

/// Puts programs before those of the machine that do the same, but kill dam before the N-th of them in `$KILL_AT`, and the
/// hook too where `$KILL_HOOK` is set.
fn with_killing_tools(dam: Dam) -> Dam {
    let folder = dam.path("tools");
    fs::create_dir(&folder).expect("a folder");
    for tool in ["cat", "cp", "dirname", "mv", "rm", "sync", "touch"] {
        let script = format!(
            r#"#!/bin/sh
read -r count <"$STATE/count"
echo $((count + 1)) >"$STATE/count"
if [ "$count" = "${{KILL_AT:-none}}" ]; then
    process=$$
    while read -r _ name _ parent _ <"/proc/$process/stat" && [ "$name" != '(dam)' ]; do process=$parent; done
    kill -KILL "$process"
    [ -z "${{KILL_HOOK:-}}" ] || kill -KILL 0
fi
PATH=/usr/bin:/bin
exec {tool} "$@"
"#
        );
        write_program(&folder.join(tool), script.as_bytes());
    }
    let path = format!("{}:/usr/bin:/bin", folder.display());
    dam.variable("PATH", &path)
}

impl Machine {
    /// Runs a line during which dam dies before the `tool`-th tool of a hook; false if there are not so many.
    fn dies(&self, line: &str, tool: u32, hook_too: bool) -> bool {
        fs::write(self.dam.path("state/count"), "0\n").expect("ours");
        let mut command = self.dam.command(line);
        command.env("KILL_AT", tool.to_string()).stdout(Stdio::null()).stderr(Stdio::null());
        if hook_too {
            command.env("KILL_HOOK", "yes");
        }
        let status = command.status().expect("dam starts");
        assert!(status.success() || status.signal() == Some(9), "{status}");
        !status.success()
    }

    /// Kills dam before each tool of the hooks of `line`. Each time there is a dam that runs, and finds everything as it
    /// was: the version `before`, installed or not.
    fn killed_at_every_tool(&self, line: &str, before: &str, hook_too: bool) {
        let installed = self.installed();
        let mut tool = 0;
        while self.dies(line, tool, hook_too) {
            let _ = self.dam.run("version").success();
            let _ = self.dam.run("verify").success();
            self.is(before, None);
            assert_eq!(self.installed(), installed, "{line}, killed at {tool}");
            tool += 1;
        }
        assert!(tool >= 12, "{tool} tools");
    }
}

#[test]
fn an_install_killed_anywhere_in_its_hooks_leaves_the_dam_that_was_there() {
    let machine = Machine::new("1.9.0", &["2.1.0"]);
    let machine = Machine { dam: with_killing_tools(machine.dam) };
    machine.killed_at_every_tool("install dam:2.1.0 --yes", "1.9.0", true);
    machine.is("2.1.0", Some("1.9.0"));
}

#[test]
fn an_upgrade_killed_anywhere_in_its_hooks_leaves_the_dam_that_was_there() {
    let machine = Machine::new("2.0.0", &["2.0.0", "2.1.0"]);
    let _ = machine.dam.run("install dam:2.0.0 --yes").success();
    fs::remove_file(machine.dam.path("dam.before")).expect("it is kept");
    let machine = Machine { dam: with_killing_tools(machine.dam) };
    machine.killed_at_every_tool("upgrade dam:2.1.0 --yes", "2.0.0", false);
    machine.is("2.1.0", Some("2.0.0"));
}

/// A machine with dam 2.0.0 and shop 1.0 installed, and a list with dam 2.1.0 between a new shop and an app whose `install`
/// asks the dam in place for its version.
fn product(install: &str) -> Machine {
    let mut machine = Machine::new("2.0.0", &["2.0.0", "2.1.0"]);
    machine.dam = machine
        .dam
        .installed("shop", "1.0", |app| app)
        .app("shop", "2.0", |app| app)
        .app("tools", "1.0", |app| app.hook("install", install))
        .file("site.txt", "shop:2.0\ndam:2.1.0\ntools:1.0\n");
    let _ = machine.dam.run("install dam:2.0.0 --yes").success();
    machine.is("2.0.0", Some("2.0.0"));
    machine
}

#[test]
fn an_import_replaces_the_dam_that_carries_it_out_and_goes_on() {
    let machine = product("\"$DAM_EXECUTABLE\" version >\"$STATE/tools\"");
    let _ = machine.dam.run("import site.txt --yes").success();
    machine.is("2.1.0", Some("2.0.0"));
    assert_eq!(machine.dam.running("shop").as_deref(), Some("2.0"));
    assert_eq!(machine.dam.running("tools").as_deref(), Some("dam 2.1.0\n"));
    let _ = machine.dam.run("verify").success();
    let _ = machine.dam.run("import site.txt --yes").success();
    machine.is("2.1.0", Some("2.0.0"));
}

#[test]
fn an_import_that_fails_after_dam_was_replaced_puts_the_old_one_back() {
    let machine = product("exit 1");
    let _ = machine.dam.run("import site.txt --yes").failure().said("everything is as before");
    machine.is("2.0.0", None);
    assert_eq!(machine.dam.running("shop").as_deref(), Some("1.0"));
    assert_eq!(machine.dam.running("tools"), None);
    assert_eq!(machine.installed().as_deref(), Some("2.0.0"));
    let _ = machine.dam.run("verify").success();
}

#[test]
fn an_import_killed_after_dam_was_replaced_is_undone_by_the_new_one() {
    let machine = product("kill -KILL $PPID");
    let status = machine.dam.command("import site.txt --yes").stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert_eq!(status.expect("dam starts").signal(), Some(9));
    machine.is("2.1.0", Some("2.0.0"));
    let _ = machine.dam.run("verify").success();
    machine.is("2.0.0", None);
    assert_eq!(machine.dam.running("shop").as_deref(), Some("1.0"));
    assert_eq!(machine.installed().as_deref(), Some("2.0.0"));
}
