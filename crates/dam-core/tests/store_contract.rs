//! What every store promises, in one suite that runs over all of them.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};

use dam_core::cache::{Cache, DEFAULT_LIMIT};
use dam_core::event::{Event, Reporter, Silent};
use dam_core::store::docker::{DockerStore, Endpoint};
use dam_core::store::{BuildRequest, Builder, ImageId, LayoutStore, ListedImage, Store};
use dam_core::testing::{MemoryStore, PrivateDocker, PrivatePodman, Trouble, Troubled};
use dam_core::{Cancel, Error, Result};
use dam_oci::context::{Context, Entry};
use dam_oci::testing::{ImageBuilder, MemoryImage};
use dam_oci::{Digest, Image, Reference, config, layers, visit_layers};
use tempfile::TempDir;

/// Where stores differ and may.
#[derive(Clone, Copy)]
struct Habits {
    /// Taking the last tag away deletes the image, as a Docker daemon does. Others keep it, untagged.
    deletes_untagged: bool,
    /// The steps of a build stay for the next one, and show as images without a tag once the result is gone.
    keeps_build_steps: bool,
    /// All layers are sent, even those it has, as Podman wants it.
    wants_everything: bool,
}

/// dam's own stores.
const OWN: Habits = Habits { deletes_untagged: false, keeps_build_steps: false, wants_everything: false };
/// Engines.
const ENGINE: Habits = Habits { deletes_untagged: true, keeps_build_steps: true, wants_everything: false };

/// Runs every promise over one store, which may hold other images and keeps none of these.
fn contract(store: &dyn Store, habits: Habits) {
    let promises: &[fn(&dyn Store, Habits)] = &[
        finds_what_was_loaded,
        reads_a_missing_tag_as_latest,
        gives_the_image_back_as_it_was,
        gets_several_images_ready,
        loads_twice_as_once,
        loads_without_a_tag,
        says_what_loads_would_take,
        says_what_is_free,
        takes_what_it_has_from_itself,
        goes_on_after_a_cut,
        lists_each_image_once,
        moves_tags,
        loads_over_a_tag,
        takes_tags_away,
        removes_with_all_tags,
        removes_one_of_two_that_share_layers,
        keeps_nothing_of_a_damaged_image,
        writes_meta,
        builds_a_dockerfile,
        says_no_to_unknown_ids,
        says_what_it_is,
    ];
    for promise in promises {
        promise(store, habits);
        let left = ours(store);
        assert!(left.is_empty(), "a promise left {left:?}");
    }
}

/// A label of the images made here.
const MARK: &str = "org.example.contract";

/// Lists the images that are made here, and parts of them; others may use the same engine.
fn ours(store: &dyn Store) -> Vec<ListedImage> {
    let is_ours = |it: &ListedImage| it.labels.contains_key(MARK) || it.labels.contains_key("dam.part");
    store.list().expect("a list").into_iter().filter(is_ours).collect()
}

fn name(text: &str) -> Reference {
    format!("dam-contract/{text}").parse().expect("a reference")
}

/// Makes an app whose content and id depend on `text`.
fn app(text: &str) -> ImageBuilder {
    ImageBuilder::app().label(MARK, text).file("app", 0o644, text)
}

fn load(store: &dyn Store, image: &dyn Image, tags: &[&str]) -> ImageId {
    let tags: Vec<_> = tags.iter().map(|tag| name(tag)).collect();
    store.load(image, &tags, &Silent).expect("a sound image")
}

fn tags(store: &dyn Store, id: ImageId) -> Option<Vec<String>> {
    let image = store.find_id(id).expect("an answer")?;
    Some(image.tags.iter().map(|tag| tag.to_string().replace("dam-contract/", "")).collect())
}

fn found(store: &dyn Store, tag: &str) -> Option<ImageId> {
    store.find(&name(tag)).expect("an answer").map(|image| image.id)
}

fn remove(store: &dyn Store, id: ImageId) {
    store.remove(id).expect("removed");
    assert_eq!(store.find_id(id).expect("an answer"), None);
}

fn diff_ids(image: &dyn Image) -> Vec<Digest> {
    config(image).expect("a sound config").1.rootfs.diff_ids
}

/// Reads all of an image, checking digests and DiffIDs.
fn validate(image: &dyn Image) {
    let layers = layers(image).expect("a sound config");
    visit_layers(image, &layers, &mut |_, _| Ok(())).expect("sound layers");
}

