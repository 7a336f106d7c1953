//! `dam verify FILE`: every fault is listed, each with the thing that people know.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use dam_core::bundle::{self, BundleApp};
use dam_core::event::Silent;
use dam_core::host::Scratch;
use dam_core::meta::Keep;
use dam_core::ops::Candidate;
use dam_core::ops::verify_file::{FileFault, VerifiedFile, verify_file};
use dam_core::{Error, Result};
use dam_oci::testing::{ARCHIVE_FORMS, ArchiveForm, ImageBuilder, MemoryImage, archive, gzip, zstd};
use dam_oci::{Descriptor, Digest, Image, archive::ArchiveWriter, media_type};
use proptest::prelude::{ProptestConfig, any, proptest};
use serde_json::Value;

/// A folder with a file in it.
struct Test {
    folder: tempfile::TempDir,
}

impl Test {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn verify(&self, name: &str, bytes: &[u8]) -> Result<VerifiedFile> {
        fs::write(self.path(name), bytes).expect("a file");
        verify_file(&self.path(name), &Scratch::new(self.folder.path()).expect("a folder"), &Silent)
    }
}

fn verified(name: &str, bytes: &[u8]) -> VerifiedFile {
    Test::new().verify(name, bytes).expect("an archive")
}

fn faults(bytes: &[u8]) -> Vec<FileFault> {
    verified("site.dam", bytes).faults
}

fn shop() -> MemoryImage {
    ImageBuilder::new()
        .file("base", 0o644, "base\n".repeat(1000))
        .layer()
        .file("meta/install", 0o755, "#!/bin/sh\n")
        .file("meta/uninstall", 0o755, "#!/bin/sh\n")
        .file("meta/DESCRIPTION", 0o644, "A shop.\nMore.\n")
        .label("DAM_APP_FAMILY", "web")
        .build()
}

fn backup() -> MemoryImage {
    let image = ImageBuilder::new().file("base", 0o644, "base\n".repeat(1000)).layer();
    packed(&image.file("meta/install", 0o755, "x").file("meta/uninstall", 0o755, "y").build())
}

/// Packs the layers of an image.
fn packed(image: &MemoryImage) -> MemoryImage {
    let mut image = image.clone();
    let mut manifest = image.manifest().clone();
    for layer in &mut manifest.layers {
        let packed = zstd(&image.blobs_mut()[&layer.digest]);
        *layer = Descriptor::of(media_type::LAYER_ZSTD, &packed);
        image.blobs_mut().insert(layer.digest, packed);
    }
    MemoryImage::new(manifest, std::mem::take(image.blobs_mut()))
}

/// Writes a bundle of `shop:1.0`, with raw layers, and `plant:5000/backup:2.1`, with packed ones.
fn site() -> Vec<u8> {
    let test = Test::new();
    let keep = Keep::open(test.folder.path()).expect("a folder");
    let app = |(name, image): (&str, MemoryImage)| {
        fs::write(test.path("one.tar"), archive(ArchiveForm::Oci, &[(&image, &[name])])).expect("a file");
        let found = Candidate::from_file(&keep, test.folder.path(), &test.path("one.tar"), &Silent).expect("an app");
        BundleApp { app: found.release.app, meta: found.release.meta, image: Box::new(image) }
    };
    let apps: Vec<_> = [("shop:1.0", shop()), ("plant:5000/backup:2.1", backup())].into_iter().map(app).collect();
    let mut bytes = Vec::new();
    bundle::write(&apps, &mut bytes, &Silent).expect("sound images");
    bytes
}

fn members(bundle: &[u8]) -> Vec<(String, Vec<u8>)> {
    let member = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.expect("a sound entry");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("memory does not fail");
        (String::from_utf8_lossy(&entry.path_bytes()).into_owned(), bytes)
    };
    tar::Archive::new(bundle).entries().expect("a tar").map(member).collect()
}

