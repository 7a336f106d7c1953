//! Programs that tests run beside themselves, and that end with them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a server may take to start.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How often a port is sought, if somebody else takes it first.
const TRIES: usize = 3;

/// Makes a command for `program` that the kernel ends with the thread that starts it: a test that is killed runs no
/// destructor, and must not leave a server behind.
///
/// # Errors
/// When it is not installed; `make test` installs it.
pub fn tied_command(program: &str) -> io::Result<Command> {
    let path = find_program(program)?;
    let mut command = Command::new(find_program("setpriv")?);
    command.args(["--pdeathsig", "TERM", "--"]).arg(path);
    Ok(command)
}

/// Finds a program where the system keeps them, also those for root only.
///
/// # Errors
/// When it is not installed; `make test` installs it.
pub fn find_program(program: &str) -> io::Result<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test looks for programs where its user does")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/bin", "/usr/local/bin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(OsStr::new(program))).find(|path| path.is_file());
    found.ok_or_else(|| io::Error::other(format!("`{program}` is not installed; `make test` installs it")))
}

/// A program that listens on a port of this machine, and ends with its value.
pub(super) struct Service {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Service {
    /// Starts the command that `make` gives for a free port, and waits until somebody listens there. What it says goes to
    /// the file `log`.
    pub(super) fn start(log: &Path, make: impl Fn(SocketAddr) -> io::Result<Command>) -> io::Result<Self> {
        let mut ended = None;
        for _ in 0..TRIES {
            let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
            let out = File::create(log)?;
            let child = make(address)?.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).spawn()?;
            let mut service = Self { child, address };
            ended = match service.wait()? {
                None => return Ok(service),
                ended => ended,
            };
        }
        let text = fs::read_to_string(log).unwrap_or_default();
        Err(io::Error::other(format!("the server did not start ({ended:?}):\n{text}")))
    }

    /// Waits until it listens; says how it ended, if it did instead.
    fn wait(&mut self) -> io::Result<Option<String>> {
        let begun = Instant::now();
        loop {
            // First: on the port of one that has ended, somebody else may listen.
            if let Some(ended) = self.child.try_wait()? {
                return Ok(Some(ended.to_string()));
            }
            if TcpStream::connect(self.address).is_ok() {
                return Ok(None);
            }
            if begun.elapsed() > START_LIMIT {
                return Ok(Some("too slow".to_owned()));
            }
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // An error means that it ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
