//! Decompression of what is not trusted.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use crate::Compression;

/// Memory of an xz decoder, in KiB: twice what rpm allows, so that a package that asks for too much can be explained
/// rather than refused.
const XZ_MEMORY: u32 = 200 << 10;

/// Reads plain bytes of any kind of compression that dpkg and rpm use today; none for those that went out of use.
pub(crate) fn unpack<'a>(by: Compression, input: &'a mut dyn Read) -> io::Result<Option<Box<dyn Read + 'a>>> {
    Ok(match by {
        Compression::None => Some(Box::new(input)),
        Compression::Gzip => Some(Box::new(MultiGzDecoder::new(BufReader::new(input)))),
        Compression::Xz => Some(Box::new(XzReader::new_mem_limit(BufReader::new(input), true, XZ_MEMORY))),
        Compression::Zstd => Some(Box::new(zstd::Decoder::new(input)?)),
        Compression::Bzip2 | Compression::Lzma => None,
    })
}

/// What the first block of an xz stream says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XzShape {
    /// Bytes of dictionary.
    pub(crate) dictionary: u64,
    /// Numbers of the filters before LZMA2.
    pub(crate) filters: Vec<u64>,
}

/// How many bytes [`xz_shape`] wants to see: the stream's header and the longest header of a block.
pub(crate) const XZ_START: usize = 12 + 1024;

/// Reads how the first block was made; none if these bytes do not begin an xz stream with a block:
/// <https://tukaani.org/xz/xz-file-format.txt> §3.1.
pub(crate) fn xz_shape(start: &[u8]) -> Option<XzShape> {
    let block = start.strip_prefix(b"\xfd7zXZ\0")?.get(6..)?;
    let length = (usize::from(*block.first()?) + 1) * 4;
    let flags = *block.get(1)?;
    // The last four bytes are a checksum, which the decoder looks at.
    let mut rest = block.get(2..length.checked_sub(4)?)?;
    // Sizes of the block, compressed and plain, if they are there.
    for bit in [0x40, 0x80] {
        if flags & bit != 0 {
            number(&mut rest)?;
        }
    }
    let mut filters = Vec::new();
    for _ in 0..=flags & 3 {
        let id = number(&mut rest)?;
        let size = usize::try_from(number(&mut rest)?).ok()?;
        let (properties, later) = rest.split_at_checked(size)?;
        rest = later;
        if id == LZMA2 {
            return Some(XzShape { dictionary: dictionary(*properties.first()?)?, filters });
        }
        filters.push(id);
    }
    None
}

const LZMA2: u64 = 0x21;

/// §5.3.1: the bits are an exponent and one bit of a mantissa.
fn dictionary(bits: u8) -> Option<u64> {
    match bits {
        0..40 => Some((2 | u64::from(bits & 1)) << (bits / 2 + 11)),
        40 => Some(u64::from(u32::MAX)),
        _ => None,
    }
}

/// §1.2: seven bits a byte, the lowest first.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for at in 0..9 {
        let (byte, later) = rest.split_first()?;
        *rest = later;
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use proptest::prelude::{any, proptest};

    use super::{XzShape, unpack, xz_shape};
    use crate::{Architecture, Compression, Effort, XzEncoder};

    fn packed(architecture: Architecture, size: u64) -> Vec<u8> {
        let mut encoder = XzEncoder::new(Vec::new(), architecture, size, Effort::Small).expect("good options");
        encoder.write_all(b"some bytes").expect("written");
        encoder.finish().expect("ended")
    }

    #[test]
    fn a_stream_says_how_it_was_made() {
        let shape = |architecture, size| xz_shape(&packed(architecture, size)).expect("a stream");
        assert_eq!(shape(Architecture::X86_64, 100 << 20), XzShape { dictionary: 64 << 20, filters: vec![4] });
        assert_eq!(shape(Architecture::Armv7, 1), XzShape { dictionary: 64 << 10, filters: vec![7] });
        assert_eq!(shape(Architecture::Aarch64, 1 << 20), XzShape { dictionary: 1 << 20, filters: vec![] });
        assert_eq!(xz_shape(b""), None);
        assert_eq!(xz_shape(b"\xfd7zXZ\0aaaaaa"), None);
    }

    #[test]
    fn a_dictionary_of_gigabytes_is_not_allocated() {
        let mut bytes = packed(Architecture::All, 1);
        // The dictionary's byte, behind the filter's number and length; the checksum of the header is put right.
        let at = 12 + 4;
        assert_eq!(bytes[at - 2..=at], [0x21, 1, 8]);
        bytes[at] = 40;
        let header = &bytes[12..12 + 8];
        let sum = header.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
        });
        bytes[20..24].copy_from_slice(&(!sum).to_le_bytes());
        let mut input = &bytes[..];
        let mut reader = unpack(Compression::Xz, &mut input).expect("begun").expect("known");
        let error = reader.read_to_end(&mut Vec::new()).expect_err("too much");
        assert_eq!(error.kind(), std::io::ErrorKind::OutOfMemory, "{error}");
    }

    proptest! {
        #[test]
        fn damage_is_an_error_or_nothing(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = packed(Architecture::X86_64, 1);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            xz_shape(&bytes);
            xz_shape(&bytes[..at]);
            let mut input = &bytes[..];
            let mut reader = unpack(Compression::Xz, &mut input).expect("begun").expect("known");
            let _ = reader.read_to_end(&mut Vec::new());
        }
    }
}
