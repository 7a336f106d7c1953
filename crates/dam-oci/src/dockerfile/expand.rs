//! Expanding variables in words.
//!
//! Follows <https://github.com/moby/buildkit/blob/v0.16.0/frontend/dockerfile/shell/lex.go> for `$V`, `${V}` and the
//! modifiers `-`, `+` and `?` with and without a colon. The pattern modifiers (`#`, `%`, `/`) are refused.

use std::iter::Peekable;
use std::str::Chars;

/// What happens to quotes and escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quotes {
    /// They are undone, as in the words of an instruction.
    Undone,
    /// They stay, as in a here-document.
    Kept,
}

/// Expands words with one escape character and one set of variables.
pub(crate) struct Expansion<'a> {
    pub(crate) escape: char,
    pub(crate) quotes: Quotes,
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Expansion<'_> {
    /// Expands `word`. Fails with the reason. Variables nobody set are empty.
    pub(crate) fn expand(&self, word: &str) -> Result<String, String> {
        let mut rest = word.chars().peekable();
        let value = self.until(&mut rest, None)?;
        Ok(value)
    }

    /// Expands up to and with `end`, or to the end of the word.
    fn until(&self, rest: &mut Peekable<Chars>, end: Option<char>) -> Result<String, String> {
        let mut value = String::new();
        while let Some(c) = rest.next() {
            match c {
                c if Some(c) == end => return Ok(value),
                '\'' if self.quotes == Quotes::Undone => single_quoted(rest, &mut value)?,
                '"' if self.quotes == Quotes::Undone => self.double_quoted(rest, &mut value)?,
                '$' => self.dollar(rest, &mut value)?,
                c if c == self.escape => {
                    if self.quotes == Quotes::Kept {
                        value.push(c);
                    }
                    // At the very end it escapes nothing and is dropped.
                    value.extend(rest.next());
                }
                c => value.push(c),
            }
        }
        match end {
            None => Ok(value),
            Some(end) => Err(format!("`{end}` is missing")),
        }
    }

    fn double_quoted(&self, rest: &mut Peekable<Chars>, value: &mut String) -> Result<(), String> {
        loop {
            match rest.next() {
                None => return Err("`\"` is missing".to_owned()),
                Some('"') => return Ok(()),
                Some('$') => self.dollar(rest, value)?,
                Some(c) if c == self.escape => match rest.next() {
                    None => return Err("`\"` is missing".to_owned()),
                    Some(next) if next == '"' || next == '$' || next == self.escape => value.push(next),
                    // Any other character does not need it: both stay.
                    Some(next) => value.extend([c, next]),
                },
                Some(c) => value.push(c),
            }
        }
    }

    /// Expands what stands behind a `$`.
    fn dollar(&self, rest: &mut Peekable<Chars>, value: &mut String) -> Result<(), String> {
        if rest.next_if_eq(&'{').is_some() {
            value.push_str(&self.braces(rest)?);
            return Ok(());
        }
        match name(rest) {
            // A dollar in front of anything else is a dollar.
            name if name.is_empty() => value.push('$'),
            name => value.push_str(&(self.variable)(&name).unwrap_or_default()),
        }
        Ok(())
    }

    /// Expands what stands behind a `${`, up to and with the `}`.
    fn braces(&self, rest: &mut Peekable<Chars>) -> Result<String, String> {
        let name = name(rest);
        if name.is_empty() {
            return Err("`${` needs the name of a variable".to_owned());
        }
        let set = (self.variable)(&name);
        let colon = rest.next_if_eq(&':').is_some();
        // With a colon, empty counts as not set.
        let present = set.as_ref().is_some_and(|value| !(colon && value.is_empty()));
        match rest.next() {
            None => Err(format!("`${{{name}` needs a `}}`")),
            Some('}') if !colon => Ok(set.unwrap_or_default()),
            Some(modifier @ ('-' | '+' | '?')) => {
                let word = self.until(rest, Some('}'))?;
                match modifier {
                    '+' => Ok(if present { word } else { String::new() }),
                    _ if present => Ok(set.unwrap_or_default()),
                    '-' => Ok(word),
                    _ if word.is_empty() => Err(format!("the variable `{name}` is not set")),
                    _ => Err(format!("the variable `{name}` is not set: {word}")),
                }
            }
            Some(modifier) => Err(format!("`{modifier}` behind `${{{name}` is not supported")),
        }
    }
}

