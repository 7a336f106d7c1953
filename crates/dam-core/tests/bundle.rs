//! Bundles: what is written, and what is believed of what is read.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use dam_core::app::describe;
use dam_core::bundle::{Bundle, BundleApp, BundleError, BundledApp, VerifiedBundle, Written, file_name, write};
use dam_core::cache::{Cache, Packed, Packing};
use dam_core::event::{Event, Reporter, Silent, Warning};
use dam_core::meta::{Keep, KeptMeta};
use dam_core::ops::Candidate;
use dam_core::{Error, Result};
use dam_oci::testing::{ARCHIVE_FORMS, ArchiveForm, ImageBuilder, MemoryImage, archive, gzip};
use dam_oci::{Descriptor, Digest, Image, Limits, Reference, config, media_type, subtree};
use serde_json::{Value, json};
use tempfile::TempDir;

fn shop() -> ImageBuilder {
    ImageBuilder::app().label("DAM_APP_FAMILY", "web").label("DAM_APP_SERVERS", "plant:5000,")
}

/// Makes an app of an image, as `dam save` does.
fn bundled(reference: &str, image: impl Image + 'static) -> BundleApp {
    let reference: Reference = reference.parse().expect("a reference");
    let folder = tempfile::tempdir().expect("a temp folder");
    let keep = Keep::open(folder.path()).expect("a folder");
    let limits = Limits::default();
    let kept = keep.keep(&mut |out| Ok(subtree(&image, "meta", limits, folder.path(), out)?)).expect("a good /meta");
    let meta = KeptMeta { description: Some("A shop.\nMore of it.\n".to_owned()), ..kept.expect("a /meta") };
    let labels = config(&image).expect("a config").1.config.labels;
    let app = describe(&reference, &labels, &meta).expect("an app");
    BundleApp { app, meta: meta.digest, image: Box::new(image) }
}

/// Packs the layers of an image, and notes nothing of them.
fn with_layers(image: &MemoryImage, media_type: &str, pack: fn(&[u8]) -> Vec<u8>) -> MemoryImage {
    let mut image = image.clone();
    let mut manifest = image.manifest().clone();
    for layer in &mut manifest.layers {
        let packed = pack(&image.blobs_mut()[&layer.digest]);
        *layer = Descriptor::of(media_type, &packed);
        image.blobs_mut().insert(layer.digest, packed);
    }
    MemoryImage::new(manifest, std::mem::take(image.blobs_mut()))
}

/// The two apps of the fixture: one with raw layers and one with zstd layers, on one base.
fn two_apps(cache: &Cache) -> Vec<BundleApp> {
    let shop = shop().layer().file("index.html", 0o644, "<h1>Shop</h1>\n").build();
    let backup = ImageBuilder::app().label("DAM_APP_MULTIVERSION", "true").build();
    let backup = Packed::new(Box::new(backup), Packing::default(), cache, &Silent).expect("a sound image");
    vec![bundled("shop:1.0", shop), bundled("plant:5000/tools/backup:2.1", backup)]
}

fn written(apps: &[BundleApp]) -> (Vec<u8>, Written) {
    let mut out = Vec::new();
    let written = write(apps, &mut out, &Silent).expect("sound images");
    (out, written)
}

fn example() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temp folder");
    written(&two_apps(&Cache::new(folder.path(), 1 << 20))).0
}

/// A bundle of version 2.
fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bundle-v2-meta.dam")
}

/// One that does not say what its `/meta` is, as the first of version 2 did not.
fn older_fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bundle-v2.dam")
}

/// Puts `bytes` into a file.
fn file(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temp folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("written");
    (folder, path)
}

fn open(path: &Path) -> Result<VerifiedBundle> {
    Bundle::open(path, &Silent)?.verify()
}

/// What an import would take of an app: its name, its manifest, and every blob.
type Content = (String, Vec<u8>, Vec<Vec<u8>>);

