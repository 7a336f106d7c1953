//! The Docker store against real engines: Docker as installed, and Podman's Docker API.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use dam_core::cache::Cache;
use dam_core::event::{Event, Reporter, Silent};
use dam_core::store::docker::{DockerError, DockerStore, Endpoint};
use dam_core::store::{BuildRequest, Builder, ImageId, Store};
use dam_core::testing::{PrivateDocker, PrivatePodman};
use dam_core::{Cancel, Error};
use dam_oci::context::Entry;
use dam_oci::testing::{ImageBuilder, MemoryImage};
use dam_oci::{BlobFault, Compression, Context, Descriptor, Digest, Image, Manifest, Reference, config, media_type};
use tempfile::TempDir;

/// A store over an engine of its own, which ends with it.
struct Engine<D> {
    store: DockerStore,
    cache: TempDir,
    daemon: D,
}

fn docker() -> Engine<PrivateDocker> {
    let daemon = PrivateDocker::start().expect("a Docker daemon");
    connect(daemon.endpoint(), daemon)
}

fn podman() -> Engine<PrivatePodman> {
    let daemon = PrivatePodman::start().expect("a Podman service");
    connect(daemon.endpoint(), daemon)
}

fn connect<D>(endpoint: Endpoint, daemon: D) -> Engine<D> {
    let cache = tempfile::tempdir().expect("a folder");
    let store = DockerStore::connect(endpoint, Cache::new(cache.path(), 1 << 30));
    Engine { store: store.expect("a connection"), cache, daemon }
}

fn reference(text: &str) -> Reference {
    text.parse().expect("a reference")
}

fn load(store: &dyn Store, image: &dyn Image, tags: &[&str]) -> Result<ImageId, Error> {
    let tags: Vec<Reference> = tags.iter().map(|tag| reference(tag)).collect();
    store.load(image, &tags, &Silent)
}

/// An app of two layers.
fn app(version: &str) -> MemoryImage {
    ImageBuilder::app().label("DAM_APP_FAMILY", "shop").layer().file("version", 0o644, version).build()
}

/// The image with every layer compressed.
fn compressed(image: &MemoryImage, compression: Compression) -> MemoryImage {
    let mut blobs = std::collections::BTreeMap::new();
    let bytes = |blob: &Descriptor| {
        let mut bytes = Vec::new();
        io::copy(&mut dam_oci::blob(image, blob).expect("a blob"), &mut bytes).expect("a sound blob");
        bytes
    };
    let config = bytes(&image.manifest().config);
    let mut layers = Vec::new();
    for layer in &image.manifest().layers {
        let plain = bytes(layer);
        let packed = match compression {
            Compression::None => plain,
            Compression::Zstd => zstd::encode_all(&plain[..], 3).expect("memory does not fail"),
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(&plain).expect("memory does not fail");
                encoder.finish().expect("memory does not fail")
            }
        };
        layers.push(Descriptor::of(compression.layer_media_type(), &packed));
        blobs.insert(Digest::of(&packed), packed);
    }
    blobs.insert(Digest::of(&config), config);
    MemoryImage::new(Manifest::new(image.manifest().config.clone(), layers), blobs)
}

fn tags(store: &dyn Store, id: ImageId) -> Vec<String> {
    let image = store.find_id(id).expect("an answer").expect("an image");
    image.tags.iter().map(Reference::to_string).collect()
}

fn meta_names(store: &dyn Store, id: ImageId) -> Vec<String> {
    let mut bytes = Vec::new();
    assert!(store.meta(id, &mut bytes).expect("an answer"));
    let mut archive = tar::Archive::new(&bytes[..]);
    let name = |entry: io::Result<tar::Entry<&[u8]>>| {
        entry.expect("an entry").path().expect("a path").display().to_string().trim_end_matches('/').to_owned()
    };
    let mut names: Vec<String> = archive.entries().expect("a tar").map(name).collect();
    names.sort();
    names
}

