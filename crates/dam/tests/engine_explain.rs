//! `dam engine explain`.

mod support;

use dam_core::testing::packages::{package, write_deb, write_rpm};
use dam_pack::{Content, EntryKind};
use serde_json::json;
use snapbox::str;
use support::Dam;

/// A folder with `dam-docker` 26.1.5 and 27.0.1 in both formats; the latter conflicts with less, and its socket differs.
fn dam() -> Dam {
    let dam = Dam::new();
    let folder = dam.path("");
    let old = package("26.1.5");
    let mut new = package("27.0.1");
    new.relations.values_mut().for_each(|relations| relations.conflicts.truncate(1));
    for entry in &mut new.entries {
        if let EntryKind::File { content, mode, .. } = &mut entry.kind {
            match entry.path.as_str() {
                path if path.ends_with("/docker.socket") => {
                    *content = Content::Bytes(b"[Socket]\nListenStream=/run/docker.sock\n".to_vec());
                }
                "/etc/default/dam-docker" => *mode = 0o600,
                _ => {}
            }
        }
    }
    for package in [&old, &new] {
        write_deb(package, &folder);
        write_rpm(package, &folder);
    }
    dam
}

#[test]
fn both_formats_are_told_in_one_shape() {
    let dam = dam();
    dam.run("engine explain dam-docker_26.1.5-1_amd64.deb").success().no_stderr().stdout(str![[r#"
dam-docker 26.1.5-1  Docker Engine for every Linux
  file       dam-docker_26.1.5-1_amd64.deb  1.6 kB
  format     .deb for amd64
  unpacked   307 B
  packed by  xz (control.tar with a dictionary of 1 MiB), xz (data.tar with a dictionary of 1 MiB)
  signed by  nobody

Relations
  recommends  iptables
  conflicts   docker.io
              docker-ce

Files
  drwxr-xr-x  root:root         /etc
  drwxr-xr-x  root:root         /etc/default
  -rw-r--r--  root:root   10 B  /etc/default/dam-docker  config
  drwxr-xr-x  root:root         /lib
  drwxr-xr-x  root:root         /lib/systemd
  drwxr-xr-x  root:root         /lib/systemd/system
  -rw-r--r--  root:root  153 B  /lib/systemd/system/docker.service
  -rw-r--r--  root:root  130 B  /lib/systemd/system/docker.socket
  drwxr-xr-x  root:root         /usr
  drwxr-xr-x  root:root         /usr/bin
  -rwxr-xr-x  root:root   14 B  /usr/bin/docker
  drwxr-xr-x  root:root         /usr/libexec
  drwxr-xr-x  root:root         /usr/libexec/docker
  drwxr-xr-x  root:root         /usr/libexec/docker/cli-plugins

Units
  /lib/systemd/system/docker.service
  /lib/systemd/system/docker.socket

Scripts
  postinst  /bin/sh  10 lines
  prerm     /bin/sh   4 lines

"#]]);
    dam.run("engine explain dam-docker-26.1.5-1.x86_64.rpm").success().no_stderr().stdout(str![[r#"
dam-docker 26.1.5-1  Docker Engine for every Linux
  file       dam-docker-26.1.5-1.x86_64.rpm  3.7 kB
  format     .rpm for x86_64
  unpacked   307 B
  packed by  xz (payload with a dictionary of 1 MiB)
  signed by  nobody
  digests    SHA1 of header, SHA256 of header, MD5 of header and payload, SHA256 of payload, SHA256 of files

Relations
  depends     /bin/sh
              config(dam-docker) = 26.1.5-1
              rpmlib(CompressedFileNames) <= 3.0.4-1
              rpmlib(FileDigests) <= 4.6.0-1
              rpmlib(PayloadFilesHavePrefix) <= 4.0-1
              rpmlib(PayloadIsXz) <= 5.2-1
  recommends  iptables
  conflicts   docker
              docker-ce
  provides    config(dam-docker) = 26.1.5-1
              dam-docker = 26.1.5-1
              dam-docker(x86-64) = 26.1.5-1

Files
  -rw-r--r--  root:root   10 B  /etc/default/dam-docker  config
  -rwxr-xr-x  root:root   14 B  /usr/bin/docker
  -rw-r--r--  root:root  153 B  /usr/lib/systemd/system/docker.service
  -rw-r--r--  root:root  130 B  /usr/lib/systemd/system/docker.socket
  drwxr-xr-x  root:root         /usr/libexec/docker/cli-plugins

Units
  /usr/lib/systemd/system/docker.service
  /usr/lib/systemd/system/docker.socket

Scripts
  preun      /bin/sh   4 lines
  posttrans  /bin/sh  10 lines

"#]]);
}

#[test]
fn scripts_and_units_are_shown_to_who_asks() {
    let dam = dam();
    let shown = dam.run("engine explain dam-docker_26.1.5-1_amd64.deb --scripts").success().no_stderr();
    let (_, units) = shown.text().split_once("\nUnits\n").expect("units");
    assert!(units.starts_with("  /lib/systemd/system/docker.service\n    | [Unit]"), "{}", shown.text());
    assert!(units.contains("\nScripts\n  postinst  /bin/sh\n    | #!/bin/sh\n"), "{}", shown.text());
}

#[test]
fn two_packages_are_compared_and_the_upgrade_is_told() {
    let dam = dam();
    dam.run("engine explain dam-docker_26.1.5-1_amd64.deb dam-docker_27.0.1-1_amd64.deb").success().no_stderr().stdout(
        str![[r#"
dam-docker 26.1.5-1 (.deb for amd64) → dam-docker 27.0.1-1 (.deb for amd64)
  old  dam-docker_26.1.5-1_amd64.deb  1.6 kB  307 B unpacked
  new  dam-docker_27.0.1-1_amd64.deb  1.5 kB  216 B unpacked

Relations
  - conflicts docker-ce

Files
  changed  /etc/default/dam-docker            mode     0644 → 0600
  changed  /lib/systemd/system/docker.socket  content  130 B → 39 B
  changed  /usr/bin/docker                    content

Upgrade
  docker.service  is restarted if it runs, by postinst
                  ! in the worst case: containers stop, for live-restore is off
                    the file /etc/dam-docker/no-restart prevents the restart
  docker.socket   runs on, its file changes
  programs that change: /usr/bin/docker

"#]],
    );
    dam.run("engine explain dam-docker-26.1.5-1.x86_64.rpm dam-docker-27.0.1-1.x86_64.rpm --scripts")
        .success()
        .no_stderr()
        .stdout(str![[r#"
dam-docker 26.1.5-1 (.rpm for x86_64) → dam-docker 27.0.1-1 (.rpm for x86_64)
  old  dam-docker-26.1.5-1.x86_64.rpm  3.7 kB  307 B unpacked
  new  dam-docker-27.0.1-1.x86_64.rpm  3.6 kB  216 B unpacked

Fields
  Size        307 → 216
  Source RPM  dam-docker-26.1.5-1.src.rpm → dam-docker-27.0.1-1.src.rpm

Relations
  - conflicts docker-ce

Files
  changed  /etc/default/dam-docker                mode     0644 → 0600
  changed  /usr/bin/docker                        content
  changed  /usr/lib/systemd/system/docker.socket  content  130 B → 39 B

Lines
--- a/usr/lib/systemd/system/docker.socket
+++ b/usr/lib/systemd/system/docker.socket
@@ -1,9 +1,2 @@
-[Unit]
-Description=Docker Engine's API
-
 [Socket]
 ListenStream=/run/docker.sock
-SocketMode=0660
-
-[Install]
-WantedBy=sockets.target

Upgrade
  docker.service  is restarted if it runs, by posttrans
                  ! in the worst case: containers stop, for live-restore is off
                    the file /etc/dam-docker/no-restart prevents the restart
  docker.socket   runs on, its file changes
  programs that change: /usr/bin/docker

"#]]);
    dam.run("engine explain dam-docker_26.1.5-1_amd64.deb dam-docker-26.1.5-1.x86_64.rpm")
        .success()
        .no_stderr()
        .stdout(str![[r#"
dam-docker 26.1.5-1 (.deb for amd64) → dam-docker 26.1.5-1 (.rpm for x86_64)
  old  dam-docker_26.1.5-1_amd64.deb   1.6 kB  307 B unpacked
  new  dam-docker-26.1.5-1.x86_64.rpm  3.7 kB  307 B unpacked

Relations
  + depends /bin/sh
  - conflicts docker.io
  + conflicts docker

Files
  gone  /lib/systemd/system/docker.service         153 B
  gone  /lib/systemd/system/docker.socket          130 B
  new   /usr/lib/systemd/system/docker.service     153 B
  new   /usr/lib/systemd/system/docker.socket      130 B

"#]]);
    dam.run("engine explain dam-docker_26.1.5-1_amd64.deb dam-docker_26.1.5-1_amd64.deb").success().no_stderr().stdout(
        str![[r#"
dam-docker 26.1.5-1 (.deb for amd64) → dam-docker 26.1.5-1 (.deb for amd64)
  old  dam-docker_26.1.5-1_amd64.deb  1.6 kB  307 B unpacked
  new  dam-docker_26.1.5-1_amd64.deb  1.6 kB  307 B unpacked
No difference

"#]],
    );
}

#[test]
fn programs_read_everything() {
    let dam = dam();
    let document = dam.run("engine explain dam-docker_26.1.5-1_amd64.deb --json").success().no_stderr().json();
    assert_eq!(
        document["identity"],
        json!({
            "format": "deb",
            "name": "dam-docker",
            "version": "26.1.5-1",
            "architecture": "amd64",
            "summary": "Docker Engine for every Linux",
            "description": "Docker's own static programs."
        })
    );
    assert_eq!(
        document["files"][2],
        json!({
            "path": "/etc/default/dam-docker",
            "kind": "file",
            "size": 10,
            "sha256": "5e49ea838dc30f3eeacf6ca7815f6e3adcf77f467a970d978676790fd90377e1",
            "mode": "0644",
            "owner": "root",
            "group": "root",
            "role": "config"
        })
    );
    let keys = |document: &serde_json::Value| {
        document.as_object().expect("an object").keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        keys(&document),
        "path bytes identity fields relations files size scripts units changelog signatures digests compression"
    );
    let document =
        dam.run("engine explain dam-docker_26.1.5-1_amd64.deb dam-docker_27.0.1-1_amd64.deb --json").success().json();
    assert_eq!(keys(&document), "old new identity added removed changed relations scripts upgrade lines");
    assert_eq!(
        document["upgrade"],
        json!({
            "units": {
                "docker.service": {
                    "fate": "restarts",
                    "by": "postinst",
                    "opt_out": "/etc/dam-docker/no-restart",
                    "loss": "containers stop, for live-restore is off"
                },
                "docker.socket": { "fate": "runs-on" }
            },
            "changed_units": ["docker.socket"],
            "changed_programs": ["/usr/bin/docker"]
        })
    );
}

#[test]
fn what_is_no_package_is_named() {
    let dam = dam().file("notes.txt", "notes");
    dam.run("engine explain notes.txt").failure().no_stdout().stderr(str![[r#"
error: `notes.txt` is neither a .deb nor an .rpm

"#]]);
}
