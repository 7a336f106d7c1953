//! Headers that are read, from bytes that are not trusted.
//!
//! Values stay where they are and are looked at when they are asked for: a hostile header may claim millions of texts.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;

use crate::ReadError;
use crate::rpm::header::{ENTRY, MAGIC};

/// Most data of a header, in bytes. The largest of real packages, with a hundred thousand files, have a tenth of it.
const MOST_DATA: usize = 64 << 20;
/// Most tags of a header, as in rpm.
const MOST_TAGS: usize = 0xffff;

/// A header that was read.
#[derive(Debug)]
pub(super) struct Parsed {
    raw: Vec<u8>,
    slots: BTreeMap<u32, Slot>,
}

/// A value: its type, how many there are, and where.
#[derive(Debug, Clone)]
struct Slot {
    kind: u32,
    count: usize,
    range: Range<usize>,
}

impl Parsed {
    /// Reads a header from its magic to its end. `part` is what it is called in faults.
    pub(super) fn read(input: &mut dyn Read, part: &'static str, region: u32) -> Result<Self, ReadError> {
        let fault = |fault: &str| ReadError::Damaged { part: part.to_owned(), fault: fault.to_owned() };
        let mut raw = Vec::new();
        fill(input, &mut raw, ENTRY).map_err(|error| error.unwrap_or_else(|| fault("it ends early")))?;
        if raw[..8] != MAGIC {
            return Err(fault("it does not begin as a header"));
        }
        let [tags, size] = [8, 12].map(|at| number(&raw[at..at + 4]) as usize);
        for (found, limit, what) in [(tags, MOST_TAGS, "tags"), (size, MOST_DATA, "bytes")] {
            if found > limit {
                return Err(ReadError::TooMuch { part: part.to_owned(), what, limit: limit as u64 });
            }
        }
        fill(input, &mut raw, tags * ENTRY + size).map_err(|error| error.unwrap_or_else(|| fault("it ends early")))?;
        let slots = slots(&raw, tags, region).ok_or_else(|| fault("its index does not fit its data"))?;
        Ok(Self { raw, slots })
    }

    /// Returns all of its bytes.
    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Returns how many tags it has, and how many bytes of data.
    pub(super) fn size(&self) -> (u64, u64) {
        (number(&self.raw[8..12]), number(&self.raw[12..16]))
    }

    /// Returns how many values a tag has.
    pub(super) fn count(&self, tag: u32) -> usize {
        self.slots.get(&tag).map_or(0, |slot| slot.count)
    }

    /// Returns the bytes of a tag.
    pub(super) fn bytes(&self, tag: u32) -> Option<&[u8]> {
        self.slots.get(&tag).map(|slot| &self.raw[slot.range.clone()])
    }

    /// Returns the numbers of a tag; none if it has others than numbers.
    pub(super) fn numbers(&self, tag: u32) -> impl Iterator<Item = u64> {
        let slot = self.slots.get(&tag).filter(|slot| width(slot.kind) > 1);
        let values = slot.map(|slot| self.raw[slot.range.clone()].chunks_exact(width(slot.kind)).map(number));
        values.into_iter().flatten()
    }

    /// Returns the first number of a tag.
    pub(super) fn number(&self, tag: u32) -> Option<u64> {
        self.numbers(tag).next()
    }

    /// Returns the texts of a tag; none if it has others than texts.
    pub(super) fn texts(&self, tag: u32) -> impl Iterator<Item = String> {
        let slot = self.slots.get(&tag).filter(|slot| is_text(slot.kind));
        let values = slot.map(|slot| self.raw[slot.range.clone()].split(|byte| *byte == 0).take(slot.count));
        values.into_iter().flatten().map(|text| String::from_utf8_lossy(text).into_owned())
    }

    /// Returns the first text of a tag.
    pub(super) fn text(&self, tag: u32) -> Option<String> {
        self.texts(tag).next()
    }
}

