//! Tiny programs, byte by byte, and archives of an engine made of them: no compiler is needed.

use std::io::Write;

use dam_pack::Architecture;
use flate2::write::GzEncoder;

/// Where the program is in memory.
const BASE: u64 = 0x40_0000;

/// The programs of an archive that upstream publishes today.
pub const ENGINE: [&str; 8] =
    ["containerd", "containerd-shim-runc-v2", "ctr", "docker", "docker-init", "docker-proxy", "dockerd", "runc"];

/// Returns a static program that succeeds (on x86-64; on others it is only right to look at), and carries `note`.
pub fn static_program(architecture: Architecture, note: &str) -> Vec<u8> {
    let mut program = Program::new(architecture, 1);
    let code = program.at(program.bytes.len() as u64);
    // exit(0): mov eax, 60; xor edi, edi; syscall
    program.bytes.extend(b"\xb8\x3c\x00\x00\x00\x31\xff\x0f\x05\0");
    program.bytes.extend(note.as_bytes());
    program.bytes.push(0);
    let size = program.bytes.len() as u64;
    program.segments.push((1, 0, size));
    program.finish(code)
}

/// Returns a static program of Go that says how it was built: in the form of Go 1.18, or in that of older ones, with
/// addresses. `modules` is as `go version -m` prints it, without the first tab of each line.
pub fn go_program(architecture: Architecture, go: &str, modules: &str, has_addresses: bool) -> Vec<u8> {
    let mut program = Program::new(architecture, 1);
    // What stands around the modules; Go itself looks at nothing but its length and the last line's end.
    let framed =
        [&b"0w\xaf\x0c\x92t\x08\x02A\xe1\xc1\x07\xe6\xd6\x18\xe6"[..], modules.as_bytes(), &[0xf9; 16]].concat();
    let pointer = if program.is_64 { 8 } else { 4 };
    program.align();
    // The magic alone, as a program has it that reads others.
    program.bytes.extend(b"\xff Go buildinf:no such thing\0");
    program.align();
    let begin = program.bytes.len() as u64;
    program.bytes.extend(b"\xff Go buildinf:");
    program.bytes.extend([pointer, if has_addresses { u8::from(!program.is_little) } else { 2 }]);
    if has_addresses {
        let strings = begin + 32;
        let texts = strings + 4 * u64::from(pointer);
        program.word(program.at(strings));
        program.word(program.at(strings + 2 * u64::from(pointer)));
        program.bytes.resize(strings as usize, 0);
        program.word(program.at(texts));
        program.word(go.len() as u64);
        program.word(program.at(texts + go.len() as u64));
        program.word(framed.len() as u64);
        program.bytes.extend(go.as_bytes());
        program.bytes.extend(&framed);
    } else {
        program.bytes.extend([0; 16]);
        for text in [go.as_bytes(), &framed] {
            program.varint(text.len());
            program.bytes.extend(text);
        }
    }
    let size = program.bytes.len() as u64;
    program.segments.push((1, 0, size));
    program.finish(BASE)
}

/// Returns a static program for x86-64 that says something on stderr and fails.
pub fn failing_program(says: &str) -> Vec<u8> {
    let mut program = Program::new(Architecture::X86_64, 1);
    let code = program.at(program.bytes.len() as u64);
    // write(2, text, length): mov eax, 1; mov edi, 2; mov esi, text; mov edx, length; syscall
    let text = code as u32 + 34;
    program.bytes.extend(b"\xb8\x01\x00\x00\x00\xbf\x02\x00\x00\x00\xbe");
    program.bytes.extend(text.to_le_bytes());
    program.bytes.push(0xba);
    program.bytes.extend((says.len() as u32).to_le_bytes());
    program.bytes.extend(b"\x0f\x05");
    // exit(1): mov eax, 60; mov edi, 1; syscall
    program.bytes.extend(b"\xb8\x3c\x00\x00\x00\xbf\x01\x00\x00\x00\x0f\x05");
    program.bytes.extend(says.as_bytes());
    let size = program.bytes.len() as u64;
    program.segments.push((1, 0, size));
    program.finish(code)
}

/// Returns a program that wants libraries, each with versions of its symbols.
pub fn dynamic_program(architecture: Architecture, libraries: &[(&str, &[&str])]) -> Vec<u8> {
    let mut program = Program::new(architecture, 3);
    let linker = program.bytes.len() as u64;
    program.bytes.extend(b"/lib64/ld-linux-x86-64.so.2\0");
    program.segments.push((3, linker, program.bytes.len() as u64 - linker));
    let mut names = vec![0];
    let mut name = |text: &str| {
        names.extend(text.as_bytes());
        names.push(0);
        names.len() as u32 - text.len() as u32 - 1
    };
    let placed: Vec<(u32, Vec<u32>)> = libraries
        .iter()
        .map(|(library, versions)| (name(library), versions.iter().map(|version| name(version)).collect()))
        .collect();
    let strings = program.bytes.len() as u64;
    program.bytes.extend(names);
    let versions = program.bytes.len() as u64;
    for (index, (library, names)) in placed.iter().enumerate() {
        let next = if index + 1 < placed.len() { 16 + 16 * names.len() as u32 } else { 0 };
        program.half(1);
        program.half(names.len() as u16);
        [*library, 16, next].into_iter().for_each(|number| program.long(number));
        for (index, name) in names.iter().enumerate() {
            program.long(0);
            program.long(0);
            program.long(*name);
            program.long(if index + 1 < names.len() { 16 } else { 0 });
        }
    }
    let table = program.bytes.len() as u64;
    for (library, _) in &placed {
        program.pair(1, u64::from(*library));
    }
    program.pair(5, program.at(strings));
    program.pair(0x6fff_fffe, program.at(versions));
    program.pair(0x6fff_ffff, placed.len() as u64);
    program.pair(0, 0);
    let size = program.bytes.len() as u64;
    program.segments.extend([(2, table, size - table), (1, 0, size)]);
    program.finish(BASE)
}

