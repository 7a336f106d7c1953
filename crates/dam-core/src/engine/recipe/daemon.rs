//! The engine's settings: `/etc/docker/daemon.json`.
//!
//! Format: <https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file>.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use serde_json::{Map, Value, json};
use toml::de::{DeTable, DeValue};

use super::fault::Reason;
use super::input::not_empty;
use super::reader::Reader;

/// The longest file of settings that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// What goes into `daemon.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daemon {
    /// What the site says. Its keys win over the rest.
    pub site: Site,
    /// Whether containers survive a restart of the engine. A swarm cannot have it.
    pub live_restore: bool,
    /// Whether logs of containers end at 3 files of 10 MB. Left out where the site chooses a driver or its options.
    pub log_rotation: bool,
    /// Whether containers get the limit of open files that systemd gives services, 1024 and at most 524288.
    pub ulimits: bool,
}

/// What the site says of the engine's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Site {
    /// Nothing.
    Nothing,
    /// These.
    Settings(Map<String, Value>),
    /// Those of a JSON file.
    File(PathBuf),
}

/// Why the engine's settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// They cannot be read.
    #[error("cannot access `{path}`")]
    Access {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// They are longer than any.
    #[error("`{path}` has more than {limit} bytes")]
    Large {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
    },
    /// They are no JSON.
    #[error("`{path}` is no JSON")]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// They are JSON, but not what an engine takes.
    #[error("`{path}` {fault}")]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why; one clause.
        fault: &'static str,
    },
}

impl Default for Daemon {
    fn default() -> Self {
        Self { site: Site::Nothing, live_restore: true, log_rotation: true, ulimits: true }
    }
}

impl Daemon {
    /// Returns the settings: the defaults, and the site's over them.
    ///
    /// # Errors
    /// [`DaemonError`], where they are in a file.
    pub fn settings(&self) -> Result<Map<String, Value>, DaemonError> {
        let site = match &self.site {
            Site::Nothing => Map::new(),
            Site::Settings(settings) => settings.clone(),
            Site::File(path) => file(path.clone())?,
        };
        let mut settings = Map::new();
        if self.live_restore {
            settings.insert("live-restore".to_owned(), json!(true));
        }
        // Options of one driver stop the containers of another.
        if self.log_rotation && !site.contains_key("log-driver") && !site.contains_key("log-opts") {
            settings.insert("log-driver".to_owned(), json!("json-file"));
            settings.insert("log-opts".to_owned(), json!({ "max-size": "10m", "max-file": "3" }));
        }
        if self.ulimits {
            let nofile = json!({ "Name": "nofile", "Soft": 1024, "Hard": 524_288 });
            settings.insert("default-ulimits".to_owned(), json!({ "nofile": nofile }));
        }
        settings.extend(site);
        Ok(settings)
    }
}

fn file(path: PathBuf) -> Result<Map<String, Value>, DaemonError> {
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes));
    match read {
        Err(source) => return Err(DaemonError::Access { path, source }),
        Ok(_) if bytes.len() as u64 > LIMIT => return Err(DaemonError::Large { path, limit: LIMIT }),
        Ok(_) => {}
    }
    match serde_json::from_slice(&bytes) {
        Ok(value) => object(value).map_err(|fault| DaemonError::Refused { path, fault }),
        Err(source) => Err(DaemonError::Json { path, source }),
    }
}

/// Makes settings of JSON; the fault reads on after their name.
fn object(value: Value) -> Result<Map<String, Value>, &'static str> {
    let Value::Object(settings) = value else { return Err("is no JSON object: settings stand between `{` and `}`") };
    match settings.contains_key("hosts") {
        true => {
            Err("has `hosts`, with which the engine does not start as a service: its socket comes from docker.socket")
        }
        false => Ok(settings),
    }
}

pub(super) fn read<'d>(reader: &mut Reader<'d>, document: &'d DeTable<'d>) -> Daemon {
    let (section, base) = (reader.section(document, "daemon"), Daemon::default());
    let file = reader.value(&section, "file", not_empty).map(|path| Site::File(reader.folder.join(path)));
    let mut site = file.unwrap_or(Site::Nothing);
    if let Some((line, value)) = reader.find(&section, "json") {
        let settings = match value {
            DeValue::String(text) => serde_json::from_str(text).map_err(|fault| format!("is no JSON: {fault}")),
            DeValue::Table(_) => json(value),
            _ => Err("takes a section of settings, or JSON as text".to_owned()),
        };
        match settings.and_then(|value| object(value).map_err(str::to_owned)) {
            Ok(_) if site != Site::Nothing => {
                reader.refuse(line, &section, "json", "only one of `file` and `json` can be given");
            }
            Ok(settings) => site = Site::Settings(settings),
            Err(reason) => reader.fault(line, Reason::Value { key: section.key("json"), reason }),
        }
    }
    Daemon {
        site,
        live_restore: reader.switch(&section, "live_restore").unwrap_or(base.live_restore),
        log_rotation: reader.switch(&section, "log_rotation").unwrap_or(base.log_rotation),
        ulimits: reader.switch(&section, "ulimits").unwrap_or(base.ulimits),
    }
}

/// Makes JSON of TOML. The parser bounds how deep it goes.
fn json(value: &DeValue) -> Result<Value, String> {
    Ok(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(is_on) => Value::Bool(*is_on),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(Value::from)
            .map_err(|_| format!("{} is no number of JSON", number.as_str()))?,
        DeValue::Float(number) => {
            let float = number.as_str().parse().ok().and_then(serde_json::Number::from_f64);
            Value::Number(float.ok_or_else(|| format!("{} is no number of JSON", number.as_str()))?)
        }
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(array) => {
            Value::Array(array.iter().map(|value| json(value.get_ref())).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => {
            let entry = |(key, value): (&toml::Spanned<toml::de::DeString>, &toml::Spanned<DeValue>)| {
                Ok((key.get_ref().to_string(), json(value.get_ref())?))
            };
            Value::Object(table.iter().map(entry).collect::<Result<_, String>>()?)
        }
    })
}
