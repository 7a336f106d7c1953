//! The bytes between dam and an engine: a socket, a port with or without TLS, or the ends of an `ssh` process.
//!
//! The only module that touches ureq's `unversioned` traits, which may change in any minor release.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport};

use super::endpoint::Endpoint;
use super::error::Unreachable;

/// How long a connection may take to come about.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Bytes kept of what `ssh` says.
const SSH_WORDS_LIMIT: u64 = 4 << 10;

/// Why no connection came about; travels inside [`ureq::Error::Other`].
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub(super) struct ConnectFailure {
    pub(super) cause: Unreachable,
    pub(super) source: io::Error,
}

impl From<io::Error> for ConnectFailure {
    fn from(source: io::Error) -> Self {
        Self { cause: Unreachable::of(&source), source }
    }
}

impl From<ConnectFailure> for ureq::Error {
    fn from(failure: ConnectFailure) -> Self {
        Self::Other(Box::new(failure))
    }
}

/// Makes connections to one endpoint, whatever the address of a request says.
#[derive(Debug)]
pub(super) struct EngineConnector {
    pub(super) endpoint: Endpoint,
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// Set when the engine no longer reads: whoever sends a body stops, and the answer can be read.
    pub(super) deaf: Arc<AtomicBool>,
}

impl Connector for EngineConnector {
    type Out = EngineTransport;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<EngineTransport>, ureq::Error> {
        let socket = match &self.endpoint {
            Endpoint::Unix(path) => Socket::Unix(UnixStream::connect(path).map_err(ConnectFailure::from)?),
            Endpoint::Tcp { host, port, .. } => {
                let stream = connect_tcp(host, *port)?;
                match &self.tls {
                    Some(config) => shake_hands(host, stream, Arc::clone(config))?,
                    None => Socket::Tcp(stream),
                }
            }
            Endpoint::Ssh { user, host, port } => {
                let (stream, ssh) = start_ssh("ssh".as_ref(), user.as_deref(), host, *port)?;
                Socket::Ssh { stream, ssh, heard: false }
            }
        };
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(EngineTransport { socket, buffers, deaf: Arc::clone(&self.deaf) }))
    }
}

fn connect_tcp(host: &str, port: u16) -> Result<TcpStream, ConnectFailure> {
    let lookup = |source| ConnectFailure { cause: Unreachable::NotFound, source };
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs().map_err(lookup)? {
        match TcpStream::connect_timeout(&address, CONNECT_LIMIT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last.into())
}

fn shake_hands(host: &str, mut stream: TcpStream, config: Arc<ClientConfig>) -> Result<Socket, ConnectFailure> {
    let handshake = |source| ConnectFailure { cause: Unreachable::Handshake, source };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| handshake(io::Error::other(error)))?;
    let mut connection = ClientConnection::new(config, name).map_err(|error| handshake(io::Error::other(error)))?;
    stream.set_read_timeout(Some(CONNECT_LIMIT))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(handshake)?;
    }
    stream.set_read_timeout(None)?;
    Ok(Socket::Tls(Box::new(StreamOwned::new(connection, stream))))
}

/// Runs `docker system dial-stdio` on the other machine, as docker's own command does. One socket is stdin and stdout
/// of `ssh`, so that it can be polled and timed like any other.
fn start_ssh(
    program: &OsStr,
    user: Option<&str>,
    host: &str,
    port: Option<u16>,
) -> Result<(UnixStream, Ssh), ConnectFailure> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new(program);
    command.args(["-o", "ConnectTimeout=10", "-T"]);
    if let Some(user) = user {
        command.args(["-l", user]);
    }
    if let Some(port) = port {
        command.args(["-p", &port.to_string()]);
    }
    command.args(["--", host, "docker", "system", "dial-stdio"]);
    command.stdin(OwnedFd::from(theirs.try_clone()?)).stdout(OwnedFd::from(theirs)).stderr(Stdio::piped());
    let child = command.spawn().map_err(|source| ConnectFailure { cause: Unreachable::Ssh, source })?;
    Ok((ours, Ssh(child)))
}

/// A running `ssh`; it ends with the connection.
struct Ssh(Child);

