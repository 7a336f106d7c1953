//! Ctrl-C, SIGTERM and the end of the terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dam_core::Cancel;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::ui::Ui;

/// From now on the first signal asks the running op to stop and undo. Later ones only get an answer while `changing` is
/// set, for an undo that is cut short is what nobody wants; before that nothing is lost, and the second ends dam: reading
/// a large file or waiting for an engine does not look at the wish to stop. Commands that change nothing do not call
/// this and die of the signal.
pub(crate) fn watch(cancel: &Cancel, changing: &Arc<AtomicBool>, ui: &Arc<Ui>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    // Under `nohup` the end of the terminal is meant to end nothing.
    if !is_ignored(SIGHUP) {
        signals.add_signal(SIGHUP)?;
    }
    let (cancel, changing, ui) = (cancel.flag(), Arc::clone(changing), Arc::clone(ui));
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for (count, signal) in signals.forever().enumerate() {
            let changes = changing.load(Ordering::SeqCst);
            match count {
                0 => {
                    cancel.store(true, Ordering::SeqCst);
                    ui.status(if changes { "stopping …" } else { "stopping … (once more to stop at once)" });
                }
                _ if changes => ui.warning("dam stops as soon as everything is as before; the undo goes on"),
                // Only a signal without a default fails here, and these have one.
                _ => emulate_default_handler(signal).unwrap_or_default(),
            }
        }
    })?;
    Ok(())
}

/// Tells whether whoever started dam let the signal be ignored: `SigIgn` of proc_pid_status(5) has a bit for each.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
