//! The stores that machines keep their images in.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use dam_core::testing::{PrivateDocker, PrivatePodman};
use tempfile::TempDir;

use super::Dam;

/// Where a machine keeps its images. An engine lives as long as its value.
pub(crate) enum Home {
    /// Debian's Docker, started for the test.
    Docker(PrivateDocker),
    /// Podman, started for the test.
    Podman(PrivatePodman),
    /// An engine that runs already: its name and its socket.
    Engine(String, PathBuf),
    /// The built-in store.
    BuiltIn,
}

impl Home {
    pub(crate) fn docker() -> Self {
        Self::Docker(PrivateDocker::start().expect("a Docker daemon"))
    }

    pub(crate) fn podman() -> Self {
        Self::Podman(PrivatePodman::start().expect("a Podman service"))
    }

    /// Returns the engines that `DAM_TEST_ENGINES` names, as `NAME=SOCKET` with `;` between them.
    pub(crate) fn named() -> Vec<Self> {
        #[expect(clippy::disallowed_methods, reason = "tests/engines tells of the engines it has started")]
        let engines = std::env::var("DAM_TEST_ENGINES").unwrap_or_default();
        let named = engines.split(';').filter_map(|engine| engine.split_once('='));
        named.map(|(name, socket)| Self::Engine(name.to_owned(), socket.into())).collect()
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Docker(_) => "docker",
            Self::Podman(_) => "podman",
            Self::Engine(name, _) => name,
            Self::BuiltIn => "built-in",
        }
    }

    /// Tells whether it wants all layers, also those that it has.
    pub(crate) fn wants_everything(&self) -> bool {
        matches!(self, Self::Podman(_))
    }

    /// Tells whether it keeps images by the digests of compressed layers, in place of unpacked ones.
    pub(crate) fn is_containerd(&self) -> bool {
        self.name().contains("containerd")
    }

    /// Returns its socket, if it is an engine.
    pub(crate) fn socket(&self) -> Option<PathBuf> {
        let endpoint = match self {
            Self::Docker(docker) => docker.endpoint(),
            Self::Podman(podman) => podman.endpoint(),
            Self::Engine(_, socket) => return Some(socket.clone()),
            Self::BuiltIn => return None,
        };
        let address = endpoint.to_string();
        Some(address.strip_prefix("unix://").expect("a socket").into())
    }

    /// Makes a machine whose dam uses it, and what counts the bytes between them.
    pub(crate) fn machine(&self) -> (Dam, Option<Wire>) {
        let Some(socket) = self.socket() else { return (Dam::new(), None) };
        let wire = Wire::to(&socket);
        let host = format!("unix://{}", wire.socket().display());
        (Dam::new().variable("DAM_STORE", "docker").variable("DOCKER_HOST", &host), Some(wire))
    }

    /// Makes a command of the engine's own client; none for the built-in store.
    pub(crate) fn client(&self) -> Option<Command> {
        if let Self::Podman(podman) = self {
            return Some(podman.client());
        }
        let mut client = Command::new("docker");
        client.arg("--host").arg(format!("unix://{}", self.socket()?.display())).env("DOCKER_CONFIG", "/nonexistent");
        Some(client)
    }

    /// Runs busybox with these words in a container of an image, and returns what it printed; none for the built-in store.
    pub(crate) fn busybox(&self, image: &str, words: &[&str]) -> Option<String> {
        let mut run = self.client()?;
        run.args(["run", "--rm", "--network=none"]);
        if let Self::Podman(_) = self {
            // Its own wishes may be more than this machine allows.
            run.args(["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]);
        }
        Some(output(run.args([image, "/bin/busybox"]).args(words)))
    }
}

/// Runs a program and returns what it printed.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|fault| panic!("{command:?}: {fault}; `make test` installs it"));
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {talk}{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).expect("text")
}

/// A socket that passes everything on to an engine, and counts it.
pub(crate) struct Wire {
    folder: TempDir,
    sent: Arc<AtomicU64>,
}

impl Wire {
    fn to(engine: &Path) -> Self {
        let wire = Self { folder: tempfile::tempdir().expect("a temp folder"), sent: Arc::default() };
        let listener = UnixListener::bind(wire.socket()).expect("a socket");
        let (engine, sent) = (engine.to_owned(), Arc::clone(&wire.sent));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // An engine that has ended closes the line.
                let Ok(engine) = UnixStream::connect(&engine) else { continue };
                let back = (engine.try_clone().expect("a socket"), client.try_clone().expect("a socket"));
                let sent = Arc::clone(&sent);
                thread::spawn(move || pass(client, engine, &sent));
                thread::spawn(move || pass(back.0, back.1, &AtomicU64::new(0)));
            }
        });
        wire
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    /// Returns how many bytes went to the engine since it was asked the last time.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.swap(0, Ordering::Relaxed)
    }
}

fn pass(mut from: UnixStream, mut to: UnixStream, count: &AtomicU64) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        count.fetch_add(length as u64, Ordering::Relaxed);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
