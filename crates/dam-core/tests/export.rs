//! `dam export`, over stores of both kinds.

use std::fs;
use std::io;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use dam_core::app::Release;
use dam_core::bundle::{Bundle, BundleError, VerifiedBundle};
use dam_core::cache::{Cache, Packing};
use dam_core::event::Silent;
use dam_core::host::{Cancel, Scratch};
use dam_core::ops::Candidate;
use dam_core::ops::export::{
    Chosen, ExportFault, ExportRequest, Exported, LEAST_PART, Origin, Output, export, pick, with_images, write_list,
};
use dam_core::ops::save::Tools;
use dam_core::product::{ListFault, ProductList};
use dam_core::store::{LayoutStore, Store};
use dam_core::testing::{MemoryStore, offline, plain_inquiry};
use dam_core::{Error, Result};
use dam_oci::testing::{ImageBuilder, MemoryImage, gzip};
use dam_oci::{Descriptor, Digest, Image, Manifest, Reference, media_type};
use tempfile::TempDir;

/// A machine with a store, a cache and a folder to export into.
struct Machine {
    root: TempDir,
    store: Box<dyn Store>,
    cancel: Cancel,
}

impl Machine {
    fn new() -> Self {
        Self::with(|_| Box::new(MemoryStore::new()))
    }

    fn with_layout() -> Self {
        Self::with(|root| Box::new(LayoutStore::open(&root.join("store")).expect("a store")))
    }

    fn with(store: impl Fn(&Path) -> Box<dyn Store>) -> Self {
        let root = tempfile::tempdir().expect("a temp folder");
        fs::create_dir(root.path().join("out")).expect("a folder");
        Self { store: store(root.path()), root, cancel: Cancel::default() }
    }

    /// Puts an image into the store.
    fn holding(self, name: &str, image: &dyn Image) -> Self {
        self.store.load(image, &[reference(name)], &Silent).expect("a sound image");
        self
    }

    fn out(&self, name: &str) -> PathBuf {
        self.root.path().join("out").join(name)
    }

    fn cache(&self) -> Cache {
        Cache::new(self.root.path().join("cache"), 1 << 30)
    }

    /// Exports images by their exact names, as installed ones.
    fn export(&self, names: &[&str], packing: Packing, output: &mut Output) -> Result<Exported> {
        let chosen = |name: &&str| {
            let stored = self.store.find(&reference(name)).expect("readable").expect("there");
            Chosen { reference: reference(name), origin: Origin::Store(stored.id), installed: true }
        };
        let request = ExportRequest { apps: names.iter().map(chosen).collect(), packing };
        let (cache, scratch) = (self.cache(), Scratch::new(self.root.path()).expect("a folder"));
        let tools = Tools { store: Some(&*self.store), cache: &cache, scratch: &scratch, cancel: &self.cancel };
        export(tools, &request, output, &Silent)
    }

    fn export_to(&self, names: &[&str], file: &str) -> Result<Exported> {
        self.export(names, Packing::default(), &mut Output::File(self.out(file)))
    }

    fn files(&self) -> Vec<String> {
        let files = fs::read_dir(self.root.path().join("out")).expect("a folder");
        let mut files: Vec<_> =
            files.map(|file| file.expect("a file").file_name().into_string().expect("text")).collect();
        files.sort();
        files
    }
}

fn reference(name: &str) -> Reference {
    name.parse().expect("a reference")
}

/// Bytes that do not compress.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

/// An app on a base that all have.
fn app(name: &str) -> ImageBuilder {
    let base = ImageBuilder::new().file("base", 0o644, noise(1, 300_000)).layer();
    let install = format!("#!/bin/sh\necho {name}\n");
    base.file("meta/install", 0o755, &install).file("meta/uninstall", 0o755, install)
}

fn open(path: &Path) -> VerifiedBundle {
    Bundle::open(path, &Silent).and_then(Bundle::verify).expect("a sound bundle")
}

/// Reads everything of a bundle, and the `/meta` of each app.
fn validate(machine: &Machine, path: &Path) -> Vec<MemoryImage> {
    let scratch = Scratch::new(machine.root.path()).expect("a folder");
    let keep = dam_core::meta::Keep::open(scratch.path()).expect("a folder");
    let bundle = open(path);
    let promised: Vec<_> = bundle.head().expect("a head").apps.iter().map(|app| app.meta.expect("told")).collect();
    let images = bundle.into_apps().into_iter().zip(promised).map(|(app, meta)| {
        let image = MemoryImage::copy(&*app.image).expect("sound blobs");
        dam_oci::visit_layers(&image, &dam_oci::layers(&image).expect("layers"), &mut |_, _| Ok(())).expect("sound");
        let candidate = Candidate::from_bundled(&keep, scratch.path(), path, app).expect("an app");
        assert_eq!(candidate.release.meta, meta);
        image
    });
    images.collect()
}

