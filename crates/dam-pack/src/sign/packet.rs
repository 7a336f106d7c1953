//! Packets, and the numbers in them: <https://www.rfc-editor.org/rfc/rfc4880#section-4>.

/// Number of the packet that is a signature.
pub(super) const SIGNATURE: u8 = 2;
/// Number of the packet that is a secret key.
pub(super) const SECRET_KEY: u8 = 5;
/// Number of the packet that is a public key.
pub(super) const PUBLIC_KEY: u8 = 6;
/// Number of the packet that is the secret half of a further key.
pub(super) const SECRET_SUBKEY: u8 = 7;
/// Number of the packet that is the name of a key's owner.
pub(super) const USER: u8 = 13;

/// Number of the packet that is a further public key.
pub(super) const PUBLIC_SUBKEY: u8 = 14;

/// RSA, by OpenPGP's number.
pub(super) const RSA: u8 = 1;

/// Reads bytes from the front; every read may find too few.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }

    pub(super) fn number(&mut self, width: usize) -> Option<usize> {
        Some(self.take(width)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    /// Reads a large number: its length in bits, and its bytes.
    pub(super) fn large(&mut self) -> Option<&'a [u8]> {
        let bits = self.number(2)?;
        self.take(bits.div_ceil(8))
    }

    /// Reads a packet: its number and content.
    pub(super) fn packet(&mut self) -> Option<(u8, &'a [u8])> {
        let first = self.byte()?;
        let (number, length) = match first & 0xc0 {
            0xc0 => (first & 0x3f, self.new_length()?),
            0x80 => ((first >> 2) & 0x0f, self.old_length(first & 3)?),
            _ => return None,
        };
        Some((number, self.take(length)?))
    }

    /// The lengths of packets' second form, and of subpackets. Content in pieces is for data of unknown length, and
    /// neither keys nor signatures are such.
    fn new_length(&mut self) -> Option<usize> {
        match self.number(1)? {
            short @ 0..192 => Some(short),
            two @ 192..224 => Some(((two - 192) << 8) + self.number(1)? + 192),
            255 => self.number(4),
            _ => None,
        }
    }

    fn old_length(&mut self, kind: u8) -> Option<usize> {
        match kind {
            0 => self.number(1),
            1 => self.number(2),
            2 => self.number(4),
            _ => Some(self.0.len()),
        }
    }

    /// Reads a subpacket: its number without the mark of being critical, and its content.
    pub(super) fn subpacket(&mut self) -> Option<(u8, &'a [u8])> {
        let length = match self.0.first()? {
            // Here two bytes reach further than in a packet.
            first @ 192..=254 => {
                self.byte()?;
                ((usize::from(*first) - 192) << 8) + self.number(1)? + 192
            }
            _ => self.new_length()?,
        };
        let (kind, content) = self.take(length)?.split_first()?;
        Some((kind & 0x7f, content))
    }
}

/// Writes a packet in the first form, which everything reads.
pub(super) fn packet(number: u8, content: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80 | number << 2 | 1];
    packet.extend((content.len() as u16).to_be_bytes());
    packet.extend(content);
    packet
}

/// Writes a subpacket of less than 192 bytes.
pub(super) fn subpacket(number: u8, content: &[u8]) -> Vec<u8> {
    let mut packet = vec![content.len() as u8 + 1, number];
    packet.extend(content);
    packet
}

/// Writes a large number.
pub(super) fn large(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[zeros..];
    let bits = bytes.first().map_or(0, |first| bytes.len() * 8 - first.leading_zeros() as usize);
    let mut large = (bits as u16).to_be_bytes().to_vec();
    large.extend(bytes);
    large
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{Bytes, large, packet, subpacket};

    #[test]
    fn large_numbers_have_no_zeros_in_front() {
        assert_eq!(large(&[0, 1, 0xff]), [0, 9, 1, 0xff]);
        assert_eq!(large(&[0]), [0, 0]);
    }

    proptest! {
        #[test]
        fn packets_are_read_as_written(number in 1_u8..16, content in proptest::collection::vec(any::<u8>(), 0..190)) {
            let bytes = [packet(number, &content), subpacket(number, &content), large(&content)].concat();
            let mut bytes = Bytes(&bytes);
            prop_assert_eq!(bytes.packet(), Some((number, content.as_slice())));
            prop_assert_eq!(bytes.subpacket(), Some((number, content.as_slice())));
            let zeros = content.iter().take_while(|byte| **byte == 0).count();
            prop_assert_eq!(bytes.large(), Some(&content[zeros..]));
        }

        #[test]
        fn whatever_comes_is_no_panic(content in proptest::collection::vec(any::<u8>(), 0..64)) {
            Bytes(&content).packet();
            Bytes(&content).subpacket();
            Bytes(&content).large();
        }
    }
}
