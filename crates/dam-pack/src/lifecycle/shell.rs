//! Words and blocks of POSIX shell.

/// Returns a text as one word of shell, quoted where it must be.
pub(super) fn word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:=@,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Returns words with spaces between them.
pub(super) fn words<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Returns lines, each indented by four more spaces.
pub(super) fn indented(lines: &[String]) -> Vec<String> {
    lines.iter().flat_map(|text| text.lines()).map(|line| format!("    {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{word, words};

    #[test]
    fn words_are_quoted_where_they_must_be() {
        assert_eq!(words(["/usr/bin/docker", "--format", "{{.X}}"]), "/usr/bin/docker --format '{{.X}}'");
        assert_eq!(word("it's"), r"'it'\''s'");
        assert_eq!(word(""), "''");
    }
}
