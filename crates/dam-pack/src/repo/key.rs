//! The key of a repository.

use crate::repo::draft::Release;
use crate::repo::{ARMORED_KEY, KEYRING, RepositoryError};
use crate::sign::{PublicKey, SignError, Signature, Signer, Unsigned};

/// A signer whose signatures are checked by the key that goes along: the wrong one would be found on the island.
pub(super) struct Checked<'a> {
    pub(super) signer: &'a (dyn Signer + Sync),
    pub(super) key: &'a PublicKey,
}

impl Signer for Checked<'_> {
    fn sign(&self, unsigned: &Unsigned<'_>) -> Result<Signature, SignError> {
        let signature = self.signer.sign(unsigned)?;
        if self.key.has_signed(unsigned.bytes, signature.as_bytes()) {
            return Ok(signature);
        }
        Err(SignError::Answer("it is by another key than the public one".to_owned()))
    }
}

/// Puts the public key beside the packages, or takes that of a former run away.
pub(super) fn draft(release: &mut Release<'_>, key: Option<&PublicKey>) -> Result<(), RepositoryError> {
    let Some(key) = key else {
        release.remove(KEYRING);
        release.remove(ARMORED_KEY);
        return Ok(());
    };
    release.put_text(KEYRING, key.as_bytes())?;
    release.put_text(ARMORED_KEY, key.armored())
}
