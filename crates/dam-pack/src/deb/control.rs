//! The `control` file of a `.deb`: <https://manpages.debian.org/bookworm/dpkg-dev/deb-control.5.en.html>.

use crate::{Format, Package, PackageVersion, Relation, Relations, WriteError};

/// Renders the fields in the order of Debian's own packages, and none that dpkg 1.17 does not know.
pub(crate) fn render(package: &Package, installed_size: u64) -> Result<String, WriteError> {
    let none = Relations::default();
    let relations = package.relations.get(&Format::Deb).unwrap_or(&none);
    let fields = [
        ("Package", package.name.to_string()),
        ("Version", version(package.epoch, &package.version)),
        ("Architecture", package.architecture.name(Format::Deb).to_owned()),
        ("Maintainer", package.maintainer.clone()),
        ("Installed-Size", installed_size.to_string()),
        ("Depends", names(&relations.depends)?),
        ("Recommends", names(&relations.recommends)?),
        ("Suggests", names(&relations.suggests)?),
        ("Conflicts", names(&relations.conflicts)?),
        ("Replaces", names(&relations.replaces)?),
        ("Provides", names(&relations.provides)?),
        ("Section", "admin".to_owned()),
        ("Priority", "optional".to_owned()),
        ("Multi-Arch", "foreign".to_owned()),
        ("Homepage", package.homepage.clone().unwrap_or_default()),
        ("Description", package.summary.clone()),
    ];
    let mut text = String::new();
    for (name, value) in fields {
        let value = one_line(name, &value)?;
        if !value.is_empty() {
            text.push_str(&format!("{name}: {value}\n"));
        } else if matches!(name, "Maintainer" | "Description") {
            return Err(WriteError::Description(format!("a package needs a {}", name.to_lowercase())));
        }
    }
    text.push_str(&fold(&package.description));
    Ok(text)
}

/// Returns the version as dpkg compares it: `[epoch:]version-release`.
pub(crate) fn version(epoch: u32, version: &PackageVersion) -> String {
    match epoch {
        0 => version.to_string(),
        epoch => format!("{epoch}:{version}"),
    }
}

/// A relation's grammar is wider than Debian's: names of RPM may be paths.
fn names(relations: &[Relation]) -> Result<String, WriteError> {
    if let Some(relation) = relations.iter().find(|relation| relation.name.contains(['/', '_'])) {
        return Err(WriteError::Description(format!("`{relation}` is no relation to a Debian package")));
    }
    Ok(relations.iter().map(Relation::to_string).collect::<Vec<_>>().join(", "))
}

/// A line break in a value would begin a field of its own.
fn one_line(name: &str, value: &str) -> Result<String, WriteError> {
    if value.contains(|character: char| character.is_control()) {
        return Err(WriteError::Description(format!(
            "{} `{}` is not one line",
            name.to_lowercase(),
            value.escape_debug()
        )));
    }
    Ok(value.trim().to_owned())
}

/// Columns of a description, the space in front included.
const WIDTH: usize = 79;

/// Renders the long description: lines of a paragraph are joined and wrapped, lines that begin with a space are kept as
/// they are, and an empty line is a full stop.
fn fold(description: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut open = false;
    for line in description.trim_matches('\n').lines() {
        let text: String = line.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
        if text.trim().is_empty() {
            if lines.last().is_some_and(|last| last != " .") {
                lines.push(" .".to_owned());
            }
            open = false;
        } else if text.starts_with(' ') {
            lines.push(format!(" {}", text.trim_end()));
            open = false;
        } else {
            text.split_whitespace().for_each(|word| {
                push_word(&mut lines, open, word);
                open = true;
            });
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Adds a word to the open paragraph. A line never begins with a full stop, which dpkg keeps for itself: such a word
/// stays on the line before it, or stands as text that is not wrapped.
fn push_word(lines: &mut Vec<String>, open: bool, word: &str) {
    let dot = word.starts_with('.');
    if let Some(last) =
        lines.last_mut().filter(|last| open && (dot || last.chars().count() + 1 + word.chars().count() <= WIDTH))
    {
        last.push(' ');
        last.push_str(word);
        return;
    }
    let space = if dot { "  " } else { " " };
    lines.push(format!("{space}{word}"));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::fold;

    #[test]
    fn descriptions_are_folded() {
        let text = "Docker Engine, its command line and Compose, for machines that reach no registry and no\nmirror.\n\n\n  \
                    kept    as it is\nThe format is\n.deb";
        let folded = " Docker Engine, its command line and Compose, for machines that reach no\n registry and no mirror.\n .\n   \
                      kept    as it is\n The format is .deb\n";
        assert_eq!(fold(text), folded);
        assert_eq!(fold(""), "");
        assert_eq!(fold(".deb"), "  .deb\n");
        assert_eq!(fold("a\n\n"), " a\n");
    }

    proptest! {
        #[test]
        fn every_line_is_part_of_the_field(text in "[ a-z.\n\r\t]{0,400}") {
            let folded = fold(&text);
            for line in folded.lines() {
                prop_assert!(line.starts_with(' ') && line.trim() != "", "{line:?}");
                prop_assert!(line == " ." || !line.starts_with(" ."), "{line:?}");
            }
            let words = |text: &str| text.split_whitespace().filter(|word| *word != ".").map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(words(&folded), words(&text));
        }
    }
}