fn media_types(image: &dyn Image) -> Vec<&str> {
    image.manifest().layers.iter().map(|layer| layer.media_type.as_str()).collect()
}

#[test]
fn several_apps_share_their_layers() {
    let machine = Machine::new().holding("shop:1.0", &app("shop").build()).holding("tools/x:2", &app("tools").build());
    let exported = machine.export_to(&["shop:1.0", "tools/x:2"], "site.dam").expect("exported");
    let path = machine.out("site.dam");
    let bytes = fs::read(&path).expect("the file");
    assert_eq!((exported.bytes, exported.sha256), (bytes.len() as u64, Digest::of(&bytes)));
    assert_eq!((exported.path, exported.layers), (Some(path.clone()), 3));
    let [shop, tools] = &exported.apps[..] else { panic!("{:?}", exported.apps) };
    assert_eq!((shop.id.to_string(), shop.layers, shop.shared), ("shop:1.0".to_owned(), 2, 0));
    assert_eq!((tools.id.to_string(), tools.layers, tools.shared), ("tools/x:2".to_owned(), 2, 1));
    assert!(shop.added > 300_000 && tools.added < 3_000 && tools.unpacked > 300_000, "{:?}", exported.apps);
    assert_eq!(machine.files(), ["site.dam"]);
    let bundle = open(&path);
    let head = bundle.head().expect("a head");
    assert!(head.apps.iter().all(|app| app.layers.iter().all(|layer| layer.unpacked_size.is_some())));
    for image in validate(&machine, &path) {
        assert_eq!(media_types(&image), [media_type::LAYER_ZSTD; 2]);
    }
}

/// Packs the layers of an image as a registry has them, and notes nothing of them.
fn packed(image: &MemoryImage, media_type: &str, pack: fn(&[u8]) -> Vec<u8>) -> MemoryImage {
    let mut image = image.clone();
    let mut layers = image.manifest().layers.clone();
    for layer in &mut layers {
        let packed = pack(&image.blobs_mut()[&layer.digest]);
        *layer = Descriptor::of(media_type, &packed);
        image.blobs_mut().insert(layer.digest, packed);
    }
    let manifest = Manifest::new(image.manifest().config.clone(), layers);
    MemoryImage::new(manifest, std::mem::take(image.blobs_mut()))
}

#[test]
fn equal_apps_give_equal_bytes_on_any_machine() {
    let shop = app("shop").build();
    // As a registry has it.
    let tools =
        packed(&app("tools").layer().file("more", 0o644, noise(3, 9_000)).build(), media_type::LAYER_GZIP, gzip);
    let names = ["shop:1.0", "plant:5000/tools:2"];
    let machine = Machine::new().holding(names[0], &shop).holding(names[1], &tools);
    let first = machine.export_to(&names, "site.dam").expect("exported");
    assert_eq!(machine.export_to(&names, "again.dam").expect("exported").sha256, first.sha256);
    let other = Machine::with_layout()
        .holding("zoo:1", &app("zoo").build())
        .holding(names[1], &tools)
        .holding("shop:latest", &shop)
        .holding(names[0], &shop);
    assert_eq!(other.export_to(&names, "site.dam").expect("exported").sha256, first.sha256);
    let backwards = machine.export_to(&[names[1], names[0]], "backwards.dam").expect("exported");
    assert_ne!(backwards.sha256, first.sha256);
}

#[test]
fn what_came_compressed_stays_byte_for_byte() {
    let original = packed(&app("shop").build(), media_type::LAYER_GZIP, gzip);
    let machine = Machine::with_layout().holding("shop:1.0", &original);
    machine.export_to(&["shop:1.0"], "site.dam").expect("exported");
    let bundled = validate(&machine, &machine.out("site.dam")).remove(0);
    assert_eq!(bundled.manifest_bytes(), original.manifest_bytes());
    assert_eq!(
        bundled.clone().blobs_mut()[&original.manifest().layers[0].digest].len() as u64,
        original.manifest().layers[0].size
    );
    let head = open(&machine.out("site.dam")).head().expect("a head").clone();
    let raw: Vec<_> = app("shop").build().manifest().layers.iter().map(|layer| Some(layer.size)).collect();
    assert_eq!(head.apps[0].layers.iter().map(|layer| layer.unpacked_size).collect::<Vec<_>>(), raw);
}

