//! A program that says a line and ends, for every processor, word by word: no compiler is needed.
//!
//! It asks the kernel for `write(1, line, length)` and `exit(0)` and for nothing else. Numbers of system calls and the
//! registers that take them: <https://man7.org/linux/man-pages/man2/syscall.2.html>. What is made here was looked at with
//! objdump and run: by the processor on x86-64, by qemu-user 7.2 for the others.

use dam_pack::Architecture;

/// What it says.
pub const SAYS: &str = "a container ran\n";

/// Where it is in memory.
const BASE: u32 = 0x40_0000;

/// Returns an executable file for Linux on a processor; none for [`Architecture::All`], which is none.
pub fn program(architecture: Architecture) -> Option<Vec<u8>> {
    let target = target(architecture)?;
    let start = target.head_length();
    let code = (target.code)(start);
    let mut file = target.head(code.len() + SAYS.len());
    file.extend(code);
    file.extend(SAYS.as_bytes());
    Some(file)
}

/// How programs of a processor look: <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>.
struct Target {
    /// `e_machine`.
    machine: u16,
    /// `e_flags`: the calling convention, where kernels look at it.
    flags: u32,
    is_64: bool,
    is_little: bool,
    /// Makes the code that stands so many bytes behind the beginning of the file, with the line right behind it.
    code: fn(u32) -> Vec<u8>,
}

fn target(architecture: Architecture) -> Option<Target> {
    let target = |machine, flags, code| Target { machine, flags, is_64: true, is_little: true, code };
    Some(match architecture {
        Architecture::All => return None,
        Architecture::X86_64 => target(62, 0, x86_64),
        Architecture::Aarch64 => target(183, 0, aarch64),
        // EABI version 5, hard float.
        Architecture::Armv7 => Target { is_64: false, ..target(40, 0x0500_0400, armv7) },
        // ELF ABI version 2, in which the entry is code and no descriptor of it.
        Architecture::Ppc64le => target(21, 2, ppc64le),
        Architecture::S390x => Target { is_little: false, ..target(22, 0, s390x) },
        // Double floats in registers.
        Architecture::Riscv64 => target(243, 4, riscv64),
    })
}

const LENGTH: u32 = SAYS.len() as u32;

/// `write` is 1, `exit` is 60; rax, rdi, rsi, rdx.
fn x86_64(start: u32) -> Vec<u8> {
    const CODE: u32 = 31;
    let line = (BASE + start + CODE).to_le_bytes();
    let mut code = Vec::new();
    code.extend([0xb8, 1, 0, 0, 0]); // mov eax, 1
    code.extend([0xbf, 1, 0, 0, 0]); // mov edi, 1
    code.extend([0xbe, line[0], line[1], line[2], line[3]]); // mov esi, line
    code.extend([0xba, LENGTH as u8, 0, 0, 0]); // mov edx, length
    code.extend([0x0f, 0x05]); // syscall
    code.extend([0xb8, 60, 0, 0, 0]); // mov eax, 60
    code.extend([0x31, 0xff]); // xor edi, edi
    code.extend([0x0f, 0x05]); // syscall
    code
}

/// `write` is 64, `exit` is 93; x8, x0, x1, x2.
fn aarch64(_: u32) -> Vec<u8> {
    words(&[
        0xd280_0020,                  // mov x0, #1
        0x1000_0001 | (28 >> 2 << 5), // adr x1, line: 28 bytes on
        0xd280_0002 | (LENGTH << 5),  // mov x2, #length
        0xd280_0808,                  // mov x8, #64
        0xd400_0001,                  // svc #0
        0xd280_0000,                  // mov x0, #0
        0xd280_0ba8,                  // mov x8, #93
        0xd400_0001,                  // svc #0
    ])
}

/// `write` is 4, `exit` is 1; r7, r0, r1, r2.
fn armv7(_: u32) -> Vec<u8> {
    words(&[
        0xe3a0_0001,          // mov r0, #1
        0xe28f_1000 | 20,     // add r1, pc, #20: pc is two instructions ahead, the line 28 bytes on
        0xe3a0_2000 | LENGTH, // mov r2, #length
        0xe3a0_7004,          // mov r7, #4
        0xef00_0000,          // svc 0
        0xe3a0_0000,          // mov r0, #0
        0xe3a0_7001,          // mov r7, #1
        0xef00_0000,          // svc 0
    ])
}

/// `write` is 4, `exit` is 1; r0, r3, r4, r5.
fn ppc64le(start: u32) -> Vec<u8> {
    let line = BASE + start + 36;
    words(&[
        0x3800_0004,                   // li r0, 4
        0x3860_0001,                   // li r3, 1
        0x3c80_0000 | (line >> 16),    // lis r4, line@h
        0x6084_0000 | (line & 0xffff), // ori r4, r4, line@l
        0x38a0_0000 | LENGTH,          // li r5, length
        0x4400_0002,                   // sc
        0x3800_0001,                   // li r0, 1
        0x3860_0000,                   // li r3, 0
        0x4400_0002,                   // sc
    ])
}

