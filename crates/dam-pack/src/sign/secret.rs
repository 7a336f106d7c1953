//! The secret half of an RSA key.

use crate::sign::cipher::Lock;
use crate::sign::error::SignError;
use crate::sign::packet::Bytes;
use crate::sign::remainder::remainder;

/// What stands after the public half in a secret key's packet, ready to sign.
pub(super) fn read(
    modulus: &[u8],
    exponent: &[u8],
    bytes: Bytes<'_>,
    passphrase: Option<&[u8]>,
) -> Result<ring::rsa::KeyPair, SignError> {
    let numbers = unlock(bytes, passphrase)?;
    let mut numbers = Bytes(&numbers);
    let mut number = || numbers.large().ok_or_else(|| SignError::Key("it is cut short".to_owned()));
    let (private, smaller, larger, inverse) = (number()?, number()?, number()?, number()?);
    if private.is_empty() || smaller.len() < 2 || larger.len() < 2 {
        return Err(SignError::Key("its numbers are none of RSA".to_owned()));
    }
    let components = ring::rsa::KeyPairComponents {
        public_key: ring::rsa::PublicKeyComponents { n: modulus, e: exponent },
        d: private,
        // OpenPGP stores the inverse of the first prime by the second, and all others that of the second by the first.
        p: larger,
        q: smaller,
        dP: &remainder(private, &less_one(larger)),
        dQ: &remainder(private, &less_one(smaller)),
        qInv: inverse,
    };
    ring::rsa::KeyPair::from_components(&components)
        .map_err(|fault| SignError::Key(format!("RSA of 2048 to 4096 bits is needed, of sound numbers ({fault})")))
}

/// A prime is odd.
fn less_one(prime: &[u8]) -> Vec<u8> {
    let mut less = prime.to_owned();
    if let Some(last) = less.last_mut() {
        *last &= 0xfe;
    }
    less
}

fn unlock(mut bytes: Bytes<'_>, passphrase: Option<&[u8]>) -> Result<Vec<u8>, SignError> {
    let short = || SignError::Key("it is cut short".to_owned());
    match bytes.byte().ok_or_else(short)? {
        0 => Ok(bytes.0.to_owned()),
        check @ (254 | 255) => {
            let lock = Lock::read(&mut bytes).ok_or_else(short)??;
            let open = lock.open(passphrase.ok_or(SignError::Locked)?, bytes.0)?;
            let length = if check == 254 { 20 } else { 2 };
            let (numbers, found) = open.split_at(open.len().checked_sub(length).ok_or_else(short)?);
            let sum = if check == 254 { sha1(numbers) } else { total(numbers) };
            if sum == found { Ok(numbers.to_owned()) } else { Err(SignError::Passphrase) }
        }
        _ => Err(SignError::Key("it is locked in a way that is not known, not by a passphrase and AES".to_owned())),
    }
}

fn sha1(numbers: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, numbers).as_ref().to_owned()
}

/// The sum of all bytes, which is what older keys have.
fn total(numbers: &[u8]) -> Vec<u8> {
    numbers.iter().fold(0_u16, |sum, byte| sum.wrapping_add((*byte).into())).to_be_bytes().to_vec()
}
