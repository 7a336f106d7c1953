//! Makes text from images, hooks and engines safe to show.
//!
//! Such text can carry escape sequences that move the cursor, retitle the window or answer a question, and characters
//! that turn the reading direction. Sequences are taken out whole; a control character becomes `�`. Of the sequences
//! only colours (SGR, `ESC [ … m`) may stay, and only where hook output goes to a terminal.
//!
//! Source: ECMA-48 §5.3 to §5.6, <https://ecma-international.org/publications-and-standards/standards/ecma-48/>;
//! <https://www.unicode.org/reports/tr9/#Explicit_Directional_Embeddings>.

/// The longest sequence that is waited for, in characters. A longer one is no sequence, and its rest is text.
const SEQUENCE_LIMIT: usize = 256;

/// What may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// Nothing: line breaks and tabs become spaces.
    Line,
    /// Line breaks and tabs.
    Lines,
    /// Line breaks, tabs and colours.
    Colours,
}

/// Where in a sequence the reading is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Text,
    /// Behind a carriage return: a line break may still follow.
    Return,
    /// Behind ESC.
    Escape,
    /// In a control sequence, with what came since.
    Control(String),
    /// In a string for the terminal (a title, a device command), with its length so far.
    Command(usize),
}

/// Cleans a stream that comes in pieces: characters and sequences may be cut anywhere.
#[derive(Debug)]
pub(crate) struct Cleaner {
    keep: Keep,
    state: State,
    /// The beginning of a character whose end is in the next piece.
    cut: Vec<u8>,
}

impl Cleaner {
    /// Cleans the output of hooks and builds, with or without their colours.
    pub(crate) fn new(colours: bool) -> Self {
        Self::keeping(if colours { Keep::Colours } else { Keep::Lines })
    }

    fn keeping(keep: Keep) -> Self {
        Self { keep, state: State::Text, cut: Vec::new() }
    }

