//! A full disk, a root that is out of reach, two dams at once.

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use snapbox::str;
use support::{App, Dam};

/// Bytes of the small disks.
const DISK: u64 = 3 << 20;

/// An app with a megabyte that no compression shrinks.
fn big(app: App) -> App {
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    });
    app.file("Dockerfile", "FROM scratch\nCOPY meta /meta\nCOPY noise /\n")
        .file("noise", noise.take(1 << 20).collect::<Vec<_>>())
}

/// Runs a line while the disk has hardly any space: it must fail and say which file was not written. With space again the
/// same line works, and nothing is amiss.
fn once_there_is_space(dam: &Dam, line: &str, leaving: u64) {
    dam.disk().fill(leaving);
    let run = dam.run(line).failure().no_stdout();
    // The first is the system's word, the other is said of the ledger.
    let causes = ["No space left on device (os error 28)", "no space is left"];
    assert!(run.talk().contains("error: ") && run.talk().contains("[FOLDER]/root"), "{}", run.talk());
    assert!(causes.iter().any(|cause| run.talk().contains(cause)), "{}", run.talk());
    dam.disk().free();
    let _ = dam.run(line).success();
    let _ = dam.run("verify").success();
}

#[test]
fn a_full_disk_while_an_app_is_made() {
    let dam = Dam::new().project("shop", big).small_disk("root", DISK);
    once_there_is_space(&dam, "create shop --version 1.0", 400 << 10);
    dam.run("install shop:1.0 --yes").success();
    assert_eq!(dam.running("shop").as_deref(), Some("1.0"));
}

#[test]
fn a_full_disk_while_an_app_is_saved() {
    let dam = Dam::new().app("shop", "1.0", big).small_disk("stick", DISK);
    dam.disk().fill(400 << 10);
    let run = dam.run("save shop:1.0 -o stick/shop.dam").failure().no_stdout();
    let _ = run.said("error: cannot access `stick/shop.dam`\ncaused by: No space left on device (os error 28)\n");
    assert_eq!(fs::read_dir(dam.disk().inside()).expect("the stick").count(), 1, "only the filler is left");
    let run = dam.run("export shop.dam").failure().no_stdout();
    let _ = run.said("there is no app to export");
    dam.run("install shop:1.0 --yes").success();
    for line in ["export --all stick/shop.dam", "export --all stick/shop.dam --split 1MB"] {
        let run = dam.run(line).failure().no_stdout();
        let _ = run.said("error: cannot access `stick/shop.dam`\ncaused by: No space left on device (os error 28)\n");
        assert_eq!(fs::read_dir(dam.disk().inside()).expect("the stick").count(), 1, "only the filler is left");
    }
    dam.disk().free();
    dam.run("save shop:1.0 -o stick/shop.dam").success();
    dam.run("info stick/shop.dam").success();
}

