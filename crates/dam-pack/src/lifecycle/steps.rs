//! The steps of a life cycle as lines of shell, in which `$event` is `install` or `upgrade`.

use super::shell::{indented, word, words};
use super::{Config, Lifecycle, Restart, Service, UnitName};

/// After the files came: what must be true before a unit starts.
pub(super) fn arrive(lifecycle: &Lifecycle) -> Vec<String> {
    let groups = lifecycle.groups.iter().map(|group| format!("create_group {group}"));
    let configs = lifecycle.configs.iter().map(|config| {
        let Config { path, mode, template, check } = config;
        let check: String = check.iter().map(|part| format!(" {}", word(part))).collect();
        format!("place_config \"$event\" {} {mode:04o} {}{check}", word(path.as_str()), word(template.as_str()))
    });
    let labels = lifecycle.labels.iter().filter(|labels| !labels.paths.is_empty());
    let labels = labels.map(|labels| format!("relabel {}", words(labels.paths.iter().map(|path| path.as_str()))));
    let disarm = lifecycle.disarm.iter().map(|script| format!("disarm {}", word(script.as_str())));
    groups.chain(configs).chain(labels).chain(disarm).collect()
}

/// Once nothing else comes or goes: units are enabled, then started or restarted.
pub(super) fn settle(lifecycle: &Lifecycle) -> Vec<String> {
    if lifecycle.services.is_empty() {
        return Vec::new();
    }
    let enable = lifecycle.services.iter().flat_map(|service| {
        let step = if service.enable { "enable_unit" } else { "know_unit" };
        service.units().map(move |unit| format!("{step} \"$event\" {unit}"))
    });
    let mut lines: Vec<String> = enable.chain(["reload_units".to_owned()]).collect();
    lines.extend(block("if [ \"$event\" = install ]; then", &start(lifecycle)));
    lines.extend(block("if [ \"$event\" = upgrade ]; then", &restart(lifecycle)));
    lines
}

/// Before the files go.
pub(super) fn leave(lifecycle: &Lifecycle) -> Vec<String> {
    with_units(lifecycle, "retire_units")
}

/// After the files went: what systemd and Debian's helper are told.
pub(super) fn gone(lifecycle: &Lifecycle) -> Vec<String> {
    let mut lines = with_units(lifecycle, "mask_units");
    if !lines.is_empty() {
        lines.push("reload_units".to_owned());
    }
    lines.push("forget_removal".to_owned());
    lines
}

/// When the admin wants nothing left but data.
pub(super) fn purge(lifecycle: &Lifecycle) -> Vec<String> {
    let configs = lifecycle.configs.iter().map(|config| format!("remove_config {}", word(config.path.as_str())));
    let units = with_units(lifecycle, "forget_units");
    configs.chain(units).chain(["forget_all".to_owned()]).collect()
}

/// The services that are started when they come.
fn start(lifecycle: &Lifecycle) -> Vec<String> {
    let started = lifecycle.services.iter().filter(|service| service.start);
    let units: Vec<&str> = started.flat_map(Service::units).map(UnitName::as_str).collect();
    if units.is_empty() { Vec::new() } else { vec![format!("start_units {}", units.join(" "))] }
}

/// The services that are restarted when the package changes.
fn restart(lifecycle: &Lifecycle) -> Vec<String> {
    let mut lines = Vec::new();
    for service in &lifecycle.services {
        let Restart::IfActive { survival } = &service.restart else { continue };
        let mut wanted = format!("if restart_wanted {}", service.unit);
        for Config { path, check, .. } in lifecycle.configs.iter().filter(|config| !config.check.is_empty()) {
            wanted += &format!(
                " &&\n    config_accepted {} {}",
                word(path.as_str()),
                words(check.iter().map(String::as_str))
            );
        }
        let mut inside = Vec::new();
        if let Some(survival) = survival {
            inside.push(format!("if ! {{ {}; }}; then", survival.check));
            inside.push(format!("    say {}", word(&format!("{} restarts: {}", service.unit, survival.loss))));
            inside.push("fi".to_owned());
        }
        inside.push(format!("act try-restart {}", service.unit));
        lines.extend(block(&format!("{wanted}; then"), &inside));
    }
    lines
}

/// Returns one step for all units, the services first, so that none is woken again by its socket.
fn with_units(lifecycle: &Lifecycle, step: &str) -> Vec<String> {
    let units = lifecycle.services.iter().flat_map(|service| [&service.unit].into_iter().chain(&service.companions));
    let units: Vec<&str> = units.map(UnitName::as_str).collect();
    if units.is_empty() { Vec::new() } else { vec![format!("{step} {}", units.join(" "))] }
}

/// Returns lines in an `if`, and nothing around nothing.
pub(super) fn block(condition: &str, inside: &[String]) -> Vec<String> {
    if inside.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![condition.to_owned()];
    lines.extend(indented(inside));
    lines.push("fi".to_owned());
    lines
}
