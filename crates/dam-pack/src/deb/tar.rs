//! The inner archives of a `.deb`: ustar headers, with GNU's entries for long names.
//!
//! dpkg stops at pax headers, of any version, so none are written:
//! <https://manpages.debian.org/bookworm/dpkg-dev/deb.5.en.html>. ustar's own way for long names, the `prefix`, cannot
//! split every path; GNU's can take any, so it is the only one used here. The header:
//! <https://www.gnu.org/software/tar/manual/html_node/Standard.html>.

use std::io::{self, Write};

/// Length of a block: of a header, and what contents are filled up to.
pub(crate) const BLOCK: usize = 512;

/// The largest entry, in bytes, that eleven octal digits can say.
pub(crate) const LARGEST: u64 = 0o777_7777_7777;

/// What a header is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    File { size: u64 },
    Folder,
    Link { target: &'a str },
}

/// Writes the header of an entry of root's, after entries for a long name or target. The content of a file follows,
/// and then [`padding`]. A folder's name ends with a slash.
pub(crate) fn write_header(output: &mut dyn Write, name: &str, kind: Kind<'_>, mode: u16, time: u32) -> io::Result<()> {
    if let Kind::Link { target } = kind {
        write_long(output, b'K', target)?;
    }
    write_long(output, b'L', name)?;
    let (letter, size, target) = match kind {
        Kind::File { size } => (b'0', size, ""),
        Kind::Folder => (b'5', 0, ""),
        Kind::Link { target } => (b'2', 0, target),
    };
    output.write_all(&block(name, letter, size, target, mode, time))
}

/// Returns how many zero bytes follow a content.
pub(crate) fn padding(size: u64) -> usize {
    (BLOCK - (size % BLOCK as u64) as usize) % BLOCK
}

/// Writes the end of an archive: two empty blocks.
pub(crate) fn write_end(output: &mut dyn Write) -> io::Result<()> {
    output.write_all(&[0; 2 * BLOCK])
}

const NAME: usize = 100;

fn write_long(output: &mut dyn Write, letter: u8, text: &str) -> io::Result<()> {
    if text.len() <= NAME {
        return Ok(());
    }
    let size = text.len() as u64 + 1;
    output.write_all(&block("././@LongLink", letter, size, "", 0, 0))?;
    output.write_all(text.as_bytes())?;
    output.write_all(&vec![0; 1 + padding(size)])
}

fn block(name: &str, letter: u8, size: u64, target: &str, mode: u16, time: u32) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    put(&mut block, 0, &name.as_bytes()[..name.len().min(NAME)]);
    put(&mut block, 100, format!("{mode:07o}").as_bytes());
    put(&mut block, 108, b"0000000");
    put(&mut block, 116, b"0000000");
    put(&mut block, 124, format!("{size:011o}").as_bytes());
    put(&mut block, 136, format!("{time:011o}").as_bytes());
    block[156] = letter;
    put(&mut block, 157, &target.as_bytes()[..target.len().min(NAME)]);
    put(&mut block, 257, b"ustar\x0000");
    put(&mut block, 265, b"root");
    put(&mut block, 297, b"root");
    let sum = checksum(&block);
    put(&mut block, 148, format!("{sum:06o}\0 ").as_bytes());
    block
}

fn put(block: &mut [u8; BLOCK], at: usize, bytes: &[u8]) {
    block[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Sums the bytes of a header, its own sum taken as spaces.
pub(crate) fn checksum(block: &[u8; BLOCK]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..])
}

#[cfg(test)]
mod tests {
    use super::{Kind, padding, write_header};

    #[test]
    fn a_header_is_ustar() {
        let mut bytes = Vec::new();
        write_header(&mut bytes, "./usr/bin/dam", Kind::File { size: 5 }, 0o755, 1_700_000_000).expect("written");
        assert_eq!(bytes.len(), 512);
        assert_eq!(&bytes[..14], b"./usr/bin/dam\0");
        assert_eq!(&bytes[100..124], b"0000755\x000000000\x000000000\0");
        assert_eq!(&bytes[124..148], b"00000000005\x0014524770400\0");
        assert_eq!(&bytes[148..157], b"012017\0 0");
        assert_eq!(&bytes[257..270], b"ustar\x0000root\0");
    }

    #[test]
    fn long_names_stand_before_their_entry() {
        let long = format!("./{}", "a".repeat(120));
        let mut bytes = Vec::new();
        write_header(&mut bytes, &long, Kind::Link { target: &long }, 0o777, 0).expect("written");
        let kinds: Vec<u8> = bytes.chunks(512).map(|block| block[156]).collect();
        assert_eq!(kinds, [b'K', 0, b'L', 0, b'2']);
        assert_eq!(&bytes[512..512 + long.len()], long.as_bytes());
        let mut bytes = Vec::new();
        write_header(&mut bytes, &long[..100], Kind::Folder, 0o755, 0).expect("written");
        assert_eq!(bytes.len(), 512);
    }

    #[test]
    fn contents_are_filled_up_to_blocks() {
        assert_eq!([0, 1, 511, 512, 513].map(padding), [0, 511, 1, 0, 511]);
    }
}