fn single_quoted(rest: &mut Peekable<Chars>, value: &mut String) -> Result<(), String> {
    loop {
        match rest.next() {
            None => return Err("`'` is missing".to_owned()),
            Some('\'') => return Ok(()),
            Some(c) => value.push(c),
        }
    }
}

/// Reads the name of a variable: a word, or one of the shell's one-character names, which are never set here.
fn name(rest: &mut Peekable<Chars>) -> String {
    if let Some(special) = rest.next_if(|c| c.is_ascii_digit() || "@*#!?-$".contains(*c)) {
        return special.to_string();
    }
    let mut name = String::new();
    while let Some(c) = rest.next_if(|c| c.is_alphanumeric() || *c == '_') {
        name.push(c);
    }
    name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, proptest};

    use super::{Expansion, Quotes};

    fn variable(name: &str) -> Option<String> {
        match name {
            "A" => Some("one".to_owned()),
            "E" => Some(String::new()),
            "UNIÇODE" => Some("word".to_owned()),
            _ => None,
        }
    }

    fn expand(word: &str) -> Result<String, String> {
        Expansion { escape: '\\', quotes: Quotes::Undone, variable: &variable }.expand(word)
    }

    #[test]
    fn expands_as_docker_does() {
        let table = [
            ("$A", "one"),
            ("${A}x$A.y", "onexone.y"),
            ("$Ax", ""),
            ("x$UNSET", "x"),
            ("${A:-d} ${E:-d} ${E-d} ${U:-d} ${U-d}", "one d  d d"),
            ("${A:+d} ${E:+d}. ${E+d} ${U:+d}. ${U+d}.", "d . d . ."),
            ("${U:-${A}-${U:-x}}", "one-x"),
            ("${U:-'a b' \"$A\"}", "a b one"),
            ("${A:?no}", "one"),
            (r"\$A \\$A", r"$A \one"),
            (r#""$A" '$A' "'$A'" '"$A"'"#, r#"one $A 'one' "$A""#),
            (r#""\$A \" \\ \n""#, r#"$A " \ \n"#),
            ("a$ $. ${UNIÇODE}", "a$ $. word"),
            ("$1a $@b $#", "a b "),
            ("he\\", "he"),
            ("", ""),
        ];
        for (word, expected) in table {
            assert_eq!(expand(word).as_deref(), Ok(expected), "{word}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(expand("'a"), Err("`'` is missing".to_owned()));
        assert_eq!(expand("\"a\\"), Err("`\"` is missing".to_owned()));
        assert_eq!(expand("${A"), Err("`${A` needs a `}`".to_owned()));
        assert_eq!(expand("${}"), Err("`${` needs the name of a variable".to_owned()));
        assert_eq!(expand("${U:-x"), Err("`}` is missing".to_owned()));
        assert_eq!(expand("${A#o}"), Err("`#` behind `${A` is not supported".to_owned()));
        assert_eq!(expand("${U:?say it}"), Err("the variable `U` is not set: say it".to_owned()));
        assert_eq!(expand("${E:?}"), Err("the variable `E` is not set".to_owned()));
    }

    #[test]
    fn a_here_document_keeps_its_quotes() {
        let expansion = Expansion { escape: '\\', quotes: Quotes::Kept, variable: &variable };
        assert_eq!(expansion.expand("'$A' \"$A\" \\$A\n").as_deref(), Ok("'one' \"one\" \\$A\n"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn never_panics(word in "[$\\{\\}:+?'\"A-Z\\\\ -]{0,40}") {
            expand(&word).ok();
        }
    }
}
