//! Images in a layout folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;

use dam_oci::layout::Freed;
use dam_oci::testing::{ImageBuilder, MemoryImage, gzip, zstd};
use dam_oci::{Descriptor, Digest, Error, Image, Layout, Manifest, Reference, media_type};
use tempfile::TempDir;

struct Shelf {
    _folder: TempDir,
    layout: Layout,
}

impl Shelf {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temp folder");
        let layout = Layout::open_or_create(&folder.path().join("store")).expect("a layout");
        Self { _folder: folder, layout }
    }

    fn put(&self, image: &MemoryImage) -> Descriptor {
        self.layout.put_image(image, &mut |_| {}).expect("a sound image")
    }

    fn tags(&self) -> Vec<String> {
        let tags = self.layout.tags().expect("an index");
        tags.iter().map(|(name, manifest)| format!("{name} {}", manifest.digest.short())).collect()
    }

    fn blob(&self, blob: &Descriptor) -> PathBuf {
        self.layout.root().join("blobs/sha256").join(blob.digest.hex())
    }

    fn blobs(&self) -> usize {
        fs::read_dir(self.layout.root().join("blobs/sha256")).expect("a folder").count()
    }

    fn unfinished(&self) -> usize {
        fs::read_dir(self.layout.root().join("ingest")).expect("a folder").count()
    }
}

fn name(text: &str) -> Reference {
    text.parse().expect("a good name")
}

fn shop(version: &str) -> MemoryImage {
    ImageBuilder::app().layer().file("bin/shop", 0o755, version).build()
}

#[test]
fn an_image_comes_back_as_it_went_in() {
    let shelf = Shelf::new();
    let image = shop("1");
    let mut passed = 0;
    let manifest = shelf.layout.put_image(&image, &mut |count| passed += count).expect("a sound image");
    let promised: u64 = image.manifest().layers.iter().chain([&image.manifest().config]).map(|blob| blob.size).sum();
    assert_eq!(passed, promised);
    assert_eq!(shelf.layout.size().expect("a folder"), promised + manifest.size);
    let stored = shelf.layout.image(manifest.digest).expect("kept");
    assert_eq!(stored.manifest_bytes(), image.manifest_bytes());
    assert_eq!(MemoryImage::copy(&stored).expect("sound").blobs_mut(), image.clone().blobs_mut());
    assert_eq!(shelf.layout.manifests().expect("an index"), [manifest]);
    assert_eq!(shelf.unfinished(), 0);
}

#[test]
fn a_shared_blob_is_stored_once() {
    let shelf = Shelf::new();
    shelf.put(&shop("1"));
    assert_eq!(shelf.blobs(), 4);
    shelf.put(&shop("2"));
    // The base is shared; config, layer and manifest are new.
    assert_eq!(shelf.blobs(), 7);
}

#[test]
fn names_move_and_go_but_the_image_stays() {
    let shelf = Shelf::new();
    let (one, two) = (shelf.put(&shop("1")), shelf.put(&shop("2")));
    let (first, second) = (one.digest.short(), two.digest.short());
    shelf.layout.tag(&name("shop:1"), one.digest).expect("kept");
    shelf.layout.tag(&name("plant:5000/shop:1"), one.digest).expect("kept");
    shelf.layout.tag(&name("shop:new"), two.digest).expect("kept");
    assert_eq!(
        shelf.tags(),
        [format!("shop:1 {first}"), format!("shop:new {second}"), format!("plant:5000/shop:1 {first}")]
    );
    shelf.layout.tag(&name("shop:1"), two.digest).expect("kept");
    assert_eq!(
        shelf.tags(),
        [format!("shop:new {second}"), format!("plant:5000/shop:1 {first}"), format!("shop:1 {second}")]
    );
    assert!(shelf.layout.untag(&name("plant:5000/shop:1")).expect("an index"));
    assert!(!shelf.layout.untag(&name("plant:5000/shop:1")).expect("an index"));
    assert_eq!(shelf.layout.manifests().expect("an index").len(), 2);
    assert_eq!(shelf.layout.collect_garbage().expect("sound"), Freed::default());
    assert!(shelf.layout.forget(one.digest).expect("an index"));
    assert_eq!(shelf.layout.collect_garbage().expect("sound").blobs, 3);
    MemoryImage::copy(&shelf.layout.image(two.digest).expect("kept")).expect("whole");
    assert!(matches!(shelf.layout.image(one.digest), Err(Error::MissingBlob { digest }) if digest == one.digest));
    assert!(matches!(shelf.layout.tag(&name("shop:1"), one.digest), Err(Error::MissingBlob { .. })));
}

#[test]
fn index_json_is_written_as_others_expect_it() {
    let shelf = Shelf::new();
    let image = shelf.put(&shop("1"));
    shelf.layout.tag(&name("shop:1"), image.digest).expect("kept");
    let text = fs::read_to_string(shelf.layout.root().join("index.json")).expect("written");
    let expected = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{{"mediaType":"{}","digest":"{}","size":{},"annotations":{{"io.containerd.image.name":"docker.io/library/shop:1","org.opencontainers.image.ref.name":"1"}}}}]}}"#,
        media_type::INDEX,
        media_type::MANIFEST,
        image.digest,
        image.size
    );
    assert_eq!(text, expected);
}

