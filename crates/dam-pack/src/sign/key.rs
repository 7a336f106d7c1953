//! Secret keys.

use std::fmt;

use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;

use crate::sign::packet::{self, Bytes};
use crate::sign::signature::{Draft, HashName, Signature};
use crate::sign::{PublicKey, SignError, Signer, Unsigned, armor, secret};

/// An OpenPGP secret key of RSA: the primary one of a key file, for rpm before 4.15 knows no other.
///
/// Signs with SHA-256, and alike each time: the time of a signature is the one asked for, but never before the key was
/// made, for a signature older than its key is none to rpm 6.
pub struct SecretKey {
    pair: KeyPair,
    created: u32,
    fingerprint: [u8; 20],
    public: Vec<u8>,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("SecretKey").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

impl SecretKey {
    /// Reads a key file, such as `gpg --export-secret-keys` writes, with or without armour.
    ///
    /// # Errors
    ///
    /// No key, not RSA, not for signing, fewer than 2048 or more than 4096 bits, locked and no or the wrong passphrase.
    pub fn read(file: &[u8], passphrase: Option<&[u8]>) -> Result<Self, SignError> {
        let fault = |what: &str| SignError::Key(what.to_owned());
        let file = armor::dearmor(file).ok_or_else(|| fault("the armour is broken"))?;
        let mut packets = Bytes(&file);
        let Some((packet::SECRET_KEY, body)) = packets.packet() else {
            return Err(fault("the file does not begin with an OpenPGP secret key"));
        };
        let mut rest = Bytes(body);
        let (created, modulus, exponent) =
            public_half(&mut rest).ok_or_else(|| fault("it is not an RSA key of version 4"))?;
        let half = &body[..body.len() - rest.0.len()];
        let pair = secret::read(modulus, exponent, rest, passphrase)?;
        let public = public_file(half, packets)?;
        Ok(Self { pair, created, fingerprint: fingerprint(half), public })
    }

    /// Returns the fingerprint in upper-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        shown(&self.fingerprint)
    }

    /// Returns the public half with its owner's names, as `rpm --import` takes it.
    pub fn public_armored(&self) -> String {
        armor::armor("PUBLIC KEY BLOCK", &self.public)
    }

    /// Returns the public half with its owner's names, without armour: what apt before 1.4 takes.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Returns the public half as what checks signatures.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::read(&self.public).expect("what was read from a secret key is a public one")
    }
}

impl Signer for SecretKey {
    fn sign(&self, unsigned: &Unsigned<'_>) -> Result<Signature, SignError> {
        let time = unsigned.not_before.max(self.created);
        let draft = Draft::new(unsigned.kind, HashName::Sha256, time, &self.fingerprint);
        let message = draft.message(unsigned.bytes);
        let mut signed = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &message, &mut signed)
            .map_err(|_| SignError::Key("it signs nothing".to_owned()))?;
        Ok(draft.finish(&message, &signed))
    }
}

/// Returns the fingerprint of a key by the content of its public packet: <https://www.rfc-editor.org/rfc/rfc4880#section-12.2>.
pub(super) fn fingerprint(half: &[u8]) -> [u8; 20] {
    let named = [&[0x99], &(half.len() as u16).to_be_bytes()[..], half].concat();
    let hash = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &named);
    hash.as_ref().try_into().expect("SHA-1 has 20 bytes")
}

/// Writes a fingerprint in upper-case hexadecimal.
pub(super) fn shown(fingerprint: &[u8; 20]) -> String {
    fingerprint.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Reads time of creation, modulus and exponent.
pub(super) fn public_half<'a>(bytes: &mut Bytes<'a>) -> Option<(u32, &'a [u8], &'a [u8])> {
    let version = bytes.byte()?;
    let created = bytes.number(4)? as u32;
    let algorithm = bytes.byte()?;
    // 3 is RSA for signing alone.
    let good = version == 4 && (algorithm == packet::RSA || algorithm == 3);
    good.then_some((created, bytes.large()?, bytes.large()?))
}

/// The public half, then the owner's names and what the key says of itself; further keys are left out.
pub(super) fn public_file(half: &[u8], mut packets: Bytes<'_>) -> Result<Vec<u8>, SignError> {
    let mut file = packet::packet(packet::PUBLIC_KEY, half);
    while let Some((number, body)) = packets.packet() {
        match number {
            packet::SECRET_SUBKEY | packet::PUBLIC_SUBKEY | packet::SECRET_KEY | packet::PUBLIC_KEY => break,
            packet::SIGNATURE if !Signature::lets_sign(body) => {
                return Err(SignError::Key("it is not meant to sign, and rpm before 4.15 knows no subkeys".to_owned()));
            }
            packet::SIGNATURE | packet::USER => file.extend(packet::packet(number, body)),
            _ => {}
        }
    }
    Ok(file)
}