fn finds_what_was_loaded(store: &dyn Store, _: Habits) {
    let image = app("one").layer().file("b", 0o644, "b").build();
    let id = load(store, &image, &["a:1", "b:1"]);
    let by_id = store.find_id(id).expect("an answer").expect("there");
    assert_eq!(by_id.id, id);
    assert_eq!(by_id.tags, [name("a:1"), name("b:1")]);
    assert_eq!(by_id.labels, BTreeMap::from([(MARK.to_owned(), "one".to_owned())]));
    assert_eq!(by_id.diff_ids, diff_ids(&image));
    assert_eq!(by_id.platform.to_string(), "linux/amd64");
    assert!(by_id.size > 0);
    for tag in ["a:1", "b:1"] {
        assert_eq!(store.find(&name(tag)).expect("an answer").as_ref(), Some(&by_id));
    }
    assert_eq!(found(store, "a:2"), None);
    remove(store, id);
}

fn reads_a_missing_tag_as_latest(store: &dyn Store, _: Habits) {
    let id = load(store, &app("one").build(), &["a"]);
    assert_eq!(tags(store, id), Some(vec!["a:latest".to_owned()]));
    assert_eq!((found(store, "a"), found(store, "a:latest")), (Some(id), Some(id)));
    store.tag(id, &name("b")).expect("tagged");
    assert_eq!(found(store, "b:latest"), Some(id));
    store.untag(&name("b")).expect("untagged");
    assert_eq!(found(store, "b:latest"), None);
    remove(store, id);
}

fn gives_the_image_back_as_it_was(store: &dyn Store, _: Habits) {
    let image = app("one").layer().file("b", 0o600, vec![7; 100_000]).layer().file("c", 0o644, "").build();
    let id = load(store, &image, &["a:1"]);
    let back = store.image(id, &Silent).expect("an image");
    validate(&*back);
    assert_eq!(diff_ids(&*back), diff_ids(&image));
    assert_eq!(config(&*back).expect("sound").1.config, config(&image).expect("sound").1.config);
    // What comes back can go in again, and is the same image.
    let again = store.load(&*back, &[], &Silent).expect("a sound image");
    assert_eq!(store.find_id(again).expect("an answer").expect("there").diff_ids, diff_ids(&image));
    store.remove(again).expect("removed");
    remove(store, id);
}

fn gets_several_images_ready(store: &dyn Store, _: Habits) {
    let ids = ["1", "2"].map(|text| load(store, &on_a_base(text), &[&format!("a:{text}")]));
    let fetch = || {
        let came = Count::default();
        store.fetch(&ids, &Cancel::default(), &came).expect("both are there");
        came.0.into_inner()
    };
    let first = fetch();
    assert!(first == 0 || (BASE..2 * BASE).contains(&first), "{first} bytes for a base of {BASE}");
    assert_eq!(fetch(), 0, "an engine is not asked again");
    let came = Count::default();
    ids.iter().for_each(|id| validate(&*store.image(*id, &came).expect("an image")));
    assert_eq!(came.0.into_inner(), 0);
    ids.into_iter().for_each(|id| remove(store, id));
}

fn loads_twice_as_once(store: &dyn Store, _: Habits) {
    let image = app("one").build();
    let id = load(store, &image, &["a:1"]);
    assert_eq!(load(store, &image, &["b:1"]), id);
    assert_eq!(tags(store, id), Some(vec!["a:1".to_owned(), "b:1".to_owned()]));
    remove(store, id);
}

fn loads_without_a_tag(store: &dyn Store, _: Habits) {
    let id = load(store, &app("one").build(), &[]);
    assert_eq!(tags(store, id), Some(vec![]));
    store.tag(id, &name("a:1")).expect("tagged");
    assert_eq!(found(store, "a:1"), Some(id));
    remove(store, id);
}

fn says_what_loads_would_take(store: &dyn Store, habits: Habits) {
    let (one, two) = (on_a_base("one"), on_a_base("two"));
    let demand = store.demand(&[&one, &two, &one]).expect("an answer");
    let [first, second, third] = demand.images[..] else { panic!("three images: {demand:?}") };
    assert!(first.send > BASE && first.layers_sent == 2, "{demand:?}");
    assert_eq!((third.send, third.layers_sent), (0, 0));
    assert_eq!(demand.send(), first.send + second.send);
    if habits.wants_everything {
        assert_eq!(second, first);
    } else {
        assert!(second.send < BASE && second.layers_sent == 1, "{demand:?}");
    }
    let id = load(store, &one, &["a:1"]);
    let rest = store.demand(&[&one, &two]).expect("an answer");
    assert_eq!((rest.images[0].send, rest.images[1]), (0, second));
    // What is there already takes no room, sent or not.
    assert!(demand.store > BASE && rest.store < BASE, "{demand:?} {rest:?}");
    remove(store, id);
    assert_eq!(store.demand(&[&one, &two, &one]).expect("an answer"), demand);
}

