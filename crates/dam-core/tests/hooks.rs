//! Hooks as real processes: everything an app's script can do to whoever runs it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use dam_core::app::{App, HookName, Version, describe};
use dam_core::event::{Event, Reporter, Silent};
use dam_core::hooks::{Ended, HookEnd, HookError, HookRun, Hooks, ProcessHooks, run_health};
use dam_core::meta::{Keep, KeptMeta};
use dam_core::testing::FakeHooks;
use dam_core::{Cancel, Error};

/// An app whose `/meta` a test writes file by file, and the root it is kept in.
struct Test {
    root: tempfile::TempDir,
    tar: tar::Builder<Vec<u8>>,
    timeout: Option<Duration>,
    old_version: Option<Version>,
    cancel: Cancel,
}

impl Test {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a temp folder");
        let tar = tar::Builder::new(Vec::new());
        Self { root, tar, timeout: None, old_version: None, cancel: Cancel::default() }
    }

    fn file(mut self, name: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        let mut header = tar::Header::new_ustar();
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        self.tar.append_data(&mut header, format!("meta/{name}"), content).expect("memory does not fail");
        self
    }

    fn link(mut self, name: &str, target: &str) -> Self {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_mode(0o777);
        header.set_size(0);
        self.tar.append_link(&mut header, format!("meta/{name}"), target).expect("memory does not fail");
        self
    }

    /// An `install` run by `/bin/sh`; `$ROOT` is the folder a test looks at.
    fn install(self, script: &str) -> Self {
        let script = format!("#!/bin/sh\nROOT={}\n{script}\n", self.root.path().display());
        self.file("install", 0o755, script)
    }

    fn timeout(mut self, milliseconds: u64) -> Self {
        self.timeout = Some(Duration::from_millis(milliseconds));
        self
    }

    fn keep(&mut self) -> KeptMeta {
        self.tar.finish().expect("memory does not fail");
        let tar = self.tar.get_ref();
        let mut fill = |out: &mut dyn Write| {
            out.write_all(tar).expect("a spool");
            Ok(true)
        };
        let keep = Keep::open(self.root.path()).expect("a keep");
        keep.keep(&mut fill).expect("a sound /meta").expect("a /meta")
    }

    fn try_run(&mut self, hook: HookName, reporter: &dyn Reporter) -> Result<HookEnd, Error> {
        let meta = self.keep();
        let app = app(&meta);
        let run = HookRun {
            timeout: self.timeout,
            old_version: self.old_version.as_ref(),
            ..HookRun::new(&app, hook, meta.digest)
        };
        hooks(self.root.path()).run(&run, &self.cancel, reporter)
    }

    fn run(&mut self) -> HookEnd {
        self.try_run(HookName::Install, &Silent).expect("it ran")
    }

    fn fault(&mut self) -> HookError {
        match self.try_run(HookName::Install, &Silent) {
            Err(Error::Hook(fault)) => fault,
            other => panic!("{other:?}"),
        }
    }

    /// Reads what a hook wrote to `$ROOT/name`.
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root.path().join(name)).expect("the hook wrote it")
    }

    /// Names what is left below `run/`.
    fn copies(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.path().join("run")).expect("hooks ran");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }
}

fn app(meta: &KeptMeta) -> App {
    let all = KeptMeta { hooks: HookName::ALL.to_vec(), ..meta.clone() };
    describe(&"plant:5000/shop:1.0".parse().expect("a reference"), &BTreeMap::new(), &all).expect("an app")
}

fn hooks(root: &Path) -> ProcessHooks {
    ProcessHooks::open(root).expect("hooks").with_grace(Duration::from_millis(300))
}

/// Tells whether a process runs. One that ended and that nobody has collected does not.
fn alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

