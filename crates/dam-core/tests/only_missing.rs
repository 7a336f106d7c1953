//! A load sends an engine only what it lacks, in parts where that is much, and goes on after a cut.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use dam_core::cache::Cache;
use dam_core::event::{Event, Reporter, Silent};
use dam_core::store::docker::{DockerError, DockerStore, Endpoint};
use dam_core::store::{ImageId, LayoutStore, PullRequest, Store};
use dam_core::testing::{MemoryStore, PrivateDocker, PrivatePodman, PrivateRegistry, Trouble, Troubled};
use dam_core::{Cancel, Error, Result};
use dam_oci::testing::{ImageBuilder, MemoryImage};
use dam_oci::{Descriptor, Digest, Image, Manifest, Reference};
use tempfile::TempDir;

const MIB: usize = 1 << 20;

fn reference(text: &str) -> Reference {
    text.parse().expect("a reference")
}

/// An app of so many layers of 2 MiB, and a small one on top.
fn tall(layers: usize, top: &str) -> MemoryImage {
    let base = (0..layers).fold(ImageBuilder::app(), |image, at| {
        image.file(&format!("file{at}"), 0o644, vec![at as u8 + 1; 2 * MIB]).layer()
    });
    base.file("top", 0o644, top).build()
}

/// Connects as another dam would, which knows nothing of the first.
fn connect(endpoint: Endpoint, cache: &TempDir) -> DockerStore {
    let store = DockerStore::connect(endpoint, Cache::new(cache.path(), 1 << 30)).expect("a connection");
    store.with_part_size(3 * MIB as u64)
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Loads an image and returns the bytes of layers that were sent.
fn load(store: &dyn Store, image: &dyn Image, tag: &str) -> (Result<ImageId>, u64) {
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
    (store.load(image, &[reference(tag)], &sent), sent.0.into_inner())
}

fn whole(store: &dyn Store, id: ImageId) {
    MemoryImage::copy(&*store.image(id, &Silent).expect("an image")).expect("sound blobs");
}

/// Asks an engine by hand for all of its images.
fn all_images(endpoint: &Endpoint) -> String {
    let Endpoint::Unix(path) = endpoint else { panic!("not a socket: {endpoint}") };
    let mut stream = UnixStream::connect(path).expect("a connection");
    stream.write_all(b"GET /v1.40/images/json?all=1 HTTP/1.0\r\nHost: x\r\n\r\n").expect("a listener");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_load_that_was_cut_goes_on_where_it_was() {
    let daemon = PrivateDocker::start().expect("a Docker daemon");
    let caches = [folder(), folder(), folder()];
    let store = connect(daemon.endpoint(), &caches[0]);
    let image = tall(4, "one");
    let third = image.manifest().layers[2].digest;
    let pulled = Troubled { image: image.clone(), trouble: Trouble::Lost(third) };
    let (cut, _) = load(&store, &pulled, "shop:1");
    assert!(cut.as_ref().is_err_and(Error::is_cut), "{cut:?}");
    assert_eq!(store.list().expect("a list"), [], "parts are out of sight");
    assert!(all_images(&daemon.endpoint()).contains("dam.part"));
    assert_eq!(store.find(&reference("shop:1")).expect("an answer"), None);

    let store = connect(daemon.endpoint(), &caches[1]);
    let rest = store.demand(&[&image]).expect("an answer");
    assert_eq!(rest.images[0].layers_sent, 3);
    let (loaded, sent) = load(&store, &image, "shop:1");
    let id = loaded.expect("a sound image");
    assert_eq!(sent, rest.send());
    assert!(sent < 5 * MIB as u64, "two layers were there: {sent}");
    assert!(!all_images(&daemon.endpoint()).contains("dam.part"), "the parts have gone");
    let store = connect(daemon.endpoint(), &caches[2]);
    whole(&store, id);
    let (next, sent) = load(&store, &tall(4, "two"), "shop:2");
    next.expect("a sound image");
    assert_eq!(sent, 2048);
}

#[test]
fn parts_that_nobody_wants_any_more_are_forgotten() {
    let daemon = PrivateDocker::start().expect("a Docker daemon");
    let cache = folder();
    let store = connect(daemon.endpoint(), &cache);
    let kept = load(&store, &tall(3, "kept"), "kept:1").0.expect("a sound image");
    let image = ImageBuilder::new().file("x", 0o644, vec![9; 4 * MIB]).layer().file("y", 0o644, vec![8; 4 * MIB]);
    let image = image.layer().file("z", 0o644, vec![7; 4 * MIB]).build();
    let last = image.manifest().layers[2].digest;
    load(&store, &Troubled { image: image.clone(), trouble: Trouble::Lost(last) }, "x:1").0.expect_err("a cut");
    assert!(all_images(&daemon.endpoint()).contains("dam.part"));
    store.forget_parts().expect("no parts");
    assert!(!all_images(&daemon.endpoint()).contains("dam.part"));
    whole(&store, kept);
    let sent = load(&store, &image, "x:1").1;
    assert!(sent > 12 * MIB as u64, "{sent}");
}

/// An image that looks at a folder whenever one of its blobs is read to its end.
struct Watching {
    image: MemoryImage,
    folder: PathBuf,
    most: Arc<AtomicU64>,
}

impl Image for Watching {
    fn manifest_bytes(&self) -> &[u8] {
        self.image.manifest_bytes()
    }

    fn manifest(&self) -> &Manifest {
        self.image.manifest()
    }

    fn open_unverified(&self, blob: &Descriptor) -> dam_oci::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.image.open_unverified(blob)?.chain(Look(self))))
    }
}