fn written(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ArchiveWriter::new(Vec::new());
    members.iter().for_each(|(name, bytes)| archive.add_bytes(name, bytes).expect("memory does not fail"));
    archive.finish().expect("memory does not fail")
}

/// Writes the bundle with one member edited.
fn edited(name: &str, edit: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut members = members(&site());
    edit(&mut members.iter_mut().find(|(known, _)| known == name).expect("a member").1);
    written(&members)
}

/// Writes the bundle with `dam.json` edited.
fn with_head(edit: impl Fn(&mut Value)) -> Vec<u8> {
    edited("dam.json", |bytes| {
        let mut head = serde_json::from_slice(bytes).expect("JSON");
        edit(&mut head);
        *bytes = serde_json::to_vec(&head).expect("JSON");
    })
}

fn blob(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn app_fault(app: &str, reason: &str) -> FileFault {
    FileFault::App { app: app.to_owned(), reason: reason.to_owned() }
}

#[test]
fn a_sound_bundle_has_no_fault() {
    let bytes = site();
    let found = verified("site.dam", &bytes);
    let apps: Vec<_> = found.apps.iter().map(ToString::to_string).collect();
    assert_eq!(apps, ["shop:1.0", "plant:5000/backup:2.1"]);
    assert_eq!((found.bytes, found.blobs, found.faults), (bytes.len() as u64, 8, vec![]));
    assert_eq!(faults(&gzip(&bytes)), []);
    assert_eq!(faults(&zstd(&bytes)), []);
}

#[test]
fn every_other_form_is_read_too() {
    for form in ARCHIVE_FORMS {
        let bytes = archive(form, &[(&shop(), &["shop:1.0"]), (&backup(), &["backup:2.1"])]);
        let found = verified("site.tar", &bytes);
        assert_eq!((found.apps.len(), found.faults), (2, vec![]), "{form:?}");
    }
}

#[test]
fn all_damaged_blobs_are_told_not_only_the_first() {
    let (shop, backup) = (shop(), backup());
    let [raw, zipped] = [shop.manifest().layers[0].digest, backup.manifest().layers[1].digest];
    let config = backup.manifest().config.digest;
    let mut members = members(&site());
    let mut found = Vec::new();
    for digest in [raw, zipped, config] {
        let bytes = &mut members.iter_mut().find(|(name, _)| *name == blob(digest)).expect("a blob").1;
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        found.push(Digest::of(bytes));
    }
    let content = |what: &str, digest, found| FileFault::Content { what: what.to_owned(), digest, found };
    assert_eq!(
        faults(&written(&members)),
        [
            content("layer 1 of shop:1.0", raw, found[0]),
            content("the config of plant:5000/backup:2.1", config, found[2]),
            content("layer 2 of plant:5000/backup:2.1", zipped, found[1]),
        ]
    );
}

#[test]
fn a_file_that_ends_early_names_the_layer() {
    let bytes = site();
    let layer = backup().manifest().layers[1].clone();
    // Two blocks end the file, and the last layer is padded to whole blocks.
    let end = bytes.len() - 1024 - (layer.size.next_multiple_of(512) - layer.size) as usize;
    let what = "layer 2 of plant:5000/backup:2.1".to_owned();
    assert_eq!(faults(&bytes[..end - 10]), [FileFault::Short { what, digest: Some(layer.digest), missing: 10 }]);
    let header = bytes.len() - 1024 - layer.size.next_multiple_of(512) as usize - 512;
    let reason = format!("is damaged: it breaks off in the header at byte {header}");
    assert_eq!(faults(&bytes[..header + 100]), [FileFault::BrokenOff { archive: None, reason }]);
    let what = "layer 2 of plant:5000/backup:2.1".to_owned();
    assert_eq!(faults(&bytes[..header]), [FileFault::Missing { what, name: blob(layer.digest) }]);
}

#[test]
fn what_is_damaged_before_the_end_is_told_with_it() {
    let mut bytes = edited("app_list", |bytes| bytes[0] ^= 1);
    let end = bytes.len() - 1024 - 500;
    bytes.truncate(end);
    let found = faults(&bytes);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(matches!(&found[0], FileFault::Document { name, .. } if name == "app_list"), "{found:?}");
    assert!(matches!(&found[1], FileFault::Short { .. }), "{found:?}");
}

#[test]
fn a_member_of_another_length_is_told_in_bytes() {
    let layer = shop().manifest().layers[1].clone();
    let (what, digest, promised) = ("layer 2 of shop:1.0".to_owned(), layer.digest, layer.size);
    let bytes = edited(&blob(digest), |bytes| bytes.truncate(100));
    assert_eq!(faults(&bytes), [FileFault::Size { what, digest, promised, found: 100 }]);
}

#[test]
fn each_document_is_compared_with_the_head() {
    for name in ["oci-layout", "index.json", "manifest.json", "app_list"] {
        let implied =
            FileFault::Document { name: name.to_owned(), reason: "is not what `dam.json` implies".to_owned() };
        assert_eq!(faults(&edited(name, |bytes| bytes[3] ^= 1)), [implied], "{name}");
        let lost: Vec<_> = members(&site()).into_iter().filter(|(known, _)| known != name).collect();
        let missing = FileFault::Missing { what: "a document".to_owned(), name: name.to_owned() };
        assert_eq!(faults(&written(&lost))[0], missing, "{name}");
    }
    let spaced = edited("index.json", |bytes| {
        let index: Value = serde_json::from_slice(bytes).expect("JSON");
        *bytes = serde_json::to_vec_pretty(&index).expect("JSON");
    });
    assert_eq!(faults(&spaced), [], "spaces mean nothing");
}

#[test]
fn a_head_that_cannot_be_read_hides_no_damaged_blob() {
    let mut members = members(&site());
    let layer = shop().manifest().layers[0].digest;
    for (name, bytes) in &mut members {
        if *name == "dam.json" || *name == blob(layer) {
            bytes[0] ^= 1;
        }
    }
    let found = faults(&written(&members));
    assert!(matches!(&found[0], FileFault::Document { name, .. } if name == "dam.json"), "{found:?}");
    assert!(
        matches!(&found[1..], [FileFault::Content { what, digest, .. }] if *digest == layer && what == "layer 1 of shop:1.0"),
        "{found:?}"
    );
}

#[test]
fn what_is_missing_and_what_nobody_names() {
    let layer = shop().manifest().layers[0].digest;
    let mut members: Vec<_> = members(&site()).into_iter().filter(|(name, _)| *name != blob(layer)).collect();
    members.push((blob(Digest::of(b"stray")), b"stray".to_vec()));
    members.push(("notes.txt".to_owned(), b"hello".to_vec()));
    members.push(("dam.json.minisig".to_owned(), b"signature".to_vec()));
    assert_eq!(
        faults(&written(&members)),
        [
            FileFault::Missing { what: "layer 1 of shop:1.0".to_owned(), name: blob(layer) },
            FileFault::Unnamed { name: blob(Digest::of(b"stray")), bytes: 5 },
            FileFault::Unnamed { name: "notes.txt".to_owned(), bytes: 5 },
        ]
    );
}

#[test]
fn what_follows_the_end_is_told() {
    let mut bytes = site();
    bytes.extend_from_slice(&[0; 4096]);
    assert_eq!(faults(&bytes), [], "padding means nothing");
    bytes.extend_from_slice(b"more");
    assert_eq!(faults(&bytes), [FileFault::Trailing { bytes: 4100 }]);
}

#[test]
fn layers_are_unpacked_and_compared() {
    let layer = backup().manifest().layers[1].digest;
    let what = || "layer 2 of plant:5000/backup:2.1".to_owned();
    let bytes = with_head(|head| head["apps"][1]["layers"][1]["unpackedSize"] = 7.into());
    let found = faults(&bytes);
    assert!(
        matches!(&found[..], [FileFault::UnpackedSize { what: known, digest, promised: 7, .. }] if *known == what() && *digest == layer),
        "{found:?}"
    );
    let other = Digest::of(b"other");
    let found = faults(&with_head(|head| head["apps"][1]["layers"][1]["diffId"] = other.to_string().into()));
    assert!(
        matches!(&found[0], FileFault::DiffId { what: known, promised, .. } if *known == what() && *promised == other)
    );
    assert_eq!(found[1..], [app_fault("plant:5000/backup:2.1", "has other layers")]);
}

#[test]
fn the_claims_of_an_app_are_compared_with_its_image() {
    type Edit = fn(&mut Value);
    let claims: [(Edit, &str); 6] = [
        (|app| app["family"] = "x".into(), "has another family in its labels"),
        (|app| app["multiversion"] = true.into(), "has another multiversion in its labels"),
        (|app| app["servers"] = serde_json::json!(["x"]), "has other servers in its labels"),
        (|app| app["hooks"] = serde_json::json!(["install"]), "has other scripts in its layers"),
        (|app| app["description"] = "x".into(), "has another description in its layers"),
        (|app| app["meta"] = Digest::of(b"x").to_string().into(), "has another /meta in its layers"),
    ];
    for (edit, reason) in claims {
        assert_eq!(faults(&with_head(|head| edit(&mut head["apps"][0]))), [app_fault("shop:1.0", reason)]);
    }
    let all = with_head(|head| claims.iter().for_each(|(edit, _)| edit(&mut head["apps"][0])));
    assert_eq!(
        faults(&all).len(),
        3,
        "labels are told first; /meta of an app that is not what it says is not looked at"
    );
}

#[test]
fn an_image_that_is_no_app_is_told() {
    let plain = ImageBuilder::new().file("x", 0o644, "x").build();
    let bytes = archive(ArchiveForm::Docker20, &[(&plain, &["plain:1"])]);
    assert_eq!(faults(&bytes), [app_fault("plain:1", "is not an app: it has no /meta")]);
}

#[test]
fn the_checksum_in_the_name_counts() {
    let bytes = site();
    let crc = crc32(&bytes);
    assert_eq!(verified(&format!("site-1.{crc:08x}.dam"), &bytes).faults, []);
    assert_eq!(
        verified("site-1.00000000.dam", &bytes).faults,
        [FileFault::Checksum {
            name: "site-1.00000000.dam".to_owned(),
            promised: "00000000".to_owned(),
            found: format!("{crc:08x}")
        }]
    );
    let name = format!("site-1.{crc:08x}-7.dam");
    let found = bytes.len() as u64;
    assert_eq!(verified(&name, &bytes).faults, [FileFault::Length { name: name.clone(), promised: 7, found }]);
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(bytes);
    hasher.finalize()
}

#[test]
fn damage_in_archives_of_others_is_told_by_image() {
    for form in [ArchiveForm::Docker20, ArchiveForm::Docker25, ArchiveForm::Oci] {
        let bytes = archive(form, &[(&shop(), &["shop:1.0"])]);
        let mut members = members(&bytes);
        for (_, bytes) in members.iter_mut().filter(|(_, bytes)| bytes.windows(5).any(|part| part == b"base\n")) {
            let at = bytes.windows(5).position(|part| part == b"base\n").expect("just found");
            bytes[at] ^= 1;
        }
        let found = faults(&written(&members));
        let is_layer = |what: &str| what == "layer 1 of shop:1.0";
        match &found[..] {
            [FileFault::Content { what, .. } | FileFault::DiffId { what, .. }] if is_layer(what) => {}
            other => panic!("{form:?}: {other:?}"),
        }
    }
}

/// Writes a bundle as DAM 1.x does: a tar of `.dam` files and a list.
fn dam_1_bundle(edit: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut members = vec![("app_list".to_owned(), b"shop:1.0\nbackup:2.1\n".to_vec())];
    for (name, image) in [("shop-1.0", shop()), ("backup-2.1", backup())] {
        let tag = name.replace('-', ":");
        let mut bytes = archive(ArchiveForm::Dam12, &[(&image, &[&tag])]);
        let crc = crc32(&bytes);
        if name == "shop-1.0" {
            edit(&mut bytes);
        }
        members.push((format!("{name}.{crc:08x}.dam"), bytes));
    }
    written(&members)
}

#[test]
fn archives_in_a_bundle_of_dam_1_are_read_too() {
    let found = verified("site.tar", &dam_1_bundle(|_| {}));
    let apps: Vec<_> = found.apps.iter().map(ToString::to_string).collect();
    assert_eq!(apps, ["shop:1.0", "backup:2.1"]);
    let found = faults(&dam_1_bundle(|bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
    }));
    assert!(
        found.iter().any(|fault| matches!(fault, FileFault::Checksum { name, .. } if name.starts_with("shop-1.0.")))
    );
    assert!(found.iter().all(|fault| match fault {
        FileFault::BrokenOff { archive, .. } => archive.as_ref().is_some_and(|name| name.starts_with("shop-1.0.")),
        _ => true,
    }));
    assert!(found.iter().all(|fault| !format!("{fault:?}").contains("backup")), "{found:?}");
}

