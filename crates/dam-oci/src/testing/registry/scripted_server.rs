//! A server that says what a test wants: for answers that no sound registry gives.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// Path and query, as they were sent.
    pub path: String,
    /// Headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// Returns a header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The way back to who asked.
///
/// [`Answer::send`] writes one whole answer, after which the connection stays. Whatever is written as bytes is on its own,
/// and the connection ends with it.
pub struct Answer {
    stream: TcpStream,
    head_only: bool,
    stays: bool,
}

impl Answer {
    /// Sends a status, headers and a body of that length.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn send(&mut self, status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> io::Result<()> {
        let body = body.as_ref();
        let mut text = format!("HTTP/1.1 {status} Scripted\r\n");
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        // RFC 9110: these have no body, and say no length of one.
        if status >= 200 && status != 204 && status != 304 && !headers.iter().any(|(name, _)| is_length(name)) {
            text += &format!("content-length: {}\r\n", body.len());
        }
        let mut bytes = (text + "\r\n").into_bytes();
        if !self.head_only {
            bytes.extend_from_slice(body);
        }
        self.stream.write_all(&bytes)
    }

    /// Ends the connection after this answer.
    pub fn close(&mut self) {
        self.stays = false;
    }
}

fn is_length(name: &str) -> bool {
    name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding")
}

impl Write for Answer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stays = false;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// A server on loopback whose every answer is a closure's. It ends with its value.
pub struct ScriptedServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

/// What the threads of a server share.
struct Shared {
    ended: AtomicBool,
    requests: Mutex<Vec<Request>>,
    /// Open connections, to be cut when the server ends.
    streams: Mutex<Vec<TcpStream>>,
    script: Box<Script>,
}

/// Answers a request.
type Script = dyn Fn(&Request, &mut Answer) -> io::Result<()> + Send + Sync;

impl ScriptedServer {
    /// Starts it. `script` is called on many threads at once, one for each connection; an error ends the connection.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start(script: impl Fn(&Request, &mut Answer) -> io::Result<()> + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (requests, streams) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { ended: AtomicBool::new(false), requests, streams, script: Box::new(script) });
        let of_listener = Arc::clone(&shared);
        let listener = thread::spawn(move || {
            for stream in listener.incoming() {
                if of_listener.ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&of_listener);
                thread::spawn(move || serve(&stream, &shared));
            }
        });
        Ok(Self { address, shared, listener: Some(listener) })
    }

    /// Returns where it listens, as the first part of a reference.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Returns its URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns what was asked so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().expect("no thread panics with it").clone()
    }
}

/// Answers one connection until it ends.
fn serve(stream: &TcpStream, shared: &Shared) {
    // Also where the script panics: whoever waits for its answer must not wait for long.
    let _end = End(stream);
    let Ok(kept) = stream.try_clone() else { return };
    shared.streams.lock().expect("no thread panics with it").push(kept);
    // A client that keeps a connection open must not keep a thread of a test that has ended.
    let _ = stream.set_read_timeout(Some(Duration::from_secs(120)));
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    while let Ok(Some(request)) = read_request(&mut reader, stream) {
        shared.requests.lock().expect("no thread panics with it").push(request.clone());
        let Ok(stream) = stream.try_clone() else { return };
        let mut answer = Answer { stream, head_only: request.method == "HEAD", stays: true };
        if (shared.script)(&request, &mut answer).is_err() || !answer.stays {
            break;
        }
    }
}

/// Ends a connection.
struct End<'a>(&'a TcpStream);

impl Drop for End<'_> {
    fn drop(&mut self) {
        // An error means that the other side was faster.
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

/// Reads a request with its body; `None` at the end of the connection.
pub(super) fn read_request(reader: &mut impl BufRead, mut back: impl Write) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { method, path, headers, body: Vec::new() };
    if request.header("expect").is_some() {
        back.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    if let Some(length) = request.header("content-length").and_then(|length| length.parse().ok()) {
        reader.take(length).read_to_end(&mut request.body)?;
    } else if request.header("transfer-encoding").is_some() {
        read_chunks(reader, &mut request.body)?;
    }
    Ok(Some(request))
}

/// Reads a body in chunks. Source: RFC 9112, section 7.1.
fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = u64::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        reader.take(size).read_to_end(body)?;
        reader.read_line(&mut line)?;
        if size == 0 {
            return Ok(());
        }
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the listener; an error means that it has ended.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        for stream in self.shared.streams.lock().expect("no thread panics with it").drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::ScriptedServer;

    #[test]
    fn a_script_answers_and_what_was_asked_is_kept() {
        let server = ScriptedServer::start(|request, answer| match request.path.as_str() {
            "/cut" => answer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"),
            path => answer.send(200, &[("x-path", path)], &request.body),
        })
        .expect("a port");
        let mut stream = TcpStream::connect(server.host()).expect("a connection");
        stream.write_all(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi").expect("sent");
        stream.write_all(b"HEAD /b HTTP/1.1\r\n\r\nGET /cut HTTP/1.1\r\n\r\n").expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("text");
        let told = "HTTP/1.1 200 Scripted\r\nx-path: /a\r\ncontent-length: 2\r\n\r\nhi\
                    HTTP/1.1 200 Scripted\r\nx-path: /b\r\ncontent-length: 0\r\n\r\n\
                    HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc";
        assert_eq!(text, told);
        let requests = server.requests();
        assert_eq!(requests.len(), 3);
        assert_eq!((requests[0].header("host"), &requests[0].body[..]), (Some("x"), &b"hi"[..]));
    }
}
