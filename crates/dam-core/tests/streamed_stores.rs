//! Bundles in one pass into every store: no layer is asked for twice, though each has to end up in three images.

use std::collections::BTreeSet;
use std::io::{self, Cursor, Read};
use std::sync::{Mutex, PoisonError};

use dam_core::app::describe;
use dam_core::bundle::{BundleApp, BundledApp, StreamedBundle, write};
use dam_core::cache::{Cache, DEFAULT_LIMIT, Packed, Packing};
use dam_core::event::Silent;
use dam_core::meta::Keep;
use dam_core::store::docker::{DockerStore, Endpoint};
use dam_core::store::{ImageId, LayoutStore, Store};
use dam_core::testing::{MemoryStore, PrivateDocker, PrivatePodman};
use dam_oci::testing::{ImageBuilder, MemoryImage, gzip};
use dam_oci::{Descriptor, Digest, Image, Limits, Manifest, Reference, config, layers, subtree, visit_layers};
use tempfile::TempDir;

/// Three apps on one base of so many bytes; what they are made of differs from test to test, for a shared daemon's sake.
fn images(test: &str, base: usize) -> Vec<MemoryImage> {
    let noise: Vec<u8> = (0..base as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 31) as u8).collect();
    let app = |name: &str| {
        let base = ImageBuilder::app().file("test", 0o644, test).file("base", 0o644, &noise);
        let middle = base.layer().file("middle", 0o644, format!("of all in {test}"));
        middle.layer().file(name, 0o644, name).layer().file("last", 0o644, name).build()
    };
    ["one", "two", "three"].map(app).into()
}

fn name(test: &str, app: &str) -> Reference {
    format!("dam-pipe/{test}/{app}:1.0").parse().expect("a reference")
}

/// Writes a bundle, with layers in zstd or as they are.
fn bundle(test: &str, images: &[MemoryImage], is_packed: bool) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temp folder");
    let (keep, cache) = (Keep::open(folder.path()).expect("a folder"), Cache::new(folder.path(), DEFAULT_LIMIT));
    let app = |(image, app): (&MemoryImage, &str)| {
        let fill = |out: &mut dyn io::Write| Ok(subtree(image, "meta", Limits::default(), folder.path(), out)?);
        let meta = keep.keep(&mut { fill }).expect("a good /meta").expect("a /meta");
        let app = describe(&name(test, app), &Default::default(), &meta).expect("an app");
        let image: Box<dyn Image> = Box::new(image.clone());
        let packed = is_packed.then(|| cache.clone());
        let image = match packed {
            Some(cache) => Box::new(Packed::new(image, Packing::default(), &cache, &Silent).expect("a sound image")),
            None => image,
        };
        BundleApp { app, meta: meta.digest, image }
    };
    let apps: Vec<BundleApp> = images.iter().zip(["one", "two", "three"]).map(app).collect();
    let mut out = Vec::new();
    write(&apps, &mut out, &Silent).expect("sound images");
    out
}

/// An image that notes which layers were handed over, and minds a second time.
struct Once<'a> {
    image: &'a dyn Image,
    seen: &'a Mutex<BTreeSet<Digest>>,
}

impl Once<'_> {
    fn note(&self, blob: &Descriptor) {
        let is_config = blob.digest == self.image.manifest().config.digest;
        let is_new = self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(blob.digest);
        assert!(is_new || is_config, "{} is read twice", blob.digest);
    }
}

impl Image for Once<'_> {
    fn manifest_bytes(&self) -> &[u8] {
        self.image.manifest_bytes()
    }

    fn manifest(&self) -> &Manifest {
        self.image.manifest()
    }

    fn open_unverified(&self, blob: &Descriptor) -> dam_oci::Result<Box<dyn Read + Send + '_>> {
        let reader = self.image.open_unverified(blob)?;
        self.note(blob);
        Ok(reader)
    }

    fn unpacked_size(&self, layer: &Descriptor) -> Option<u64> {
        self.image.unpacked_size(layer)
    }

    fn visit_unverified(
        &self,
        wanted: &[Descriptor],
        visit: &mut dyn FnMut(&Descriptor, &mut dyn Read) -> dam_oci::Result<()>,
    ) -> dam_oci::Result<()> {
        self.image.visit_unverified(wanted, &mut |blob, reader| {
            self.note(blob);
            visit(blob, reader)
        })
    }
}

