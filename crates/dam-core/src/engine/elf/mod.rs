//! Programs, as far as it matters where they run: the processor, and what they want from the system.
//!
//! Format: <https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html>; versions of symbols:
//! <https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html>. Only what the
//! kernel and the dynamic linker use is read: sections may have been stripped. Nothing is believed: each read is bounded,
//! wherever the file says that something is.

mod build_info;
mod bytes;
mod dynamic;
mod glibc;

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use dam_pack::{Architecture, Format};

use self::bytes::{Bytes, Width};

pub use build_info::{BuildInfo, Module};
pub use dynamic::{Dynamic, Library};
pub use glibc::{GLIBC, Glibc, Target};

/// What a program is built for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elf {
    /// The processor.
    pub machine: Machine,
    /// What it wants from the system.
    pub linkage: Linkage,
}

/// A processor, as an ELF header names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// `e_machine`: <https://www.sco.com/developers/gabi/latest/ch4.eheader.html>.
    pub number: u16,
    /// 32 or 64.
    pub bits: u8,
    /// Whether the lowest byte of a number comes first.
    pub is_little: bool,
}

/// What a program wants from the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linkage {
    /// A kernel: it runs everywhere.
    Static,
    /// Libraries, and a linker that finds them.
    Dynamic(Dynamic),
}

/// The most program headers that are read. Real programs have about ten.
const SEGMENT_LIMIT: u16 = 256;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;

/// The ELF header.
struct Head {
    width: Width,
    /// `e_type`.
    kind: u16,
    /// `e_machine`.
    number: u16,
    /// What is behind that.
    rest: bytes::Fields,
}

impl Head {
    fn read<F: Read + Seek>(bytes: &mut Bytes<F>) -> Result<Self, ElfFault> {
        let head = bytes.at(0, 20)?;
        if head.get(..4) != Some(b"\x7fELF".as_slice()) {
            return Err(ElfFault::Foreign);
        }
        let width = match head.get(4..6) {
            Some([1, order @ (1 | 2)]) => Width { is_64: false, is_little: *order == 1 },
            Some([2, order @ (1 | 2)]) => Width { is_64: true, is_little: *order == 1 },
            _ => return Err(ElfFault::Damaged("its class and byte order are unknown")),
        };
        let mut rest = bytes.fields(width, 0, if width.is_64 { 64 } else { 52 })?;
        rest.skip(16);
        Ok(Self { width, kind: rest.half()?, number: rest.half()?, rest })
    }
}

/// A program header.
struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

impl Elf {
    /// Reads the headers of a program, and its list of libraries if it has one.
    ///
    /// # Errors
    /// All of [`ElfFault`] but those of [`Elf::check`].
    pub fn read(file: impl Read + Seek) -> Result<Self, ElfFault> {
        let mut bytes = Bytes::new(file);
        let Head { width, kind, number, mut rest } = Head::read(&mut bytes)?;
        // 2: a program; 3: one that runs at any address, or a library.
        if !matches!(kind, 2 | 3) {
            return Err(ElfFault::Damaged("it is an object or a core file, not a program"));
        }
        let machine = Machine { number, bits: if width.is_64 { 64 } else { 32 }, is_little: width.is_little };
        let segments = segments(&mut bytes, width, &mut rest)?;
        let linkage = match Dynamic::read(&mut bytes, width, &segments)? {
            Some(dynamic) => Linkage::Dynamic(dynamic),
            None => Linkage::Static,
        };
        Ok(Self { machine, linkage })
    }

    /// Reads a program by its path.
    ///
    /// # Errors
    /// As [`Elf::read`].
    pub fn open(path: &Path) -> Result<Self, ElfFault> {
        Self::read(File::open(path).map_err(ElfFault::Read)?)
    }

    /// Checks that the program runs on that processor, of any target if `needs` says so.
    ///
    /// # Errors
    /// [`ElfFault::Architecture`] and [`ElfFault::Dynamic`].
    pub fn check(&self, wanted: Architecture, needs: Needs) -> Result<(), ElfFault> {
        if self.machine.architecture() != Some(wanted) {
            return Err(ElfFault::Architecture { found: self.machine, wanted });
        }
        match &self.linkage {
            Linkage::Dynamic(dynamic) if needs == Needs::Nothing => Err(ElfFault::Dynamic(dynamic.clone())),
            _ => Ok(()),
        }
    }
}

