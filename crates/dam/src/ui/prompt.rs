//! Reading an answer.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use dam_core::{Cancel, Error};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// How often Ctrl-C is looked for.
const TICK: Duration = Duration::from_millis(50);

/// Reads one line from stdin that nobody sees being typed. Only for a stdin that is a terminal.
///
/// The terminal shows again what is typed when this ends, also by Ctrl-C.
pub(crate) fn read_secret(cancel: &Cancel) -> dam_core::Result<String> {
    let _hidden = Hidden::begin().map_err(|error| Error::access("/dev/stdin")(error.into()))?;
    let line = read_line(cancel)?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// A terminal that does not show what is typed; but it shows the line break at the end.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> rustix::io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ECHONL);
        // What was typed before the question was not meant for it.
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing anyway.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

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
