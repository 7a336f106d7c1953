//! Registries on their bad days: what they answer is told for what it is, and nothing waits for ever.

use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dam_oci::registry::{Access, Credentials, Network, Registry, RegistryFault, Secret, TimeLimits};
use dam_oci::testing::registry::{Answer, RegistryBuilder, Request, ScriptedServer};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Limits that a test can wait for.
fn quick() -> Network {
    let milliseconds = Duration::from_millis;
    let limits =
        TimeLimits { connect: milliseconds(900), silence: milliseconds(300), wait: milliseconds(20), tries: 3 };
    Network { limits, ..Network::default() }
}

fn open(access: Access) -> Registry {
    Registry::open(access, &quick()).expect("sound settings")
}

fn access(host: &str) -> Access {
    Access::anonymous(format!("http://{host}").parse().expect("an address"))
}

/// As whom a login is shown.
fn robin() -> Credentials {
    Credentials::Password { username: "robin".to_owned(), password: Secret::new("s3cret") }
}

/// A registry that answers to its greeting; the rest is the test's.
fn server(
    script: impl Fn(&Request, &mut Answer) -> io::Result<()> + Send + Sync + 'static,
) -> (ScriptedServer, Registry) {
    let server = ScriptedServer::start(move |request, answer| match &*request.path {
        "/v2/" => answer.send(200, &[JSON], "{}"),
        _ => script(request, answer),
    });
    let server = server.expect("a port");
    let registry = open(access(&server.host()));
    (server, registry)
}

fn tags(registry: &Registry) -> Result<Vec<String>, RegistryFault> {
    let mut tags = Vec::new();
    let listed = registry.tags("shop", &mut |tag| {
        tags.push(tag);
        true
    });
    listed.map(|()| tags).map_err(|error| error.fault)
}

fn catalog(registry: &Registry) -> Result<Vec<String>, RegistryFault> {
    let mut names = Vec::new();
    let listed = registry.catalog(&mut |name| {
        names.push(name);
        true
    });
    listed.map(|()| names).map_err(|error| error.fault)
}

/// What a request that was not done comes to, and how often it was tried.
fn fault_of(status: u16, headers: &'static [(&str, &str)], body: &'static str) -> (RegistryFault, usize) {
    let (server, registry) = server(move |_, answer| answer.send(status, headers, body));
    let fault = tags(&registry).expect_err("refused");
    (fault, server.requests().len() - 1)
}

#[test]
fn a_connection_is_refused() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("its number");
    let error = open(access(&free.to_string())).check().expect_err("nobody listens");
    assert_eq!(error.to_string(), format!("http://{free}: cannot be asked"));
    assert!(matches!(error.fault, RegistryFault::Unreachable(_)), "{error:?}");
    let error = open(Access::anonymous(free.to_string().parse().expect("an address"))).check().expect_err("nobody");
    assert!(matches!(error.fault, RegistryFault::Unreachable(_)), "{error:?}");
}

#[test]
fn a_name_leads_nowhere() {
    // A label of 64 letters is none: no server has to be asked for that.
    let host = format!("{}.invalid:5000", "a".repeat(64));
    let error = open(Access::anonymous(host.parse().expect("an address"))).check().expect_err("no such host");
    assert!(matches!(error.fault, RegistryFault::UnknownHost(_)), "{error:?}");
}

#[test]
fn an_unknown_authority_is_named_as_such_and_never_answered_in_plain_http() {
    let server = RegistryBuilder::new().tls().start().expect("a registry");
    let stranger = open(Access { ca: None, credentials: Some(robin()), ..server.access() });
    let error = stranger.check().expect_err("an unknown authority");
    assert!(matches!(error.fault, RegistryFault::UnknownAuthority(_)), "{error:?}");
}

#[test]
fn plain_http_is_spoken_to_nobody_but_loopback_and_the_insecure() {
    let error = open(Access::anonymous("http://plant:5000".parse().expect("an address"))).check().expect_err("plain");
    assert!(matches!(error.fault, RegistryFault::PlainHttp), "{error:?}");
    let server = RegistryBuilder::new().start().expect("a registry");
    let secure = format!("https://{}", server.host()).parse().expect("an address");
    let error = open(Access { credentials: Some(robin()), ..Access::anonymous(secure) }).check().expect_err("no TLS");
    assert!(matches!(error.fault, RegistryFault::PlainHttp), "{error:?}");
}

