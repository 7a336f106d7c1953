//! The service: units, settings, and what happens when the package comes and goes.

use dam_pack::lifecycle::{Config, Labels, Lifecycle, Restart, Service, Survival};
use dam_pack::{Entry, EntryKind, Format, Role};
use serde_json::Value;

use super::{only, path, text_file};
use crate::engine::recipe::{self, Recipe};
use crate::engine::{Parts, host};

/// The units, for both formats. Each has its own folder for them: `deb-systemd-helper` of Ubuntu 16.04 sees units in
/// `/lib` only, and there are no links between `/lib` and `/usr/lib` on Debian before 12, nor others on RPM's systems.
const UNITS: [(&str, &str); 2] = [
    ("docker.service", include_str!("../../../assets/engine/docker.service")),
    ("docker.socket", include_str!("../../../assets/engine/docker.socket")),
];

/// The first version whose `dockerd` checks its settings without starting:
/// <https://docs.docker.com/engine/release-notes/23.0/>.
const VALIDATES: u32 = 23;

/// How it is asked. It looks for docker-proxy on the search path, and takes no settings at all where there is none.
const VALIDATE: [&str; 5] = [
    "/usr/bin/env",
    "PATH=/usr/libexec/docker:/usr/sbin:/usr/bin:/sbin:/bin",
    "/usr/bin/dockerd",
    "--validate",
    "--config-file",
];

/// Succeeds if containers live through a restart, or none runs. The engine of this machine is asked, whatever root's
/// environment says, and one that hangs is not waited for.
const SURVIVAL: &str = "timeout 20 /usr/bin/docker --host unix:///run/docker.sock info \\\n    \
    --format '{{.LiveRestoreEnabled}} {{.ContainersRunning}}' 2>/dev/null | grep -q -e ^true -e ' 0$'";

/// Returns what should be true on a machine while the package is there.
pub fn lifecycle(recipe: &Recipe, engine: &str) -> Lifecycle {
    let name = |text: &str| text.parse().expect("it is a unit");
    let restart = match recipe.service.restart {
        recipe::Restart::Never => Restart::Never,
        recipe::Restart::IfActive => Restart::IfActive {
            survival: Some(Survival {
                check: SURVIVAL.to_owned(),
                loss: "containers stop, for live-restore is off".to_owned(),
            }),
        },
    };
    let check: &[&str] = if can_validate(engine) { &VALIDATE } else { &[] };
    Lifecycle {
        package: recipe.name.clone(),
        groups: vec!["docker".parse().expect("it is a group")],
        configs: vec![Config {
            path: path("/etc/docker/daemon.json"),
            mode: 0o644,
            template: path(&template(recipe)),
            check: check.iter().map(|word| (*word).to_owned()).collect(),
        }],
        services: vec![Service {
            unit: name("docker.service"),
            companions: vec![name("docker.socket")],
            enable: recipe.service.enable,
            start: recipe.service.start,
            restart,
        }],
        labels: Some(Labels {
            paths: ["/usr/bin/docker", "/usr/bin/dockerd", "/usr/libexec/docker", "/etc/docker"].map(path).to_vec(),
            policy: "container-selinux".parse().expect("it is a name"),
            data: vec![path("/var/lib/docker")],
        }),
        // Debian's docker.io puts it there when it goes, and calls it when it is purged: `rm -rf /var/lib/docker/*`.
        disarm: vec![path("/var/lib/docker/nuke-graph-directory.sh")],
    }
}

/// Tells whether an engine of that version can check its settings.
pub(crate) fn can_validate(engine: &str) -> bool {
    engine.split('.').next().and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major >= VALIDATES)
}

/// Returns the units, the settings' template, and what tells systemd of both.
pub(super) fn entries(recipe: &Recipe, parts: &Parts, lifecycle: &Lifecycle) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (name, text) in UNITS {
        for (format, folder) in [(Format::Deb, "/lib"), (Format::Rpm, "/usr/lib")] {
            entries.push(only(format, text_file(&format!("{folder}/systemd/system/{name}"), text, Role::Plain)));
        }
    }
    let settings = serde_json::to_string_pretty(&Value::Object(parts.settings.clone())).expect("text has no limits");
    entries.push(text_file(&template(recipe), settings + "\n", Role::Plain));
    entries.push(Entry { path: path("/etc/docker"), kind: EntryKind::Folder { mode: 0o755 }, only: Vec::new() });
    let modules = format!("/usr/lib/modules-load.d/{}.conf", recipe.name);
    entries.push(text_file(&modules, host::modules_load(), Role::Plain));
    entries.extend(lifecycle.preset());
    entries
}

fn template(recipe: &Recipe) -> String {
    format!("/usr/share/{}/daemon.json", recipe.name)
}