#[test]
fn a_hook_runs_in_its_own_meta_with_the_apps_environment() {
    let mut test = Test::new()
        .install("cat config/shop.conf; pwd -P; stat -c %a ..; env | grep '^DAM_' | sort; exit 3")
        .file("config/shop.conf", 0o644, "port=80\n");
    test.old_version = Some("0.9".parse().expect("a version"));
    let end = test.run();
    assert_eq!(end.ended, Ended::Exited(3));
    let text = end.text.to_text();
    let lines: Vec<_> = text.lines().collect();
    let run = test.root.path().canonicalize().expect("the root").join("run");
    assert!(lines[1].starts_with(&*run.to_string_lossy()) && lines[1].ends_with("/meta"), "{text}");
    assert_eq!((lines[0], lines[2]), ("port=80", "700"));
    assert_eq!(
        lines[3..],
        [
            "DAM_APP_FAMILY=shop",
            "DAM_APP_MULTIVERSION=false",
            "DAM_APP_NAME=shop",
            "DAM_APP_TAG=plant:5000/shop:1.0",
            "DAM_APP_VERSION=1.0",
            "DAM_HOOK=install",
            "DAM_OLD_VERSION=0.9",
        ]
    );
    assert_eq!(test.copies(), [""; 0]);
}

#[test]
fn every_run_has_a_fresh_copy() {
    let mut test = Test::new().install("ls; touch left-behind");
    for _ in 0..2 {
        assert_eq!(test.run().text.to_text(), "install\n");
    }
}

#[test]
fn without_an_old_version_there_is_no_old_version() {
    let mut test = Test::new().install("test -z \"${DAM_OLD_VERSION+set}\"");
    assert!(test.run().success());
}

#[test]
fn a_file_without_an_interpreter_line_is_run_by_the_shell() {
    let mut test = Test::new().file("install", 0o644, "echo \"hello $(basename \"$PWD\")\"\n");
    let end = test.run();
    assert_eq!((end.ended, end.text.to_text().as_str()), (Ended::Exited(0), "hello meta\n"));
}

#[test]
fn a_file_that_is_not_executable_is_run_all_the_same() {
    let mut test = Test::new().file("install", 0o600, "#!/bin/sh\nexit 7\n");
    assert_eq!(test.run().ended, Ended::Exited(7));
}

#[test]
fn a_link_to_a_script_inside_is_a_hook_and_one_to_outside_is_not() {
    let mut test = Test::new().link("install", "scripts/run").file("scripts/run", 0o755, "#!/bin/sh\npwd\n");
    assert!(test.run().text.to_text().ends_with("/meta\n"));
    let mut test = Test::new().link("install", "/bin/true");
    assert!(matches!(test.fault(), HookError::Missing { hook: HookName::Install, .. }));
}

#[test]
fn a_missing_interpreter_is_named() {
    let mut test = Test::new().file("install", 0o755, "#!/no/such/bash -e\n");
    assert_eq!(test.fault().to_string(), "`install` of `shop:1.0` needs `/no/such/bash`, which is not there");
    let mut test = Test::new().file("install", 0o755, "#!/bin/sh\r\necho\r\n");
    assert_eq!(test.fault().to_string(), "`install` of `shop:1.0` needs `/bin/sh\\r`, which is not there");
    assert_eq!(test.copies(), [""; 0]);
}

#[test]
fn a_binary_of_another_machine_is_not_fed_to_a_shell() {
    let emulators = fs::read_dir("/proc/sys/fs/binfmt_misc").map_or(0, |entries| entries.count());
    if emulators > 2 {
        // The kernel may have been taught to run even this.
        return;
    }
    let mut test = Test::new().file("install", 0o755, b"\x7fELF\x02\x01\x01 of another machine");
    match test.fault() {
        HookError::Start { source, .. } => assert_eq!(source.raw_os_error(), Some(8)),
        other => panic!("{other:?}"),
    }
    let mut test = Test::new().file("install", 0o755, fs::read("/bin/true").expect("a binary"));
    assert!(test.run().success());
}

