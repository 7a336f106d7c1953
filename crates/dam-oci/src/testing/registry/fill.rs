//! Putting images into a registry without dam, for tests that read.

use std::io::{self, Read};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use super::{PASSWORD, Prefix, PrivateRegistry, USER};
use crate::{Descriptor, Digest, Image, media_type};

impl PrivateRegistry {
    /// Puts an image there: `name` is `repository:tag`, without host and prefix. The registry itself is asked, without what
    /// stands before it.
    ///
    /// # Errors
    /// What the registry says.
    pub fn put(&self, image: &dyn Image, name: &str) -> io::Result<Digest> {
        let (repository, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
        let manifest = image.manifest();
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            let mut bytes = Vec::new();
            image.open_unverified(blob).map_err(io::Error::other)?.read_to_end(&mut bytes)?;
            self.put_blob(repository, blob, &bytes)?;
        }
        let kind = manifest.media_type.as_deref().unwrap_or(media_type::MANIFEST);
        self.put_manifest(repository, tag, kind, image.manifest_bytes())
    }

    /// Puts any manifest or index there, under a tag.
    ///
    /// # Errors
    /// What the registry says.
    pub fn put_manifest(&self, repository: &str, tag: &str, kind: &str, bytes: &[u8]) -> io::Result<Digest> {
        let url = format!("{}/v2/{repository}/manifests/{tag}", self.inner());
        let request = self.agent().put(url).header("Content-Type", kind);
        request.header("Authorization", self.authorization(repository)).send(bytes).map_err(io::Error::other)?;
        Ok(Digest::of(bytes))
    }

    /// Puts a blob there.
    fn put_blob(&self, repository: &str, blob: &Descriptor, bytes: &[u8]) -> io::Result<()> {
        let (agent, authorization) = (self.agent(), self.authorization(repository));
        let begin = agent.post(format!("{}/v2/{repository}/blobs/uploads/", self.inner()));
        let begun = begin.header("Authorization", &authorization).send_empty().map_err(io::Error::other)?;
        let place = begun.headers().get("location").and_then(|place| place.to_str().ok()).unwrap_or_default();
        let end = agent.put(format!("{place}&digest={}", blob.digest)).header("Authorization", authorization);
        end.header("Content-Type", "application/octet-stream").send(bytes).map_err(io::Error::other)?;
        Ok(())
    }

    /// Returns the URL of the registry itself.
    fn inner(&self) -> String {
        let scheme = if self.kind.speaks_tls() { "https" } else { "http" };
        let prefix = if self.kind.prefix() == Some(Prefix::BeforeApi) { "/plant" } else { "" };
        format!("{scheme}://{}{prefix}", self.service.address)
    }

    fn authorization(&self, repository: &str) -> String {
        match self.tokens() {
            Some(tokens) => format!("Bearer {}", tokens.token(&format!("repository:{repository}:pull,push"))),
            None => format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}"))),
        }
    }

    fn agent(&self) -> Agent {
        let mut tls =
            TlsConfig::builder().unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
        if let Some(ca) = self.ca() {
            let certificate = Certificate::from_pem(ca.as_bytes()).expect("the certificate was just made");
            tls = tls.root_certs(RootCerts::new_with_certs(&[certificate]));
        }
        if let Some(client) = &self.client {
            let chain = Certificate::from_pem(client.chain.as_bytes()).expect("the certificate was just made");
            let key = PrivateKey::from_pem(client.key.as_bytes()).expect("the key was just made");
            tls = tls.client_cert(Some(ClientCert::new_with_certs(&[chain], key)));
        }
        Agent::config_builder().tls_config(tls.build()).proxy(None).build().into()
    }
}
