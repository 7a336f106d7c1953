//! Which engine a user means, found as the docker command finds it.
//!
//! Nothing here reads the environment: the caller does, and passes [`EndpointSettings`]. The order is that of docker's
//! own command: `DOCKER_HOST`, `DOCKER_CONTEXT`, `currentContext` of `config.json`, then the usual sockets. Source:
//! <https://docs.docker.com/engine/manage-resources/contexts/> and, for the files,
//! <https://github.com/docker/cli/blob/v26.1.4/cli/context/store/store.go>.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use dam_oci::Digest;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::endpoint::{Endpoint, ParseEndpointError};
use super::error::DockerError;
use super::tls::TlsFiles;

/// What the environment says of engines. An empty value counts as none, so the caller passes `None`.
#[derive(Debug, Clone, Default)]
pub struct EndpointSettings {
    /// `DOCKER_HOST`, or the command line's own word.
    pub docker_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// Whether `DOCKER_TLS_VERIFY` holds anything.
    pub tls_verify: bool,
    /// `DOCKER_CERT_PATH`; the folder of docker's settings by default.
    pub cert_path: Option<PathBuf>,
    /// `DOCKER_CONFIG`, by default `~/.docker`.
    pub docker_config_dir: PathBuf,
    /// Sockets to try when nothing else is said, best first.
    pub default_sockets: Vec<PathBuf>,
}

impl EndpointSettings {
    /// Finds the engine that is meant; `None` when nothing is said and no socket is there.
    ///
    /// # Errors
    /// When what is said cannot be used: an address that is none, a context that does not exist or is damaged.
    pub fn resolve(&self) -> Result<Option<Endpoint>, DockerError> {
        if let Some(host) = &self.docker_host {
            let endpoint: Endpoint = host.parse()?;
            return Ok(Some(if self.tls_verify { endpoint.with_tls(self.tls_files()) } else { endpoint }));
        }
        let name = match &self.docker_context {
            Some(name) => Some(name.clone()),
            None => self.current_context()?,
        };
        match name {
            Some(name) if name != "default" => Ok(Some(self.context(&name)?)),
            _ => Ok(self.default_sockets.iter().find(|path| path.exists()).cloned().map(Endpoint::Unix)),
        }
    }

    fn tls_files(&self) -> TlsFiles {
        TlsFiles::in_folder(self.cert_path.as_ref().unwrap_or(&self.docker_config_dir))
    }

    fn current_context(&self) -> Result<Option<String>, ContextFault> {
        let config: Option<ConfigFile> = read_json(&self.docker_config_dir.join("config.json"))?;
        Ok(config.and_then(|config| config.current_context).filter(|name| !name.is_empty()))
    }

    fn context(&self, name: &str) -> Result<Endpoint, ContextFault> {
        let missing = || ContextFault::Missing { name: name.to_owned() };
        let contexts = self.docker_config_dir.join("contexts");
        let folder = Digest::of(name.as_bytes()).hex();
        let meta: ContextFile =
            read_json(&contexts.join("meta").join(&folder).join("meta.json"))?.ok_or_else(missing)?;
        let no_engine = || ContextFault::NoEngine { name: name.to_owned() };
        let docker = meta.endpoints.get("docker").ok_or_else(no_engine)?;
        let host = docker.host.as_deref().filter(|host| !host.is_empty()).ok_or_else(no_engine)?;
        if docker.skip_tls_verify {
            return Err(ContextFault::SkipsVerification { name: name.to_owned() });
        }
        let endpoint: Endpoint =
            host.parse().map_err(|source| ContextFault::Endpoint { name: name.to_owned(), source })?;
        let tls = contexts.join("tls").join(&folder).join("docker");
        let files = TlsFiles { ca: tls.join("ca.pem"), certificate: tls.join("cert.pem"), key: tls.join("key.pem") };
        Ok(if tls.is_dir() { endpoint.with_tls(files) } else { endpoint })
    }
}

/// Reads a JSON file; `None` if it is not there.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ContextFault> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ContextFault::Access { path: path.to_owned(), source }),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|source| ContextFault::Json { path: path.to_owned(), source })
}

/// The part of `config.json` that is read here.
#[derive(Deserialize)]
struct ConfigFile {
    #[serde(default, rename = "currentContext")]
    current_context: Option<String>,
}

/// A context's `meta.json`.
#[derive(Deserialize)]
struct ContextFile {
    #[serde(default, rename = "Endpoints")]
    endpoints: BTreeMap<String, ContextEndpoint>,
}

#[derive(Deserialize)]
struct ContextEndpoint {
    #[serde(default, rename = "Host")]
    host: Option<String>,
    #[serde(default, rename = "SkipTLSVerify")]
    skip_tls_verify: bool,
}

