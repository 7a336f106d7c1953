//! Text in XML: <https://www.w3.org/TR/xml/#syntax>.

/// Writes a text between tags. Characters that XML does not know are replaced.
pub(super) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Left alone, readers would make a line break of it.
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            other => out.push(other),
        }
    }
    out
}

/// Writes a text within double quotes.
pub(super) fn attribute(value: &str) -> String {
    text(value).replace('"', "&quot;").replace('\n', "&#10;").replace('\t', "&#9;")
}

/// Writes an element with text.
pub(super) fn element(indent: usize, name: &str, value: &str) -> String {
    format!("{:indent$}<{name}>{}</{name}>\n", "", text(value))
}

#[cfg(test)]
mod tests {
    use super::{attribute, element, text};

    #[test]
    fn nothing_of_a_text_is_a_tag() {
        assert_eq!(text("a <b> & 'c' \"d\"\n\t\u{1}\r]]>"), "a &lt;b&gt; &amp; 'c' \"d\"\n\t\u{fffd}&#13;]]&gt;");
        assert_eq!(attribute("\"<\n\t"), "&quot;&lt;&#10;&#9;");
        assert_eq!(element(2, "url", "a&b"), "  <url>a&amp;b</url>\n");
        assert_eq!(element(0, "url", ""), "<url></url>\n");
    }
}
