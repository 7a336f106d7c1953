//! Where an answer points to: the `Link` header of a page, and the `Location` of a redirect.
//!
//! Sources: <https://www.rfc-editor.org/rfc/rfc8288#section-3> and
//! <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags>.

use ureq::http::Uri;

/// Returns the target of `rel="next"`, as it stands there.
pub(super) fn next(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (_, begun) = rest.split_once('<')?;
        let (target, behind) = begun.split_once('>')?;
        let (parameters, others) = parameters(behind);
        if is_next(parameters) {
            return Some(target);
        }
        rest = others;
    }
}

/// Parts the parameters of one link from the links behind it: at a comma that is not quoted.
fn parameters(text: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => return (&text[..at], &text[at..]),
            _ => {}
        }
    }
    (text, "")
}

/// Tells whether one of the relations is `next`; where none is given, there is only one it can be.
fn is_next(parameters: &str) -> bool {
    let relation = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"'))
    });
    relation.is_none_or(|relations| relations.split_ascii_whitespace().any(|name| name.eq_ignore_ascii_case("next")))
}

/// Returns the address that `target` stands for in an answer from `base`; `None` where it is none, or neither http nor
/// https.
pub(super) fn join(base: &Uri, target: &str) -> Option<Uri> {
    let target = target.split('#').next()?;
    let scheme = base.scheme_str()?;
    let host = base.authority()?;
    let text = if target.starts_with("//") {
        format!("{scheme}:{target}")
    } else if target.starts_with('/') {
        format!("{scheme}://{host}{target}")
    } else if target.starts_with('?') {
        format!("{scheme}://{host}{}{target}", base.path())
    } else if target.starts_with("http://") || target.starts_with("https://") {
        target.to_owned()
    } else {
        let (folder, _) = base.path().rsplit_once('/')?;
        format!("{scheme}://{host}{folder}/{target}")
    };
    let joined: Uri = text.parse().ok()?;
    let is_web = matches!(joined.scheme_str(), Some("http" | "https"));
    (is_web && joined.host().is_some_and(|host| !host.is_empty())).then_some(joined)
}

/// Tells whether two addresses are of the same server: scheme, host and port.
pub(super) fn same_server(one: &Uri, other: &Uri) -> bool {
    let port = |uri: &Uri| uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let host = |uri: &Uri| uri.host().unwrap_or_default().to_ascii_lowercase();
    one.scheme_str() == other.scheme_str() && host(one) == host(other) && port(one) == port(other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};
    use ureq::http::Uri;

    use super::{join, next, same_server};

    #[test]
    fn the_next_page_is_found() {
        assert_eq!(next(r#"</v2/_catalog?last=b&n=2>; rel="next""#), Some("/v2/_catalog?last=b&n=2"));
        assert_eq!(next(r#"<a>; rel="prev"; title="<x>, rel=next", <b>; rel="last next""#), Some("b"));
        assert_eq!(next("<?n=2>;rel=next"), Some("?n=2"));
        assert_eq!(next("</v2/x>"), Some("/v2/x"));
        assert_eq!(next(r#"<a>; rel="prev""#), None);
        assert_eq!(next("<a"), None);
        assert_eq!(next(""), None);
    }

    #[test]
    fn addresses_are_joined() {
        let base: Uri = "https://plant:5000/team/v2/shop/tags/list?n=1".parse().expect("an address");
        let joined = |target: &str| join(&base, target).map(|uri| uri.to_string());
        assert_eq!(joined("/v2/x?n=2").as_deref(), Some("https://plant:5000/v2/x?n=2"));
        assert_eq!(joined("?n=2").as_deref(), Some("https://plant:5000/team/v2/shop/tags/list?n=2"));
        assert_eq!(joined("list?n=2").as_deref(), Some("https://plant:5000/team/v2/shop/tags/list?n=2"));
        assert_eq!(joined("//other/x").as_deref(), Some("https://other/x"));
        assert_eq!(joined("http://other/x#part").as_deref(), Some("http://other/x"));
        for bad in ["http://", "https://a b/", "/a b", "http://[::1/x"] {
            assert_eq!(joined(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_server_is_scheme_host_and_port() {
        let same = |one: &str, other: &str| same_server(&one.parse().expect(one), &other.parse().expect(other));
        assert!(same("https://plant/a", "https://PLANT:443/b"));
        assert!(!same("https://plant/a", "http://plant/a"));
        assert!(!same("https://plant/a", "https://plant:5000/a"));
        assert!(!same("https://plant/a", "https://plant.evil/a"));
    }

    proptest! {
        #[test]
        fn no_header_breaks_the_reader(header in any::<String>(), target in any::<String>()) {
            next(&header);
            join(&"https://plant/v2/".parse().expect("an address"), &target);
        }

        #[test]
        fn a_link_is_found_among_others(before in "[a-z]{0,9}", target in "/[a-z0-9?=&/]{0,30}") {
            let header = format!(r#"<{before}>; rel="first"; x="a,b", <{target}>; rel="next", <z>; rel=last"#);
            assert_eq!(next(&header), Some(&*target));
        }
    }
}
