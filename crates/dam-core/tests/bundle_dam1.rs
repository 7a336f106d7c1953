//! Bundles of DAM 1.x, and archives of several images.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use dam_core::bundle::{Bundle, BundleError, BundledApp, VerifiedBundle};
use dam_core::event::{Event, Reporter, Silent, Warning};
use dam_core::product::ListFault;
use dam_core::{Error, Result};
use dam_oci::archive::ArchiveWriter;
use dam_oci::testing::{
    ARCHIVE_FORMS, ArchiveForm, ImageBuilder, MemoryImage, archive, dam1_apps, dam1_bundle, gzip, zstd,
};
use dam_oci::{ArchiveFault, Digest, Limits};
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use tempfile::TempDir;

/// The names and contents of archives within a bundle.
type Files = Vec<(String, Vec<u8>)>;

fn image(content: &str) -> MemoryImage {
    let noise: Vec<u8> = (0..4000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    ImageBuilder::app().file("base", 0o644, noise).layer().file("content", 0o644, content).build()
}

/// What an `export --all` of three apps made, before it is one file.
fn three() -> (String, Files) {
    let (shop, cart, backup) = (image("shop"), image("cart"), image("backup"));
    let apps = [("plant:5000/shop:1.0", &shop), ("cart:0.3-rc_1", &cart), ("plant:5000/backup:2", &backup)];
    dam1_apps(ArchiveForm::Dam12, &apps)
}

fn bundle() -> Vec<u8> {
    let (list, files) = three();
    dam1_bundle(&list, &files)
}

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temp folder");
    let path = folder.path().join("site.dam");
    fs::write(&path, bytes).expect("written");
    (folder, path)
}

fn open(path: &Path) -> Result<VerifiedBundle> {
    Bundle::open(path, &Silent)?.verify()
}

fn refusal(bytes: &[u8]) -> Error {
    let (_folder, path) = file(bytes);
    open(&path).err().expect("refused")
}

/// What is said of a bundle, behind its path.
fn said(bytes: &[u8]) -> String {
    let error = refusal(bytes).to_string();
    error.split_once("site.dam").unwrap_or_else(|| panic!("names the bundle: {error}")).1.to_owned()
}

/// An app's name, and the digests of config and layers.
type Content = (String, BTreeSet<Digest>);

/// Reads each app's blobs in one pass and checks them, the DiffIDs too.
fn content(apps: &[BundledApp]) -> dam_oci::Result<Vec<Content>> {
    let one = |app: &BundledApp| {
        let mut copy = MemoryImage::copy(&*app.image)?;
        dam_oci::visit_layers(&copy, &dam_oci::layers(&copy)?, &mut |_, _| Ok(()))?;
        Ok((app.reference.to_string(), copy.blobs_mut().values().map(|blob| Digest::of(blob)).collect()))
    };
    apps.iter().map(one).collect()
}

fn expected(name: &str, image: &MemoryImage) -> Content {
    (name.to_owned(), image.clone().blobs_mut().keys().copied().collect())
}

fn expected_three() -> Vec<Content> {
    vec![
        expected("plant:5000/shop:1.0", &image("shop")),
        expected("cart:0.3-rc_1", &image("cart")),
        expected("plant:5000/backup:2", &image("backup")),
    ]
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bundle-v1.dam")
}