/// `write` is 4, `exit` is 1, each part of its instruction; r2, r3, r4. Big-endian.
fn s390x(_: u32) -> Vec<u8> {
    let mut code = Vec::new();
    code.extend([0xa7, 0x29, 0, 1]); // lghi r2, 1
    code.extend([0xc0, 0x30, 0, 0, 0, 10]); // larl r3, line: 20 bytes on, in halves
    code.extend([0xa7, 0x49, 0, LENGTH as u8]); // lghi r4, length
    code.extend([0x0a, 4]); // svc 4
    code.extend([0xa7, 0x29, 0, 0]); // lghi r2, 0
    code.extend([0x0a, 1]); // svc 1
    code.extend([0x07, 0x07]); // nopr, for the line to stand at an even place
    code
}

/// `write` is 64, `exit` is 93; a7, a0, a1, a2.
fn riscv64(_: u32) -> Vec<u8> {
    words(&[
        0x0010_0513,                  // li a0, 1
        0x0000_0597,                  // auipc a1, 0
        0x0005_8593 | (32 << 20),     // addi a1, a1, 32: the line is so far from auipc
        0x0000_0613 | (LENGTH << 20), // li a2, length
        0x0400_0893,                  // li a7, 64
        0x0000_0073,                  // ecall
        0x0000_0513,                  // li a0, 0
        0x05d0_0893,                  // li a7, 93
        0x0000_0073,                  // ecall
    ])
}

/// Writes instructions of 32 bits, low byte first.
fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

impl Target {
    /// Returns how long the headers are: one of the file, one of its one segment.
    fn head_length(&self) -> u32 {
        if self.is_64 { 64 + 56 } else { 52 + 32 }
    }

    /// Writes the headers of a file that goes on with so many bytes, all of which are loaded.
    fn head(&self, rest: usize) -> Vec<u8> {
        let length = self.head_length();
        let size = length + rest as u32;
        let mut head = Head { bytes: Vec::new(), target: self };
        let (class, order) = (if self.is_64 { 2 } else { 1 }, if self.is_little { 1 } else { 2 });
        head.bytes.extend([0x7f, b'E', b'L', b'F', class, order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let (file, segment) = if self.is_64 { (64, 56) } else { (52, 32) };
        head.half(2); // executable
        head.half(self.machine);
        head.long(1);
        head.word(BASE + length); // entry
        head.word(file.into()); // the segment's header follows
        head.word(0);
        head.long(self.flags);
        [file, segment, 1, 0, 0, 0].into_iter().for_each(|half| head.half(half));
        let readable_and_executable = 5;
        head.long(1); // loaded
        if self.is_64 {
            head.long(readable_and_executable);
        }
        [0, BASE, BASE, size, size].into_iter().for_each(|word| head.word(word));
        if !self.is_64 {
            head.long(readable_and_executable);
        }
        head.word(0x1_0000); // aligned for kernels with large pages
        head.bytes
    }
}

struct Head<'a> {
    bytes: Vec<u8>,
    target: &'a Target,
}

impl Head<'_> {
    fn put(&mut self, number: u64, length: usize) {
        match self.target.is_little {
            true => self.bytes.extend(&number.to_le_bytes()[..length]),
            false => self.bytes.extend(&number.to_be_bytes()[8 - length..]),
        }
    }

    fn half(&mut self, number: u16) {
        self.put(number.into(), 2);
    }

    fn long(&mut self, number: u32) {
        self.put(number.into(), 4);
    }

    fn word(&mut self, number: u32) {
        self.put(number.into(), if self.target.is_64 { 8 } else { 4 });
    }
}

#[cfg(test)]
mod tests {
    use dam_pack::Architecture;

    use super::{SAYS, program};
    use crate::engine::Elf;

    #[test]
    fn every_processor_has_a_program_that_is_read_as_its_own() {
        for architecture in Architecture::EVERY {
            let Some(bytes) = program(architecture) else {
                assert_eq!(architecture, Architecture::All);
                continue;
            };
            assert!(bytes.len() < 200, "{architecture:?}: {} bytes", bytes.len());
            assert!(bytes.ends_with(SAYS.as_bytes()));
            let elf = Elf::read(std::io::Cursor::new(bytes)).expect("an ELF file");
            elf.check(architecture, crate::engine::elf::Needs::Nothing).expect("a static program of this processor");
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn this_processor_runs_it() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("program");
        std::fs::write(&path, program(Architecture::X86_64).expect("a program")).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
        let run = || std::process::Command::new(&path).output();
        // Another thread may just have started a process that has the file open for writing.
        let output =
            (0..50).find_map(|_| run().inspect_err(|_| std::thread::sleep(std::time::Duration::from_millis(10))).ok());
        let output = output.expect("it starts");
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).as_ref()), (Some(0), SAYS));
    }
}
