//! Hooks that use dam's terminal.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::process::Stdio;

use dam_core::Cancel;
use dam_core::app::HookName;
use dam_core::event::Silent;
use dam_core::hooks::{HookRun, Hooks};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::setting::{Child, Test, again, app, hooks, kept_here, wait_until};

/// Runs `script` as a hook of a dam that has a terminal, types `keys` once the hook has made `$ROOT/ready`, and returns
/// what [`inside_a_terminal`] writes about it.
///
/// The hook must not start a process right after `ready`: keys that meet a shell in vfork(2) are between two programs. A
/// Ctrl-Z there stops the child before its exec and not the shell, which then waits for ever, below whatever program.
fn in_a_terminal(script: &str, keys: &str) -> String {
    below_a_shell(&[], script, keys).read("outcome")
}

/// Does the same with `shell` between the terminal and dam.
fn below_a_shell(shell: &[&str], script: &str, keys: &str) -> Test {
    // Changing a setting stops whoever has not the terminal: past it the keys reach the hook and not dam.
    let mut test = Test::new().install(&format!("stty echo < /dev/tty\n{script}"));
    test.keep_for_another();
    // Close-on-exec: a child of another test that held this end would keep the terminal open.
    let control = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pty");
    grantpt(&control).expect("a pty");
    unlockpt(&control).expect("a pty");
    let name = ptsname(&control, Vec::new()).expect("a pty").into_string().expect("a path");
    let side = || Stdio::from(File::options().read(true).write(true).open(&name).expect("the other side"));
    let mut command =
        again(&[&["setsid", "--ctty", "--wait"], shell].concat(), "terminal::inside_a_terminal", test.root.path());
    let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().expect("setsid is everywhere");
    let mut child = Child(child);
    drop(command);
    let mut control = File::from(control);
    let mut screen = control.try_clone().expect("a handle");
    // A terminal nobody reads fills up, and whoever writes to it waits.
    std::thread::spawn(move || screen.read_to_end(&mut Vec::new()));
    let ready = test.root.path().join("ready");
    wait_until("the hook is ready", || ready.exists());
    control.write_all(keys.as_bytes()).expect("a terminal");
    assert!(child.wait().success());
    test
}

#[test]
#[ignore = "runs inside the tests below"]
fn inside_a_terminal() {
    use rustix::termios::{LocalModes, tcgetattr, tcgetpgrp};
    let Some((root, meta)) = kept_here() else { return };
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
    let outcome = in_a_terminal(": > $ROOT/ready; read answer < /dev/tty; echo \"hello $answer\"", "bob\n");
    assert_eq!(outcome, r#"Exited(0), terminal back: true, echo: true, "hello bob\n""#);
    let outcome = in_a_terminal(": > $ROOT/ready; read answer; echo \"hello $answer\"", "eve\n");
    assert_eq!(outcome, r#"Exited(0), terminal back: true, echo: true, "hello eve\n""#);
}

#[test]
fn ctrl_c_is_a_cancel_and_leaves_the_terminal_as_it_was() {
    let outcome = in_a_terminal("stty -echo < /dev/tty; : > $ROOT/ready; while :; do :; done", "\x03");
    assert_eq!(outcome, r#"Cancelled, terminal back: true, echo: true, """#);
    let outcome = in_a_terminal("trap 'exit 130' INT; : > $ROOT/ready; while :; do :; done", "\x03");
    assert_eq!(outcome, r#"Cancelled, terminal back: true, echo: true, """#);
}

#[test]
fn ctrl_z_where_no_shell_watches_does_not_hang() {
    let outcome = in_a_terminal(": > $ROOT/ready; read a; echo \"$a and on\"", "\x1aon\n");
    assert_eq!(outcome, r#"Exited(0), terminal back: true, echo: true, "on and on\n""#);
}

#[test]
fn ctrl_z_stops_dam_with_its_hook_and_fg_wakes_both() {
    let shell = ["bash", "-mc", "\"$@\"; echo $? > stopped; fg", "bash"];
    let test = below_a_shell(&shell, ": > $ROOT/ready; read a; echo \"$a and on\"", "\x1aon\n");
    assert_eq!(test.read("stopped"), "148\n");
    assert_eq!(test.read("outcome"), r#"Exited(0), terminal back: true, echo: true, "on and on\n""#);
}
