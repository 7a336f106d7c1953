//! Why something could not be signed.

use std::io;

/// Why something could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The bytes are no secret key, or one that cannot sign for every target.
    #[error("the key cannot sign: {0}")]
    Key(String),
    /// The key needs a passphrase.
    #[error("the key is locked by a passphrase")]
    Locked,
    /// Another passphrase is the right one.
    #[error("the passphrase does not open the key")]
    Passphrase,
    /// The external signer failed.
    #[error("the signer failed")]
    External(#[source] io::Error),
    /// What the external signer returned cannot be read everywhere, or is not a signature of what it got.
    #[error("the signer's answer cannot be used: {0}")]
    Answer(String),
}
