//! `dam engine install`, on machines whose tools only take notes.
//!
//! dam runs in a mount namespace of its own, where `/etc/os-release` and `/run` are the test's.

mod support;

use std::os::unix::fs::PermissionsExt;

use dam_core::store::docker::Endpoint;
use dam_core::testing::PrivateDocker;
use dam_core::testing::packages::{package, write_deb, write_rpm};
use serde_json::json;
use snapbox::str;
use support::Dam;

const DEBIAN: &str =
    "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n";
const CENTOS: &str =
    "PRETTY_NAME=\"CentOS Linux 7 (Core)\"\nID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"7\"\n";

const APT_GET: &str = r#"#!/bin/sh
echo "apt-get $*" >> $STATE/calls
case "$1" in
    --simulate) if [ -e $STATE/broken ]; then echo "E: Unmet dependencies. Try 'apt --fix-broken install'" >&2; exit 100; fi; exit 0 ;;
esac
echo "Setting up dam-docker ..."
if [ -e $STATE/fails ]; then echo "E: Sub-process /usr/bin/dpkg returned an error code (1)"; exit 100; fi
printf 'installed\tdam-docker\t26.1.5-1\t\n' >> $STATE/installed
"#;
const DPKG: &str = r#"#!/bin/sh
case "$1" in --print-architecture) echo amd64; exit 0 ;; esac
echo "dpkg $*" >> $STATE/calls
printf 'installed\tdam-docker\t26.1.5-1\t\n' >> $STATE/installed
"#;
const DPKG_QUERY: &str = "#!/bin/sh\nwhile IFS= read -r line; do printf '%s\\n' \"$line\"; done < $STATE/installed\n";
const YUM: &str = r#"#!/bin/sh
echo "yum $*" >> $STATE/calls
echo Complete!
printf 'installed\tdam-docker\t26.1.5-1\n' >> $STATE/installed
"#;
const RPM: &str = r#"#!/bin/sh
for name; do :; done
while IFS= read -r line; do
    case "$line" in *"	$name	"*) printf '%s\n' "$line"; exit 0 ;; esac
done < $STATE/installed
case "$name" in /bin/sh) printf 'installed\tbash\t4.2.46-34.el7\n'; exit 0 ;; esac
echo "no package provides $name"
exit 1
"#;
const SYSTEMCTL: &str = "#!/bin/sh\nread -r state < $STATE/$2 || state=inactive\necho $state\n";

/// A machine with these programs, on which packages of both formats lie.
fn machine(os_release: &str, programs: &[(&str, &str)]) -> Dam {
    let dam = Dam::new().file("os-release", os_release);
    write_deb(&package("26.1.5"), &dam.path(""));
    write_rpm(&package("26.1.5"), &dam.path(""));
    std::fs::create_dir(dam.path("bin")).expect("a folder");
    for (name, text) in programs {
        let path = dam.path("bin").join(name);
        std::fs::write(&path, text).expect("a program");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
    }
    std::fs::write(dam.path("state/installed"), "installed\tiptables\t1.8.9-2\t\n").expect("a file");
    let path = dam.path("bin").display().to_string();
    dam.variable("PATH", &path)
}

fn debian() -> Dam {
    machine(DEBIAN, &[("apt-get", APT_GET), ("dpkg", DPKG), ("dpkg-query", DPKG_QUERY), ("systemctl", SYSTEMCTL)])
}

trait Machine {
    /// Gives dam this machine's `/etc/os-release` and an empty `/run`, in which shell words do something.
    fn own(self, words: &str) -> Self;

    /// Returns what the tools were told, without the path of the package.
    fn calls(&self) -> String;
}

impl Machine for Dam {
    fn own(self, words: &str) -> Self {
        let release = self.path("os-release").display().to_string();
        let script = format!(
            "/bin/mount --bind {release} /etc/os-release && /bin/mount -t tmpfs tmpfs /run && {words} exec \"$@\""
        );
        self.started_by(&["/usr/bin/unshare", "--mount", "/bin/sh", "-ec", &script, "sh"])
    }

    fn calls(&self) -> String {
        let calls = std::fs::read_to_string(self.path("state/calls")).unwrap_or_default();
        calls.replace(&format!("{}/", self.path("").display()).replace("//", "/"), "")
    }
}

