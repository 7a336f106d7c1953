//! Blobs on bad days: cut, stalled, repeated, too short, too long, and other than promised.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dam_oci::registry::{Access, Network, Registry, RegistryError, RegistryFault, RegistryImage, TimeLimits};
use dam_oci::testing::registry::{Answer, CuttingProxy, PrivateRegistry, Request, ScriptedServer};
use dam_oci::testing::{ImageBuilder, MemoryImage};
use dam_oci::{BlobFault, Descriptor, Digest, Error, Image, blob, media_type, visit_blobs};

fn registry(host: &str) -> Registry {
    let milliseconds = Duration::from_millis;
    let limits =
        TimeLimits { connect: milliseconds(900), silence: milliseconds(300), wait: milliseconds(20), tries: 3 };
    let access = Access::anonymous(format!("http://{host}").parse().expect("an address"));
    Registry::open(access, &Network { limits, ..Network::default() }).expect("sound settings")
}

/// An image whose one layer is of a known length.
fn image() -> MemoryImage {
    let noise: Vec<u8> = (0..100_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    ImageBuilder::new().file("noise", 0o644, noise).build()
}

fn bytes(image: &MemoryImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let layer = &image.manifest().layers[0];
    image.open_unverified(layer).expect("it is there").read_to_end(&mut bytes).expect("memory does not fail");
    bytes
}

/// What is asked for: the part behind `bytes=` up to the dash.
fn first(request: &Request) -> usize {
    let range = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    range.unwrap_or(0)
}

/// A registry with one image, whose layer is given as the test wants: the script hears the number of the request.
struct Bad {
    server: ScriptedServer,
    image: RegistryImage,
}

fn bad(script: impl Fn(usize, &Request, &[u8], &mut Answer) -> io::Result<()> + Send + Sync + 'static) -> Bad {
    let image = image();
    let layer = image.manifest().layers[0].digest;
    let (manifest, content) = (image.manifest_bytes().to_vec(), bytes(&image));
    let calls = AtomicUsize::new(0);
    let server = ScriptedServer::start(move |request, answer| match &*request.path {
        "/v2/" => answer.send(200, &[], "{}"),
        path if path.contains("/manifests/") => answer.send(200, &[("content-type", media_type::MANIFEST)], &manifest),
        path if path.ends_with(&layer.to_string()) => {
            script(calls.fetch_add(1, Ordering::SeqCst), request, &content, answer)
        }
        _ => answer.send(404, &[], ""),
    });
    let server = server.expect("a port");
    let registry = registry(&server.host());
    let reference = registry.server().reference("shop", Some("1.0")).expect("a name");
    let image = registry.image(&reference, &"linux/amd64".parse().expect("a platform")).expect("an image");
    Bad { server, image }
}

impl Bad {
    fn layer(&self) -> Descriptor {
        self.image.manifest().layers[0].clone()
    }

    /// Reads the layer, checked, and returns it or why not.
    fn read(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let layer = self.layer();
        blob(&self.image, &layer)?.read_to_end(&mut bytes).map_err(Error::stream("layer"))?;
        Ok(bytes)
    }

    /// Returns where each request for the layer begins.
    fn asked(&self) -> Vec<usize> {
        let of_layer = |request: &&Request| request.path.contains("/blobs/");
        self.server.requests().iter().filter(of_layer).map(first).collect()
    }
}

fn fault(error: Error) -> RegistryFault {
    match error {
        Error::Registry(error) => {
            let RegistryError { fault, .. } = *error;
            fault
        }
        other => panic!("{other:?}"),
    }
}

/// Sends the head of a whole or partial answer that promises all there is, and `count` bytes of it.
fn partly(request: &Request, content: &[u8], count: usize, answer: &mut Answer) -> io::Result<()> {
    let begin = first(request);
    let rest = &content[begin..];
    match begin {
        0 => write!(answer, "HTTP/1.1 200 OK\r\n")?,
        _ => write!(
            answer,
            "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes {begin}-{}/{}\r\n",
            content.len() - 1,
            content.len()
        )?,
    }
    write!(answer, "content-length: {}\r\n\r\n", rest.len())?;
    answer.write_all(&rest[..count.min(rest.len())])
}

#[test]
fn a_blob_that_is_cut_goes_on_where_it_broke_off() {
    let bad = bad(|_, request, content, answer| partly(request, content, 150_000, answer));
    assert_eq!(bad.read().expect("in three parts"), bytes(&image()));
    assert_eq!(bad.asked(), [0, 150_000, 300_000]);
}

#[test]
fn a_blob_that_stalls_is_asked_for_again() {
    let bad = bad(|call, request, content, answer| {
        partly(request, content, if call == 0 { 1000 } else { usize::MAX }, answer)?;
        answer.flush()?;
        std::thread::sleep(Duration::from_millis(if call == 0 { 700 } else { 0 }));
        Ok(())
    });
    assert_eq!(bad.read().expect("in two parts"), bytes(&image()));
    assert_eq!(bad.asked(), [0, 1000]);
}

#[test]
fn a_server_that_knows_no_parts_sends_all_again() {
    let bad = bad(|call, _, content, answer| {
        write!(answer, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", content.len())?;
        answer.write_all(&content[..if call == 0 { 170_000 } else { content.len() }])
    });
    assert_eq!(bad.read().expect("the second time"), bytes(&image()));
    assert_eq!(bad.asked(), [0, 170_000]);
}

#[test]
fn a_server_that_gives_another_part_is_refused() {
    let bad = bad(|call, request, content, answer| match call {
        0 => partly(request, content, 1000, answer),
        _ => answer.send(206, &[("content-range", "bytes 2000-/")], &content[2000..]),
    });
    let fault = fault(bad.read().expect_err("a hole"));
    assert_eq!(fault.to_string(), "its answer makes no sense: it goes on at 2000, not at 1000");
}

#[test]
fn tries_without_a_byte_come_to_an_end() {
    let bad = bad(|call, request, content, answer| match call {
        0 => partly(request, content, 1000, answer),
        _ => Err(io::ErrorKind::BrokenPipe.into()),
    });
    let fault = fault(bad.read().expect_err("no end"));
    assert!(matches!(fault, RegistryFault::Lost(_)), "{fault:?}");
    assert!(bad.asked().len() <= 1 + 3 * 3, "{:?}", bad.asked());
}

#[test]
fn a_lie_about_the_length_is_refused_before_a_byte_is_taken() {
    let digest = image().manifest().layers[0].digest;
    let size = image().manifest().layers[0].size;
    let long = bad(|_, _, content, answer| answer.send(200, &[], [content, b"more"].concat()));
    let error = long.read().expect_err("longer");
    assert!(matches!(error, Error::Blob(BlobFault::Long { digest: of, .. }) if of == digest), "{error:?}");
    let short = bad(|_, _, content, answer| answer.send(200, &[], &content[..content.len() - 7]));
    let error = short.read().expect_err("shorter");
    assert!(matches!(error, Error::Blob(BlobFault::Short { missing: 7, .. })), "{error:?}");
    // Where no length is told, it is found out in the end.
    let endless = bad(|_, _, content, answer| {
        answer.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
        answer.write_all(content)?;
        answer.write_all(b"more")
    });
    let error = endless.read().expect_err("longer");
    assert!(matches!(error, Error::Blob(BlobFault::Long { size: of, .. }) if of == size), "{error:?}");
}

#[test]
fn a_lie_about_the_digest_is_refused() {
    let bad = bad(|_, _, content, answer| {
        let mut other = content.to_vec();
        other[5000] ^= 1;
        answer.send(200, &[], other)
    });
    let error = bad.read().expect_err("other content");
    assert!(matches!(error, Error::Blob(BlobFault::Mismatch { .. })), "{error:?}");
    let error = visit_blobs(&bad.image, &[bad.layer()], &mut |_, reader| {
        io::copy(reader, &mut io::sink()).map(drop).map_err(Error::stream("layer"))
    });
    assert!(matches!(error, Err(Error::Blob(BlobFault::Mismatch { .. }))), "{error:?}");
}

#[test]
fn a_manifest_that_is_another_is_refused() {
    let manifest = image().manifest_bytes().to_vec();
    let digest = Digest::of(&manifest);
    let other = Digest::of(b"other");
    let header = other.to_string();
    let server = ScriptedServer::start(move |request, answer| match &*request.path {
        "/v2/" => answer.send(200, &[], "{}"),
        path if path.ends_with("1.0") => {
            let headers = [("content-type", media_type::MANIFEST), ("docker-content-digest", &*header)];
            answer.send(200, &headers, &manifest)
        }
        _ => answer.send(200, &[("content-type", media_type::MANIFEST)], &manifest),
    });
    let server = server.expect("a port");
    let registry = registry(&server.host());
    let reference = registry.server().reference("shop", Some("1.0")).expect("a name");
    let amd64 = "linux/amd64".parse().expect("a platform");
    let error = registry.image(&reference, &amd64).expect_err("a lie");
    let words = format!("its answer makes no sense: the manifest that it calls {other} is {digest}");
    assert_eq!(error.fault.to_string(), words);
    let error = registry.image(&reference.with_digest(other), &amd64).expect_err("another");
    assert_eq!(error.fault.to_string(), format!("its answer makes no sense: asked for {other}, it gives {digest}"));
}

#[test]
fn a_manifest_without_an_end_is_given_up() {
    let server = ScriptedServer::start(|request, answer| {
        if request.path == "/v2/" {
            return answer.send(200, &[], "{}");
        }
        answer.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        loop {
            answer.write_all(&[b' '; 4096])?;
        }
    });
    let server = server.expect("a port");
    let registry = registry(&server.host());
    let reference = registry.server().reference("shop", Some("1.0")).expect("a name");
    let error = registry.image(&reference, &"linux/amd64".parse().expect("a platform")).expect_err("too long");
    assert!(matches!(error.fault, RegistryFault::TooLong(_)), "{error:?}");
}

#[test]
fn a_blob_that_is_not_there_is_told_as_such() {
    let bad = bad(|_, _, _, answer| answer.send(404, &[], ""));
    assert!(matches!(fault(bad.read().expect_err("gone")), RegistryFault::NotFound));
    let error = visit_blobs(&bad.image, &[bad.layer()], &mut |_, reader| {
        io::copy(reader, &mut io::sink()).map(drop).map_err(Error::stream("layer"))
    });
    assert!(matches!(fault(error.expect_err("gone")), RegistryFault::NotFound));
}

#[test]
fn who_gives_up_does_not_wait_for_those_that_come() {
    let image = Arc::new(bad(|_, request, content, answer| partly(request, content, 100, answer)));
    let begun = std::time::Instant::now();
    let layer = image.layer();
    let stopped = visit_blobs(&image.image, &[layer], &mut |_, _| Err(Error::Unsupported { what: "it".to_owned() }));
    assert!(matches!(stopped, Err(Error::Unsupported { .. })));
    assert!(begun.elapsed() < Duration::from_millis(250));
}

/// The real registry, behind a line that is cut every now and then.
#[test]
fn a_pull_survives_a_bad_line() {
    let server = PrivateRegistry::start().expect("a registry");
    let app = |name: &str, seed: u32| {
        let noise: Vec<u8> =
            (0..500_000_u32).flat_map(|number| (number ^ seed).wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        ImageBuilder::new().file(name, 0o644, noise)
    };
    let image =
        app("a", 1).layer().file("b", 0o644, vec![7; 3 << 20]).layer().file("c", 0o644, vec![8; 3 << 20]).build();
    server.put(&image, "shop:1.0").expect("put");
    let line = CuttingProxy::start(&server.host(), 900_000, 5).expect("a port");
    let registry = registry(&line.host());
    let reference = registry.server().reference("shop", Some("1.0")).expect("a name");
    let read = registry.image(&reference, &"linux/amd64".parse().expect("a platform")).expect("an image");
    let mut copy = MemoryImage::copy(&read).expect("sound blobs");
    assert_eq!(copy.blobs_mut(), image.clone().blobs_mut());
    assert_eq!(line.cuts_left(), 0);
}
