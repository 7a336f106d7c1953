//! Images go into registries of every kind, whole or not at all.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dam_oci::registry::{Access, Credentials, Network, Pushed, RegistryFault, Secret, TimeLimits};
use dam_oci::testing::registry::{
    Answer, CuttingProxy, IDENTITY_TOKEN, Prefix, PrivateRegistry, RegistryBuilder, Request, ScriptedServer,
};
use dam_oci::testing::{ImageBuilder, MemoryImage};
use dam_oci::{Digest, Error, Image, Platform, Reference, Registry};

/// An image of a base and an app on it; `size` bytes of the app's file compress to nothing, but nobody does that here.
fn image(content: &str, size: usize) -> MemoryImage {
    let file = content.bytes().cycle().take(size).collect::<Vec<_>>();
    let base = ImageBuilder::new().file("etc/base", 0o644, "base").layer();
    base.file("meta/install", 0o755, "#!/bin/sh\n").file("app", 0o755, file).build()
}

fn open(access: Access) -> Registry {
    let limits = TimeLimits { wait: Duration::from_millis(20), ..TimeLimits::default() };
    Registry::open(access, &Network { limits, ..Network::default() }).expect("an access that can be used")
}

fn to(registry: &Registry, name: &str) -> Reference {
    let (repository, tag) = name.split_once(':').expect("a tag");
    registry.server().reference(repository, Some(tag)).expect("a name")
}

/// Pushes, and counts what `on_bytes` hears.
fn push(registry: &Registry, image: &dyn Image, name: &str) -> (Result<Pushed, Error>, u64) {
    let heard = AtomicU64::new(0);
    let on_bytes = |bytes| _ = heard.fetch_add(bytes, Ordering::Relaxed);
    let pushed = registry.push(image, &to(registry, name), &BTreeMap::new(), &on_bytes);
    (pushed, heard.into_inner())
}

/// Checks that a registry gives every byte of an image.
fn assert_holds(registry: &Registry, name: &str, image: &MemoryImage) {
    let found = registry.image(&to(registry, name), &Platform::host()).expect("the image");
    let copy = MemoryImage::copy(&found).expect("all blobs");
    assert_eq!(copy.manifest_bytes(), image.manifest_bytes());
}

fn fault(error: Error) -> RegistryFault {
    let Error::Registry(error) = error else { panic!("{error:?}") };
    error.fault
}

fn blob_bytes(image: &MemoryImage) -> u64 {
    image.manifest().layers.iter().chain([&image.manifest().config]).map(|blob| blob.size).sum()
}

#[test]
fn every_kind_of_registry_takes_an_image_and_gets_nothing_twice() {
    let kinds = [
        RegistryBuilder::new(),
        RegistryBuilder::new().login(),
        RegistryBuilder::new().tokens(),
        RegistryBuilder::new().tls().login(),
        RegistryBuilder::new().client_certificates(),
        RegistryBuilder::new().behind(Prefix::BeforeApi),
        RegistryBuilder::new().behind(Prefix::AfterApi),
        RegistryBuilder::new().behind(Prefix::BeforeApi).tls(),
        RegistryBuilder::new().behind(Prefix::AfterApi).tls().login(),
    ];
    for kind in kinds {
        let server = kind.start().expect("a registry");
        let registry = open(server.access());
        let image = image("app", 300_000);
        let digest = Digest::of(image.manifest_bytes());
        let bytes = blob_bytes(&image);
        let would = registry.compare(&image, &to(&registry, "team/shop:1.0"), &BTreeMap::new()).expect("an answer");

        let (pushed, heard) = push(&registry, &image, "team/shop:1.0");
        let first =
            Pushed { digest, bytes: bytes + image.manifest_bytes().len() as u64, sent: 3, mounted: 0, present: 0 };
        assert_eq!((pushed.expect("pushed"), heard), (first, bytes), "{kind:?}");
        assert_eq!(would, first);
        let (pushed, heard) = push(&registry, &image, "team/shop:1.0");
        let second = Pushed { digest, bytes: 0, sent: 0, mounted: 0, present: 3 };
        assert_eq!((pushed.expect("pushed"), heard), (second, bytes), "{kind:?}");
        assert_holds(&registry, "team/shop:1.0", &image);

        // Another tag is another manifest for the registry, of the same blobs.
        let (pushed, _) = push(&registry, &image, "team/shop:latest");
        assert_eq!(pushed.expect("pushed").bytes, image.manifest_bytes().len() as u64);
    }
}