struct Look<'a>(&'a Watching);

impl Read for Look<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.most.fetch_max(size(&self.0.folder), Ordering::Relaxed);
        Ok(0)
    }
}

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(io::Result::ok);
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(about) if about.is_dir() => size(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

#[test]
fn the_temp_folder_of_an_engine_holds_one_part_at_a_time() {
    let daemon = PrivateDocker::start().expect("a Docker daemon");
    let cache = folder();
    let temp = daemon.data().expect("a folder").join("tmp");
    for (part_size, least, limit) in [(3 * MIB, 0, 3 * MIB), (256 * MIB, 4 * MIB, 20 * MIB)] {
        let store = connect(daemon.endpoint(), &cache).with_part_size(part_size as u64);
        let most = Arc::new(AtomicU64::new(0));
        let image = Watching { image: tall(6, "one"), folder: temp.clone(), most: Arc::clone(&most) };
        let demand = store.demand(&[&image]).expect("an answer");
        assert!((demand.passing as usize) < limit, "{demand:?}");
        let id = load(&store, &image, "tall:1").0.expect("a sound image");
        let most = most.load(Ordering::Relaxed) as usize;
        assert!(most > least && most <= demand.passing as usize + MIB, "{most} {demand:?}");
        store.remove(id).expect("gone");
    }
}

#[test]
fn a_layer_that_vanished_behind_the_back_is_sent_after_all() {
    let daemon = PrivateDocker::start().expect("a Docker daemon");
    let caches = [folder(), folder()];
    let store = connect(daemon.endpoint(), &caches[0]);
    let one = load(&store, &tall(3, "one"), "shop:1").0.expect("a sound image");
    assert_eq!(store.demand(&[&tall(3, "two")]).expect("an answer").send(), 2048);
    connect(daemon.endpoint(), &caches[1]).remove(one).expect("gone");
    let two = load(&store, &tall(3, "two"), "shop:2").0.expect("a sound image");
    whole(&store, two);
    // What the store removes itself it knows.
    store.remove(two).expect("gone");
    assert!(store.demand(&[&tall(3, "three")]).expect("an answer").send() > 6 * MIB as u64);
}

/// Passes requests on to an engine and keeps their first lines.
struct Counting {
    folder: TempDir,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Counting {
    fn of(endpoint: &Endpoint) -> Self {
        let Endpoint::Unix(engine) = endpoint.clone() else { panic!("not a socket: {endpoint}") };
        let counting = Self { folder: folder(), asked: Arc::default() };
        let listener = UnixListener::bind(counting.folder.path().join("s")).expect("a socket");
        let asked = Arc::clone(&counting.asked);
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a connection");
                let engine = UnixStream::connect(&engine).expect("an engine");
                let back = (engine.try_clone().expect("a socket"), client.try_clone().expect("a socket"));
                let asked = Arc::clone(&asked);
                thread::spawn(move || pass(client, engine, Some(&asked)));
                thread::spawn(move || pass(back.0, back.1, None));
            }
        });
        counting
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::Unix(self.folder.path().join("s"))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

fn pass(mut from: UnixStream, mut to: UnixStream, asked: Option<&Mutex<Vec<String>>>) {
    let mut buffer = vec![0; 256 << 10];
    while let Ok(count) = from.read(&mut buffer) {
        if let Some(line) = buffer[..count].split(|byte| *byte == b'\r').next()
            && let Some(asked) = asked
            && line.ends_with(b" HTTP/1.1")
        {
            asked.lock().expect("no panic").push(String::from_utf8_lossy(line).into_owned());
        }
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[test]
fn a_hundred_apps_on_one_base_ask_the_engine_once_what_it_has() {
    let daemon = PrivateDocker::start().expect("a Docker daemon");
    let caches = [folder(), folder()];
    let apps: Vec<MemoryImage> = (0..100).map(|at| tall(3, &at.to_string())).collect();
    let images: Vec<&dyn Image> = apps.iter().map(|app| app as &dyn Image).collect();
    for (cache, again) in caches.iter().zip([false, true]) {
        let counting = Counting::of(&daemon.endpoint());
        let store = connect(counting.endpoint(), cache);
        let before = counting.asked().len();
        let demand = store.demand(&images).expect("an answer");
        let layers: usize = demand.images.iter().map(|image| image.layers_sent).sum();
        assert_eq!(layers, if again { 0 } else { 3 + 100 });
        let asked = counting.asked().len() - before;
        assert_eq!(asked, if again { 101 } else { 1 }, "one list, and each image once");
        let mut sent = 0;
        for (at, app) in apps.iter().enumerate() {
            let (id, bytes) = load(&store, app, &format!("app{at}:1"));
            id.expect("a sound image");
            sent += bytes;
        }
        assert_eq!(sent, demand.send());
        let asked = counting.asked().len() - before - asked;
        // Is it there, the load, is it there now, the tag; before the first come two parts, which go again.
        assert_eq!(asked, if again { 200 } else { 400 + 2 + 2 });
        assert_eq!(store.demand(&images).expect("an answer").send(), 0);
    }
}

#[test]
fn of_small_images_too_only_what_is_missing_is_sent_where_the_engine_was_asked() {
    let daemon = PrivateDocker::start().expect("a Docker daemon");
    let cache = folder();
    let store = connect(daemon.endpoint(), &cache);
    let (one, two) = (tall(1, "one"), tall(1, "two"));
    let demand = store.demand(&[&one, &two]).expect("an answer");
    let sent = [&one, &two].map(|image| load(&store, image, "shop:1").1);
    assert_eq!(sent, [demand.images[0].send, demand.images[1].send]);
    assert!(sent[0] > 2 * MIB as u64 && sent[1] == 2048, "{sent:?}");
}

#[test]
fn podman_gets_all_layers_of_which_the_stream_has_passed_some() {
    let service = PrivatePodman::start().expect("a Podman service");
    let cache = folder();
    let store = connect(service.endpoint(), &cache);
    load(&store, &tall(3, "one"), "shop:1").0.expect("a sound image");
    let two = tall(3, "two");
    let passed = Troubled { image: two.clone(), trouble: Trouble::Passed(two.manifest().layers[1].digest) };
    let demand = store.demand(&[&two]).expect("an answer");
    let (id, sent) = load(&store, &passed, "shop:2");
    let id = id.expect("a sound image");
    assert!(sent >= demand.send() && demand.send() > 6 * MIB as u64, "{sent} {demand:?}");
    assert_eq!(demand.store, 2048);
    whole(&store, id);
    let unknown = tall(4, "three");
    let missing = unknown.manifest().layers[3].digest;
    let torn = Troubled { image: unknown, trouble: Trouble::Passed(missing) };
    let error = load(&store, &torn, "shop:3").0.expect_err("nobody has that layer");
    assert!(matches!(error, Error::Oci(dam_oci::Error::PassedBlob { digest }) if digest == missing), "{error:?}");
}

#[test]
fn an_engine_pulls_from_a_registry_and_says_why_it_cannot() {
    let daemon = PrivateDocker::start().expect("a Docker daemon");
    let registry = PrivateRegistry::start().expect("a registry");
    let (cache, home) = (folder(), folder());
    let store = connect(daemon.endpoint(), &cache);
    let name = reference(&format!("{}/plant/shop:1.0", registry.host()));
    let id = store.load(&tall(1, "one"), std::slice::from_ref(&name), &Silent).expect("a sound image");
    let mut push = Command::new("docker");
    push.arg("-H")
        .arg(daemon.endpoint().to_string())
        .arg("push")
        .arg(name.to_string())
        .env("DOCKER_CONFIG", home.path());
    let push = push.output().expect("`docker` is not installed; `make test` installs it");
    assert!(push.status.success(), "{}", String::from_utf8_lossy(&push.stderr));
    let pushed = String::from_utf8_lossy(&push.stdout);
    store.remove(id).expect("gone");

    let pull = |exact: &Reference| {
        let cancel = Cancel::default();
        store.pull(&PullRequest { exact, credentials: None, platform: None, total: 0, cancel: &cancel }, &Silent)
    };
    let found = pushed.split_once("digest: ").and_then(|(_, rest)| rest.split_whitespace().next()).expect("a digest");
    pull(&name.with_digest(found.parse().expect("a digest"))).expect("pulled");
    assert_eq!(store.find_id(id).expect("an answer").expect("there").tags, []);
    assert_eq!(store.demand(&[&tall(1, "one")]).expect("an answer").send(), 0);
    let none = name.with_digest(Digest::of(b"none"));
    let error = pull(&none).expect_err("no such image");
    let Error::Docker(DockerError::Answered { message, .. }) = &error else { panic!("{error:?}") };
    assert!(message.contains("not found") || message.contains("manifest unknown"), "{message}");
    drop(registry);
    let error = pull(&none).expect_err("no registry");
    let Error::Docker(DockerError::Answered { message, .. }) = &error else { panic!("{error:?}") };
    assert!(message.contains("refused"), "{message}");
}

#[test]
fn stores_without_an_engine_do_not_pull() {
    let place = folder();
    let layout = LayoutStore::open(&place.path().join("store")).expect("a store");
    for store in [&layout as &dyn Store, &MemoryStore::new()] {
        let (exact, cancel) = (reference("shop:1"), Cancel::default());
        let request = PullRequest { exact: &exact, credentials: None, platform: None, total: 0, cancel: &cancel };
        let refused = store.pull(&request, &Silent);
        assert!(matches!(refused, Err(Error::CannotPull { store: kind, .. }) if kind == store.describe().kind));
    }
}

#[test]
fn the_layout_store_keeps_what_arrived_whole_of_a_cut_load() {
    let place = folder();
    let store = LayoutStore::open(&place.path().join("store")).expect("a store");
    let image = tall(3, "one");
    let digests: Vec<Digest> = image.manifest().layers.iter().map(|layer| layer.digest).collect();
    let kept = |digest: &&Digest| place.path().join("store/blobs/sha256").join(digest.hex()).exists();
    for _ in 0..2 {
        let torn = Troubled { image: image.clone(), trouble: Trouble::Lost(digests[2]) };
        let cut = load(&store, &torn, "shop:1").0;
        assert!(cut.as_ref().is_err_and(Error::is_cut), "{cut:?}");
        assert_eq!(digests.iter().filter(kept).count(), 2);
        assert_eq!(store.demand(&[&image]).expect("an answer").images[0].layers_sent, 2);
    }
    // The two that are here are not asked of the source again.
    let passed = Troubled { image: image.clone(), trouble: Trouble::Passed(digests[0]) };
    let id = load(&store, &passed, "shop:1").0.expect("a sound image");
    whole(&store, id);
    store.remove(id).expect("gone");
    let torn = Troubled { image, trouble: Trouble::Lost(digests[2]) };
    load(&store, &torn, "shop:1").0.expect_err("a cut");
    store.forget_parts().expect("no parts");
    assert_eq!(digests.iter().filter(kept).count(), 0);
}