#[test]
fn a_hook_the_app_does_not_have_is_an_error() {
    let mut test = Test::new().install("true");
    match test.try_run(HookName::Health, &Silent) {
        Err(Error::Hook(fault)) => assert_eq!(fault.to_string(), "`shop:1.0` has no `health`"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_streams_come_in_order() {
    let mut test = Test::new().install("echo one; echo two >&2; echo three; exit 1");
    let end = test.run();
    assert_eq!(end.text.to_text(), "one\ntwo\nthree\n");
    assert_eq!(end.text.last_lines(2), ["two", "three"]);
    let app = "shop:1.0".parse().expect("an app");
    let failed = end.check(&app, HookName::Install).expect_err("it failed");
    assert_eq!(failed.to_string(), "`install` of `shop:1.0` failed with exit status 1");
}

#[test]
fn stdin_is_empty_without_a_terminal() {
    let mut test = Test::new().install("read answer || echo \"nobody there\"");
    assert_eq!(test.run().text.to_text(), "nobody there\n");
}

#[test]
fn a_flood_of_output_is_cut_in_the_middle() {
    let mut test = Test::new().install("echo first; yes 0123456 | head -c 200000000; echo last");
    let end = test.run();
    let text = end.text.to_text();
    assert!(end.success() && text.starts_with("first\n0123456\n") && text.ends_with("0123456\nlast\n"));
    assert_eq!(end.text.left_out(), 200_000_011 - (64 << 10) - (256 << 10));
    assert!(text.len() < 330 << 10);
    assert_eq!(end.text.last_lines(1), ["last"]);
}

/// Cancels as soon as it hears `word`.
struct CancelAt<'a>(&'a str, Cancel, Mutex<Vec<String>>);

impl Reporter for CancelAt<'_> {
    fn event(&self, event: Event) {
        let mut heard = self.2.lock().expect("no test panics here");
        match event {
            Event::HookStarted { app, hook } => heard.push(format!("{hook} {app} starts")),
            Event::HookEnded { success, .. } => heard.push(format!("ends {success}")),
            Event::HookOutput { bytes } => {
                heard.push(String::from_utf8_lossy(bytes).into_owned());
                if heard.concat().contains(self.0) {
                    self.1.flag().store(true, std::sync::atomic::Ordering::SeqCst);
                }
            }
            _ => {}
        }
    }
}

#[test]
fn output_is_live_and_a_cancel_ends_the_hook() {
    let mut test = Test::new().install("echo $$ > $ROOT/pid; echo ready; exec sleep 300");
    let reporter = CancelAt("ready", test.cancel.clone(), Mutex::default());
    let end = test.try_run(HookName::Install, &reporter).expect("it ran");
    assert_eq!(end.ended, Ended::Cancelled);
    assert!(!alive(&test.read("pid")));
    assert_eq!(reporter.2.into_inner().expect("no panic"), ["install shop:1.0 starts", "ready\n", "ends false"]);
    assert_eq!(test.copies(), [""; 0]);
}

#[test]
fn a_hook_does_not_start_after_a_cancel() {
    let mut test = Test::new().install("touch $ROOT/it-ran");
    test.cancel.flag().store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(matches!(test.try_run(HookName::Install, &Silent), Err(Error::Cancelled)));
    assert!(!test.root.path().join("it-ran").exists());
}

#[test]
fn a_timeout_ends_grandchildren_too() {
    let mut test = Test::new()
        .install("sleep 300 & echo $! > $ROOT/child\n(sh -c 'echo $$ > '$ROOT'/grandchild; sleep 300; true') & wait")
        .timeout(500);
    let end = test.run();
    assert_eq!(end.ended, Ended::TimedOut(Duration::from_millis(500)));
    assert!(!alive(&test.read("child")) && !alive(&test.read("grandchild")));
}

#[test]
fn a_timeout_ends_what_ignores_sigterm() {
    let mut test = Test::new()
        .install("trap '' TERM; echo $$ > $ROOT/leader; sleep 300 & echo $! > $ROOT/child; wait; sleep 300")
        .timeout(300);
    assert_eq!(test.run().ended, Ended::TimedOut(Duration::from_millis(300)));
    assert!(!alive(&test.read("leader")) && !alive(&test.read("child")));
}

#[test]
fn a_timeout_ends_a_stubborn_child_of_a_leader_that_obeys() {
    let mut test =
        Test::new().install("(trap '' TERM; sh -c 'echo $$ > '$ROOT'/child; sleep 300; true') & wait").timeout(300);
    assert_eq!(test.run().ended, Ended::TimedOut(Duration::from_millis(300)));
    assert!(!alive(&test.read("child")));
}

#[test]
fn a_timeout_ends_a_stopped_hook() {
    let mut test = Test::new().install("echo $$ > $ROOT/pid; kill -STOP $$").timeout(300);
    assert_eq!(test.run().ended, Ended::TimedOut(Duration::from_millis(300)));
    assert!(!alive(&test.read("pid")));
}

#[test]
fn a_hook_may_tidy_up_when_it_is_ended() {
    let mut test = Test::new().install("trap 'echo tidy; exit 0' TERM; echo ready; sleep 300 & wait").timeout(300);
    let end = test.run();
    assert_eq!(end.text.to_text(), "ready\ntidy\n");
    assert_eq!(end.ended, Ended::TimedOut(Duration::from_millis(300)));
}

#[test]
fn a_daemon_that_keeps_the_output_open_is_neither_waited_for_nor_killed() {
    let mut test = Test::new().install("sleep 300 & echo $! > $ROOT/daemon; echo started");
    let end = test.run();
    assert_eq!((end.ended, end.text.to_text().as_str()), (Ended::Exited(0), "started\n"));
    assert!(end.took < Duration::from_secs(60));
    let daemon = test.read("daemon");
    assert!(alive(&daemon));
    let pid = rustix::process::Pid::from_raw(daemon.trim().parse().expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is ours");
}

#[test]
fn a_signal_from_elsewhere_is_no_cancel() {
    assert_eq!(Test::new().install("kill -9 $$").run().ended, Ended::Signalled(9));
    assert_eq!(Test::new().install("kill -2 $$").run().ended, Ended::Signalled(2));
}

#[test]
fn a_hook_that_closes_its_output_is_still_waited_for() {
    let mut test = Test::new().install("exec >&- 2>&-; sleep 0.2; exit 5");
    assert_eq!(test.run().ended, Ended::Exited(5));
}

#[test]
fn copies_of_killed_dams_are_swept_and_those_in_use_are_not() {
    let mut test = Test::new().install("true");
    let run = test.root.path().join("run");
    fs::create_dir_all(run.join("hook-stale/meta/folder")).expect("a folder");
    fs::create_dir_all(run.join("hook-used/meta")).expect("a folder");
    let used = File::open(run.join("hook-used")).expect("a folder");
    used.lock().expect("nobody else has it");
    assert!(test.run().success());
    assert_eq!(test.copies(), ["hook-used"]);
}

#[test]
fn a_changed_copy_of_meta_is_not_run() {
    let mut test = Test::new().install("touch $ROOT/it-ran");
    let meta = test.keep();
    let kept = test.root.path().join(format!("meta/{}.tar", meta.digest.hex()));
    let changed = String::from_utf8(fs::read(&kept).expect("kept")).expect("text").replace("touch", "/true");
    fs::write(&kept, changed).expect("a write");
    let app = app(&meta);
    let run = HookRun::new(&app, HookName::Install, meta.digest);
    let end = hooks(test.root.path()).run(&run, &Cancel::default(), &Silent);
    assert!(matches!(end, Err(Error::Meta(dam_core::meta::MetaError::Changed { .. }))), "{end:?}");
    assert!(!test.root.path().join("it-ran").exists());
}

#[test]
fn health_is_asked_for_until_it_is_there() {
    let mut test = Test::new().file("health", 0o755, "#!/bin/sh\necho sick; exit 1\n");
    let meta = test.keep();
    let app = app(&meta);
    let run = HookRun::new(&app, HookName::Health, meta.digest);
    let (cancel, sick) = (Cancel::default(), Ended::Exited(1));
    let fakes = FakeHooks::new().fails("shop:1.0", HookName::Health, "1").fails("shop:1.0", HookName::Health, "2");
    let end = run_health(&fakes, &run, Duration::from_secs(60), &cancel, &Silent).expect("it ran");
    assert_eq!((end.healthy(), end.checks, end.took), (true, 3, Duration::from_millis(2030)));
    assert_eq!(fakes.take_runs(), ["health shop:1.0"; 3]);

    let fakes = FakeHooks::new().always_ends("shop:1.0", HookName::Health, sick, "sick");
    let end = run_health(&fakes, &run, Duration::from_secs(5), &cancel, &Silent).expect("it ran");
    let failure = end.failure.expect("it stays sick");
    assert_eq!((failure.ended, failure.text.to_text().as_str(), end.checks), (sick, "sick", 5));

    let end = run_health(&hooks(test.root.path()), &run, Duration::ZERO, &cancel, &Silent).expect("it ran");
    assert_eq!((end.checks, end.failure.expect("sick").text.to_text().as_str()), (1, "sick\n"));
}

#[test]
fn a_cancel_ends_the_wait_for_health() {
    let mut test = Test::new().install("");
    let app = app(&test.keep());
    let cancel = Cancel::default();
    let flag = cancel.flag();
    let fakes = FakeHooks::new().always_ends("shop:1.0", HookName::Health, Ended::Exited(1), "").acts(
        "shop:1.0",
        HookName::Health,
        move || flag.store(true, std::sync::atomic::Ordering::SeqCst),
    );
    let run = HookRun::new(&app, HookName::Health, dam_oci::Digest::of(b""));
    let end = run_health(&fakes, &run, Duration::from_secs(60), &cancel, &Silent).expect("it ran");
    assert_eq!((end.checks, end.failure.expect("cancelled").ended), (1, Ended::Cancelled));
}

/// Runs the test `name` of this program as a process of its own, `before` its command line.
fn again(before: &[&str], name: &str, root: &Path) -> Command {
    let mut command = Command::new(before[0]);
    command.args(&before[1..]).arg(std::env::current_exe().expect("a program"));
    command.args(["--ignored", "--exact", name, "--nocapture"]).current_dir(root);
    command
}

/// Runs `script` as a hook of a dam that has a terminal, types `keys` once the hook has made `$ROOT/ready`, and returns
/// what [`inside_a_terminal`] writes about it.
fn in_a_terminal(script: &str, keys: &str) -> String {
    below_a_shell(&[], script, keys).read("outcome")
}

/// Does the same with `shell` between the terminal and dam.
fn below_a_shell(shell: &[&str], script: &str, keys: &str) -> Test {
    // Changing a setting stops whoever has not the terminal: past it the keys reach the hook and not dam.
    let mut test = Test::new().install(&format!("stty echo < /dev/tty\n{script}"));
    let meta = test.keep();
    fs::write(test.root.path().join("meta-digest"), meta.digest.to_string()).expect("a write");
    let control =
        rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).expect("a pty");
    rustix::pty::grantpt(&control).expect("a pty");
    rustix::pty::unlockpt(&control).expect("a pty");
    let name = rustix::pty::ptsname(&control, Vec::new()).expect("a pty").into_string().expect("a path");
    let side = || Stdio::from(File::options().read(true).write(true).open(&name).expect("the other side"));
    let mut command = again(&[&["setsid", "--ctty", "--wait"], shell].concat(), "inside_a_terminal", test.root.path());
    let mut child = command.stdin(side()).stdout(side()).stderr(side()).spawn().expect("setsid is everywhere");
    drop(command);
    let mut control = File::from(control);
    let mut screen = control.try_clone().expect("a handle");
    // A terminal nobody reads fills up, and whoever writes to it waits.
    std::thread::spawn(move || screen.read_to_end(&mut Vec::new()));
    let started = Instant::now();
    while !test.root.path().join("ready").exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "the hook never came up");
        std::thread::sleep(Duration::from_millis(10));
    }
    control.write_all(keys.as_bytes()).expect("a terminal");
    child.wait().expect("a child");
    test
}