/// Reads so many bytes more; the error is the system's, or none if there are fewer.
fn fill(input: &mut dyn Read, bytes: &mut Vec<u8>, count: usize) -> Result<(), Option<ReadError>> {
    let found = input.take(count as u64).read_to_end(bytes).map_err(|error| Some(ReadError::Input(error)))?;
    if found == count { Ok(()) } else { Err(None) }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn is_text(kind: u32) -> bool {
    matches!(kind, 6 | 8 | 9)
}

/// Length of a value of a type; that of texts is found by looking.
fn width(kind: u32) -> usize {
    match kind {
        3 => 2,
        4 => 4,
        5 => 8,
        _ => 1,
    }
}

/// Looks at the index as rpm 4.14 and newer do: values lie in the order of the index, and do not overlap.
fn slots(raw: &[u8], tags: usize, region: u32) -> Option<BTreeMap<u32, Slot>> {
    let start = (tags + 1) * ENTRY;
    let data = &raw[start..];
    let mut slots = BTreeMap::new();
    let mut end = 0;
    for (index, entry) in raw[ENTRY..start].chunks_exact(ENTRY).enumerate() {
        let [tag, kind, offset, count] = [0, 4, 8, 12].map(|at| number(&entry[at..at + 4]));
        let (tag, kind, offset, count) = (tag as u32, kind as u32, offset as usize, count as usize);
        if index == 0 {
            // All is in the region, and its trailer is the last of the data.
            let trailer = [region, 7, (tags as u32 * ENTRY as u32).wrapping_neg(), ENTRY as u32];
            let trailer: Vec<u8> = trailer.into_iter().flat_map(u32::to_be_bytes).collect();
            let good = tag == region && data.ends_with(&trailer) && offset + ENTRY == data.len();
            if good { continue } else { return None }
        }
        if offset < end || offset > data.len() || count == 0 || !(1..=9).contains(&kind) || offset % width(kind) != 0 {
            return None;
        }
        let length =
            if is_text(kind) { text_length(&data[offset..], count)? } else { count.checked_mul(width(kind))? };
        end = offset.checked_add(length).filter(|end| *end <= data.len())?;
        slots.insert(tag, Slot { kind, count, range: start + offset..start + end });
    }
    (!raw[ENTRY..start].is_empty()).then_some(slots)
}

/// Returns the length of so many texts with their NULs.
fn text_length(data: &[u8], count: usize) -> Option<usize> {
    let mut ends = data.iter().enumerate().filter(|(_, byte)| **byte == 0);
    ends.nth(count - 1).map(|(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

    use super::Parsed;
    use crate::rpm::header::{Header, Value};

    fn values() -> impl Strategy<Value = Value> {
        prop_oneof![
            vec(any::<u8>(), 1..20).prop_map(Value::Binary),
            vec(any::<u16>(), 1..20).prop_map(Value::Int16),
            vec(any::<u32>(), 1..20).prop_map(Value::Int32),
            "[^\0]{0,20}".prop_map(Value::Text),
            vec("[^\0]{0,20}", 1..9).prop_map(Value::Texts),
            vec("[^\0]{0,20}", 1..3).prop_map(Value::Translated),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(values in btree_map(100_u32..6000, values(), 0..20)) {
            let bytes = Header(values.clone()).to_bytes(63);
            let header = Parsed::read(&mut bytes.as_slice(), "header", 63).expect("good");
            prop_assert_eq!(header.raw(), &bytes);
            prop_assert_eq!(header.size().0, values.len() as u64 + 1);
            for (tag, value) in &values {
                let numbers = header.numbers(*tag);
                let texts: Vec<_> = header.texts(*tag).collect();
                match value {
                    Value::Binary(bytes) => prop_assert_eq!(header.bytes(*tag), Some(bytes.as_slice())),
                    Value::Int16(all) => prop_assert!(numbers.eq(all.iter().map(|number| u64::from(*number)))),
                    Value::Int32(all) => prop_assert!(numbers.eq(all.iter().map(|number| u64::from(*number)))),
                    Value::Text(text) => prop_assert_eq!(texts, std::slice::from_ref(text)),
                    Value::Texts(all) | Value::Translated(all) => prop_assert_eq!(&texts, all),
                }
            }
        }

        #[test]
        fn damage_is_an_error_or_nothing(
            values in btree_map(100_u32..6000, values(), 1..5), at in any::<proptest::sample::Index>(), byte in any::<u8>(),
        ) {
            let mut bytes = Header(values.clone()).to_bytes(63);
            let at = at.index(bytes.len());
            prop_assert!(Parsed::read(&mut &bytes[..at], "header", 63).is_err());
            bytes[at] = byte;
            if let Ok(header) = Parsed::read(&mut bytes.as_slice(), "header", 63) {
                for tag in values.keys() {
                    header.texts(*tag).for_each(drop);
                    header.numbers(*tag).for_each(drop);
                }
            }
        }
    }

    #[test]
    fn what_is_claimed_is_not_allocated() {
        let mut bytes = Header::default().to_bytes(63);
        bytes[12..16].copy_from_slice(&(60_u32 << 20).to_be_bytes());
        let error = |bytes: &[u8]| Parsed::read(&mut &*bytes, "header", 63).expect_err("bad").to_string();
        assert_eq!(error(&bytes), "header: it ends early");
        bytes[12] = 0xff;
        assert_eq!(error(&bytes), "header: more than 67108864 bytes");
        assert_eq!(error(&[0; 16]), "header: it does not begin as a header");
    }
}
