//! What the lists of members may take of memory.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::archive::walk::invalid;
use crate::archive::{ArchiveFault, ENTRY_LIMIT};

/// The most small members that are kept in memory of archives that are compressed outside, in bytes. What is beyond is
/// read again when it is asked for.
const KEEP_LIMIT: u64 = 64 << 20;

/// What is left for an archive and for those that are opened within it: a file with a thousand archives in it takes no
/// more memory than any other.
#[derive(Debug)]
pub(super) struct Budget {
    entries: AtomicU64,
    bytes: AtomicU64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { entries: AtomicU64::new(ENTRY_LIMIT), bytes: AtomicU64::new(KEEP_LIMIT) }
    }
}

impl Budget {
    /// Takes the place of one more member.
    pub(super) fn take_entry(&self) -> io::Result<()> {
        take(&self.entries, 1).then_some(()).ok_or_else(|| invalid(ArchiveFault::Entries { limit: ENTRY_LIMIT }))
    }

    /// Takes the place of content; tells whether there was as much.
    pub(super) fn take_bytes(&self, count: u64) -> bool {
        take(&self.bytes, count)
    }
}

fn take(left: &AtomicU64, count: u64) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(count)).is_ok()
}