/// Written by the example `bundle_v1_fixture`, and read for ever.
#[test]
fn the_fixture_is_read() {
    let bundle = open(&fixture()).expect("a sound bundle");
    assert!(bundle.head().is_none());
    let apps = bundle.into_apps();
    let names: Vec<String> = apps.iter().map(|app| app.reference.to_string()).collect();
    assert_eq!(names, ["plant:5000/shop:1.0", "backup:2.1"]);
    let meta = |app: &BundledApp| {
        let scratch = tempfile::tempdir().expect("a temp folder");
        let mut tar = Vec::new();
        dam_oci::subtree(&*app.image, "meta", Limits::default(), scratch.path(), &mut tar).expect("sound layers");
        String::from_utf8_lossy(&tar).into_owned()
    };
    assert!(meta(&apps[0]).contains("A shop.\n"));
    assert!(meta(&apps[1]).contains("Keeps what is dear.\n"));
    let labels = dam_oci::config(&*apps[0].image).expect("a config").1.config.labels;
    assert_eq!(labels["DAM_APP_FAMILY"], "web");
    let layers = |at: usize| apps[at].image.manifest().layers.clone();
    assert_eq!(layers(0)[0], layers(1)[0], "one base");
    assert_eq!(apps[1].unpacked, layers(1).iter().map(|layer| layer.size).sum::<u64>());
    let digests: Vec<Digest> = content(&apps).expect("sound blobs").into_iter().flat_map(|(_, blobs)| blobs).collect();
    assert_eq!(digests.len(), 2 * 3);
}

#[test]
fn apps_come_in_the_order_of_the_list() {
    let (list, files) = three();
    assert_eq!(list, "shop:1.0\ncart:0.3-rc_1\nbackup:2\n");
    let (_folder, path) = file(&dam1_bundle(&list, &files));
    assert_eq!(content(open(&path).expect("sound").apps()).expect("sound"), expected_three());
    let (_folder, path) = file(&dam1_bundle("backup:2\r\nshop:1.0\r\ncart:0.3-rc_1", &files));
    let mut turned = expected_three();
    turned.rotate_right(1);
    assert_eq!(content(open(&path).expect("sound").apps()).expect("sound"), turned);
}

#[test]
fn the_names_of_dam_1_0_promise_a_length_too() {
    let shop = image("shop");
    let (list, files) = dam1_apps(ArchiveForm::Dam10, &[("shop:1.0", &shop)]);
    assert!(files[0].0.ends_with(&format!("-{}.dam", files[0].1.len())), "{}", files[0].0);
    let (_folder, path) = file(&dam1_bundle(&list, &files));
    assert_eq!(content(open(&path).expect("sound").apps()).expect("sound"), [expected("shop:1.0", &shop)]);
    let longer = vec![(files[0].0.clone(), [&files[0].1[..], b"x"].concat())];
    let error = refusal(&dam1_bundle(&list, &longer));
    assert!(matches!(error, Error::Bundle(BundleError::Length { found, .. }) if found == longer[0].1.len() as u64));
}

#[test]
fn nothing_is_uncertain_where_every_archive_has_a_checksum() {
    struct NoWarnings;
    impl Reporter for NoWarnings {
        fn event(&self, event: Event) {
            assert!(!matches!(event, Event::Warning(Warning::NoChecksum { .. })));
        }
    }
    let (_folder, path) = file(&bundle());
    Bundle::open(&path, &NoWarnings).expect("sound");
}

#[test]
fn a_wrong_checksum_names_the_archive() {
    let (list, mut files) = three();
    let promised = crc32fast::hash(&files[1].1);
    files[1].1[200] ^= 4;
    let found = crc32fast::hash(&files[1].1);
    let expected = format!(
        "/cart-0.3-rc_1.{promised:08x}.dam` is damaged: its name promises the checksum {promised:08x}, its content has {found:08x}"
    );
    assert_eq!(said(&dam1_bundle(&list, &files)), expected);
    let unnamed = vec![("shop.dam".to_owned(), Vec::new())];
    let message = "` contradicts itself: `shop.dam` has no checksum in its name";
    assert_eq!(said(&dam1_bundle("shop:1.0\n", &unnamed)), message);
}

