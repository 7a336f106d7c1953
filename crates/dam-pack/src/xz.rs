//! Compression of packages, of both formats.
//!
//! An engine is a handful of Go programs that hold much of the same code: a dictionary that reaches from one to the next
//! makes a package a third smaller than the 8 MiB that `xz -6` and the packagers use. What was tried, with figures, is in
//! `docs/decisions/008-packages-are-small.md`.

use std::io::{self, Write};

use lzma_rust2::filter::FilterType;
use lzma_rust2::{CheckType, XzOptions, XzWriter};

use crate::Architecture;

/// The largest dictionary, in bytes: a decoder needs that and a little more, and rpm's stops at 100 MiB
/// (`lzma_auto_decoder(…, 100<<20)` in
/// <https://github.com/rpm-software-management/rpm/blob/rpm-4.11.3-release/rpmio/rpmio.c>).
pub const DICTIONARY: u32 = 64 << 20;

/// How much time is spent to make a package small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effort {
    /// As much as pays: what is written once and carried often.
    #[default]
    Small,
    /// A twelfth of that, for a package of 1.7 times the size: what is only tried out.
    Quick,
}

/// Writes one xz stream of one block, the same bytes for the same input on every machine:
/// <https://tukaani.org/xz/xz-file-format.txt>.
pub struct XzEncoder<W: Write>(XzWriter<W>);

impl<W: Write> XzEncoder<W> {
    /// Begins a stream of about `size` bytes, which sets the memory it takes: about eleven times the dictionary, which is
    /// no larger than the content.
    pub fn new(output: W, architecture: Architecture, size: u64, effort: Effort) -> io::Result<Self> {
        let mut options = match effort {
            Effort::Small => {
                let mut options = XzOptions::with_preset(PRESET);
                options.lzma_options.dict_size = dictionary(size);
                options.lzma_options.nice_len = NICE_LENGTH;
                options
            }
            Effort::Quick => XzOptions::with_preset(0),
        };
        options.set_check_sum_type(CheckType::Crc64);
        if let Some(filter) = filter(architecture) {
            options.prepend_pre_filter(filter, 0);
        }
        XzWriter::new(output, options).map(Self)
    }

    /// Ends the stream and returns the output.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

impl<W: Write> Write for XzEncoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    /// Does nothing: a flush in the middle would end a chunk early, and the bytes would depend on it.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const PRESET: u32 = 6;

/// A match of so many bytes is taken without a look for a longer one; the preset has 64.
const NICE_LENGTH: u32 = 48;

/// Returns the smallest power of two that holds the content.
fn dictionary(size: u64) -> u32 {
    let size = u32::try_from(size).unwrap_or(u32::MAX);
    size.clamp(64 << 10, DICTIONARY).next_power_of_two()
}

/// Returns the filter that makes calls absolute, if xz 5.0 knows one for the processor: those for 64-bit ARM (5.4) and
/// RISC-V (5.6) are younger than most targets, and the one for POWER is for big-endian code.
fn filter(architecture: Architecture) -> Option<FilterType> {
    match architecture {
        Architecture::X86_64 => Some(FilterType::BcjX86),
        Architecture::Armv7 => Some(FilterType::BcjArm),
        Architecture::All
        | Architecture::Aarch64
        | Architecture::Ppc64le
        | Architecture::S390x
        | Architecture::Riscv64 => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use lzma_rust2::XzReader;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{DICTIONARY, Effort, XzEncoder, dictionary};
    use crate::Architecture;

    /// Compresses in pieces of the lengths given, over and over.
    fn compressed(architecture: Architecture, bytes: &[u8], pieces: &[usize]) -> Vec<u8> {
        let mut encoder =
            XzEncoder::new(Vec::new(), architecture, bytes.len() as u64, Effort::Small).expect("good options");
        let mut rest = bytes;
        for length in pieces.iter().cycle() {
            let (piece, later) = rest.split_at((*length).min(rest.len()));
            encoder.write_all(piece).expect("written");
            encoder.flush().expect("nothing");
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        encoder.finish().expect("ended")
    }

    #[test]
    fn the_dictionary_is_no_larger_than_the_content() {
        assert_eq!(dictionary(0), 64 << 10);
        assert_eq!(dictionary(100_000), 128 << 10);
        assert_eq!(dictionary(DICTIONARY.into()), DICTIONARY);
        assert_eq!(dictionary(u64::MAX), DICTIONARY);
    }

    #[test]
    fn nothing_is_compressed_too() {
        let bytes = compressed(Architecture::All, b"", &[1]);
        let mut back = Vec::new();
        XzReader::new(&bytes[..], false).read_to_end(&mut back).expect("good");
        assert_eq!(back, b"");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            words in proptest::collection::vec(any::<u16>(), 1..4_000),
            architecture in proptest::sample::select(&Architecture::EVERY[..]),
            pieces in proptest::collection::vec(1_usize..5_000, 1..5),
        ) {
            // Calls as compilers write them, among other bytes, so that the filters have something to do.
            let code: Vec<u8> = words.iter().flat_map(|word| [0xe8, *word as u8, (word >> 8) as u8, 0, 0, 0xeb]).collect();
            let bytes = compressed(architecture, &code, &[code.len()]);
            let mut back = Vec::new();
            XzReader::new(&bytes[..], false).read_to_end(&mut back).expect("good");
            prop_assert_eq!(&back, &code);
            prop_assert_eq!(compressed(architecture, &code, &pieces), bytes);
        }
    }

    /// What is only tried out is the same content, read by the same decoders.
    #[test]
    fn a_quick_package_holds_the_same() {
        let bytes: Vec<u8> = (0..400_000u32).map(|number| (number.wrapping_mul(number) / 977) as u8).collect();
        let mut encoder =
            XzEncoder::new(Vec::new(), Architecture::X86_64, bytes.len() as u64, Effort::Quick).expect("good options");
        encoder.write_all(&bytes).expect("written");
        let packed = encoder.finish().expect("ended");
        let mut back = Vec::new();
        XzReader::new(&packed[..], false).read_to_end(&mut back).expect("a stream");
        assert!(back == bytes, "it is as it was");
    }
}