#[test]
fn a_damaged_blob_never_gets_its_name() {
    let shelf = Shelf::new();
    let mut image = shop("1");
    let layer = image.manifest().layers[1].digest;
    image.blobs_mut().get_mut(&layer).expect("there")[700] ^= 1;
    let error = shelf.layout.put_image(&image, &mut |_| {}).expect_err("a flipped bit");
    assert!(matches!(error, Error::Blob(_)), "{error}");
    assert!(!shelf.blob(&image.manifest().layers[1]).exists());
    assert_eq!(shelf.layout.manifests().expect("an index"), []);
    assert_eq!(shelf.unfinished(), 0);
    assert_eq!(shelf.layout.collect_garbage().expect("sound").blobs, 1);
    assert_eq!(shelf.blobs(), 0);
}

#[test]
fn a_stored_blob_that_lost_bytes_is_written_again() {
    let shelf = Shelf::new();
    let image = shop("1");
    let manifest = shelf.put(&image);
    fs::write(shelf.blob(&image.manifest().layers[0]), b"short").expect("space");
    shelf.put(&image);
    MemoryImage::copy(&shelf.layout.image(manifest.digest).expect("kept")).expect("mended");
}

#[test]
fn a_stored_blob_that_rotted_is_written_again() {
    let shelf = Shelf::new();
    let image = shop("1");
    let manifest = shelf.put(&image);
    let Manifest { config, layers, .. } = image.manifest();
    for blob in layers.iter().chain([config, &manifest]) {
        let mut bytes = fs::read(shelf.blob(blob)).expect("stored");
        bytes[0] ^= 1;
        fs::write(shelf.blob(blob), bytes).expect("space");
        assert!(shelf.layout.has_blob(blob) && !shelf.layout.has_sound_blob(blob));
    }
    // Another image mends what it shares.
    shelf.put(&shop("2"));
    assert!(shelf.layout.has_sound_blob(&layers[0]) && !shelf.layout.has_sound_blob(&layers[1]));
    shelf.put(&image);
    MemoryImage::copy(&shelf.layout.image(manifest.digest).expect("kept")).expect("mended");
    assert_eq!(shelf.unfinished(), 0);
}

/// Writes the layers of a shop as `pack` does; `lie` makes its config promise other content than the last layer has.
fn packed(pack: fn(&[u8]) -> Vec<u8>, lie: bool) -> MemoryImage {
    let mut plain = shop("1");
    let manifest = plain.manifest().clone();
    let blobs = plain.blobs_mut();
    let mut packed = std::collections::BTreeMap::new();
    let mut put = |media_type: &str, bytes: Vec<u8>| {
        let blob = Descriptor::of(media_type, &bytes);
        packed.insert(blob.digest, bytes);
        blob
    };
    let layers: Vec<_> =
        manifest.layers.iter().map(|layer| put(&layer.media_type, pack(&blobs[&layer.digest]))).collect();
    let mut config = String::from_utf8(blobs[&manifest.config.digest].clone()).expect("text");
    if lie {
        let (truth, lie) = (manifest.layers[1].digest.to_string(), Digest::of(b"a lie").to_string());
        config = config.replace(&truth, &lie);
    }
    let config = put(media_type::CONFIG, config.into_bytes());
    MemoryImage::new(Manifest::new(config, layers), packed)
}

#[test]
fn a_layer_is_kept_only_if_the_config_tells_its_content() {
    for pack in [<[u8]>::to_vec, gzip, zstd] {
        let shelf = Shelf::new();
        let refuse = || {
            let error = shelf.layout.put_image(&packed(pack, true), &mut |_| {}).expect_err("a config that lies");
            assert!(matches!(&error, Error::Damaged { what, .. } if what.starts_with("layer sha256:")), "{error}");
        };
        refuse();
        assert_eq!(shelf.layout.manifests().expect("an index"), []);
        assert_eq!(shelf.unfinished(), 0);
        let sound = shelf.put(&packed(pack, false));
        // Nor if the layer itself is here.
        refuse();
        assert_eq!(shelf.layout.manifests().expect("an index"), [sound]);
    }
}

#[test]
fn a_layer_that_is_damaged_is_called_so_even_if_it_cannot_be_unpacked() {
    for pack in [gzip, zstd] {
        let mut image = packed(pack, false);
        let layer = image.manifest().layers[1].digest;
        let bytes = image.blobs_mut().get_mut(&layer).expect("there");
        bytes[10..].fill(0xff);
        let error = Shelf::new().layout.put_image(&image, &mut |_| {}).expect_err("a damaged layer");
        assert!(matches!(error, Error::Blob(_)), "{error}");
    }
}

