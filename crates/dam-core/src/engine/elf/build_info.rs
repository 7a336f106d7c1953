//! How a program of Go was built: by which Go, and of which modules.
//!
//! The linker leaves it in every program: 32 bytes that begin with a magic, on a multiple of 16, and two texts. Since Go
//! 1.18 the texts follow, each behind its length; before, their addresses are in the 32 bytes. Format:
//! <https://pkg.go.dev/debug/buildinfo> and <https://github.com/golang/go/blob/go1.22.5/src/debug/buildinfo/buildinfo.go>.
//!
//! ```text
//!  0  14  ff " Go buildinf:"
//! 14   1  bytes of an address, 4 or 8
//! 15   1  flags: 1 the highest byte of a number comes first, 2 the texts follow
//! 16  16  addresses of two pairs of address and length: the version of Go, the modules; zero where the texts follow
//! 32      the texts: a length as varint, and the bytes
//! ```
//!
//! All of the file is searched, for sections may have been stripped. Nothing is believed: what is found is bounded, and what
//! makes no sense counts as not there.

use std::io::{Read, Seek};

use super::bytes::{Bytes, Width};
use super::{ElfFault, Head, offset_of, segments};

const MAGIC: &[u8; 14] = b"\xff Go buildinf:";
/// What it begins on a multiple of.
const ALIGNMENT: usize = 16;
/// Bytes before the texts.
const HEAD: u64 = 32;
/// Bytes that are searched at a time; a multiple of [`ALIGNMENT`].
const CHUNK: usize = 1 << 20;
/// The most places that are looked at. A program that reads others has the magic among its own texts.
const PLACES: usize = 64;
/// The longest version of Go, in bytes.
const VERSION_LIMIT: u64 = 256;
/// The longest list of modules, in bytes. Those of today's engine have 20 kB.
const MODULES_LIMIT: u64 = 1 << 20;
/// Bytes that stand before the list of modules, and behind it.
const FRAME: usize = 16;
/// The longest word that is believed, in bytes.
const WORD_LIMIT: usize = 512;

/// What a program says of how it was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildInfo {
    /// The version of Go: `go1.22.5`.
    pub go: String,
    /// The package of its `main`: `github.com/docker/docker/cmd/dockerd`.
    pub path: Option<String>,
    /// The module that is in; none where it was built without modules.
    pub main: Option<Module>,
    /// The modules that are in it, with what stands in for them, in the order they are listed.
    pub modules: Vec<Module>,
}

/// A module of Go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Module {
    /// Its path: `golang.org/x/net`.
    pub path: String,
    /// Its version: `v0.23.0`; none where it was a folder.
    pub version: Option<String>,
}

impl BuildInfo {
    /// Reads what a program says; none if it is not of Go, or says nothing that makes sense.
    ///
    /// # Errors
    /// [`ElfFault::Read`].
    pub fn read(file: impl Read + Seek) -> Result<Option<Self>, ElfFault> {
        let mut bytes = Bytes::new(file);
        for place in places(&mut bytes)? {
            match texts(&mut bytes, place) {
                Ok(Some((go, modules))) => return Ok(Some(Self::parse(go, &modules))),
                Err(lost @ ElfFault::Read(_)) => return Err(lost),
                Ok(None) | Err(_) => {}
            }
        }
        Ok(None)
    }

    /// Reads the list of modules: lines of words with tabs between.
    fn parse(go: String, modules: &str) -> Self {
        let mut info = Self { go, path: None, main: None, modules: Vec::new() };
        for line in modules.lines() {
            let words: Vec<&str> = line.split('\t').collect();
            match words[..] {
                ["path", path] => info.path = word(path),
                ["mod", path, ref rest @ ..] => info.main = Module::parse(path, rest),
                ["dep", path, ref rest @ ..] => info.modules.extend(Module::parse(path, rest)),
                // What stands in for the module before.
                ["=>", path, ref rest @ ..] => {
                    let place = info.modules.last_mut().or(info.main.as_mut());
                    if let Some((place, other)) = place.zip(Module::parse(path, rest)) {
                        *place = other;
                    }
                }
                _ => {}
            }
        }
        info
    }
}

impl Module {
    fn parse(path: &str, rest: &[&str]) -> Option<Self> {
        let version = rest.first().filter(|version| **version != "(devel)").and_then(|version| word(version));
        Some(Self { path: word(path)?, version })
    }
}

