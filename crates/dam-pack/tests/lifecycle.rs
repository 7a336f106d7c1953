//! What the scripts do on a machine: every event, in both formats, under every condition, against one table.
//!
//! The scripts are called in the order of the package tools:
//! - dpkg: <https://www.debian.org/doc/debian-policy/ch-maintainerscripts.html>, 6.5 (what each word means), 6.6 (install,
//!   upgrade, and what is called when a step fails), 6.8 (remove and purge), and `deb-postinst(5)` and its like.
//! - RPM: <https://docs.fedoraproject.org/en-US/packaging-guidelines/Scriptlets/>, "Scriptlet Ordering", and `lib/psm.c` of
//!   RPM: `$1` counts the packages of the name once the step is over; one with the version that is there already comes
//!   as an upgrade whose old package has no turn of its own; `%posttrans` gets 0.

mod engine;
#[allow(dead_code, reason = "each test file uses a part of the machine")]
mod machine;

use std::{mem, thread};

use dam_pack::Format;

use engine::lifecycle;
use machine::{After, Machine, calls};

/// What happens to the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// It comes for the first time.
    Install,
    /// It comes again after it was removed, but not purged.
    Return,
    /// The version that is there comes again.
    Reinstall,
    /// Version 2 comes.
    Upgrade,
    /// Version 2 is there, version 1 comes.
    Downgrade,
    /// It goes.
    Remove,
    /// It goes, and all that nobody has written himself.
    Purge,
    /// An installation fails before the files are there.
    AbortInstall,
    /// An upgrade fails before the files are there.
    AbortUpgrade,
    /// A removal fails half-way.
    AbortRemove,
    /// It should be set aside for another package, and then is not.
    AbortDeconfigure,
}

/// Whether something starts services here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Systemd {
    /// systemd runs.
    Runs,
    /// systemd runs, and policy-rc.d denies everything, as in a container with systemd in it.
    Denied,
    /// A chroot, or an image that is built: no systemd runs.
    Absent,
    /// The same with a policy-rc.d, as `docker build` and debootstrap have it.
    AbsentAndDenied,
}

/// What has become of `daemon.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Config {
    Untouched,
    Edited,
    Deleted,
}

/// The conditions of an event.
#[derive(Debug, Clone, Copy)]
struct Conditions {
    systemd: Systemd,
    opted_out: bool,
    config: Config,
}

const EVENTS: [Event; 11] = [
    Event::Install,
    Event::Return,
    Event::Reinstall,
    Event::Upgrade,
    Event::Downgrade,
    Event::Remove,
    Event::Purge,
    Event::AbortInstall,
    Event::AbortUpgrade,
    Event::AbortRemove,
    Event::AbortDeconfigure,
];

/// What becomes of the services: where systemd runs; where the admin opted out of restarts; where a policy denies; where
/// no systemd runs. Before the event the services run where they can, whoever started them.
#[rustfmt::skip]
const SERVICES: [(Event, [&str; 4]); 11] = [
    (Event::Install,          ["enabled, started",      "enabled, started",      "enabled, stopped",   "enabled, stopped"]),
    (Event::Return,           ["enabled, started",      "enabled, started",      "enabled, stopped",   "enabled, stopped"]),
    (Event::Reinstall,        ["enabled, restarted",    "enabled, untouched",    "enabled, untouched", "enabled, stopped"]),
    (Event::Upgrade,          ["enabled, restarted",    "enabled, untouched",    "enabled, untouched", "enabled, stopped"]),
    (Event::Downgrade,        ["enabled, restarted",    "enabled, untouched",    "enabled, untouched", "enabled, stopped"]),
    (Event::Remove,           ["disabled, stopped",     "disabled, stopped",     "disabled, untouched","disabled, stopped"]),
    (Event::Purge,            ["disabled, stopped",     "disabled, stopped",     "disabled, untouched","disabled, stopped"]),
    (Event::AbortInstall,     ["disabled, stopped",     "disabled, stopped",     "disabled, stopped",  "disabled, stopped"]),
    (Event::AbortUpgrade,     ["enabled, untouched",    "enabled, untouched",    "enabled, untouched", "enabled, stopped"]),
    (Event::AbortRemove,      ["enabled, started again","enabled, started again","enabled, untouched", "enabled, stopped"]),
    (Event::AbortDeconfigure, ["enabled, untouched",    "enabled, untouched",    "enabled, untouched", "enabled, stopped"]),
];

