//! The cache: what it keeps, what it refuses, and that nothing of it can be missed.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use dam_core::cache::{Cache, CachedLayer, META_LIMIT, Packed, Packing};
use dam_core::event::Silent;
use dam_oci::testing::{ImageBuilder, MemoryImage};
use dam_oci::{BlobFault, Descriptor, Digest, Image, LayerNotes, Manifest, blob, config, media_type};
use tempfile::TempDir;

const PLENTY: u64 = 1 << 30;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temp folder")
}

fn open(folder: &TempDir, limit: u64) -> Cache {
    Cache::new(folder.path().join("cache"), limit)
}

fn put(cache: &Cache, raw: &[u8]) -> CachedLayer {
    cache.put_layer(&mut &raw[..], Some(Digest::of(raw))).expect("a good layer")
}

fn content(layer: &CachedLayer) -> Vec<u8> {
    let mut bytes = Vec::new();
    layer.open().read_to_end(&mut bytes).expect("sound");
    bytes
}

fn layer_path(folder: &TempDir, raw: &[u8]) -> PathBuf {
    folder.path().join("cache/layers").join(Digest::of(raw).hex())
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).expect("a folder").count()
}

fn age(path: &Path, seconds: u64) {
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    File::open(path).expect("a file").set_modified(then).expect("a time");
}

#[test]
fn gives_back_what_was_put() {
    let folder = folder();
    let cache = open(&folder, PLENTY);
    let raw = b"layer ".repeat(1000);
    let put = put(&cache, &raw);
    let found = cache.layer(Digest::of(&raw)).expect("readable").expect("there");
    assert_eq!((&found.descriptor, found.diff_id, found.unpacked), (&put.descriptor, Digest::of(&raw), 6000));
    let plain = Descriptor::of(media_type::LAYER_ZSTD, &content(&found));
    // This is no tar, so only its length is noted.
    let notes = LayerNotes::new(Some(6000), None);
    assert_eq!(found.descriptor, Descriptor { annotations: notes.annotations(), ..plain });
    assert_eq!(zstd::decode_all(&content(&found)[..]).expect("zstd"), raw);
    assert_eq!(zstd::decode_all(File::open(layer_path(&folder, &raw)).expect("a file")).expect("zstd too"), raw);
    assert!(cache.layer(Digest::of(b"other")).expect("readable").is_none());
}

#[test]
fn keeps_nothing_of_a_layer_that_is_another_one() {
    let folder = folder();
    let cache = open(&folder, PLENTY);
    let (digest, found) = (Digest::of(b"promised"), Digest::of(b"given"));
    let error = cache.put_layer(&mut &b"given"[..], Some(digest)).expect_err("another layer");
    let expected = BlobFault::Mismatch { digest, found };
    assert!(matches!(error, dam_core::Error::Oci(dam_oci::Error::Blob(fault)) if fault == expected));
    assert_eq!(files(&folder.path().join("cache/layers")), 0);
}

#[test]
fn a_damaged_file_is_only_a_miss() {
    let raw = b"some layer".repeat(100);
    let folder = folder();
    let cache = open(&folder, PLENTY);
    let path = layer_path(&folder, &raw);
    put(&cache, &raw);
    let sound = fs::read(&path).expect("a file");
    for at in 0..sound.len() {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, &damaged).expect("a file");
        // Either the lookup notices, or reading does; after that it is gone.
        if let Some(layer) = cache.layer(Digest::of(&raw)).expect("readable") {
            layer.open().read_to_end(&mut Vec::new()).expect_err("damaged");
        }
        assert!(cache.layer(Digest::of(&raw)).expect("readable").is_none(), "byte {at}");
    }
    for length in 0..sound.len() {
        fs::write(&path, &sound[..length]).expect("a file");
        assert!(cache.layer(Digest::of(&raw)).expect("readable").is_none(), "{length} bytes");
    }
}

#[test]
fn a_file_under_another_name_is_a_miss() {
    let folder = folder();
    let cache = open(&folder, PLENTY);
    put(&cache, b"one");
    fs::rename(layer_path(&folder, b"one"), layer_path(&folder, b"two")).expect("renamed");
    assert!(cache.layer(Digest::of(b"two")).expect("readable").is_none());
}

#[test]
fn an_open_layer_outlives_the_cache() {
    let folder = folder();
    let cache = open(&folder, PLENTY);
    let layer = put(&cache, b"layer");
    fs::remove_dir_all(folder.path().join("cache")).expect("deleted");
    assert_eq!(zstd::decode_all(&content(&layer)[..]).expect("zstd"), b"layer");
    put(&cache, b"layer");
    assert!(cache.layer(layer.diff_id).expect("readable").is_some());
}

#[test]
fn the_least_recently_used_goes_first() {
    let folder = folder();
    let cache = open(&folder, PLENTY);
    for (at, raw) in [b"one", b"two"].into_iter().enumerate() {
        put(&cache, raw);
        age(&layer_path(&folder, raw), 1_000 + at as u64);
    }
    // A hit makes the older one the newer one.
    cache.layer(Digest::of(b"one")).expect("readable").expect("there");
    let two_files = 2 * fs::metadata(layer_path(&folder, b"one")).expect("a file").len() + 10;
    put(&open(&folder, two_files), b"six");
    let held = [b"one", b"two", b"six"].map(|raw| cache.layer(Digest::of(raw)).expect("readable").is_some());
    assert_eq!(held, [true, false, true]);
}

