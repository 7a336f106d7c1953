//! Settings of the machine and the user.
//!
//! `/etc/dam/config.toml`, then `$XDG_CONFIG_HOME/dam/config.toml`, then `DAM_*` variables, then flags: the later wins,
//! setting by setting. A file that is not there sets nothing; a key that dam does not know is an error, for a misspelt
//! setting that is silently ignored is worse than none.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dam_core::store::docker::without_password;
use toml::{Table, Value};

use crate::args::StoreChoice;
use crate::error::CliError;

/// What files, variables and flags may set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Config {
    /// Folder with dam's ledger, store and caches.
    pub(crate) root: Option<PathBuf>,
    /// Where images live.
    pub(crate) store: Option<StoreChoice>,
    /// Endpoint of the engine, as `DOCKER_HOST`.
    pub(crate) docker_host: Option<String>,
    /// Docker context, as `DOCKER_CONTEXT`.
    pub(crate) docker_context: Option<String>,
    /// Whether no registry is to be asked.
    pub(crate) offline: Option<bool>,
    /// URL of what stands in for Docker Hub.
    pub(crate) docker_hub: Option<String>,
}

impl fmt::Display for Config {
    /// Shows what is set, for `--debug`; never a password in an engine's address.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let settings = [
            ("root", self.root.as_ref().map(|root| root.display().to_string())),
            ("store", self.store.map(|store| format!("{store:?}").to_lowercase())),
            ("docker.host", self.docker_host.as_deref().map(without_password)),
            ("docker.context", self.docker_context.clone()),
            ("offline", self.offline.map(|offline| offline.to_string())),
            ("docker-hub", self.docker_hub.as_deref().map(without_password)),
        ];
        let set: Vec<_> =
            settings.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?))).collect();
        f.write_str(&set.join(" "))
    }
}

impl Config {
    /// Returns these settings, and those of `lower` where these say nothing.
    pub(crate) fn over(self, lower: Self) -> Self {
        Self {
            root: self.root.or(lower.root),
            store: self.store.or(lower.store),
            docker_host: self.docker_host.or(lower.docker_host),
            docker_context: self.docker_context.or(lower.docker_context),
            offline: self.offline.or(lower.offline),
            docker_hub: self.docker_hub.or(lower.docker_hub),
        }
    }

    /// Tells whether somebody said where images live, so that dam need not choose.
    pub(crate) fn names_a_store(&self) -> bool {
        let chosen = matches!(self.store, Some(StoreChoice::Docker | StoreChoice::Layout));
        chosen || self.docker_host.is_some() || self.docker_context.is_some()
    }

    /// Reads a file; one that is not there sets nothing.
    pub(crate) fn read(path: &Path) -> Result<Self, CliError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text),
            Err(fault) if matches!(fault.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(Self::default())
            }
            Err(fault) => Err(CliError::access(path)(fault)),
        }
    }

    /// Reads the text of the file `path`.
    fn parse(path: &Path, text: &str) -> Result<Self, CliError> {
        let bad = |reason: String| CliError {
            path: Some(path.to_owned()),
            ..CliError::misuse("config", format!("`{}`: {reason}", path.display()))
        };
        let table: Table = text.parse().map_err(|fault: toml::de::Error| {
            let line = fault.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            bad(format!("line {line}: {}", fault.message()))
        })?;
        let mut config = Self::default();
        for (key, value) in flatten(table) {
            if let ("offline", Value::Boolean(offline)) = (key.as_str(), &value) {
                config.offline = Some(*offline);
                continue;
            }
            let Value::String(text) = value else {
                let reason = if key == "offline" {
                    "is neither true nor false"
                } else if is_known(&key) {
                    "is not text in quotes"
                } else {
                    "is no setting of dam"
                };
                return Err(bad(format!("`{key}` {reason}")));
            };
            match key.as_str() {
                // A path in a file is meant from that file, wherever dam is started.
                "root" => config.root = Some(path.parent().unwrap_or(path).join(text)),
                "store" => config.store = Some(store(&text).map_err(|reason| bad(format!("`store` {reason}")))?),
                "docker.host" => config.docker_host = Some(text),
                "docker.context" => config.docker_context = Some(text),
                "offline" => return Err(bad("`offline` is neither true nor false".to_owned())),
                "docker-hub" => {
                    config.docker_hub = Some(hub(&text).map_err(|reason| bad(format!("`docker-hub` {reason}")))?);
                }
                _ => return Err(bad(format!("`{key}` is no setting of dam"))),
            }
        }
        Ok(config)
    }
}

