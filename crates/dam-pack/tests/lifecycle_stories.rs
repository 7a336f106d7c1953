//! Single stories beside the matrix of `lifecycle.rs`: each a fault seen in the field, in both formats.

mod engine;
#[allow(dead_code, reason = "each test file uses a part of the machine")]
mod machine;

use dam_pack::Format;
use dam_pack::lifecycle::{Lifecycle, Restart, Service};

use engine::lifecycle;
use machine::{After, Machine, calls};

const SYSTEMD: &str = "mkdir -p /run/systemd/system\n";
const FORMATS: [Format; 2] = [Format::Deb, Format::Rpm];

fn install(format: Format) -> String {
    calls(
        format,
        match format {
            Format::Deb => &["preinst install", "unpack 1", "postinst configure ''"],
            Format::Rpm => &["pre 1", "unpack 1", "post 1", "posttrans 0"],
        },
    )
}

fn upgrade(format: Format) -> String {
    calls(
        format,
        match format {
            Format::Deb => {
                &["prerm upgrade 2", "preinst upgrade 1", "unpack 2", "postrm upgrade 2", "postinst configure 1"]
            }
            Format::Rpm => &["pre 2", "unpack 2", "post 2", "preun 1", "postun 1", "posttrans 0"],
        },
    )
}

/// Tells a story in both formats, after an installation with systemd running, and what each left.
fn both(conditions: &str, event: fn(Format) -> String) -> [After; 2] {
    FORMATS.map(|format| {
        let machine = Machine::new(format, &lifecycle());
        let before = format!("{SYSTEMD}{}", install(format));
        let after = machine.run_after(&before, &format!("{conditions}{}{}", Machine::MARK, event(format)));
        assert!(after.success, "{format:?}: {after:#?}");
        after
    })
}

/// Tells a story in both formats on a machine as new.
fn fresh(conditions: &str, event: fn(Format) -> String) -> [After; 2] {
    FORMATS.map(|format| {
        let machine = Machine::new(format, &lifecycle());
        machine.run(&format!("{SYSTEMD}{conditions}{}{}", Machine::MARK, event(format)))
    })
}

/// Every call, in its order: enabled, read again, started, each through Debian's tools where they are.
#[test]
fn an_installation_calls_in_order() {
    let [deb, rpm] = fresh("", install);
    assert_eq!(
        deb.record,
        [
            "groupadd -r docker",
            "restorecon -R /usr/bin/docker",
            "restorecon -R /usr/bin/dockerd",
            "restorecon -R /etc/docker",
            "deb-systemd-helper unmask docker.socket",
            "deb-systemd-helper --quiet was-enabled docker.socket",
            "deb-systemd-helper enable docker.socket",
            "systemctl --root=/ --system --preset-mode=enable-only preset docker.socket",
            "deb-systemd-helper unmask docker.service",
            "deb-systemd-helper --quiet was-enabled docker.service",
            "deb-systemd-helper enable docker.service",
            "systemctl --root=/ --system --preset-mode=enable-only preset docker.service",
            "systemctl --system daemon-reload",
            "systemctl --quiet is-enabled docker.socket",
            "systemctl reset-failed docker.socket",
            "deb-systemd-invoke start docker.socket",
            "systemctl --quiet start docker.socket",
            "systemctl --quiet is-enabled docker.service",
            "systemctl reset-failed docker.service",
            "deb-systemd-invoke start docker.service",
            "systemctl --quiet start docker.service",
        ]
    );
    assert_eq!(
        rpm.record,
        [
            "groupadd -r docker",
            "restorecon -R /usr/bin/docker",
            "restorecon -R /usr/bin/dockerd",
            "restorecon -R /etc/docker",
            "systemctl --no-reload preset docker.socket",
            "systemctl --no-reload preset docker.service",
            "systemctl --system daemon-reload",
            "systemctl --quiet is-enabled docker.socket",
            "systemctl reset-failed docker.socket",
            "systemctl start docker.socket",
            "systemctl --quiet is-enabled docker.service",
            "systemctl reset-failed docker.service",
            "systemctl start docker.service",
        ]
    );
    assert_eq!([deb.said, rpm.said], ["", ""]);
}

/// An RPM is removed in two commands, for systemd 219 has no `disable --now`; a `.deb` leaves the units enabled and masked.
#[test]
fn a_removal_calls_in_order() {
    let [deb, rpm] = both("", |format| {
        let deb = ["prerm remove", "delete", "postrm remove"];
        let rpm = ["preun 0", "delete", "postun 0"];
        calls(format, if format == Format::Deb { &deb } else { &rpm })
    });
    let active = ["systemctl --quiet is-active docker.service", "systemctl --quiet is-active docker.socket"];
    let masked = "deb-systemd-helper mask docker.service docker.socket";
    let stopped = "deb-systemd-invoke stop docker.service docker.socket";
    let reload = "systemctl --system daemon-reload";
    assert_eq!(
        deb.record,
        [active[0], active[1], stopped, "systemctl --quiet stop docker.service docker.socket", masked, reload]
    );
    let disabled = "systemctl --no-reload disable docker.service docker.socket";
    assert_eq!(rpm.record, [disabled, active[0], active[1], "systemctl stop docker.service docker.socket", reload]);
}

