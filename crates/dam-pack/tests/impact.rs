//! What two packages tell of an upgrade between them.

mod engine;

use dam_pack::impact::{Fate, Impact, upgrade};
use dam_pack::lifecycle::{Lifecycle, Restart, Service};
use dam_pack::{EntryView, Format, KindView, PackageView, RoleView, ScriptView};

/// Returns a package of files, each by its path and a byte that stands for its content, and of scripts by their places.
fn package(format: Format, files: &[(&str, u8)], scripts: &[(&str, &str)]) -> PackageView {
    let entry = |(path, byte): &(&str, u8)| EntryView {
        path: (*path).to_owned(),
        kind: KindView::File { size: 1, sha256: Some([*byte; 32]) },
        mode: if path.contains("/bin/") { 0o755 } else { 0o644 },
        owner: "root".to_owned(),
        group: "root".to_owned(),
        time: 0,
        role: RoleView::Plain,
    };
    let script = |(place, text): &(&str, &str)| ScriptView {
        place: (*place).to_owned(),
        interpreter: "/bin/sh".to_owned(),
        text: (*text).to_owned(),
    };
    PackageView {
        format,
        name: "engine".to_owned(),
        version: "1".to_owned(),
        architecture: "amd64".to_owned(),
        summary: String::new(),
        description: String::new(),
        fields: Vec::new(),
        relations: Default::default(),
        entries: files.iter().map(entry).collect(),
        scripts: scripts.iter().map(script).collect(),
        changelog: Vec::new(),
        constructs: Vec::new(),
    }
}

/// Returns an engine package with the scripts of a life cycle.
fn engine(format: Format, lifecycle: &Lifecycle, files: &[(&str, u8)]) -> PackageView {
    let scripts = lifecycle.scripts();
    let deb = scripts.deb.iter().map(|(place, text)| (format!("{place:?}").to_lowercase(), text.clone()));
    let rpm = scripts.rpm.iter().map(|(place, text)| (format!("{place:?}").to_lowercase(), text.clone()));
    let scripts: Vec<(String, String)> = if format == Format::Deb { deb.collect() } else { rpm.collect() };
    let scripts: Vec<(&str, &str)> = scripts.iter().map(|(place, text)| (place.as_str(), text.as_str())).collect();
    package(format, files, &scripts)
}

fn fates(impact: &Impact) -> Vec<(&str, &Fate)> {
    impact.units.iter().map(|(unit, fate)| (unit.as_str(), fate)).collect()
}

#[test]
fn an_engine_package_tells_what_restarts_and_what_prevents_it() {
    for (format, by, folder) in
        [(Format::Deb, "postinst", "/lib/systemd/system"), (Format::Rpm, "posttrans", "/usr/lib/systemd/system")]
    {
        let (service, socket) = (format!("{folder}/docker.service"), format!("{folder}/docker.socket"));
        let files =
            |byte| [(service.as_str(), byte), (socket.as_str(), 1), ("/usr/bin/dockerd", byte), ("/usr/bin/docker", 1)];
        let lifecycle = engine::lifecycle();
        let impact = upgrade(&engine(format, &lifecycle, &files(1)), &engine(format, &lifecycle, &files(2)));
        let restarts = Fate::Restarts {
            by: by.to_owned(),
            opt_out: Some("/etc/dam-docker/no-restart".to_owned()),
            loss: Some("containers stop, for live-restore is off".to_owned()),
        };
        assert_eq!(fates(&impact), [("docker.service", &restarts), ("docker.socket", &Fate::RunsOn)]);
        assert_eq!(impact.changed_units, ["docker.service"]);
        assert_eq!(impact.changed_programs, ["/usr/bin/dockerd"]);
    }
}

#[test]
fn a_package_that_restarts_nothing_tells_so() {
    let engine_lifecycle = engine::lifecycle();
    let quiet = Service { restart: Restart::Never, ..engine_lifecycle.services[0].clone() };
    let quiet = Lifecycle { services: vec![quiet], ..engine_lifecycle };
    for format in [Format::Deb, Format::Rpm] {
        let view = engine(format, &quiet, &[("/usr/lib/systemd/system/docker.service", 1)]);
        let impact = upgrade(&view, &view);
        assert_eq!(fates(&impact), [("docker.service", &Fate::RunsOn)]);
        assert_eq!((impact.changed_units.len(), impact.changed_programs.len()), (0, 0));
    }
}

/// What dh_installsystemd writes, and what RPM's macros became on EL 7 and on Fedora: there the old package restarts.
#[test]
fn scripts_of_others_are_understood() {
    let debhelper = "if [ -n \"$2\" ]; then\n\t_dh_action=restart\nelse\n\t_dh_action=start\nfi\n\
                     deb-systemd-invoke $_dh_action 'docker.service' 'docker.socket' >/dev/null || true\n";
    let el7 = "if [ $1 -ge 1 ] ; then\n  systemctl try-restart docker.service >/dev/null 2>&1 || :\nfi\n";
    let fedora = "/usr/lib/systemd/systemd-update-helper mark-restart-system-units docker.service || :\n";
    let files = [("/lib/systemd/system/docker.service", 1), ("/lib/systemd/system/docker.socket", 1)];
    let restarts = |by: &str| Fate::Restarts { by: by.to_owned(), opt_out: None, loss: None };

    let deb = package(Format::Deb, &files, &[("postinst", debhelper)]);
    let both = [("docker.service", &restarts("postinst")), ("docker.socket", &restarts("postinst"))];
    assert_eq!(fates(&upgrade(&package(Format::Deb, &files, &[]), &deb)), both);

    let silent = package(Format::Rpm, &files, &[]);
    for text in [el7, fedora] {
        let rpm = package(Format::Rpm, &files, &[("postun", text)]);
        let expected = [("docker.service", &restarts("postun")), ("docker.socket", &Fate::RunsOn)];
        assert_eq!(fates(&upgrade(&rpm, &silent)), expected);
        assert_eq!(fates(&upgrade(&silent, &rpm))[0].1, &Fate::RunsOn, "the new package's own %postun does not run");
    }
}

#[test]
fn units_come_and_go() {
    let old = package(Format::Rpm, &[("/usr/lib/systemd/system/containerd.service", 1), ("/usr/bin/ctr", 1)], &[]);
    let new = package(Format::Rpm, &[("/usr/lib/systemd/system/docker.socket", 1), ("/usr/bin/docker", 1)], &[]);
    let impact = upgrade(&old, &new);
    assert_eq!(fates(&impact), [("containerd.service", &Fate::Goes), ("docker.socket", &Fate::Comes)]);
    assert_eq!(impact.changed_units, [""; 0]);
    assert_eq!(impact.changed_programs, ["/usr/bin/ctr", "/usr/bin/docker"]);
}

/// Drop-ins are no units, and neither is what merely lies near.
#[test]
fn only_files_in_the_unit_folder_are_units() {
    let files = [("/usr/lib/systemd/system/docker.service.d/a.conf", 1), ("/usr/lib/systemd/user/x.service", 1)];
    let view = package(Format::Rpm, &files, &[]);
    assert_eq!(fates(&upgrade(&view, &view)), []);
}
