//! The way to registries, as the environment describes it: proxies, and the authorities this machine trusts.

use std::ffi::OsStr;

use dam_core::Cancel;
use dam_oci::registry::{Network, Proxies, TimeLimits};

use crate::context::Surroundings;

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
    Network { roots: roots(), proxies, limits: TimeLimits::default(), stop: cancel.flag() }
}

/// Returns the authorities that the machine trusts, DER; those of browsers where it has none, as a machine without
/// `ca-certificates` has not.
fn roots() -> Vec<Vec<u8>> {
    let found = rustls_native_certs::load_native_certs();
    found.certs.iter().map(|certificate| certificate.to_vec()).collect()
}
