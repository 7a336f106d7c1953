//! Putting values in the place of `${KEY}`, piece by piece.

use std::io::{self, Write};

use super::Variables;

/// How far a `}` may be from its `${` for an unknown variable to be noticed, in bytes.
const NOTICED: usize = 256;

/// Variables that dam sets when a script runs: undefined in a file, but not a mistake.
const SET_FOR_HOOKS: [&str; 4] = ["DAM_EXECUTABLE", "DAM_HOOK", "DAM_OLD_VERSION", "DAM_UNDO"];

/// Replaces every `${KEY}` whose KEY is known, from left to right, and leaves all other bytes as they are.
///
/// Values are inserted as they are and not looked at again. The text comes in pieces of any size; what is held back
/// between two pieces is shorter than the longest known name (or 256 bytes). DAM 1.x went variable by variable over
/// whole lines, so that values in values were replaced or not by chance and long lines were cut.
pub(super) struct Expander<'a> {
    variables: &'a Variables,
    /// The longest known name.
    longest: usize,
    /// What is held back: empty, a `$`, or from a `${` on.
    held: Vec<u8>,
    line: usize,
    /// What is undefined in the current line, so that each is told once.
    noticed: Vec<String>,
    undefined: Vec<(usize, String)>,
}

impl<'a> Expander<'a> {
    pub(super) fn new(variables: &'a Variables) -> Self {
        let longest = variables.longest_key();
        Self { variables, longest, held: Vec::new(), line: 1, noticed: Vec::new(), undefined: Vec::new() }
    }

    /// Takes the next piece, and writes what is certain by now.
    pub(super) fn push(&mut self, piece: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(piece);
        let done = self.expand(&text, false, out)?;
        text.drain(..done);
        self.held = text;
        Ok(())
    }

    /// Writes what was held back, and returns the lines and names of the `${DAM_…}` that nobody defines.
    pub(super) fn finish(mut self, out: &mut dyn Write) -> io::Result<Vec<(usize, String)>> {
        let text = std::mem::take(&mut self.held);
        self.expand(&text, true, out)?;
        Ok(self.undefined)
    }

    /// Expands `text` and returns how much of it is done; at the `end` that is all.
    fn expand(&mut self, text: &[u8], end: bool, out: &mut dyn Write) -> io::Result<usize> {
        // Before `done`, everything is written; before `at`, everything is known to be no variable.
        let (mut done, mut at) = (0, 0);
        let window = self.longest.max(NOTICED) + 1;
        while let Some(dollar) = text[at..].iter().position(|&byte| byte == b'$').map(|found| at + found) {
            let rest = &text[dollar + 1..];
            let whole = end || rest.len() > window;
            if !whole && matches!(rest.first(), None | Some(b'{')) && self.find(rest).is_none() {
                self.copy(&text[done..dollar], out)?;
                return Ok(dollar);
            }
            at = dollar + 1;
            if let Some((length, value)) = self.find(rest) {
                self.copy(&text[done..dollar], out)?;
                out.write_all(value)?;
                self.count_lines(&rest[..length]);
                at += length;
                done = at;
            } else if let Some(name) = undefined(rest) {
                self.copy(&text[done..dollar], out)?;
                done = dollar;
                self.notice(name);
            }
        }
        self.copy(&text[done..], out)?;
        Ok(text.len())
    }

    /// Finds the variable that `rest`, which stands behind a `$`, begins with: the length of `{KEY}`, and the value.
    ///
    /// A name may itself contain a `}` (ENVIRONMENT forbids nothing); the shortest one that is known counts.
    fn find(&self, rest: &[u8]) -> Option<(usize, &'a [u8])> {
        let rest = rest.strip_prefix(b"{")?;
        let near = &rest[..rest.len().min(self.longest + 1)];
        let ends = near.iter().enumerate().filter(|&(_, &byte)| byte == b'}');
        let mut known = ends.filter_map(|(end, _)| Some((end + 2, self.variables.get(&near[..end])?)));
        known.next().map(|(length, variable)| (length, variable.value.as_slice()))
    }

    fn copy(&mut self, text: &[u8], out: &mut dyn Write) -> io::Result<()> {
        self.count_lines(text);
        out.write_all(text)
    }

    fn count_lines(&mut self, text: &[u8]) {
        let lines = text.iter().filter(|&&byte| byte == b'\n').count();
        if lines > 0 {
            self.line += lines;
            self.noticed.clear();
        }
    }

