//! Images come from registries into every kind of store: whole, without a tag, and only when they are not there.

use std::path::Path;
use std::time::{Duration, Instant};

use dam_core::cache::Cache;
use dam_core::event::Silent;
use dam_core::ops::pull::{Pulled, pull};
use dam_core::repo::{Asked, Fetched, Found, Inquiry, Registries, Repo, Where};
use dam_core::store::docker::DockerStore;
use dam_core::store::{LayoutStore, Store};
use dam_core::testing::{MemoryStore, PrivateDocker, PrivatePodman, PrivateRegistry, plain_inquiry, registries};
use dam_core::{Cancel, Error, Result};
use dam_oci::registry::{RegistryFault, Server};
use dam_oci::testing::registry::{PASSWORD, RegistryBuilder, USER};
use dam_oci::testing::{ImageBuilder, MemoryImage};
use dam_oci::{Digest, Image, Reference};

fn word(text: &str) -> Reference {
    text.parse().expect("a reference")
}

fn app(mark: &str) -> MemoryImage {
    ImageBuilder::app().file("mark", 0o644, mark).layer().file("more", 0o644, vec![7; 100_000]).build()
}

/// A repo of a registry, with all it takes to be let in.
fn repo(name: &str, registry: &PrivateRegistry) -> Repo {
    let access = registry.access();
    let login = access.credentials.is_some();
    Repo {
        id: 2,
        username: login.then(|| USER.to_owned()),
        password: login.then(|| dam_oci::registry::Secret::new(PASSWORD)),
        ca: access.ca,
        ..Repo::new(name.parse().expect("a name"), access.server)
    }
}

fn layout(folder: &Path) -> LayoutStore {
    LayoutStore::open(&folder.join("store")).expect("a store")
}

fn engine(docker: &PrivateDocker, folder: &Path) -> DockerStore {
    DockerStore::connect(docker.endpoint(), Cache::new(folder, 1 << 30)).expect("a connection")
}

fn find(registries: &Registries, store: &dyn Store, name: &str) -> Result<Where> {
    plain_inquiry(registries).find(store, &word(name), &Silent)
}

/// Finds what a registry has.
fn found(registries: &Registries, store: &dyn Store, name: &str) -> Found {
    match find(registries, store, name).expect(name) {
        Where::Registry(found) => *found,
        Where::Store(reference) => panic!("{reference} of the store"),
    }
}

fn fetch(found: &Found, store: &dyn Store) -> Fetched {
    found.fetch(store, &Cancel::default(), &Silent).expect("fetched")
}

fn pull_to(registries: &Registries, store: &dyn Store, name: &str) -> Result<Pulled> {
    pull(store, &word(name), &plain_inquiry(registries), &Cancel::default(), &Silent)
}

#[test]
fn an_image_comes_once_and_gets_no_tag() {
    let (registry, folder) = (PrivateRegistry::start().expect("a registry"), tempfile::tempdir().expect("a folder"));
    let digest = registry.put(&app("one"), "team/shop:1.0").expect("put");
    let registries = registries(vec![repo("plant", &registry)]);
    let store = layout(folder.path());
    let shop = found(&registries, &store, "plant/team/shop:1.0");
    assert_eq!(shop.reference.to_string(), format!("{}/team/shop:1.0", registry.host()));
    assert_eq!((shop.place.as_str(), shop.digest()), ("plant", digest));
    let Fetched { stored, bytes } = fetch(&shop, &store);
    assert_eq!((stored.id.0, stored.tags), (digest, vec![]));
    assert!(bytes > 100_000, "{bytes}");

    let begun = Instant::now();
    let again = fetch(&found(&registries, &store, "plant/team/shop:1.0"), &store);
    let took = begun.elapsed();
    assert_eq!((again.stored.id.0, again.bytes), (digest, 0));
    assert!(took < Duration::from_millis(100), "{took:?}");
}

#[test]
fn a_blob_that_is_gone_comes_again() {
    let (registry, folder) = (PrivateRegistry::start().expect("a registry"), tempfile::tempdir().expect("a folder"));
    let image = app("one");
    registry.put(&image, "shop:1.0").expect("put");
    let registries = registries(vec![repo("plant", &registry)]);
    let store = layout(folder.path());
    let shop = found(&registries, &store, "plant/shop:1.0");
    fetch(&shop, &store);
    let lost = &image.manifest().layers[1];
    std::fs::remove_file(folder.path().join("store/blobs/sha256").join(lost.digest.hex())).expect("it was there");
    // The config says what the layer must be.
    assert_eq!(fetch(&shop, &store).bytes, lost.size + image.manifest().config.size);
    assert_eq!(fetch(&shop, &store).bytes, 0);
}

