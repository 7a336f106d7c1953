//! Real engines for tests, each with a folder of its own, so that no test ever touches the machine's.
//!
//! An engine lives as long as its value. `DAM_TEST_DOCKER_HOST` names one that is shared instead, for the tests that do
//! not mind what else is in it; see [`PrivateDocker::shared`].

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use dam_oci::testing::{find_program, tied_command};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::store::docker::Endpoint;

/// How long an engine may take to start.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long an engine may take to end before it is killed.
const END_LIMIT: Duration = Duration::from_secs(15);

/// A Docker daemon with its own data, or one that is shared.
pub struct PrivateDocker {
    endpoint: Endpoint,
    daemon: Option<Daemon>,
}

impl PrivateDocker {
    /// Starts a daemon without images, containers or networks. It takes some seconds.
    ///
    /// # Errors
    /// When `dockerd` is not installed (`make test` installs it), when this user is not root, and when the daemon does
    /// not answer; the error then ends with its log.
    pub fn start() -> io::Result<Self> {
        Self::start_in(short_folder()?)
    }

    /// Starts a daemon whose data lies on a disk of so many bytes. It cannot be started again.
    ///
    /// # Errors
    /// As [`PrivateDocker::start`], and when there are no loop devices.
    pub fn start_on_disk(bytes: u64) -> io::Result<Self> {
        let folder = short_folder()?;
        let (image, data) = (folder.path().join("disk"), folder.path().join("data"));
        fs::create_dir(&data)?;
        File::create(&image)?.set_len(bytes)?;
        run(Command::new(find_program("mkfs.ext4")?).args(["-q", "-m0"]).arg(&image))?;
        // Unmounted with all else that is mounted in the folder, when the daemon ends.
        run(Command::new(find_program("mount")?).args(["-o", "loop"]).arg(&image).arg(&data))?;
        Self::start_in(folder)
    }

    fn start_in(folder: TempDir) -> io::Result<Self> {
        let at = |name: &str| folder.path().join(name);
        fs::write(at("config"), "{}")?;
        let mut command = tied_command("dockerd")?;
        command.arg("--data-root").arg(at("data")).arg("--exec-root").arg(at("x")).arg("--pidfile").arg(at("pid"));
        command.arg("-H").arg(address(&at("s"))).arg("--config-file").arg(at("config"));
        command.args(["--bridge=none", "--iptables=false"]);
        let daemon = Daemon::start(folder, command)?;
        Ok(Self { endpoint: Endpoint::Unix(daemon.socket()), daemon: Some(daemon) })
    }

    /// Uses the daemon that `DAM_TEST_DOCKER_HOST` names, or starts one. Other tests may use it at the same time.
    pub fn shared() -> io::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "the Makefile tells the tests of a daemon that runs already")]
        let host = std::env::var("DAM_TEST_DOCKER_HOST");
        match host {
            Ok(host) => Ok(Self { endpoint: host.parse().map_err(io::Error::other)?, daemon: None }),
            Err(_) => Self::start(),
        }
    }

    /// Returns where it listens.
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint.clone()
    }

    /// Ends the daemon at once, as a power cut does. A shared one stays.
    pub fn kill(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            daemon.kill();
        }
    }

    /// Starts the daemon again after [`PrivateDocker::kill`], with the data it had.
    pub fn start_again(&mut self) -> io::Result<()> {
        self.daemon.as_mut().map_or(Ok(()), Daemon::start_again)
    }

    /// Returns the folder of its data, or `None` for a shared one.
    pub fn data(&self) -> Option<PathBuf> {
        self.daemon.as_ref().map(|daemon| daemon.folder.path().join("data"))
    }
}

/// Podman's Docker API with its own data.
pub struct PrivatePodman(Daemon);

impl PrivatePodman {
    /// Starts the service without images or containers.
    ///
    /// # Errors
    /// As [`PrivateDocker::start`], of `podman`.
    pub fn start() -> io::Result<Self> {
        let folder = short_folder()?;
        let mut command = tied_command("podman")?;
        on_folder(&mut command, folder.path());
        command.args(["system", "service", "--time=0"]).arg(address(&folder.path().join("s")));
        Ok(Self(Daemon::start(folder, command)?))
    }