/// What becomes of `daemon.json` that nobody touched; that the admin wrote; that he deleted. Before an installation there
/// is either his own, or none.
#[rustfmt::skip]
const CONFIGS: [(Event, [&str; 3]); 11] = [
    (Event::Install,          ["version 1", "mine", "version 1"]),
    (Event::Return,           ["version 1", "mine", "version 1"]),
    (Event::Reinstall,        ["version 1", "mine", "absent"]),
    (Event::Upgrade,          ["version 2", "mine", "absent"]),
    (Event::Downgrade,        ["version 1", "mine", "absent"]),
    (Event::Remove,           ["version 1", "mine", "absent"]),
    (Event::Purge,            ["absent",    "mine", "absent"]),
    (Event::AbortInstall,     ["absent",    "mine", "absent"]),
    (Event::AbortUpgrade,     ["version 1", "mine", "absent"]),
    (Event::AbortRemove,      ["version 1", "mine", "absent"]),
    (Event::AbortDeconfigure, ["version 1", "mine", "absent"]),
];

#[test]
fn deb_and_rpm_do_the_same_at_every_event() {
    let halves = [Format::Deb, Format::Rpm].map(|format| {
        thread::spawn(move || {
            let machine = Machine::new(format, &lifecycle());
            EVENTS.iter().map(|event| events(&machine, *event)).sum::<usize>()
        })
    });
    let cases = halves.map(|half| half.join().expect("holds"));
    assert_eq!(cases, [11 * 4 * 2 * 3, 7 * 4 * 2 * 3]);
}

/// Runs an event under all conditions, and returns how many; RPM has no words for some events.
fn events(machine: &Machine, event: Event) -> usize {
    let Some(steps) = steps(machine.format(), event) else { return 0 };
    let mut cases = 0;
    for (column, systemd) in
        [Systemd::Runs, Systemd::Denied, Systemd::Absent, Systemd::AbsentAndDenied].into_iter().enumerate()
    {
        for opted_out in [false, true] {
            for (config_column, config) in [Config::Untouched, Config::Edited, Config::Deleted].into_iter().enumerate()
            {
                let conditions = Conditions { systemd, opted_out, config };
                let after = {
                    let (before, conditions) = story(machine.format(), event, conditions);
                    machine.run_after(&before, &format!("{conditions}{}{steps}", Machine::MARK))
                };
                let column = [usize::from(opted_out), 2, 3, 3][column];
                let services = SERVICES.iter().find(|row| row.0 == event).expect("a row").1[column];
                let config = CONFIGS.iter().find(|row| row.0 == event).expect("a row").1[config_column];
                let group = if event == Event::AbortInstall { "no group" } else { "group" };
                let expected = (true, services.to_owned(), config.to_owned(), group);
                let about = format!("{:?}: {event:?}, {conditions:?}: {after:#?}", machine.format());
                assert_eq!(outcome(&after), expected, "{about}");
                assert_eq!(after.file("/var/lib/docker/data").as_deref(), Some("precious\n"), "{about}");
                assert_eq!(after.file("/var/lib/dam-docker/event"), None, "{about}");
                cases += 1;
            }
        }
    }
    cases
}

/// Tells an outcome in the words of the tables.
fn outcome(after: &After) -> (bool, String, String, &'static str) {
    let both = |is: &dyn Fn(&str) -> bool| match (is("docker.service"), is("docker.socket")) {
        (true, true) => true,
        (false, false) => false,
        halves => panic!("the service and its socket differ: {halves:?}: {after:#?}"),
    };
    let done: Vec<&str> = after.done.iter().map(String::as_str).collect();
    let service = match (both(&|unit| after.active(unit)), done.as_slice()) {
        (true, ["started docker.socket", "started docker.service"]) => "started",
        (true, ["restarted docker.service"]) => "restarted",
        (true, []) => "untouched",
        (
            true,
            ["stopped docker.service", "stopped docker.socket", "started docker.service", "started docker.socket"],
        ) => "started again",
        (false, [] | ["stopped docker.service", "stopped docker.socket"]) => "stopped",
        other => panic!("{other:?}: {after:#?}"),
    };
    let enabled = if both(&|unit| after.enabled(unit)) { "enabled" } else { "disabled" };
    let config = after.file("/etc/docker/daemon.json").map_or("absent".to_owned(), |text| {
        let words = text.trim().trim_start_matches("{ \"from\": \"").trim_end_matches("\" }");
        words.to_owned()
    });
    let group =
        if after.file("/etc/group").is_some_and(|text| text.contains("docker:x:")) { "group" } else { "no group" };
    (after.success, format!("{enabled}, {service}"), config, group)
}

