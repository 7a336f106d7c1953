//! `dam export`, over stores of both kinds.

use std::fs;
use std::path::{Path, PathBuf};

use dam_core::Result;
use dam_core::bundle::{Bundle, VerifiedBundle};
use dam_core::cache::{Cache, Packing};
use dam_core::event::Silent;
use dam_core::host::{Cancel, Scratch};
use dam_core::ops::Candidate;
use dam_core::ops::export::{Chosen, ExportRequest, Exported, Output, export};
use dam_core::ops::save::Tools;
use dam_core::store::Store;
use dam_core::testing::MemoryStore;
use dam_oci::testing::{ImageBuilder, MemoryImage};
use dam_oci::{Digest, Image, Reference, media_type};
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
            Chosen { reference: reference(name), image: stored.id, installed: true }
        };
        let request = ExportRequest { apps: names.iter().map(chosen).collect(), packing };
        let (cache, scratch) = (self.cache(), Scratch::new(self.root.path()).expect("a folder"));
        let tools = Tools { store: &*self.store, cache: &cache, scratch: &scratch, cancel: &self.cancel };
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
    let mut state = seed * 0x9e37_79b9_7f4a_7c15 + 1;
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
