//! Hooks whose dam was killed.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use dam_core::app::HookName;
use dam_core::event::{Event, Reporter, Silent, Warning};
use dam_core::hooks::{HookRun, Hooks};
use dam_core::host::Host;
use dam_core::testing::MemoryStore;
use dam_core::{Cancel, Error};

use super::setting::{Child, Test, again, alive, app, hooks, kept_here, wait_until};

const ENDED: &str = "ended install of shop:1.0, which a killed dam had left running";

/// Keeps the warnings.
#[derive(Default)]
struct Warnings(Mutex<Vec<String>>);

impl Reporter for Warnings {
    fn event(&self, event: Event) {
        if let Event::Warning(Warning::Leftover { what }) = event {
            self.0.lock().expect("no test panics here").push(what.to_owned());
        }
    }
}

impl Test {
    /// Runs `install` in a dam of its own, and kills that one once the hook has made `$ROOT/ready`.
    fn kill_dam(&mut self) {
        self.keep_for_another();
        let mut command = again(&[], "orphans::inside_a_dam_that_is_killed", self.root.path());
        let silenced = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut dam = Child(silenced.spawn().expect("this program"));
        let ready = self.root.path().join("ready");
        wait_until("the hook is ready", || ready.exists());
        dam.kill();
    }

    /// Opens the machine for a change, as the next dam does, and returns the warnings.
    fn open(&self) -> Vec<String> {
        let (root, warnings) = (self.root.path(), Warnings::default());
        let hooks = Box::new(hooks(root));
        Host::open(root, Box::new(MemoryStore::default()), hooks, self.cancel.clone(), &warnings).expect("a host");
        warnings.0.into_inner().expect("no test panics here")
    }

    /// Leaves a private copy as a killed dam does, and starts a process in it that leads a group.
    fn orphan(&self, note: impl FnOnce(u32) -> String) -> Child {
        let copy = self.root.path().join("run/hook-left");
        fs::create_dir_all(copy.join("meta")).expect("a folder");
        let mut command = Command::new("sleep");
        let child = Child(command.arg("300").current_dir(copy.join("meta")).process_group(0).spawn().expect("sleep"));
        fs::write(copy.join("hook.json"), note(child.0.id())).expect("a write");
        child
    }
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot id").trim().to_owned()
}

fn started(pid: &str) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).expect("a process");
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    fields.split(' ').nth(19).expect("22 fields").parse().expect("a number")
}

