//! ENVIRONMENT: the project's own variables.

use std::fs;
use std::path::{Path, PathBuf};

use super::ProjectError;
use crate::{Error, Result};

/// Where a project may keep its variables; the first that is there counts.
///
/// DAM 1.x read the first; its manual and its article name the other two.
const PLACES: [&str; 3] = ["ENVIRONMENT", "make/ENVIRONMENT", "meta/ENVIRONMENT"];

/// A file of variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The file; `None` if the project has none.
    pub path: Option<PathBuf>,
    /// Its variables, in the file's order; of two with one key the last counts.
    pub assignments: Vec<Assignment>,
}

/// One variable of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Everything before the first `=`.
    pub key: Vec<u8>,
    /// Everything behind it.
    pub value: Vec<u8>,
    /// Line, from 1.
    pub line: usize,
}

impl Environment {
    /// Reads `file`, or else the first ENVIRONMENT of the project; a project without one has no variables.
    pub(super) fn read(project: &Path, file: Option<&Path>) -> Result<Self> {
        if let Some(file) = file {
            return match super::is_folder(file)? {
                None => Err(ProjectError::NoEnvironment { path: file.to_owned() }.into()),
                Some(_) => Self::read_file(file.to_owned()),
            };
        }
        for place in PLACES {
            let path = project.join(place);
            if super::is_file(&path)? {
                return Self::read_file(path);
            }
        }
        Ok(Self::default())
    }

    fn read_file(path: PathBuf) -> Result<Self> {
        let bytes = fs::read(&path).map_err(Error::access(&path))?;
        Ok(Self { assignments: parse(&bytes), path: Some(path) })
    }
}

/// Reads the grammar of DAM 1.x: `KEY=value` lines, taken as they are, spaces and quotes included.
///
/// Lines that start with `#` and lines without `=` say nothing. A carriage return at a line's end is dropped, and so is
/// a byte order mark. Unlike DAM 1.x there is no limit to a line.
fn parse(bytes: &[u8]) -> Vec<Assignment> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let assignment = |(index, line): (usize, &[u8])| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let equals = line.iter().position(|&byte| byte == b'=').filter(|_| !line.starts_with(b"#"))?;
        Some(Assignment { key: line[..equals].to_vec(), value: line[equals + 1..].to_vec(), line: index + 1 })
    };
    bytes.split(|&byte| byte == b'\n').enumerate().filter_map(assignment).collect()
}

#[cfg(test)]
mod tests {
    use proptest::proptest;

    use super::parse;

    fn pairs(text: impl AsRef<[u8]>) -> Vec<(String, String, usize)> {
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        parse(text.as_ref()).iter().map(|a| (text_of(&a.key), text_of(&a.value), a.line)).collect()
    }

    fn pair(key: &str, value: &str, line: usize) -> (String, String, usize) {
        (key.to_owned(), value.to_owned(), line)
    }

    #[test]
    fn keys_and_values_are_taken_as_they_are() {
        assert_eq!(pairs("TEST=test?"), [pair("TEST", "test?", 1)]);
        assert_eq!(pairs("TEST3=test3=test3\n"), [pair("TEST3", "test3=test3", 1)]);
        assert_eq!(pairs("TEST2 = x"), [pair("TEST2 ", " x", 1)]);
        assert_eq!(pairs("export A='b c'"), [pair("export A", "'b c'", 1)]);
        assert_eq!(pairs("A=\\n$B \"x\""), [pair("A", "\\n$B \"x\"", 1)]);
        assert_eq!(pairs("A="), [pair("A", "", 1)]);
    }

    #[test]
    fn comments_and_lines_without_an_equals_sign_say_nothing() {
        assert_eq!(pairs("#A=1\nTEST\n\n #B=2\nC=3 # d\n"), [pair(" #B", "2", 4), pair("C", "3 # d", 5)]);
        assert_eq!(pairs(""), []);
    }

    #[test]
    fn windows_files_are_read_too() {
        assert_eq!(pairs("\u{feff}A=1\r\nB=2\r\r\nC=3\r"), [pair("A", "1", 1), pair("B", "2\r", 2), pair("C", "3", 3)]);
    }

    #[test]
    fn a_line_has_no_limit_and_need_not_be_text() {
        let long = "x".repeat(200_000);
        assert_eq!(pairs(format!("A={long}\nB=2")), [pair("A", &long, 1), pair("B", "2", 2)]);
        assert_eq!(parse(b"\xff\xfe=\x00\x80")[0].value, b"\x00\x80");
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes: Vec<u8>) {
            for assignment in parse(&bytes) {
                assert!(!assignment.key.contains(&b'=') && !assignment.value.contains(&b'\n'));
            }
        }
    }
}
