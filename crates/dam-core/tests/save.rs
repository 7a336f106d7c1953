//! `dam save`, over stores of both kinds.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use dam_core::app::NoApp;
use dam_core::bundle::{Bundle, BundleError, file_name};
use dam_core::cache::Cache;
use dam_core::event::Silent;
use dam_core::host::{Cancel, Scratch};
use dam_core::ops::save::{SaveRequest, Saved, Tools, save};
use dam_core::store::{LayoutStore, Store};
use dam_core::testing::MemoryStore;
use dam_core::{Error, Result};
use dam_oci::testing::{ArchiveForm, ImageBuilder, MemoryImage, archive};
use dam_oci::{Digest, Image, media_type};
use tempfile::TempDir;

/// A machine with a store, a cache and a folder to save into.
struct Machine {
    root: TempDir,
    store: Box<dyn Store>,
    cancel: Cancel,
}

impl Machine {
    fn new() -> Self {
        Self::with(|_| Box::new(MemoryStore::new()))
    }

    fn with(store: impl Fn(&Path) -> Box<dyn Store>) -> Self {
        let root = tempfile::tempdir().expect("a temp folder");
        fs::create_dir(root.path().join("out")).expect("a folder");
        Self { store: store(root.path()), root, cancel: Cancel::default() }
    }

    /// Puts an app into the store.
    fn holding(self, name: &str) -> Self {
        self.store.load(&app(), &[name.parse().expect("a reference")], &Silent).expect("a sound image");
        self
    }

    fn out(&self) -> PathBuf {
        self.root.path().join("out")
    }

    fn save(&self, target: &str) -> Result<Saved> {
        self.save_to(target, None)
    }

    fn save_to(&self, target: &str, output: Option<&Path>) -> Result<Saved> {
        let cache = Cache::new(self.root.path().join("cache"), 1 << 30);
        let scratch = Scratch::new(self.root.path()).expect("a folder");
        let tools = Tools { store: Some(&*self.store), cache: &cache, scratch: &scratch, cancel: &self.cancel };
        let target = target.parse().expect("a target");
        let request = SaveRequest {
            target,
            installed: None,
            found: None,
            output: output.map(Path::to_owned),
            folder: self.out(),
        };
        save(tools, &request, &Silent)
    }

    fn files(&self) -> Vec<String> {
        let files = fs::read_dir(self.out()).expect("a folder");
        files.map(|file| file.expect("a file").file_name().into_string().expect("text")).collect()
    }
}

fn app() -> MemoryImage {
    ImageBuilder::app().file("meta/DESCRIPTION", 0o644, "A shop.\n").layer().file("a", 0o644, vec![7; 90_000]).build()
}

fn layers_of(path: &Path) -> Vec<String> {
    let apps = Bundle::open(path, &Silent).and_then(Bundle::verify).expect("a sound bundle").into_apps();
    let [app] = &apps[..] else { panic!("{} apps", apps.len()) };
    MemoryImage::copy(&*app.image).expect("sound blobs");
    app.image.manifest().layers.iter().map(|layer| layer.media_type.clone()).collect()
}

#[test]
fn a_saved_file_carries_its_checksum_and_compressed_layers() {
    let machine = Machine::new().holding("shop:1.0");
    let saved = machine.save("shop:1.0").expect("saved");
    let bytes = fs::read(&saved.path).expect("the file");
    let name = file_name::file_name(&saved.app, crc32fast::hash(&bytes));
    assert_eq!(saved.path, machine.out().join(&name));
    assert_eq!((saved.bytes, saved.sha256, saved.layers), (bytes.len() as u64, Digest::of(&bytes), 2));
    assert_eq!(machine.files(), [name]);
    assert_eq!(layers_of(&saved.path), [media_type::LAYER_ZSTD, media_type::LAYER_ZSTD]);
    let bundle = Bundle::open(&saved.path, &Silent).and_then(Bundle::verify).expect("a sound bundle");
    let head = &bundle.head().expect("a head").apps[0];
    assert_eq!((head.description.as_deref(), head.hooks.len()), (Some("A shop."), 2));
    assert!(head.layers.iter().all(|layer| layer.unpacked_size.is_some()));
}

#[test]
fn saving_again_gives_the_same_bytes_from_any_store() {
    let machine = Machine::new().holding("shop:1.0");
    let saved = machine.save("shop:1.0").expect("saved");
    assert_eq!(machine.save("shop:1.0").expect("saved again"), saved);
    let layout = |root: &Path| Box::new(LayoutStore::open(&root.join("store")).expect("a store")) as Box<dyn Store>;
    let other = Machine::with(layout).holding("shop:1.0");
    let elsewhere = other.save("shop").expect("saved");
    assert_eq!((elsewhere.sha256, elsewhere.path.file_name()), (saved.sha256, saved.path.file_name()));
}

