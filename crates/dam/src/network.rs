//! The way to registries, as the environment describes it: proxies, and the authorities this machine trusts.

use std::ffi::OsStr;

use dam_core::Cancel;
use dam_oci::registry::{Network, Proxies, TimeLimits};

use crate::surroundings::Surroundings;

/// Reads what the environment says. Names of proxies may be in small or in large letters; small ones win, as with curl.
pub(crate) fn network(surroundings: &Surroundings, cancel: &Cancel) -> Network {
    let variable = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| surroundings.variable(name));
        found.and_then(OsStr::to_str).map(str::to_owned)
    };
    // `HTTP_PROXY` in large letters is a header of a request in CGI programs; dam is none.
    let proxies = Proxies {
        http: variable(["http_proxy", "HTTP_PROXY"]),
        https: variable(["https_proxy", "HTTPS_PROXY"]),
        none_for: variable(["no_proxy", "NO_PROXY"]),
    };
    Network { roots: roots(surroundings), proxies, limits: TimeLimits::default(), stop: cancel.flag() }
}

/// Returns the authorities that the machine trusts, DER; those of browsers where it has none, as a machine without
/// `ca-certificates` has not. Who names others by `SSL_CERT_FILE` or `SSL_CERT_DIR` gets those or none.
///
/// Read even where no https comes of it: 140 authorities take 1 to 2 ms.
fn roots(surroundings: &Surroundings) -> Vec<Vec<u8>> {
    let found = rustls_native_certs::load_native_certs().certs;
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| surroundings.variable(name).is_some());
    let browsers = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter(|_| found.is_empty() && !named);
    found.iter().chain(browsers).map(|certificate| certificate.to_vec()).collect()
}