#[test]
fn status_401_wants_a_login() {
    let challenge = &[("www-authenticate", "Basic realm=\"plant\"")];
    let (fault, tries) = fault_of(401, challenge, "{}");
    assert!(matches!((&fault, tries), (RegistryFault::LoginNeeded { shown: false }, 1)), "{fault:?} {tries}");
    let (fault, tries) = fault_of(401, &[], "");
    assert!(matches!((&fault, tries), (RegistryFault::LoginNeeded { shown: false }, 1)), "{fault:?} {tries}");
}

#[test]
fn status_403_and_404_are_final() {
    let (fault, tries) = fault_of(403, &[JSON], r#"{"errors":[]}"#);
    assert!(matches!((&fault, tries), (RegistryFault::Forbidden, 1)), "{fault:?} {tries}");
    let (fault, tries) = fault_of(404, &[JSON], r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#);
    assert!(matches!((&fault, tries), (RegistryFault::NotFound, 1)), "{fault:?} {tries}");
}

#[test]
fn status_429_is_waited_out_if_that_is_short() {
    let calls = AtomicUsize::new(0);
    let (_server, registry) = server(move |_, answer| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => answer.send(429, &[("retry-after", "0")], ""),
        _ => answer.send(200, &[JSON], r#"{"tags":["1"]}"#),
    });
    assert_eq!(tags(&registry).expect("the second time"), ["1"]);

    let begun = Instant::now();
    let (fault, tries) = fault_of(429, &[("retry-after", "3600")], "");
    let hour = Some(Duration::from_secs(3600));
    assert!(matches!(fault, RegistryFault::RateLimited { retry_after } if retry_after == hour), "{fault:?}");
    assert_eq!((tries, begun.elapsed() < Duration::from_secs(3)), (1, true));
    let (fault, tries) = fault_of(429, &[], "");
    assert!(matches!((&fault, tries), (RegistryFault::RateLimited { retry_after: None }, 3)), "{fault:?} {tries}");
}

#[test]
fn status_500_and_503_are_tried_again() {
    let calls = AtomicUsize::new(0);
    let (_server, registry) = server(move |_, answer| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => answer.send(500, &[], ""),
        1 => answer.send(503, &[], "busy"),
        _ => answer.send(200, &[JSON], r#"{"tags":["1"]}"#),
    });
    assert_eq!(tags(&registry).expect("the third time"), ["1"]);
    let body = "{\"errors\":[{\"code\":\"UNKNOWN\",\"message\":\"disk\\u001b[31m full\"}]}";
    let (fault, tries) = fault_of(503, &[JSON], body);
    assert_eq!((fault.to_string(), tries), ("it answered with status 503: disk [31m full".to_owned(), 3));
}

#[test]
fn a_connection_that_is_closed_is_made_again() {
    let calls = AtomicUsize::new(0);
    let (_server, registry) = server(move |_, answer| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => Err(io::ErrorKind::BrokenPipe.into()),
        _ => answer.send(200, &[JSON], r#"{"tags":["1"]}"#),
    });
    assert_eq!(tags(&registry).expect("the second time"), ["1"]);
    let (_server, registry) = server(|_, _| Err(io::ErrorKind::BrokenPipe.into()));
    let fault = tags(&registry).expect_err("never");
    assert!(matches!(fault, RegistryFault::Lost(_)), "{fault:?}");
}

#[test]
fn a_server_that_stalls_is_given_up() {
    let over = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&over);
    let (_server, registry) = server(move |_, _| {
        while !end.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    });
    let begun = Instant::now();
    let fault = tags(&registry).expect_err("silence");
    assert!(matches!(fault, RegistryFault::Silent(limit) if limit == Duration::from_millis(300)), "{fault:?}");
    assert!(begun.elapsed() < Duration::from_secs(3));
    over.store(true, Ordering::SeqCst);
}

#[test]
fn whoever_stops_waits_no_longer() {
    let network = Network { limits: TimeLimits::default(), ..Network::default() };
    let stop = Arc::clone(&network.stop);
    let end = Arc::clone(&network.stop);
    let server = ScriptedServer::start(move |_, _| {
        while !end.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_secs(2));
        Ok(())
    });
    let server = server.expect("a port");
    let registry = Registry::open(access(&server.host()), &network).expect("sound settings");
    let begun = Instant::now();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        stop.store(true, Ordering::SeqCst);
    });
    let error = registry.check().expect_err("stopped");
    assert!(matches!(error.fault, RegistryFault::Stopped), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(2));
    stopper.join().expect("it sets a flag");
}