/// The checksum is right and what it is of is not.
#[test]
fn a_damaged_archive_is_named_with_the_bundle() {
    let renamed = |bytes: Vec<u8>| (format!("shop-1.0.{:08x}.dam", crc32fast::hash(&bytes)), bytes);
    let (_, files) = dam1_apps(ArchiveForm::Dam12, &[("shop:1.0", &image("shop"))]);
    let cut = renamed(files[0].1[..files[0].1.len() - 300].to_vec());
    let (_folder, path) = file(&dam1_bundle("shop:1.0\n", std::slice::from_ref(&cut)));
    let error = open(&path).err().expect("damaged").to_string();
    let (name, bundle) = (&cut.0, path.display());
    assert_eq!(error, format!("`{name}` in `{bundle}` is damaged: its gzip stream breaks off"));
    let climbing = {
        let mut tar = ArchiveWriter::new(Vec::new());
        tar.add_bytes("../evil", b"x").expect("memory does not fail");
        renamed(gzip(&tar.finish().expect("memory does not fail")))
    };
    let error = refusal(&dam1_bundle("shop:1.0\n", &[climbing]));
    assert!(matches!(&error, Error::Oci(dam_oci::Error::Archive { fault: ArchiveFault::Name { .. }, .. })), "{error}");
    let empty = refusal(&dam1_bundle("shop:1.0\n", &[renamed(Vec::new())])).to_string();
    assert!(empty.ends_with("/site.dam` is empty"), "{empty}");
}

#[test]
fn list_and_archives_must_be_of_the_same_apps() {
    let (list, mut files) = three();
    let without = |at: usize| dam1_bundle(&list, &[&files[..at], &files[at + 1..]].concat());
    assert_eq!(said(&without(1)), "` lists `cart:0.3-rc_1` and has no archive of it");
    let shorter = list.replace("shop:1.0\n", "");
    let name = &files[0].0;
    let expected = format!("` carries `{name}` and does not list the app in it, `plant:5000/shop:1.0`");
    assert_eq!(said(&dam1_bundle(&shorter, &files)), expected);
    assert!(said(&dam1_bundle(&list.replace("shop:1.0", "shop:1.1"), &files)).starts_with("` carries `shop-1.0."));
    // What a failed export of another day has left.
    let (_, again) = dam1_apps(ArchiveForm::Dam10, &[("shop:1.0", &image("shop of yesterday"))]);
    files.extend(again);
    let twice = said(&dam1_bundle(&list, &files));
    assert!(twice.starts_with("` contradicts itself: `shop-1.0."), "{twice}");
    assert!(
        twice.ends_with("` both carry `shop:1.0`") || twice.ends_with("` both carry `plant:5000/shop:1.0`"),
        "{twice}"
    );
}

#[test]
fn the_list_is_not_trusted() {
    let (list, files) = three();
    let refused = |list: &str| match refusal(&dam1_bundle(list, &files)) {
        Error::List(ListFault::Lines { what, faults, .. }) => {
            assert!(what.ends_with("/site.dam/app_list"), "{what}");
            faults.iter().map(|fault| fault.line).collect::<Vec<_>>()
        }
        other => panic!("{other}"),
    };
    assert_eq!(refused(&format!("{list}../x:1\nshop\n;rm -rf /:1\n\u{1b}[31mred:1\n")), [4, 5, 6, 7]);
    assert_eq!(refused(&format!("{list}shop:1.0\n")), [4]);
    assert!(matches!(refusal(&dam1_bundle("shop:1.0\0", &files)), Error::List(ListFault::Binary { .. })));
}

#[test]
fn a_bundle_without_a_list_is_refused_and_one_without_apps_is_empty() {
    let (_, files) = three();
    let mut tar = ArchiveWriter::new(Vec::new());
    files.iter().for_each(|(name, bytes)| tar.add_bytes(name, bytes).expect("memory does not fail"));
    let bytes = tar.finish().expect("memory does not fail");
    assert_eq!(said(&bytes), "` contradicts itself: its `app_list` is missing");
    let (_folder, path) = file(&dam1_bundle("", &[]));
    assert!(open(&path).expect("an empty bundle").apps().is_empty());
}

#[test]
fn an_app_behind_a_path_is_listed_by_its_last_word() {
    let backup = image("backup");
    let (list, files) = dam1_apps(ArchiveForm::Dam12, &[("plant:5000/tools/backup:1", &backup)]);
    assert_eq!(list, "backup:1\n");
    for list in ["backup:1\n", "tools/backup:1\n"] {
        let (_folder, path) = file(&dam1_bundle(list, &files));
        let apps = open(&path).expect("sound").into_apps();
        assert_eq!(content(&apps).expect("sound"), [expected("plant:5000/tools/backup:1", &backup)]);
    }
    assert!(matches!(refusal(&dam1_bundle("ackup:1\n", &files)), Error::Bundle(BundleError::NotListed { .. })));
}

