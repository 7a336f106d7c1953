//! Files that were split: `site.dam.001`, `site.dam.002` and so on, one file when they are read one after the other.
//!
//! The same names come from `dam export --split`, `split -b SIZE -d -a 3 --numeric-suffixes=1`, 7-Zip and others. Nothing
//! but the names and lengths tells that parts belong together: all but the last have one length, and the last is not
//! longer.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::archive::ArchiveFault;
use crate::{Error, Result};

/// The name of a part: any name that ends in a dot and a number from 1 on, of three digits (more from 1000 on).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartName {
    stem: PathBuf,
    number: u32,
}

impl PartName {
    /// Reads the name of a part; `None` for any other name.
    pub fn read(path: &Path) -> Option<Self> {
        let (stem, number) = split(path.file_name()?)?;
        Some(Self { stem: path.with_file_name(stem), number })
    }

    /// Returns the path of the whole file: that of its parts without the number.
    pub fn stem(&self) -> &Path {
        &self.stem
    }

    /// Returns which part this is, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Returns the path of another part in the same folder.
    pub fn sibling(&self, number: u32) -> PathBuf {
        let mut name = self.stem.clone().into_os_string();
        name.push(format!(".{number:03}"));
        name.into()
    }
}

/// The parts of a split file that lie in one folder, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    first: PartName,
    parts: Vec<Part>,
}

/// A part of a split file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub length: u64,
}

impl Parts {
    /// Finds the parts that lie beside `first`, the name of part 1; `None` if that is no such name. Parts are told by their
    /// names and lengths, nothing is read of them.
    ///
    /// # Errors
    /// [`ArchiveFault::PartMissing`] where there is a later part and not one before it, [`ArchiveFault::PartShort`] where
    /// one before the last is not as long as the longest, [`ArchiveFault::NotFirst`] for the name of a later part with
    /// part 1 beside it, [`ArchiveFault::NotFile`], and [`Error::Access`].
    pub fn find(first: &Path) -> Result<Option<Self>> {
        let Some(name) = PartName::read(first) else { return Ok(None) };
        if name.number != 1 {
            // A whole file may have such a name: `shop-1.0.017`.
            return match name.sibling(1).exists() {
                true => Err(refuse(first, ArchiveFault::NotFirst { first: file_name(&name.sibling(1)) })),
                false => Ok(None),
            };
        }
        let folder = match name.stem.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(Error::access(folder))? {
            let entry = entry.map_err(Error::access(folder))?.file_name();
            if let Some((stem, number)) = split(&entry).filter(|(stem, _)| Some(&**stem) == name.stem.file_name()) {
                found.insert(number, name.stem.with_file_name(stem));
            }
        }
        if found.is_empty() {
            Part::find(first.to_owned())?;
        }
        let mut parts = Vec::with_capacity(found.len());
        for (number, expected) in found.into_keys().zip(1..) {
            if number != expected {
                let part = file_name(&name.sibling(expected));
                return Err(refuse(first, ArchiveFault::PartMissing { part }));
            }
            parts.push(Part::find(name.sibling(number))?);
        }
        let parts = Self { first: name, parts };
        parts.check_lengths()?;
        Ok(Some(parts))
    }

    /// Returns the parts, the first one first. There is at least one.
    pub fn list(&self) -> &[Part] {
        &self.parts
    }

    /// Returns the length of all parts together, in bytes.
    pub fn length(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.length))
    }

    /// Refuses a part that was cut off and has others behind it: what follows would be read at the wrong place.
    fn check_lengths(&self) -> Result<()> {
        let longest = self.longest();
        let before_last = &self.parts[..self.parts.len().saturating_sub(1)];
        match before_last.iter().find(|part| part.length != longest) {
            None => Ok(()),
            Some(Part { path, length }) => {
                let fault = ArchiveFault::PartShort { part: file_name(path), found: *length, expected: longest };
                Err(refuse(&self.first.sibling(1), fault))
            }
        }
    }

    fn longest(&self) -> u64 {
        self.parts.iter().map(|part| part.length).max().unwrap_or_default()
    }

    /// Says what must be wrong with the parts when what is in them breaks off.
    pub(crate) fn broken_off(&self) -> ArchiveFault {
        let count = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        match self.parts.last() {
            Some(last) if last.length < self.longest() => ArchiveFault::PartCut { part: file_name(&last.path) },
            _ => ArchiveFault::PartMissing { part: file_name(&self.first.sibling(count.saturating_add(1))) },
        }
    }
}

impl Part {
    fn find(path: PathBuf) -> Result<Self> {
        let about = fs::metadata(&path).map_err(Error::access(&path))?;
        match about.is_file() {
            true => Ok(Self { path, length: about.len() }),
            false => Err(refuse(&path, ArchiveFault::NotFile)),
        }
    }
}

/// Splits the file name of a part into what the parts share and the number.
fn split(name: &OsStr) -> Option<(OsString, u32)> {
    let bytes = name.as_bytes();
    let dot = bytes.iter().rposition(|&byte| byte == b'.')?;
    let (stem, digits) = (&bytes[..dot], &bytes[dot + 1..]);
    // Signs, which `parse` would take, and a second name for the same number.
    if stem.is_empty() || !digits.iter().all(u8::is_ascii_digit) || (digits.len() > 3 && digits[0] == b'0') {
        return None;
    }
    let number = std::str::from_utf8(digits).ok().filter(|digits| digits.len() >= 3)?.parse().ok()?;
    (number > 0).then(|| (OsString::from_vec(stem.to_vec()), number))
}

/// Returns the last component of a path, for messages that name the folder elsewhere.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().display().to_string()
}

fn refuse(path: &Path, fault: ArchiveFault) -> Error {
    Error::Archive { what: format!("`{}`", path.display()), fault }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::PartName;

    fn read(name: &str) -> Option<(String, u32)> {
        let part = PartName::read(Path::new(name))?;
        assert_eq!(part.sibling(part.number()), Path::new(name));
        Some((part.stem().display().to_string(), part.number()))
    }

    #[test]
    fn a_part_is_told_by_its_number() {
        assert_eq!(read("site.dam.001"), Some(("site.dam".to_owned(), 1)));
        assert_eq!(read("/media/stick/site.dam.042"), Some(("/media/stick/site.dam".to_owned(), 42)));
        assert_eq!(read("x.1000"), Some(("x".to_owned(), 1000)));
        for other in
            ["site.dam", "site.dam.01", "site.dam.0001", "site.dam.000", "site.dam.+01", ".001", "001", "a.", ""]
        {
            assert_eq!(read(other), None, "{other}");
        }
        assert_eq!(read("x.99999999999999999999"), None);
    }

    proptest! {
        #[test]
        fn siblings_are_read_again(number in 1..u32::MAX) {
            let part = PartName::read(Path::new("a/b.001")).expect("a part").sibling(number);
            prop_assert_eq!(read(&part.display().to_string()), Some(("a/b".to_owned(), number)));
        }

        #[test]
        fn any_name_is_survived(name in any::<String>()) {
            read(&name);
        }
    }
}