impl Ssh {
    /// Waits for its end and returns what it said.
    fn last_words(&mut self) -> io::Error {
        let mut words = Vec::new();
        if let Some(stderr) = self.0.stderr.take() {
            // What cannot be read is not said; the connection has failed in any case.
            let _ = stderr.take(SSH_WORDS_LIMIT).read_to_end(&mut words);
        }
        io::Error::other(String::from_utf8_lossy(&words).trim().to_owned())
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    Ssh { stream: UnixStream, ssh: Ssh, heard: bool },
}

impl Socket {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Unix(stream) | Self::Ssh { stream, .. } => stream.write_all(bytes),
            Self::Tcp(stream) => stream.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) | Self::Ssh { stream, .. } => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Unix(stream) | Self::Ssh { stream, .. } => stream.set_read_timeout(limit),
            Self::Tcp(stream) => stream.set_read_timeout(limit),
            Self::Tls(stream) => stream.sock.set_read_timeout(limit),
        }
    }

    /// Tells whether nothing waits to be read: a peer that is done says so by an end that can be read.
    fn is_quiet(&mut self) -> bool {
        fn quiet<S: Read>(mut stream: S, set: impl Fn(bool) -> io::Result<()>) -> bool {
            if set(true).is_err() {
                return false;
            }
            let waits = stream.read(&mut [0]);
            set(false).is_ok() && waits.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        }
        match self {
            Self::Unix(stream) | Self::Ssh { stream, .. } => quiet(&*stream, |on| stream.set_nonblocking(on)),
            Self::Tcp(stream) => quiet(&*stream, |on| stream.set_nonblocking(on)),
            Self::Tls(stream) => quiet(&stream.sock, |on| stream.sock.set_nonblocking(on)),
        }
    }
}

/// One connection to an engine.
pub(super) struct EngineTransport {
    socket: Socket,
    buffers: LazyBuffers,
    deaf: Arc<AtomicBool>,
}

impl fmt::Debug for EngineTransport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("EngineTransport").finish_non_exhaustive()
    }
}

impl Transport for EngineTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    /// Sends, without a limit in time: an engine that unpacks to a slow disk may pause for long.
    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let gone =
            |error: &io::Error| matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset);
        match self.socket.write_all(&self.buffers.output()[..amount]) {
            // An engine that refuses a body answers before the body's end and closes. The answer says why and can
            // still be read, so the loss of the bytes is noted and not reported.
            Err(error) if gone(&error) => self.deaf.store(true, Ordering::SeqCst),
            result => result?,
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.socket.set_read_timeout(timeout.not_zero().map(|limit| *limit))?;
        let amount = loop {
            match self.socket.read(self.buffers.input_append_buf()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(ureq::Error::Timeout(timeout.reason));
                }
                result => break result?,
            }
        };
        if let Socket::Ssh { ssh, heard, .. } = &mut self.socket {
            if amount == 0 && !*heard {
                return Err(ConnectFailure { cause: Unreachable::Ssh, source: ssh.last_words() }.into());
            }
            *heard = true;
        }
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.socket.is_quiet()
    }

    fn is_tls(&self) -> bool {
        matches!(self.socket, Socket::Tls(_))
    }
}

/// Resolves nothing: [`EngineConnector`] knows where to go.
#[derive(Debug)]
pub(super) struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(SocketAddr::from(([0, 0, 0, 0], 0)));
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::os::unix::fs::PermissionsExt;

    use super::start_ssh;

    /// Writes a script that stands in for `ssh`.
    fn script(folder: &tempfile::TempDir, text: &str) -> std::path::PathBuf {
        let path = folder.path().join("ssh");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a file");
        path
    }

    #[test]
    fn ssh_runs_dockers_own_end_on_the_other_machine() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = script(&folder, "echo \"$@\"; read line; echo \"you said $line\"");
        let (mut stream, _ssh) = start_ssh(program.as_ref(), Some("ops"), "plant", Some(22)).expect("a process");
        let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        assert_eq!(line, "-o ConnectTimeout=10 -T -l ops -p 22 -- plant docker system dial-stdio\n");
        stream.write_all(b"hello\n").expect("a listener");
        let mut rest = String::new();
        reader.read_to_string(&mut rest).expect("an end");
        assert_eq!(rest, "you said hello\n");
    }

    #[test]
    fn what_ssh_says_at_its_end_is_the_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = script(&folder, "echo 'plant: Permission denied (publickey).' >&2; exit 255");
        let (mut stream, mut ssh) = start_ssh(program.as_ref(), None, "plant", None).expect("a process");
        assert_eq!(stream.read(&mut [0; 8]).expect("an end"), 0);
        assert_eq!(ssh.last_words().to_string(), "plant: Permission denied (publickey).");
        assert!(start_ssh("/nowhere/ssh".as_ref(), None, "plant", None).is_err());
    }
}