/// Tells what was before an event, and how the conditions came about.
fn story(format: Format, event: Event, conditions: Conditions) -> (String, String) {
    let mut story = String::from("mkdir -p /var/lib/docker; echo precious >/var/lib/docker/data\n");
    let Conditions { systemd, opted_out, config } = conditions;
    if matches!(systemd, Systemd::Runs | Systemd::Denied) {
        story += "mkdir -p /run/systemd/system\n";
    }
    if matches!(systemd, Systemd::Denied | Systemd::AbsentAndDenied) {
        story += "printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d\n";
    }
    let fresh = matches!(event, Event::Install | Event::AbortInstall);
    if !fresh {
        let first = calls(format, &install_steps(format, "1"));
        story += &if event == Event::Downgrade { first.replace("unpack 1", "unpack 2") } else { first };
        if matches!(systemd, Systemd::Runs | Systemd::Denied) {
            story += "for unit in service socket; do : >/machine/active/docker.$unit; done\n";
        }
        if event == Event::Return {
            story += &self::steps(format, Event::Remove).expect("both remove");
            story += "rm -f /machine/active/*\n";
        }
    }
    let before = mem::take(&mut story);
    match config {
        Config::Untouched => {}
        Config::Edited => story += "mkdir -p /etc/docker; echo mine >/etc/docker/daemon.json\n",
        Config::Deleted => story += "rm -f /etc/docker/daemon.json\n",
    }
    if opted_out {
        story += "mkdir -p /etc/dam-docker; : >/etc/dam-docker/no-restart\n";
    }
    if event == Event::Purge && format == Format::Rpm {
        story += "mkdir -p /etc/dam-docker; : >/etc/dam-docker/purge\n";
    }
    (before, story)
}

/// Returns how a version comes where none is.
fn install_steps(format: Format, version: &str) -> Vec<&'static str> {
    let unpack = if version == "1" { "unpack 1" } else { "unpack 2" };
    match format {
        Format::Deb => vec!["preinst install", unpack, "postinst configure ''"],
        Format::Rpm => vec!["pre 1", unpack, "post 1", "posttrans 0"],
    }
}

/// Returns how the package tool calls the scripts, and none if it has no such event.
fn steps(format: Format, event: Event) -> Option<String> {
    let change = |version: &'static str| match format {
        Format::Deb => {
            vec!["prerm upgrade X", "preinst upgrade X", version, "postrm upgrade X", "postinst configure X"]
        }
        Format::Rpm => vec!["pre 2", version, "post 2", "preun 1", "postun 1", "posttrans 0"],
    };
    let steps = match (event, format) {
        (Event::Install, _) => install_steps(format, "1"),
        (Event::Return, Format::Deb) => vec!["preinst install X", "unpack 1", "postinst configure X"],
        (Event::Return, Format::Rpm) => install_steps(format, "1"),
        (Event::Reinstall, Format::Rpm) => vec!["pre 2", "unpack 1", "post 2", "posttrans 0"],
        (Event::Reinstall | Event::Downgrade, _) => change("unpack 1"),
        (Event::Upgrade, _) => change("unpack 2"),
        (Event::Remove, Format::Deb) => vec!["prerm remove", "delete", "postrm remove"],
        (Event::Purge, Format::Deb) => vec!["prerm remove", "delete", "postrm remove", "postrm purge"],
        (Event::Remove | Event::Purge, Format::Rpm) => vec!["preun 0", "delete", "postun 0"],
        (Event::AbortInstall, Format::Deb) => vec!["preinst install", "postrm abort-install"],
        (Event::AbortUpgrade, Format::Deb) => {
            vec!["prerm upgrade X", "preinst upgrade X", "postrm abort-upgrade X", "postinst abort-upgrade X"]
        }
        (Event::AbortRemove, Format::Deb) => {
            vec!["prerm remove in-favour other 1", "postinst abort-remove in-favour other 1"]
        }
        (Event::AbortDeconfigure, Format::Deb) => {
            vec!["prerm deconfigure in-favour other 1", "postinst abort-deconfigure in-favour other 1"]
        }
        (Event::AbortInstall | Event::AbortUpgrade | Event::AbortRemove | Event::AbortDeconfigure, Format::Rpm) => {
            return None;
        }
    };
    Some(calls(format, &steps))
}
