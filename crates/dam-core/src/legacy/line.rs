//! Lines of fields.

use std::fmt;
use std::io::{self, BufRead, Read};

use serde::Serialize;

/// The longest line, in bytes: DAM 1.x itself could read no longer one.
const LIMIT: u64 = 64 << 10;

/// A line that cannot be used, and why. Its text is not told: it may be a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineFault {
    /// The file, `Apps` or `Repos`.
    pub file: &'static str,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: LineProblem,
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "line {} of `{}` {}", self.line, self.file, self.problem)
    }
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum LineProblem {
    /// Nothing in it.
    #[error("is blank")]
    Blank,
    /// Not UTF-8.
    #[error("is not text")]
    NotText,
    /// Longer than 64 KiB.
    #[error("is too long")]
    TooLong,
    /// Cut off, or a piece of another line.
    #[error("has {found} fields instead of {wanted}")]
    Fields {
        /// How many it has.
        found: usize,
        /// How many it must have.
        wanted: usize,
    },
    /// A field is not what it must be.
    #[error("has no good {field}")]
    Field {
        /// The field.
        field: &'static str,
    },
    /// A row with this number came before: the rest of an older, longer file.
    #[error("repeats the number of line {line}")]
    Repeated {
        /// The line that came before.
        line: usize,
    },
}

/// Hands out the lines with their numbers, from 1. A line ends with LF or CR LF; the last may end without.
pub(super) fn each(mut reader: impl BufRead, mut take: impl FnMut(usize, Result<&str, LineProblem>)) -> io::Result<()> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if reader.by_ref().take(LIMIT + 1).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() as u64 > LIMIT && line.last() != Some(&b'\n') {
            reader.skip_until(b'\n')?;
            take(number, Err(LineProblem::TooLong));
            continue;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        take(number, std::str::from_utf8(text).map_err(|_| LineProblem::NotText));
    }
    Ok(())
}

/// Splits a line into at least `N` fields; further ones are ignored, as DAM 1.x did. The separator is `;`, and was `|`
/// before 1.0.
pub(super) fn fields<const N: usize>(line: &str) -> Result<[&str; N], LineProblem> {
    if line.trim().is_empty() {
        return Err(LineProblem::Blank);
    }
    let separator = if line.contains(';') { ';' } else { '|' };
    let fields: Vec<_> = line.split(separator).collect();
    match fields.first_chunk() {
        Some(fields) => Ok(*fields),
        None => Err(LineProblem::Fields { found: fields.len(), wanted: N }),
    }
}

/// Names the field whose value is none.
pub(super) fn field<T>(field: &'static str, value: Option<T>) -> Result<T, LineProblem> {
    value.ok_or(LineProblem::Field { field })
}

/// Reads a number as DAM 1.x wrote it: decimal, below 2^31.
pub(super) fn number(name: &'static str, text: &str) -> Result<u32, LineProblem> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    field(name, text.parse().ok().filter(|number| digits && i32::try_from(*number).is_ok()))
}

/// Reads yes (`*`) or no (nothing).
pub(super) fn mark(name: &'static str, text: &str) -> Result<bool, LineProblem> {
    field(
        name,
        match text {
            "*" => Some(true),
            "" => Some(false),
            _ => None,
        },
    )
}
