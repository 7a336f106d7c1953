//! The life cycle of a Docker engine: the case for which the model was made.

use dam_pack::PackagePath;
use dam_pack::lifecycle::{Config, Labels, Lifecycle, Restart, Service, Survival};

/// Returns what an engine package declares.
pub(crate) fn lifecycle() -> Lifecycle {
    let path = |text: &str| -> PackagePath { text.parse().expect("a path") };
    Lifecycle {
        package: "dam-docker".parse().expect("a name"),
        groups: vec!["docker".parse().expect("a group")],
        configs: vec![Config {
            path: path("/etc/docker/daemon.json"),
            mode: 0o644,
            template: path("/usr/share/dam-docker/daemon.json"),
            // Where there is no docker-proxy beside it, dockerd takes no settings at all.
            check: [
                "/usr/bin/env",
                "PATH=/usr/libexec/docker:/usr/sbin:/usr/bin:/sbin:/bin",
                "/usr/bin/dockerd",
                "--validate",
                "--config-file",
            ]
            .map(str::to_owned)
            .to_vec(),
        }],
        services: vec![Service {
            unit: "docker.service".parse().expect("a unit"),
            companions: vec!["docker.socket".parse().expect("a unit")],
            enable: true,
            start: true,
            restart: Restart::IfActive {
                survival: Some(Survival {
                    // Nothing is lost either where no container runs. The engine of this machine is asked, whatever root's
                    // environment says, and one that hangs is not waited for.
                    check: "timeout 20 /usr/bin/docker --host unix:///run/docker.sock info \\\n    \
                            --format '{{.LiveRestoreEnabled}} {{.ContainersRunning}}' 2>/dev/null | grep -q -e ^true -e ' 0$'"
                        .to_owned(),
                    loss: "containers stop, for live-restore is off".to_owned(),
                }),
            },
        }],
        labels: Some(Labels {
            paths: ["/usr/bin/docker", "/usr/bin/dockerd", "/usr/libexec/docker", "/etc/docker"].map(path).to_vec(),
            policy: "container-selinux".parse().expect("a name"),
            data: vec![path("/var/lib/docker")],
        }),
        disarm: vec![path("/var/lib/docker/nuke-graph-directory.sh")],
    }
}
