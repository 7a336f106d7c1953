//! Docker with containerd's image store, which takes images with missing blobs and tells nobody.
//!
//! These tests need such an engine in `DAM_TEST_DOCKER_HOST`; `tests/engines` starts one and runs them.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use dam_core::cache::Cache;
use dam_core::event::{Event, Reporter, Silent};
use dam_core::store::docker::{DockerStore, Endpoint};
use dam_core::store::{ImageId, Store};
use dam_core::testing::PrivateDocker;
use dam_oci::testing::{ImageBuilder, MemoryImage, gzip};
use dam_oci::{Descriptor, Digest, Image, Manifest, Reference, media_type};
use tempfile::TempDir;

const BASE: u64 = 5 << 20;

/// Connects to the engine of the test, as a dam of its own.
fn connect(cache: &TempDir) -> (DockerStore, Endpoint) {
    let endpoint = PrivateDocker::shared().expect("DAM_TEST_DOCKER_HOST").endpoint();
    let store = DockerStore::connect(endpoint.clone(), Cache::new(cache.path(), 1 << 30)).expect("a connection");
    (store, endpoint)
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// An app on a base that is the same for all of one test.
fn app(test: &str, top: &str) -> MemoryImage {
    let busybox = std::fs::read("/bin/busybox").expect("busybox-static is installed");
    let base = ImageBuilder::app().file("bin/busybox", 0o755, busybox).file("base", 0o644, vec![5; BASE as usize]);
    base.file("test", 0o644, test).layer().file("top", 0o644, top).build()
}

/// The image with compressed layers: other blobs of the same content.
fn packed(image: &MemoryImage) -> MemoryImage {
    let mut blobs = image.clone().blobs_mut().clone();
    let mut layers = Vec::new();
    for layer in &image.manifest().layers {
        let bytes = gzip(&blobs.remove(&layer.digest).expect("a layer"));
        layers.push(Descriptor::of(media_type::LAYER_GZIP, &bytes));
        blobs.insert(Digest::of(&bytes), bytes);
    }
    MemoryImage::new(Manifest::new(image.manifest().config.clone(), layers), blobs)
}

/// Loads an image and returns the bytes of layers that were sent.
fn load(store: &DockerStore, image: &dyn Image, tag: &str) -> (ImageId, u64) {
    #[derive(Default)]
    struct Sent(AtomicU64);
    impl Reporter for Sent {
        fn event(&self, event: Event) {
            if let Event::Advanced { bytes } = event {
                self.0.fetch_add(bytes, Ordering::Relaxed);
            }
        }
    }
    let sent = Sent::default();
    let tag: Reference = tag.parse().expect("a reference");
    (store.load(image, &[tag], &sent).expect("a sound image"), sent.0.into_inner())
}

/// Names the blobs that an engine gives when it saves an image.
fn saved(endpoint: &Endpoint, id: ImageId) -> BTreeSet<String> {
    let Endpoint::Unix(path) = endpoint else { panic!("not a socket: {endpoint}") };
    let mut stream = UnixStream::connect(path).expect("a connection");
    write!(stream, "GET /v1.44/images/{id}/get HTTP/1.0\r\nHost: x\r\n\r\n").expect("a listener");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let body = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("a head") + 4;
    let mut archive = tar::Archive::new(&answer[body..]);
    let name = |entry: std::io::Result<tar::Entry<&[u8]>>| entry.ok()?.path().ok()?.to_str().map(str::to_owned);
    archive.entries().expect("a tar").filter_map(name).collect()
}

fn is_whole(endpoint: &Endpoint, image: &dyn Image) -> bool {
    let names = saved(endpoint, ImageId(Digest::of(image.manifest_bytes())));
    let manifest = image.manifest();
    manifest
        .layers
        .iter()
        .chain([&manifest.config])
        .all(|blob| names.contains(&format!("blobs/sha256/{}", blob.digest.hex())))
}

/// Loads an image with docker's own means, without its base.
fn load_without_base(endpoint: &Endpoint, image: &MemoryImage, name: &str) {
    let mut torn = tar::Builder::new(Vec::new());
    let mut add = |path: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        torn.append_data(&mut header, path, bytes).expect("memory does not fail");
    };
    let mut manifest = Descriptor::of(media_type::MANIFEST, image.manifest_bytes());
    manifest.annotations.insert("io.containerd.image.name".to_owned(), format!("docker.io/library/{name}"));
    add("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
    let index = dam_oci::Index { manifests: vec![manifest.clone()], ..dam_oci::Index::default() };
    add("index.json", &serde_json::to_vec(&index).expect("JSON"));
    add(&format!("blobs/sha256/{}", manifest.digest.hex()), image.manifest_bytes());
    for (digest, bytes) in image.clone().blobs_mut().iter().filter(|(it, _)| **it != image.manifest().layers[0].digest)
    {
        add(&format!("blobs/sha256/{}", digest.hex()), bytes);
    }
    let torn = torn.into_inner().expect("memory does not fail");
    let home = folder();
    let mut docker = docker(endpoint, home.path());
    let mut load = docker.arg("load").stdin(Stdio::piped()).spawn().expect("`docker` is installed");
    load.stdin.take().expect("a pipe").write_all(&torn).expect("a reader");
    assert!(load.wait().expect("an end").success());
}

fn docker(endpoint: &Endpoint, home: &Path) -> Command {
    let mut command = Command::new("docker");
    command.arg("-H").arg(endpoint.to_string()).env("DOCKER_CONFIG", home);
    command
}

fn runs(endpoint: &Endpoint, tag: &str) -> String {
    let home = folder();
    let mut run = docker(endpoint, home.path());
    let output = run.args(["run", "--rm", "--network=none", tag, "/bin/busybox", "cat", "/top"]).output();
    let output = output.expect("`docker` is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
#[ignore = "needs an engine with containerd's store: tests/engines"]
fn a_second_app_on_a_base_sends_its_own_layer_and_is_whole() {
    let caches = [folder(), folder()];
    let (store, endpoint) = connect(&caches[0]);
    let (one, two, three) = (app("second", "one"), app("second", "two"), app("second", "three"));
    let demand = store.demand(&[&one, &two]).expect("an answer");
    assert_eq!((demand.images[1].send, demand.passing), (2048, 0));
    let (first, sent) = load(&store, &one, "second:1");
    assert!(sent > BASE, "{sent}");
    let (second, sent) = load(&store, &two, "second:2");
    assert_eq!(sent, 2048);
    assert_eq!(runs(&endpoint, "second:2"), "two");
    assert!(is_whole(&endpoint, &two));
    // The first goes, and with it all that only it needed.
    store.remove(first).expect("gone");
    assert!(is_whole(&endpoint, &two));
    assert_eq!(runs(&endpoint, "second:2"), "two");

    // The next dam remembers, and proves it.
    let (store, _) = connect(&caches[0]);
    let (third, sent) = load(&store, &three, "second:3");
    assert_eq!(sent, 2048);
    store.remove(second).expect("gone");
    assert!(is_whole(&endpoint, &three));
    // One that remembers nothing sends everything, once.
    let (stranger, _) = connect(&caches[1]);
    let sent = load(&stranger, &two, "second:2").1;
    assert!(sent > BASE, "{sent}");
    MemoryImage::copy(&*stranger.image(third, &Silent).expect("an image")).expect("sound blobs");
    for id in [second, third] {
        stranger.remove(id).expect("gone");
    }
}

#[test]
#[ignore = "needs an engine with containerd's store: tests/engines"]
fn an_export_is_remembered_for_later_loads() {
    let caches = [folder(), folder()];
    let (store, _) = connect(&caches[0]);
    let (first, _) = load(&store, &app("export", "one"), "export:1");
    let (other, endpoint) = connect(&caches[1]);
    other.image(first, &Silent).expect("an image");
    let (second, sent) = load(&other, &app("export", "two"), "export:2");
    assert_eq!(sent, 2048);
    assert!(is_whole(&endpoint, &app("export", "two")));
    store.remove(first).expect("gone");
    store.remove(second).expect("gone");
}

#[test]
#[ignore = "needs an engine with containerd's store: tests/engines"]
fn a_base_that_was_removed_behind_the_back_is_sent_after_all() {
    let caches = [folder(), folder()];
    let (store, endpoint) = connect(&caches[0]);
    let (first, _) = load(&store, &app("removed", "one"), "removed:1");
    assert_eq!(store.demand(&[&app("removed", "two")]).expect("an answer").send(), 2048);
    connect(&caches[1]).0.remove(first).expect("gone");
    let (second, sent) = load(&store, &app("removed", "two"), "removed:2");
    assert!(sent > BASE, "{sent}");
    assert!(is_whole(&endpoint, &app("removed", "two")));
    assert_eq!(runs(&endpoint, "removed:2"), "two");
    store.remove(second).expect("gone");
}

#[test]
#[ignore = "needs an engine with containerd's store: tests/engines"]
fn an_image_whose_blobs_are_missing_is_not_counted_on() {
    let caches = [folder(), folder()];
    let (store, endpoint) = connect(&caches[0]);
    // The same content with other blobs, so that the engine has the snapshot of the base and not its blob.
    let (plain, one, two) = (app("torn", "one"), packed(&app("torn", "one")), packed(&app("torn", "two")));
    let base = two.manifest().layers[0].size;
    let (other, _) = connect(&caches[1]);
    let (id, _) = load(&other, &plain, "torn:0");
    let (torn, _) = load(&store, &one, "torn:1");
    assert!(store.demand(&[&two]).expect("an answer").send() < 2048);
    // It was whole when dam looked, and another program puts a torn one in its place.
    other.remove(torn).expect("gone");
    load_without_base(&endpoint, &one, "torn:1");
    assert!(store.find_id(torn).expect("an answer").is_some(), "the engine takes it without a word");
    assert!(!is_whole(&endpoint, &one));
    let (second, sent) = load(&store, &two, "torn:2");
    assert!(sent > base, "{sent}");
    assert!(is_whole(&endpoint, &two));
    assert_eq!(runs(&endpoint, "torn:2"), "two");
    for id in [id, torn, second] {
        store.remove(id).expect("gone");
    }
}

#[test]
#[ignore = "needs an engine with containerd's store: tests/engines"]
fn an_image_that_is_there_and_lacks_blobs_is_mended_by_a_load() {
    let caches = [folder(), folder()];
    let (store, endpoint) = connect(&caches[0]);
    let (plain, packed) = (app("mended", "one"), packed(&app("mended", "one")));
    let (id, _) = load(&store, &plain, "mended:0");
    load_without_base(&endpoint, &packed, "mended:1");
    assert!(!is_whole(&endpoint, &packed));
    // A dam that remembers it from the time when it was whole.
    Cache::new(caches[1].path(), 1 << 30).put_manifest(packed.manifest_bytes());
    let (store, _) = connect(&caches[1]);
    let demand = store.demand(&[&packed]).expect("an answer");
    assert!(demand.send() > packed.manifest().layers[0].size, "{demand:?}");
    let (torn, sent) = load(&store, &packed, "mended:1");
    assert_eq!(sent, demand.send());
    assert!(is_whole(&endpoint, &packed));
    for id in [id, torn] {
        store.remove(id).expect("gone");
    }
}