/// A docker context that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContextFault {
    /// There is none of that name.
    #[error("there is no docker context `{name}`")]
    Missing {
        /// The context.
        name: String,
    },
    /// It is for something else, such as Kubernetes.
    #[error("the docker context `{name}` names no engine")]
    NoEngine {
        /// The context.
        name: String,
    },
    /// It asks for TLS without checking the peer, which dam does not do.
    #[error("the docker context `{name}` asks not to check the engine's certificate")]
    SkipsVerification {
        /// The context.
        name: String,
    },
    /// Its address is none.
    #[error("the docker context `{name}` cannot be used")]
    Endpoint {
        /// The context.
        name: String,
        /// What is wrong.
        source: ParseEndpointError,
    },
    /// A file could not be read.
    #[error("cannot access `{path}`")]
    Access {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("`{path}` cannot be read as docker's settings")]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use dam_oci::Digest;
    use tempfile::TempDir;

    use super::{ContextFault, EndpointSettings};
    use crate::store::docker::{DockerError, Endpoint, TlsFiles};

    /// A folder of docker's settings, and the settings that point to it.
    struct Home {
        folder: TempDir,
        settings: EndpointSettings,
    }

    impl Home {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let docker_config_dir = folder.path().to_owned();
            Self { settings: EndpointSettings { docker_config_dir, ..Default::default() }, folder }
        }

        fn file(self, path: &str, content: &str) -> Self {
            let path = self.folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, content).expect("a file");
            self
        }

        fn context(self, name: &str, endpoints: &str) -> Self {
            let file = format!("contexts/meta/{}/meta.json", Digest::of(name.as_bytes()).hex());
            self.file(&file, &format!(r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{endpoints}}}"#))
        }

        fn found(&self) -> Option<String> {
            self.settings.resolve().expect("usable settings").map(|endpoint| endpoint.to_string())
        }

        fn fault(&self) -> ContextFault {
            match self.settings.resolve() {
                Err(DockerError::Context(fault)) => fault,
                other => panic!("not a fault of a context: {other:?}"),
            }
        }
    }

    #[test]
    fn nothing_said_and_nothing_there_is_no_engine() {
        assert_eq!(Home::new().found(), None);
    }

    #[test]
    fn the_first_socket_that_exists_is_the_default() {
        let mut home = Home::new().file("second.sock", "");
        let there = home.folder.path().join("second.sock");
        home.settings.default_sockets = vec![PathBuf::from("/nowhere/first.sock"), there.clone()];
        assert_eq!(home.found(), Some(format!("unix://{}", there.display())));
        home.settings.docker_context = Some("default".into());
        assert_eq!(home.found(), Some(format!("unix://{}", there.display())));
    }

    #[test]
    fn host_goes_before_context_and_context_before_config() {
        let mut home = Home::new()
            .file("config.json", r#"{"auths":{},"currentContext":"ship"}"#)
            .context("ship", r#"{"docker":{"Host":"unix:///ship.sock","SkipTLSVerify":false}}"#)
            .context("plant", r#"{"docker":{"Host":"ssh://ops@plant"}}"#);
        assert_eq!(home.found().as_deref(), Some("unix:///ship.sock"));
        home.settings.docker_context = Some("plant".into());
        assert_eq!(home.found().as_deref(), Some("ssh://ops@plant"));
        home.settings.docker_host = Some("tcp://bank:2375".into());
        assert_eq!(home.found().as_deref(), Some("tcp://bank:2375"));
    }

    #[test]
    fn certificates_come_from_the_named_folder() {
        let mut home = Home::new();
        home.settings.docker_host = Some("tcp://bank".into());
        home.settings.tls_verify = true;
        let tls = |home: &Home| match home.settings.resolve() {
            Ok(Some(Endpoint::Tcp { port: 2376, tls, .. })) => tls.expect("TLS"),
            other => panic!("not a port with TLS: {other:?}"),
        };
        assert_eq!(tls(&home), TlsFiles::in_folder(home.folder.path()));
        home.settings.cert_path = Some("/certs".into());
        assert_eq!(tls(&home), TlsFiles::in_folder("/certs".as_ref()));
    }

    #[test]
    fn a_context_brings_its_own_certificates() {
        let folder = format!("contexts/tls/{}/docker", Digest::of(b"bank").hex());
        let mut home = Home::new()
            .context("bank", r#"{"docker":{"Host":"tcp://bank:2376"}}"#)
            .file(&format!("{folder}/ca.pem"), "");
        home.settings.docker_context = Some("bank".into());
        let Ok(Some(Endpoint::Tcp { tls: Some(files), .. })) = home.settings.resolve() else { panic!("no TLS") };
        assert_eq!(files.ca, home.folder.path().join(folder).join("ca.pem"));
    }

    #[test]
    fn a_context_that_cannot_be_used_is_an_error_and_never_another_engine() {
        let with = |endpoints: &str| {
            let mut home = Home::new().context("x", endpoints);
            home.settings.docker_context = Some("x".into());
            home.fault()
        };
        assert!(matches!(with("{}"), ContextFault::NoEngine { .. }));
        assert!(matches!(with(r#"{"docker":{"Host":"npipe:////./x"}}"#), ContextFault::Endpoint { .. }));
        let skips = r#"{"docker":{"Host":"tcp://a","SkipTLSVerify":true}}"#;
        assert!(matches!(with(skips), ContextFault::SkipsVerification { .. }));
        assert!(matches!(with("[]"), ContextFault::Json { .. }));
        let home = Home::new().file("config.json", r#"{"currentContext":"gone"}"#);
        assert!(matches!(home.fault(), ContextFault::Missing { .. }));
        assert!(matches!(Home::new().file("config.json", "{").fault(), ContextFault::Json { .. }));
    }
}