/// Reads and checks all of the apps.
fn content(apps: &[BundledApp]) -> dam_oci::Result<Vec<Content>> {
    let one = |app: &BundledApp| {
        let copy = MemoryImage::copy(&*app.image)?;
        dam_oci::visit_layers(&copy, &dam_oci::layers(&copy)?, &mut |_, _| Ok(()))?;
        let blobs = copy.clone().blobs_mut().values().cloned().collect();
        Ok((app.reference.to_string(), app.image.manifest_bytes().to_vec(), blobs))
    };
    apps.iter().map(one).collect()
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

/// Writes a bundle whose member `name` is edited.
fn edited(name: &str, edit: impl Fn(&mut Value)) -> (TempDir, PathBuf) {
    let mut archive = dam_oci::archive::ArchiveWriter::new(Vec::new());
    for (member, mut bytes) in members(&example()) {
        if member == name {
            let mut json = serde_json::from_slice(&bytes).expect("JSON");
            edit(&mut json);
            bytes = json.to_string().into_bytes();
        }
        archive.add_bytes(&member, &bytes).expect("memory does not fail");
    }
    file("edited.dam", &archive.finish().expect("memory does not fail"))
}

/// Remembers warnings.
#[derive(Default)]
struct Warnings(Mutex<Vec<String>>);

impl Reporter for Warnings {
    fn event(&self, event: Event) {
        if let Event::Warning(Warning::NoChecksum { path }) = event {
            self.0.lock().expect("not poisoned").push(path.display().to_string());
        }
    }
}

fn warnings(path: &Path) -> usize {
    let warnings = Warnings::default();
    Bundle::open(path, &warnings).expect("an archive");
    warnings.0.into_inner().expect("not poisoned").len()
}

#[test]
fn members_stand_in_a_fixed_order_each_once() {
    let bytes = example();
    let names: Vec<String> = members(&bytes).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[..5], ["oci-layout", "dam.json", "index.json", "manifest.json", "app_list"]);
    let (_folder, path) = file("two.dam", &bytes);
    let bundle = open(&path).expect("a sound bundle");
    let head = bundle.head().expect("a bundle of version 2");
    let small = head.apps.iter().flat_map(|app| [app.manifest.digest, app.image]);
    let layers = head.apps.iter().flat_map(|app| app.layers.iter().map(|layer| layer.digest));
    let expected: Vec<String> = small.chain(layers).map(|digest| format!("blobs/sha256/{}", digest.hex())).collect();
    assert_eq!(names[5..], expected);
}

#[test]
fn a_tag_that_several_apps_have_names_none_of_them() {
    let app = |name: &str| bundled(name, ImageBuilder::app().label("name", name).build());
    let (bytes, _) = written(&[app("plant:5000/a:1"), app("b:2"), app("c:1")]);
    let (_, index) = members(&bytes).into_iter().find(|(name, _)| name == "index.json").expect("an index");
    let index: Value = serde_json::from_slice(&index).expect("JSON");
    let names = index["manifests"].as_array().expect("a list").iter().map(|entry| entry["annotations"].clone());
    let entry = |name, short| json!({ "io.containerd.image.name": name, "org.opencontainers.image.ref.name": short });
    let expected = [
        entry("plant:5000/a:1", "plant:5000/a:1"),
        entry("docker.io/library/b:2", "2"),
        entry("docker.io/library/c:1", "docker.io/library/c:1"),
    ];
    assert_eq!(names.collect::<Vec<_>>(), expected);
}

#[test]
fn a_shared_layer_is_written_once() {
    let base = || ImageBuilder::app().file("big", 0o644, vec![1; 10_000]).layer();
    let one = bundled("a:1", base().file("x", 0o644, "a").build());
    let two = bundled("b:1", base().file("x", 0o644, "b").build());
    let (bytes, written) = written(&[one, two]);
    assert_eq!(written.blobs, 2 + 2 + 3);
    assert_eq!(members(&bytes).len(), 5 + 7);
}

#[test]
fn equal_apps_give_equal_bytes() {
    assert_eq!(example(), example());
}

#[test]
fn an_app_goes_in_once() {
    let apps = [bundled("a:1", shop().build()), bundled("a:1", shop().build())];
    let error = write(&apps, Vec::new(), &Silent).expect_err("twice");
    assert!(matches!(error, Error::Bundle(BundleError::Twice(name)) if name.to_string() == "a:1"));
}

/// The fixture is never written anew: what dam 2.0 wrote is read for ever.
#[test]
fn the_fixture_is_what_is_written_today() {
    assert_eq!(Digest::of(&fs::read(fixture()).expect("the fixture")), Digest::of(&example()));
}