#[test]
fn an_identity_token_is_enough() {
    let server = RegistryBuilder::new().tokens().start().expect("a registry");
    let credentials = Some(Credentials::IdentityToken(Secret::new(IDENTITY_TOKEN)));
    let registry = open(Access { credentials, ..server.access() });
    push(&registry, &image("app", 10), "shop:1.0").0.expect("pushed");
    assert_holds(&registry, "shop:1.0", &image("app", 10));
}

#[test]
fn strangers_are_refused() {
    for kind in [RegistryBuilder::new().login(), RegistryBuilder::new().tokens()] {
        let server = kind.start().expect("a registry");
        let registry = open(Access { credentials: None, ..server.access() });
        let error = push(&registry, &image("app", 10), "public/shop:1.0").0.expect_err("nobody asked");
        assert!(error.to_string().starts_with(&format!("{}: cannot take ", server.host())), "{error}");
        assert!(matches!(fault(error), RegistryFault::LoginNeeded { .. } | RegistryFault::Forbidden), "{kind:?}");
    }
}

#[test]
fn blobs_are_taken_from_other_repositories() {
    for kind in
        [RegistryBuilder::new(), RegistryBuilder::new().tokens(), RegistryBuilder::new().behind(Prefix::BeforeApi)]
    {
        let server = kind.start().expect("a registry");
        let registry = open(server.access());
        let (shop, tools) = (image("shop", 1000), image("tools", 2000));
        push(&registry, &shop, "team/shop:1.0").0.expect("pushed");
        let base = shop.manifest().layers[0].digest;
        assert_eq!(base, tools.manifest().layers[0].digest);

        let name = to(&registry, "team/shop:1.0").repository().to_owned();
        let elsewhere = BTreeMap::from([(base, name)]);
        let reference = to(&registry, "tools:1.0");
        let would = registry.compare(&tools, &reference, &elsewhere).expect("an answer");
        let pushed = registry.push(&tools, &reference, &elsewhere, &|_| {}).expect("pushed");
        assert_eq!((pushed.sent, pushed.mounted, pushed.present), (2, 1, 0), "{kind:?}");
        assert_eq!(pushed, would);
        assert_holds(&registry, "tools:1.0", &tools);
    }
}

#[test]
fn a_mount_that_comes_to_nothing_is_an_upload() {
    let server = PrivateRegistry::start().expect("a registry");
    let registry = open(server.access());
    let image = image("app", 1000);
    let elsewhere: BTreeMap<_, _> =
        image.manifest().layers.iter().map(|layer| (layer.digest, "none/such".to_owned())).collect();
    let pushed = registry.push(&image, &to(&registry, "shop:1.0"), &elsewhere, &|_| {}).expect("pushed");
    assert_eq!((pushed.sent, pushed.mounted), (3, 0));
    assert_holds(&registry, "shop:1.0", &image);
}

#[test]
fn a_line_that_breaks_costs_time_only() {
    let server = PrivateRegistry::start().expect("a registry");
    let line = CuttingProxy::start(&server.host(), 1_000_000, 3).expect("a port");
    let registry = open(Access::anonymous(line.host().parse().expect("an address")));
    let image = image("a long app", 3_000_000);
    let (pushed, heard) = push(&registry, &image, "shop:1.0");
    assert_eq!((pushed.expect("pushed").sent, line.cuts_left()), (3, 0));
    // What was sent again was not told again.
    assert_eq!(heard, blob_bytes(&image));
    assert_holds(&registry, "shop:1.0", &image);
}