/// Loads the apps of a stream in their order, and reads the stream to its end.
fn load(store: &dyn Store, stream: Vec<u8>, wanted: impl Fn(&BundledApp) -> bool) -> Vec<ImageId> {
    let (bundle, rest) =
        StreamedBundle::open("standard input", Box::new(Cursor::new(stream))).expect("a sound bundle").into_parts();
    let seen = Mutex::default();
    let one = |app: &BundledApp| {
        let image = Once { image: &*app.image, seen: &seen };
        store.load(&image, std::slice::from_ref(&app.reference), &Silent).expect("loaded")
    };
    let loaded = bundle.apps().iter().filter(|app| wanted(app)).map(one).collect();
    rest.finish().expect("a whole stream");
    loaded
}

/// Loads three apps into a store, again and in other ways, and compares what is there then.
fn loads_in_one_pass(store: &dyn Store, test: &str) {
    for (base, is_packed) in BUNDLES {
        let images = images(test, base);
        let stream = bundle(test, &images, is_packed);
        let loaded = load(store, if is_packed { gzip(&stream) } else { stream.clone() }, |_| true);
        assert_eq!(loaded.len(), 3);
        let check = |(id, image): (&ImageId, &MemoryImage)| {
            let back = store.image(*id, &Silent).expect("an image");
            visit_layers(&*back, &layers(&*back).expect("sound"), &mut |_, _| Ok(())).expect("sound layers");
            assert_eq!(config(&*back).expect("sound").1, config(image).expect("sound").1);
        };
        loaded.iter().zip(&images).for_each(check);
        // All there: nothing is read but the head.
        assert_eq!(load(store, stream.clone(), |_| true), loaded);
        // The first one stays, and what it shares with the others has gone by when they ask.
        for id in &loaded[1..] {
            store.remove(*id).expect("removed");
        }
        assert_eq!(load(store, stream.clone(), |_| true), loaded);
        // Only the last one is wanted.
        for id in &loaded {
            store.remove(*id).expect("removed");
        }
        let last = load(store, stream, |app| app.reference == name(test, "three"));
        assert_eq!(last, loaded[2..]);
        check((&last[0], &images[2]));
        store.remove(last[0]).expect("removed");
    }
}

/// The length of the base and whether layers are compressed: some so small that an engine is not asked what it has, and
/// larger ones.
const BUNDLES: [(usize, bool); 3] = [(10_000, false), (10_000, true), (5 << 20, true)];

#[test]
fn into_memory() {
    loads_in_one_pass(&MemoryStore::new(), "memory");
}

#[test]
fn into_the_layout_store() {
    let folder = tempfile::tempdir().expect("a temp folder");
    let store = LayoutStore::open(&folder.path().join("store")).expect("a store");
    loads_in_one_pass(&store, "layout");
}

/// Connects to an engine that a test started.
fn engine(endpoint: Endpoint, cache: &TempDir) -> DockerStore {
    let cache = Cache::new(cache.path(), DEFAULT_LIMIT);
    DockerStore::connect(endpoint, cache).expect("a connection")
}

#[test]
fn into_docker() {
    let daemon = PrivateDocker::shared().expect("a Docker daemon");
    let cache = tempfile::tempdir().expect("a temp folder");
    // The large image goes in several loads, each of which goes on where the one before it left the stream.
    loads_in_one_pass(&engine(daemon.endpoint(), &cache).with_part_size(1 << 20), "docker");
}

#[test]
fn into_podman() {
    let service = PrivatePodman::start().expect("a Podman service");
    let cache = tempfile::tempdir().expect("a temp folder");
    loads_in_one_pass(&engine(service.endpoint(), &cache), "podman");
}
