//! What can be wrong with a product list.

use std::fmt;

use dam_oci::ReferenceFault;

use super::MissingApp;
use crate::app::NameFault;

/// The longest part of a line that a fault repeats, in characters.
const TEXT_LIMIT: usize = 60;

/// What can be wrong with a product list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListFault {
    /// Some lines are no apps. All of them are told at once: lists are written by hand.
    #[error("`{what}` is no product list: {} of its lines cannot be used", .faults.len() + .more)]
    Lines {
        /// The list, such as its path.
        what: String,
        /// The lines, in order; at most [`super::FAULT_LIMIT`].
        faults: Vec<LineFault>,
        /// How many more lines are wrong.
        more: usize,
    },
    /// Apps of it are neither installed nor in the store.
    #[error("{} of `{what}` cannot be found", if .apps.len() == 1 { "an app".to_owned() } else { format!("{} apps", .apps.len()) })]
    Missing {
        /// The list, such as its path.
        what: String,
        /// The apps, in the order of the list.
        apps: Vec<MissingApp>,
    },
    /// It has a zero byte, which no text has: an archive, a program, or text in UTF-16.
    #[error("`{what}` is no product list: it is not UTF-8 text")]
    Binary {
        /// The list, such as its path.
        what: String,
    },
    /// It is far longer than a list is.
    #[error("`{what}` is no product list: it has more than {limit} bytes")]
    Large {
        /// The list, such as its path.
        what: String,
        /// The most that is read, in bytes.
        limit: usize,
    },
}

/// A line that is no app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFault {
    /// The line, from 1.
    pub line: usize,
    /// What is on it, without comment and blanks around it, and shortened. Unchecked text: it may hold anything.
    pub text: String,
    /// The rule it breaks.
    pub reason: LineReason,
}

impl LineFault {
    /// Remembers the beginning of what is on the line.
    pub(super) fn new(line: usize, text: &[u8], reason: LineReason) -> Self {
        // Cut before it is made text: a line may have any length.
        let text = String::from_utf8_lossy(&text[..text.len().min(4 * TEXT_LIMIT + 4)]);
        let mut shown: String = text.chars().take(TEXT_LIMIT).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self { line, text: shown, reason }
    }
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "line {}: `{}`: {}", self.line, self.text, self.reason)
    }
}

/// The rule that a line breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineReason {
    /// Not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
    /// Too long.
    #[error("it is longer than {} bytes", super::LINE_LIMIT)]
    Long,
    /// Blanks inside.
    #[error("there is more than one word on the line")]
    Words,
    /// Not an image name.
    #[error(transparent)]
    Reference(ReferenceFault),
    /// An image name without a tag.
    #[error("the version is missing: an app is written `name:version`")]
    NoVersion,
    /// An image name with a digest.
    #[error("a list names versions, not digests")]
    Digest,
    /// An image name whose repository is no name of an app.
    #[error(transparent)]
    Name(NameFault),
    /// The same name and version came before.
    #[error("the same app is on line {line}")]
    Twice {
        /// The line that came before.
        line: usize,
    },
}