#[test]
fn an_archive_holds_one_image_with_a_name() {
    let (shop, cart) = (image("shop"), image("cart"));
    let named = |bytes: Vec<u8>| (format!("shop-1.0.{:08x}.dam", crc32fast::hash(&bytes)), bytes);
    let two = named(archive(ArchiveForm::Dam12, &[(&shop, &["shop:1.0"]), (&cart, &["cart:1"])]));
    let message = format!("` contradicts itself: `{}` holds 2 images in place of one", two.0);
    assert_eq!(said(&dam1_bundle("shop:1.0\n", &[two])), message);
    let nameless = named(archive(ArchiveForm::Dam12, &[(&shop, &[])]));
    let error = refusal(&dam1_bundle("shop:1.0\n", &[nameless]));
    assert!(matches!(error, Error::Bundle(BundleError::NoName { .. })), "{error}");
}

/// DAM 1.x packed the folder it worked in, with what an export that failed had left there.
#[test]
fn what_is_no_archive_is_passed_over() {
    let (list, mut files) = three();
    files.push(("cart-0.3-rc_1.dam.tmp".to_owned(), vec![7; 700]));
    files.push(("cart-0.3-rc_1.dam.tmp_tar/manifest.json".to_owned(), b"[]".to_vec()));
    files.push(("old/shop-1.0.00000000.dam".to_owned(), b"x".to_vec()));
    let (_folder, path) = file(&dam1_bundle(&list, &files));
    assert_eq!(content(open(&path).expect("sound").apps()).expect("sound"), expected_three());
}

#[test]
fn one_that_is_compressed_as_a_whole_is_refused_with_the_reason() {
    let bytes = bundle();
    let message =
        |compression| format!("` is a bundle of DAM 1.x inside {compression}, and can be read only without it");
    assert_eq!(said(&gzip(&bytes)), message("gzip"));
    assert_eq!(said(&zstd(&bytes)), message("zstd"));
}

#[test]
fn a_split_one_is_read_too() {
    let bytes = bundle();
    for size in [511, 1000, 4096] {
        let folder = tempfile::tempdir().expect("a temp folder");
        for (at, part) in bytes.chunks(size).enumerate() {
            fs::write(folder.path().join(format!("site.dam.{:03}", at + 1)), part).expect("written");
        }
        let bundle = Bundle::open(&folder.path().join("site.dam.001"), &Silent).expect("sound parts");
        assert_eq!(bundle.length(), bytes.len() as u64);
        assert_eq!(content(bundle.verify().expect("sound").apps()).expect("sound"), expected_three());
    }
}

#[test]
fn members_that_climb_are_refused() {
    let (list, mut files) = three();
    files[0].0 = format!("../{}", files[0].0);
    assert!(said(&dam1_bundle(&list, &files)).ends_with("has a `..` in it"));
}

#[test]
fn a_hundred_thousand_members_are_too_many() {
    let (list, files) = three();
    let with = |count: usize| {
        let mut tar = ArchiveWriter::new(Vec::new());
        let mut add = |name: &str, bytes: &[u8]| tar.add_bytes(name, bytes).expect("memory does not fail");
        add("app_list", list.as_bytes());
        files.iter().for_each(|(name, bytes)| add(name, bytes));
        (0..count).for_each(|at| add(&format!("left/{at}"), b""));
        tar.finish().expect("memory does not fail")
    };
    let (_folder, path) = file(&with(10_000));
    assert_eq!(open(&path).expect("sound").apps().len(), 3);
    assert!(said(&with(100_000)).ends_with("has more than 100000 entries"));
}