/// What every engine must do alike.
fn an_image_comes_and_goes(store: &dyn Store) {
    let (one, two) = (app("1"), app("2"));
    let id = load(store, &one, &["shop:1", "plant:5000/shop:1"]).expect("a sound image");
    assert_eq!(id.0, one.manifest().config.digest);
    assert_eq!(tags(store, id), ["shop:1", "plant:5000/shop:1"]);
    let found = store.find(&reference("shop:1")).expect("an answer").expect("an image");
    assert_eq!(found.id, id);
    assert_eq!(found.labels.get("DAM_APP_FAMILY").map(String::as_str), Some("shop"));
    assert_eq!(found.platform.to_string(), "linux/amd64");
    let diff_ids: Vec<Digest> = one.manifest().layers.iter().map(|layer| layer.digest).collect();
    assert_eq!(found.diff_ids, diff_ids);
    assert_eq!(store.find(&reference("docker.io/library/shop:1")).expect("an answer").expect("an image").id, id);
    assert_eq!(store.find(&reference("nothing:1")).expect("an answer"), None);
    assert_eq!(store.find_id(ImageId(Digest::of(b""))).expect("an answer"), None);

    assert_eq!(meta_names(store, id), ["meta", "meta/install", "meta/uninstall"]);
    let bare = load(store, &ImageBuilder::new().file("x", 0o644, "x").build(), &["bare:1"]).expect("a sound image");
    assert!(!store.meta(bare, &mut Vec::new()).expect("an answer"));
    let nothing = ImageId(Digest::of(b""));
    assert!(matches!(store.meta(nothing, &mut Vec::new()), Err(Error::NoImage(id)) if id == nothing));

    let second = load(store, &two, &["shop:1"]).expect("a sound image");
    assert_eq!(tags(store, second), ["shop:1"]);
    assert_eq!(tags(store, id), ["plant:5000/shop:1"]);
    store.tag(id, &reference("shop")).expect("a tag");
    assert_eq!(tags(store, id), ["shop:latest", "plant:5000/shop:1"]);
    assert!(matches!(store.tag(nothing, &reference("x:1")), Err(Error::NoImage(id)) if id == nothing));
    store.untag(&reference("shop")).expect("an answer");
    store.untag(&reference("nothing:1")).expect("no error");
    assert_eq!(tags(store, id), ["plant:5000/shop:1"]);

    let listed = store.list().expect("an answer");
    assert!(listed.is_sorted_by_key(|image| image.id));
    assert!(listed.iter().any(|image| image.id == second && image.tags == [reference("shop:1")]));
    store.tag(id, &reference("other:1")).expect("a tag");
    for image in [id, second, bare, nothing] {
        store.remove(image).expect("gone");
        assert_eq!(store.find_id(image).expect("an answer"), None);
    }
    assert_eq!(store.list().expect("an answer"), []);
}

/// Layers in every compression, and one that occurs twice.
fn every_compression_loads(store: &dyn Store) {
    let image = ImageBuilder::app().layer().layer().file("big", 0o644, vec![7; 3 << 20]).layer().build();
    for compression in [Compression::Zstd, Compression::Gzip, Compression::None] {
        let id = load(store, &compressed(&image, compression), &["packed:1"]).expect("a sound image");
        assert_eq!(id.0, image.manifest().config.digest);
        store.remove(id).expect("gone");
    }
}