fn says_what_is_free(store: &dyn Store, _: Habits) {
    if let Some(room) = store.room().expect("an answer") {
        assert!(room.free > 0 && room.place.is_dir(), "{room:?}");
    }
}

fn takes_what_it_has_from_itself(store: &dyn Store, _: Habits) {
    let (one, two) = (on_a_base("one"), on_a_base("two"));
    let base = two.manifest().layers[0].digest;
    for trouble in [Trouble::Missing(base), Trouble::Passed(base)] {
        let torn = Troubled { image: two.clone(), trouble };
        assert!(store.load(&torn, &[name("a:2")], &Silent).is_err(), "nobody has the base");
        let first = load(store, &one, &["a:1"]);
        let second = load(store, &torn, &["a:2"]);
        let back = store.image(second, &Silent).expect("an image");
        validate(&*back);
        assert_eq!(diff_ids(&*back), diff_ids(&two));
        remove(store, first);
        remove(store, second);
    }
}

fn goes_on_after_a_cut(store: &dyn Store, _: Habits) {
    let before = ours(store);
    let image = on_a_base("one");
    for _ in 0..2 {
        let trouble = Trouble::Lost(image.manifest().layers[1].digest);
        let torn = Troubled { image: image.clone(), trouble };
        let error = store.load(&torn, &[name("a:1")], &Silent).expect_err("a source that goes away");
        assert!(error.is_cut(), "{error:?}");
        assert_eq!(found(store, "a:1"), None);
        assert_eq!(ours(store), before);
    }
    store.forget_parts().expect("no parts");
    let id = load(store, &image, &["a:1"]);
    validate(&*store.image(id, &Silent).expect("an image"));
    store.forget_parts().expect("no parts");
    validate(&*store.image(id, &Silent).expect("an image"));
    remove(store, id);
}

/// Counts the bytes that are told of.
#[derive(Default)]
struct Count(AtomicU64);

impl Reporter for Count {
    fn event(&self, event: Event) {
        if let Event::Advanced { bytes } = event {
            self.0.fetch_add(bytes, Ordering::Relaxed);
        }
    }
}

/// The length of the layer that [`on_a_base`] puts below, or a little less.
const BASE: u64 = 5 << 20;

/// Makes an app on a base that takes some megabytes.
fn on_a_base(top: &str) -> MemoryImage {
    let base = app("base").file("base", 0o644, vec![5; BASE as usize]);
    base.layer().file("x", 0o644, top).label("which", top).build()
}

fn lists_each_image_once(store: &dyn Store, _: Habits) {
    let one = load(store, &app("one").build(), &["b:1", "a:1"]);
    let two = load(store, &app("two").build(), &[]);
    let list = store.list().expect("a list");
    assert!(list.is_sorted_by_key(|image| image.id));
    let mine: BTreeMap<_, _> = list
        .into_iter()
        .filter(|image| image.labels.contains_key(MARK))
        .map(|image| (image.id, (image.labels[MARK].clone(), image.tags)))
        .collect();
    let expected = [
        (one, ("one".to_owned(), vec![name("a:1"), name("b:1")])), //
        (two, ("two".to_owned(), vec![])),
    ];
    assert_eq!(mine, BTreeMap::from(expected));
    remove(store, one);
    remove(store, two);
}

fn moves_tags(store: &dyn Store, _: Habits) {
    let one = load(store, &app("one").build(), &["a:1", "a:2"]);
    let two = load(store, &app("two").build(), &["b:1"]);
    store.tag(two, &name("a:1")).expect("tagged");
    store.tag(two, &name("a:1")).expect("tagged once more");
    assert_eq!(tags(store, one), Some(vec!["a:2".to_owned()]));
    assert_eq!(tags(store, two), Some(vec!["a:1".to_owned(), "b:1".to_owned()]));
    // An image whose last tag moves away stays, in every store.
    store.tag(two, &name("a:2")).expect("tagged");
    assert_eq!(tags(store, one), Some(vec![]));
    remove(store, one);
    remove(store, two);
}

