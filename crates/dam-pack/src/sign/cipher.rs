//! How a passphrase locks a key: <https://www.rfc-editor.org/rfc/rfc4880#section-3.7>.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use sha2::{Digest, Sha256, Sha512};

use crate::sign::error::SignError;
use crate::sign::packet::Bytes;

const BLOCK: usize = 16;

/// What stands before a locked key: which cipher, and how its key is made of the passphrase.
pub(super) struct Lock<'a> {
    cipher: u8,
    hash: u8,
    salt: &'a [u8],
    /// How many bytes are hashed, at least the salt and the passphrase once.
    count: usize,
    vector: &'a [u8],
}

impl<'a> Lock<'a> {
    /// Reads the description of a lock. None if it ends too soon.
    pub(super) fn read(bytes: &mut Bytes<'a>) -> Option<Result<Self, SignError>> {
        let fault = |what: &str| Some(Err(SignError::Key(what.to_owned())));
        let cipher = bytes.byte()?;
        let kind = bytes.byte()?;
        let hash = bytes.byte()?;
        let (salt, count) = match kind {
            0 => (&[][..], 0),
            1 => (bytes.take(8)?, 0),
            3 => {
                let salt = bytes.take(8)?;
                let count = bytes.byte()?;
                (salt, (16 + usize::from(count & 15)) << ((count >> 4) + 6))
            }
            // Of GnuPG: the file of a key that is on a card, or in a safe.
            101 => return fault("its secret half is not in the file"),
            _ => return fault("it is locked in a way that is not known"),
        };
        if !(7..=9).contains(&cipher) {
            return fault("it is locked by another cipher than AES");
        }
        let vector = bytes.take(BLOCK)?;
        Some(Ok(Self { cipher, hash, salt, count, vector }))
    }

    /// Unlocks bytes; whether the passphrase was right shows in them.
    pub(super) fn open(&self, passphrase: &[u8], locked: &[u8]) -> Result<Vec<u8>, SignError> {
        let key = |length| self.key(passphrase, length);
        match self.cipher {
            7 => Ok(feedback(&aes::Aes128::new_from_slice(&key(16)?).expect("16 bytes"), self.vector, locked)),
            8 => Ok(feedback(&aes::Aes192::new_from_slice(&key(24)?).expect("24 bytes"), self.vector, locked)),
            _ => Ok(feedback(&aes::Aes256::new_from_slice(&key(32)?).expect("32 bytes"), self.vector, locked)),
        }
    }

    fn key(&self, passphrase: &[u8], length: usize) -> Result<Vec<u8>, SignError> {
        let once = [self.salt, passphrase].concat();
        let count = self.count.max(once.len());
        let mut key = Vec::new();
        // A hash that is too short is followed by others that begin with zeros.
        for zeros in 0.. {
            if key.len() >= length {
                break;
            }
            key.extend(self.hash(zeros, &once, count)?);
        }
        key.truncate(length);
        Ok(key)
    }

    fn hash(&self, zeros: usize, once: &[u8], count: usize) -> Result<Vec<u8>, SignError> {
        let pieces = |update: &mut dyn FnMut(&[u8])| {
            update(&vec![0; zeros]);
            let mut left = count;
            while left > 0 {
                let piece = &once[..once.len().min(left)];
                if piece.is_empty() {
                    break;
                }
                update(piece);
                left -= piece.len();
            }
        };
        match self.hash {
            2 => {
                let mut hash = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
                pieces(&mut |piece| hash.update(piece));
                Ok(hash.finish().as_ref().to_owned())
            }
            8 => {
                let mut hash = Sha256::new();
                pieces(&mut |piece| hash.update(piece));
                Ok(hash.finalize().to_vec())
            }
            10 => {
                let mut hash = Sha512::new();
                pieces(&mut |piece| hash.update(piece));
                Ok(hash.finalize().to_vec())
            }
            _ => Err(SignError::Key("it is locked by another hash than SHA-1, SHA-256 and SHA-512".to_owned())),
        }
    }
}

/// Cipher feedback, in full blocks.
fn feedback(
    cipher: &impl BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>,
    vector: &[u8],
    locked: &[u8],
) -> Vec<u8> {
    let mut open = Vec::with_capacity(locked.len());
    let mut last: [u8; BLOCK] = vector.try_into().expect("a vector is a block");
    for part in locked.chunks(BLOCK) {
        let mut block = last.into();
        cipher.encrypt_block(&mut block);
        open.extend(part.iter().zip(&block).map(|(a, b)| a ^ b));
        last[..part.len()].copy_from_slice(part);
    }
    open
}