#[test]
fn a_blob_of_unknown_digest_is_streamed() {
    let shelf = Shelf::new();
    let blob = shelf
        .layout
        .put_blob("text/plain", &mut |out| out.write_all(b"hello").map_err(Error::stream("hello")))
        .expect("space");
    assert_eq!(blob, Descriptor::of("text/plain", b"hello"));
    assert_eq!(fs::read(shelf.blob(&blob)).expect("stored"), b"hello");
    let failed = shelf.layout.put_blob("text/plain", &mut |_| Err(Error::damaged("it", "no")));
    assert_eq!(failed.expect_err("passed on").to_string(), "it is damaged: no");
    assert_eq!(shelf.unfinished(), 0);
}

#[test]
fn blobs_put_one_by_one_make_an_image() {
    let shelf = Shelf::new();
    let mut image = shop("1");
    let put = |media_type: &str, bytes: &[u8]| {
        let mut write = |out: &mut dyn std::io::Write| out.write_all(bytes).map_err(Error::stream("blob"));
        shelf.layout.put_blob(media_type, &mut write).expect("space")
    };
    assert!(matches!(shelf.layout.keep(image.manifest_bytes()), Err(Error::MissingBlob { .. })));
    assert_eq!(shelf.layout.manifests().expect("an index"), []);
    image.blobs_mut().values().for_each(|bytes| drop(put(media_type::LAYER, bytes)));
    let manifest = shelf.layout.keep(image.manifest_bytes()).expect("whole");
    assert_eq!(shelf.layout.keep(image.manifest_bytes()).expect("kept already"), manifest);
    assert_eq!(shelf.layout.manifests().expect("an index"), std::slice::from_ref(&manifest));
    assert_eq!(shelf.layout.collect_garbage().expect("sound"), Freed::default());
    MemoryImage::copy(&shelf.layout.image(manifest.digest).expect("kept")).expect("whole");
}

#[test]
fn garbage_is_not_collected_while_it_is_held_off() {
    let shelf = Shelf::new();
    let hold = shelf.layout.hold().expect("a lock");
    let blob = shelf.layout.put_blob("text/plain", &mut |out| out.write_all(b"x").map_err(Error::stream("x")));
    let blob = blob.expect("space");
    let collector = thread::spawn({
        let layout = shelf.layout.clone();
        move || layout.collect_garbage().expect("sound")
    });
    // Nothing tells when the other thread waits at the lock; whenever it gets there, the blob is still in use.
    thread::yield_now();
    assert!(shelf.layout.has_blob(&blob));
    drop(hold);
    assert_eq!(collector.join().expect("no panic"), Freed { blobs: 1, bytes: 1 });
}

#[test]
fn garbage_is_left_alone_where_a_manifest_is_unreadable() {
    let shelf = Shelf::new();
    let manifest = shelf.put(&shop("1"));
    fs::write(shelf.blob(&manifest), b"{}").expect("space");
    assert!(matches!(shelf.layout.collect_garbage(), Err(Error::Blob(_))));
    fs::remove_file(shelf.blob(&manifest)).expect("there");
    assert!(matches!(shelf.layout.collect_garbage(), Err(Error::MissingBlob { .. })));
    assert_eq!(shelf.blobs(), 3);
}

#[test]
fn what_a_killed_process_left_goes() {
    let shelf = Shelf::new();
    fs::write(shelf.layout.root().join("ingest/.tmpAbC"), b"12345").expect("space");
    assert_eq!(shelf.layout.collect_garbage().expect("sound"), Freed { blobs: 0, bytes: 5 });
    assert_eq!(shelf.unfinished(), 0);
}

#[test]
fn two_at_once_lose_no_name() {
    let shelf = Shelf::new();
    let image = shelf.put(&shop("1"));
    thread::scope(|scope| {
        for writer in 0..4 {
            let layout = Layout::open(shelf.layout.root()).expect("a layout");
            scope.spawn(move || {
                for version in 0..10 {
                    layout.tag(&name(&format!("shop{writer}:{version}")), image.digest).expect("kept");
                }
            });
        }
    });
    assert_eq!(shelf.tags().len(), 40);
}

#[test]
fn nobody_else_may_look_in() {
    let shelf = Shelf::new();
    let manifest = shelf.put(&shop("1"));
    shelf.layout.tag(&name("shop:1"), manifest.digest).expect("kept");
    let root = shelf.layout.root();
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    for folder in [root, &root.join("blobs"), &root.join("blobs/sha256"), &root.join("ingest")] {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
    for file in ["oci-layout", "index.json", "lock", "blobs.lock"] {
        assert_eq!(mode(&root.join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&shelf.blob(&manifest)), 0o600);
}

#[test]
fn a_folder_that_is_no_layout_is_refused() {
    let folder = tempfile::tempdir().expect("a temp folder");
    assert!(matches!(Layout::open(folder.path()), Err(Error::Access { .. })));
    fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).expect("space");
    assert!(matches!(Layout::open(folder.path()), Err(Error::Unsupported { .. })));
}