fn loads_over_a_tag(store: &dyn Store, _: Habits) {
    let one = load(store, &app("one").build(), &["a:1"]);
    let two = load(store, &app("two").build(), &["a:1"]);
    assert_ne!(one, two);
    assert_eq!((tags(store, one), found(store, "a:1")), (Some(vec![]), Some(two)));
    remove(store, one);
    remove(store, two);
}

fn takes_tags_away(store: &dyn Store, habits: Habits) {
    let id = load(store, &app("one").build(), &["a:1", "a:2"]);
    store.untag(&name("a:1")).expect("untagged");
    store.untag(&name("a:1")).expect("no error: it is not there");
    assert_eq!((tags(store, id), found(store, "a:1")), (Some(vec!["a:2".to_owned()]), None));
    store.untag(&name("a:2")).expect("untagged");
    assert_eq!(found(store, "a:2"), None);
    assert_eq!(tags(store, id), if habits.deletes_untagged { None } else { Some(vec![]) });
    remove(store, id);
}

fn removes_with_all_tags(store: &dyn Store, _: Habits) {
    let id = load(store, &app("one").build(), &["a:1", "a:2"]);
    remove(store, id);
    assert_eq!((found(store, "a:1"), found(store, "a:2")), (None, None));
    store.remove(id).expect("no error: it is not there");
}

fn removes_one_of_two_that_share_layers(store: &dyn Store, _: Habits) {
    let one = app("base").layer().file("x", 0o644, "one").label("which", "one").build();
    let two = app("base").layer().file("x", 0o644, "two").label("which", "two").build();
    assert_eq!(diff_ids(&one)[0], diff_ids(&two)[0]);
    let (gone, kept) = (load(store, &one, &["a:1"]), load(store, &two, &["a:2"]));
    remove(store, gone);
    validate(&*store.image(kept, &Silent).expect("an image"));
    remove(store, kept);
}

fn keeps_nothing_of_a_damaged_image(store: &dyn Store, _: Habits) {
    let before = load(store, &app("one").build(), &["a:1"]);
    let list = ours(store);
    for damage in [flip_a_bit, cut_short, lose_a_layer] {
        let image = damage(app("two").layer().file("b", 0o644, vec![1; 50_000]).build());
        let result = store.load(&image, &[name("a:1"), name("b:1")], &Silent);
        assert!(result.is_err(), "a damaged image was loaded");
        assert_eq!((found(store, "a:1"), found(store, "b:1")), (Some(before), None));
        assert_eq!(ours(store), list);
    }
    remove(store, before);
}

/// Damages the newest layer.
fn top_layer(image: &mut MemoryImage) -> &mut Vec<u8> {
    let digest = image.manifest().layers.last().expect("a layer").digest;
    image.blobs_mut().get_mut(&digest).expect("there")
}

fn flip_a_bit(mut image: MemoryImage) -> MemoryImage {
    top_layer(&mut image)[10_000] ^= 4;
    image
}

fn cut_short(mut image: MemoryImage) -> MemoryImage {
    top_layer(&mut image).truncate(20_000);
    image
}

fn lose_a_layer(mut image: MemoryImage) -> MemoryImage {
    let digest = image.manifest().layers.last().expect("a layer").digest;
    image.blobs_mut().remove(&digest);
    image
}

fn writes_meta(store: &dyn Store, _: Habits) {
    let image = app("one").file("meta/sub/x", 0o640, "below").layer().file("meta/install", 0o700, "new").build();
    let id = load(store, &image, &["a:1"]);
    let mut tar = Vec::new();
    assert!(store.meta(id, &mut tar).expect("a tar"));
    let files = files(&tar).expect("a sound tar");
    assert_eq!(files["meta/install"], (0o700, "new".to_owned()));
    assert_eq!(files["meta/sub/x"], (0o640, "below".to_owned()));
    assert_eq!(files["meta/uninstall"], (0o755, "#!/bin/sh\n".to_owned()));
    assert_eq!(files.len(), 3);
    remove(store, id);

    let id = load(store, &ImageBuilder::new().label(MARK, "none").file("metal", 0o644, "").build(), &["a:1"]);
    assert!(!store.meta(id, &mut Vec::new()).expect("an answer"));
    remove(store, id);
}

/// Reads the files of a tar: name to mode and content.
fn files(tar: &[u8]) -> std::io::Result<BTreeMap<String, (u32, String)>> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(tar).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let mut content = String::new();
            entry.read_to_string(&mut content)?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            files.insert(name, (entry.header().mode()? & 0o777, content));
        }
    }
    Ok(files)
}