fn note(pid: &str, started: u64, boot: &str) -> String {
    let leader = format!(r#"{{"pid":{},"started":{started},"boot":"{boot}"}}"#, pid.trim());
    format!(r#"{{"app":{{"name":"shop","version":"1.0"}},"hook":"install","leader":{leader}}}"#)
}

#[test]
#[ignore = "runs inside the tests below"]
fn inside_a_dam_that_is_killed() {
    let Some((root, meta)) = kept_here() else { return };
    let app = app(&meta);
    let run = HookRun::new(&app, HookName::Install, meta.digest);
    let end = hooks(&root).run(&run, &Cancel::default(), &Silent);
    panic!("the dam outlived its hook: {end:?}");
}

#[test]
fn the_next_dam_ends_what_a_killed_one_left_running_but_no_daemon() {
    let mut test = Test::new().install(
        "setsid sleep 300 & echo $! > $ROOT/daemon\n\
         sh -c 'trap \"\" TERM; echo $$ > '$ROOT'/stubborn; cd /; while :; do sleep 1; done' &\n\
         echo $$ > $ROOT/leader; cd /\n\
         while [ ! -s $ROOT/stubborn ]; do sleep 0.1; done\n\
         touch $ROOT/ready; sleep 300; touch $ROOT/went-on",
    );
    test.kill_dam();
    let [leader, stubborn, daemon] = ["leader", "stubborn", "daemon"].map(|name| test.read(name));
    assert!(alive(&leader) && alive(&stubborn) && alive(&daemon));
    assert_eq!(test.open(), [ENDED]);
    assert_eq!([&leader, &stubborn, &daemon].map(|pid| alive(pid)), [false, false, true]);
    assert_eq!(test.copies(), [""; 0]);
    assert!(!test.root.path().join("went-on").exists());
    assert_eq!(test.open(), [""; 0]);
}

#[test]
fn what_outlived_its_leader_is_left_alone() {
    let mut test = Test::new().install("echo $$ > $ROOT/leader; cat /proc/$$/stat; sleep 300 & echo $! > $ROOT/daemon");
    let text = test.run().text.to_text();
    let (_, fields) = text.rsplit_once(") ").expect("a name");
    let started = fields.split(' ').nth(19).expect("22 fields").parse().expect("a number");
    let copy = test.root.path().join("run/hook-left");
    fs::create_dir_all(copy.join("meta")).expect("a folder");
    fs::write(copy.join("hook.json"), note(&test.read("leader"), started, &boot())).expect("a write");
    assert_eq!(test.open(), [""; 0]);
    assert!(alive(&test.read("daemon")));
    assert_eq!(test.copies(), [""; 0]);
}

#[test]
fn a_process_that_is_not_proven_to_be_the_hook_is_never_hit() {
    let wrongs: [fn(&str) -> String; 3] = [
        |pid| note(pid, started(pid) + 1, &boot()),
        |pid| note(pid, started(pid), "00000000-0000-0000-0000-000000000000"),
        |_| String::from("{\"app\":"),
    ];
    for wrong in wrongs {
        let test = Test::new();
        let child = test.orphan(|pid| wrong(&pid.to_string()));
        assert_eq!(test.open(), [""; 0]);
        assert!(alive(&child.0.id().to_string()));
        assert_eq!(test.copies(), [""; 0]);
    }
    let test = Test::new();
    let child = test.orphan(|pid| note(&pid.to_string(), started(&pid.to_string()), &boot()));
    assert_eq!(test.open(), [ENDED]);
    assert!(!alive(&child.0.id().to_string()));
}

#[test]
fn a_hook_whose_pid_was_not_noted_in_time_is_found_where_it_works() {
    let test = Test::new();
    let unnoted = r#"{"app":{"name":"shop","version":"1.0"},"hook":"install","leader":null}"#;
    let child = test.orphan(|_| unnoted.to_owned());
    let elsewhere = Child(Command::new("sleep").arg("300").process_group(0).spawn().expect("sleep"));
    assert_eq!(test.open(), [ENDED]);
    assert!(!alive(&child.0.id().to_string()) && alive(&elsewhere.0.id().to_string()));
}

#[test]
fn a_cancel_ends_the_wait_and_the_next_dam_tries_again() {
    let mut test =
        Test::new().install("trap '' TERM; echo $$ > $ROOT/leader; touch $ROOT/ready; while :; do sleep 1; done");
    test.kill_dam();
    test.cancel.flag().store(true, std::sync::atomic::Ordering::SeqCst);
    let hooks = hooks(test.root.path());
    assert!(matches!(hooks.end_orphans(&test.cancel, &Silent), Err(Error::Cancelled)));
    assert!(alive(&test.read("leader")));
    test.cancel.clear();
    assert_eq!(test.open(), [ENDED]);
    assert!(!alive(&test.read("leader")));
}

#[test]
fn debris_of_killed_dams_is_swept_and_what_is_in_use_is_not() {
    let test = Test::new().install("true");
    let (run, meta) = (test.root.path().join("run"), test.root.path().join("meta"));
    fs::create_dir_all(run.join("hook-stale/meta/folder")).expect("a folder");
    fs::create_dir_all(run.join("hook-used/meta")).expect("a folder");
    let used = File::open(run.join("hook-used")).expect("a folder");
    used.lock().expect("nobody else has it");
    fs::create_dir(&meta).expect("a folder");
    for name in [".new-a1b2c3", ".tmpd4e5f6", "00.tar"] {
        fs::write(meta.join(name), "half").expect("a write");
    }
    assert_eq!(test.open(), [""; 0]);
    assert_eq!(test.copies(), ["hook-used"]);
    let left: Vec<_> =
        fs::read_dir(&meta).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(left, ["00.tar"]);
}
