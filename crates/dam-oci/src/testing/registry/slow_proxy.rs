//! A way to a registry that is as long as one through a network, and counts who is on it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::ScriptedServer;

/// Headers of an answer that belong to what is asked, and not to the connection.
const PASSED: [&str; 4] = ["content-type", "link", "docker-content-digest", "www-authenticate"];

/// Stands before a registry without TLS: every answer comes later by a delay, and it is known how many were waited for at
/// the same time. Reads only. It ends with its value.
pub struct SlowProxy {
    server: ScriptedServer,
    gauge: Arc<Gauge>,
}

/// Requests that wait for an answer, and the most of them ever.
#[derive(Default)]
struct Gauge {
    open: AtomicUsize,
    most: AtomicUsize,
}

impl SlowProxy {
    /// Starts it before a registry, `host` with its port.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start(host: &str, delay: Duration) -> io::Result<Self> {
        let base = format!("http://{host}");
        let config = ureq::Agent::config_builder().proxy(None).http_status_as_error(false).max_idle_connections(64);
        let agent = config.max_idle_connections_per_host(64).build().new_agent();
        let gauge = Arc::new(Gauge::default());
        let of_server = Arc::clone(&gauge);
        let server = ScriptedServer::start(move |request, answer| {
            let open = of_server.open.fetch_add(1, Ordering::SeqCst) + 1;
            of_server.most.fetch_max(open, Ordering::SeqCst);
            let asked = agent.get(format!("{base}{}", request.path)).call();
            thread::sleep(delay);
            of_server.open.fetch_sub(1, Ordering::SeqCst);
            let mut asked = asked.map_err(io::Error::other)?;
            let body = asked.body_mut().read_to_vec().map_err(io::Error::other)?;
            let known = |name| Some((name, asked.headers().get(name)?.to_str().ok()?));
            let headers: Vec<_> = PASSED.into_iter().filter_map(known).collect();
            answer.send(asked.status().as_u16(), &headers, body)
        })?;
        Ok(Self { server, gauge })
    }

    /// Returns where it listens, as the first part of a reference.
    pub fn host(&self) -> String {
        self.server.host()
    }

    /// Returns how many requests waited for an answer at the same time, at the most.
    pub fn most_open(&self) -> usize {
        self.gauge.most.load(Ordering::SeqCst)
    }
}
