//! Agents: connections to servers, with the certificates, proxies and time limits of this machine.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use ureq::http::{Request, Response, Uri};
use ureq::{Agent, AsSendBody, Body, Proxy};

use super::bypass::bypasses;
use super::{Access, Network, RegistryFault, TimeLimits, connector, tls, verdict};

/// Bytes per read from a connection.
const BUFFER: usize = 128 << 10;
/// How often it is looked whether anybody still wants an answer.
const LOOK: Duration = Duration::from_millis(100);
/// Connections that are kept for the next request.
const IDLE: usize = 32;

/// The ways out of this machine: directly, or through a proxy. Only this module and [`connector`] know the HTTP library's settings.
pub(super) struct Roads {
    direct: Agent,
    http: Option<Agent>,
    https: Option<Agent>,
    none_for: String,
    limits: TimeLimits,
    /// Ends the watch over `stop` when it is dropped.
    _watch: Sender<()>,
}

impl Roads {
    /// Prepares the ways to one registry, and those it points to.
    ///
    /// # Errors
    /// [`RegistryFault::Unusable`] where certificates, keys or proxies cannot be read.
    pub(super) fn build(access: &Access, network: &Network) -> Result<Self, RegistryFault> {
        let tls = tls::config(access, network)?;
        let limits = network.limits;
        let agent = |proxy: Option<Proxy>| {
            let config = Agent::config_builder()
                .http_status_as_error(false)
                // Redirects are followed by hand: whom credentials are shown to is not the library's business.
                .max_redirects(0)
                .max_redirects_will_error(false)
                // Without this line, the library reads the environment.
                .proxy(proxy)
                .user_agent(concat!("dam/", env!("CARGO_PKG_VERSION")))
                .timeout_resolve(Some(limits.connect))
                .timeout_connect(Some(limits.connect))
                .timeout_recv_response(Some(limits.silence))
                .timeout_per_read(Some(limits.silence))
                .timeout_per_write(Some(limits.silence))
                .input_buffer_size(BUFFER)
                .max_idle_connections(IDLE)
                .max_idle_connections_per_host(IDLE)
                .build();
            connector::agent(config, &tls)
        };
        let through = |url: &Option<String>| url.as_deref().filter(|url| !url.is_empty()).map(proxy).transpose();
        let http = through(&network.proxies.http)?.map(|proxy| agent(Some(proxy)));
        let https = through(&network.proxies.https)?.map(|proxy| agent(Some(proxy)));
        let direct = agent(None);
        let all = [Some(&direct), http.as_ref(), https.as_ref()];
        let watch = watch(network, all.into_iter().flatten().cloned().collect());
        let none_for = network.proxies.none_for.clone().unwrap_or_default();
        Ok(Self { direct, http, https, none_for, limits, _watch: watch })
    }

    /// Sends a request and waits for the head of the answer, whatever its status is.
    pub(super) fn call(&self, request: Request<impl AsSendBody>) -> Result<Response<Body>, RegistryFault> {
        self.agent(request.uri()).run(request).map_err(|error| verdict::of_failure(error, &self.limits))
    }

    fn agent(&self, url: &Uri) -> &Agent {
        let secure = url.scheme_str() == Some("https");
        let proxied = if secure { &self.https } else { &self.http };
        let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });
        match proxied {
            Some(agent) if !bypasses(&self.none_for, url.host().unwrap_or_default(), port) => agent,
            _ => &self.direct,
        }
    }
}

impl fmt::Debug for Roads {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // An agent with a proxy would show the proxy's password.
        f.write_str("Roads")
    }
}

/// Reads the URL of a proxy; one without a scheme is http, as everywhere.
fn proxy(url: &str) -> Result<Proxy, RegistryFault> {
    let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    // What the URL says is not shown: it may have a password in it.
    Proxy::new(&full)
        .map_err(|_| RegistryFault::Unusable { what: "the proxy", reason: "it is no URL of an http proxy".to_owned() })
}

/// Cuts all connections soon after `stop` is set; ends when the returned end of a channel is dropped.
fn watch(network: &Network, agents: Vec<Agent>) -> Sender<()> {
    let (alive, ended) = channel();
    let stop = Arc::clone(&network.stop);
    let look = move || {
        while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            if stop.load(Ordering::Relaxed) {
                return agents.into_iter().for_each(Agent::shutdown);
            }
        }
    };
    // Where there are no more threads, stopping takes as long as a silence may.
    let _ = thread::Builder::new().name("registry-stop".to_owned()).spawn(look);
    alive
}