/// `dnf swap docker-ce dam-docker`: docker-ce's own script disables and stops docker.service after our files came.
#[test]
fn the_package_that_is_replaced_may_disable_what_is_new() {
    let machine = Machine::new(Format::Rpm, &lifecycle());
    let theirs = "systemctl --no-reload disable docker.service docker.socket; systemctl stop docker.service\n";
    let ours = calls(Format::Rpm, &["pre 1", "unpack 1", "post 1"]);
    let last = calls(Format::Rpm, &["posttrans 0"]);
    let after = machine.run(&format!("{SYSTEMD}{ours}{theirs}{last}"));
    assert!(after.success && after.enabled("docker.service") && after.active("docker.service"), "{after:#?}");
}

/// docker-ce's `postrm remove` masks docker.service, before our `postinst`.
#[test]
fn the_package_that_is_replaced_may_mask_what_is_new() {
    let machine = Machine::new(Format::Deb, &lifecycle());
    let was = "deb-systemd-helper update-state docker.service; : >/machine/enabled/docker.service\n";
    let theirs = "deb-systemd-helper mask docker.service docker.socket\n";
    let ours = install(Format::Deb).replace("unpack 1\n", &format!("unpack 1\n{theirs}"));
    let after = machine.run(&format!("{SYSTEMD}{was}{ours}"));
    assert!(after.success && after.enabled("docker.service") && after.active("docker.service"), "{after:#?}");
}

#[test]
fn an_admins_preset_wins() {
    let preset = "mkdir -p /etc/systemd/system-preset; echo 'disable docker.service' >/etc/systemd/system-preset/00-site.preset\n";
    for after in fresh(preset, install) {
        assert!(after.success && !after.enabled("docker.service") && !after.active("docker.service"), "{after:#?}");
    }
}

#[test]
fn what_the_admin_disabled_stays_disabled() {
    for after in both("systemctl disable docker.service; systemctl stop docker.service\n", upgrade) {
        assert!(!after.enabled("docker.service") && !after.active("docker.service"), "{after:#?}");
        assert_eq!(after.done, [""; 0], "{after:#?}");
    }
}

#[test]
fn a_restart_that_stops_containers_is_announced() {
    for after in both("", upgrade) {
        assert_eq!(after.said, "dam-docker: docker.service restarts: containers stop, for live-restore is off\n");
        assert_eq!(after.done, ["restarted docker.service"]);
    }
    for after in both(": >/machine/live-restore\n", upgrade) {
        assert_eq!(
            (after.said.as_str(), after.done.as_slice()),
            ("", ["restarted docker.service".to_owned()].as_slice())
        );
    }
}

#[test]
fn who_opted_out_is_reminded() {
    for after in both("mkdir -p /etc/dam-docker; : >/etc/dam-docker/no-restart\n", upgrade) {
        let reminder =
            "docker.service runs on as it was, because /etc/dam-docker/no-restart exists: restart it when it suits";
        assert_eq!(after.said, format!("dam-docker: {reminder}\n"));
        assert!(after.record.contains(&"systemctl --system daemon-reload".to_owned()), "{after:#?}");
    }
}

/// The daemon that runs beats one that would not come up again with the admin's settings.
#[test]
fn nothing_is_restarted_into_settings_it_refuses() {
    for after in both("echo broken >/etc/docker/daemon.json\n", upgrade) {
        assert_eq!((after.active("docker.service"), after.done.as_slice()), (true, [].as_slice()), "{after:#?}");
        assert_eq!(
            after.said,
            "dam-docker: nothing is restarted, for /etc/docker/daemon.json is refused: \
             unable to configure the Docker daemon with file /etc/docker/daemon.json\n"
        );
    }
}

/// A template that the packaged program refuses is not put in place, and the rest goes on.
#[test]
fn a_template_that_is_refused_is_not_put_in_place() {
    let broken = |format| install(format).replace("unpack 1", "unpack broken");
    for after in fresh("", broken) {
        assert!(after.success && after.active("docker.service"), "{after:#?}");
        assert_eq!(after.file("/etc/docker/daemon.json"), None);
        assert_eq!(after.file("/etc/docker/.daemon.json.dam-docker"), None);
        assert!(after.said.starts_with("dam-docker: /etc/docker/daemon.json is not written, for /usr/share/"));
    }
}