#[test]
fn the_fixture_is_read() {
    let bundle = open(&fixture()).expect("a sound bundle");
    let head = serde_json::to_value(bundle.head().expect("a head")).expect("JSON");
    assert_eq!((&head["formatVersion"], &head["baseline"]), (&json!(2), &Value::Null));
    let shop = &head["apps"][0];
    assert_eq!(shop["name"], "shop");
    assert_eq!(shop["version"], "1.0");
    assert_eq!(shop["family"], "web");
    assert_eq!(shop["multiversion"], false);
    assert_eq!(shop["servers"], json!(["", "plant:5000"]));
    assert_eq!(shop["description"], "A shop.");
    assert_eq!(shop["hooks"], json!(["install", "uninstall"]));
    assert_eq!(shop["reference"], "shop:1.0");
    assert_eq!(shop["meta"], "sha256:cb5d1e4025a034eccb675f876bb271dabc5420c637420731f206d443dcb5670c");
    assert_eq!(shop["layers"][0]["mediaType"], media_type::LAYER);
    assert_eq!(shop["layers"][0]["unpackedSize"], shop["layers"][0]["size"]);
    let backup = &head["apps"][1];
    assert_eq!(backup["reference"], "plant:5000/tools/backup:2.1");
    assert_eq!((&backup["name"], &backup["multiversion"]), (&json!("tools/backup"), &json!(true)));
    assert_eq!(backup["layers"][0]["mediaType"], media_type::LAYER_ZSTD);
    assert_eq!(backup["layers"][0]["diffId"], shop["layers"][0]["diffId"]);
    assert_eq!(backup["layers"][0]["unpackedSize"], shop["layers"][0]["size"]);
    assert_eq!(content(bundle.apps()).expect("sound blobs").len(), 2);
    let sizes = head["apps"].as_array().expect("a list").iter().map(|app| {
        let layers = app["layers"].as_array().expect("a list");
        layers.iter().map(|layer| layer["unpackedSize"].as_u64().expect("known")).sum::<u64>()
    });
    assert_eq!(bundle.apps().iter().map(|app| app.unpacked).collect::<Vec<_>>(), sizes.collect::<Vec<_>>());
}

#[test]
fn a_bundle_without_the_digest_of_meta_is_read() {
    let older = open(&older_fixture()).expect("a sound bundle");
    assert!(older.head().expect("a head").apps.iter().all(|app| app.meta.is_none()));
    let today = open(&fixture()).expect("a sound bundle");
    assert_eq!(content(older.apps()).expect("sound blobs"), content(today.apps()).expect("sound blobs"));
}

#[test]
fn a_meta_that_is_another_than_promised_is_refused() {
    let folder = tempfile::tempdir().expect("a temp folder");
    let keep = Keep::open(folder.path()).expect("a folder");
    let read = |path: &Path| {
        let mut apps = open(path)?.into_apps().into_iter();
        apps.try_for_each(|app| Candidate::from_bundled(&keep, folder.path(), path, app).map(drop))
    };
    read(&fixture()).expect("it is as promised");
    let other = json!(Digest::of(b"other").to_string());
    let (_folder, path) = edited("dam.json", |head| head["apps"][1]["meta"] = other.clone());
    let error = read(&path).expect_err("another /meta");
    let expected = "contradicts itself: `plant:5000/tools/backup:2.1` has another /meta in its layers";
    assert!(error.to_string().ends_with(expected), "{error}");
}

#[test]
fn the_unpacked_length_of_every_layer_is_told() {
    let image = shop().layer().file("a", 0o644, vec![7; 5000]).build();
    let raw: Vec<u64> = image.manifest().layers.iter().map(|layer| layer.size).collect();
    // As a registry has them: nothing is noted of their content.
    let packed = with_layers(&image, media_type::LAYER_GZIP, gzip);
    let (_, written) = written(&[bundled("shop:1.0", packed)]);
    let told: Vec<_> = written.head.apps[0].layers.iter().map(|layer| layer.unpacked_size.expect("told")).collect();
    assert_eq!(told, raw);
}

/// After any damage, a bundle is refused or is the same.
fn survives(path: &Path, damaged: &[u8], sound: &[Content], what: &str) {
    fs::write(path, damaged).expect("written");
    let read = open(path).and_then(|bundle| Ok(content(bundle.apps())?));
    if let Ok(read) = read {
        assert_eq!(read, sound, "{what}");
    }
}

