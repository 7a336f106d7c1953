//! Who is logged in where, as `docker login` and `podman login` left it.
//!
//! Docker keeps logins in `config.json`, the tools of containers in `auth.json`: `auths` has them by registry, base64 of
//! `user:password`; `credHelpers` and `credsStore` name programs that know them instead. Sources:
//! <https://docs.docker.com/reference/cli/docker/login/> and
//! <https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md>.

mod fault;
mod program;
mod settings;

use std::path::PathBuf;
use std::time::Duration;

use dam_oci::registry::Credentials;

use super::Logins;
use crate::{Cancel, Result};

pub use fault::LoginFault;
use settings::Settings;

/// How long a helper may take: it may ask for a PIN.
const PATIENCE: Duration = Duration::from_secs(60);

/// The key of Docker Hub, by which `docker login` has kept it ever since.
const HUB: &str = "https://index.docker.io/v1/";

/// The logins of `docker login` and `podman login`.
#[derive(Debug, Clone)]
pub struct DockerLogins {
    files: Vec<PathBuf>,
    path: Vec<PathBuf>,
    cancel: Cancel,
    patience: Duration,
}

impl DockerLogins {
    /// Knows the logins of `files`, of which the first that has one wins; those that are not there have none. Helpers are
    /// looked for in the folders of `path`, and run with this process's own environment.
    pub fn new(files: Vec<PathBuf>, path: Vec<PathBuf>, cancel: Cancel) -> Self {
        Self { files, path, cancel, patience: PATIENCE }
    }

    /// Limits how long a helper may take.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    fn in_settings(&self, settings: &Settings, host: &str, path: &str) -> Result<Option<Credentials>> {
        if let Some(name) = settings.helper(host, path)? {
            let found = program::find(&name, &self.path)?;
            let servers: &[&str] = if host == "docker.io" { &[HUB, host] } else { &[host] };
            for server in servers {
                let login = program::get(&found, server, self.patience, &self.cancel)?;
                if login.is_some() {
                    return Ok(login);
                }
            }
        }
        Ok(settings.login(host, path)?)
    }
}

impl Logins for DockerLogins {
    fn find(&self, host: &str, path: &str) -> Result<Option<Credentials>> {
        for file in &self.files {
            if let Some(settings) = Settings::read(file)?
                && let Some(found) = self.in_settings(&settings, host, path)?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
