//! Public keys.

use std::fmt;

use crate::sign::packet::{self, Bytes};
use crate::sign::{SignError, armor, key, signature};

/// An OpenPGP public key of RSA: the primary one of a key file, with its owner's names and without further keys.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    file: Vec<u8>,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    fingerprint: [u8; 20],
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("PublicKey").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

impl PublicKey {
    /// Reads a key file, such as `gpg --export` writes, with or without armour.
    ///
    /// # Errors
    ///
    /// No public key, a secret one among them; not RSA; not for signing.
    pub fn read(file: &[u8]) -> Result<Self, SignError> {
        let fault = |what: &str| SignError::Key(what.to_owned());
        let file = armor::dearmor(file).ok_or_else(|| fault("the armour is broken"))?;
        let mut packets = Bytes(&file);
        let body = match packets.packet() {
            Some((packet::PUBLIC_KEY, body)) => body,
            Some((packet::SECRET_KEY, _)) => return Err(fault("it is a secret key, which nobody else should see")),
            _ => return Err(fault("the file does not begin with an OpenPGP public key")),
        };
        let (_, modulus, exponent) =
            key::public_half(&mut Bytes(body)).ok_or_else(|| fault("it is not an RSA key of version 4"))?;
        let (modulus, exponent) = (without_zeros(modulus), without_zeros(exponent));
        let file = key::public_file(body, packets)?;
        Ok(Self { file, modulus, exponent, fingerprint: key::fingerprint(body) })
    }

    /// Returns the fingerprint in upper-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        key::shown(&self.fingerprint)
    }

    /// Returns the file without armour: a keyring for apt.
    pub fn as_bytes(&self) -> &[u8] {
        &self.file
    }

    /// Returns the file in armour, as `rpm --import` takes it.
    pub fn armored(&self) -> String {
        armor::armor("PUBLIC KEY BLOCK", &self.file)
    }

    /// Tells whether its owner made this signature packet, RSA with SHA-2 of version 4, of these bytes.
    pub fn has_signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        signature::is_by(&self.modulus, &self.exponent, signature, bytes)
    }
}

fn without_zeros(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}
