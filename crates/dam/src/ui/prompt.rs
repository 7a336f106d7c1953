//! Reading an answer.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use dam_core::{Cancel, Error};

/// How often Ctrl-C is looked for.
const TICK: Duration = Duration::from_millis(50);

/// Reads one line from stdin; the end of the input is an empty line.
///
/// The read itself cannot be interrupted (a signal restarts it), so it has a thread of its own, which is left behind
/// when Ctrl-C comes first: the program ends soon after.
pub(crate) fn read_line(cancel: &Cancel) -> dam_core::Result<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        // The receiver may be gone: then nobody wants the answer.
        let _ = sender.send(io::stdin().read_line(&mut line).map(|_| line));
    });
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(answer) => return answer.map_err(Error::access("/dev/stdin")),
            Err(RecvTimeoutError::Timeout) => cancel.check()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(String::new()),
        }
    }
}