#[test]
fn a_million_tags_take_no_memory() {
    let (_server, registry) = server(|_, answer| {
        // All in one page: no registry has to keep to the `n` that it is asked for.
        let mut body = io::BufWriter::new(answer);
        body.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n")?;
        body.write_all(br#"{"name":"shop","tags":["#)?;
        for number in 0..1_000_000 {
            let comma = if number == 0 { "" } else { "," };
            write!(body, r#"{comma}"a-tag-of-a-nightly-build-{number:07}""#)?;
        }
        body.write_all(b"]}")?;
        body.flush()
    });
    let before = resident();
    let (mut count, mut most) = (0, 0);
    let listed = registry.tags("shop", &mut |_| {
        count += 1;
        if count % 100_000 == 0 {
            most = most.max(resident());
        }
        true
    });
    listed.expect("a list");
    assert_eq!(count, 1_000_000);
    assert!(most < before + (16 << 20), "{before} bytes before, {most} while it came");
}

/// Returns the memory that this process has, in bytes.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4096
}

#[test]
fn a_name_without_an_end_is_given_up() {
    let (_server, registry) = server(|_, answer| {
        answer.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"tags\":[\"")?;
        // Until nobody listens.
        loop {
            answer.write_all(&[b'a'; 4096])?;
        }
    });
    let fault = tags(&registry).expect_err("too long");
    assert!(matches!(fault, RegistryFault::TooLong(_)), "{fault:?}");
}

#[test]
fn a_redirect_without_an_end_is_given_up() {
    let (server, registry) = server(|request, answer| {
        let next = format!("{}x", request.path);
        answer.send(307, &[("location", &*next)], "")
    });
    let fault = tags(&registry).expect_err("endless");
    assert_eq!(fault.to_string(), "its answer makes no sense: it redirects more than 10 times");
    assert_eq!(server.requests().len(), 1 + 11);
}

