//! Getting a long file onto the disk while it is still being written.

use std::fs::File;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

/// Bytes after which the disk is given something to do.
const STEP: u64 = 16 << 20;

/// Lets the disk write what a file has so far, again and again, beside whoever writes the file. The sync at the end then finds
/// little left to do.
#[derive(Default)]
pub(super) struct Flush {
    written: u64,
    nudge: Option<SyncSender<()>>,
}

impl Flush {
    /// Takes note of `count` more bytes in `file`.
    pub(super) fn wrote(&mut self, file: &File, count: usize) {
        let steps = self.written / STEP;
        self.written += count as u64;
        if self.written / STEP == steps {
            return;
        }
        if self.nudge.is_none() {
            self.nudge = begin(file);
        }
        // An error means that it is at work; then the next step will do.
        let _ = self.nudge.as_ref().map(|nudge| nudge.try_send(()));
    }
}

/// Starts the thread; it ends when the sender is dropped. Without it, all is left to the sync at the end, which also tells of
/// errors.
fn begin(file: &File) -> Option<SyncSender<()>> {
    let file = file.try_clone().ok()?;
    let (nudge, nudges) = sync_channel(1);
    let sync = move || nudges.iter().for_each(|()| drop(file.sync_data()));
    thread::Builder::new().name("layout-flush".to_owned()).spawn(sync).ok()?;
    Some(nudge)
}
