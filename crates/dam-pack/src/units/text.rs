//! The lines of a unit file: <https://www.freedesktop.org/software/systemd/man/systemd.syntax.html>.

use std::borrow::Cow;

/// What a line of a unit file is, without its comments.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item<'text> {
    /// `[Service]`.
    Section(&'text str),
    /// `Type=notify`, the value whole if it goes on in further lines.
    Directive(&'text str, Cow<'text, str>),
    /// Anything else.
    Other(&'text str),
}

/// Returns the items and the line, from 1, where each begins.
pub(super) fn items(text: &str) -> Vec<(usize, Item<'_>)> {
    let mut items = Vec::new();
    let mut goes_on = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with(['#', ';']) || (line.is_empty() && !goes_on) {
            continue;
        }
        let (content, more) = match line.strip_suffix('\\') {
            Some(content) => (content.trim_end(), true),
            None => (line, false),
        };
        if !goes_on {
            items.push((index + 1, item(content)));
        } else if let Some((_, Item::Directive(_, value))) = items.last_mut() {
            let value = value.to_mut();
            value.push(' ');
            value.push_str(content);
        }
        goes_on = more;
    }
    items
}

fn item(line: &str) -> Item<'_> {
    if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Item::Section(name);
    }
    match line.split_once('=') {
        Some((name, value)) => Item::Directive(name.trim_end(), Cow::Borrowed(value.trim_start())),
        None => Item::Other(line),
    }
}

#[cfg(test)]
mod tests {
    use super::{Item, items};

    #[test]
    fn values_go_on_over_comments() {
        let found = items("[Service]\n# why\nExecStart=/bin/a \\\n# not this\n  b\n\nnonsense\n");
        assert_eq!(
            found,
            [
                (1, Item::Section("Service")),
                (3, Item::Directive("ExecStart", "/bin/a b".into())),
                (7, Item::Other("nonsense")),
            ]
        );
    }
}
