//! Entries that describe the one after them: GNU long names and PAX records.
//!
//! Formats: <https://www.gnu.org/software/tar/manual/html_node/Standard.html> and
//! <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_03>. The tar crate reads them too,
//! but into memory whatever their size.

use std::io::{self, Read};

use super::entry::{NAME_LIMIT, refused};
use super::{EntryFault, MetaError};

/// The largest set of PAX records read; real ones are a few hundred bytes, with extended attributes a few thousand.
const PAX_LIMIT: u64 = 1 << 20;

/// What the entries before an entry say about it.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    pub(super) name: Option<Vec<u8>>,
    pub(super) target: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
}

impl Extensions {
    /// Takes `entry` in if it is an extension and tells whether it was one.
    pub(super) fn take(&mut self, kind: tar::EntryType, name: &[u8], entry: &mut impl Read) -> Result<bool, MetaError> {
        match kind {
            tar::EntryType::GNULongName => self.name = Some(long_name(name, entry)?),
            tar::EntryType::GNULongLink => self.target = Some(long_name(name, entry)?),
            tar::EntryType::XHeader => self.take_records(name, &bounded(PAX_LIMIT, name, entry)?)?,
            // Global records speak of times and commits (`git archive`); those of a file's content would be an attack.
            tar::EntryType::XGlobalHeader => {
                let mut global = Self::default();
                global.take_records(name, &bounded(PAX_LIMIT, name, entry)?)?;
                if global.name.is_some() || global.target.is_some() || global.size.is_some() {
                    return Err(refused(name, EntryFault::Pax));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Reads records of the form `length key=value\n`.
    fn take_records(&mut self, name: &[u8], mut records: &[u8]) -> Result<(), MetaError> {
        let fault = || refused(name, EntryFault::Pax);
        while !records.is_empty() {
            let space = records.iter().position(|byte| *byte == b' ').ok_or_else(fault)?;
            let length = number(&records[..space]).and_then(|length| usize::try_from(length).ok()).ok_or_else(fault)?;
            if length <= space + 1 || length > records.len() || records[length - 1] != b'\n' {
                return Err(fault());
            }
            let record = &records[space + 1..length - 1];
            records = &records[length..];
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(fault)?;
            let value = &record[equals + 1..];
            match &record[..equals] {
                b"path" => self.name = Some(value.to_vec()),
                b"linkpath" => self.target = Some(value.to_vec()),
                b"size" => self.size = Some(number(value).ok_or_else(fault)?),
                key if key.starts_with(b"GNU.sparse.") => return Err(fault()),
                // Times, owners, comments and extended attributes: not part of what is kept.
                _ => {}
            }
        }
        Ok(())
    }
}

/// Reads the content of a GNU long name, which ends in a NUL, and before it in a slash if it is a folder's.
fn long_name(name: &[u8], entry: &mut impl Read) -> Result<Vec<u8>, MetaError> {
    let mut long = bounded(NAME_LIMIT as u64 + 2, name, entry)?;
    if long.last() == Some(&0) {
        long.pop();
    }
    Ok(long)
}

fn bounded(limit: u64, name: &[u8], entry: &mut impl Read) -> Result<Vec<u8>, MetaError> {
    let mut bytes = Vec::new();
    let count = entry.take(limit + 1).read_to_end(&mut bytes).map_err(MetaError::Tar)?;
    if count as u64 > limit { Err(refused(name, EntryFault::Name)) } else { Ok(bytes) }
}

fn number(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The error of a tar that ends too early.
pub(super) fn cut_off() -> MetaError {
    MetaError::Tar(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends too early"))
}