/// Takes a word that can be shown and stand in a document.
fn word(text: &str) -> Option<String> {
    let good = (1..=WORD_LIMIT).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    good.then(|| text.to_owned())
}

/// Finds where the magic is.
fn places<F: Read + Seek>(bytes: &mut Bytes<F>) -> Result<Vec<u64>, ElfFault> {
    let (mut places, mut offset) = (Vec::new(), 0);
    loop {
        let chunk = bytes.at(offset, CHUNK)?;
        // Its first byte is rare, and a debug build of dam looks at 200 MB as well.
        let found = (0..chunk.len()).step_by(ALIGNMENT).filter(|&at| chunk[at] == MAGIC[0]);
        places.extend(found.filter(|&at| chunk[at..].starts_with(MAGIC)).map(|at| offset + at as u64));
        places.truncate(PLACES);
        if chunk.len() < CHUNK || places.len() == PLACES {
            return Ok(places);
        }
        offset += CHUNK as u64;
    }
}

/// Reads the two texts of a place: the version of Go, and the modules, which may be none.
fn texts<F: Read + Seek>(bytes: &mut Bytes<F>, place: u64) -> Result<Option<(String, String)>, ElfFault> {
    let head = bytes.at(place, HEAD as usize)?;
    let Some([pointer, flags]) = head.get(14..16) else { return Ok(None) };
    let (go, modules) = match flags & 2 {
        0 => pointed(bytes, place, *pointer, flags & 1 == 0)?,
        _ => {
            let (go, behind) = counted(bytes, place.saturating_add(HEAD), VERSION_LIMIT)?;
            (go, counted(bytes, behind, MODULES_LIMIT)?.0)
        }
    };
    let go = String::from_utf8(go).ok().and_then(|text| word(text.split(' ').next()?));
    let Some(go) = go.filter(|go| go.starts_with("go") || go.starts_with("devel")) else { return Ok(None) };
    // What frames the modules are 16 bytes that nobody else writes.
    let framed = modules.len() > 2 * FRAME && modules[modules.len() - FRAME - 1] == b'\n';
    let inner = if framed { &modules[FRAME..modules.len() - FRAME] } else { &[] };
    Ok(Some((go, std::str::from_utf8(inner).unwrap_or_default().to_owned())))
}

/// Reads a text behind its length, and returns where it ends.
fn counted<F: Read + Seek>(bytes: &mut Bytes<F>, offset: u64, limit: u64) -> Result<(Vec<u8>, u64), ElfFault> {
    let (mut length, mut width) = (0, 0);
    for byte in bytes.at(offset, 5)? {
        length |= u64::from(byte & 0x7f) << (7 * width);
        width += 1;
        if byte & 0x80 == 0 {
            let begin = offset.saturating_add(width);
            return Ok((text(bytes, begin, length, limit)?, begin.saturating_add(length)));
        }
    }
    Err(ElfFault::Damaged("the length of a text in it makes no sense"))
}

/// Reads the texts whose addresses are in the head.
fn pointed<F: Read + Seek>(
    bytes: &mut Bytes<F>,
    place: u64,
    pointer: u8,
    is_little: bool,
) -> Result<(Vec<u8>, Vec<u8>), ElfFault> {
    let Head { width, mut rest, .. } = Head::read(bytes)?;
    let segments = segments(bytes, width, &mut rest)?;
    let width = Width { is_64: pointer == 8, is_little };
    let size = if width.is_64 { 8 } else { 4 };
    let mut addresses = bytes.fields(width, place.saturating_add(16), 2 * size)?;
    let (go, modules) = (addresses.word()?, addresses.word()?);
    let mut string = |address, limit| -> Result<Vec<u8>, ElfFault> {
        let mut pair = bytes.fields(width, offset_of(&segments, address)?, 2 * size)?;
        let (address, length) = (pair.word()?, pair.word()?);
        if length == 0 { Ok(Vec::new()) } else { text(bytes, offset_of(&segments, address)?, length, limit) }
    };
    Ok((string(go, VERSION_LIMIT)?, string(modules, MODULES_LIMIT)?))
}

fn text<F: Read + Seek>(bytes: &mut Bytes<F>, offset: u64, length: u64, limit: u64) -> Result<Vec<u8>, ElfFault> {
    if length > limit {
        return Err(ElfFault::Damaged("a text in it is too long"));
    }
    let text = bytes.at(offset, length as usize)?;
    if (text.len() as u64) < length { Err(ElfFault::Short(offset)) } else { Ok(text) }
}
