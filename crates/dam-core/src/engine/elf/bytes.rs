//! Numbers of an ELF file, of either width and byte order.

use std::io::{Read, Seek, SeekFrom};

use super::ElfFault;

/// The width and byte order of a file's numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Width {
    pub(super) is_64: bool,
    pub(super) is_little: bool,
}

/// The longest name that is read, in bytes.
const NAME_LIMIT: usize = 256;

/// A file that is read in small pieces.
pub(super) struct Bytes<F>(F);

impl<F: Read + Seek> Bytes<F> {
    pub(super) fn new(file: F) -> Self {
        Self(file)
    }

    /// Reads `count` bytes from `offset` on, or fewer at the end of the file. `count` is one that this module's callers
    /// have bounded.
    pub(super) fn at(&mut self, offset: u64, count: usize) -> Result<Vec<u8>, ElfFault> {
        // The system takes no offset above this, and tells it as an error of the file.
        if offset > i64::MAX as u64 {
            return Err(ElfFault::Short(offset));
        }
        self.0.seek(SeekFrom::Start(offset)).map_err(ElfFault::Read)?;
        let mut bytes = Vec::new();
        self.0.by_ref().take(count as u64).read_to_end(&mut bytes).map_err(ElfFault::Read)?;
        Ok(bytes)
    }

    /// Reads exactly `count` bytes as numbers.
    pub(super) fn fields(&mut self, width: Width, offset: u64, count: usize) -> Result<Fields, ElfFault> {
        let bytes = self.at(offset, count)?;
        if bytes.len() < count {
            return Err(ElfFault::Short(offset.saturating_add(bytes.len() as u64)));
        }
        Ok(Fields { width, bytes, at: 0 })
    }

    /// Reads a text that a zero byte ends.
    pub(super) fn name(&mut self, offset: u64) -> Result<String, ElfFault> {
        let bytes = self.at(offset, NAME_LIMIT)?;
        let Some(end) = bytes.iter().position(|&byte| byte == 0) else {
            return Err(match bytes.len() < NAME_LIMIT {
                true => ElfFault::Short(offset.saturating_add(bytes.len() as u64)),
                false => ElfFault::Damaged("a name in it is too long"),
            });
        };
        // Names reach terminals, so nothing but plain text is let through.
        let shown = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '?' };
        Ok(bytes[..end].iter().map(shown).collect())
    }
}

/// Numbers in a row.
pub(super) struct Fields {
    width: Width,
    bytes: Vec<u8>,
    at: usize,
}

impl Fields {
    pub(super) fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    /// Reads 16 bits.
    pub(super) fn half(&mut self) -> Result<u16, ElfFault> {
        let bytes = self.take()?;
        Ok(if self.width.is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    /// Reads 32 bits.
    pub(super) fn long(&mut self) -> Result<u32, ElfFault> {
        let bytes = self.take()?;
        Ok(if self.width.is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    /// Reads an address or offset: 32 or 64 bits, as the file has it.
    pub(super) fn word(&mut self) -> Result<u64, ElfFault> {
        if !self.width.is_64 {
            return self.long().map(u64::from);
        }
        let bytes = self.take()?;
        Ok(if self.width.is_little { u64::from_le_bytes(bytes) } else { u64::from_be_bytes(bytes) })
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], ElfFault> {
        let end = self.at.saturating_add(N);
        let bytes = self.bytes.get(self.at..end).and_then(|bytes| bytes.try_into().ok());
        self.at = end;
        bytes.ok_or(ElfFault::Damaged("a table in it is too short"))
    }
}