#[test]
#[ignore = "runs inside the tests below"]
fn inside_a_terminal() {
    use rustix::termios::{LocalModes, tcgetattr, tcgetpgrp};
    let root = PathBuf::from(".").canonicalize().expect("a folder");
    let Ok(digest) = fs::read_to_string("meta-digest") else { return };
    let meta = Keep::open(&root).expect("a keep").get(&digest.parse().expect("a digest")).expect("a kept /meta");
    let app = app(&meta);
    let run = HookRun { terminal: true, ..HookRun::new(&app, HookName::Install, meta.digest) };
    let end = hooks(&root).run(&run, &Cancel::default(), &Silent).expect("it ran");
    let back = tcgetpgrp(std::io::stdin()).expect("a terminal") == rustix::process::getpgrp();
    let echo = tcgetattr(std::io::stdin()).expect("a terminal").local_modes.contains(LocalModes::ECHO);
    let outcome = format!("{:?}, terminal back: {back}, echo: {echo}, {:?}", end.ended, end.text.to_text());
    fs::write("outcome", outcome).expect("a write");
}

#[test]
fn a_hook_can_ask_at_the_terminal() {
    let outcome = in_a_terminal("touch $ROOT/ready; read answer < /dev/tty; echo \"hello $answer\"", "bob\n");
    assert_eq!(outcome, r#"Exited(0), terminal back: true, echo: true, "hello bob\n""#);
    let outcome = in_a_terminal("touch $ROOT/ready; read answer; echo \"hello $answer\"", "eve\n");
    assert_eq!(outcome, r#"Exited(0), terminal back: true, echo: true, "hello eve\n""#);
}

#[test]
fn ctrl_c_is_a_cancel_and_leaves_the_terminal_as_it_was() {
    let outcome = in_a_terminal("stty -echo < /dev/tty; touch $ROOT/ready; sleep 300", "\x03");
    assert_eq!(outcome, r#"Cancelled, terminal back: true, echo: true, """#);
    let outcome = in_a_terminal("trap 'exit 130' INT; touch $ROOT/ready; sleep 300", "\x03");
    assert_eq!(outcome, r#"Cancelled, terminal back: true, echo: true, """#);
}

#[test]
fn ctrl_z_where_no_shell_watches_does_not_hang() {
    let outcome = in_a_terminal("touch $ROOT/ready; sleep 0.3; echo on and on", "\x1a");
    assert_eq!(outcome, r#"Exited(0), terminal back: true, echo: true, "on and on\n""#);
}

#[test]
fn ctrl_z_stops_dam_with_its_hook_and_fg_wakes_both() {
    let shell = ["bash", "-mc", "\"$@\"; echo $? > stopped; fg", "bash"];
    let test = below_a_shell(&shell, "touch $ROOT/ready; sleep 0.3; read a; echo \"$a and on\"", "\x1aon\n");
    assert_eq!(test.read("stopped"), "148\n");
    assert_eq!(test.read("outcome"), r#"Exited(0), terminal back: true, echo: true, "on and on\n""#);
}

#[test]
fn a_noexec_root_is_named() {
    let mut test = Test::new().install("true");
    fs::create_dir(test.root.path().join("run")).expect("a folder");
    fs::write(test.root.path().join("meta-digest"), test.keep().digest.to_string()).expect("a write");
    let mount = [
        "unshare",
        "--map-root-user",
        "--mount",
        "sh",
        "-ec",
        "mount -t tmpfs -o noexec,mode=700 none run; exec \"$@\"",
        "sh",
    ];
    let mut command = again(&mount, "inside_noexec", test.root.path());
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("unshare is everywhere");
    // Where users may not make namespaces there is nothing to see.
    if status.success() {
        assert_eq!(test.read("outcome").split(": ").last(), Some("true"), "{}", test.read("outcome"));
    }
}

#[test]
#[ignore = "runs inside the test above"]
fn inside_noexec() {
    let root = PathBuf::from(".").canonicalize().expect("a folder");
    let Ok(digest) = fs::read_to_string("meta-digest") else { return };
    let meta = Keep::open(&root).expect("a keep").get(&digest.parse().expect("a digest")).expect("a kept /meta");
    let app = app(&meta);
    let run = HookRun::new(&app, HookName::Install, meta.digest);
    let end = hooks(&root).run(&run, &Cancel::default(), &Silent);
    let named = matches!(end, Err(Error::Hook(HookError::NoExec { .. })));
    fs::write("outcome", format!("{end:?}: {named}")).expect("a write");
}
