//! The corruption set: thousands of flipped bits and cuts, over every member of an archive, read as a file and from a pipe.
//! Each is refused, or the apps are the same; the store learns nothing of a refused one.
//!
//! Every case follows from [`SEED`] and its number alone, both of which a failure tells.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread;

use dam_core::Result;
use dam_core::app::{HookName, describe};
use dam_core::bundle::{Bundle, BundleApp, BundledApp, StreamedBundle, write};
use dam_core::event::Silent;
use dam_core::meta::KeptMeta;
use dam_core::store::{ImageId, LayoutStore, Store};
use dam_core::testing::MemoryStore;
use dam_oci::testing::{ArchiveForm, ImageBuilder, MemoryImage, archive, gzip, zstd};
use dam_oci::{Descriptor, Digest, Image, Limits, Manifest, Reference, config, media_type};

/// What all random choices follow from.
const SEED: u64 = 0x0da2_2026;

/// Every how many cases the built-in store is tried as well: it writes to the disk.
const LAYOUT_EVERY: u64 = 50;

/// How many threads share the cases: more than there are processors, for the disk is waited for as well.
const THREADS: u64 = 4;

/// Random numbers: SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
struct Random(u64);

impl Random {
    fn of_case(case: u64) -> Self {
        Self(SEED.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ case.wrapping_mul(0xd134_2543_de82_ef95))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// A part of an archive: `at..at + size`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    what: String,
    at: usize,
    size: usize,
    /// How often it is hit, beside others.
    weight: usize,
}

/// Lists headers, contents and paddings of the members of a tar, and what follows the last. Headers and documents, which
/// are short, are hit as often as long layers.
fn parts(tar: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut end = 0;
    for entry in tar::Archive::new(tar).entries().expect("a tar") {
        let entry = entry.expect("a sound entry");
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let (header, content) = (entry.raw_header_position() as usize, entry.raw_file_position() as usize);
        let size = entry.size() as usize;
        end = content + size.next_multiple_of(512);
        let is_layer = size > 2000 && name.starts_with("blobs/");
        let mut part = |what, at, size, weight| {
            if size > 0 {
                parts.push(Part { what: format!("{what} of `{name}`"), at, size, weight });
            }
        };
        part("header", header, 512, 3);
        part("content", content, size, if is_layer { 3 } else { 6 });
        part("padding", content + size, end - content - size, 1);
    }
    parts.push(Part { what: "end".to_owned(), at: end, size: tar.len() - end, weight: 1 });
    parts
}

/// A case: what is done to the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Damage {
    /// A bit of a byte is turned.
    Flip { at: usize, bit: u8, part: String },
    /// As `Flip`, in a header whose checksum is mended afterwards: no accident, but then readers get further.
    Mended { at: usize, bit: u8, part: String },
    /// The archive ends here.
    Cut { at: usize },
}

impl Damage {
    fn of_case(case: u64, parts: &[Part], length: usize) -> Self {
        let mut random = Random::of_case(case);
        if random.below(10) == 0 {
            // Half of the cuts are close to where something begins or ends.
            let at = match random.below(2) {
                0 => random.below(length),
                _ => (parts[random.below(parts.len())].at + random.below(5)).saturating_sub(2),
            };
            return Self::Cut { at: at.min(length - 1) };
        }
        let mut chosen = random.below(parts.iter().map(|part| part.weight).sum());
        let part = parts.iter().find(|part| match chosen.checked_sub(part.weight) {
            Some(rest) => {
                chosen = rest;
                false
            }
            None => true,
        });
        let Part { what, at, size, .. } = part.expect("below the sum of all");
        let (at, bit, part) = (at + random.below(*size), random.below(8) as u8, what.clone());
        match part.starts_with("header") && random.below(4) == 0 {
            true => Self::Mended { at, bit, part },
            false => Self::Flip { at, bit, part },
        }
    }

