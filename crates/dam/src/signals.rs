//! Ctrl-C and SIGTERM.

use std::sync::Arc;

use dam_core::Cancel;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::ui::Ui;

/// From now on the first SIGINT or SIGTERM asks the running op to stop and undo; later ones only get an answer, for an
/// undo that is cut short is what nobody wants. Commands that change nothing do not call this and die of the signal.
pub(crate) fn watch(cancel: &Cancel, ui: &Arc<Ui>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let (cancel, ui) = (cancel.flag(), Arc::clone(ui));
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for (count, _) in signals.forever().enumerate() {
            match count {
                0 => {
                    cancel.store(true, std::sync::atomic::Ordering::SeqCst);
                    ui.status("stopping …");
                }
                _ => ui.warning("dam stops as soon as everything is as before; the undo goes on"),
            }
        }
    })?;
    Ok(())
}
