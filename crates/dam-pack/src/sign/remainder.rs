//! The one piece of arithmetic that OpenPGP's keys lack.

/// Returns what is left of a number that is divided by another, both big endian; the divisor is not zero.
///
/// OpenPGP stores the private exponent, and *ring* wants it reduced for each prime. Bit by bit is enough for twice a key,
/// and a crate for large numbers is not worth it.
pub(super) fn remainder(number: &[u8], divisor: &[u8]) -> Vec<u8> {
    // One byte more, for the bit that a shift pushes out.
    let divisor: Vec<u8> = [&[0], divisor].concat();
    let mut rest = vec![0_u8; divisor.len()];
    for bit in number.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)) {
        rest.iter_mut().rev().fold(bit, |carry, byte| {
            let next = *byte >> 7;
            *byte = *byte << 1 | carry;
            next
        });
        if rest >= divisor {
            rest.iter_mut().zip(&divisor).rev().fold(false, |borrow, (byte, less)| {
                let (once, first) = byte.overflowing_sub(*less);
                let (twice, second) = once.overflowing_sub(u8::from(borrow));
                *byte = twice;
                first || second
            });
        }
    }
    let zeros = rest.iter().take_while(|byte| **byte == 0).count();
    rest.split_off(zeros)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::remainder;

    proptest! {
        #[test]
        fn the_rest_is_that_of_the_processor(number: u128, divisor in 1_u128..) {
            let rest = remainder(&number.to_be_bytes(), &divisor.to_be_bytes());
            let value = rest.iter().fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
            prop_assert_eq!(value, number % divisor);
        }
    }
}