/// What a program may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A kernel alone.
    Nothing,
    /// Libraries too, as a recipe allows for a file it names.
    Libraries,
}

/// Reads the program headers; `head` is the ELF header behind `e_machine`.
fn segments<F: Read + Seek>(
    bytes: &mut Bytes<F>,
    width: Width,
    head: &mut bytes::Fields,
) -> Result<Vec<Segment>, ElfFault> {
    head.skip(4);
    head.word()?;
    let start = head.word()?;
    head.word()?;
    head.skip(6);
    let (size, count) = (head.half()?, head.half()?);
    let expected: u16 = if width.is_64 { 56 } else { 32 };
    if count == 0 || count > SEGMENT_LIMIT || size != expected {
        return Err(ElfFault::Damaged("its program headers have a size or number that cannot be"));
    }
    let mut table = bytes.fields(width, start, usize::from(size) * usize::from(count))?;
    (0..count).map(|_| segment(width, &mut table)).collect()
}

/// Returns where in the file the bytes of an address are.
fn offset_of(segments: &[Segment], address: u64) -> Result<u64, ElfFault> {
    let holds = |segment: &&Segment| {
        segment.kind == PT_LOAD && address.checked_sub(segment.address).is_some_and(|inside| inside < segment.size)
    };
    let segment = segments.iter().find(holds);
    let segment = segment.ok_or(ElfFault::Damaged("it names an address that is not in the file"))?;
    Ok(segment.offset.saturating_add(address - segment.address))
}

fn segment(width: Width, table: &mut bytes::Fields) -> Result<Segment, ElfFault> {
    let kind = table.long()?;
    if width.is_64 {
        table.skip(4);
    }
    let (offset, address) = (table.word()?, table.word()?);
    table.word()?;
    let size = table.word()?;
    table.word()?;
    // The alignment, and in the 32-bit form the flags before it.
    table.word()?;
    if !width.is_64 {
        table.skip(4);
    }
    Ok(Segment { kind, offset, address, size })
}

impl Machine {
    /// Returns the processor of a package that can hold such a program.
    pub fn architecture(self) -> Option<Architecture> {
        match (self.number, self.bits, self.is_little) {
            (62, 64, true) => Some(Architecture::X86_64),
            (183, 64, true) => Some(Architecture::Aarch64),
            (40, 32, true) => Some(Architecture::Armv7),
            (21, 64, true) => Some(Architecture::Ppc64le),
            (22, 64, false) => Some(Architecture::S390x),
            (243, 64, true) => Some(Architecture::Riscv64),
            _ => None,
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(architecture) = self.architecture() {
            return f.write_str(architecture.name(Format::Deb));
        }
        let order = if self.is_little { "little" } else { "big" };
        match (self.number, self.bits) {
            (3, 32) => f.write_str("i386"),
            (number, bits) => write!(f, "machine {number} ({bits} bits, {order} endian)"),
        }
    }
}

/// Why a program cannot go into a package. Each reads on after its name: "`dockerd` is no program of Linux".
#[derive(Debug, thiserror::Error)]
pub enum ElfFault {
    /// It cannot be read.
    #[error("cannot be read")]
    Read(#[source] io::Error),
    /// A script, an archive, a page of an HTTP server.
    #[error("is no program of Linux (ELF)")]
    Foreign,
    /// It ends too early.
    #[error("is damaged: it has nothing at byte {0}, where a part of it should be")]
    Short(u64),
    /// Another damage; one clause.
    #[error("is damaged: {0}")]
    Damaged(&'static str),
    /// It is for another processor.
    #[error("is for {found}, not for {}", .wanted.name(Format::Deb))]
    Architecture {
        /// The processor it is for.
        found: Machine,
        /// The processor of the package.
        wanted: Architecture,
    },
    /// It wants libraries.
    #[error("is not static: it wants {0}")]
    Dynamic(Dynamic),
}
