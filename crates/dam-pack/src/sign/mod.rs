//! OpenPGP signatures, of the one kind that everything from rpm 4.11 and apt 1.0 on reads: version 4, RSA, SHA-2.
//!
//! The packets are written here: they are few and have been the same since 1998, and the general crate for them brings
//! 161 others along. What is hard is not: RSA is *ring*'s, which TLS needs anyway.
//!
//! Format: <https://www.rfc-editor.org/rfc/rfc4880>.

mod armor;
mod cipher;
mod clear;
mod error;
mod key;
mod packet;
mod public;
mod remainder;
mod secret;
mod signature;

pub use clear::{clear_signed, detached};
pub use error::SignError;
pub use key::SecretKey;
pub use public::PublicKey;
pub use signature::Signature;
pub(crate) use signature::algorithms;

use std::io;

/// What is to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsigned<'a> {
    /// The bytes. Those of a text are in its canonical form: lines without white space at their ends, parted by CR LF.
    pub bytes: &'a [u8],
    /// How they are meant.
    pub kind: Kind,
    /// Seconds since 1970, UTC: the signature is to be no older.
    pub not_before: u32,
}

/// What a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bytes: type `0x00`, `gpg --detach-sign`.
    Binary,
    /// A text, whose line ends do not count: type `0x01`, `gpg --textmode --detach-sign`.
    Text,
}

/// What can sign: a key here, or a program that has one.
pub trait Signer {
    /// Signs, or says why not. The signature is of the kind that was asked for.
    fn sign(&self, unsigned: &Unsigned<'_>) -> Result<Signature, SignError>;
}

/// A signer that is somewhere else: it takes what is to be signed and returns a detached OpenPGP signature, with or
/// without armour. What it returns is checked as far as that goes without its public key.
pub struct External<F>(pub F);

impl<F: Fn(&Unsigned<'_>) -> io::Result<Vec<u8>>> Signer for External<F> {
    fn sign(&self, unsigned: &Unsigned<'_>) -> Result<Signature, SignError> {
        Signature::read(&(self.0)(unsigned).map_err(SignError::External)?, unsigned)
    }
}
