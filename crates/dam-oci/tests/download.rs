//! Files of web servers, on good days and on bad ones.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use dam_oci::Digest;
use dam_oci::registry::{Download, DownloadError, Downloaded, Network, RegistryFault, Step, TimeLimits, download};
use dam_oci::testing::registry::{Answer, CuttingProxy, Request, ScriptedServer};
use tempfile::TempDir;

/// A file of a few reads.
fn content() -> Vec<u8> {
    (0..700_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// A folder, and a way to the servers of loopback.
struct Test {
    folder: TempDir,
    network: Network,
}

impl Test {
    fn new() -> Self {
        let limits = TimeLimits {
            connect: Duration::from_secs(5),
            silence: Duration::from_secs(5),
            wait: Duration::from_millis(1),
            tries: 4,
        };
        Self { folder: tempfile::tempdir().expect("a temp folder"), network: Network { limits, ..Network::default() } }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("docker.tgz")
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("docker.tgz.part")
    }

    fn get(&self, url: &str, pin: Option<Digest>) -> Result<Downloaded, DownloadError> {
        self.watched(url, pin).0
    }

    fn watched(&self, url: &str, pin: Option<Digest>) -> (Result<Downloaded, DownloadError>, Vec<Step>) {
        let wanted = Download { url, pin, limit: 1 << 20 };
        let mut steps = Vec::new();
        let done = download(&wanted, &self.network, &self.path(), &mut |step| steps.push(step));
        (done, steps)
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.folder.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// Answers as a web server with ranges does.
fn serve(request: &Request, answer: &mut Answer, bytes: &[u8], tag: &str) -> io::Result<()> {
    let first = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let is_same = request.header("if-range").is_none_or(|state| state == tag);
    match first.filter(|_| is_same) {
        None => answer.send(200, &[("etag", tag)], bytes),
        Some(first) if first >= bytes.len() => answer.send(416, &[], ""),
        Some(first) => {
            let range = format!("bytes {first}-{}/{}", bytes.len() - 1, bytes.len());
            answer.send(206, &[("etag", tag), ("content-range", &range)], &bytes[first..])
        }
    }
}

/// Sends the head of a whole answer, and a half of its body.
fn break_off(answer: &mut Answer, bytes: &[u8], tag: &str) -> io::Result<()> {
    write!(answer, "HTTP/1.1 200 OK\r\netag: {tag}\r\ncontent-length: {}\r\n\r\n", bytes.len())?;
    answer.write_all(&bytes[..bytes.len() / 2])
}

fn fault(error: DownloadError) -> RegistryFault {
    let DownloadError::Failed { fault, .. } = error else { panic!("{error:?}") };
    fault
}

#[test]
fn a_file_comes_whole_and_is_hashed() {
    let (test, bytes) = (Test::new(), content());
    let (sent, digest) = (bytes.clone(), Digest::of(&bytes));
    let server = ScriptedServer::start(move |_, answer| answer.send(200, &[], &sent)).expect("a port");
    let (done, steps) = test.watched(&format!("{}/docker.tgz", server.url()), None);
    assert_eq!(done.expect("came"), Downloaded { size: 700_000, digest, resumed: 0 });
    assert_eq!(fs::read(test.path()).expect("there"), bytes);
    assert_eq!(test.files(), ["docker.tgz"]);
    assert_eq!(steps[0], Step::Begun { done: 0, total: Some(700_000) });
    let advanced: u64 = steps.iter().map(|step| if let Step::Advanced(bytes) = step { *bytes } else { 0 }).sum();
    assert_eq!(advanced, 700_000);
    let request = &server.requests()[0];
    assert_eq!((request.path.as_str(), request.header("range")), ("/docker.tgz", None));
}

#[test]
fn redirects_are_followed_to_other_servers() {
    let (test, bytes) = (Test::new(), content());
    let digest = Digest::of(&bytes);
    let far = ScriptedServer::start(move |_, answer| answer.send(200, &[], &bytes)).expect("a port");
    let target = format!("{}/real?x=1", far.url());
    let near = ScriptedServer::start(move |_, answer| answer.send(302, &[("location", &target)], "")).expect("a port");
    let done = test.get(&format!("{}/docker.tgz", near.url()), Some(digest)).expect("came");
    assert_eq!(done.digest, digest);
    assert_eq!(far.requests()[0].path, "/real?x=1");
    let round =
        ScriptedServer::start(|_, answer| answer.send(302, &[("location", "/docker.tgz")], "")).expect("a port");
    let lost = fault(test.get(&format!("{}/docker.tgz", round.url()), None).expect_err("round and round"));
    assert_eq!(lost.to_string(), "its answer makes no sense: it redirects more than 10 times");
}

#[test]
fn a_cut_connection_goes_on_where_it_was_cut() {
    let (test, bytes) = (Test::new(), content());
    let (sent, digest) = (bytes.clone(), Digest::of(&bytes));
    let server = ScriptedServer::start(move |request, answer| serve(request, answer, &sent, "\"1\"")).expect("a port");
    let proxy = CuttingProxy::start(&server.host(), 300_000, 2).expect("a port");
    let done = test.get(&format!("http://{}/docker.tgz", proxy.host()), None).expect("came");
    assert_eq!(done, Downloaded { size: 700_000, digest, resumed: 0 });
    assert_eq!((proxy.cuts_left(), fs::read(test.path()).expect("there")), (0, bytes));
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests[1].header("range").is_some());
    assert_eq!(requests[1].header("if-range"), Some("\"1\""));
}

#[test]
fn a_file_that_changes_while_it_comes_is_taken_anew() {
    let (test, old, new) = (Test::new(), content(), content().split_off(7));
    let (asked, digest) = (AtomicU32::new(0), Digest::of(&new));
    let server = ScriptedServer::start(move |request, answer| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => break_off(answer, &old, "\"1\""),
        _ => serve(request, answer, &new, "\"2\""),
    })
    .expect("a port");
    let done = test.get(&format!("{}/docker.tgz", server.url()), None).expect("came");
    assert_eq!(done.digest, digest);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn without_a_digest_or_a_tag_halves_are_never_joined() {
    let (test, bytes) = (Test::new(), content());
    let (asked, digest) = (AtomicU32::new(0), Digest::of(&bytes));
    let server = ScriptedServer::start(move |_, answer| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => break_off(answer, &bytes, "W/\"weak\""),
        _ => answer.send(200, &[], &bytes),
    })
    .expect("a port");
    assert_eq!(test.get(&format!("{}/docker.tgz", server.url()), None).expect("came").digest, digest);
    assert_eq!(server.requests()[1].header("range"), None);
}

#[test]
fn with_a_pin_the_next_download_goes_on() {
    let (test, bytes) = (Test::new(), content());
    let digest = Digest::of(&bytes);
    let half = bytes.clone();
    let broken = ScriptedServer::start(move |request, answer| match request.header("range") {
        None => break_off(answer, &half, "\"1\""),
        Some(_) => answer.write_all(b"HTTP/1.1 206 Partial\r\n"),
    })
    .expect("a port");
    let lost = fault(test.get(&format!("{}/docker.tgz", broken.url()), Some(digest)).expect_err("cut"));
    assert!(matches!(lost, RegistryFault::Lost(_)), "{lost:?}");
    assert_eq!(broken.requests().len(), 4, "as often as the limits say");
    assert_eq!(test.files(), ["docker.tgz.part"]);
    let server = ScriptedServer::start(move |request, answer| serve(request, answer, &bytes, "\"1\"")).expect("a port");
    let (done, steps) = test.watched(&format!("{}/docker.tgz", server.url()), Some(digest));
    assert_eq!(done.expect("came"), Downloaded { size: 700_000, digest, resumed: 350_000 });
    assert_eq!(steps[0], Step::Begun { done: 350_000, total: Some(700_000) });
    assert_eq!(server.requests()[0].header("range"), Some("bytes=350000-"));
    assert_eq!(test.files(), ["docker.tgz"]);
}

#[test]
fn a_part_that_belongs_to_another_file_is_thrown_away() {
    let bytes = content();
    let digest = Digest::of(&bytes);
    let server = ScriptedServer::start(move |request, answer| serve(request, answer, &bytes, "\"1\"")).expect("a port");
    let url = format!("{}/docker.tgz", server.url());
    for (part, asked) in [(vec![1; 999], 2), (vec![1; 700_000], 2), (vec![1; 800_000], 2)] {
        let test = Test::new();
        fs::write(test.part(), part).expect("written");
        let before = server.requests().len();
        let done = test.get(&url, Some(digest)).expect("came");
        assert_eq!(done, Downloaded { size: 700_000, digest, resumed: 0 });
        assert_eq!((server.requests().len() - before, test.files()), (asked, vec!["docker.tgz".to_owned()]));
    }
    let test = Test::new();
    fs::write(test.part(), content()).expect("written");
    let before = server.requests().len();
    assert_eq!(test.get(&url, Some(digest)).expect("was there").resumed, 700_000);
    assert_eq!(server.requests().len(), before, "a part that is whole needs no server");
}

#[test]
fn a_server_without_ranges_begins_anew() {
    let (test, bytes) = (Test::new(), content());
    let digest = Digest::of(&bytes);
    fs::write(test.part(), &bytes[..1000]).expect("written");
    let server = ScriptedServer::start(move |_, answer| answer.send(200, &[], &bytes)).expect("a port");
    let done = test.get(&format!("{}/docker.tgz", server.url()), Some(digest)).expect("came");
    assert_eq!(done, Downloaded { size: 700_000, digest, resumed: 0 });
    let (test, bytes) = (Test::new(), content());
    let server = ScriptedServer::start(move |_, answer| break_off(answer, &bytes, "\"1\"")).expect("a port");
    fault(test.get(&format!("{}/docker.tgz", server.url()), Some(digest)).expect_err("never whole"));
    assert_eq!(server.requests().len(), 4, "it is not asked for ever");
}

#[test]
fn a_wrong_digest_leaves_nothing() {
    let (test, wanted) = (Test::new(), Digest::of(b"what was meant"));
    let server = ScriptedServer::start(|_, answer| answer.send(200, &[], "<html>sorry</html>")).expect("a port");
    let url = format!("{}/docker.tgz", server.url());
    let error = test.get(&url, Some(wanted)).expect_err("another file");
    let found = Digest::of(b"<html>sorry</html>");
    assert_eq!(error.to_string(), format!("`{url}` has the digest {found}, not {wanted}"));
    assert_eq!((test.files().len(), server.requests().len()), (0, 1));
}

#[test]
fn what_a_server_refuses_is_told_as_it_is() {
    for (status, told) in [
        (403, "it does not allow that (status 403)"),
        (404, "it has no such thing (status 404)"),
        (416, "it answered with status 416"),
        (206, "it answered with status 206"),
    ] {
        let test = Test::new();
        let server = ScriptedServer::start(move |_, answer| answer.send(status, &[], "")).expect("a port");
        let url = format!("{}/docker.tgz", server.url());
        let error = test.get(&url, None).expect_err("refused");
        assert_eq!(error.to_string(), format!("cannot download `{url}`"));
        assert_eq!(fault(error).to_string(), told);
        assert_eq!((test.files().len(), server.requests().len()), (0, 1), "{status}");
    }
}

#[test]
fn a_server_that_is_busy_is_asked_again() {
    let (test, asked) = (Test::new(), AtomicU32::new(0));
    let server = ScriptedServer::start(move |_, answer| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => answer.send(503, &[], ""),
        1 => answer.send(429, &[("retry-after", "0")], ""),
        _ => answer.send(200, &[], "x"),
    })
    .expect("a port");
    assert_eq!(test.get(&format!("{}/docker.tgz", server.url()), None).expect("came").size, 1);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_file_that_never_ends_is_cut_off() {
    let too_long = |script: fn(&mut Answer) -> io::Result<()>| {
        let test = Test::new();
        let server = ScriptedServer::start(move |_, answer| script(answer)).expect("a port");
        let url = format!("{}/docker.tgz", server.url());
        let error = test.get(&url, Some(Digest::of(b""))).expect_err("too long");
        assert_eq!(error.to_string(), format!("`{url}` has more than 1048576 bytes"));
        assert!(test.files().is_empty());
    };
    too_long(|answer| answer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nabc"));
    too_long(|answer| {
        answer.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        for _ in 0..99 {
            write!(answer, "{:x}\r\n", 64 << 10)?;
            answer.write_all(&[7; 64 << 10])?;
            answer.write_all(b"\r\n")?;
        }
        Ok(())
    });
}

#[test]
fn plain_http_needs_a_digest() {
    let test = Test::new();
    let error = test.get("http://download.example/docker.tgz", None).expect_err("not safe");
    assert_eq!(
        error.to_string(),
        "`http://download.example/docker.tgz` would come over plain http, where anybody can change it, and no digest \
         says what it is"
    );
    let server = ScriptedServer::start(|_, answer| answer.send(302, &[("location", "http://x.invalid/y")], ""));
    let server = server.expect("a port");
    let error = test.get(&format!("{}/docker.tgz", server.url()), None).expect_err("leads away");
    assert!(matches!(error, DownloadError::Failed { fault: RegistryFault::UnknownHost(_), .. }), "{error:?}");
}

#[test]
fn two_at_once_do_not_mix() {
    let (test, bytes) = (Test::new(), content());
    let digest = Digest::of(&bytes);
    let server = ScriptedServer::start(move |request, answer| serve(request, answer, &bytes, "\"1\"")).expect("a port");
    let url = format!("{}/docker.tgz", server.url());
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| test.get(&url, Some(digest)).expect("came"))).collect();
        assert!(all.into_iter().all(|one| one.join().expect("no panic").digest == digest));
    });
    assert_eq!(test.files(), ["docker.tgz"]);
    assert_eq!(fs::read(test.path()).expect("there"), content());
}

#[test]
fn whoever_stops_it_keeps_what_came() {
    let (test, bytes) = (Test::new(), content());
    let digest = Digest::of(&bytes);
    let server = ScriptedServer::start(move |_, answer| answer.send(200, &[], &bytes)).expect("a port");
    let url = format!("{}/docker.tgz", server.url());
    let wanted = Download { url: &url, pin: Some(digest), limit: 1 << 20 };
    let mut stop = |step| {
        if matches!(step, Step::Advanced(_)) {
            test.network.stop.store(true, Ordering::SeqCst);
        }
    };
    let stopped = fault(download(&wanted, &test.network, &test.path(), &mut stop).expect_err("stopped"));
    assert!(matches!(stopped, RegistryFault::Stopped));
    assert_eq!(test.files(), ["docker.tgz.part"]);
}