/// A damaged image ends the load, and nothing has happened.
fn a_damaged_image_changes_nothing(store: &dyn Store) {
    let sound = app("1");
    let id = load(store, &sound, &["shop:1"]).expect("a sound image");
    let before = store.list().expect("an answer");
    let big = || {
        ImageBuilder::new()
            .file("new", 0o644, "new")
            .layer()
            .file("big", 0o644, vec![7; 5 << 20])
            .layer()
            .file("c", 0o644, "c")
            .build()
    };
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let image = compressed(&big(), compression);
        for layer in image.manifest().layers.clone() {
            let mut damaged = image.clone();
            let bytes = damaged.blobs_mut().get_mut(&layer.digest).expect("a layer");
            let at = bytes.len() / 2;
            bytes[at] ^= 1;
            let error = load(store, &damaged, &["shop:1"]).expect_err("a damaged layer");
            assert!(matches!(error, Error::Oci(_)), "{error:?}");
            assert_eq!(store.list().expect("an answer"), before);
        }
    }
    let mut short = big();
    let last = short.manifest().layers.last().expect("a layer").digest;
    short.blobs_mut().get_mut(&last).expect("a layer").truncate(512);
    let error = load(store, &short, &["shop:1"]).expect_err("a short layer");
    assert!(matches!(error, Error::Oci(dam_oci::Error::Blob(BlobFault::Short { .. }))), "{error:?}");
    let error = load(store, &other_diff_id(), &["shop:1"]).expect_err("a wrong DiffID");
    assert!(matches!(error, Error::Oci(dam_oci::Error::Blob(BlobFault::Mismatch { .. }))), "{error:?}");
    assert_eq!(store.list().expect("an answer"), before);
    store.remove(id).expect("gone");
}

/// Counts the bytes that are sent.
#[derive(Default)]
struct Sent(AtomicU64);

impl Reporter for Sent {
    fn event(&self, event: Event) {
        if let Event::Advanced { bytes } = event {
            self.0.fetch_add(bytes, Ordering::Relaxed);
        }
    }
}

/// Layers that Docker has, on top of the same ones, are not sent again.
fn only_what_is_lacking_is_sent(store: &dyn Store) {
    let base = || ImageBuilder::app().file("base", 0o644, vec![5; 6 << 20]).layer().file("lib", 0o644, "lib").layer();
    let send = |image: MemoryImage| {
        let sent = Sent::default();
        let id = store.load(&image, &[reference("app:1")], &sent).expect("a sound image");
        (id, sent.0.into_inner())
    };
    let (one, first) = send(base().file("app", 0o644, "one").build());
    let (two, second) = send(base().file("app", 0o644, "two").build());
    // The same base, but once more on top of itself, and below another layer.
    let (again, third) = send(base().file("base", 0o644, vec![5; 6 << 20]).build());
    let (other, fourth) =
        send(ImageBuilder::new().file("x", 0o644, "x").layer().file("base", 0o644, vec![5; 6 << 20]).build());
    assert!(first > 6 << 20 && third > 6 << 20 && fourth > 6 << 20, "{first} {third} {fourth}");
    assert_eq!(second, 2048);
    for id in [one, other, again, two] {
        let value = store.image(id, &Silent).expect("an image");
        MemoryImage::copy(&*value).expect("sound blobs");
        store.remove(id).expect("gone");
    }
}

/// An image whose blobs are sound, but whose config promises other content.
fn other_diff_id() -> MemoryImage {
    let image = compressed(&app("3"), Compression::Zstd);
    let other = app("4");
    let config = other.manifest().config.clone();
    let mut bytes = Vec::new();
    io::copy(&mut dam_oci::blob(&other, &config).expect("a blob"), &mut bytes).expect("a sound blob");
    let mut copy = MemoryImage::new(Manifest::new(config.clone(), image.manifest().layers.clone()), Default::default());
    let blobs = MemoryImage::copy(&image).expect("a sound image").blobs_mut().clone();
    copy.blobs_mut().extend(blobs);
    copy.blobs_mut().insert(config.digest, bytes);
    copy
}

