//! `dam doctor` about Docker Engine.

mod support;

use dam_core::testing::Island;
use serde_json::{Value, json};
use snapbox::str;
use support::Dam;

/// Asks the doctor about a made-up machine, and returns what he says of the engine: from the third line on, without the
/// `sudo` that only some need.
fn words(island: &Island, flags: &str) -> String {
    let dam = Dam::new();
    let line = format!("doctor {flags} --machine {}", island.root().display());
    let text = dam.run(&line).text().replace("sudo ", "");
    let mut lines = text.lines();
    let known: Vec<_> = lines.by_ref().take(3).map(|line| line.chars().next()).collect();
    // The store, the space and the ledger.
    assert_eq!(known, [Some('✓'); 3], "{text}");
    lines.map(|line| format!("{line}\n")).collect()
}

fn findings(island: &Island) -> Vec<Value> {
    let run = Dam::new().run(&format!("doctor --engine --json --machine {}", island.root().display()));
    let json = run.json();
    let all = json["findings"].as_array().expect("a list");
    all[3..].to_vec()
}

#[test]
fn a_healthy_machine_is_told_in_a_few_lines() {
    let island = Island::new().with_engine().with_deb("docker-ce", "5:26.1.5-1~debian.12~bookworm");
    snapbox::assert_data_eq!(
        words(&island, ""),
        str![[r#"
✓ Docker Engine is installed by docker-ce 5:26.1.5-1~debian.12~bookworm
✓ Kernel 6.1.0-18-amd64 has what an engine needs
✓ Control groups are there, version 2
✓ The firewall is set by iptables, in nf_tables
✓ Layers can be stacked in /var/lib/docker (ext4)
0 faults, 0 warnings

"#]]
    );
    let run = Dam::new().run(&format!("doctor --machine {}", island.root().display()));
    let _ = run.success();
}

#[test]
fn without_an_engine_nothing_is_said_of_it_unless_it_is_asked_for() {
    let island = Island::new().without("/usr/sbin/iptables");
    assert_eq!(words(&island, ""), "0 faults, 0 warnings\n");
    snapbox::assert_data_eq!(
        words(&island, "--engine"),
        str![[r#"
✓ Docker Engine is not installed
✓ Kernel 6.1.0-18-amd64 has what an engine needs
✓ Control groups are there, version 2
✗ iptables is missing: containers have no network
    apt-get install iptables
✓ Layers can be stacked in /var/lib/docker (ext4)
1 fault, 0 warnings

"#]]
    );
    let _ = Dam::new().run(&format!("doctor --engine --machine {}", island.root().display())).failure();
}

#[test]
fn each_distribution_has_its_own_commands() {
    let island = Island::new()
        .with_release("ID=\"centos\"\nVERSION_ID=\"7\"\n")
        .with_kernel("3.10.0-514.el7.x86_64")
        .with_cgroups_v1("devices freezer cpu cpuset blkio")
        .with_file("/sys/fs/selinux/enforce", "1")
        .with_file("/etc/selinux/targeted/contexts/files/file_contexts", "/usr/bin/.*\tsystem_u:object_r:bin_t:s0\n")
        .without("/usr/bin/apt-get")
        .with_program("/usr/bin/yum")
        .with_program("/usr/sbin/grubby")
        .without("/usr/sbin/iptables");
    snapbox::assert_data_eq!(
        words(&island, "--engine"),
        str![[r#"
✓ Docker Engine is not installed
✗ Kernel 3.10.0-514.el7.x86_64 is too old: containers need 3.10.0-693 or newer
    yum update kernel
    reboot
✓ Control groups are there, version 1
! Control groups lack memory: limits on that do nothing
    grubby --update-kernel=ALL --args=cgroup_enable=memory
    reboot
✗ iptables is missing: containers have no network
    yum install iptables
! SELinux is enforcing, but knows no containers: it keeps them neither apart nor in
    yum install container-selinux
    restorecon -R /usr/bin/docker /usr/bin/dockerd /usr/libexec/docker /etc/docker /var/lib/docker
✓ Layers can be stacked in /var/lib/docker (ext4)
2 faults, 2 warnings

"#]]
    );
}

#[test]
fn a_module_is_in_a_package_of_the_running_kernel() {
    let mended = |program: &str, id: &str| {
        let island = Island::new()
            .without("/usr/bin/apt-get")
            .with_program(program)
            .with_release(&format!("ID={id}\n"))
            .without_module("xt_addrtype");
        let told = words(&island, "--engine");
        let mut lines = told.lines().skip_while(|line| !line.starts_with('✗'));
        let fault = "✗ Kernel 6.1.0-18-amd64 is not complete: xt_addrtype is missing from /lib/modules";
        assert_eq!(lines.next(), Some(fault));
        lines.next().expect("a command").trim().to_owned()
    };
    let dnf = "dnf install kernel-modules-6.1.0-18-amd64 kernel-modules-extra-6.1.0-18-amd64";
    assert_eq!(mended("/usr/bin/dnf", "almalinux"), dnf);
    assert_eq!(mended("/usr/bin/yum", "centos"), "yum reinstall kernel-6.1.0-18-amd64");
    assert_eq!(mended("/usr/bin/zypper", "opensuse-leap"), "zypper install kernel-default");
    assert_eq!(mended("/usr/bin/apt-get", "ubuntu"), "apt-get install linux-modules-extra-6.1.0-18-amd64");
    assert_eq!(mended("/usr/bin/apt-get", "debian"), "apt-get install linux-image-$(dpkg --print-architecture)");
    assert_eq!(mended("/usr/bin/emerge", "gentoo"), "# install kernel as this distribution installs packages");
}

#[test]
fn programs_get_facts_a_level_and_commands() {
    let island = Island::new()
        .with_kernel_option("VXLAN", 'n')
        .with_engine()
        .with_deb("docker-ce", "5:29.0.1-1")
        .with_program("/usr/sbin/nft")
        .without("/usr/sbin/iptables")
        .with_file("/etc/docker/daemon.json", "{ \"hosts\": [] }");
    let mut found = findings(&island);
    for finding in &mut found {
        let lines = finding["mend"].as_array_mut().expect("a list");
        lines.iter_mut().for_each(|line| *line = line.as_str().expect("text").replace("sudo ", "").into());
    }
    let package = json!({ "name": "docker-ce", "version": "5:29.0.1-1", "source": "dpkg" });
    let folder = "/etc/systemd/system/docker.service.d";
    let unit = "/usr/lib/systemd/system/docker.service";
    assert_eq!(
        found,
        [
            json!({ "finding": "engine", "package": package, "program": "/usr/bin/dockerd", "level": "good", "mend": [] }),
            json!({ "finding": "hosts-twice", "path": "/etc/docker/daemon.json", "unit": unit, "level": "fault", "mend": [
                format!("mkdir -p {folder}"),
                format!("printf '[Service]\\nExecStart=\\nExecStart=/usr/bin/dockerd\\n' | tee {folder}/zz-hosts.conf      # leaves it to daemon.json"),
                "systemctl daemon-reload",
            ] }),
            json!({ "finding": "kernel", "release": "6.1.0-18-amd64", "level": "good", "mend": [] }),
            json!({ "finding": "few-kernel-options", "options": [{ "option": "VXLAN", "purpose": "swarm" }],
                "level": "warning", "mend": ["apt-get install linux-image-$(dpkg --print-architecture)", "reboot"] }),
            json!({ "finding": "cgroups", "version": "v2", "level": "good", "mend": [] }),
            json!({ "finding": "no-iptables", "nft": true, "engine": 29, "level": "fault", "mend": [
                "apt-get install iptables",
                "vi /etc/docker/daemon.json      # or, from Docker 29 on, set \"firewall-backend\": \"nftables\"",
            ] }),
            json!({ "finding": "storage", "path": "/var/lib/docker", "file_system": "ext4", "level": "good", "mend": [] }),
        ]
    );
}

#[test]
fn what_files_say_stays_text() {
    let island =
        Island::new().with_engine().with_deb("docker-ce", "5:1\u{1b}[2J").with_kernel("6\u{7}.1\u{1b}]0;x\u{7}");
    let said = words(&island, "");
    assert!(!said.contains('\u{1b}') && !said.contains('\u{7}'), "{said:?}");
}

#[test]
fn this_machine_is_looked_at_too() {
    let dam = Dam::new();
    let json = dam.run("doctor --engine --json").json();
    let names: Vec<_> = json["findings"].as_array().expect("a list").iter().map(|found| &found["finding"]).collect();
    for any in [&["engine", "no-engine"][..], &["no-systemd", "cgroups", "cgroup-v1", "no-cgroups"]] {
        assert!(names.iter().any(|name| any.iter().any(|known| *name == known)), "{names:?}");
    }
    let levels = ["good", "warning", "fault"];
    assert!(
        json["findings"]
            .as_array()
            .expect("a list")
            .iter()
            .all(|found| levels.iter().any(|level| found["level"] == *level))
    );
    assert!(!dam.root().exists(), "the root was made");
}