#[test]
fn a_flipped_bit_is_noticed_or_means_nothing() {
    let sound = fs::read(fixture()).expect("the fixture");
    let expected = content(open(&fixture()).expect("sound").apps()).expect("sound");
    let (_folder, path) = file("damaged.dam", &[]);
    // A prime step meets header, content and padding of every member, at all offsets, over the bits.
    for (bit, at) in (0..sound.len()).step_by(23).enumerate() {
        let mut damaged = sound.clone();
        damaged[at] ^= 1 << (bit % 8);
        survives(&path, &damaged, &expected, &format!("bit {} of byte {at}", bit % 8));
    }
}

#[test]
fn a_cut_off_bundle_is_refused() {
    let sound = fs::read(fixture()).expect("the fixture");
    let expected = content(open(&fixture()).expect("sound").apps()).expect("sound");
    let (_folder, path) = file("damaged.dam", &[]);
    for length in (0..sound.len()).step_by(61) {
        survives(&path, &sound[..length], &expected, &format!("{length} bytes"));
    }
    fs::write(&path, &sound[..sound.len() / 2]).expect("written");
    assert!(open(&path).and_then(|bundle| Ok(content(bundle.apps())?)).is_err());
}

#[test]
fn a_head_that_lies_is_refused() {
    let other = Digest::of(b"other").to_string();
    let lies: [(&str, Value); 12] = [
        ("/apps/0/name", json!("ship")),
        ("/apps/0/version", json!("2.0")),
        ("/apps/0/family", json!("other")),
        ("/apps/0/multiversion", json!(true)),
        ("/apps/0/servers", json!([])),
        ("/apps/0/reference", json!("plant:5000/shop:1.0")),
        ("/apps/0/manifest/digest", json!(other)),
        ("/apps/0/manifest/size", json!(1)),
        ("/apps/0/image", json!(other)),
        ("/apps/0/layers", json!([])),
        ("/apps/0/layers/0/diffId", json!(other)),
        ("/apps/1/layers/0/size", json!(1)),
    ];
    for (at, lie) in lies {
        let (_folder, path) = edited("dam.json", |head| *head.pointer_mut(at).expect(at) = lie.clone());
        let error = open(&path).err().expect(at);
        assert!(matches!(error, Error::Bundle(BundleError::Contradiction { .. })), "{at}: {error}");
    }
}

#[test]
fn claimed_lengths_that_are_too_large_are_only_a_wrong_estimate() {
    let (_folder, path) = edited("dam.json", |head| {
        for app in head["apps"].as_array_mut().expect("a list") {
            for layer in app["layers"].as_array_mut().expect("a list") {
                layer["unpackedSize"] = json!(u64::MAX);
            }
        }
    });
    assert_eq!(open(&path).expect("a sound bundle").apps()[0].unpacked, u64::MAX);
}

#[test]
fn an_image_that_is_not_listed_is_refused() {
    let (_folder, path) = edited("dam.json", |head| drop(head["apps"].as_array_mut().expect("a list").pop()));
    assert!(matches!(open(&path), Err(Error::Bundle(BundleError::Contradiction { .. }))));
    let (_folder, path) = edited("dam.json", |head| {
        let twice = head["apps"][0].clone();
        head["apps"].as_array_mut().expect("a list").push(twice);
    });
    assert!(matches!(open(&path), Err(Error::Bundle(BundleError::Contradiction { .. }))));
}

#[test]
fn what_a_later_dam_wrote_is_refused_by_name() {
    let (_folder, path) = edited("dam.json", |head| *head = json!({ "formatVersion": 3, "cargo": [] }));
    let error = open(&path).err().expect("too new");
    assert!(error.to_string().ends_with("has bundle format 3, and this dam reads up to 2"), "{error}");
    let (_folder, path) = edited("dam.json", |head| head["baseline"] = json!({ "blobs": [] }));
    assert!(matches!(open(&path), Err(Error::Bundle(BundleError::NeedsBaseline { .. }))));
    // What is only added is passed over.
    let (_folder, path) = edited("dam.json", |head| head["apps"][0]["colour"] = json!("red"));
    assert_eq!(open(&path).expect("a sound bundle").apps().len(), 2);
}

#[test]
fn every_form_of_archive_is_read() {
    let image = shop().layer().file("a", 0o644, "a").build();
    for form in ARCHIVE_FORMS {
        let (_folder, path) = file("shop.dam", &archive(form, &[(&image, &["shop:1.0"])]));
        let bundle = open(&path).expect("a sound archive");
        assert!(bundle.head().is_none());
        let apps = bundle.into_apps();
        assert_eq!(apps.len(), 1, "{form:?}");
        assert_eq!(apps[0].reference.to_string(), "shop:1.0");
        assert_eq!(apps[0].unpacked, image.manifest().layers.iter().map(|layer| layer.size).sum::<u64>());
        assert_eq!(content(&apps).expect("sound blobs")[0].2.len(), 3);
        assert_eq!(warnings(&path), 1);
    }
}