#[test]
fn what_was_learned_of_a_layer_is_not_learned_again() {
    let original = packed(&app("shop").build(), media_type::LAYER_GZIP, gzip);
    let machine = Machine::with_layout().holding("shop:1.0", &original);
    let exported = machine.export_to(&["shop:1.0"], "site.dam").expect("exported");
    let notes = machine.root.path().join("cache/notes");
    let base = machine.store.find(&reference("shop:1.0")).expect("readable").expect("there").diff_ids[0];
    let learned = machine.cache().notes(base).expect("noted");
    assert_eq!((learned.unpacked_size.is_some(), learned.roots().as_deref()), (true, Some("base")));
    // Damaged notes are only gone.
    for file in fs::read_dir(&notes).expect("a folder") {
        let path = file.expect("a file").path();
        let mut bytes = fs::read(&path).expect("a file");
        bytes[74] ^= 1;
        fs::write(&path, bytes).expect("written");
    }
    assert_eq!(machine.cache().notes(base), None);
    assert_eq!(machine.export_to(&["shop:1.0"], "again.dam").expect("exported").sha256, exported.sha256);
    assert_eq!(machine.cache().notes(base), Some(learned));
}

/// One app with raw layers, one with gzip layers, and one with zstd layers that dam made.
fn mixed() -> Machine {
    let machine = Machine::with_layout()
        .holding("raw:1", &app("raw").build())
        .holding("gzip:1", &packed(&app("gzip").build(), media_type::LAYER_GZIP, gzip));
    let other = Machine::new().holding("zstd:1", &app("zstd").build());
    other.export_to(&["zstd:1"], "zstd.dam").expect("exported");
    let image = validate(&other, &other.out("zstd.dam")).remove(0);
    machine.holding("zstd:1", &image)
}

const MIXED: [&str; 3] = ["raw:1", "gzip:1", "zstd:1"];

/// Exports the three apps; returns the media type of all layers of each, and the images.
fn exported_as(machine: &Machine, packing: Packing) -> (Vec<String>, Vec<MemoryImage>) {
    let path = machine.out("site.dam");
    machine.export(&MIXED, packing, &mut Output::File(path.clone())).expect("exported");
    let images = validate(machine, &path);
    let kind = |image: &MemoryImage| {
        let types = media_types(image);
        assert!(types.iter().all(|kind| *kind == types[0]), "{types:?}");
        types[0].rsplit('.').next().expect("a word").to_owned()
    };
    (images.iter().map(kind).collect(), images)
}

#[test]
fn layers_get_the_form_that_is_asked_for() {
    let machine = mixed();
    let (kinds, usual) = exported_as(&machine, Packing::default());
    assert_eq!(kinds, ["tar+zstd", "tar+gzip", "tar+zstd"]);
    let (kinds, gzipped) = exported_as(&machine, Packing::Gzip);
    assert_eq!(kinds, ["tar+gzip"; 3]);
    assert_eq!(gzipped[1].manifest_bytes(), usual[1].manifest_bytes(), "gzip layers stay");
    let (kinds, raw) = exported_as(&machine, Packing::Raw);
    assert_eq!(kinds, ["tar"; 3]);
    for image in &raw {
        let diff_ids = dam_oci::config(image).expect("a config").1.rootfs.diff_ids;
        assert_eq!(image.manifest().layers.iter().map(|layer| layer.digest).collect::<Vec<_>>(), diff_ids);
    }
    let (kinds, small) = exported_as(&machine, Packing::Zstd(Some("19".parse().expect("a level"))));
    assert_eq!(kinds, ["tar+zstd", "tar+gzip", "tar+zstd"]);
    assert_ne!(small[2].manifest_bytes(), usual[2].manifest_bytes(), "what dam compressed gets the level");
    assert_eq!(small[1].manifest_bytes(), usual[1].manifest_bytes(), "what others compressed stays");
    // Whatever was made in between, each form has its place in the cache.
    assert_eq!(exported_as(&machine, Packing::default()).1[0].manifest_bytes(), usual[0].manifest_bytes());
    assert_eq!(exported_as(&machine, Packing::Gzip).1[2].manifest_bytes(), gzipped[2].manifest_bytes());
}

