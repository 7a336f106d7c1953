//! Certificates: whom to believe, and what to show.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use super::{Access, ClientCertificate, Network, RegistryFault};

/// Says how TLS is spoken with a registry.
///
/// # Errors
/// [`RegistryFault::Unusable`] where certificates or keys cannot be read.
pub(super) fn config(access: &Access, network: &Network) -> Result<TlsConfig, RegistryFault> {
    let own = access.ca.as_deref().map(|pem| certificates("the certificate of the authority", pem)).transpose()?;
    let trusted = network.roots.iter().map(|der| Certificate::from_der(der).to_owned());
    let own = own.iter().flatten().map(|der| Certificate::from_der(der).to_owned());
    let client = access.client.as_ref().map(client_certificate).transpose()?;
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&trusted.chain(own).collect::<Vec<_>>()))
        .client_cert(client)
        .disable_verification(access.insecure)
        .build())
}

fn client_certificate(client: &ClientCertificate) -> Result<ClientCert, RegistryFault> {
    let chain = certificates("the client's certificate", &client.chain)?;
    let unusable = |reason: String| RegistryFault::Unusable { what: "the client's key", reason };
    let key = client.key.reveal().as_bytes();
    let der = PrivateKeyDer::from_pem_slice(key).map_err(|_| unusable("it is no unencrypted PEM key".to_owned()))?;
    // The HTTP library takes for granted that the two go together.
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .with_root_certificates(RootCertStore::empty())
        .with_client_auth_cert(chain.clone(), der)
        .map_err(|error| unusable(error.to_string()))?;
    let key = PrivateKey::from_pem(key).map_err(|_| unusable("it is no unencrypted PEM key".to_owned()))?;
    let chain: Vec<_> = chain.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    Ok(ClientCert::new_with_certs(&chain, key))
}

fn certificates(what: &'static str, pem: &str) -> Result<Vec<CertificateDer<'static>>, RegistryFault> {
    let unusable = |reason: &str| RegistryFault::Unusable { what, reason: reason.to_owned() };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(found) if found.is_empty() => Err(unusable("there is no PEM certificate in it")),
        Ok(found) => {
            let mut store = RootCertStore::empty();
            match found.iter().try_for_each(|der| store.add(der.clone())) {
                Ok(()) => Ok(found),
                Err(error) => Err(unusable(&error.to_string())),
            }
        }
        Err(_) => Err(unusable("its PEM is damaged")),
    }
}