#[test]
fn a_redirect_to_another_host_gets_no_credentials() {
    let other = ScriptedServer::start(|_, answer| answer.send(200, &[JSON], r#"{"tags":["1"]}"#)).expect("a port");
    let target = format!("{}/elsewhere", other.url());
    let server = ScriptedServer::start(move |request, answer| match request.header("authorization") {
        None => answer.send(401, &[("www-authenticate", "Basic realm=x")], ""),
        Some(_) if request.path == "/v2/" => answer.send(200, &[JSON], "{}"),
        Some(_) => answer.send(302, &[("location", &*target)], ""),
    });
    let server = server.expect("a port");
    let registry = open(Access { credentials: Some(robin()), ..access(&server.host()) });
    assert_eq!(tags(&registry).expect("tags"), ["1"]);
    let [there] = &other.requests()[..] else { panic!("{:?}", other.requests()) };
    assert_eq!((&*there.path, there.header("authorization")), ("/elsewhere", None));
    assert!(server.requests().iter().any(|request| request.header("authorization") == Some("Basic cm9iaW46czNjcmV0")));
}

#[test]
fn a_catalog_page_that_points_to_another_host_is_not_followed() {
    let other = ScriptedServer::start(|_, answer| answer.send(200, &[JSON], "{}")).expect("a port");
    let link = format!("<{}/v2/_catalog?last=a>; rel=\"next\"", other.url());
    let server = ScriptedServer::start(move |request, answer| match request.header("authorization") {
        None => answer.send(401, &[("www-authenticate", "Basic realm=x")], ""),
        Some(_) => answer.send(200, &[JSON, ("link", &link)], r#"{"repositories":["a"]}"#),
    });
    let server = server.expect("a port");
    let fault = catalog(&open(Access { credentials: Some(robin()), ..access(&server.host()) })).expect_err("refused");
    assert_eq!(fault.to_string(), "its answer makes no sense: its next page is on another server, `127.0.0.1`");
    assert_eq!(other.requests(), []);
}

#[test]
fn pages_that_go_round_are_refused() {
    let (_server, registry) = server(|request, answer| {
        let next = if request.path.ends_with("last=a") { "b" } else { "a" };
        answer.send(
            200,
            &[JSON, ("link", &format!("</v2/_catalog?last={next}>; rel=\"next\""))],
            r#"{"repositories":["a"]}"#,
        )
    });
    let fault = catalog(&registry).expect_err("a circle");
    assert_eq!(fault.to_string(), "its answer makes no sense: its pages go round in a circle");
}

#[test]
fn html_is_no_json() {
    const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");
    const PAGE: &str = "<html><body>Please log in to the Wi-Fi</body></html>";
    let portal = ScriptedServer::start(|_, answer| answer.send(200, &[HTML], PAGE)).expect("a port");
    let registry = open(access(&portal.host()));
    let said = |fault: RegistryFault| fault.to_string();
    assert_eq!(said(tags(&registry).expect_err("HTML")), "its answer makes no sense: it is a web page, and no list");
    assert_eq!(said(catalog(&registry).expect_err("HTML")), "its answer makes no sense: it is a web page, and no list");
    let no_registry = "its answer makes no sense: it is a web page, and no registry";
    assert_eq!(said(registry.check().expect_err("HTML").fault), no_registry);
    let reference = registry.server().reference("shop", Some("1.0")).expect("a name");
    let no_manifest = "its answer makes no sense: it is a web page, and no manifest";
    assert_eq!(said(registry.find(&reference).expect_err("HTML").fault), no_manifest);
    let image = registry.image(&reference, &"linux/amd64".parse().expect("a platform"));
    assert_eq!(said(image.expect_err("HTML").fault), no_manifest);
}

#[test]
fn what_is_no_name_is_left_out() {
    let (_server, registry) = server(|request, answer| match request.path.contains("_catalog") {
        true => {
            answer.send(200, &[JSON], r#"{"repositories":["shop","Shop","a b","x\u001b[31m","../y"],"more":{"a":[1]}}"#)
        }
        false => answer.send(200, &[JSON], r#"{"name":"shop","tags":["1.0","a b","\u001b[31m",""]}"#),
    });
    assert_eq!(catalog(&registry).expect("a catalog"), ["shop"]);
    assert_eq!(tags(&registry).expect("tags"), ["1.0"]);
}

#[test]
fn a_repository_whose_tags_are_gone_has_none() {
    let (_server, registry) = server(|_, answer| answer.send(200, &[JSON], r#"{"name":"shop","tags":null}"#));
    assert_eq!(tags(&registry).expect("a list"), <[String; 0]>::default());
}

#[test]
fn a_token_server_on_plain_http_elsewhere_learns_no_password() {
    let challenge = "Bearer realm=\"http://tokens.example/token\",service=\"x\"";
    let server = ScriptedServer::start(move |_, answer| answer.send(401, &[("www-authenticate", challenge)], ""));
    let server = server.expect("a port");
    let fault = tags(&open(Access { credentials: Some(robin()), ..access(&server.host()) })).expect_err("refused");
    assert!(matches!(fault, RegistryFault::PlainHttp), "{fault:?}");
}

#[test]
fn passwords_are_in_no_error() {
    let bad = || Access { credentials: Some(robin()), ..access("127.0.0.1:1") };
    let error = open(bad()).check().expect_err("nobody listens");
    assert!(!format!("{error:?} {:?}", open(bad())).contains("s3cret"));
    let proxies = dam_oci::registry::Proxies { https: Some("ftp://robin:s3cret@x".to_owned()), ..Default::default() };
    let error = Registry::open(bad(), &Network { proxies, ..quick() }).expect_err("no such proxy");
    assert!(!format!("{error:?} {error}").contains("s3cret"));
}

#[test]
fn docker_hub_is_searched_page_by_page() {
    let server = ScriptedServer::start(|request, answer| {
        let page = request.path.rsplit('=').next().and_then(|page| page.parse::<usize>().ok()).unwrap_or(0);
        let entry = |number: usize| {
            let name = match number {
                0 => "mongo".to_owned(),
                1 => "Not A Name".to_owned(),
                number => format!("user{number}/mongo"),
            };
            let described = if number == 2 { "null" } else { "\"a\\ndatabase\"" };
            let official = number == 0;
            format!(
                r#"{{"name":"{name}","description":{described},"star_count":{number},"is_official":{official},"is_automated":false}}"#
            )
        };
        let entries: Vec<String> = ((page - 1) * 3..page * 3).map(entry).collect();
        let body = format!(
            r#"{{"num_pages":2,"num_results":6,"page":{page},"page_size":3,"query":"x","results":[{}]}}"#,
            entries.join(",")
        );
        answer.send(200, &[JSON], body)
    });
    let server = server.expect("a port");
    let access = Access {
        api: Some(server.url()),
        credentials: Some(robin()),
        ..Access::anonymous(dam_oci::registry::Server::docker_hub())
    };
    let registry = open(access);
    let hits = registry.search("mo ngo&", 100).expect("results");
    let names: Vec<&str> = hits.iter().map(|hit| &*hit.name).collect();
    assert_eq!(names, ["mongo", "user2/mongo", "user3/mongo", "user4/mongo", "user5/mongo"]);
    assert_eq!((hits[0].official, hits[0].stars, &*hits[0].description), (true, 0, "a database"));
    assert_eq!((hits[1].official, hits[1].stars, &*hits[1].description), (false, 2, ""));
    assert_eq!(registry.search("mongo", 2).expect("results").len(), 2);
    assert!(server.requests()[0].path.starts_with("/v1/search?q=mo%20ngo%26&n=100&page=1"));
    assert!(server.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn docker_hub_adds_library_and_gives_tokens() {
    let server = ScriptedServer::start(|request, answer| match &*request.path {
        path if path.starts_with("/token?") => {
            let known = path.contains("scope=repository%3Alibrary%2Fmongo%3Apull") && path.contains("service=hub");
            answer.send(if known { 200 } else { 400 }, &[JSON], r#"{"token":"t0ken","expires_in":300}"#)
        }
        "/v2/library/mongo/tags/list?n=1000" if request.header("authorization") == Some("Bearer t0ken") => {
            answer.send(200, &[JSON], r#"{"name":"library/mongo","tags":["3.6.20"]}"#)
        }
        _ => {
            let host = request.header("host").unwrap_or_default();
            let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"hub\"");
            answer.send(401, &[("www-authenticate", &challenge)], "")
        }
    });
    let server = server.expect("a port");
    let hub = Access { api: Some(server.url()), ..Access::anonymous(dam_oci::registry::Server::docker_hub()) };
    let mut tags = Vec::new();
    let keep = &mut |tag| {
        tags.push(tag);
        true
    };
    open(hub.clone()).tags("mongo", keep).expect("tags");
    assert_eq!(tags, ["3.6.20"]);
    let asked: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!((asked.len(), &*asked[0]), (3, "/v2/"), "{asked:?}");
    assert!(matches!(catalog(&open(hub)), Err(RegistryFault::NotFound)));
}

#[test]
fn a_token_that_is_no_longer_taken_is_replaced() {
    let given = Arc::new(AtomicUsize::new(0));
    let server = ScriptedServer::start(move |request, answer| match &*request.path {
        path if path.starts_with("/token?") => {
            let number = given.fetch_add(1, Ordering::SeqCst);
            answer.send(200, &[JSON], format!(r#"{{"access_token":"t{number}"}}"#))
        }
        _ if request.header("authorization")
            == Some(&format!("Bearer t{}", given.load(Ordering::SeqCst).max(1) - 1)) =>
        {
            // Each token is good for one answer.
            given.fetch_add(1, Ordering::SeqCst);
            answer.send(200, &[JSON], r#"{"tags":["1"]}"#)
        }
        _ => {
            let host = request.header("host").unwrap_or_default();
            answer.send(401, &[("www-authenticate", &format!("Bearer realm=\"http://{host}/token\""))], "")
        }
    });
    let server = server.expect("a port");
    let registry = open(access(&server.host()));
    for _ in 0..3 {
        assert_eq!(tags(&registry).expect("tags"), ["1"]);
    }
}