#[test]
fn a_full_disk_while_an_app_is_installed() {
    let source = Dam::new().app("shop", "1.0", big);
    source.run("save shop:1.0 -o shop.dam").success();
    let bytes = fs::read(source.path("shop.dam")).expect("it was saved");
    let dam = Dam::new().file("shop.dam", bytes).small_disk("root", DISK);
    once_there_is_space(&dam, "install shop.dam --yes", 600 << 10);
    assert_eq!(dam.running("shop").as_deref(), Some("1.0"));
    dam.run("list").success().stdout(str![[r#"
NAME  VERSION  REPO    INSTALLED  STATE
shop  1.0      (file)  just now   ok

"#]]);
}

#[test]
fn a_full_disk_while_an_app_is_removed() {
    let dam = Dam::new().project("shop", big).small_disk("root", DISK);
    dam.run("create shop --version 1.0").success();
    dam.run("install shop:1.0 --yes").success();
    once_there_is_space(&dam, "remove shop --yes", 0);
    assert_eq!(dam.running("shop"), None);
    dam.run("list").success().stdout("no app is installed\n");
}

#[test]
fn a_root_that_is_out_of_reach() {
    let dam = Dam::new().project("shop", |app| app);
    fs::create_dir(dam.root()).expect("a folder");
    let dam = dam.of_nobody();
    fs::set_permissions(dam.root(), Permissions::from_mode(0o000)).expect("ours");
    for line in
        ["list", "history", "verify", "create shop", "install shop:1.0 --yes", "remove shop --yes", "purge --yes"]
    {
        let run = dam.run(line).failure().no_stdout();
        assert!(run.talk().contains("error: cannot access `[FOLDER]/root"), "{line}: {}", run.talk());
        assert!(run.talk().contains("Permission denied"), "{line}: {}", run.talk());
        assert!(run.talk().contains(&format!("hint: sudo dam {line}")), "{line}: {}", run.talk());
    }
    fs::set_permissions(dam.root(), Permissions::from_mode(0o700)).expect("ours");
}

#[test]
fn a_root_that_cannot_be_made() {
    let dam = Dam::new().project("shop", |app| app).file("file", "");
    dam.run("create shop --root file/root").no_stdout().error(str![[r#"
error: cannot access `[FOLDER]/file/root`
caused by: Not a directory (os error 20)

"#]]);
}

/// Begins an install whose script waits for the file `go`, and returns once it waits.
fn installing(dam: &Dam) -> Child {
    let mut command = dam.command("install shop:1.0 --yes");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("dam starts");
    until(|| dam.running("waits").is_some());
    child
}

fn until(holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never came");
        sleep(Duration::from_millis(20));
    }
}

/// A slow app and a quick one.
fn slow_and_quick() -> Dam {
    let wait = "touch $STATE/waits; until test -e $STATE/go; do sleep 0.05; done; rm $STATE/waits";
    let dam = Dam::new().app("shop", "1.0", |app| app.hook("install", wait).hook("uninstall", "rm -f $STATE/waits"));
    dam.app("tools", "1.0", |app| app)
}

#[test]
fn the_second_of_two_dams_waits_and_says_so() {
    let dam = slow_and_quick();
    let first = installing(&dam);
    let mut command = dam.command("install tools:1.0 --yes");
    let said = fs::File::create(dam.path("said")).expect("a file");
    let mut second = command.stdout(Stdio::null()).stderr(said).spawn().expect("dam starts");
    let talk = || fs::read_to_string(dam.path("said")).expect("text");
    until(|| talk().contains("another dam is changing this machine; waiting for it"));
    assert!(second.try_wait().expect("our child").is_none(), "{}", talk());
    // Who only looks does not wait.
    dam.run("list").success();
    fs::write(dam.path("state/go"), "").expect("a file");
    assert!(first.wait_with_output().expect("our child").status.success());
    assert!(second.wait().expect("our child").success(), "{}", talk());
    dam.run("list").success().stdout(str![[r#"
NAME   VERSION  REPO     INSTALLED  STATE
shop   1.0      (store)  just now   ok
tools  1.0      (store)  just now   ok

"#]]);
}

#[test]
fn a_dam_that_was_killed_holds_nobody_up() {
    let dam = slow_and_quick();
    let mut first = installing(&dam);
    first.kill().expect("our child");
    first.wait().expect("our child");
    fs::write(dam.path("state/go"), "").expect("a file");
    dam.run("install tools:1.0 --yes").success().said("undoing what was cut off: install of shop 1.0");
    dam.run("list").success().stdout(str![[r#"
NAME   VERSION  REPO     INSTALLED  STATE
tools  1.0      (store)  just now   ok

"#]]);
    dam.run("verify").success();
}

#[test]
fn a_root_that_others_may_change_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dam = Dam::new().app("shop", "1.0", |app| app);
    std::fs::set_permissions(dam.root(), std::fs::Permissions::from_mode(0o777)).expect("ours");
    let error = dam.run("install shop:1.0 --yes --json").failure().json();
    assert_eq!(error["error"]["kind"], "exposed", "{error}");
    assert_eq!(error["error"]["hints"][0], "chmod 700 [FOLDER]/root", "{error}");
    std::fs::set_permissions(dam.root(), std::fs::Permissions::from_mode(0o700)).expect("ours");
    dam.run("install shop:1.0 --yes").success();
}
