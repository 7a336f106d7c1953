//! Certificates for an engine behind TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::error::{DockerError, TlsFault};

/// The files that make a TLS connection to an engine, named as in a `DOCKER_CERT_PATH` folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates of the authority that signed the engine's, PEM.
    pub ca: PathBuf,
    /// The client's certificate, PEM; absent together with the key where the file does not exist.
    pub certificate: PathBuf,
    /// The client's key, PEM.
    pub key: PathBuf,
}

impl TlsFiles {
    /// Names `ca.pem`, `cert.pem` and `key.pem` of a folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self { ca: folder.join("ca.pem"), certificate: folder.join("cert.pem"), key: folder.join("key.pem") }
    }

    /// Reads the files. The system's certificates are never used: an engine's authority is always a private one.
    pub(super) fn load(&self) -> Result<Arc<ClientConfig>, DockerError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.ca)? {
            roots.add(certificate).map_err(|source| TlsFault::Certificate { path: self.ca.clone(), source })?;
        }
        // Named here and not installed for the whole process, which might have a provider of its own.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has ciphers for every version")
            .with_root_certificates(roots);
        let config = if self.certificate.exists() || self.key.exists() {
            let chain = certificates(&self.certificate)?;
            let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?)
                .map_err(|source| TlsFault::Pem { path: self.key.clone(), source })?;
            let refused = |source| TlsFault::Certificate { path: self.certificate.clone(), source };
            builder.with_client_auth_cert(chain, key).map_err(refused)?
        } else {
            builder.with_no_client_auth()
        };
        Ok(Arc::new(config))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsFault> {
    std::fs::read(path).map_err(|source| TlsFault::Access { path: path.to_owned(), source })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<_, _>>()
        .map_err(|source| TlsFault::Pem { path: path.to_owned(), source })
}
