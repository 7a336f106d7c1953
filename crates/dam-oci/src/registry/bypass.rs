//! Which hosts are reached without a proxy: `NO_PROXY`, as Go and curl read it.
//!
//! Source: <https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config>.

use std::net::IpAddr;

/// Tells whether `host` (a name, or an address that may be in brackets) is reached directly. What is on this machine always
/// is.
pub(super) fn bypasses(none_for: &str, host: &str, port: u16) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    none_for.split(',').map(|rule| rule.trim().to_ascii_lowercase()).filter(|rule| !rule.is_empty()).any(|rule| {
        if rule == "*" {
            return true;
        }
        match address {
            Some(address) => covers(&rule, address, port),
            None => names(&rule, &host, port),
        }
    })
}

/// Tells whether a rule is an address, or a network that an address is in.
fn covers(rule: &str, address: IpAddr, port: u16) -> bool {
    if let Some((network, length)) = rule.split_once('/') {
        let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
        return match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) if length <= 32 => {
                let shift = |bits: u32| bits.checked_shr(32 - length).unwrap_or(0);
                shift(network.into()) == shift(address.into())
            }
            (IpAddr::V6(network), IpAddr::V6(address)) if length <= 128 => {
                let shift = |bits: u128| bits.checked_shr(128 - length).unwrap_or(0);
                shift(network.into()) == shift(address.into())
            }
            _ => false,
        };
    }
    let bare = |text: &str| text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    match (bare(rule), rule.rsplit_once(':')) {
        (Some(known), _) => known == address,
        (None, Some((known, wanted))) => bare(known) == Some(address) && wanted.parse() == Ok(port),
        (None, None) => false,
    }
}

/// Tells whether a rule is a name, or a domain that a name is in.
fn names(rule: &str, host: &str, port: u16) -> bool {
    let (rule, wanted) = match rule.rsplit_once(':') {
        Some((rule, wanted)) => (rule, Some(wanted)),
        None => (rule, None),
    };
    let below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    let fits = match rule.strip_prefix("*.").or_else(|| rule.strip_prefix('.')) {
        Some(domain) => below(domain),
        None => host == rule || below(rule),
    };
    fits && wanted.is_none_or(|wanted| wanted.parse() == Ok(port))
}

#[cfg(test)]
mod tests {
    use super::bypasses;

    #[test]
    fn hosts_are_named_as_in_no_proxy() {
        for (rules, host) in [
            ("plant", "plant"),
            ("plant", "registry.plant"),
            (".plant", "registry.plant"),
            ("*.plant", "a.registry.plant"),
            ("a, Plant:5000", "PLANT"),
            ("*", "anything"),
            ("10.0.0.0/8", "10.1.2.3"),
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3:5000", "10.1.2.3"),
            ("fd00::/8", "[fd00::1]"),
            ("0.0.0.0/0", "1.2.3.4"),
            ("", "localhost"),
            ("", "127.0.0.1"),
        ] {
            assert!(bypasses(rules, host, 5000), "{rules} {host}");
        }
        for (rules, host) in [
            ("plant", "notplant"),
            (".plant", "plant"),
            ("plant:443", "plant"),
            ("10.0.0.0/8", "11.1.2.3"),
            ("10.0.0.0/99", "10.1.2.3"),
            ("10.1.2.3", "10.1.2.33"),
            ("", "plant"),
        ] {
            assert!(!bypasses(rules, host, 5000), "{rules} {host}");
        }
    }
}
