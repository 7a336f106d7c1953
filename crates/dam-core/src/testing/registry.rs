//! A real registry for tests: Debian's `docker-registry` on a free port of this machine.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::daemon::tied_command;

/// How long it may take to start.
const START_LIMIT: Duration = Duration::from_secs(20);

/// A registry without logins that ends with its value.
pub struct PrivateRegistry {
    folder: TempDir,
    child: Child,
    address: SocketAddr,
}

impl PrivateRegistry {
    /// Starts an empty one.
    ///
    /// # Errors
    /// When `docker-registry` is not installed (`make test` installs it), or does not answer; the error then ends with its
    /// log.
    pub fn start() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        // Somebody else may take the port before the registry does; that test then fails and can be repeated.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let config = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
            at("data").display()
        );
        fs::write(at("config.yml"), config)?;
        let log = File::create(at("log"))?;
        let mut command = tied_command("docker-registry")?;
        command.arg("serve").arg(at("config.yml"));
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let mut registry = Self { folder, child, address };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = registry.child.try_wait()?;
            if ended.is_some() || begun.elapsed() > START_LIMIT {
                let text = fs::read_to_string(registry.folder.path().join("log")).unwrap_or_default();
                return Err(io::Error::other(format!("the registry did not start ({ended:?}):\n{text}")));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(registry)
    }

    /// Returns where it listens, as the first part of a reference.
    pub fn host(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for PrivateRegistry {
    fn drop(&mut self) {
        // An error means that it ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