    fn notice(&mut self, name: String) {
        if !self.noticed.contains(&name) {
            self.noticed.push(name.clone());
            self.undefined.push((self.line, name));
        }
    }
}

/// Returns the name in `{DAM_…}`, with which `rest` begins, if it is a plain one that only dam could define.
fn undefined(rest: &[u8]) -> Option<String> {
    let rest = rest.strip_prefix(b"{")?;
    let near = &rest[..rest.len().min(NOTICED + 1)];
    let name = &near[..near.iter().position(|&byte| byte == b'}')?];
    let plain = name.starts_with(b"DAM_") && name.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let name = std::str::from_utf8(name).ok().filter(|name| plain && !SET_FOR_HOOKS.contains(name))?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, Strategy, any, prop_oneof};
    use proptest::proptest;

    use super::{Expander, NOTICED};
    use crate::project::{Origin, Variables};

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        let mut variables = Variables::default();
        pairs.iter().for_each(|(key, value)| variables.set(*key, *value, Origin::System));
        variables
    }

    fn pieces<'a>(variables: &Variables, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Vec<(usize, String)>) {
        let mut out = Vec::new();
        let mut expander = Expander::new(variables);
        pieces.for_each(|piece| expander.push(piece, &mut out).expect("memory does not fail"));
        let undefined = expander.finish(&mut out).expect("memory does not fail");
        (out, undefined)
    }

    /// Expands `text` in one piece, and makes sure that every other division gives the same.
    fn expand(variables: &Variables, text: &[u8]) -> (Vec<u8>, Vec<(usize, String)>) {
        let whole = pieces(variables, [text].into_iter());
        for size in 1..text.len().min(40) {
            assert_eq!(pieces(variables, text.chunks(size)), whole, "in pieces of {size}");
        }
        for at in 0..text.len().min(600) {
            let (left, right) = text.split_at(at);
            assert_eq!(pieces(variables, [left, right].into_iter()), whole, "cut at {at}");
        }
        whole
    }

    fn text(known: &[(&str, &str)], text: &str) -> String {
        String::from_utf8(expand(&variables(known), text.as_bytes()).0).expect("text")
    }

    fn undefined(known: &[(&str, &str)], text: &str) -> Vec<(usize, String)> {
        expand(&variables(known), text.as_bytes()).1
    }

    #[test]
    fn known_variables_are_replaced_everywhere() {
        let known = [("A", "one"), ("B C", "two"), ("E", "")];
        assert_eq!(text(&known, "${A}${A} x${B C}y ${E}."), "oneone xtwoy .");
        assert_eq!(text(&known, "#!/bin/sh\nrun ${A}"), "#!/bin/sh\nrun one");
    }

    #[test]
    fn everything_else_is_the_scripts_own() {
        let known = [("A", "one")];
        for own in ["$A", "${A:-x}", "${ A}", "${A }", "${B}", "${", "$", "${A", "$}", "${}", "$$", "\\$ {A}", ""] {
            assert_eq!(text(&known, own), own);
        }
        assert_eq!(text(&known, "$${A} ${${A}} ${x${A}"), "$one ${one} ${xone");
    }

    #[test]
    fn values_are_not_expanded_again() {
        assert_eq!(text(&[("A", "${B}"), ("B", "${A}")], "${A} ${B}"), "${B} ${A}");
        assert_eq!(text(&[("A", "$"), ("B", "x")], "${A}{B}"), "${B}");
    }

    #[test]
    fn line_ends_long_lines_and_binary_content_are_kept() {
        let known = variables(&[("A", "one")]);
        assert_eq!(expand(&known, b"a\r\n${A}\r\n\r\nb").0, b"a\r\none\r\n\r\nb");
        assert_eq!(expand(&known, b"\x00\xff${A}\x80\n\n\x00").0, b"\x00\xffone\x80\n\n\x00");
        let long = "x".repeat(70_000);
        let (before, after) = (format!("{long}${{A}}{long}"), format!("{long}one{long}"));
        assert_eq!(pieces(&known, before.as_bytes().chunks(4096)).0, after.as_bytes());
    }

    #[test]
    fn odd_names_are_names() {
        assert_eq!(text(&[("A}B", "one")], "${A}B} ${A}"), "one ${A}");
        assert_eq!(text(&[("A}B", "one"), ("A", "two")], "${A}B}"), "twoB}");
        assert_eq!(text(&[("", "one")], "${}"), "one");
        let long = "K".repeat(1000);
        assert_eq!(text(&[(&long, "one")], &format!("${{{long}}}${{{long}K}}")), format!("one${{{long}K}}"));
        let mut bytes = Variables::default();
        bytes.set(b"\xff".as_slice(), b"\xfe".as_slice(), Origin::System);
        assert_eq!(expand(&bytes, b"${\xff}").0, b"\xfe");
    }

    #[test]
    fn variables_of_dam_that_nobody_defines_are_noticed() {
        let known = [("DAM_A", "one")];
        let found = undefined(&known, "${DAM_A}${DAM_B}\n\n${B} ${DAM_C}${DAM_B}${DAM_C}\r\n${DAM_C}");
        let expected = [(1, "DAM_B"), (3, "DAM_C"), (3, "DAM_B"), (4, "DAM_C")];
        assert_eq!(found, expected.map(|(line, name)| (line, name.to_owned())));
        assert_eq!(text(&known, "${DAM_B}"), "${DAM_B}");
    }

    #[test]
    fn what_a_script_may_mean_itself_is_not_noticed() {
        for own in ["${DAM_A:-x}", "${#DAM_A}", "${dam_a}", "$DAM_A", "${DAM_HOOK}", "${DAM_OLD_VERSION}", "${DAM_A"] {
            assert_eq!(undefined(&[], own), [], "{own}");
        }
        assert_eq!(undefined(&[], &format!("${{DAM_{}}}", "A".repeat(NOTICED))), []);
        assert_eq!(undefined(&[], &format!("${{DAM_{}}}", "A".repeat(NOTICED - 4))).len(), 1);
    }

    #[test]
    fn what_is_held_back_is_bounded() {
        let known = variables(&[("A", "one")]);
        let mut expander = Expander::new(&known);
        for _ in 0..100 {
            expander.push(&[b'x'; 100], &mut std::io::sink()).expect("a sink does not fail");
            expander.push(b"${", &mut std::io::sink()).expect("a sink does not fail");
            assert!(expander.held.len() <= NOTICED + 3, "{}", expander.held.len());
        }
    }

    /// At each place, the first name (of names without `}`) that stands there; nothing clever.
    fn naive(variables: &[(Vec<u8>, Vec<u8>)], text: &[u8]) -> Vec<u8> {
        let (mut out, mut at) = (Vec::new(), 0);
        'text: while at < text.len() {
            // Of two values for one name the last counts.
            for (key, value) in variables.iter().rev() {
                let written = [b"${", key.as_slice(), b"}"].concat();
                if text[at..].starts_with(&written) {
                    out.extend(value);
                    at += written.len();
                    continue 'text;
                }
            }
            out.push(text[at]);
            at += 1;
        }
        out
    }

    fn word() -> impl Strategy<Value = Vec<u8>> {
        vec(prop_oneof![proptest::sample::select(b"${AB\n".to_vec()), any::<u8>()], 0..4)
            .prop_map(|word| word.into_iter().filter(|&byte| byte != b'}').collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn expansion_equals_a_naive_replace(
            known in vec((word(), vec(any::<u8>(), 0..6)), 0..5),
            parts in vec(prop_oneof![vec(any::<u8>(), 0..20), word(), "[$\\{\\}AB]{0,6}".prop_map(String::into_bytes)], 0..20),
            used in vec(0..5_usize, 20),
            size in 1..30_usize,
        ) {
            let mut variables = Variables::default();
            known.iter().for_each(|(key, value)| variables.set(key.clone(), value.clone(), Origin::System));
            let mut text = Vec::new();
            for (part, used) in parts.iter().zip(used) {
                text.extend(part);
                if let Some((key, _)) = known.get(used) {
                    text.extend([b"${", key.as_slice(), b"}"].concat());
                }
            }
            assert_eq!(pieces(&variables, text.chunks(size)).0, naive(&known, &text));
        }

        #[test]
        fn without_known_variables_every_byte_stays(text in vec(prop_oneof![proptest::sample::select(b"${}DAM_\r\n".to_vec()), any::<u8>()], 0..500), size in 1..100_usize) {
            assert_eq!(pieces(&Variables::default(), text.chunks(size)).0, text);
        }
    }
}