#[test]
fn the_file_just_written_may_exceed_the_limit() {
    let folder = folder();
    let cache = open(&folder, 1);
    put(&cache, b"one");
    let two = put(&cache, b"two");
    assert_eq!(files(&folder.path().join("cache/layers")), 1);
    assert_eq!(zstd::decode_all(&content(&two)[..]).expect("zstd"), b"two");
}

#[test]
fn configs_are_checked_by_their_digest() {
    let folder = folder();
    let cache = open(&folder, PLENTY);
    let id = cache.put_config(b"{}");
    assert_eq!((id, cache.config(id)), (Digest::of(b"{}"), Some(b"{}".to_vec())));
    fs::write(folder.path().join("cache/configs").join(id.hex()), b"{ }").expect("a file");
    assert_eq!(cache.config(id), None);
    assert_eq!(files(&folder.path().join("cache/configs")), 0);
}

fn compressed(image: &MemoryImage, cache: &Cache) -> Packed {
    Packed::new(Box::new(image.clone()), Packing::default(), cache, &Silent).expect("a good image")
}

/// Reads every blob of an image, checking it.
fn validate(image: &dyn Image) -> MemoryImage {
    config(image).expect("a good config");
    MemoryImage::copy(image).expect("sound blobs")
}

#[test]
fn an_image_gets_compressed_layers_and_keeps_its_config() {
    let folder = folder();
    let cache = open(&folder, PLENTY);
    let image = ImageBuilder::app().layer().file("a", 0o644, "a").layer().build();
    let once = compressed(&image, &cache);
    assert_eq!(once.manifest().config, image.manifest().config);
    assert_eq!(once.manifest_bytes(), once.manifest().to_bytes());
    for (small, raw) in once.manifest().layers.iter().zip(&image.manifest().layers) {
        assert_eq!(small.media_type, media_type::LAYER_ZSTD);
        let unpacked = zstd::decode_all(blob(&once, small).expect("there")).expect("zstd");
        assert_eq!(Digest::of(&unpacked), raw.digest);
    }
    validate(&once);
    assert_eq!(compressed(&image, &cache).manifest_bytes(), once.manifest_bytes());
}

#[test]
fn an_image_without_raw_layers_stays_as_it_is() {
    let folder = folder();
    let cache = open(&folder, PLENTY);
    let raw = ImageBuilder::app().build();
    let small = validate(&compressed(&raw, &cache));
    let again = compressed(&small, &cache);
    assert_eq!(again.manifest_bytes(), small.manifest_bytes());
    validate(&again);
}

#[test]
fn a_cache_deleted_between_is_filled_again() {
    let folder = folder();
    let cache = open(&folder, PLENTY);
    let image = compressed(&ImageBuilder::app().layer().file("a", 0o644, "a").build(), &cache);
    fs::remove_dir_all(folder.path().join("cache")).expect("deleted");
    validate(&image);
}

#[test]
fn a_docker_manifest_becomes_an_oci_manifest() {
    let folder = folder();
    let cache = open(&folder, PLENTY);
    let mut image = ImageBuilder::app().build();
    let mut manifest = Manifest { media_type: Some(media_type::DOCKER_MANIFEST.into()), ..image.manifest().clone() };
    manifest.config.media_type = media_type::DOCKER_CONFIG.into();
    manifest.layers[0].media_type = media_type::DOCKER_LAYER.into();
    image = MemoryImage::new(manifest, std::mem::take(image.blobs_mut()));
    let small = compressed(&image, &cache);
    assert_eq!(small.manifest().media_type(), media_type::MANIFEST);
    assert_eq!(small.manifest().config.media_type, media_type::CONFIG);
    assert_eq!(small.manifest().config.digest, image.manifest().config.digest);
}

#[test]
fn a_damaged_layer_is_refused_before_it_is_kept() {
    let folder = folder();
    let cache = open(&folder, PLENTY);
    let mut image = ImageBuilder::app().build();
    let digest = image.manifest().layers[0].digest;
    image.blobs_mut().get_mut(&digest).expect("there")[700] ^= 1;
    assert!(Packed::new(Box::new(image), Packing::default(), &cache, &Silent).is_err());
    assert!(cache.layer(digest).expect("readable").is_none());
}

#[test]
fn a_layer_whose_diff_id_is_another_is_refused() {
    let folder = folder();
    let cache = open(&folder, PLENTY);
    let mut image = ImageBuilder::app().build();
    let other = Descriptor::of(media_type::LAYER, b"other");
    image.blobs_mut().insert(other.digest, b"other".to_vec());
    let manifest = Manifest::new(image.manifest().config.clone(), vec![other]);
    let image = MemoryImage::new(manifest, std::mem::take(image.blobs_mut()));
    assert!(Packed::new(Box::new(image), Packing::default(), &cache, &Silent).is_err());
}

#[test]
fn a_meta_is_kept_whole_or_not_at_all() {
    let folder = folder();
    let cache = open(&folder, PLENTY);
    let image = Digest::of(b"image");
    assert_eq!(cache.meta(image), None);
    cache.put_meta(image, b"a tar");
    assert_eq!(cache.meta(image).as_deref(), Some(&b"a tar"[..]));

    let path = folder.path().join("cache/metas").join(image.hex());
    let mut bytes = fs::read(&path).expect("kept");
    *bytes.last_mut().expect("not empty") ^= 1;
    fs::write(&path, bytes).expect("a file");
    assert_eq!(cache.meta(image), None);
    assert!(!path.exists());

    cache.put_meta(image, &vec![0; META_LIMIT + 1]);
    assert_eq!(cache.meta(image), None);
}
