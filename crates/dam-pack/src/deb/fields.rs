//! Reading fields as Debian writes them: <https://manpages.debian.org/bookworm/dpkg-dev/deb822.5.en.html>.

/// Reads the fields of one paragraph, in order; continued lines keep their line breaks, without the space in front. Says
/// what is wrong with the first bad line.
pub(crate) fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for (number, line) in text.trim_matches('\n').lines().enumerate() {
        let fault = |what: &str| Err(format!("line {} {what}", number + 1));
        if let Some(more) = line.strip_prefix([' ', '\t']) {
            let Some((_, value)) = fields.last_mut() else { return fault("continues no field") };
            value.push('\n');
            value.push_str(more.trim_end());
            continue;
        }
        let Some((name, value)) = line.split_once(':') else { return fault("is no field") };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) || name.starts_with(['#', '-']) {
            return fault("has no good name");
        }
        if fields.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return fault("names a field again");
        }
        if fields.len() == MOST {
            return fault("is one of too many");
        }
        fields.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(fields)
}

/// Fields of a paragraph; dpkg knows about forty.
const MOST: usize = 1_000;

/// Takes a long description back to paragraphs, undoing what is done to lines to make them fields.
pub(crate) fn unfold(lines: &str) -> String {
    let plain = lines.lines().map(|line| if line == "." { "" } else { line });
    plain.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{parse, unfold};

    #[test]
    fn fields_are_read_in_order() {
        let fields = parse("Package: a\nDescription: short\n long\n .\n  kept\n").expect("good");
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        assert_eq!(fields, [("Package", "a"), ("Description", "short\nlong\n.\n kept")].map(own));
        assert_eq!(unfold("long\n.\n kept"), "long\n\n kept");
    }

    #[test]
    fn bad_lines_are_counted() {
        let faults = [
            (" a", "line 1 continues no field"),
            ("A: 1\nb", "line 2 is no field"),
            ("A: 1\na: 2", "line 2 names a field again"),
            (": 2", "line 1 has no good name"),
            ("A b: 2", "line 1 has no good name"),
            ("A: 1\n\nB: 2", "line 2 is no field"),
        ];
        for (text, fault) in faults {
            assert_eq!(parse(text).expect_err(text), fault);
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "(?s)[ \tA-C:.\n\r-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
