//! Headers: tagged values, in the order of their tags.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `8e ad e8 01`, four zeros |
//! | 8 | 4 | count of tags |
//! | 12 | 4 | length of the data |
//! | 16 | 16 each | the index: tag, type, offset in the data, count |
//! | | | the data |
//!
//! All numbers are big endian. The first tag is the region: its data, the last 16 bytes, is an index entry that points
//! back over the whole index, by which rpm knows what is signed.
//!
//! Source: <https://rpm-software-management.github.io/rpm/manual/format_header.html>.

use std::collections::BTreeMap;

/// What every header begins with.
pub(super) const MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
/// Length of an entry of the index, in bytes.
pub(super) const ENTRY: usize = 16;

/// The value of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Bytes: type 7, and 1 and 2 when read.
    Binary(Vec<u8>),
    /// Type 3.
    Int16(Vec<u16>),
    /// Type 4.
    Int32(Vec<u32>),
    /// Type 6.
    Text(String),
    /// Type 8.
    Texts(Vec<String>),
    /// Text in one language for each of the tag `LOCALES`: type 9.
    Translated(Vec<String>),
}

impl Value {
    /// Returns type, alignment and count.
    fn shape(&self) -> (u32, usize, usize) {
        match self {
            Self::Binary(bytes) => (7, 1, bytes.len()),
            Self::Int16(numbers) => (3, 2, numbers.len()),
            Self::Int32(numbers) => (4, 4, numbers.len()),
            Self::Text(_) => (6, 1, 1),
            Self::Texts(texts) => (8, 1, texts.len()),
            Self::Translated(texts) => (9, 1, texts.len()),
        }
    }

    fn append(&self, data: &mut Vec<u8>) {
        match self {
            Self::Binary(bytes) => data.extend(bytes),
            Self::Int16(numbers) => data.extend(numbers.iter().flat_map(|number| number.to_be_bytes())),
            Self::Int32(numbers) => data.extend(numbers.iter().flat_map(|number| number.to_be_bytes())),
            Self::Text(text) => append_text(text, data),
            Self::Texts(texts) | Self::Translated(texts) => texts.iter().for_each(|text| append_text(text, data)),
        }
    }

    /// Returns the texts in it.
    fn texts(&self) -> &[String] {
        match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::Texts(texts) | Self::Translated(texts) => texts,
            Self::Binary(_) | Self::Int16(_) | Self::Int32(_) => &[],
        }
    }
}

fn append_text(text: &str, data: &mut Vec<u8>) {
    data.extend(text.as_bytes());
    data.push(0);
}

/// A header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Header(pub(super) BTreeMap<u32, Value>);

impl Header {
    /// Sets a tag. A value without any content is left out, since no reader takes a count of zero.
    pub(super) fn set(&mut self, tag: u32, value: Value) {
        if value.shape().2 != 0 {
            self.0.insert(tag, value);
        }
    }

    /// Sets a tag to one text.
    pub(super) fn text(&mut self, tag: u32, text: impl Into<String>) {
        self.set(tag, Value::Text(text.into()));
    }

    /// Sets a tag to texts.
    pub(super) fn texts<Text: Into<String>>(&mut self, tag: u32, texts: impl IntoIterator<Item = Text>) {
        self.set(tag, Value::Texts(texts.into_iter().map(Text::into).collect()));
    }

    /// Sets a tag to numbers.
    pub(super) fn numbers(&mut self, tag: u32, numbers: impl IntoIterator<Item = u32>) {
        self.set(tag, Value::Int32(numbers.into_iter().collect()));
    }

    /// Returns the first text that holds a NUL, which ends a text.
    pub(super) fn broken_text(&self) -> Option<&str> {
        self.0.values().flat_map(Value::texts).map(String::as_str).find(|text| text.contains('\0'))
    }

    /// Writes the header with a region over all of it.
    pub(super) fn to_bytes(&self, region: u32) -> Vec<u8> {
        let mut index = Vec::new();
        let mut data = Vec::new();
        for (tag, value) in &self.0 {
            let (kind, alignment, count) = value.shape();
            data.resize(data.len().next_multiple_of(alignment), 0);
            entry(*tag, kind, data.len() as u32, count, &mut index);
            value.append(&mut data);
        }
        let count = self.0.len() + 1;
        let trailer = data.len() as u32;
        entry(region, 7, (count as u32 * ENTRY as u32).wrapping_neg(), ENTRY, &mut data);
        let mut header = MAGIC.to_vec();
        header.extend((count as u32).to_be_bytes());
        header.extend((data.len() as u32).to_be_bytes());
        entry(region, 7, trailer, ENTRY, &mut header);
        header.extend(index);
        header.extend(data);
        header
    }
}

fn entry(tag: u32, kind: u32, offset: u32, count: usize, index: &mut Vec<u8>) {
    index.extend([tag, kind, offset, count as u32].into_iter().flat_map(u32::to_be_bytes));
}

#[cfg(test)]
mod tests {
    use super::{Header, Value};

    #[test]
    fn values_are_aligned_and_the_region_points_back() {
        let mut header = Header::default();
        header.text(1000, "ab");
        header.numbers(1009, [7]);
        header.set(1030, Value::Int16(vec![]));
        let bytes = header.to_bytes(63);
        let expected: Vec<u8> = [
            &[0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 24][..],
            &[0, 0, 0, 63, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 16],
            &[0, 0, 3, 232, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1],
            &[0, 0, 3, 241, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 1],
            &[b'a', b'b', 0, 0, 0, 0, 0, 7],
            &[0, 0, 0, 63, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xd0, 0, 0, 0, 16],
        ]
        .concat();
        assert_eq!(bytes, expected);
    }
}
