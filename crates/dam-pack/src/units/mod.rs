//! What old systemds do not understand in a unit file.
//!
//! systemd skips what it does not know, with a line in the journal that nobody reads: a unit that names a newer directive
//! starts, and behaves otherwise than it says. [`lint`] finds that before a package is made.
//!
//! Directives: <https://www.freedesktop.org/software/systemd/man/systemd.directives.html>; versions:
//! <https://github.com/systemd/systemd/blob/main/NEWS>.

mod directives;
mod text;
mod values;

use std::fmt;

use directives::Known;

/// Something in a unit file that a systemd does not understand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule it breaks.
    pub rule: Rule,
    /// The line of the file, from 1.
    pub line: usize,
    /// The directive, the section, or the line that is neither.
    pub directive: String,
    /// The version that first understands it; none if no version does.
    pub since: Option<u16>,
}

/// A rule for unit files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A line is a section, a directive, a comment, or empty.
    Syntax,
    /// Sections are those of systemd.
    Section,
    /// Directives are known in their section, to some version.
    Directive,
    /// Directives are known in their section to the version asked about.
    DirectiveSince,
    /// Values are known to the version asked about.
    ValueSince,
}

impl Rule {
    /// Returns the name by which a list of exceptions calls it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Syntax => "U01",
            Self::Section => "U02",
            Self::Directive => "U03",
            Self::DirectiveSince => "U04",
            Self::ValueSince => "U05",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { rule, line, directive, since } = self;
        match (rule, since) {
            (Rule::Syntax, _) => write!(f, "line {line}: `{directive}` is no directive"),
            (Rule::Section, _) => write!(f, "line {line}: no systemd knows the section `{directive}`"),
            (Rule::ValueSince, Some(since)) => {
                write!(f, "line {line}: this value of `{directive}` is understood since systemd {since}")
            }
            (_, Some(since)) => write!(f, "line {line}: `{directive}` is understood here since systemd {since}"),
            (_, None) => write!(f, "line {line}: no systemd understands `{directive}` here"),
        }
    }
}

/// Returns what a version of systemd does not understand in the text of a unit file, in the order of its lines.
///
/// What an old version ignores without consequence, because it does the same by itself, is left out: before 227 nothing
/// limited the number of tasks, so `TasksMax=infinity` loses nothing there.
pub fn lint(text: &str, version: u16) -> Vec<Finding> {
    let mut section = "";
    let mut findings = Vec::new();
    for (line, item) in text::items(text) {
        let finding = |rule, directive: &str, since| Finding { rule, line, directive: directive.to_owned(), since };
        match item {
            text::Item::Section(name) => {
                section = name;
                if !directives::is_section(name) {
                    findings.push(finding(Rule::Section, name, None));
                }
            }
            text::Item::Other(other) => findings.push(finding(Rule::Syntax, other, None)),
            text::Item::Directive(name, value) => {
                let known = directives::find(section, name);
                let fault = match known {
                    Known::Unchecked => None,
                    Known::Never => Some((Rule::Directive, None)),
                    Known::Since(since) if since > version && !values::was_so_before(name, &value) => {
                        Some((Rule::DirectiveSince, Some(since)))
                    }
                    Known::Since(_) => values::since(name, &value)
                        .filter(|since| *since > version)
                        .map(|since| (Rule::ValueSince, Some(since))),
                };
                findings.extend(fault.map(|(rule, since)| finding(rule, name, since)));
            }
        }
    }
    findings
}
