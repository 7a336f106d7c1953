//! The extended headers of a tar that change how an entry is read.
//!
//! Source: <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_03>. The `tar` crate's own
//! parser splits at newlines, which a value may contain, so the records are read by their length here.

/// What an extended header says of the entry behind it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pax {
    /// The name, in place of the header's.
    pub(crate) path: Option<Vec<u8>>,
    /// The target of a link, in place of the header's.
    pub(crate) link: Option<Vec<u8>>,
    /// The size in bytes, in place of the header's.
    pub(crate) size: Option<u64>,
    /// Whether the content is GNU tar's packed form of a file with holes.
    pub(crate) sparse: bool,
}

/// Reads the records of an extended header; the error says what is wrong with it.
pub(crate) fn parse(mut bytes: &[u8]) -> Result<Pax, &'static str> {
    const BROKEN: &str = "has a broken extended record";
    let mut pax = Pax::default();
    while !bytes.is_empty() {
        let space = bytes.iter().take(20).position(|&byte| byte == b' ').ok_or(BROKEN)?;
        let length = number(&bytes[..space]).and_then(|length| usize::try_from(length).ok()).ok_or(BROKEN)?;
        if length > bytes.len() || length < space + 3 {
            return Err(BROKEN);
        }
        let (record, rest) = bytes.split_at(length);
        let record = record[space + 1..].strip_suffix(b"\n").ok_or(BROKEN)?;
        let equals = record.iter().position(|&byte| byte == b'=').ok_or(BROKEN)?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        // A key given twice is read differently by different programs.
        let twice = match key {
            b"path" => pax.path.replace(value.to_vec()).is_some(),
            b"linkpath" => pax.link.replace(value.to_vec()).is_some(),
            b"size" => pax.size.replace(number(value).ok_or(BROKEN)?).is_some(),
            key => {
                pax.sparse |= key.starts_with(b"GNU.sparse.");
                false
            }
        };
        if twice {
            return Err("has an extended record twice");
        }
        bytes = rest;
    }
    Ok(pax)
}

fn number(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::{Pax, parse};

    #[test]
    fn records_are_read_by_length() {
        let pax = parse(b"13 path=ab\nc\n11 size=42\n16 linkpath=abc\n11 other=\n\n").expect("good records");
        let expected =
            Pax { path: Some(b"ab\nc".to_vec()), link: Some(b"abc".to_vec()), size: Some(42), sparse: false };
        assert_eq!(pax, expected);
        assert!(parse(b"22 GNU.sparse.major=1\n").expect("good record").sparse);
    }

    #[test]
    fn broken_ones_are_refused() {
        for bytes in
            ["1", " ", "4 a=\n", "99 path=a\n", "9 path=a\n9 path=a\n", "0 a=b\n", "11 size=-1\n", "11 size=xx\n"]
        {
            assert!(parse(bytes.as_bytes()).is_err(), "{bytes:?}");
        }
    }
}