#[test]
fn the_output_may_be_a_file_or_a_folder() {
    let machine = Machine::new().holding("shop:1.0");
    let file = machine.out().join("mine.dam");
    fs::write(&file, "what was there").expect("written");
    assert_eq!(machine.save_to("shop:1.0", Some(&file)).expect("saved").path, file);
    assert_eq!(layers_of(&file).len(), 2);
    let folder = machine.out().join("folder");
    fs::create_dir(&folder).expect("a folder");
    let saved = machine.save_to("shop:1.0", Some(&folder)).expect("saved");
    assert_eq!(saved.path.parent(), Some(&*folder));
}

#[test]
fn only_files_are_replaced() {
    let machine = Machine::new().holding("shop:1.0");
    let socket = machine.out().join("socket.dam");
    let _listener = UnixListener::bind(&socket).expect("a socket");
    let error = machine.save_to("shop:1.0", Some(&socket)).expect_err("no file");
    assert!(matches!(error, Error::Bundle(BundleError::Irregular { path }) if path == socket));
    assert_eq!(machine.files(), ["socket.dam"]);
}

#[test]
fn what_is_no_app_is_not_saved() {
    let machine = Machine::new();
    assert!(matches!(machine.save("shop:1.0"), Err(Error::NoTag(name)) if name.to_string() == "shop:1.0"));
    let image = ImageBuilder::new().file("a", 0o644, "a").build();
    machine.store.load(&image, &["plain:1".parse().expect("a name")], &Silent).expect("loaded");
    assert!(matches!(machine.save("plain:1"), Err(Error::NotAnApp { reason: NoApp::NoMeta, .. })));
    assert!(machine.files().is_empty());
}

#[test]
fn a_wish_to_stop_leaves_nothing() {
    let machine = Machine::new().holding("shop:1.0");
    let file = machine.out().join("mine.dam");
    fs::write(&file, "what was there").expect("written");
    machine.cancel.flag().store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(matches!(machine.save_to("shop:1.0", Some(&file)), Err(Error::Cancelled)));
    assert_eq!(machine.files(), ["mine.dam"]);
    assert_eq!(fs::read(&file).expect("the file"), b"what was there");
}

#[test]
fn a_damaged_cache_is_not_noticed() {
    let machine = Machine::new().holding("shop:1.0");
    let first = machine.save("shop:1.0").expect("saved");
    for file in fs::read_dir(machine.root.path().join("cache/layers")).expect("a folder") {
        let path = file.expect("a file").path();
        let mut bytes = fs::read(&path).expect("a file");
        bytes[20] ^= 1;
        fs::write(&path, bytes).expect("written");
    }
    fs::remove_file(&first.path).expect("removed");
    assert_eq!(machine.save("shop:1.0").expect("saved again"), first);
}

#[test]
fn a_damaged_store_is_noticed_and_nothing_is_written() {
    let layout = |root: &Path| Box::new(LayoutStore::open(&root.join("store")).expect("a store")) as Box<dyn Store>;
    let machine = Machine::with(layout).holding("shop:1.0");
    let layer = app().manifest().layers[1].digest;
    let path = machine.root.path().join("store/blobs/sha256").join(layer.hex());
    let mut bytes = fs::read(&path).expect("a blob");
    *bytes.last_mut().expect("not empty") ^= 1;
    fs::write(&path, bytes).expect("written");
    assert!(matches!(machine.save("shop:1.0"), Err(Error::Oci(dam_oci::Error::Blob(_)))));
    assert!(machine.files().is_empty());
}

#[test]
fn a_file_of_dam_1_is_written_anew() {
    let machine = Machine::new();
    let old = machine.root.path().join("old.dam");
    fs::write(&old, archive(ArchiveForm::Dam12, &[(&app(), &["shop:1.0"])])).expect("written");
    let saved = machine.save(&old.display().to_string()).expect("saved");
    assert_eq!(saved.sha256, Machine::new().holding("shop:1.0").save("shop:1.0").expect("saved").sha256);
}

#[test]
fn a_name_that_reads_as_a_wrong_checksum_is_refused_before_it_is_given() {
    let machine = Machine::new().holding("shop:1.0");
    let dated = machine.out().join("shop-1.0.20261121.dam");
    let error = machine.save_to("shop:1.0", Some(&dated)).expect_err("nobody could install it");
    assert!(matches!(error, Error::Bundle(BundleError::FalsePromise { promised: 0x2026_1121, .. })), "{error}");
    assert!(machine.files().is_empty());
    // The very name dam gives it is true, so it may be asked for.
    let own = machine.save("shop:1.0").expect("saved").path;
    assert_eq!(machine.save_to("shop:1.0", Some(&own)).expect("saved again").path, own);
}
