//! Hooks as real processes: everything an app's script can do to whoever runs it.

mod orphans;
mod setting;
mod terminal;

use std::fs;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use dam_core::app::HookName;
use dam_core::event::{Event, Reporter, Silent};
use dam_core::hooks::{Ended, HookError, HookRun, Hooks, run_health};
use dam_core::testing::FakeHooks;
use dam_core::{Cancel, Error};

use setting::{Child, Test, again, alive, app, hooks, kept_here};

#[test]
fn a_hook_runs_in_its_own_meta_with_the_apps_environment() {
    let mut test = Test::new()
        .install("cat config/shop.conf; pwd -P; stat -c %a ..; env | grep '^DAM_' | sort; exit 3")
        .file("config/shop.conf", 0o644, "port=80\n");
    test.old_version = Some("0.9".parse().expect("a version"));
    test.undo = true;
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
            "DAM_APP_SERVERS=plant:5000",
            "DAM_APP_TAG=plant:5000/shop:1.0",
            "DAM_APP_VERSION=1.0",
            "DAM_EXECUTABLE=/opt/dam",
            "DAM_HOOK=install",
            "DAM_OLD_VERSION=0.9",
            "DAM_UNDO=1",
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
fn without_an_old_version_or_an_undo_there_is_no_word_of_them() {
    let mut test = Test::new().install("test -z \"${DAM_OLD_VERSION+set}${DAM_UNDO+set}\"");
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
        .timeout(1500);
    let end = test.run();
    assert_eq!(end.ended, Ended::TimedOut(Duration::from_millis(1500)));
    assert!(!alive(&test.read("child")) && !alive(&test.read("grandchild")));
}

#[test]
fn a_timeout_ends_what_ignores_sigterm() {
    let mut test = Test::new()
        .install("trap '' TERM; echo $$ > $ROOT/leader; sleep 300 & echo $! > $ROOT/child; wait; sleep 300")
        .impatient()
        .timeout(1500);
    assert_eq!(test.run().ended, Ended::TimedOut(Duration::from_millis(1500)));
    assert!(!alive(&test.read("leader")) && !alive(&test.read("child")));
}

#[test]
fn a_timeout_ends_a_stubborn_child_of_a_leader_that_obeys() {
    let mut test = Test::new()
        .install("(trap '' TERM; sh -c 'echo $$ > '$ROOT'/child; sleep 300; true') & wait")
        .impatient()
        .timeout(1500);
    assert_eq!(test.run().ended, Ended::TimedOut(Duration::from_millis(1500)));
    assert!(!alive(&test.read("child")));
}

#[test]
fn a_timeout_ends_a_stopped_hook() {
    let mut test = Test::new().install("echo $$ > $ROOT/pid; kill -STOP $$").timeout(1000);
    assert_eq!(test.run().ended, Ended::TimedOut(Duration::from_millis(1000)));
    assert!(!alive(&test.read("pid")));
}

#[test]
fn a_hook_may_tidy_up_when_it_is_ended() {
    let mut test = Test::new().install("trap 'echo tidy; exit 0' TERM; echo ready; sleep 300 & wait").timeout(1000);
    let end = test.run();
    assert_eq!(end.text.to_text(), "ready\ntidy\n");
    assert_eq!(end.ended, Ended::TimedOut(Duration::from_millis(1000)));
}

#[test]
fn a_daemon_that_keeps_the_output_open_is_neither_waited_for_nor_killed() {
    let mut test = Test::new().install("sleep 300 & echo $! > $ROOT/daemon; echo started");
    let end = test.run();
    assert_eq!((end.ended, end.text.to_text().as_str()), (Ended::Exited(0), "started\n"));
    assert!(end.took < Duration::from_secs(60));
    assert!(alive(&test.read("daemon")));
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

#[test]
fn a_noexec_root_is_named() {
    let mut test = Test::new().install("true");
    fs::create_dir(test.root.path().join("run")).expect("a folder");
    test.keep_for_another();
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
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("unshare is everywhere");
    // Where users may not make namespaces there is nothing to see.
    if Child(child).wait().success() {
        assert_eq!(test.read("outcome").split(": ").last(), Some("true"), "{}", test.read("outcome"));
    }
}

#[test]
#[ignore = "runs inside the test above"]
fn inside_noexec() {
    let Some((root, meta)) = kept_here() else { return };
    let app = app(&meta);
    let run = HookRun::new(&app, HookName::Install, meta.digest);
    let end = hooks(&root).run(&run, &Cancel::default(), &Silent);
    let named = matches!(end, Err(Error::Hook(HookError::NoExec { .. })));
    fs::write("outcome", format!("{end:?}: {named}")).expect("a write");
}
