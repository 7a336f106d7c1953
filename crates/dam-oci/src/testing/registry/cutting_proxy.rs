//! A line that breaks: between a client and a real registry.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

/// Hands bytes on in both directions, and cuts connections that carried too many. It ends with its value.
pub struct CuttingProxy {
    address: SocketAddr,
    line: Arc<Line>,
    listener: Option<JoinHandle<()>>,
}

/// What the threads share.
struct Line {
    ended: AtomicBool,
    /// Bytes after which a connection is cut, counted for each and for each direction.
    most: u64,
    cuts_left: AtomicU64,
    carried: AtomicU64,
}

impl CuttingProxy {
    /// Starts it before the server at `host`, an address with a port. The first `cuts` connections that carry more than
    /// `most` bytes in one direction are cut there.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start(host: &str, most: u64, cuts: u64) -> io::Result<Self> {
        let target: SocketAddr = host.parse().map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (ended, carried) = (AtomicBool::new(false), AtomicU64::new(0));
        let line = Arc::new(Line { ended, most, cuts_left: AtomicU64::new(cuts), carried });
        let of_listener = Arc::clone(&line);
        let listener = thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if of_listener.ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(far) = TcpStream::connect(target) else { continue };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { continue };
                    let line = Arc::clone(&of_listener);
                    thread::spawn(move || carry(&from, &to, &line));
                }
            }
        });
        Ok(Self { address, line, listener: Some(listener) })
    }

    /// Returns where it listens, as the first part of a reference.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Returns how many connections are still to be cut.
    pub fn cuts_left(&self) -> u64 {
        self.line.cuts_left.load(Ordering::SeqCst)
    }

    /// Returns how many bytes went through, both ways.
    pub fn carried(&self) -> u64 {
        self.line.carried.load(Ordering::SeqCst)
    }
}

/// Carries one direction until it ends or is cut.
fn carry(mut from: &TcpStream, mut to: &TcpStream, line: &Line) {
    let mut buffer = vec![0; 16 << 10];
    let mut carried = 0;
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        carried += count as u64;
        let one_less = |left: u64| left.checked_sub(1);
        let order = Ordering::SeqCst;
        if carried > line.most && line.cuts_left.fetch_update(order, order, one_less).is_ok() {
            let _ = from.shutdown(Shutdown::Both);
            break;
        }
        line.carried.fetch_add(count as u64, order);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Read);
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        self.line.ended.store(true, Ordering::SeqCst);
        // Wakes the listener; an error means that it has ended.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}