#[test]
fn what_is_no_archive_is_an_error() {
    let refused = |bytes: &[u8]| Test::new().verify("x.dam", bytes).expect_err("no archive");
    assert!(matches!(refused(b"PK\x03\x04 and so on"), Error::Oci(_)));
    assert!(matches!(refused(&[b'x'; 2000]), Error::Oci(_)));
    let newer = with_head(|head| head["formatVersion"] = 3.into());
    assert!(matches!(refused(&newer), Error::Bundle(bundle::BundleError::Newer { version: 3, .. })));
    let lost =
        verify_file(&Test::new().path("x"), &Scratch::new(Test::new().folder.path()).expect("a folder"), &Silent);
    assert!(lost.is_err());
}

#[test]
fn parts_of_a_split_file_are_one() {
    let (test, bytes) = (Test::new(), site());
    let (one, two) = bytes.split_at(bytes.len() / 2 + 1);
    fs::write(test.path("site.dam.002"), two).expect("a file");
    let found = test.verify("site.dam.001", one).expect("an archive");
    assert_eq!((found.bytes, found.faults), (bytes.len() as u64, vec![]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_flipped_bit_is_told_or_harmless(at in any::<proptest::sample::Index>(), bit in 0..8_u8) {
        thread_local!(static SITE: Vec<u8> = site());
        SITE.with(|site| {
            let mut bytes = site.clone();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            // In content every bit counts. What the header of a member says beside name and size means nothing to dam, and
            // neither does padding.
            let is_content = members_at(site).iter().any(|(begin, end)| (*begin..*end).contains(&at));
            if let Ok(found) = Test::new().verify("site.dam", &bytes) {
                assert!(!is_content || !found.faults.is_empty(), "byte {at}, bit {bit}");
            }
        });
    }

    #[test]
    fn a_cut_is_told(at in any::<proptest::sample::Index>()) {
        thread_local!(static SITE: Vec<u8> = site());
        SITE.with(|site| {
            let at = at.index(site.len() - 1024);
            if let Ok(found) = Test::new().verify("site.dam", &site[..at]) {
                let whole = members_at(site).last().is_some_and(|(_, end)| at >= *end);
                assert!(whole || !found.faults.is_empty(), "cut at {at}");
            }
        });
    }
}

/// Returns where the content of each member begins and ends.
fn members_at(bundle: &[u8]) -> Vec<(usize, usize)> {
    let mut archive = tar::Archive::new(bundle);
    let entries = archive.entries().expect("a tar");
    let place = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let entry = entry.expect("a sound entry");
        let begin = entry.raw_file_position() as usize;
        (begin, begin + entry.size() as usize)
    };
    entries.map(place).collect()
}