fn builds_a_dockerfile(store: &dyn Store, habits: Habits) {
    let mut context = Context::new();
    let dockerfile = format!("FROM scratch\nLABEL {MARK}=one which=file\nCOPY meta /meta\n");
    context.insert(Entry::bytes("Dockerfile", 0o644, dockerfile));
    context.insert(Entry::bytes("meta/install", 0o755, "#!/bin/sh\n"));
    let request = BuildRequest {
        context: &context,
        dockerfile: "Dockerfile".to_owned(),
        tags: vec![name("built:1"), name("built:2")],
        labels: BTreeMap::from([("which".to_owned(), "request".to_owned())]),
        args: BTreeMap::new(),
        platform: None,
        no_cache: false,
        builder: Builder::Auto,
    };
    let id = store.build(&request, &Silent).expect("built");
    let built = store.find_id(id).expect("an answer").expect("there");
    assert_eq!(built.tags, [name("built:1"), name("built:2")]);
    assert_eq!((built.labels[MARK].as_str(), built.labels["which"].as_str()), ("one", "request"));
    let mut tar = Vec::new();
    assert!(store.meta(id, &mut tar).expect("a tar"));
    assert_eq!(files(&tar).expect("a sound tar")["meta/install"], (0o755, "#!/bin/sh\n".to_owned()));
    remove(store, id);
    if habits.keeps_build_steps {
        let steps = store.list().expect("a list").into_iter().filter(|image| image.labels.contains_key(MARK));
        steps.for_each(|step| {
            assert!(step.tags.is_empty());
            remove(store, step.id);
        });
    }
}

fn says_no_to_unknown_ids(store: &dyn Store, _: Habits) {
    let id = ImageId(Digest::of(b"no image"));
    fn refuses<T>(id: ImageId, result: Result<T>) {
        assert!(matches!(result, Err(Error::NoImage(unknown)) if unknown == id));
    }
    assert_eq!(store.find_id(id).expect("an answer"), None);
    refuses(id, store.tag(id, &name("a:1")));
    refuses(id, store.meta(id, &mut Vec::new()));
    refuses(id, store.image(id, &Silent));
    assert_eq!(found(store, "a:1"), None);
}

fn says_what_it_is(store: &dyn Store, _: Habits) {
    let description = store.describe();
    assert!(["docker", "podman", "layout", "memory"].contains(&description.kind));
    assert!(!description.version.is_empty() && !description.place.is_empty());
}

#[test]
fn the_memory_store_keeps_the_contract() {
    contract(&MemoryStore::new(), OWN);
}

#[test]
fn the_memory_store_keeps_the_contract_as_a_daemon_does() {
    contract(&MemoryStore::deleting_untagged(), Habits { deletes_untagged: true, ..OWN });
}

#[test]
fn the_layout_store_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a temp folder");
    let store = LayoutStore::open(&folder.path().join("store")).expect("a store");
    contract(&store, OWN);
    let blobs = std::fs::read_dir(folder.path().join("store/blobs/sha256")).expect("a folder").count();
    assert_eq!(blobs, 0, "blobs of removed images are gone");
}

/// Connects to an engine that a test started.
fn engine(endpoint: Endpoint, cache: &TempDir) -> DockerStore {
    let cache = Cache::new(cache.path(), DEFAULT_LIMIT);
    DockerStore::connect(endpoint, cache).expect("a connection")
}

#[test]
fn docker_keeps_the_contract() {
    let daemon = PrivateDocker::shared().expect("a Docker daemon");
    let cache = tempfile::tempdir().expect("a temp folder");
    contract(&engine(daemon.endpoint(), &cache), ENGINE);
}

#[test]
fn podman_keeps_the_contract() {
    let service = PrivatePodman::start().expect("a Podman service");
    let cache = tempfile::tempdir().expect("a temp folder");
    contract(&engine(service.endpoint(), &cache), Habits { wants_everything: true, ..ENGINE });
}

#[test]
fn an_image_in_use_stays() {
    let store = MemoryStore::new();
    let id = load(&store, &app("one").build(), &["a:1"]);
    store.use_image(id, "container shop");
    assert!(matches!(store.remove(id), Err(Error::ImageInUse { reason, .. }) if reason == "container shop"));
    store.release_image(id);
    remove(&store, id);
}