    fn done_to(&self, sound: &[u8]) -> Vec<u8> {
        let mut bytes = sound.to_vec();
        match *self {
            Self::Cut { at } => bytes.truncate(at),
            Self::Flip { at, bit, .. } => bytes[at] ^= 1 << bit,
            Self::Mended { at, bit, .. } => {
                bytes[at] ^= 1 << bit;
                let block = &mut bytes[at / 512 * 512..at / 512 * 512 + 512];
                let mut header = tar::Header::from_byte_slice(block).clone();
                header.set_cksum();
                block.copy_from_slice(header.as_bytes());
            }
        }
        bytes
    }

    /// Tells whether it may have changed what apps are called without anybody being able to see it.
    fn may_rename(&self) -> bool {
        matches!(self, Self::Flip { part, .. } if part == "content of `manifest.json`")
    }
}

/// What an app is: its config, which names all layers by content, and its `/meta`.
type Content = (Digest, Vec<u8>);

/// What an import takes from an archive.
type Apps = Vec<(Reference, Content)>;

/// Reads what an import plans with, as it does.
fn contents(apps: &[BundledApp]) -> Result<Apps> {
    let one = |app: &BundledApp| {
        let mut meta = Vec::new();
        dam_oci::subtree(&*app.image, "meta", Limits::default(), &std::env::temp_dir(), &mut meta)?;
        Ok((app.reference.clone(), (app.image.manifest().config.digest, meta)))
    };
    apps.iter().map(one).collect()
}

/// Images and tags of a store.
type Snapshot = Vec<(ImageId, Vec<Reference>)>;

fn snapshot(store: &dyn Store) -> Snapshot {
    store.list().expect("a sound store").into_iter().map(|image| (image.id, image.tags)).collect()
}

/// Fills a store with an older image, which has a name that the archives have as well.
fn fill(store: &dyn Store) {
    let older = ImageBuilder::app().file("older", 0o644, "older").build();
    store.load(&older, &[reference("shop:1.0"), reference("old:1.0")], &Silent).expect("a sound image");
}

/// Loads each app under its name. What is refused changes nothing, whatever was loaded before it; the store is as at the
/// beginning afterwards.
fn load(store: &dyn Store, apps: &[BundledApp]) -> Result<()> {
    let begin = snapshot(store);
    let mut now = begin.clone();
    let loaded = apps.iter().try_for_each(|app| {
        let loaded = store.load(&*app.image, std::slice::from_ref(&app.reference), &Silent);
        let before = std::mem::replace(&mut now, snapshot(store));
        match &loaded {
            Ok(id) => assert!(now.iter().any(|(it, tags)| it == id && tags.contains(&app.reference))),
            Err(_) => assert_eq!(now, before),
        }
        loaded.map(drop)
    });
    for (id, _) in now {
        if !begin.iter().any(|(known, _)| *known == id) {
            store.remove(id).expect("not in use");
        }
    }
    for (id, tags) in &begin {
        tags.iter().for_each(|tag| store.tag(*id, tag).expect("still there"));
    }
    assert_eq!(snapshot(store), begin);
    loaded
}

