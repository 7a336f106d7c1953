//! Reading of the payload's archive: <https://man.freebsd.org/cgi/man.cgi?query=cpio&sektion=5>.

use std::io::{self, Read};

use crate::rpm::cpio::TRAILER;

/// Longest name of a member, in bytes.
const MOST_NAME: u64 = 4096;

/// A member of an archive that is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// With a name and numbers of its own.
    Named { name: Vec<u8>, inode: u64, links: u64, size: u64 },
    /// Of a package with files of more than 4 GiB: the number of the file in the header, which knows the rest.
    Numbered(u64),
    /// The end.
    Trailer,
}

/// Why a member could not be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// The bytes below do not come.
    Read(io::Error),
    /// It is no member.
    Damaged(&'static str),
}

/// Reads what stands before the content of a member.
pub(super) fn member(input: &mut dyn Read) -> Result<Found, Fault> {
    let magic: [u8; 6] = take(input)?;
    match &magic {
        b"070701" | b"070702" => named(input),
        b"07070X" => {
            let index = hex(&take::<8>(input)?)?;
            take::<2>(input)?;
            Ok(Found::Numbered(index))
        }
        _ => Err(Fault::Damaged("a member does not begin as one of cpio")),
    }
}

fn named(input: &mut dyn Read) -> Result<Found, Fault> {
    let numbers: [u8; 104] = take(input)?;
    let number = |at: usize| hex(&numbers[at * 8..at * 8 + 8]);
    let length = number(11)?;
    if !(1..=MOST_NAME).contains(&length) {
        return Err(Fault::Damaged("the name of a member is too long"));
    }
    // The head of a member has 110 bytes, and its name begins two bytes before a multiple of 4.
    let padded = (length + 2).next_multiple_of(4) - 2;
    let mut name = Vec::new();
    input.take(padded).read_to_end(&mut name).map_err(Fault::Read)?;
    if name.len() as u64 != padded || name[length as usize - 1] != 0 {
        return Err(Fault::Damaged("the name of a member has no end"));
    }
    name.truncate(length as usize - 1);
    if name == TRAILER.as_bytes() {
        return Ok(Found::Trailer);
    }
    Ok(Found::Named { name, inode: number(0)?, links: number(4)?, size: number(6)? })
}

fn take<const COUNT: usize>(input: &mut dyn Read) -> Result<[u8; COUNT], Fault> {
    let mut bytes = [0; COUNT];
    input.read_exact(&mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::Damaged("it ends early"),
        _ => Fault::Read(error),
    })?;
    Ok(bytes)
}

fn hex(digits: &[u8]) -> Result<u64, Fault> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.ok_or(Fault::Damaged("a number of a member is none"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::{Found, member};
    use crate::rpm::cpio::{Member, finish};

    proptest! {
        #[test]
        fn members_are_read_as_written(name in "[!-~]{1,40}", inode: u32, size: u32) {
            let mut bytes = Vec::new();
            let written = Member { name: name.clone(), inode, mode: 0o100_644, time: 1, size };
            written.write(&mut bytes).expect("a vector takes all");
            finish(&mut bytes).expect("a vector takes all");
            let mut input = bytes.as_slice();
            let expected = Found::Named { name: name.into_bytes(), inode: inode.into(), links: 1, size: size.into() };
            prop_assert!(member(&mut input).is_ok_and(|found| found == expected));
            prop_assert!(member(&mut input).is_ok_and(|found| found == Found::Trailer));
            prop_assert!(input.is_empty());
        }

        #[test]
        fn whatever_comes_is_no_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), digits in "[0-9a-f]{104}") {
            let _ = member(&mut bytes.as_slice());
            bytes.splice(0..0, format!("070701{digits}").into_bytes());
            let _ = member(&mut bytes.as_slice());
        }
    }
}