/// Debian's docker.io deletes all of `/var/lib/docker` when it is purged after another engine took its place.
#[test]
fn what_would_delete_the_data_is_gone() {
    let story =
        "mkdir -p /var/lib/docker\necho data >/var/lib/docker/data\n: >/var/lib/docker/nuke-graph-directory.sh\n";
    for after in fresh(story, install) {
        assert_eq!(after.file("/var/lib/docker/nuke-graph-directory.sh"), None, "{after:#?}");
        assert_eq!(after.file("/var/lib/docker/data").as_deref(), Some("data\n"));
    }
}

/// A dangling link is the admin's word too.
#[test]
fn a_link_in_the_place_of_a_setting_stays() {
    for after in fresh("mkdir -p /etc/docker; ln -s /srv/daemon.json /etc/docker/daemon.json\n", install) {
        assert!(after.success, "{after:#?}");
        assert_eq!(after.file("/srv/daemon.json"), None);
    }
}

/// A service that does not start is told, and leaves the package installed.
#[test]
fn a_service_that_does_not_start_is_no_reason_to_fail() {
    for after in fresh(": >/machine/broken\n", install) {
        assert!(after.success && after.enabled("docker.service"), "{after:#?}");
        assert!(after.said.contains("failed: see systemctl status docker.service"), "{after:#?}");
    }
}

/// dpkg configures again after a failure, and calls no `preinst` for that: it is still the first installation.
#[test]
fn an_installation_that_failed_goes_on_where_it_was() {
    let machine = Machine::new(Format::Deb, &lifecycle());
    let first = calls(Format::Deb, &["preinst install", "unpack 1"]);
    let story = ": >/machine/no-groups\nif /postinst configure ''; then exit 9; fi\nrm /machine/no-groups\n/postinst configure ''\n";
    let after = machine.run(&format!("{SYSTEMD}{first}{story}"));
    assert!(after.success && after.enabled("docker.service") && after.active("docker.service"), "{after:#?}");
}

/// The smallest image: no systemd at all, no SELinux, no policy, no directory services. A group can still be created.
#[test]
fn a_machine_without_any_of_the_tools_is_fine() {
    for format in FORMATS {
        let machine = Machine::new(format, &lifecycle());
        machine.lacks(&["systemctl", "deb-systemd-helper", "deb-systemd-invoke", "getent", "restorecon"]);
        let deb = ["prerm remove", "delete", "postrm remove", "postrm purge"];
        let rpm = ["preun 0", "delete", "postun 0"];
        let gone = calls(format, if format == Format::Deb { &deb } else { &rpm });
        let after = machine.run(&format!("{}{}{gone}", install(format), upgrade(format)));
        assert!(after.success, "{format:?}: {after:#?}");
        assert_eq!(after.said, "groupadd: group 'docker' already exists\n");
        assert_eq!(after.record, ["groupadd -r docker", "groupadd -r docker"]);
    }
}

/// The policy may come after the files: then they are labelled again, and the data with them.
#[test]
fn labels_are_set_when_their_policy_comes() {
    let machine = Machine::new(Format::Rpm, &lifecycle());
    let before = format!("{}mkdir -p /var/lib/docker\n", install(Format::Rpm));
    let after = machine.run_after(&before, &calls(Format::Rpm, &["triggerin-container-selinux 1 1"]));
    let paths = ["/usr/bin/docker", "/usr/bin/dockerd", "/etc/docker", "/var/lib/docker"];
    assert_eq!(after.record, paths.map(|path| format!("restorecon -R {path}")));
}

#[test]
fn a_word_that_dpkg_does_not_have_is_an_error() {
    let machine = Machine::new(Format::Deb, &lifecycle());
    for script in ["preinst", "postinst", "prerm", "postrm"] {
        let after = machine.run(&format!("/{script} sideways\n"));
        assert!(!after.success, "{after:#?}");
        assert_eq!(after.said, format!("dam-docker: {script} is called with the unknown word sideways\n"));
    }
}

/// A recipe may leave all to the admin: then the units are known, and nothing is enabled, started or restarted.
#[test]
fn a_recipe_may_leave_services_alone() {
    let engine = lifecycle();
    let quiet = Service { enable: false, start: false, restart: Restart::Never, ..engine.services[0].clone() };
    let quiet = Lifecycle { services: vec![quiet], ..engine };
    for format in FORMATS {
        let machine = Machine::new(format, &quiet);
        let by_hand = "systemctl start docker.service\n";
        let after = machine.run(&format!("{SYSTEMD}{}{by_hand}{}{}", install(format), Machine::MARK, upgrade(format)));
        assert!(after.success && !after.enabled("docker.service") && after.active("docker.service"), "{after:#?}");
        assert_eq!(after.done, [""; 0], "{after:#?}");
    }
}