/// Where the cases of one thread take place.
struct Bench {
    folder: tempfile::TempDir,
    memory: MemoryStore,
    layout: LayoutStore,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temp folder");
        let layout = LayoutStore::open(&folder.path().join("store")).expect("a new store");
        let memory = MemoryStore::new();
        fill(&memory);
        fill(&layout);
        Self { folder, memory, layout }
    }

    /// Tries one case and returns whether it was refused.
    fn refuses(&self, case: u64, damage: &Damage, sound: &[u8], expected: &Apps) -> bool {
        let damaged = damage.done_to(sound);
        let path = self.folder.path().join("site.dam");
        fs::write(&path, &damaged).expect("space");
        let is_streamed = self.takes_stream(damaged, expected);
        let is_refused = self.refuses_file(case, damage, expected, &path);
        assert!(!is_streamed || !is_refused, "refused as a file, taken from a pipe");
        is_refused
    }

    /// Tells whether an archive is taken from a pipe, to its end.
    fn takes_stream(&self, damaged: Vec<u8>, expected: &Apps) -> bool {
        let Ok(bundle) = StreamedBundle::open("a pipe", Box::new(Cursor::new(damaged))) else { return false };
        let (verified, rest) = bundle.into_parts();
        rest.hash_skipped();
        if load(&self.memory, verified.apps()).is_err() || rest.finish().is_err() {
            return false;
        }
        let names = verified.apps().iter().map(|app| (&app.reference, app.image.manifest().config.digest));
        assert!(
            names.eq(expected.iter().map(|(reference, (config, _))| (reference, *config))),
            "other apps from a pipe"
        );
        true
    }

    fn refuses_file(&self, case: u64, damage: &Damage, expected: &Apps, path: &Path) -> bool {
        let is_both = case.is_multiple_of(LAYOUT_EVERY);
        let stores: [(&dyn Store, bool); 2] = [(&self.memory, true), (&self.layout, is_both)];
        let stores = stores.iter().filter(|(_, is_tried)| *is_tried).map(|(store, _)| *store);
        match Bundle::open(path, &Silent).and_then(Bundle::verify) {
            Err(error) => {
                assert!(!error.to_string().contains('\n'), "{error}");
                true
            }
            Ok(verified) => {
                let planned = contents(verified.apps());
                let loaded: Vec<bool> = stores.map(|store| load(store, verified.apps()).is_ok()).collect();
                assert!(loaded.iter().all(|it| *it == loaded[0]), "two stores differ");
                if !loaded[0] {
                    return true;
                }
                // What the stores took is what was sent, or cannot be told from it by anybody.
                let planned = planned.expect("all layers were read again, and sound");
                let contents = |apps: &Apps| apps.iter().map(|(_, content)| content.clone()).collect::<Vec<_>>();
                assert_eq!(contents(&planned), contents(expected), "other content");
                assert!(damage.may_rename() || planned == *expected, "other names");
                false
            }
        }
    }
}

/// Tries `cases` and returns how many were refused.
fn refused(sound: &[u8], parts: &[Part], cases: u64) -> u64 {
    let bench = Bench::new();
    let path = bench.folder.path().join("sound.dam");
    fs::write(&path, sound).expect("space");
    let verified = Bundle::open(&path, &Silent).and_then(Bundle::verify).expect("sound");
    let expected = contents(verified.apps()).expect("sound");
    assert!(!expected.is_empty() && expected.iter().all(|(_, (_, meta))| !meta.is_empty()));
    let expected = &expected;
    let work = |thread: u64| {
        let bench = Bench::new();
        let mut refused = 0;
        for case in (thread..cases).step_by(THREADS as usize) {
            let damage = Damage::of_case(case, parts, sound.len());
            let tried = catch_unwind(AssertUnwindSafe(|| bench.refuses(case, &damage, sound, expected)));
            refused += u64::from(tried.unwrap_or_else(|_| panic!("seed {SEED:#x}, case {case}: {damage:?}")));
        }
        refused
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || work(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("told above")).sum()
    })
}

fn reference(text: &str) -> Reference {
    text.parse().expect("a reference")
}

/// Bytes that no compression makes shorter.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random(seed);
    (0..length).map(|_| random.next() as u8).collect()
}

/// Builds three apps on one base.
fn images() -> [MemoryImage; 3] {
    let base =
        || ImageBuilder::app().file("lib/base", 0o644, noise(1, 3000)).file("meta/DESCRIPTION", 0o644, "A shop.\n");
    let app = |name: &str| base().layer().file(&format!("bin/{name}"), 0o755, noise(name.len() as u64, 2500));
    let shop = app("shop").label("DAM_APP_SERVERS", "plant:5000,").build();
    let cart = app("carts").layer().file("meta/health", 0o755, "#!/bin/sh\n").build();
    let tools = app("backup").label("DAM_APP_MULTIVERSION", "true").label("DAM_APP_FAMILY", "tools").build();
    [shop, cart, tools]
}

