//! The libraries a program wants, and the newest symbols of each.

use std::fmt;
use std::io::{Read, Seek};

use super::bytes::{Bytes, Width};
use super::glibc::Glibc;
use super::{ElfFault, PT_DYNAMIC, PT_INTERP, Segment, offset_of};

/// The most that is read of the list of the dynamic linker, in bytes. Real ones have about 500.
const TABLE_LIMIT: u64 = 64 << 10;

/// The most libraries that are read.
const LIBRARY_LIMIT: usize = 256;

/// The most versions of symbols that are read, of all libraries together.
const VERSION_LIMIT: u32 = 4096;

const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_VERNEED: u64 = 0x6fff_fffe;
const DT_VERNEEDNUM: u64 = 0x6fff_ffff;

/// What a dynamic program wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dynamic {
    /// The linker that finds the libraries: `/lib64/ld-linux-x86-64.so.2`. Libraries themselves name none.
    pub linker: Option<String>,
    /// The libraries, in the order they are looked for.
    pub libraries: Vec<Library>,
}

/// A library that a program wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// Its name: `libc.so.6`.
    pub name: String,
    /// The newest version among the symbols that are wanted: `GLIBC_2.34`. None where symbols have no versions.
    pub newest: Option<String>,
}

impl Dynamic {
    /// Reads what is wanted; `None` if nothing is. A static program that runs at any address has a list as well, but it
    /// names no library.
    pub(super) fn read<F: Read + Seek>(
        bytes: &mut Bytes<F>,
        width: Width,
        segments: &[Segment],
    ) -> Result<Option<Self>, ElfFault> {
        let find = |kind| segments.iter().find(|segment| segment.kind == kind);
        let linker = find(PT_INTERP).map(|segment| bytes.name(segment.offset)).transpose()?;
        let mut libraries = match find(PT_DYNAMIC) {
            Some(table) => libraries(bytes, width, segments, table)?,
            None => Vec::new(),
        };
        libraries.dedup_by(|one, other| one.name == other.name);
        Ok((linker.is_some() || !libraries.is_empty()).then_some(Self { linker, libraries }))
    }

    /// Returns the oldest glibc that has all that is wanted of its libraries; none if none of its symbols is named.
    pub fn glibc(&self) -> Option<Glibc> {
        self.libraries.iter().filter_map(|library| Glibc::of_symbol(library.newest.as_deref()?)).max()
    }
}

impl fmt::Display for Dynamic {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (index, library) in self.libraries.iter().enumerate() {
            write!(f, "{}`{}`", if index > 0 { ", " } else { "" }, library.name)?;
            library.newest.iter().try_for_each(|newest| write!(f, " with {newest}"))?;
        }
        if let (true, Some(linker)) = (self.libraries.is_empty(), &self.linker) {
            write!(f, "`{linker}`")?;
        }
        let Some(glibc) = self.glibc() else { return Ok(()) };
        match glibc.oldest_target() {
            Some(target) => write!(f, ", and the oldest target that has it is {target}"),
            None => f.write_str(", which no target is known to have"),
        }
    }
}

/// Reads the list of the dynamic linker.
fn libraries<F: Read + Seek>(
    bytes: &mut Bytes<F>,
    width: Width,
    segments: &[Segment],
    table: &Segment,
) -> Result<Vec<Library>, ElfFault> {
    let entry = if width.is_64 { 16 } else { 8 };
    let count = table.size.min(TABLE_LIMIT) / entry;
    let mut fields = bytes.fields(width, table.offset, (count * entry) as usize)?;
    let (mut needed, mut names, mut versions, mut version_count) = (Vec::new(), None, None, 0);
    for _ in 0..count {
        match (fields.word()?, fields.word()?) {
            (0, _) => break,
            (DT_NEEDED, name) => needed.push(name),
            (DT_STRTAB, address) => names = Some(offset_of(segments, address)?),
            (DT_VERNEED, address) => versions = Some(offset_of(segments, address)?),
            (DT_VERNEEDNUM, count) => version_count = count,
            _ => {}
        }
    }
    if needed.is_empty() {
        return Ok(Vec::new());
    }
    if needed.len() > LIBRARY_LIMIT {
        return Err(ElfFault::Damaged("it names too many libraries"));
    }
    let names = names.ok_or(ElfFault::Damaged("it names libraries, but has no names"))?;
    let mut found = Vec::new();
    for name in needed {
        found.push(Library { name: bytes.name(names.saturating_add(name))?, newest: None });
    }
    if let Some(versions) = versions {
        Versions { bytes, width, names, left: VERSION_LIMIT }.read(versions, version_count, &mut found)?;
    }
    Ok(found)
}

/// The list of wanted versions, `.gnu.version_r`.
struct Versions<'a, F> {
    bytes: &'a mut Bytes<F>,
    width: Width,
    names: u64,
    /// Entries that may still be read.
    left: u32,
}

impl<F: Read + Seek> Versions<'_, F> {
    /// Reads `count` libraries from `offset` on, each with a chain of versions. Steps only go forward, and are counted.
    fn read(&mut self, mut offset: u64, count: u64, libraries: &mut [Library]) -> Result<(), ElfFault> {
        for _ in 0..count {
            self.count()?;
            let mut fields = self.bytes.fields(self.width, offset, 16)?;
            fields.skip(2);
            let (versions, file, first, next) = (fields.half()?, fields.long()?, fields.long()?, fields.long()?);
            let name = self.bytes.name(self.names.saturating_add(u64::from(file)))?;
            let newest = self.newest(offset.saturating_add(u64::from(first)), versions)?;
            for library in libraries.iter_mut().filter(|library| library.name == name) {
                library.newest.clone_from(&newest);
            }
            if next == 0 {
                break;
            }
            offset = offset.saturating_add(u64::from(next));
        }
        Ok(())
    }

    /// Returns the newest of the versions of one library.
    fn newest(&mut self, mut offset: u64, count: u16) -> Result<Option<String>, ElfFault> {
        let mut newest: Option<String> = None;
        for _ in 0..count {
            self.count()?;
            let mut fields = self.bytes.fields(self.width, offset, 16)?;
            fields.skip(8);
            let (name, next) = (fields.long()?, fields.long()?);
            let name = self.bytes.name(self.names.saturating_add(u64::from(name)))?;
            if newest.as_deref().is_none_or(|newest| rank(&name) > rank(newest)) {
                newest = Some(name);
            }
            if next == 0 {
                break;
            }
            offset = offset.saturating_add(u64::from(next));
        }
        Ok(newest)
    }

    fn count(&mut self) -> Result<(), ElfFault> {
        self.left = self.left.checked_sub(1).ok_or(ElfFault::Damaged("it wants too many versions of symbols"))?;
        Ok(())
    }
}

/// Returns what orders versions of one library: `GLIBC_2.9` is before `GLIBC_2.34`, and names without number are first.
fn rank(name: &str) -> Vec<u32> {
    if let Some(glibc) = Glibc::of_symbol(name) {
        return vec![glibc.0, glibc.1];
    }
    let number = name.rsplit_once('_').map_or(name, |(_, number)| number);
    number.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::rank;

    #[test]
    fn versions_are_ordered_as_numbers() {
        assert!(rank("GLIBC_2.34") > rank("GLIBC_2.9"));
        assert!(rank("GLIBC_2.2.5") > rank("GLIBC_PRIVATE"));
        assert!(rank("GLIBC_ABI_DT_RELR") > rank("GLIBC_2.35"));
        assert!(rank("OPENSSL_3.0.0") > rank("OPENSSL_1.1.1"));
    }
}