#[test]
fn forms_do_not_depend_on_where_the_layers_come_from() {
    let elsewhere = Machine::new().holding("zstd:1", &app("zstd").build());
    let machine = mixed();
    for packing in [Packing::default(), Packing::Gzip, Packing::Zstd(Some("7".parse().expect("a level")))] {
        let one = elsewhere.export(&["zstd:1"], packing, &mut Output::File(elsewhere.out("a.dam"))).expect("exported");
        let other = machine.export(&["zstd:1"], packing, &mut Output::File(machine.out("a.dam"))).expect("exported");
        assert_eq!(one.sha256, other.sha256, "{packing:?}");
    }
}

#[test]
fn a_stream_gets_the_same_bytes() {
    let machine = Machine::new().holding("shop:1.0", &app("shop").build());
    let file = machine.export_to(&["shop:1.0"], "site.dam").expect("exported");
    let mut bytes = Vec::new();
    let stream = machine.export(&["shop:1.0"], Packing::default(), &mut Output::Stream(&mut bytes)).expect("exported");
    assert_eq!((Digest::of(&bytes), bytes.len() as u64), (file.sha256, file.bytes));
    assert_eq!(stream, Exported { path: None, ..file });
}

/// Takes some bytes, and then no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.min(bytes.len()) {
            0 => Err(io::Error::from_raw_os_error(28)),
            count => {
                self.0 -= count;
                Ok(count)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_cannot_be_written_is_told_by_its_own_name() {
    let machine = Machine::new().holding("shop:1.0", &app("shop").build());
    let error = machine
        .export(&["shop:1.0"], Packing::default(), &mut Output::Stream(&mut Full(100_000)))
        .expect_err("there is no room");
    let Error::Access { path, source } = error else { panic!("{error}") };
    assert_eq!((path.to_str(), source.kind()), (Some("-"), io::ErrorKind::StorageFull));
}

#[test]
fn a_split_bundle_is_the_whole_one_in_parts() {
    let names = ["shop:1.0"];
    let image = app("shop").file("big", 0o644, noise(2, 3_000_000)).build();
    let machine = Machine::new().holding(names[0], &image);
    let whole = machine.export_to(&names, "whole.dam").expect("exported");
    let bytes = fs::read(machine.out("whole.dam")).expect("the file");
    let split = |size| machine.export(&names, Packing::default(), &mut Output::Parts(machine.out("site.dam"), size));
    // An earlier export with more parts, and something that only looks like it.
    for name in [
        "site.dam.001",
        "site.dam.004",
        "site.dam.005",
        "site.dam.009",
        "site.dam.1000",
        "other.dam.004",
        "site.dam.04",
    ] {
        fs::write(machine.out(name), "old").expect("written");
    }
    let exported = split(LEAST_PART).expect("exported");
    assert_eq!((exported.sha256, exported.bytes, exported.parts.len()), (whole.sha256, whole.bytes, 4));
    let joined = exported.parts.iter().flat_map(|part| {
        let bytes = fs::read(&part.path).expect("a part");
        assert_eq!((part.sha256, part.bytes), (Digest::of(&bytes), bytes.len() as u64));
        bytes
    });
    assert_eq!(joined.collect::<Vec<u8>>(), bytes);
    assert!(exported.parts[..3].iter().all(|part| part.bytes == LEAST_PART));
    let removed = ["site.dam.005", "site.dam.009", "site.dam.1000"].map(|name| machine.out(name));
    assert_eq!(exported.removed, removed);
    let left =
        ["other.dam.004", "site.dam.001", "site.dam.002", "site.dam.003", "site.dam.004", "site.dam.04", "whole.dam"];
    assert_eq!(machine.files(), left);
    validate(&machine, &machine.out("site.dam.001"));

    // No empty part at the end; and a part as long as all of it.
    let size = whole.bytes.div_ceil(2);
    assert!(whole.bytes.is_multiple_of(2));
    assert_eq!(split(size).expect("exported").parts.iter().map(|part| part.bytes).collect::<Vec<_>>(), [size, size]);
    let one = split(whole.bytes).expect("exported");
    assert_eq!((one.parts.len(), one.removed), (1, vec![machine.out("site.dam.002")]));
    validate(&machine, &machine.out("site.dam.001"));
}

#[test]
fn an_export_that_fails_leaves_everything_as_it_was() {
    let machine =
        Machine::with_layout().holding("shop:1.0", &app("shop").build()).holding("tools:2", &app("tools").build());
    let layer = app("tools").build().manifest().layers[1].digest;
    let path = machine.root.path().join("store/blobs/sha256").join(layer.hex());
    let mut bytes = fs::read(&path).expect("a blob");
    *bytes.last_mut().expect("not empty") ^= 1;
    fs::write(&path, bytes).expect("written");
    for name in ["site.dam", "site.dam.001", "site.dam.002"] {
        fs::write(machine.out(name), "what was there").expect("written");
    }
    for mut output in [Output::File(machine.out("site.dam")), Output::Parts(machine.out("site.dam"), LEAST_PART)] {
        let error = machine.export(&["shop:1.0", "tools:2"], Packing::default(), &mut output).expect_err("damaged");
        assert!(matches!(error, Error::Oci(dam_oci::Error::Blob(_))), "{error}");
        assert_eq!(machine.files(), ["site.dam", "site.dam.001", "site.dam.002"]);
        assert_eq!(fs::read(machine.out("site.dam.001")).expect("there"), b"what was there");
    }
}

#[test]
fn a_wish_to_stop_leaves_nothing() {
    let machine = Machine::new().holding("shop:1.0", &app("shop").build());
    machine.cancel.flag().store(true, Ordering::SeqCst);
    for mut output in [Output::File(machine.out("site.dam")), Output::Parts(machine.out("site.dam"), LEAST_PART)] {
        let error = machine.export(&["shop:1.0"], Packing::default(), &mut output).expect_err("stopped");
        assert!(matches!(error, Error::Cancelled), "{error}");
    }
    assert!(machine.files().is_empty());
}

#[test]
fn a_damaged_cache_is_not_noticed() {
    let machine = mixed();
    for packing in [Packing::default(), Packing::Gzip] {
        let first = machine.export(&MIXED, packing, &mut Output::File(machine.out("a.dam"))).expect("exported");
        for file in fs::read_dir(machine.root.path().join("cache/layers")).expect("a folder") {
            let path = file.expect("a file").path();
            let mut bytes = fs::read(&path).expect("a file");
            bytes[20] ^= 1;
            fs::write(&path, bytes).expect("written");
        }
        let again = machine.export(&MIXED, packing, &mut Output::File(machine.out("b.dam"))).expect("exported");
        assert_eq!(again.sha256, first.sha256);
    }
}

#[test]
fn a_cache_that_is_too_small_is_cut_only_when_all_is_done() {
    let machine = Machine::new().holding("shop:1.0", &app("shop").build()).holding("tools:2", &app("tools").build());
    let names = ["shop:1.0", "tools:2"];
    let expected = machine.export_to(&names, "expected.dam").expect("exported").sha256;
    let chosen = names.map(|name| {
        let image = machine.store.find(&reference(name)).expect("readable").expect("there").id;
        Chosen { reference: reference(name), origin: Origin::Store(image), installed: true }
    });
    let folder = machine.root.path().join("small");
    let (cache, scratch) = (Cache::new(&folder, 10_000), Scratch::new(machine.root.path()).expect("a folder"));
    let tools = Tools { store: Some(&*machine.store), cache: &cache, scratch: &scratch, cancel: &machine.cancel };
    let request = ExportRequest { apps: chosen.to_vec(), packing: Packing::default() };
    assert_eq!(
        export(tools, &request, &mut Output::File(machine.out("site.dam")), &Silent).expect("exported").sha256,
        expected
    );
    let left: u64 = fs::read_dir(folder.join("layers"))
        .expect("a folder")
        .map(|file| file.expect("a file").metadata().expect("there").len())
        .sum();
    assert!(left <= 10_000, "{left}");
}

#[test]
fn a_hundred_apps_grow_with_what_each_has_alone() {
    let names: Vec<String> = (0..100).map(|number| format!("app{number}:1")).collect();
    let machine = names.iter().fold(Machine::new(), |machine, name| machine.holding(name, &app(name).build()));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let exported = machine.export_to(&names, "site.dam").expect("exported");
    assert_eq!((exported.apps.len(), exported.layers), (100, 101));
    assert!(exported.bytes < 300_000 + 100 * 8_000, "{}", exported.bytes);
}

#[test]
fn nothing_is_no_bundle() {
    let machine = Machine::new();
    let error = machine.export_to(&[], "site.dam").expect_err("nothing");
    assert!(matches!(error, Error::Export(ExportFault::Nothing)), "{error}");
    fs::create_dir(machine.out("folder.dam")).expect("a folder");
    let machine = machine.holding("shop:1.0", &app("shop").build());
    let error = machine.export_to(&["shop:1.0"], "folder.dam").expect_err("a folder");
    assert!(matches!(error, Error::Bundle(BundleError::Irregular { .. })), "{error}");
}

#[test]
fn an_image_that_is_no_app_is_found_out_before_anything_is_written() {
    let plain = ImageBuilder::new().file("a", 0o644, "a").build();
    let machine = Machine::new().holding("plain:1", &plain);
    let error = machine.export_to(&["plain:1"], "site.dam").expect_err("no app");
    assert!(matches!(error, Error::NotAnApp { .. }), "{error}");
    assert!(machine.files().is_empty());
}

/// Finds the apps of a list; what cannot be found is shown.
fn found(machine: &Machine, list: &str) -> std::result::Result<Vec<String>, Vec<String>> {
    let list = ProductList::parse("list", list.as_bytes()).expect("a list");
    let registries = offline();
    let inquiry = plain_inquiry(&registries);
    let picked = pick(None, ("list", &list), &[], &inquiry, &Silent).expect("nobody is asked");
    match picked.choose(Some(&*machine.store), &inquiry, &Silent) {
        Ok(chosen) => Ok(chosen.iter().map(|chosen| chosen.reference.to_string()).collect()),
        Err(Error::List(ListFault::Missing { what: list, apps })) => {
            assert_eq!(list, "list");
            Err(apps.iter().map(ToString::to_string).collect())
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_list_is_found_in_the_store() {
    let one = app("one").build();
    let machine = Machine::new()
        .holding("shop:1.0", &app("shop").build())
        .holding("plant:5000/shop:1.0", &app("other").build())
        .holding("plant:5000/one:1", &one)
        .holding("ship:5000/one:1", &one)
        .holding("plant:5000/two:1", &app("two").build())
        .holding("ship:5000/two:1", &app("too").build());
    let found = |list: &str| found(&machine, list);
    let names = |names: &[&str]| Ok(names.iter().map(ToString::to_string).collect());
    assert_eq!(found("one:1\nshop:1.0\n"), names(&["plant:5000/one:1", "shop:1.0"]));
    assert_eq!(found("plant:5000/shop:1.0"), names(&["plant:5000/shop:1.0"]));
    let elsewhere = "line 1: `dock:5000/one:1`: it is neither installed nor in the store".to_owned();
    assert_eq!(found("dock:5000/one:1"), Err(vec![elsewhere]));
    assert_eq!(found(""), names(&[]));
    let expected = [
        "line 2: `gone:1`: it is neither installed nor in the store",
        "line 4: `two:1`: the store has several: plant:5000/two:1, ship:5000/two:1",
        "line 5: `shop:2.0`: it is neither installed nor in the store",
    ];
    assert_eq!(found("shop:1.0\ngone:1\n# a comment\ntwo:1\nshop:2.0"), Err(expected.map(str::to_owned).to_vec()));
}

fn release(name: &str, store: Option<&str>) -> Release {
    let release = dam_core::testing::release(name);
    Release { store: store.map(str::to_owned), ..release }
}

#[test]
fn what_is_installed_in_another_store_is_told() {
    let machine = Machine::new();
    let here = with_images(&*machine.store, vec![release("a:1", None), release("b:1", Some("memory"))]);
    assert_eq!(here.expect("here").len(), 2);
    let error = with_images(&*machine.store, vec![release("a:1", Some("docker"))]).expect_err("elsewhere");
    assert!(matches!(error, Error::InOtherStore { .. }), "{error}");
}

#[test]
fn a_list_is_written_whole_and_without_a_tail() {
    let machine = Machine::new();
    let path = machine.out("list.txt");
    fs::write(&path, "a much longer list than the one that is written now\n".repeat(9)).expect("written");
    let releases = [release("shop:1.0", None), release("tools/x:2", None)];
    let written = write_list(&path, &releases, &machine.cancel).expect("written");
    assert_eq!(written.apps.iter().map(ToString::to_string).collect::<Vec<_>>(), ["shop:1.0", "tools/x:2"]);
    assert_eq!(fs::read_to_string(&path).expect("text"), "shop:1.0\ntools/x:2\n");
    assert_eq!(machine.files(), ["list.txt"]);
    machine.cancel.flag().store(true, Ordering::SeqCst);
    assert!(write_list(&path, &releases[..1], &machine.cancel).is_err());
    assert_eq!(fs::read_to_string(&path).expect("text"), "shop:1.0\ntools/x:2\n");
}
