//! What Ctrl-C does while nothing is changed yet.

mod support;

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use support::Dam;

/// Long enough to be read for minutes, with a checksum in its name so that all of it is read; it takes no room.
const LENGTH: u64 = 1 << 40;

#[test]
fn who_insists_need_not_wait_for_a_large_file_to_be_read() {
    let dam = Dam::new();
    let file = File::create(dam.path("shop-1.0.00000000.dam")).expect("a file");
    file.set_len(LENGTH).expect("a file with holes");
    let mut command = dam.command("install ./shop-1.0.00000000.dam --yes");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("dam starts");
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "it still reads");
        // Signals are listened to before the lock is taken. Two at once may count as one, so there is a pause.
        if dam.root().join("lock").exists() {
            kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
    let _ = dam.run("verify").success();
}