#[test]
fn without_systemd_it_is_installed_and_nothing_is_started() {
    let dam = debian().own("");
    dam.run("engine install dam-docker_26.1.5-1_amd64.deb --yes").success().stdout(str![[r#"
Installed dam-docker 26.1.5-1 by apt-get
Nothing was started: systemd does not run here

"#]]).stderr(str![[r#"
  install    dam-docker  26.1.5-1  on Debian GNU/Linux 12 (bookworm)
             unpack 307 B by apt-get install --yes --no-remove --no-install-recommends -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/dev/null -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold [FOLDER]/dam-docker_26.1.5-1_amd64.deb
  ! systemd does not run here: nothing is started, and nothing is tried
apt-get:
Setting up dam-docker ...

"#]]);
    snapbox::assert_data_eq!(
        dam.calls(),
        str![[r#"
apt-get --simulate install --yes --no-remove --no-install-recommends -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/dev/null -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold dam-docker_26.1.5-1_amd64.deb
apt-get install --yes --no-remove --no-install-recommends -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/dev/null -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold dam-docker_26.1.5-1_amd64.deb

"#]]
    );
}

#[test]
fn with_systemd_a_container_runs() {
    let docker = PrivateDocker::start().expect("a Docker daemon");
    let Endpoint::Unix(socket) = docker.endpoint() else { panic!("a socket") };
    let words = format!(
        "/bin/mkdir -p /run/systemd/system && /usr/bin/touch /run/docker.sock && /bin/mount --bind {} /run/docker.sock &&",
        socket.display()
    );
    let dam = debian().own(&words);
    std::fs::write(dam.path("state/docker.service"), "active\n").expect("a file");
    let run = dam.run("engine install dam-docker_26.1.5-1_amd64.deb --yes --quiet").success();
    let lines: Vec<&str> = run.text().lines().collect();
    let [installed, engine, ran] = lines.as_slice() else { panic!("{}", run.text()) };
    assert_eq!((*installed, *ran), ("Installed dam-docker 26.1.5-1 by apt-get", "✓ a container ran"));
    assert!(engine.starts_with("✓ Docker Engine ") && engine.contains(" with "), "{engine}");
    let json = dam.run("engine install dam-docker_26.1.5-1_amd64.deb --yes --json").success().json();
    assert_eq!((&json["change"], &json["tool"]), (&json!("again"), &json!("apt-get")));
    assert_eq!((&json["trial"]["outcome"], &json["trial"]["said"]), (&json!("ran"), &json!("a container ran")));
}

#[test]
fn a_service_that_failed_or_is_not_to_be_is_told() {
    let dam = debian().own("/bin/mkdir -p /run/systemd/system &&");
    let state = |text: &str| std::fs::write(dam.path("state/docker.service"), text).expect("a file");
    state("failed\n");
    dam.run("engine install dam-docker_26.1.5-1_amd64.deb --yes --quiet").failure().no_stdout().stderr(str![[r#"
error: dam-docker 26.1.5-1 is installed, but docker.service failed
hint: journalctl --no-pager --lines 30 --unit docker.service   shows why
hint: dam doctor                                               checks this machine

"#]]);
    state("inactive\n");
    dam.run("engine install dam-docker_26.1.5-1_amd64.deb --yes --quiet").success().stdout(str![[r#"
Reinstalled dam-docker 26.1.5-1 by apt-get
Nothing was started: docker.service is not to be started by itself
    systemctl start docker.service

"#]]);
}

#[test]
fn what_is_in_the_way_is_named_before_anything_is_touched() {
    let dam = debian().own("");
    let installed = "installed\tdocker.io\t20.10.24+dfsg1-1+b3\t\nconfig-files\tdocker-ce\t5:26.1.4-1\t\n";
    std::fs::write(dam.path("state/installed"), installed).expect("a file");
    dam.run("engine install dam-docker_26.1.5-1_amd64.deb --yes").failure().no_stdout().stderr(str![[r#"
error: dam-docker 26.1.5-1 cannot stand beside docker.io 20.10.24+dfsg1-1+b3, which is installed
hint: apt-get remove docker.io   images, containers and volumes stay

"#]]);
    dam.run("engine install dam-docker-26.1.5-1.x86_64.rpm --yes").failure().no_stdout().stderr(str![[r#"
error: `dam-docker-26.1.5-1.x86_64.rpm` is an .rpm, and Debian GNU/Linux 12 (bookworm) installs .deb
hint: take the .deb that was built with it

"#]]);
    assert_eq!(dam.calls(), "");
}

#[test]
fn a_plan_is_shown_and_nothing_is_done() {
    let dam = debian().own("/bin/mkdir -p /run/systemd/system &&");
    std::fs::write(dam.path("state/installed"), "installed\tdam-docker\t25.0.5-1\t\n").expect("a file");
    dam.run("engine install dam-docker_26.1.5-1_amd64.deb --dry-run").success().no_stderr().stdout(str![[r#"
  upgrade    dam-docker  25.0.5-1 → 26.1.5-1  on Debian GNU/Linux 12 (bookworm)
             unpack 307 B by apt-get install --yes --no-remove --no-install-recommends -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/dev/null -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold [FOLDER]/dam-docker_26.1.5-1_amd64.deb
             wait for the engine, and run a container of an image that dam brings
  ! recommended, and not installed: iptables

"#]]);
    dam.run("engine install dam-docker_26.1.5-1_amd64.deb").failure().no_stdout().stderr(str![[r#"
  upgrade    dam-docker  25.0.5-1 → 26.1.5-1  on Debian GNU/Linux 12 (bookworm)
             unpack 307 B by apt-get install --yes --no-remove --no-install-recommends -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/dev/null -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold [FOLDER]/dam-docker_26.1.5-1_amd64.deb
             wait for the engine, and run a container of an image that dam brings
  ! recommended, and not installed: iptables
error: this needs a yes, and there is no terminal to ask on
hint: dam engine install dam-docker_26.1.5-1_amd64.deb --yes

"#]]);
    let json = dam.run("engine install dam-docker_26.1.5-1_amd64.deb --dry-run --json").success().json();
    assert_eq!(json["target"], json!({ "target": "debian-12", "is_exact": true }));
    assert_eq!((&json["change"], &json["from"]), (&json!("upgrade"), &json!("25.0.5-1")));
    assert_eq!(json["notes"], json!([{ "note": "recommended", "packages": ["iptables"] }]));
    assert!(!dam.calls().contains("\napt-get install"), "{}", dam.calls());
}

#[test]
fn a_tool_that_refuses_is_replaced_and_one_that_fails_is_quoted() {
    let dam = debian().own("").file("state/broken", "");
    dam.run("engine install dam-docker_26.1.5-1_amd64.deb --yes")
        .success()
        .stdout(str![[r#"
Installed dam-docker 26.1.5-1 by dpkg
Nothing was started: systemd does not run here

"#]])
        .stderr(str![[r#"
  install    dam-docker  26.1.5-1  on Debian GNU/Linux 12 (bookworm)
             unpack 307 B by dpkg --install --force-confdef --force-confold [FOLDER]/dam-docker_26.1.5-1_amd64.deb
  ! systemd does not run here: nothing is started, and nothing is tried
  ! apt-get would refuse: E: Unmet dependencies. Try 'apt --fix-broken install'

"#]]);
    assert!(
        dam.calls().ends_with("dpkg --install --force-confdef --force-confold dam-docker_26.1.5-1_amd64.deb\n"),
        "{}",
        dam.calls()
    );
    let dam = debian().own("").file("state/fails", "");
    dam.run("engine install dam-docker_26.1.5-1_amd64.deb --yes --quiet").failure().no_stdout().stderr(str![[r#"
error: `apt-get` did not install dam-docker 26.1.5-1: it failed with exit status 100
           | Setting up dam-docker ...
           | E: Sub-process /usr/bin/dpkg returned an error code (1)

"#]]);
}

#[test]
fn an_old_machine_of_rpm_is_installed_by_yum() {
    let dam = machine(CENTOS, &[("yum", YUM), ("rpm", RPM)]).own("");
    std::fs::write(dam.path("state/installed"), "installed\tiptables\t1.4.21-35.el7\n").expect("a file");
    dam.run("engine install dam-docker-26.1.5-1.x86_64.rpm --yes")
        .success()
        .stdout(str![[r#"
Installed dam-docker 26.1.5-1 by yum
Nothing was started: systemd does not run here

"#]])
        .stderr(str![[r#"
  install    dam-docker  26.1.5-1  on CentOS Linux 7 (Core)
             unpack 307 B by yum --assumeyes --disablerepo=* install [FOLDER]/dam-docker-26.1.5-1.x86_64.rpm
  ! systemd does not run here: nothing is started, and nothing is tried
yum:
Complete!

"#]]);
    assert_eq!(dam.calls(), "yum --assumeyes --disablerepo=* install dam-docker-26.1.5-1.x86_64.rpm\n");
}

#[test]
fn only_root_installs() {
    let dam = debian().of_nobody().own("");
    dam.run("engine install dam-docker_26.1.5-1_amd64.deb --yes").failure().no_stdout().stderr(str![[r#"
error: only root can install packages
hint: sudo dam engine install dam-docker_26.1.5-1_amd64.deb --yes

"#]]);
    dam.run("engine install dam-docker_26.1.5-1_amd64.deb --dry-run --quiet").success();
}
