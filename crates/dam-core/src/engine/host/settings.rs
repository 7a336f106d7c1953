//! The engine's settings, and the unit that starts it.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::{EngineFinding, Look};

/// Where dockerd reads its settings.
const FILE: &str = "/etc/docker/daemon.json";
/// Where units are, the stronger first.
const UNITS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/// What of the engine's settings matters here.
///
/// Source: <https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// Whether the engine sets the firewall.
    pub(super) sets_firewall: bool,
    /// Whether it does so with `nft`.
    pub(super) nftables: bool,
    /// Whether rules for what passes a bridge are wanted: containers must not talk to each other, or reach published ports
    /// without docker-proxy.
    pub(super) filters_bridges: bool,
    /// The storage driver, if they name one.
    pub(super) driver: Option<String>,
    /// Whether containers run on while the engine restarts.
    live_restore: bool,
    /// The engine's data folder.
    pub(super) data: PathBuf,
    /// Whether they say where it listens.
    hosts: bool,
}

impl Settings {
    /// Reads the settings; what cannot be read is as by default, and told.
    pub(super) fn read(look: &Look, findings: &mut Vec<EngineFinding>) -> Self {
        let text = look.text(FILE).unwrap_or_default();
        // dockerd takes an empty file for none.
        let read = if text.trim().is_empty() { Ok(Map::new()) } else { object(&text) };
        let object = read.unwrap_or_else(|reason| {
            findings.push(EngineFinding::SettingsDamaged { path: FILE.into(), reason });
            Map::new()
        });
        let word = |key: &str| object.get(key).and_then(Value::as_str);
        let folder = word("data-root").or_else(|| word("graph")).filter(|path| path.starts_with('/'));
        let is = |key: &str, value: bool| object.get(key) == Some(&Value::Bool(value));
        Self {
            sets_firewall: !is("iptables", false),
            filters_bridges: is("icc", false) || is("userland-proxy", false),
            nftables: word("firewall-backend") == Some("nftables"),
            driver: word("storage-driver").map(str::to_owned),
            live_restore: is("live-restore", true),
            data: folder.unwrap_or("/var/lib/docker").into(),
            hosts: object.contains_key("hosts"),
        }
    }
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("it is no JSON object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Looks at settings that keep a machine from its swarm.
pub(super) fn examine_swarm(look: &Look, settings: &Settings, findings: &mut Vec<EngineFinding>) {
    let state = settings.data.join("swarm/docker-state.json");
    if !look.exists(&state.to_string_lossy()) {
        return;
    }
    let bad = [("live-restore", settings.live_restore), ("firewall-backend", settings.nftables)];
    for (setting, _) in bad.into_iter().filter(|(_, set)| *set) {
        findings.push(EngineFinding::NotInSwarm { path: FILE.into(), setting: setting.to_owned() });
    }
}

/// Looks at what the unit needs and at what it says.
pub(super) fn examine(look: &Look, settings: &Settings, findings: &mut Vec<EngineFinding>) {
    let Some(unit) = unit_file(look, "docker.service") else { return };
    if settings.hosts
        && let Some(unit) = host_given_by(look, unit)
    {
        findings.push(EngineFinding::HostsTwice { path: FILE.into(), unit: unit.into() });
    }
    let mut group = false;
    let read = look.lines("/etc/group", |line| {
        group = line.starts_with("docker:");
        !group
    });
    // The group may be in no file, but in a directory of the network: a socket that is there proves it.
    if read && !group && socket_wants_group(look) && !look.exists("/run/docker.sock") {
        findings.push(EngineFinding::NoDockerGroup);
    }
}

fn unit_file(look: &Look, name: &str) -> Option<String> {
    UNITS.iter().map(|folder| format!("{folder}/{name}")).find(|file| look.exists(file))
}

fn socket_wants_group(look: &Look) -> bool {
    let text = unit_file(look, "docker.socket").and_then(|file| look.text(&file));
    text.is_some_and(|text| text.lines().any(|line| line.trim() == "SocketGroup=docker"))
}

/// Returns the file by which dockerd is started with a host of its own: the unit, or what an admin put over it.
fn host_given_by(look: &Look, unit: String) -> Option<String> {
    // Of files with one name the stronger folder's counts, and all are read in the order of their names.
    let mut drop_ins: Vec<(String, String)> = Vec::new();
    for folder in UNITS {
        let folder = format!("{folder}/docker.service.d");
        for name in look.names(&folder).into_iter().filter(|name| name.ends_with(".conf")) {
            if !drop_ins.iter().any(|(known, _)| *known == name) {
                drop_ins.push((name.clone(), format!("{folder}/{name}")));
            }
        }
    }
    drop_ins.sort();
    let mut given = None;
    for file in std::iter::once(unit).chain(drop_ins.into_iter().map(|(_, file)| file)) {
        let text = look.text(&file).unwrap_or_default();
        let text = text.replace("\\\n", " ");
        for command in text.lines().filter_map(|line| line.trim().strip_prefix("ExecStart=")) {
            let host = |word: &str| word.starts_with("-H") || word == "--host" || word.starts_with("--host=");
            given = command.split_whitespace().any(host).then(|| file.clone());
        }
    }
    given
}
