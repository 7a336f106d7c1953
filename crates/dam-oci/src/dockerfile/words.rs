//! Splitting the rest of a line into words and pairs.
//!
//! Follows `parseWords` and `parseNameVal` of
//! <https://github.com/moby/buildkit/blob/v0.16.0/frontend/dockerfile/parser/line_parsers.go>.

/// Splits at white space outside quotes. Quotes and escapes stay in the words.
pub(super) fn split(text: &str, escape: char) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if quote.is_none() && c.is_whitespace() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        word.push(c);
        match quote {
            // Nothing is escaped in single quotes.
            _ if c == escape && quote != Some('\'') => word.extend(rest.next()),
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if open == c => quote = None,
            _ => {}
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Reads `a=1 b=2`, or the old form `a the rest`. Fails with the reason.
pub(super) fn pairs(keyword: &str, text: &str, escape: char) -> Result<Vec<(String, String)>, String> {
    let words = split(text, escape);
    if words.first().is_some_and(|word| !word.contains('=')) {
        let text = text.trim();
        let Some((name, value)) = text.split_once(char::is_whitespace) else {
            return Err(format!("{keyword} `{text}` has no value"));
        };
        return Ok(vec![(name.to_owned(), value.trim_start().to_owned())]);
    }
    words
        .iter()
        .map(|word| match word.split_once('=') {
            Some(("", _)) => Err(format!("{keyword} `{word}` has no name")),
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => Err(format!("{keyword} `{word}` is not of the form name=value")),
        })
        .collect()
}

/// Joins a line with what continues it: the escape character at the end of a line is dropped with the line break, and
/// so are comments and empty lines in between.
pub(super) fn unfold(text: &str, escape: char) -> String {
    let mut joined = String::new();
    for (at, line) in text.lines().enumerate() {
        let bare = line.trim();
        if at > 0 && (bare.is_empty() || bare.starts_with('#')) {
            continue;
        }
        match line.trim_end().strip_suffix(escape) {
            Some(continued) => joined.push_str(continued),
            None => {
                joined.push_str(line);
                break;
            }
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::{pairs, split, unfold};

    #[test]
    fn words_keep_their_quotes() {
        assert_eq!(split(r#"a="b c" d='e f' g\ h "#, '\\'), [r#"a="b c""#, "d='e f'", r"g\ h"]);
        assert_eq!(split(r#""a\" b" 'c\' d"#, '\\'), [r#""a\" b""#, r"'c\'", "d"]);
        assert_eq!(split("a` b", '`'), ["a` b"]);
        assert_eq!(split(" \t ", '\\'), Vec::<String>::new());
    }

    #[test]
    fn pairs_have_two_forms() {
        let read = |text| pairs("ENV", text, '\\');
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read("A=1 B=x=y"), Ok(vec![pair("A", "1"), pair("B", "x=y")]));
        assert_eq!(read("A  b c=d "), Ok(vec![pair("A", "b c=d")]));
        assert_eq!(read("A"), Err("ENV `A` has no value".to_owned()));
        assert_eq!(read("A=1 B"), Err("ENV `B` is not of the form name=value".to_owned()));
        assert_eq!(read("=1"), Err("ENV `=1` has no name".to_owned()));
    }

    #[test]
    fn continued_lines_are_joined() {
        assert_eq!(unfold("CMD a \\\n  # why\n\n  b\\\r\n c\nUSER x", '\\'), "CMD a   b c");
        assert_eq!(unfold("CMD a \\ \n b", '\\'), "CMD a  b");
        assert_eq!(unfold("CMD a `\n b\\", '`'), "CMD a  b\\");
    }
}
