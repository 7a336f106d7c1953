//! The rendered scripts as text: what is in them, and that a shell linter has nothing to say.

mod engine;

use std::process::Command;

use dam_pack::lifecycle::{Lifecycle, Service};
use dam_pack::{Content, DebScript, EntryKind, RpmScript};

/// A package that brings files alone needs no script but the one that deletes the scripts' notes.
#[test]
fn a_package_without_services_has_next_to_no_scripts() {
    let quiet = Lifecycle {
        groups: vec![],
        configs: vec![],
        services: vec![],
        labels: None,
        disarm: vec![],
        ..engine::lifecycle()
    };
    let scripts = quiet.scripts();
    assert_eq!(scripts.deb.keys().collect::<Vec<_>>(), [&DebScript::Postrm]);
    assert_eq!(scripts.rpm.keys().collect::<Vec<_>>(), [&RpmScript::Postun]);
    assert!(scripts.rpm_triggers.is_empty());
    assert_eq!(quiet.preset(), None);
}

#[test]
fn the_preset_enables_what_the_recipe_enables() {
    let engine = engine::lifecycle();
    let text = |lifecycle: &Lifecycle| match lifecycle.preset().expect("has services").kind {
        EntryKind::File { content: Content::Bytes(bytes), .. } => String::from_utf8(bytes).expect("text"),
        other => panic!("{other:?}"),
    };
    assert_eq!(engine.preset().expect("one").path.as_str(), "/usr/lib/systemd/system-preset/50-dam-docker.preset");
    assert_eq!(text(&engine), "enable docker.socket\nenable docker.service\n");
    let services = engine.services.iter().map(|service| Service { enable: false, ..service.clone() }).collect();
    assert_eq!(text(&Lifecycle { services, ..engine }), "disable docker.socket\ndisable docker.service\n");
}

/// The shortest of the scripts, whole: what an admin reads with `rpm -q --scripts`.
#[test]
fn a_script_reads_from_top_to_bottom() {
    let scripts = engine::lifecycle().scripts();
    assert_eq!(
        scripts.deb[&DebScript::Preinst],
        r#"#!/bin/sh
# dam-docker: before its files come.
set -e
umask 022
package=dam-docker
state=/var/lib/dam-docker

# Tells the admin.
say() {
    echo "$package: $*" >&2
}

# Notes what happens, "install" or "upgrade", for the script that comes after this one.
note_event() {
    mkdir -p "$state"
    echo "$1" >"$state/event"
}

case "$1" in
install | upgrade)
    note_event "$1"
    ;;
abort-upgrade) ;;
*)
    say "preinst is called with the unknown word $1"
    exit 1
    ;;
esac
"#
    );
}

/// Every script of every kind of life cycle is clean for dash, the poorest shell that is `/bin/sh` anywhere.
#[test]
fn shellcheck_has_nothing_to_say() {
    if Command::new("shellcheck").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temp folder");
    let engine = engine::lifecycle();
    let disabled = Service { enable: false, start: false, ..engine.services[0].clone() };
    let kinds = [engine.clone(), Lifecycle { services: vec![disabled], configs: vec![], labels: None, ..engine }];
    let mut files = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        let scripts = kind.scripts();
        let deb = scripts.deb.iter().map(|(place, text)| (format!("{index}-{place:?}"), text));
        let rpm = scripts.rpm.iter().map(|(place, text)| (format!("{index}-{place:?}.rpm"), text));
        let triggers = scripts.rpm_triggers.iter().map(|(package, text)| (format!("{index}-{package}.rpm"), text));
        for (name, text) in deb.chain(rpm).chain(triggers) {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            files.push(path);
        }
    }
    let output = Command::new("shellcheck").args(["--shell=dash", "--format=gcc"]).args(&files).output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert!(output.status.success());
}