/// Reads whether something is on, from a variable; the fault continues a sentence that names it.
pub(crate) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "true" | "yes" => Ok(true),
        "0" | "false" | "no" => Ok(false),
        _ => Err(format!("takes 1 or 0, not `{text}`")),
    }
}

/// Reads the name of a store; the fault continues a sentence that names the setting.
pub(crate) fn store(text: &str) -> Result<StoreChoice, String> {
    use clap::ValueEnum;

    StoreChoice::from_str(text, false).map_err(|_| format!("takes one of auto, docker, layout, not `{text}`"))
}

/// Reads the URL of what stands in for Docker Hub; the fault continues a sentence that names the setting.
pub(crate) fn hub(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let good = rest
        .is_some_and(|rest| !rest.is_empty() && !rest.contains(['@', '?', '#']) && !rest.contains(char::is_whitespace));
    match good {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err(format!("takes a URL such as `https://hub.plant:5000`, not `{}`", without_password(text))),
    }
}

fn is_known(key: &str) -> bool {
    ["root", "store", "docker.host", "docker.context", "docker-hub", "offline"].contains(&key)
}

/// Names the values of nested tables with dots.
fn flatten(table: Table) -> Vec<(String, Value)> {
    let mut flat = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                flat.extend(flatten(inner).into_iter().map(|(rest, value)| (format!("{key}.{rest}"), value)));
            }
            value => flat.push((key, value)),
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Config;
    use crate::args::StoreChoice;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("/etc/dam/config.toml"), text).map_err(|error| error.message)
    }

    #[test]
    fn settings_are_read() {
        let config = parse("root = \"/srv/dam\"\nstore = \"layout\"\n[docker]\nhost = \"tcp://plant:2375\"\n");
        let expected = Config {
            root: Some("/srv/dam".into()),
            store: Some(StoreChoice::Layout),
            docker_host: Some("tcp://plant:2375".into()),
            ..Config::default()
        };
        assert_eq!(config, Ok(expected));
        let config = parse("offline = true\ndocker-hub = 'https://hub.plant:5000/'\n").expect("good");
        assert_eq!((config.offline, config.docker_hub.as_deref()), (Some(true), Some("https://hub.plant:5000")));
        assert_eq!(parse("root = 'state'").expect("good").root.as_deref(), Some(Path::new("/etc/dam/state")));
    }

    #[test]
    fn settings_are_shown_without_passwords() {
        let config = parse("store = 'layout'\n[docker]\nhost = 'ssh://ops:secret@plant'\n").expect("good");
        assert_eq!(config.to_string(), "store=layout docker.host=ssh://ops:***@plant");
    }

    #[test]
    fn faults_name_the_file_and_the_key() {
        let fault = |text| parse(text).expect_err(text);
        assert_eq!(fault("stroe = 'auto'"), "`/etc/dam/config.toml`: `stroe` is no setting of dam");
        assert_eq!(fault("[docker]\nhots = ''"), "`/etc/dam/config.toml`: `docker.hots` is no setting of dam");
        assert_eq!(fault("offline = 1"), "`/etc/dam/config.toml`: `offline` is neither true nor false");
        assert_eq!(fault("root = 1"), "`/etc/dam/config.toml`: `root` is not text in quotes");
        assert_eq!(
            fault("store = 'podman'"),
            "`/etc/dam/config.toml`: `store` takes one of auto, docker, layout, not `podman`"
        );
        assert_eq!(fault("offline = 'yes'"), "`/etc/dam/config.toml`: `offline` is neither true nor false");
        assert_eq!(
            fault("docker-hub = 'https://me:secret@hub'"),
            "`/etc/dam/config.toml`: `docker-hub` takes a URL such as `https://hub.plant:5000`, not `https://me:***@hub`"
        );
        assert!(fault("store = 'auto'\nroot").starts_with("`/etc/dam/config.toml`: line 2: "));
    }

    #[test]
    fn the_higher_wins_setting_by_setting() {
        let high = Config { root: Some("/a".into()), ..Config::default() };
        let low = Config { root: Some("/b".into()), store: Some(StoreChoice::Docker), ..Config::default() };
        let both = high.over(low);
        assert_eq!((both.root.as_deref(), both.store), (Some(Path::new("/a")), Some(StoreChoice::Docker)));
    }
}