/// Compresses all layers but the base.
fn squeezed(mut image: MemoryImage, media_type: &str, squeeze: fn(&[u8]) -> Vec<u8>) -> MemoryImage {
    let Manifest { config, layers, .. } = image.manifest().clone();
    let mut blobs = image.blobs_mut().clone();
    let squeeze = |(at, layer): (usize, Descriptor)| match at {
        0 => layer,
        _ => {
            let bytes = squeeze(&blobs.remove(&layer.digest).expect("its own"));
            let layer = Descriptor::of(media_type, &bytes);
            blobs.insert(layer.digest, bytes);
            layer
        }
    };
    let layers = layers.into_iter().enumerate().map(squeeze).collect();
    MemoryImage::new(Manifest::new(config, layers), blobs)
}

/// Makes an app of an image, as `dam save` does.
fn bundled(name: &str, image: MemoryImage) -> BundleApp {
    let reference = reference(name);
    let hooks = vec![HookName::Install, HookName::Uninstall];
    let meta = KeptMeta { digest: Digest::of(b""), hooks, description: Some("A shop.\n".to_owned()) };
    let labels = config(&image).expect("a config").1.config.labels;
    BundleApp { app: describe(&reference, &labels, &meta).expect("an app"), meta: meta.digest, image: Box::new(image) }
}

#[test]
fn ten_thousand_damages_of_a_bundle() {
    let [shop, cart, tools] = images();
    let apps = [
        bundled("shop:1.0", shop),
        bundled("plant:5000/cart:2.1", squeezed(cart, media_type::LAYER_GZIP, gzip)),
        bundled("tools/backup:0.9", squeezed(tools, media_type::LAYER_ZSTD, zstd)),
    ];
    let mut bundle = Vec::new();
    write(&apps, &mut bundle, &Silent).expect("sound images");
    let parts = parts(&bundle);
    // Five documents, three manifests, three configs, the base, four further layers.
    assert_eq!(parts.iter().filter(|part| part.what.starts_with("header")).count(), 5 + 3 + 3 + 1 + 4);
    let mut hits: BTreeMap<String, u64> = parts.iter().map(|part| (part.what.clone(), 0)).collect();
    for case in 0..10_000 {
        if let Damage::Flip { part, .. } | Damage::Mended { part, .. } = Damage::of_case(case, &parts, bundle.len()) {
            *hits.get_mut(&part).expect("one of the parts") += 1;
        }
    }
    let fewest = hits.iter().min_by_key(|(_, hits)| **hits).expect("there are parts");
    assert!(*fewest.1 >= 20, "{fewest:?}");
    let refused = refused(&bundle, &parts, 10_000);
    // What is not refused has hit padding, or what neither names nor content depend on.
    assert!((7_500..9_500).contains(&refused), "{refused}");
}

#[test]
fn two_thousand_damages_of_an_archive_of_dam_1() {
    let [shop, ..] = images();
    for form in [ArchiveForm::Dam10, ArchiveForm::Dam12] {
        let bytes = archive(form, &[(&shop, &["shop:1.0"])]);
        let whole = Part { what: "all".to_owned(), at: 0, size: bytes.len(), weight: 4 };
        let ends =
            [(0, 10), (bytes.len() - 8, 8)].map(|(at, size)| Part { what: "end".to_owned(), at, size, weight: 1 });
        let parts: Vec<Part> = std::iter::once(whole).chain(ends).collect();
        let refused = refused(&bytes, &parts, 1000);
        // But for the time and the system in its header, all of gzip is checked.
        assert!(refused > 850, "{form:?}: {refused}");
    }
}

#[test]
fn two_thousand_damages_of_what_docker_saved() {
    let [shop, cart, tools] = images();
    let bytes = archive(
        ArchiveForm::Docker20,
        &[(&shop, &["shop:1.0"]), (&cart, &["plant:5000/cart:2.1"]), (&tools, &["tools/backup:0.9"])],
    );
    let refused = refused(&bytes, &parts(&bytes), 2000);
    assert!(refused > 900, "{refused}");
}
