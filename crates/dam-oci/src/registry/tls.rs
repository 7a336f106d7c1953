//! Certificates: whom to believe, and what to show.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::{Access, ClientCertificate, Network, RegistryFault};

/// Says how TLS is spoken with a registry.
///
/// # Errors
/// [`RegistryFault::Unusable`] where certificates or keys cannot be read.
pub(super) fn config(access: &Access, network: &Network) -> Result<Arc<ClientConfig>, RegistryFault> {
    let provider = Arc::new(ring::default_provider());
    let own = access.ca.as_deref().map(|pem| certificates("the certificate of the authority", pem)).transpose()?;
    let own = own.unwrap_or_default();
    let mut roots = RootCertStore::empty();
    // What this machine trusts may have a certificate that nobody can read; the others count all the same.
    roots.add_parsable_certificates(network.roots.iter().map(|der| CertificateDer::from(&der[..])));
    roots.add_parsable_certificates(own.iter().cloned());
    let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().ok();
    let verifier = Verifier { usual, own, all: access.insecure, provider: Arc::clone(&provider) };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider speaks what is usual")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let Some(ClientCertificate { chain, key }) = &access.client else {
        return Ok(Arc::new(builder.with_no_client_auth()));
    };
    let chain = certificates("the client's certificate", chain)?;
    let unusable = |reason: String| RegistryFault::Unusable { what: "the client's key", reason };
    let key = PrivateKeyDer::from_pem_slice(key.reveal().as_bytes());
    let key = key.map_err(|_| unusable("it is no unencrypted PEM key".to_owned()))?;
    let config = builder.with_client_auth_cert(chain, key).map_err(|error| unusable(error.to_string()))?;
    Ok(Arc::new(config))
}

fn certificates(what: &'static str, pem: &str) -> Result<Vec<CertificateDer<'static>>, RegistryFault> {
    let unusable = |reason: &str| RegistryFault::Unusable { what, reason: reason.to_owned() };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let found = found.map_err(|_| unusable("its PEM is damaged"))?;
    if found.is_empty() {
        return Err(unusable("there is no PEM certificate in it"));
    }
    let mut store = RootCertStore::empty();
    found.iter().try_for_each(|der| store.add(der.clone())).map_err(|error| unusable(&error.to_string()))?;
    Ok(found)
}

/// Compares certificates with authorities.
///
/// A certificate that was given as authority is believed from the server itself, too: what the handbook of Docker's registry
/// makes with `openssl req -x509` is both in one, which the usual rules refuse. Source:
/// <https://distribution.github.io/distribution/about/insecure/>.
#[derive(Debug)]
struct Verifier {
    /// `None` without any authority.
    usual: Option<Arc<WebPkiServerVerifier>>,
    own: Vec<CertificateDer<'static>>,
    /// Believe everybody.
    all: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.all {
            return Ok(ServerCertVerified::assertion());
        }
        let Some(usual) = &self.usual else { return Err(CertificateError::UnknownIssuer.into()) };
        match usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The one rule left is that an authority is no server: dates are looked at before, and have errors of their own.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(_))) if self.own.contains(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            // Nobody signed it but itself.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(other)))
                if format!("{other:?}").contains("CaUsedAsEndEntity") =>
            {
                Err(CertificateError::UnknownIssuer.into())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