    /// Returns what can be shown of all bytes so far and was not returned yet.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        let mut input = std::mem::take(&mut self.cut);
        input.extend_from_slice(bytes);
        let mut out = String::with_capacity(input.len());
        let mut rest = &input[..];
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.take_all(text, &mut out);
                    return out;
                }
                Err(fault) => {
                    let (good, bad) = rest.split_at(fault.valid_up_to());
                    let good = std::str::from_utf8(good).expect("valid_up_to bounds valid text");
                    self.take_all(good, &mut out);
                    let Some(length) = fault.error_len() else {
                        self.cut = bad.to_vec();
                        return out;
                    };
                    self.take(char::REPLACEMENT_CHARACTER, &mut out);
                    rest = &bad[length..];
                }
            }
        }
    }

    /// Takes stretches of plain text, which is nearly everything, in one go: hooks print gigabytes.
    fn take_all(&mut self, mut text: &str, out: &mut String) {
        while !text.is_empty() {
            if self.state == State::Text {
                let (plain, rest) = text.split_at(self.plain(text.as_bytes()));
                out.push_str(plain);
                text = rest;
            }
            let mut characters = text.chars();
            characters.next().into_iter().for_each(|c| self.take(c, out));
            text = characters.as_str();
        }
    }

    /// Returns how many bytes at the beginning are shown as they are.
    fn plain(&self, bytes: &[u8]) -> usize {
        let breaks = self.keep != Keep::Line;
        let mut at = 0;
        while at < bytes.len() && (matches!(bytes[at], b' '..=b'~') || breaks && bytes[at] == b'\n') {
            at += 1;
        }
        at
    }

    fn take(&mut self, c: char, out: &mut String) {
        match std::mem::replace(&mut self.state, State::Text) {
            State::Text => self.text(c, out),
            // A lone return would let a later part of the line overwrite an earlier one; it becomes a line break.
            State::Return => {
                out.push(if self.keep == Keep::Line { ' ' } else { '\n' });
                if c != '\n' {
                    self.text(c, out);
                }
            }
            State::Escape => match c {
                '[' => self.state = State::Control(String::new()),
                ']' | 'P' | 'X' | '^' | '_' => self.state = State::Command(0),
                ' '..='/' => self.state = State::Escape,
                '0'..='~' => {}
                other => self.text(other, out),
            },
            State::Control(mut body) => match c {
                '@'..='~' => {
                    if c == 'm' && self.keep == Keep::Colours && is_colour(&body) {
                        out.extend(["\x1b[", &body, "m"]);
                    }
                }
                ' '..='?' if body.len() < SEQUENCE_LIMIT => {
                    body.push(c);
                    self.state = State::Control(body);
                }
                other => self.text(other, out),
            },
            // A string that never ends must not swallow all that follows: a line break ends it too.
            State::Command(length) => match c {
                '\u{7}' | '\u{9c}' => {}
                '\u{1b}' => self.state = State::Escape,
                '\n' => self.text(c, out),
                _ if length < SEQUENCE_LIMIT => self.state = State::Command(length + 1),
                other => self.text(other, out),
            },
        }
    }

    fn text(&mut self, c: char, out: &mut String) {
        match c {
            '\u{1b}' => self.state = State::Escape,
            '\u{9b}' => self.state = State::Control(String::new()),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => self.state = State::Command(0),
            '\r' => self.state = State::Return,
            '\n' | '\t' => out.push(if self.keep == Keep::Line { ' ' } else { c }),
            c if turns_direction(c) => {}
            '\u{2028}' | '\u{2029}' => out.push(' '),
            c if c.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
}

fn is_colour(body: &str) -> bool {
    body.bytes().all(|byte| byte.is_ascii_digit() || byte == b';' || byte == b':')
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Cleans a text that is shown within one line.
pub(crate) fn line(text: &str) -> String {
    Cleaner::keeping(Keep::Line).push(text.as_bytes()).trim().to_owned()
}

/// Cleans a text of several lines.
pub(crate) fn lines(text: &str) -> String {
    Cleaner::keeping(Keep::Lines).push(text.as_bytes())
}

/// Shows a text of several lines as it is, for somebody who must know every character of it, such as a script before it runs:
/// nothing is taken out. A control character is shown as `^[`, one that turns the reading direction as `<U+202E>`.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            '\0'..='\u{1f}' | '\u{7f}' => out.extend(['^', char::from(c as u8 ^ 0x40)]),
            c if c.is_control() || turns_direction(c) || matches!(c, '\u{2028}' | '\u{2029}') => {
                out.push_str(&format!("<U+{:04X}>", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// Makes a JSON document fit for a terminal without changing what it says: JSON itself escapes only the control
/// characters of ASCII, and terminals act on others as well.
pub(crate) fn json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for c in document.chars() {
        // These stand in strings only, where an escape means the same; all of them have four hex digits.
        match (c.is_control() && c != '\n') || turns_direction(c) || matches!(c, '\u{2028}' | '\u{2029}') {
            true => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Cleaner, json, line, lines, visible};

    #[test]
    fn plain_text_stays() {
        assert_eq!(line("größe 日本 ✓ é"), "größe 日本 ✓ é");
        assert_eq!(lines("a\tb\nc"), "a\tb\nc");
        assert_eq!(line("a\tb\nc\n"), "a b c");
    }

    #[test]
    fn a_json_document_says_the_same_without_control_characters() {
        let text = "größe\n\u{9b}2J\u{7f}\u{202e}\u{1b}[0m";
        let document = serde_json::to_string_pretty(&serde_json::json!({ "text": text })).expect("JSON");
        let safe = json(&document);
        assert_eq!(safe, "{\n  \"text\": \"größe\\n\\u009b2J\\u007f\\u202e\\u001b[0m\"\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).expect("JSON")["text"], text);
    }

    #[test]
    fn nothing_hides_in_a_script() {
        assert_eq!(visible("größe\t✓\r\n"), "größe\t✓^M\n");
        assert_eq!(visible("a\x1b]0;rm x\x07b\x7f\u{9b}2J\u{202e}c"), "a^[]0;rm x^Gb^?<U+009B>2J<U+202E>c");
    }

    #[test]
    fn sequences_go_whole() {
        for hostile in [
            "a\x1b[2Jb",
            "a\x1b[31mb\x1b[0m",
            "a\x1b]0;title\x07b",
            "a\x1b]8;;http://x\x1b\\b",
            "a\x1bP1$r0m\x1b\\b",
            "a\x1b(0b",
            "a\x1bcb",
            "a\u{9b}2Jb",
            "a\u{9d}0;title\u{9c}b",
            "a\u{90}q\u{9c}b",
            "a\u{202e}b",
            "a\u{2066}b\u{2069}",
        ] {
            assert_eq!(line(hostile), "ab", "{hostile:?}");
        }
    }

    #[test]
    fn other_controls_are_seen() {
        assert_eq!(line("a\x08b\x7fc\0d\u{85}e"), "a�b�c�d�e");
        assert_eq!(lines("a\x07"), "a�");
    }

    #[test]
    fn nothing_overwrites_a_line() {
        assert_eq!(lines("50%\r100%\r\ndone\n"), "50%\n100%\ndone\n");
        assert_eq!(line("good\revil"), "good evil");
    }

    #[test]
    fn a_sequence_without_end_hides_nothing() {
        assert_eq!(lines("a\x1b]0;title\nseen"), "a\nseen");
        assert_eq!(line(&format!("a\x1b]{}", "x".repeat(300))), format!("a{}", "x".repeat(44)));
        assert_eq!(line(&format!("a\x1b[{}", "1".repeat(300))), format!("a{}", "1".repeat(44)));
    }

    #[test]
    fn hooks_keep_their_colours_and_nothing_else() {
        let kept = Cleaner::new(true).push(b"\x1b[1;31mred\x1b[0m\x1b[2J\x1b[?25l\x1b[>4m\n");
        assert_eq!(kept, "\x1b[1;31mred\x1b[0m\n");
        assert_eq!(Cleaner::new(false).push(b"\x1b[1;31mred\x1b[0m\n"), "red\n");
    }

    #[test]
    fn pieces_are_joined() {
        let whole = "é\x1b[31mred\x1b]0;t\x07\u{202e}\r\n✓";
        let mut cleaner = Cleaner::new(true);
        let pieces: String = whole.bytes().map(|byte| cleaner.push(&[byte])).collect();
        assert_eq!(pieces, "é\x1b[31mred\n✓");
    }

    #[test]
    fn bytes_that_are_no_text_are_seen() {
        assert_eq!(Cleaner::new(false).push(b"a\xff\x9bb"), "a��b");
    }
}
