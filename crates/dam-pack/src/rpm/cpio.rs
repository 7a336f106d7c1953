//! The payload's archive: cpio in the `newc` form.
//!
//! | offset | what, each 8 hexadecimal digits but for the magic |
//! |---|---|
//! | 0 | `070701` |
//! | 6 | inode, mode, user, group, links, time, length |
//! | 62 | device (two numbers), device that a node stands for (two), length of the name with its NUL, zero |
//! | 110 | the name and a NUL, padded to 4; the content, padded to 4 |
//!
//! The last member is `TRAILER!!!`. Source: <https://man.freebsd.org/cgi/man.cgi?query=cpio&sektion=5>.

use std::io::{self, Write};

/// The name of the member that ends the archive.
pub(super) const TRAILER: &str = "TRAILER!!!";
/// What a member begins with.
const MAGIC: &[u8] = b"070701";

/// A member of the archive, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// `./` and the path.
    pub(super) name: String,
    /// Another for each member: rpm takes those with one inode for one file, and the content from the last.
    pub(super) inode: u32,
    /// Type and permission bits.
    pub(super) mode: u32,
    /// Seconds since 1970, UTC.
    pub(super) time: u32,
    /// Length of the content in bytes.
    pub(super) size: u32,
}

impl Member {
    /// Writes the numbers and the name; the content and [`pad`] follow.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let name = self.name.len() as u32 + 1;
        let (links, device, zero) = (1, 0, 0);
        let numbers = [self.inode, self.mode, 0, 0, links, self.time, self.size, device, zero, 0, 0, name, zero];
        let mut member = MAGIC.to_vec();
        for number in numbers {
            member.extend(format!("{number:08x}").as_bytes());
        }
        member.extend(self.name.as_bytes());
        member.push(0);
        member.resize(member.len().next_multiple_of(4), 0);
        out.write_all(&member)
    }
}

/// Writes what fills a content of this many bytes up to a multiple of 4.
pub(super) fn pad(size: u32, out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[0; 3][..(size.wrapping_neg() % 4) as usize])
}

/// Writes the member that ends the archive.
pub(super) fn finish(out: &mut impl Write) -> io::Result<()> {
    Member { name: TRAILER.to_owned(), inode: 0, mode: 0, time: 0, size: 0 }.write(out)
}

#[cfg(test)]
mod tests {
    use super::{Member, finish, pad};

    #[test]
    fn members_are_padded_to_four() {
        let mut bytes = Vec::new();
        let member = Member { name: "./a".to_owned(), inode: 1, mode: 0o100_755, time: 0x100, size: 5 };
        member.write(&mut bytes).expect("a vector takes all");
        bytes.extend(b"hello");
        pad(5, &mut bytes).expect("a vector takes all");
        finish(&mut bytes).expect("a vector takes all");
        let zero = "00000000";
        let first =
            format!("07070100000001000081ed{zero}{zero}000000010000010000000005{zero}{zero}{zero}{zero}00000004{zero}");
        assert_eq!(bytes[..110], *first.as_bytes());
        assert_eq!(bytes[110..124], *b"./a\0\0\0hello\0\0\0");
        let last = format!("070701{zero}{zero}{zero}{zero}00000001{zero}{zero}{zero}{zero}{zero}{zero}0000000b{zero}");
        assert_eq!(bytes[124..234], *last.as_bytes());
        assert_eq!(bytes[234..], *b"TRAILER!!!\0\0\0\0");
    }
}
