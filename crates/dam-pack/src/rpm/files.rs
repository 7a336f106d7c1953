//! The files of a package: what is packed, and the tags that describe it.

use crate::rpm::header::{Header, Value};
use crate::rpm::tag::{self, file_flag};
use crate::{Entry, EntryKind, Format, Package, Role, WriteError};

const FOLDER: u16 = 0o040_000;
const FILE: u16 = 0o100_000;
const LINK: u16 = 0o120_000;

/// What was seen of a file's content while it was packed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// SHA-256 in hexadecimal; empty for what is no file.
    pub(super) digest: String,
    /// The first bytes.
    pub(super) start: Vec<u8>,
}

/// How many first bytes of a file are kept.
pub(super) const START: usize = 5;

/// Returns what an `.rpm` has of the package, by path: rpm finds files by binary search.
pub(super) fn files(package: &Package) -> Result<Vec<&Entry>, WriteError> {
    let ours = |entry: &&Entry| entry.only.is_empty() || entry.only.contains(&Format::Rpm);
    let mut files: Vec<_> = package.entries.iter().filter(ours).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    match files.windows(2).find(|pair| pair[0].path == pair[1].path) {
        Some(pair) => Err(WriteError::Description(format!("`{}` is twice in the package", pair[0].path))),
        None => Ok(files),
    }
}

/// Returns type and permission bits.
pub(super) fn mode(entry: &Entry) -> u16 {
    match &entry.kind {
        EntryKind::File { mode, .. } => FILE | (mode & 0o7777),
        EntryKind::Folder { mode } => FOLDER | (mode & 0o7777),
        EntryKind::Link { .. } => LINK | 0o777,
    }
}

/// Returns the length in bytes; that of a link is its target's, that of a folder none.
pub(super) fn size(entry: &Entry) -> Result<u32, WriteError> {
    let size = match &entry.kind {
        EntryKind::File { content, .. } => content.size(),
        EntryKind::Folder { .. } => 0,
        EntryKind::Link { target } => target.len() as u64,
    };
    u32::try_from(size).map_err(|_| too_large(format_args!("`{}`", entry.path)))
}

/// Writes the tags of all files, which stand in order, each with what was seen of it.
pub(super) fn describe(
    header: &mut Header,
    files: &[&Entry],
    seen: &[Seen],
    source_date: u32,
) -> Result<(), WriteError> {
    if files.is_empty() {
        return Ok(());
    }
    let sizes = files.iter().map(|entry| size(entry)).collect::<Result<Vec<_>, _>>()?;
    let total = sizes.iter().map(|size| u64::from(*size)).sum::<u64>();
    let total = u32::try_from(total).map_err(|_| too_large(format_args!("the package")))?;
    let same = |number| files.iter().map(move |_| number);
    let word = |text: &'static str| files.iter().map(move |_| text);
    header.numbers(tag::SIZE, [total]);
    header.numbers(tag::FILE_SIZES, sizes);
    header.set(tag::FILE_MODES, Value::Int16(files.iter().map(|entry| mode(entry)).collect()));
    header.set(tag::FILE_RDEVS, Value::Int16(files.iter().map(|_| 0).collect()));
    header.numbers(tag::FILE_TIMES, same(source_date));
    header.texts(tag::FILE_DIGESTS, seen.iter().map(|seen| seen.digest.as_str()));
    header.texts(tag::FILE_TARGETS, files.iter().map(|entry| target(entry)));
    header.numbers(tag::FILE_FLAGS, files.iter().map(|entry| flags(entry)));
    header.texts(tag::FILE_USERS, word("root"));
    header.texts(tag::FILE_GROUPS, word("root"));
    header.numbers(tag::FILE_VERIFY, same(u32::MAX));
    header.numbers(tag::FILE_DEVICES, same(1));
    header.numbers(tag::FILE_INODES, 1..=files.len() as u32);
    header.texts(tag::FILE_LOCALES, word(""));
    header.numbers(tag::FILE_DIGEST_ALGORITHM, [tag::SHA256]);
    describe_paths(header, files);
    describe_contents(header, files, seen);
    Ok(())
}

fn target(entry: &Entry) -> &str {
    match &entry.kind {
        EntryKind::Link { target } => target,
        EntryKind::File { .. } | EntryKind::Folder { .. } => "",
    }
}

fn flags(entry: &Entry) -> u32 {
    match &entry.kind {
        EntryKind::File { role: Role::Config, .. } => file_flag::CONFIG | file_flag::NO_REPLACE,
        EntryKind::File { role: Role::Doc, .. } => file_flag::DOC,
        EntryKind::File { role: Role::License, .. } => file_flag::LICENSE,
        EntryKind::File { role: Role::Plain, .. } | EntryKind::Folder { .. } | EntryKind::Link { .. } => 0,
    }
}

/// A path is a base name and the number of its folder.
fn describe_paths(header: &mut Header, files: &[&Entry]) {
    let split = |entry: &'_ &Entry| {
        let path = entry.path.as_str();
        let (folder, base) = path.split_at(path.rfind('/').expect("a path begins with a slash") + 1);
        (folder.to_owned(), base.to_owned())
    };
    let mut folders: Vec<String> = Vec::new();
    let mut indexes = Vec::new();
    for (folder, _) in files.iter().map(split) {
        // A folder comes back after its subfolders.
        let found = folders.iter().rposition(|known| *known == folder);
        indexes.push(found.unwrap_or(folders.len()) as u32);
        if found.is_none() {
            folders.push(folder);
        }
    }
    header.numbers(tag::FOLDER_INDEXES, indexes);
    header.texts(tag::BASE_NAMES, files.iter().map(|entry| split(entry).1));
    header.texts(tag::FOLDER_NAMES, folders);
}

/// Colours (1 for 32-bit, 2 for 64-bit machine code), by which rpm tells what can share a path, and classes.
///
/// `rpmbuild` asks libmagic for the classes, which nothing but a query ever shows; here they say no more than is known.
fn describe_contents(header: &mut Header, files: &[&Entry], seen: &[Seen]) {
    const CLASSES: [&str; 5] = ["", "directory", "empty", "ELF 32-bit", "ELF 64-bit"];
    let class = |(entry, seen): (&&Entry, &Seen)| match (&entry.kind, seen.start.as_slice()) {
        (EntryKind::Folder { .. }, _) => 1,
        (EntryKind::File { .. }, []) => 2,
        (EntryKind::File { .. }, [0x7f, b'E', b'L', b'F', 1]) => 3,
        (EntryKind::File { .. }, [0x7f, b'E', b'L', b'F', 2]) => 4,
        (EntryKind::File { .. } | EntryKind::Link { .. }, _) => 0_u32,
    };
    let classes: Vec<_> = files.iter().zip(seen).map(class).collect();
    header.numbers(tag::FILE_COLORS, classes.iter().map(|class| class.saturating_sub(2)));
    header.numbers(tag::FILE_CLASSES, classes);
    header.texts(tag::CLASS_NAMES, CLASSES);
}

/// The fault of what 32 bits cannot count; more takes tags that rpm 4.11 does not read.
pub(super) fn too_large(what: std::fmt::Arguments<'_>) -> WriteError {
    WriteError::Description(format!("{what} is too large for an .rpm, which holds 4 GiB"))
}
