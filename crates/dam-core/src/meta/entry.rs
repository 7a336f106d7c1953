//! One entry of a `/meta`, and what its name may be.

use super::{EntryFault, MetaError};

/// The longest name and the longest link target, in bytes: `PATH_MAX`.
pub(super) const NAME_LIMIT: usize = 4096;
/// The longest part of a name, in bytes: `NAME_MAX` of every Linux file system.
const PART_LIMIT: usize = 255;

/// An entry; its name is its key in the [`super::index::Index`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Permission bits, `rwx` only.
    pub(super) mode: u32,
    pub(super) kind: Kind,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    /// A file whose bytes stand in the tar.
    File {
        /// Where they start, in bytes from the start of the tar.
        offset: u64,
        /// How many they are.
        size: u64,
    },
    /// A symbolic link. The target is text: it is never followed while unpacking.
    Link {
        target: Vec<u8>,
    },
}

/// Checks the name of an entry and returns it as `meta` or `meta/a/b`, without a trailing slash.
pub(super) fn check_name(name: &[u8]) -> Result<Vec<u8>, MetaError> {
    let short = name.strip_prefix(b"./").unwrap_or(name);
    let short = short.strip_suffix(b"/").unwrap_or(short);
    let sound = |part: &[u8]| {
        (1..=PART_LIMIT).contains(&part.len()) && ![b".".as_slice(), b".."].contains(&part) && !part.contains(&0)
    };
    let mut parts = short.split(|byte| *byte == b'/');
    if short.len() > NAME_LIMIT || parts.next() != Some(b"meta".as_slice()) || !parts.all(sound) {
        return Err(refused(name, EntryFault::Name));
    }
    Ok(short.to_vec())
}

/// Returns the error that refuses the entry `name`, of which at most 200 bytes are shown.
pub(super) fn refused(name: &[u8], fault: EntryFault) -> MetaError {
    MetaError::Entry { entry: shown(name), fault }
}

/// Returns a name as text for people.
pub(super) fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(200)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_lie_below_meta() {
        for (name, kept) in [("meta/", "meta"), ("meta", "meta"), ("./meta/a/", "meta/a"), ("meta/..a", "meta/..a")] {
            assert_eq!(check_name(name.as_bytes()).expect(name), kept.as_bytes());
        }
        for name in
            ["", "/", "/meta/a", "metal", "a", "meta/../a", "meta//a", "meta/./a", "meta/a//", "../meta", "meta/.."]
        {
            assert!(check_name(name.as_bytes()).is_err(), "{name}");
        }
        let long = |part: usize, parts: usize| format!("meta{}", format!("/{}", "a".repeat(part)).repeat(parts));
        assert!(check_name(long(255, 15).as_bytes()).is_ok());
        assert!(check_name(long(256, 1).as_bytes()).is_err() && check_name(long(255, 16).as_bytes()).is_err());
    }
}