#[test]
fn a_configured_repo_says_what_its_images_are() {
    let (registry, folder) = (PrivateRegistry::start().expect("a registry"), tempfile::tempdir().expect("a folder"));
    let one = registry.put(&app("one"), "shop:1.0").expect("put");
    let registries = registries(vec![Repo { is_default: true, ..repo("plant", &registry) }]);
    let store = layout(folder.path());
    assert_eq!(pull_to(&registries, &store, "shop:1.0").expect("pulled").digest, one);
    // The tag moved: what the store has under it is not what is meant any more.
    let two = registry.put(&app("two"), "shop:1.0").expect("put");
    assert_eq!(found(&registries, &store, "shop:1.0").digest(), two);
    // What the repo does not have was made here.
    store.load(&app("three"), &[word("own:1.0")], &Silent).expect("loaded");
    assert!(matches!(find(&registries, &store, "own:1.0"), Ok(Where::Store(name)) if name == word("own:1.0")));
    // It has gone from the repo: nobody takes the old one for it.
    let gone = format!("{}/gone:1.0", registry.host());
    store.load(&app("four"), &[word(&gone)], &Silent).expect("loaded");
    let Err(Error::Absent(absent)) = find(&registries, &store, "gone:1.0") else { panic!("it is not there") };
    assert_eq!((absent.to_string(), absent.local), (format!("plant has no image `{gone}`"), Some(word(&gone))));

    let host = registry.host();
    drop(registry);
    let Err(Error::Unfetched(fault)) = find(&registries, &store, "shop:1.0") else { panic!("nobody is there") };
    assert_eq!(fault.local, Some(word(&format!("{host}/shop:1.0"))));
    let offline = registries.offline(true);
    let local = find(&offline, &store, "shop:1.0");
    assert!(matches!(local, Ok(Where::Store(name)) if name == word(&format!("{host}/shop:1.0"))));
    assert!(matches!(find(&offline, &store, "none:1.0"), Err(Error::NoTag(_))));
    assert!(matches!(pull_to(&offline, &store, "shop:1.0"), Err(Error::Offline(_))));
}

#[test]
fn a_registry_that_is_no_repo_is_asked_for_what_is_not_here() {
    let (registry, folder) = (PrivateRegistry::start().expect("a registry"), tempfile::tempdir().expect("a folder"));
    registry.put(&app("one"), "shop:1.0").expect("put");
    let (registries, store) = (registries(Vec::new()), layout(folder.path()));
    let name = format!("{}/shop:1.0", registry.host());
    let shop = found(&registries, &store, &name);
    assert_eq!(shop.place, registry.host());
    let pulled = pull_to(&registries, &store, &name).expect("pulled");
    assert_eq!((pulled.reference.to_string(), pulled.from), (name.clone(), registry.host()));
    drop(registry);
    assert!(matches!(find(&registries, &store, &name), Ok(Where::Store(_))));
    let Err(Error::Unfetched(fault)) = find(&registries, &store, &name.replace("1.0", "2.0")) else { panic!("gone") };
    assert_eq!(fault.local, None);
}

#[test]
fn no_version_is_the_newest_release_and_a_digest_is_itself() {
    let (registry, store) = (PrivateRegistry::start().expect("a registry"), MemoryStore::new());
    let old = registry.put(&app("1.9"), "shop:1.9").expect("put");
    for tag in ["1.10", "2.0-rc1", "latest"] {
        registry.put(&app(tag), &format!("shop:{tag}")).expect("put");
    }
    let registries = registries(vec![repo("plant", &registry)]);
    let newest = found(&registries, &store, "plant/shop");
    assert_eq!(newest.reference.tag(), Some("1.10"));
    let exact = found(&registries, &store, &format!("plant/shop@{old}"));
    assert_eq!((exact.digest(), exact.reference.tag()), (old, None));
    let stored = fetch(&exact, &store).stored;
    assert_eq!(stored.id.0, exact.image.manifest().config.digest);
    assert!(matches!(find(&registries, &store, "plant/none"), Err(Error::Absent(_))));
}