#[test]
fn a_checksum_in_the_name_is_checked() {
    let bytes = archive(ArchiveForm::Dam12, &[(&shop().build(), &["shop:1.0"])]);
    let crc = crc32fast::hash(&bytes);
    let short = file_name::file_name(&"shop:1.0".parse().expect("an app"), crc);
    let long = format!("shop-1.0.{crc:08x}-{}.dam", bytes.len());
    for name in [&short, &long] {
        let (_folder, path) = file(name, &bytes);
        assert_eq!(open(&path).expect("sound").apps().len(), 1);
        assert_eq!(warnings(&path), 0);
    }
    let (_folder, path) = file(&long, &[&bytes[..], b"x"].concat());
    let error = open(&path).err().expect("too long");
    assert!(matches!(error, Error::Bundle(BundleError::Length { found, .. }) if found == bytes.len() as u64 + 1));
    let mut damaged = bytes;
    damaged[100] ^= 1;
    let (_folder, path) = file(&short, &damaged);
    let error = open(&path).err().expect("damaged").to_string();
    let sums = format!("promises the checksum {crc:08x}, its content has {:08x}", crc32fast::hash(&damaged));
    assert!(error.ends_with(&sums), "{error}");
}

/// The name of a part promises nothing of the part.
#[test]
fn a_checksum_in_the_name_of_a_part_is_not_checked() {
    let bytes = example();
    let (folder, first) = file("shop-1.0.a1b2c3d4.dam.001", &[]);
    for (at, part) in bytes.chunks(5000).enumerate() {
        fs::write(folder.path().join(format!("shop-1.0.a1b2c3d4.dam.{:03}", at + 1)), part).expect("written");
    }
    let bundle = open(&first).expect("sound parts");
    assert_eq!(
        content(bundle.apps()).expect("sound blobs"),
        content(open(&fixture()).expect("sound").apps()).expect("sound")
    );
}

#[test]
fn a_bundle_needs_no_checksum_in_its_name() {
    assert_eq!(warnings(&fixture()), 0);
}

#[test]
fn an_image_without_a_name_is_called_what_its_labels_say() {
    let image = shop().label("DAM_APP_NAME", "tools/shop").label("DAM_APP_VERSION", "1.2").build();
    let (_folder, path) = file("shop.tar", &archive(ArchiveForm::Oci, &[(&image, &[])]));
    assert_eq!(open(&path).expect("sound").apps()[0].reference.to_string(), "tools/shop:1.2");
    let (_folder, path) = file("shop.tar", &archive(ArchiveForm::Oci, &[(&shop().build(), &[])]));
    assert!(matches!(open(&path), Err(Error::Bundle(BundleError::NoName { .. }))));
}

#[test]
fn of_several_names_the_image_s_own_counts() {
    let image = shop().label("DAM_APP_NAME", "shop").label("DAM_APP_VERSION", "1.2").build();
    let (_folder, path) =
        file("shop.tar", &archive(ArchiveForm::Oci, &[(&image, &["shop:latest", "plant:5000/shop:1.2"])]));
    let apps = open(&path).expect("sound").into_apps();
    assert_eq!(apps[0].reference.to_string(), "plant:5000/shop:1.2");
    assert_eq!(apps[0].more_references.iter().map(ToString::to_string).collect::<Vec<_>>(), ["shop:latest"]);
}

#[test]
fn other_tools_read_it() {
    let image = bundled("shop:1.0", shop().build());
    let (_folder, path) = file("shop.dam", &written(&[image]).0);
    let skopeo = Command::new("skopeo").arg("inspect").arg(format!("oci-archive:{}", path.display())).output();
    let skopeo = skopeo.expect("`skopeo` is needed here: `make test` installs it");
    assert!(skopeo.status.success(), "{}", String::from_utf8_lossy(&skopeo.stderr));
    let about: Value = serde_json::from_slice(&skopeo.stdout).expect("JSON");
    assert_eq!(about["Labels"]["DAM_APP_FAMILY"], "web");
}
