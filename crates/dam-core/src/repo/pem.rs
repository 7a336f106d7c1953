//! Certificates and keys in files, PEM.
//!
//! They are read once, when a repo is configured, and their content is kept: the file may be on a stick that is gone
//! tomorrow. Source: <https://www.rfc-editor.org/rfc/rfc7468>.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use dam_oci::registry::Secret;
use rustls::RootCertStore;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::RepoFault;
use crate::{Error, Result};

/// All authorities of a machine together have less than half of this, in bytes.
const LIMIT: u64 = 1 << 20;

/// Reads the certificates of an authority.
///
/// # Errors
/// [`RepoFault::Pem`] where the file holds something else.
pub(crate) fn read_authority(path: &Path) -> Result<String> {
    let (text, certificates) = read_certificates(path)?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|error| fault(path, CERTIFICATE, error))?;
    }
    Ok(text)
}

/// Reads a client's certificate, with those between it and its authority.
///
/// # Errors
/// As [`read_authority`].
pub(crate) fn read_chain(path: &Path) -> Result<String> {
    Ok(read_certificates(path)?.0)
}

/// Reads a client's key.
///
/// # Errors
/// As [`read_authority`]; an encrypted key cannot be used.
pub(crate) fn read_key(path: &Path) -> Result<Secret> {
    let text = read(path, KEY)?;
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| {
        let encrypted = text.contains("ENCRYPTED");
        fault(path, KEY, if encrypted { "it is encrypted".to_owned() } else { error.to_string() })
    })?;
    any_supported_type(&key).map_err(|error| fault(path, KEY, error))?;
    Ok(Secret::new(text))
}

/// Tells whether a key belongs to the first certificate of a chain; both were read before.
pub(crate) fn belong_together(chain: &str, key: &Secret) -> bool {
    let chain: Option<Vec<_>> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().ok();
    let key = PrivateKeyDer::from_pem_slice(key.reveal().as_bytes()).ok();
    let key = key.and_then(|key| any_supported_type(&key).ok());
    let Some((chain, key)) = chain.zip(key) else { return false };
    use rustls::{Error, InconsistentKeys};
    match CertifiedKey::new(chain, key).keys_match() {
        // A kind of key that does not tell its public half.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => true,
        Err(_) => false,
    }
}

const CERTIFICATE: &str = "certificate";
const KEY: &str = "private key";

fn read_certificates(path: &Path) -> Result<(String, Vec<CertificateDer<'static>>)> {
    let text = read(path, CERTIFICATE)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| fault(path, CERTIFICATE, error))?;
    match certificates.is_empty() {
        true => Err(fault(path, CERTIFICATE, "there is none in it").into()),
        false => Ok((text, certificates)),
    }
}

fn read(path: &Path, what: &'static str) -> Result<String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Error::access(path))?;
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(Error::access(path))?;
    if bytes.len() as u64 > LIMIT {
        return Err(fault(path, what, format!("it is longer than {LIMIT} bytes")).into());
    }
    Ok(String::from_utf8(bytes).map_err(|_| fault(path, what, "it is no text"))?)
}

fn fault(path: &Path, what: &'static str, reason: impl ToString) -> RepoFault {
    RepoFault::Pem { path: path.to_owned(), what, reason: reason.to_string() }
}