/// An image comes out as it went in, but for the compression of its layers, which are kept.
fn an_image_comes_out(store: &dyn Store, cache: &TempDir) {
    let base = || ImageBuilder::app().layer().file("base", 0o644, vec![3; 1 << 20]).layer().layer();
    let first = base().file("version", 0o644, "1").build();
    let second = base().file("version", 0o644, "2").build();
    for image in [&first, &second] {
        let id = load(store, image, &["out:1"]).expect("a sound image");
        for _ in 0..2 {
            let value = store.image(id, &Silent).expect("an image");
            let copy = MemoryImage::copy(&*value).expect("sound blobs");
            assert_eq!(config(&copy).expect("a config"), config(image).expect("a config"));
            assert!(copy.manifest().layers.iter().all(|layer| layer.media_type == media_type::LAYER_ZSTD));
            store.remove(id).expect("gone");
            assert_eq!(load(store, &copy, &["out:1"]).expect("its own image"), id);
        }
        // A cache may vanish at any moment, even below an image.
        let value = store.image(id, &Silent).expect("an image");
        for file in std::fs::read_dir(cache.path().join("layers")).expect("layers") {
            std::fs::remove_file(file.expect("a file").path()).expect("a file");
        }
        MemoryImage::copy(&*value).expect("sound blobs");
        store.image(id, &Silent).expect("an image");
    }
    let nothing = ImageId(Digest::of(b""));
    assert!(matches!(store.image(nothing, &Silent).map(drop), Err(Error::NoImage(id)) if id == nothing));
    for image in store.list().expect("an answer") {
        store.remove(image.id).expect("gone");
    }
}

/// Several images come in one stream, in which what they share is once; and what the cache has is not asked for.
fn several_images_come_out_at_once(store: &dyn Store) {
    const BASE: usize = 6 << 20;
    let base = || ImageBuilder::app().file("base", 0o644, vec![9; BASE]).layer();
    let names = ["one", "two", "three"];
    let images = names.map(|name| base().file("app", 0o644, name).build());
    let ids: Vec<ImageId> =
        images.iter().zip(names).map(|(image, name)| load(store, image, &[name]).expect("a sound image")).collect();
    let fetch = |ids: &[ImageId]| {
        let came = Sent::default();
        store.fetch(ids, &Cancel::default(), &came).expect("they are there");
        came.0.into_inner() as usize
    };
    let all = fetch(&ids);
    assert!((BASE..BASE + (1 << 20)).contains(&all), "{all}");
    let came = Sent::default();
    for (id, image) in ids.iter().zip(&images) {
        let copy = MemoryImage::copy(&*store.image(*id, &came).expect("an image")).expect("sound blobs");
        assert_eq!(config(&copy).expect("a config"), config(image).expect("a config"));
    }
    assert_eq!((came.0.into_inner(), fetch(&ids)), (0, 0));
    // One more on the same base; it is asked for by itself.
    let four = load(store, &base().file("app", 0o644, "four").build(), &["four"]).expect("a sound image");
    assert!(fetch(&[ids[0], four]) >= BASE);
    let nothing = ImageId(Digest::of(b""));
    let missing = store.fetch(&[ids[0], nothing], &Cancel::default(), &Silent);
    assert!(matches!(missing, Err(Error::NoImage(id)) if id == nothing));

    let five = load(store, &base().file("app", 0o644, "five").build(), &["five"]).expect("a sound image");
    let cancel = Cancel::default();
    cancel.flag().store(true, Ordering::SeqCst);
    assert!(store.fetch(&[five], &cancel, &Silent).is_err());
    for id in ids.into_iter().chain([four, five]) {
        store.remove(id).expect("gone");
    }
}

#[test]
fn docker_keeps_images() {
    let Engine { store, cache, daemon: _daemon } = docker();
    assert_eq!(store.describe().kind, "docker");
    an_image_comes_and_goes(&store);
    every_compression_loads(&store);
    a_damaged_image_changes_nothing(&store);
    an_image_comes_out(&store, &cache);
    several_images_come_out_at_once(&store);
    only_what_is_lacking_is_sent(&store);
}

#[test]
fn podman_keeps_images() {
    let Engine { store, cache, daemon: _daemon } = podman();
    assert_eq!(store.describe().kind, "podman");
    an_image_comes_and_goes(&store);
    every_compression_loads(&store);
    a_damaged_image_changes_nothing(&store);
    an_image_comes_out(&store, &cache);
    several_images_come_out_at_once(&store);
}

/// Keeps the lines of a build.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Reporter for Lines {
    fn event(&self, event: Event) {
        if let Event::BuildLine { line } = event {
            self.0.lock().expect("no panic").push(line.to_owned());
        }
    }
}

