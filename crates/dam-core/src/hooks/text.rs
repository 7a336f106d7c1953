//! What a hook wrote, in constant memory.

use std::borrow::Cow;

/// Bytes kept from the beginning.
const HEAD: usize = 64 << 10;
/// Bytes kept from the end.
const TAIL: usize = 256 << 10;

/// The output of a hook: its first 64 KiB, its last 256 KiB, and how much lay between.
///
/// A pointer, because it travels in errors.
#[derive(Debug, Clone, Default)]
pub struct HookText(Box<Kept>);

#[derive(Debug, Clone, Default)]
struct Kept {
    head: Vec<u8>,
    /// Up to twice the bytes kept, so that dropping old ones is rare.
    tail: Vec<u8>,
    /// Bytes that came after `head`.
    after_head: u64,
}

impl HookText {
    /// Adds bytes at the end.
    pub fn push(&mut self, bytes: &[u8]) {
        let kept = &mut *self.0;
        let (first, rest) = bytes.split_at(bytes.len().min(HEAD - kept.head.len()));
        kept.head.extend_from_slice(first);
        kept.after_head += rest.len() as u64;
        kept.tail.extend_from_slice(&rest[rest.len().saturating_sub(TAIL)..]);
        if kept.tail.len() > 2 * TAIL {
            kept.tail.drain(..kept.tail.len() - TAIL);
        }
    }

    fn tail(&self) -> &[u8] {
        &self.0.tail[self.0.tail.len().saturating_sub(TAIL)..]
    }

    /// Returns how many bytes between beginning and end are not kept.
    pub fn left_out(&self) -> u64 {
        self.0.after_head - self.tail().len() as u64
    }

    /// Returns the text, at most 320 KiB and a line that says how much was left out. Bytes that are not UTF-8 are
    /// replaced; control characters are still in it.
    pub fn to_text(&self) -> String {
        let mut bytes = self.0.head.clone();
        if self.left_out() > 0 {
            bytes.extend_from_slice(format!("\n[… {} bytes left out …]\n", self.left_out()).as_bytes());
        }
        bytes.extend_from_slice(self.tail());
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Returns the last `count` lines that are not blank, oldest first, without their newlines; a line longer than
    /// 4 KiB keeps its end. Bytes that are not UTF-8 are replaced; control characters are still in it.
    pub fn last_lines(&self, count: usize) -> Vec<String> {
        let bytes: Cow<[u8]> = match self.left_out() {
            0 => Cow::Owned([&self.0.head, self.tail()].concat()),
            _ => Cow::Borrowed(self.tail()),
        };
        let line = |line: &[u8]| String::from_utf8_lossy(&line[line.len().saturating_sub(4096)..]).into_owned();
        let mut lines: Vec<String> = bytes
            .rsplit(|byte| *byte == b'\n')
            .filter(|line| !line.trim_ascii().is_empty())
            .take(count)
            .map(|text| line(text.trim_ascii_end()))
            .collect();
        lines.reverse();
        lines
    }
}

impl PartialEq for HookText {
    /// Compares what is kept: in how many pieces it came does not matter.
    fn eq(&self, other: &Self) -> bool {
        (&self.0.head, self.tail(), self.0.after_head) == (&other.0.head, other.tail(), other.0.after_head)
    }
}

impl Eq for HookText {}

impl From<&[u8]> for HookText {
    fn from(bytes: &[u8]) -> Self {
        let mut text = Self::default();
        text.push(bytes);
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, prop, proptest};

    use super::{HEAD, HookText, TAIL};

    #[test]
    fn little_is_kept_whole() {
        let text = HookText::from(b"one\ntwo\n\nthree \r\n".as_slice());
        assert_eq!((text.to_text().as_str(), text.left_out()), ("one\ntwo\n\nthree \r\n", 0));
        assert_eq!(text.last_lines(2), ["two", "three"]);
        assert_eq!(HookText::default().last_lines(3), [""; 0]);
    }

    #[test]
    fn much_keeps_both_ends() {
        let mut text = HookText::from(b"first\n".as_slice());
        for _ in 0..1000 {
            text.push(&[b'x'; 10_000]);
        }
        text.push(b"\nlast\n");
        assert_eq!(text.left_out(), 10_000_012 - HEAD as u64 - TAIL as u64);
        assert!(text.to_text().starts_with("first\nx") && text.to_text().ends_with("x\nlast\n"));
        assert_eq!(text.last_lines(1), ["last"]);
        assert!(text.0.tail.capacity() <= 8 * TAIL);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn pieces_make_the_same_text_as_one(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200_000), 0..6)) {
            let mut text = HookText::default();
            pieces.iter().for_each(|piece| text.push(piece));
            let whole = HookText::from(pieces.concat().as_slice());
            assert!(text == whole && text.to_text() == whole.to_text());
        }
    }
}
