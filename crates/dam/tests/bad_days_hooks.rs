//! Scripts that do not behave.

mod support;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use dam_oci::testing::{ArchiveForm, ImageBuilder};
use snapbox::str;
use support::Dam;
use support::terminal::Talk;

/// Memory that dam may take while it looks at a hook, in kilobytes. It takes 20,000; a gigabyte of output would show.
const MEMORY: u64 = 64 << 10;

#[test]
fn a_hook_that_fails_leaves_nothing_and_is_quoted() {
    let dam = Dam::new().app("shop", "1.0", |app| {
        app.hook(
            "install",
            "for n in 1 2 3; do echo step $n; done; echo no space on /srv >&2; touch $STATE/half; exit 3",
        )
        .hook("uninstall", "echo stopping; rm $STATE/half")
    });
    dam.run("install shop:1.0 --yes").no_stdout().failure().stderr(str![[r#"
  install   shop  1.0  from the store
            run install of shop:1.0
install of shop:1.0:
step 1
step 2
step 3
no space on /srv
undoing: install of shop 1.0
uninstall of shop:1.0:
stopping
error: `install` of `shop:1.0` failed with exit status 3
           | step 1
           | step 2
           | step 3
           | no space on /srv
everything is as before
hint: dam history shop --log   shows all that the hooks printed

"#]]);
    assert_eq!(dam.running("half"), None);
    dam.run("list").success().stdout("no app is installed\n");
    dam.run("history").success().stdout(str![[r#"
[TIME]  just now        install   shop 1.0  failed, undone
  `install` of `shop:1.0` failed with exit status 3

"#]]);
    dam.run("history --log").success().stdout(str![[r#"
[TIME]  just now        install   shop 1.0  failed, undone
  `install` of `shop:1.0` failed with exit status 3
  install of shop:1.0 failed with exit status 3
  | step 1
  | step 2
  | step 3
  | no space on /srv
  uninstall of shop:1.0 succeeded
  | stopping

"#]]);
    dam.run("remove shop --yes").no_stdout().error(str![[r#"
error: `shop` is not installed
hint: dam list   shows what is

"#]]);
}

#[test]
fn an_uninstall_that_fails_after_an_install_that_failed_is_told() {
    let dam = Dam::new().app("shop", "1.0", |app| app.hook("install", "exit 1").hook("uninstall", "exit 2"));
    dam.run("install shop:1.0 --yes").no_stdout().error(str![[r#"
error: `install` of `shop:1.0` failed with exit status 1
everything is as before
hint: dam history shop --log   shows all that the hooks printed

"#]]);
    dam.run("list").success().stdout("no app is installed\n");
}

#[test]
fn a_hook_without_a_first_line_is_run_by_the_shell() {
    let plain = "for word in one two; do printf %s $word >\"$STATE/shop\"; done\n";
    let dam = Dam::new().installed("shop", "1.0", |app| app.script("install", 0o755, plain));
    assert_eq!(dam.running("shop").as_deref(), Some("two"));
    dam.run("remove shop --yes").success();
    assert_eq!(dam.running("shop"), None);
}

#[test]
fn a_hook_whose_interpreter_is_missing() {
    let dam = Dam::new().app("shop", "1.0", |app| app.script("install", 0o755, "#!/opt/plant/python9\n"));
    dam.run("install shop:1.0 --yes").no_stdout().error(str![[r#"
error: `install` of `shop:1.0` needs `/opt/plant/python9`, which is not there
nothing was changed

"#]]);
    let dam = Dam::new().app("shop", "1.0", |app| app.script("install", 0o755, "#!/bin/sh\r\necho hello\r\n"));
    dam.run("install shop:1.0 --yes").no_stdout().error(str![[r#"
error: `install` of `shop:1.0` needs `/bin/sh\r`, which is not there
nothing was changed
hint: the script has Windows line ends; it needs plain ones

"#]]);
}

#[test]
fn a_hook_that_is_not_executable_is_run_all_the_same() {
    let dam = Dam::new().installed("shop", "1.0", |app| app.script("install", 0o644, "echo yes >\"$STATE/shop\"\n"));
    assert_eq!(dam.running("shop").as_deref(), Some("yes\n"));
    // As other tools pack it: not even `create` has made it executable.
    let image = ImageBuilder::new().file("meta/install", 0o644, "#!/bin/sh\necho yes >\"$STATE/tools\"\n").file(
        "meta/uninstall",
        0o600,
        "rm \"$STATE/tools\"\n",
    );
    let dam = dam.archive("tools.tar", ArchiveForm::Docker25, image, &["tools:1.0"]);
    dam.run("install tools.tar --yes").success().stdout("Installed tools 1.0\n");
    assert_eq!(dam.running("tools").as_deref(), Some("yes\n"));
    dam.run("remove tools --yes").success().stdout("Removed tools 1.0\n");
    assert_eq!(dam.running("tools"), None);
}

#[test]
fn a_gigabyte_of_output_is_not_kept_in_memory() {
    let dam = Dam::new().app("shop", "1.0", |app| {
        app.hook("install", "echo first; head -c 1G /dev/zero | tr '\\0' x; echo; echo last; echo yes >\"$STATE/shop\"")
    });
    let mut command = dam.command("install shop:1.0 --yes");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("dam starts");
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait().expect("our child") {
            break status;
        }
        peak = peak.max(peak_memory(child.id()));
        sleep(Duration::from_millis(5));
    };
    assert!(status.success());
    assert!((1..MEMORY).contains(&peak), "{peak} kB");
    assert_eq!(dam.running("shop").as_deref(), Some("yes\n"));
    let history = dam.run("history --log").success();
    assert!(history.text().contains("| first\n") && history.text().contains("| last\n"));
    assert!(history.text().contains("bytes left out") && history.text().len() < 1 << 20);
}

/// Returns the most memory a process ever had, in kilobytes; 0 once it has ended.
fn peak_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

#[test]
fn a_hook_that_forks_and_hangs_is_ended_with_all_its_processes() {
    let dam = Dam::new().app("shop", "1.0", |app| {
        let hang = "echo working; sleep 600 & echo $! >$STATE/one; (sleep 600; true) & echo $! >$STATE/two; sleep 600";
        app.hook("install", hang).hook("uninstall", "mv $STATE/one $STATE/two ..; pwd >$STATE/../undone")
    });
    let begun = Instant::now();
    dam.run("install shop:1.0 --yes --timeout 1s").no_stdout().error(str![[r#"
error: `install` of `shop:1.0` did not end within 1s
           | working
everything is as before
hint: dam history shop --log   shows all that the hooks printed

"#]]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(dam.path("undone").exists());
    dam.run("list").success().stdout("no app is installed\n");
}

#[test]
fn a_hook_that_leaves_a_process_behind_does_not_hold_dam_up() {
    let dam = Dam::new().app("shop", "1.0", |app| app.hook("install", "sleep 600 & echo $! >$STATE/shop"));
    let begun = Instant::now();
    let run = dam.run("install shop:1.0 --yes");
    let took = begun.elapsed();
    let process = dam.running("shop").unwrap_or_default();
    assert!(Path::new("/proc").join(process.trim()).exists(), "what a hook starts to stay runs on");
    std::process::Command::new("kill").arg(process.trim()).status().expect("kill");
    run.success().stdout("Installed shop 1.0\n");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn a_hook_that_needs_a_terminal_gets_the_one_there_is() {
    let ask =
        "test -t 0 || { echo no terminal; exit 7; }; printf 'Colour? '; read colour; echo $colour >\"$STATE/shop\"";
    let dam = Dam::new().app("shop", "1.0", |app| app.hook("install", ask));
    dam.run("install shop:1.0 --yes").no_stdout().error(str![[r#"
error: `install` of `shop:1.0` failed with exit status 7
           | no terminal
everything is as before
hint: dam history shop --log   shows all that the hooks printed

"#]]);
    dam.run("list").success().stdout("no app is installed\n");

    let Talk { code, screen } = dam.converse("install shop:1.0", &[("Go on? [y/N]", "y"), ("Colour? ", "blue")]);
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(dam.running("shop").as_deref(), Some("blue\n"), "{screen}");
    assert!(screen.contains("Colour? ") && screen.contains("Installed shop 1.0"), "{screen}");
}

#[test]
fn a_no_at_the_terminal_changes_nothing() {
    let dam = Dam::new().app("shop", "1.0", |app| app);
    let Talk { code, screen } = dam.converse("install shop:1.0", &[("Go on? [y/N]", "")]);
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("Nothing was changed."), "{screen}");
    assert_eq!(dam.running("shop"), None);
    dam.run("history").success().stdout("nothing was done yet\n");
}

#[test]
fn ctrl_c_undoes_what_was_begun() {
    let dam = Dam::new().app("shop", "1.0", |app| app.hook("install", "touch $STATE/shop; sleep 600"));
    let mut command = dam.command("install shop:1.0 --yes");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("dam starts");
    let begun = Instant::now();
    while dam.running("shop").is_none() && begun.elapsed() < Duration::from_secs(20) {
        sleep(Duration::from_millis(20));
    }
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).expect("our own child");
    let output = child.wait_with_output().expect("our child");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(dam.running("shop"), None);
    dam.run("list").success().stdout("no app is installed\n");
}

#[test]
fn an_image_without_meta_is_no_app() {
    let image = || ImageBuilder::new().file("bin/shop", 0o755, "");
    let dam = Dam::new().archive("shop.tar", ArchiveForm::Docker25, image(), &["shop:1.0"]);
    dam.run("install shop.tar --yes").no_stdout().error(str![[r#"
error: image `shop:1.0` is not an app: it has no /meta

"#]]);
    dam.run("info shop.tar").no_stdout().error(str![[r#"
error: image `shop:1.0` is not an app: it has no /meta

"#]]);
    dam.is_empty();
    let half = ImageBuilder::new().file("meta/install", 0o755, "#!/bin/sh\n");
    let dam = dam.archive("half.tar", ArchiveForm::Docker25, half, &["shop:1.0"]);
    dam.run("install half.tar --yes").no_stdout().error(str![[r#"
error: image `shop:1.0` is not an app: its /meta has no `uninstall`

"#]]);
    dam.is_empty();
}