#[test]
fn other_repos_are_asked_where_that_is_wanted_and_a_dead_one_does_not_keep_from_it() {
    let start = || PrivateRegistry::start().expect("a registry");
    let (plant, ship, store) = (start(), start(), MemoryStore::new());
    ship.put(&app("one"), "shop:1.0").expect("put");
    let default = Repo { is_default: true, ..repo("plant", &plant) };
    let registries =
        registries(vec![default, Repo { id: 3, ..repo("ship", &ship) }, Repo { id: 1, ..dead("official") }]);
    let shop = word("shop:1.0");
    assert!(matches!(find(&registries, &store, "shop:1.0"), Err(Error::Absent(_))));
    let any = || Inquiry { any_repo: true, ..plain_inquiry(&registries) };
    let Ok(Where::Registry(found)) = any().find(&store, &shop, &Silent) else { panic!("it is there") };
    assert_eq!((found.place.as_str(), found.reference.registry()), ("ship", Some(&*ship.host())));
    // A name that says its repo means no other.
    let named = any().find(&store, &word("plant/shop:1.0"), &Silent);
    assert!(matches!(named, Err(Error::Absent(absent)) if absent.places == ["plant"]));
    drop(plant);
    let Ok(Where::Registry(found)) = any().find(&store, &shop, &Silent) else { panic!("it is there") };
    assert_eq!(found.place, "ship");
}

/// A repo where nobody listens.
fn dead(name: &str) -> Repo {
    let address = std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a port");
    Repo::new(name.parse().expect("a name"), address.to_string().parse().expect("a server"))
}

#[test]
fn a_mirror_is_asked_first_and_its_origin_where_it_has_nothing() {
    let start = || PrivateRegistry::start().expect("a registry");
    let (origin, mirror, store) = (start(), start(), MemoryStore::new());
    let there = mirror.put(&app("mirrored"), "library/mongo:4").expect("put");
    let own = origin.put(&app("own"), "shop:1.0").expect("put");
    let repos = vec![
        Repo { id: 2, ..repo("plant", &origin) },
        Repo { id: 3, mirror_of: Some(origin.server()), ..repo("near", &mirror) },
        Repo { id: 4, mirror_of: Some(Server::docker_hub()), ..repo("hub", &mirror) },
        Repo { id: 5, mirror_of: Some(origin.server()), ..dead("far") },
    ];
    let registries = registries(repos);
    let mongo = found(&registries, &store, "mongo:4");
    assert_eq!(
        (mongo.digest(), mongo.place.as_str(), mongo.reference.to_string()),
        (there, "hub", "mongo:4".to_owned())
    );
    let shop = found(&registries, &store, "plant/shop:1.0");
    assert_eq!((shop.digest(), shop.place.as_str()), (own, "plant"));
    let nearer = mirror.put(&app("nearer"), "shop:1.0").expect("put");
    let shop = found(&registries, &store, "plant/shop:1.0");
    assert_eq!((shop.digest(), shop.place.as_str()), (nearer, "near"));
}

#[test]
fn an_index_without_this_platform_says_which_it_has() {
    let (registry, store) = (PrivateRegistry::start().expect("a registry"), MemoryStore::new());
    let arm = ImageBuilder::app().architecture("arm64").build();
    let digest = registry.put(&arm, "shop:arm").expect("put");
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":{},"platform":{{"os":"linux","architecture":"arm64"}}}}]}}"#,
        arm.manifest_bytes().len()
    );
    let kind = "application/vnd.oci.image.index.v1+json";
    registry.put_manifest("shop", "1.0", kind, index.as_bytes()).expect("put");
    let registries = registries(vec![repo("plant", &registry)]);
    let Err(Error::Unfetched(fault)) = find(&registries, &store, "plant/shop:1.0") else { panic!("not for this one") };
    let Error::Oci(dam_oci::Error::Registry(error)) = &fault.source else { panic!("{fault:?}") };
    assert!(matches!(&error.fault, RegistryFault::NoPlatform { found, .. } if *found == ["linux/arm64"]), "{error:?}");
    let platform = Some("linux/arm64".parse().expect("a platform"));
    let inquiry = Inquiry { platform, ..plain_inquiry(&registries) };
    let Ok(Asked::Found(found)) = inquiry.ask_first(&word("plant/shop:1.0"), &Silent) else { panic!("it is there") };
    assert_eq!((found.digest(), found.reference.tag()), (digest, Some("1.0")));
    assert_eq!(fetch(&found, &store).stored.platform.architecture, "arm64");
}