    /// Returns a command of `podman` itself on the same data, to be given its words.
    pub fn client(&self) -> Command {
        let mut command = Command::new("podman");
        on_folder(&mut command, self.0.folder.path());
        command
    }

    /// Returns where it listens.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::Unix(self.0.socket())
    }
}

/// Makes Podman keep everything in a folder.
fn on_folder(command: &mut Command, folder: &Path) {
    for (option, name) in [("--root", "data"), ("--runroot", "x"), ("--tmpdir", "t")] {
        command.arg(option).arg(folder.join(name));
    }
}

/// A process that listens on the socket `s` of its folder.
struct Daemon {
    folder: TempDir,
    command: Command,
    child: Child,
}

/// Starts the process; what it says goes to the file `log`.
fn spawn(folder: &TempDir, command: &mut Command) -> io::Result<Child> {
    let log = File::options().create(true).append(true).open(folder.path().join("log"))?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()
}

impl Daemon {
    fn start(folder: TempDir, mut command: Command) -> io::Result<Self> {
        let child = spawn(&folder, &mut command)?;
        let mut daemon = Self { folder, command, child };
        daemon.wait()?;
        Ok(daemon)
    }

    /// Waits until it answers.
    fn wait(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        while !answers(&self.socket()) {
            let ended = self.child.try_wait()?;
            if ended.is_some() || begun.elapsed() > START_LIMIT {
                let text = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                let tail: Vec<&str> = text.lines().rev().take(20).collect();
                let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
                return Err(io::Error::other(format!("the engine did not start ({ended:?}):\n{tail}")));
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn kill(&mut self) {
        // An error means that it ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.end_containerd();
    }

    fn start_again(&mut self) -> io::Result<()> {
        self.kill();
        self.unmount();
        // A process that runs by now may have the number that the killed one left in its file.
        for left in ["s", "pid", "x/containerd/containerd.pid"] {
            let _ = fs::remove_file(self.folder.path().join(left));
        }
        self.child = spawn(&self.folder, &mut self.command)?;
        self.wait()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    /// Ends the process, kindly first.
    fn end(&mut self) {
        let begun = Instant::now();
        // An error means that it ended by itself.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        while matches!(self.child.try_wait(), Ok(None)) {
            if begun.elapsed() > END_LIMIT {
                let _ = self.child.kill();
                let _ = self.child.wait();
                break;
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// Ends the containerd that a killed dockerd leaves behind, after making sure that the id is still its own.
    fn end_containerd(&self) {
        let folder = self.folder.path().join("x/containerd");
        let Ok(text) = fs::read_to_string(folder.join("containerd.pid")) else { return };
        let Some(pid) = text.trim().parse().ok().and_then(Pid::from_raw) else { return };
        let command = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
        if String::from_utf8_lossy(&command).contains(&*folder.to_string_lossy()) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Unmounts what the engine left mounted, the newest first.
    fn unmount(&self) {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let folder = self.folder.path().to_string_lossy().into_owned();
        for line in mounts.lines().rev() {
            if let Some(point) = line.split(' ').nth(4).filter(|point| point.starts_with(&folder)) {
                let _ = Command::new("umount").arg("-l").arg(point).stderr(Stdio::null()).status();
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
        self.end_containerd();
        self.unmount();
    }
}

/// Makes a folder whose name leaves room for a socket's path, which has a limit of 108 bytes.
fn short_folder() -> io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("damd").rand_bytes(6).tempdir()?;
    match folder.path().as_os_str().len() {
        0..=80 => Ok(folder),
        _ => Err(io::Error::other(format!("`{}` is too long for sockets below it", folder.path().display()))),
    }
}

fn address(socket: &Path) -> String {
    format!("unix://{}", socket.display())
}

/// Runs a command that must succeed.
fn run(command: &mut Command) -> io::Result<()> {
    let status = command.stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{command:?} failed: {status}"))) }
}

/// Tells whether an engine answers a ping.
fn answers(socket: &Path) -> bool {
    let ping = || -> io::Result<bool> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(answer.ends_with(b"200"))
    };
    ping().unwrap_or(false)
}