/// Returns a `.tgz` of these members; a name that ends in `/` is a folder.
pub fn tgz(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        if name.ends_with('/') {
            header.set_entry_type(tar::EntryType::Directory);
        }
        // Set as bytes: the library refuses names that go up, and those are wanted.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, *content).expect("memory does not fail");
    }
    let mut gzip = tar.into_inner().expect("memory does not fail");
    gzip.flush().expect("memory does not fail");
    gzip.finish().expect("memory does not fail")
}

/// Returns what upstream publishes as `docker-VERSION.tgz`, of tiny static programs.
pub fn engine_archive(architecture: Architecture, version: &str) -> Vec<u8> {
    engine_archive_with("", &[], &static_program(architecture, version))
}

/// Returns the same, where one of the programs is another.
pub fn engine_archive_with(other: &str, its: &[u8], program: &[u8]) -> Vec<u8> {
    let names: Vec<String> = ENGINE.iter().map(|name| format!("docker/{name}")).collect();
    let bytes = |name: &&str| if **name == *other { its } else { program };
    let mut members: Vec<(&str, &[u8])> = vec![("docker/", b"")];
    members.extend(names.iter().map(String::as_str).zip(ENGINE.iter().map(bytes)));
    tgz(&members)
}

/// An ELF file that is being written: <https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html>.
struct Program {
    bytes: Vec<u8>,
    machine: u16,
    is_64: bool,
    is_little: bool,
    /// Kind, offset and size.
    segments: Vec<(u32, u64, u64)>,
    /// Program headers there is room for.
    room: usize,
}

impl Program {
    fn new(architecture: Architecture, room: usize) -> Self {
        let (machine, is_64, is_little) = match architecture {
            Architecture::All | Architecture::X86_64 => (62, true, true),
            Architecture::Aarch64 => (183, true, true),
            Architecture::Armv7 => (40, false, true),
            Architecture::Ppc64le => (21, true, true),
            Architecture::S390x => (22, true, false),
            Architecture::Riscv64 => (243, true, true),
        };
        let (head, segment) = if is_64 { (64, 56) } else { (52, 32) };
        Self { bytes: vec![0; head + segment * room], machine, is_64, is_little, segments: Vec::new(), room }
    }

    /// Returns where an offset is in memory.
    fn at(&self, offset: u64) -> u64 {
        BASE + offset
    }

    /// Goes to the next multiple of 16.
    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(16), 0);
    }

    /// Writes a number in pieces of 7 bits, the lowest first.
    fn varint(&mut self, mut number: usize) {
        while number > 0x7f {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn half(&mut self, number: u16) {
        self.bytes.extend(if self.is_little { number.to_le_bytes() } else { number.to_be_bytes() });
    }

    fn long(&mut self, number: u32) {
        self.bytes.extend(if self.is_little { number.to_le_bytes() } else { number.to_be_bytes() });
    }

    fn word(&mut self, number: u64) {
        match (self.is_64, self.is_little) {
            (false, _) => self.long(u32::try_from(number).expect("the program is small")),
            (true, true) => self.bytes.extend(number.to_le_bytes()),
            (true, false) => self.bytes.extend(number.to_be_bytes()),
        }
    }

    fn pair(&mut self, one: u64, other: u64) {
        self.word(one);
        self.word(other);
    }

    /// Writes the headers in front of what is there.
    fn finish(mut self, entry: u64) -> Vec<u8> {
        assert_eq!(self.segments.len(), self.room, "room was left for all");
        let body = std::mem::take(&mut self.bytes);
        let (class, order) = (if self.is_64 { 2 } else { 1 }, if self.is_little { 1 } else { 2 });
        let (head, segment) = if self.is_64 { (64, 56) } else { (52, 32) };
        self.bytes.extend([0x7f, b'E', b'L', b'F', class, order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        self.half(2);
        self.half(self.machine);
        self.long(1);
        [entry, u64::from(head), 0].into_iter().for_each(|word| self.word(word));
        self.long(0);
        [head, segment, self.room as u16, 0, 0, 0].into_iter().for_each(|half| self.half(half));
        for (kind, offset, size) in std::mem::take(&mut self.segments) {
            self.long(kind);
            if self.is_64 {
                self.long(5);
            }
            let address = self.at(offset);
            [offset, address, address, size, size].into_iter().for_each(|word| self.word(word));
            if !self.is_64 {
                self.long(5);
            }
            self.word(0x1000);
        }
        self.bytes.extend(&body[self.bytes.len()..]);
        self.bytes
    }
}
