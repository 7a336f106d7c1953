//! Signatures of version 4.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | version: 4 |
//! | 1 | 1 | kind |
//! | 2 | 1 | algorithm of the key: 1 RSA |
//! | 3 | 1 | algorithm of the hash: 8 SHA-256, 10 SHA-512 |
//! | 4 | 2 | length of the subpackets that are hashed, which follow |
//! | | 2 | length of those that are not, which follow |
//! | | 2 | the first two bytes of the hash |
//! | | | the signature, a large number |
//!
//! Source: <https://www.rfc-editor.org/rfc/rfc4880#section-5.2.3>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents};
use sha2::{Digest, Sha256, Sha512};

use crate::sign::packet::{self, Bytes};
use crate::sign::{Kind, SignError, Unsigned, armor};

const CREATED: u8 = 2;
const ISSUER: u8 = 16;
const KEY_FLAGS: u8 = 27;
const FINGERPRINT: u8 = 33;

/// A detached signature: one packet, of version 4, RSA and SHA-2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    packet: Vec<u8>,
    hash: HashName,
}

/// A hash that every target knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HashName {
    Sha256,
    Sha512,
}

impl HashName {
    fn number(self) -> u8 {
        match self {
            Self::Sha256 => 8,
            Self::Sha512 => 10,
        }
    }

    /// The name in the header of a text that is signed in the clear.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    fn start(self, message: &[u8]) -> [u8; 2] {
        match self {
            Self::Sha256 => [Sha256::digest(message)[0], Sha256::digest(message)[1]],
            Self::Sha512 => [Sha512::digest(message)[0], Sha512::digest(message)[1]],
        }
    }
}

impl Signature {
    /// Reads what a signer returned for these bytes, with or without armour.
    pub(super) fn read(answer: &[u8], unsigned: &Unsigned<'_>) -> Result<Self, SignError> {
        let fault = |what: &str| SignError::Answer(what.to_owned());
        let answer = armor::dearmor(answer).ok_or_else(|| fault("its armour is broken"))?;
        let Some((packet::SIGNATURE, body)) = Bytes(&answer).packet() else {
            return Err(fault("it is not an OpenPGP signature"));
        };
        let parts = Parts::read(body).ok_or_else(|| fault("it is not a signature of version 4"))?;
        if parts.kind != kind_number(unsigned.kind) {
            return Err(fault("it is a signature of another kind than was asked for"));
        }
        if parts.algorithm != packet::RSA {
            return Err(fault("it is not RSA, the one algorithm that rpm 4.11 shares with all that came later"));
        }
        let hash = match parts.hash {
            8 => HashName::Sha256,
            10 => HashName::Sha512,
            _ => return Err(fault("its hash is neither SHA-256 nor SHA-512")),
        };
        if hash.start(&message(unsigned.bytes, parts.hashed)) != parts.start {
            return Err(fault("it is not a signature of what was to be signed"));
        }
        Ok(Self { packet: packet::packet(packet::SIGNATURE, body), hash })
    }

    /// Tells whether a signature of a key on itself lets it sign: it does if it does not say what the key is for.
    pub(super) fn lets_sign(body: &[u8]) -> bool {
        let Some(parts) = Parts::read(body) else { return true };
        let mut subpackets = Bytes(&parts.hashed[6..]);
        let found = std::iter::from_fn(|| subpackets.subpacket()).find(|(number, _)| *number == KEY_FLAGS);
        found.is_none_or(|(_, flags)| flags.first().is_some_and(|flags| flags & 2 != 0))
    }

    /// Returns the packet.
    pub fn as_bytes(&self) -> &[u8] {
        &self.packet
    }

    /// Returns the packet, in Base64 without armour.
    pub fn base64(&self) -> String {
        STANDARD.encode(&self.packet)
    }

    /// Returns the packet in armour.
    pub fn armored(&self) -> String {
        armor::armor("SIGNATURE", &self.packet)
    }

    /// Returns the name of its hash: `SHA256`.
    pub fn hash(&self) -> &'static str {
        self.hash.word()
    }
}