#[test]
fn an_engine_fetches_by_itself_with_the_login_of_the_repo() {
    let docker = PrivateDocker::start().expect("a Docker daemon");
    let folder = tempfile::tempdir().expect("a folder");
    let registry = RegistryBuilder::new().login().start().expect("a registry");
    let digest = registry.put(&app("one"), "team/shop:1.0").expect("put");
    let registries = registries(vec![repo("plant", &registry)]);
    let store = engine(&docker, folder.path());
    let shop = found(&registries, &store, "plant/team/shop:1.0");
    let Fetched { stored, .. } = fetch(&shop, &store);
    assert_eq!((stored.tags.len(), stored.id.0), (0, shop.image.manifest().config.digest));
    // Only an engine that has fetched it knows the digest of a registry.
    let exact = shop.reference.with_digest(digest);
    assert_eq!(store.find(&exact).expect("an answer").map(|stored| stored.id), Some(stored.id));
    assert_eq!(fetch(&shop, &store).bytes, 0);
    let pulled = pull_to(&registries, &store, "plant/team/shop").expect("pulled");
    assert_eq!((pulled.fetched, pulled.image), (0, stored.id));
    assert_eq!(store.find(&pulled.reference).expect("an answer").expect("there").tags, [pulled.reference]);
}

#[test]
fn dam_fetches_for_an_engine_that_does_not_know_the_way() {
    let docker = PrivateDocker::start().expect("a Docker daemon");
    let folder = tempfile::tempdir().expect("a folder");
    let registry = RegistryBuilder::new().login().tls().start().expect("a registry");
    registry.put(&app("one"), "shop:1.0").expect("put");
    let registries = registries(vec![repo("plant", &registry)]);
    let store = engine(&docker, folder.path());
    let shop = found(&registries, &store, "plant/shop:1.0");
    let fetched = fetch(&shop, &store);
    assert!(fetched.bytes > 100_000 && fetched.stored.tags.is_empty(), "{fetched:?}");
    assert_eq!(fetched.stored.id.0, shop.image.manifest().config.digest);
    assert_eq!(fetch(&shop, &store).bytes, 0);
}

#[test]
fn podman_gets_what_it_cannot_fetch_by_itself() {
    let podman = PrivatePodman::start().expect("a Podman service");
    let (registry, folder) = (PrivateRegistry::start().expect("a registry"), tempfile::tempdir().expect("a folder"));
    registry.put(&app("one"), "shop:1.0").expect("put");
    let registries = registries(vec![repo("plant", &registry)]);
    let cache = Cache::new(folder.path(), 1 << 30);
    let store = DockerStore::connect(podman.endpoint(), cache).expect("a connection");
    let shop = found(&registries, &store, "plant/shop:1.0");
    // Podman speaks no plain http, not even to this machine.
    let fetched = fetch(&shop, &store);
    assert_eq!(fetched.stored.id.0, shop.image.manifest().config.digest);
    assert_eq!(fetch(&shop, &store).bytes, 0);
}

#[test]
fn a_wrong_password_and_a_wish_to_stop_are_told_as_such() {
    let (registry, store) = (RegistryBuilder::new().login().start().expect("a registry"), MemoryStore::new());
    registry.put(&app("one"), "shop:1.0").expect("put");
    let wrong = Repo { password: Some(dam_oci::registry::Secret::new("wrong")), ..repo("plant", &registry) };
    let Err(Error::Unfetched(fault)) = find(&registries(vec![wrong]), &store, "plant/shop:1.0") else {
        panic!("nobody is let in with that")
    };
    let Error::Oci(dam_oci::Error::Registry(error)) = &fault.source else { panic!("{fault:?}") };
    assert!(matches!(error.fault, RegistryFault::LoginNeeded { shown: true }), "{error:?}");
    assert!(!format!("{fault:?}").contains("wrong"));

    let registries = registries(vec![repo("plant", &registry)]);
    let shop = found(&registries, &store, "plant/shop:1.0");
    let cancel = Cancel::default();
    cancel.flag().store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(matches!(shop.fetch(&store, &cancel, &Silent), Err(Error::Cancelled)));
    assert_eq!(store.list().expect("a list"), []);
    assert_ne!(shop.digest(), Digest::of(b""));
}