/// A context with busybox and one Dockerfile.
fn context(dockerfile: &str) -> Context {
    let mut context = Context::new();
    let size = std::fs::metadata("/bin/busybox").expect("busybox-static is installed").len();
    context.insert(Entry::bytes("Dockerfile", 0o644, dockerfile));
    context.insert(Entry::disk("busybox", 0o755, size, "/bin/busybox"));
    context
}

fn build(store: &dyn Store, context: &Context, builder: Builder) -> (Result<ImageId, Error>, Vec<String>) {
    let request = BuildRequest {
        context,
        dockerfile: "Dockerfile".to_owned(),
        tags: vec![reference("built:1"), reference("plant:5000/built:1")],
        labels: [("FROM".to_owned(), "the \"request\"".to_owned())].into(),
        args: [("WORD".to_owned(), "a b".to_owned())].into(),
        platform: Some(dam_oci::Platform::host()),
        no_cache: true,
        builder,
    };
    let lines = Lines::default();
    (store.build(&request, &lines), lines.0.into_inner().expect("no panic"))
}

const STEPS: &str = "FROM scratch\nARG WORD=none\nCOPY busybox /bin/busybox\nENV SAID=$WORD\nLABEL FROM=file\n";

fn an_image_is_built(store: &dyn Store, builder: Builder, run: bool) {
    let run = if run { "RUN [\"/bin/busybox\", \"echo\", \"hello out\"]\n" } else { "" };
    let (built, lines) = build(store, &context(&format!("{STEPS}{run}")), builder);
    let id = built.expect("a sound Dockerfile");
    let image = store.find(&reference("built:1")).expect("an answer").expect("an image");
    assert_eq!((image.id, image.tags.len()), (id, 2));
    assert_eq!(image.labels.get("FROM").map(String::as_str), Some("the \"request\""));
    assert!(run.is_empty() || lines.iter().any(|line| line.ends_with("hello out")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("COPY busybox /bin/busybox")), "{lines:?}");
    let value = store.image(id, &Silent).expect("an image");
    let (_, config) = config(&*value).expect("a config");
    assert!(config.config.env.contains(&"SAID=a b".to_owned()), "{config:?}");

    let tags_before = tags(store, id);
    for steps in ["RUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo oops; exit 3\"]\n", "FRM nothing\n"] {
        let (failed, _) = build(store, &context(&format!("{STEPS}{steps}")), builder);
        let error = failed.expect_err("a step that fails");
        assert!(matches!(error, Error::Docker(DockerError::Build { .. })), "{error:?}");
    }
    let mut grown = context(STEPS);
    grown.insert(Entry::disk("short", 0o644, 1, "/bin/busybox"));
    let (failed, _) = build(store, &grown, builder);
    assert!(matches!(failed, Err(Error::Oci(dam_oci::Error::Access { .. }))), "{failed:?}");
    assert_eq!(tags(store, id), tags_before);
    store.remove(id).expect("gone");
}

#[test]
fn docker_builds() {
    let Engine { store, daemon: _daemon, .. } = docker();
    an_image_is_built(&store, Builder::Auto, true);
    // BuildKit's steps want a network, which the private daemon does not have.
    an_image_is_built(&store, Builder::BuildKit, false);
}

#[test]
fn podman_builds() {
    let Engine { store, daemon: _daemon, .. } = podman();
    an_image_is_built(&store, Builder::Auto, true);
}

