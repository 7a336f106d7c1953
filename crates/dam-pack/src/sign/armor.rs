//! ASCII armour: <https://www.rfc-editor.org/rfc/rfc4880#section-6.2>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Takes the armour off, if there is one. None if it is broken.
pub(super) fn dearmor(bytes: &[u8]) -> Option<Vec<u8>> {
    let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| text.contains("-----BEGIN PGP ")) else {
        return Some(bytes.to_owned());
    };
    let lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with("-----BEGIN PGP ")).skip(1);
    // Headers such as `Version:` end with an empty line; the checksum begins with `=`.
    let body = lines.skip_while(|line| !line.is_empty()).skip(1);
    let body: String = body.take_while(|line| !line.starts_with(['=', '-'])).collect();
    STANDARD.decode(body).ok()
}

/// Puts armour on: `what` is `SIGNATURE` or `PUBLIC KEY BLOCK`.
pub(super) fn armor(what: &str, bytes: &[u8]) -> String {
    let mut text = format!("-----BEGIN PGP {what}-----\n\n");
    for line in STANDARD.encode(bytes).as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    let checksum = STANDARD.encode(&crc24(bytes).to_be_bytes()[1..]);
    text + &format!("={checksum}\n-----END PGP {what}-----\n")
}

/// <https://www.rfc-editor.org/rfc/rfc4880#section-6.1>
fn crc24(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x00b7_04ce, |crc, byte| {
        (0..8).fold(crc ^ (u32::from(*byte) << 16), |crc, _| {
            let shifted = crc << 1;
            if shifted & 0x0100_0000 == 0 { shifted } else { (shifted ^ 0x0186_4cfb) & 0x00ff_ffff }
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{armor, crc24, dearmor};

    #[test]
    fn the_checksum_is_the_known_one() {
        assert_eq!(crc24(b"123456789"), 0x0021_cf02);
    }

    #[test]
    fn broken_armour_is_told() {
        assert_eq!(dearmor(b"-----BEGIN PGP SIGNATURE-----\n\n!!\n-----END PGP SIGNATURE-----\n"), None);
    }

    proptest! {
        #[test]
        fn armour_comes_off_again(bytes: Vec<u8>) {
            prop_assert_eq!(dearmor(armor("SIGNATURE", &bytes).as_bytes()), Some(bytes));
        }

        #[test]
        fn whatever_comes_is_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            dearmor(&[b"-----BEGIN PGP X", bytes.as_slice()].concat());
        }
    }
}