/// Tells whether the owner of an RSA key made this signature packet of these bytes; both numbers are big endian.
pub(super) fn is_by(modulus: &[u8], exponent: &[u8], packet: &[u8], bytes: &[u8]) -> bool {
    let Some((packet::SIGNATURE, body)) = Bytes(packet).packet() else { return false };
    let Some(parts) = Parts::read(body).filter(|parts| parts.algorithm == packet::RSA) else { return false };
    let algorithm = match parts.hash {
        8 => &RSA_PKCS1_2048_8192_SHA256,
        10 => &RSA_PKCS1_2048_8192_SHA512,
        _ => return false,
    };
    // As a large number it may have lost zeros at its front.
    let Some(zeros) = modulus.len().checked_sub(parts.signed.len()) else { return false };
    let signed = [vec![0; zeros], parts.signed.to_owned()].concat();
    let key = RsaPublicKeyComponents { n: modulus, e: exponent };
    key.verify(algorithm, &message(bytes, parts.hashed), &signed).is_ok()
}

/// Returns the algorithms of any signature packet, by OpenPGP's names: `RSA/SHA256`.
pub(crate) fn algorithms(packet: &[u8]) -> String {
    let numbers = Bytes(packet).packet().and_then(|(_, body)| match body {
        [4..=6, _, key, hash, ..] => Some((*key, *hash)),
        // Version 3 has kind, time and the key's number in front.
        [3, _, rest @ ..] => Some((*rest.get(13)?, *rest.get(14)?)),
        _ => None,
    });
    let Some((key, hash)) = numbers else { return "unknown".to_owned() };
    let key = match key {
        1 | 3 => "RSA",
        17 => "DSA",
        19 => "ECDSA",
        22 | 27 | 28 => "EdDSA",
        _ => "unknown",
    };
    let hash = match hash {
        1 => "MD5",
        2 => "SHA1",
        8 => "SHA256",
        9 => "SHA384",
        10 => "SHA512",
        11 => "SHA224",
        _ => "unknown",
    };
    format!("{key}/{hash}")
}

struct Parts<'a> {
    kind: u8,
    algorithm: u8,
    hash: u8,
    /// From the version up to the last subpacket that is hashed.
    hashed: &'a [u8],
    start: [u8; 2],
    /// What RSA made of the message.
    signed: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(body: &'a [u8]) -> Option<Self> {
        let mut bytes = Bytes(body);
        let [4, kind, algorithm, hash] = *bytes.take(4)? else { return None };
        let length = bytes.number(2)?;
        bytes.take(length)?;
        let hashed = &body[..6 + length];
        let length = bytes.number(2)?;
        bytes.take(length)?;
        let start = bytes.take(2)?.try_into().ok()?;
        Some(Self { kind, algorithm, hash, hashed, start, signed: bytes.large().unwrap_or_default() })
    }
}

/// A signature but for its last number.
pub(super) struct Draft {
    hashed: Vec<u8>,
    issuer: [u8; 8],
    hash: HashName,
}

impl Draft {
    /// Begins a signature by the RSA key with this fingerprint.
    pub(super) fn new(kind: Kind, hash: HashName, time: u32, fingerprint: &[u8; 20]) -> Self {
        let version = [4].iter().chain(fingerprint).copied().collect::<Vec<u8>>();
        let subpackets =
            [packet::subpacket(CREATED, &time.to_be_bytes()), packet::subpacket(FINGERPRINT, &version)].concat();
        let mut hashed = vec![4, kind_number(kind), packet::RSA, hash.number()];
        hashed.extend((subpackets.len() as u16).to_be_bytes());
        hashed.extend(subpackets);
        let issuer = *fingerprint.last_chunk().expect("20 bytes are more than 8");
        Self { hashed, issuer, hash }
    }

    /// Returns what is hashed and signed.
    pub(super) fn message(&self, bytes: &[u8]) -> Vec<u8> {
        message(bytes, &self.hashed)
    }

    /// Ends it with what RSA made of the message.
    pub(super) fn finish(self, message: &[u8], signed: &[u8]) -> Signature {
        let unhashed = packet::subpacket(ISSUER, &self.issuer);
        let mut body = self.hashed;
        body.extend((unhashed.len() as u16).to_be_bytes());
        body.extend(unhashed);
        body.extend(self.hash.start(message));
        body.extend(packet::large(signed));
        Signature { packet: packet::packet(packet::SIGNATURE, &body), hash: self.hash }
    }
}

/// <https://www.rfc-editor.org/rfc/rfc4880#section-5.2.4>
fn message(bytes: &[u8], hashed: &[u8]) -> Vec<u8> {
    [bytes, hashed, &[4, 0xff], &(hashed.len() as u32).to_be_bytes()].concat()
}

fn kind_number(kind: Kind) -> u8 {
    match kind {
        Kind::Binary => 0,
        Kind::Text => 1,
    }
}