/// The limit is one for all archives together: a small file must not need memory for millions of names.
#[test]
fn members_of_the_archives_count_as_well() {
    let crowd = |name: &str| {
        let mut tar = ArchiveWriter::new(Vec::new());
        (0..40_000).for_each(|at| tar.add_bytes(&format!("{at}"), b"").expect("memory does not fail"));
        for (name, bytes) in read_tar(&archive(ArchiveForm::Docker20, &[(&image(name), &[&format!("{name}:1")])])) {
            tar.add_bytes(&name, &bytes).expect("memory does not fail");
        }
        let bytes = gzip(&tar.finish().expect("memory does not fail"));
        (format!("{name}-1.{:08x}.dam", crc32fast::hash(&bytes)), bytes)
    };
    let files = [crowd("one"), crowd("two"), crowd("three")];
    let (_folder, path) = file(&dam1_bundle("one:1\ntwo:1\n", &files[..2]));
    assert_eq!(open(&path).expect("sound").apps().len(), 2);
    let all = said(&dam1_bundle("one:1\ntwo:1\nthree:1\n", &files));
    assert!(all.ends_with("has more than 100000 entries"), "{all}");
}

fn read_tar(bytes: &[u8]) -> Files {
    let member = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.expect("a sound entry");
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).expect("memory does not fail");
        (String::from_utf8_lossy(&entry.path_bytes()).into_owned(), bytes)
    };
    let mut tar = tar::Archive::new(bytes);
    let entries = tar.entries().expect("a tar").map(member);
    entries.filter(|(name, _)| !name.ends_with('/')).collect()
}

#[test]
fn a_docker_save_of_several_images_is_a_bundle_too() {
    let (shop, cart) = (image("shop"), image("cart"));
    for form in ARCHIVE_FORMS {
        let (_folder, path) = file(&archive(form, &[(&shop, &["plant:5000/shop:1"]), (&cart, &["cart:2"])]));
        let apps = open(&path).expect("a sound archive").into_apps();
        let both = [expected("plant:5000/shop:1", &shop), expected("cart:2", &cart)];
        assert_eq!(content(&apps).expect("sound blobs"), both, "{form:?}");
    }
}

/// After any damage, a bundle is refused or is the same.
fn survives(path: &Path, damaged: &[u8], sound: &[Content], what: &str) {
    fs::write(path, damaged).expect("written");
    if let Ok(read) = open(path).and_then(|bundle| Ok(content(bundle.apps())?)) {
        assert_eq!(read, sound, "{what}");
    }
}

#[test]
fn a_flipped_bit_is_noticed_or_means_nothing() {
    let sound = fs::read(fixture()).expect("the fixture");
    let expected = content(open(&fixture()).expect("sound").apps()).expect("sound");
    let (_folder, path) = file(&[]);
    for (bit, at) in (0..sound.len()).step_by(7).enumerate() {
        let mut damaged = sound.clone();
        damaged[at] ^= 1 << (bit % 8);
        survives(&path, &damaged, &expected, &format!("bit {} of byte {at}", bit % 8));
    }
}

#[test]
fn a_cut_off_bundle_is_refused() {
    let sound = fs::read(fixture()).expect("the fixture");
    // Behind the last archive, whose app is the second of the list, only the end of the tar follows.
    let end = sound.iter().rposition(|&byte| byte != 0).expect("not empty") + 1;
    for length in (0..end).step_by(41) {
        refusal(&sound[..length]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_damage_is_survived(at in any::<usize>(), bytes in any::<[u8; 3]>(), cut in any::<usize>()) {
        let sound = fs::read(fixture()).expect("the fixture");
        let mut damaged = sound.clone();
        let at = at % (sound.len() - bytes.len());
        damaged[at..at + bytes.len()].copy_from_slice(&bytes);
        damaged.truncate(cut % (2 * sound.len()));
        let (_folder, path) = file(&damaged);
        if let Ok(bundle) = open(&path) {
            let expected = content(open(&fixture()).expect("sound").apps()).expect("sound");
            prop_assert_eq!(content(bundle.apps()).expect("checked by then"), expected);
        }
    }
}