/// A registry in memory that keeps the bytes of a request that was cut, as Docker's own does not.
#[derive(Default)]
struct Shelf {
    blobs: BTreeMap<String, Vec<u8>>,
    manifests: BTreeMap<String, Vec<u8>>,
    upload: Vec<u8>,
    /// Bytes of blobs that arrived.
    arrived: usize,
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Twist {
    Nothing,
    /// Keeps only so many bytes of each request.
    Greedy(usize),
    /// Answers the first so many uploads with 503.
    Busy(usize),
    /// Says that it has a manifest, and gives another.
    AltersManifest,
    /// Keeps less of each blob than it says.
    Shortens,
    /// Names another digest than was sent.
    OtherDigest,
    /// Sends uploads to where they lead nowhere.
    NoLocation,
}

/// The one repository there is.
const REPOSITORY: &str = "/v2/shop/";

fn shelf(twist: Twist) -> (ScriptedServer, Arc<Mutex<Shelf>>) {
    let shelf = Arc::new(Mutex::new(Shelf::default()));
    let shared = Arc::clone(&shelf);
    let busy = AtomicU64::new(if let Twist::Busy(times) = twist { times as u64 } else { 0 });
    let server = ScriptedServer::start(move |request, answer| {
        let mut shelf = shared.lock().expect("sound");
        let less = |left: u64| left.checked_sub(1);
        if matches!(request.method.as_str(), "PUT" | "PATCH")
            && busy.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
        {
            return answer.send(503, &[], "");
        }
        shelf.answer(twist, request, answer)
    });
    (server.expect("a port"), shelf)
}

impl Shelf {
    fn answer(&mut self, twist: Twist, request: &Request, answer: &mut Answer) -> io::Result<()> {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let Some(place) = path.strip_prefix(REPOSITORY) else { return answer.send(200, &[], "{}") };
        let range = |count: usize| format!("0-{}", count.saturating_sub(1));
        match (request.method.as_str(), place.split_once('/').expect("two words")) {
            ("GET", ("manifests", name)) => match self.manifests.get(name) {
                Some(_) if twist == Twist::AltersManifest => answer.send(200, &[], "{}"),
                Some(bytes) => answer.send(200, &[], bytes),
                None => answer.send(404, &[], ""),
            },
            ("PUT", ("manifests", name)) => {
                for name in [name, &Digest::of(&request.body).to_string()] {
                    self.manifests.insert(name.to_owned(), request.body.clone());
                }
                answer.send(201, &[], "")
            }
            ("HEAD", (_, digest)) => match self.blobs.get(digest) {
                Some(_) if twist == Twist::Shortens => answer.send(200, &[("content-length", "1")], ""),
                Some(bytes) => answer.send(200, &[], bytes),
                None => answer.send(404, &[], ""),
            },
            ("POST", _) if twist == Twist::NoLocation => answer.send(202, &[], ""),
            // One upload at a time, which is begun by the first request of each blob.
            ("POST", _) => {
                self.upload.clear();
                answer.send(202, &[("location", "/v2/shop/blobs/uploads/1?state=a"), ("range", "0-0")], "")
            }
            ("GET", _) => answer.send(204, &[("range", &range(self.upload.len()))], ""),
            ("DELETE", _) => answer.send(204, &[], ""),
            ("PATCH" | "PUT", _) => {
                let most = if let Twist::Greedy(most) = twist { most } else { usize::MAX };
                let kept = if request.method == "PATCH" { most.min(request.body.len()) } else { request.body.len() };
                let whole = Some(request.body.len().to_string().as_str()) == request.header("content-length");
                self.upload.extend(&request.body[..kept]);
                self.arrived += kept;
                if !whole {
                    return Err(io::Error::other("cut"));
                }
                let headers = [("location", "1?state=b"), ("range", &range(self.upload.len()))];
                if request.method == "PATCH" {
                    return answer.send(202, &headers, "");
                }
                let digest = query.rsplit_once("digest=").expect("a digest").1.to_owned();
                if digest != Digest::of(&self.upload).to_string() {
                    return answer.send(400, &[], r#"{"errors":[{"code":"DIGEST_INVALID","message":"it differs"}]}"#);
                }
                let found = if twist == Twist::OtherDigest { "sha256:0" } else { &digest };
                let sent = answer.send(201, &[("docker-content-digest", found)], "");
                self.blobs.insert(digest, std::mem::take(&mut self.upload));
                sent
            }
            other => panic!("{other:?}"),
        }
    }
}

/// An image of one blob beside its config, so that uploads to a [`Shelf`] do not mix: the config is so small that it is
/// pushed first.
fn single(size: usize) -> MemoryImage {
    ImageBuilder::new().file("app", 0o755, vec![7; size]).build()
}

/// Puts the config where it belongs, so that only the layer is missing.
fn without_config(shelf: &Mutex<Shelf>, image: &MemoryImage) {
    let config = &image.manifest().config;
    shelf.lock().expect("sound").blobs.insert(config.digest.to_string(), vec![0; config.size as usize]);
}

#[test]
fn an_upload_goes_on_where_it_was_cut() {
    let (server, shelf) = shelf(Twist::Nothing);
    let line = CuttingProxy::start(&server.host(), 1_000_000, 3).expect("a port");
    let registry = open(Access::anonymous(line.host().parse().expect("an address")));
    let image = single(8_000_000);
    without_config(&shelf, &image);
    let (pushed, heard) = push(&registry, &image, "shop:1.0");
    let layer = &image.manifest().layers[0];
    assert_eq!((pushed.expect("pushed").sent, line.cuts_left()), (1, 0));
    assert_eq!(heard, blob_bytes(&image));
    let shelf = shelf.lock().expect("sound");
    assert_eq!(shelf.arrived as u64, layer.size, "nothing arrives twice");
    assert_eq!(Digest::of(&shelf.blobs[&layer.digest.to_string()]), layer.digest);
}

#[test]
fn a_registry_may_take_less_than_it_is_sent_and_be_busy() {
    for twist in [Twist::Busy(3), Twist::Greedy(700_000)] {
        let (server, shelf) = shelf(twist);
        // Only what was cut is sent in chunks that can be taken in part.
        let line = CuttingProxy::start(&server.host(), 1_000_000, 1).expect("a port");
        let registry = open(Access::anonymous(line.host().parse().expect("an address")));
        let image = single(3_000_000);
        without_config(&shelf, &image);
        let pushed = push(&registry, &image, "shop:1.0").0.expect("pushed");
        assert_eq!((pushed.sent, pushed.present), (1, 1), "{twist:?}");
        assert_eq!(shelf.lock().expect("sound").arrived as u64, image.manifest().layers[0].size, "{twist:?}");
    }
}

#[test]
fn a_registry_that_keeps_something_else_is_found_out() {
    for (twist, said) in [
        (Twist::AltersManifest, "its manifest is not sha256:"),
        (Twist::Shortens, "1 bytes where sha256:"),
        (Twist::OtherDigest, "sha256:0 where sha256:"),
    ] {
        let (server, shelf) = shelf(twist);
        let registry = open(Access::anonymous(server.host().parse().expect("an address")));
        let image = single(1000);
        without_config(&shelf, &image);
        match fault(push(&registry, &image, "shop:1.0").0.expect_err("altered")) {
            RegistryFault::Altered(text) => assert!(text.starts_with(said), "{text}"),
            other => panic!("{twist:?}: {other:?}"),
        }
    }
    let (server, _) = shelf(Twist::NoLocation);
    let registry = open(Access::anonymous(server.host().parse().expect("an address")));
    let fault = fault(push(&registry, &single(1000), "shop:1.0").0.expect_err("no address"));
    assert!(matches!(fault, RegistryFault::Nonsense(_)), "{fault:?}");
}

#[test]
fn a_damaged_image_is_no_fault_of_the_registry_and_gets_no_name() {
    let server = PrivateRegistry::start().expect("a registry");
    let registry = open(server.access());
    let mut image = image("app", 1000);
    let layer = image.manifest().layers[1].digest;
    image.blobs_mut().get_mut(&layer).expect("a layer")[600] ^= 1;
    let error = push(&registry, &image, "shop:1.0").0.expect_err("damaged");
    assert!(matches!(&error, Error::Blob(fault) if fault.digest() == layer), "{error:?}");
    assert_eq!(registry.find(&to(&registry, "shop:1.0")).expect("an answer"), None);

    image.blobs_mut().remove(&layer);
    let error = push(&registry, &image, "shop:1.0").0.expect_err("missing");
    assert!(matches!(&error, Error::MissingBlob { digest } if *digest == layer), "{error:?}");
}

#[test]
fn a_large_blob_goes_in_chunks() {
    let server = PrivateRegistry::start().expect("a registry");
    let registry = open(server.access());
    let image = single(70 << 20);
    let (pushed, heard) = push(&registry, &image, "shop:1.0");
    assert_eq!((pushed.expect("pushed").sent, heard), (2, blob_bytes(&image)));
    assert_holds(&registry, "shop:1.0", &image);
}
