//! What may still be taken on.

use crate::archive::ArchiveFault;
use crate::subtree::Limits;

/// The most bytes of names and link targets, which are in memory: 64 bytes for each of a million entries.
const NAMES: u64 = 64 << 20;

/// What is left of the [`Limits`].
pub(super) struct Budget {
    limits: Limits,
    entries: u64,
    bytes: u64,
    names: u64,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, entries: limits.entries, bytes: limits.bytes, names: NAMES }
    }

    /// Takes an entry with `names` bytes of name and target and `bytes` of content.
    pub(super) fn take(&mut self, names: usize, bytes: u64) -> Result<(), ArchiveFault> {
        let entries = ArchiveFault::Entries { limit: self.limits.entries };
        self.entries = self.entries.checked_sub(1).ok_or(entries)?;
        self.names = self.names.checked_sub(names as u64).ok_or(ArchiveFault::Names { limit: NAMES })?;
        self.bytes = self.bytes.checked_sub(bytes).ok_or(ArchiveFault::Bytes { limit: self.limits.bytes })?;
        Ok(())
    }
}