/// Asks an engine by hand for what a store never does.
fn ask(endpoint: &Endpoint, request: &str, body: &str) -> String {
    let Endpoint::Unix(path) = endpoint else { panic!("not a socket: {endpoint}") };
    let mut stream = UnixStream::connect(path).expect("a connection");
    let length = body.len();
    let head =
        format!("{request} HTTP/1.0\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n");
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).expect("a listener");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// An image that a container is made of stays, with all its tags; and no helper of `meta` is left behind.
fn an_image_in_use_stays(store: &dyn Store, endpoint: &Endpoint) {
    let id = load(store, &app("1"), &["shop:1", "shop:2"]).expect("a sound image");
    let below = load(store, &ImageBuilder::new().file("x", 0o644, "x").build(), &["below:1"]).expect("a sound image");
    let document = format!(r#"{{"Image":"{id}","Cmd":["/x"]}}"#);
    let created = ask(endpoint, "POST /v1.40/containers/create?name=user", &document);
    assert!(created.contains("201 Created"), "{created}");
    let error = store.remove(id).expect_err("an image in use");
    assert!(matches!(&error, Error::ImageInUse { reason, .. } if reason.contains("user")), "{error:?}");
    assert_eq!(tags(store, id), ["shop:1", "shop:2"]);
    store.remove(below).expect("not in use");

    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    store.meta(id, &mut Full).expect_err("nowhere to write to");
    assert!(store.meta(id, &mut io::sink()).expect("a /meta"));
    let containers = ask(endpoint, "GET /v1.40/containers/json?all=1", "");
    assert!(containers.contains("user") && !containers.contains("dam.helper"), "{containers}");
    ask(endpoint, "DELETE /v1.40/containers/user?force=1", "");

    // What a killed dam left behind is in nobody's way.
    let left = format!(r#"{{"Image":"{id}","Cmd":["/x"],"Labels":{{"dam.helper":"meta"}}}}"#);
    let created = ask(endpoint, "POST /v1.40/containers/create?name=left", &left);
    assert!(created.contains("201 Created"), "{created}");
    store.remove(id).expect("gone");
}

#[test]
fn docker_keeps_what_is_in_use() {
    let Engine { store, daemon, .. } = docker();
    an_image_in_use_stays(&store, &daemon.endpoint());
}

#[test]
fn podman_keeps_what_is_in_use() {
    let Engine { store, daemon, .. } = podman();
    an_image_in_use_stays(&store, &daemon.endpoint());
}

/// An image in whose largest layer the engine dies.
struct Deadly {
    image: MemoryImage,
    daemon: Mutex<PrivateDocker>,
}

impl Image for Deadly {
    fn manifest_bytes(&self) -> &[u8] {
        self.image.manifest_bytes()
    }

    fn manifest(&self) -> &Manifest {
        self.image.manifest()
    }

    fn open_unverified(&self, blob: &Descriptor) -> dam_oci::Result<Box<dyn Read + Send + '_>> {
        let mut reader = self.image.open_unverified(blob)?;
        if blob.size < 1 << 20 {
            return Ok(reader);
        }
        let mut half = Vec::new();
        reader.by_ref().take(blob.size / 2).read_to_end(&mut half).expect("memory does not fail");
        Ok(Box::new(io::Cursor::new(half).chain(Dying(self)).chain(reader)))
    }
}

/// Ends without a byte, and the engine with it.
struct Dying<'a>(&'a Deadly);

impl Read for Dying<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.daemon.lock().expect("no panic").kill();
        Ok(0)
    }
}

#[test]
fn a_daemon_that_dies_in_a_load_has_nothing_of_it_when_it_is_back() {
    let Engine { store, daemon, cache: _cache } = docker();
    let id = load(&store, &app("1"), &["shop:1"]).expect("a sound image");
    let before = store.list().expect("an answer");
    let image = ImageBuilder::app().layer().file("big", 0o644, vec![7; 32 << 20]).build();
    let deadly = Deadly { image, daemon: Mutex::new(daemon) };
    let error = load(&store, &deadly, &["shop:1"]).expect_err("a dead engine");
    assert!(matches!(error, Error::Docker(DockerError::BrokeOff { .. })), "{error:?}");
    let error = store.list().expect_err("a dead engine");
    assert!(matches!(error, Error::Docker(DockerError::Unreachable { .. })), "{error:?}");

    deadly.daemon.lock().expect("no panic").start_again().expect("a Docker daemon");
    assert_eq!(store.list().expect("an answer"), before);
    assert_eq!(tags(&store, id), ["shop:1"]);
}
