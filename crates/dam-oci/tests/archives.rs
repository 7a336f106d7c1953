//! Reading image archives of every kind.

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use dam_oci::testing::{ARCHIVE_FORMS, ArchiveForm, ImageBuilder, MemoryImage, archive, gzip, zstd};
use dam_oci::{Archive, Image, Result};
use tempfile::TempDir;

/// A folder for the archives of a test.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temp folder"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("shop.dam")
    }

    fn open(&self, bytes: &[u8]) -> Result<Archive> {
        fs::write(self.path(), bytes).expect("space");
        Archive::open(&self.path())
    }

    fn refusal(&self, bytes: &[u8]) -> String {
        let error = match self.open(bytes) {
            Ok(_) => panic!("opened"),
            Err(error) => error.to_string(),
        };
        error.replace(&self.path().display().to_string(), "shop.dam")
    }
}

fn shop() -> MemoryImage {
    ImageBuilder::app().layer().file("bin/shop", 0o755, "v1").layer().file("etc/shop", 0o644, vec![7; 3000]).build()
}

fn cart() -> MemoryImage {
    // The base is the shop's.
    ImageBuilder::app().layer().file("bin/cart", 0o755, "v2").build()
}

/// A form's archive in each compression; DAM 1.x knows only its own.
fn compressions(form: ArchiveForm, images: &[(&MemoryImage, &[&str])]) -> Vec<Vec<u8>> {
    let bytes = archive(form, images);
    match form {
        ArchiveForm::Dam12 | ArchiveForm::Dam10 => vec![bytes],
        _ => vec![gzip(&bytes), zstd(&bytes), bytes],
    }
}

fn content(image: &dyn Image) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut copy = MemoryImage::copy(image).expect("a sound image");
    let manifest = copy.manifest().clone();
    let mut take = |digest| copy.blobs_mut().get(&digest).expect("copied").clone();
    (take(manifest.config.digest), manifest.layers.iter().map(|layer| take(layer.digest)).collect())
}

#[test]
fn every_form_gives_the_images_back() {
    let desk = Desk::new();
    let (shop, cart) = (shop(), cart());
    for form in ARCHIVE_FORMS {
        let images: [(_, &[_]); 2] = [(&shop, &["plant:5000/shop:1", "shop:1"]), (&cart, &["cart:2"])];
        for bytes in compressions(form, &images) {
            let archive = desk.open(&bytes).unwrap_or_else(|error| panic!("{form:?}: {error}"));
            let names = |at: usize| archive.images()[at].references.iter().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(archive.images().len(), 2, "{form:?}");
            assert_eq!(names(0), ["plant:5000/shop:1", "shop:1"], "{form:?}");
            assert_eq!(names(1), ["cart:2"], "{form:?}");
            assert_eq!(content(&*archive.images()[0].image), content(&shop), "{form:?}");
            assert_eq!(content(&*archive.images()[1].image), content(&cart), "{form:?}");
            if matches!(form, ArchiveForm::Oci | ArchiveForm::Docker25) {
                assert_eq!(archive.images()[0].image.manifest_bytes(), shop.manifest_bytes());
            }
        }
    }
}

/// Name and kind of each entry, as they stand in the headers.
fn headers(gzip: &[u8]) -> Vec<(String, u8)> {
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(gzip).read_to_end(&mut tar).expect("gzip");
    let entry = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
        let entry = entry.expect("a sound entry");
        (String::from_utf8_lossy(&entry.path_bytes()).into_owned(), entry.header().entry_type().as_byte())
    };
    tar::Archive::new(&tar[..]).entries().expect("a tar").map(entry).collect()
}

#[test]
fn the_archives_of_dam_1_are_written_as_it_wrote_them() {
    let image = ImageBuilder::app().build();
    let (new, old) =
        (archive(ArchiveForm::Dam12, &[(&image, &["shop:1"])]), archive(ArchiveForm::Dam10, &[(&image, &[])]));
    assert_eq!(new[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
    let found = headers(&new);
    assert_eq!(found[0], (String::new(), b'5'));
    assert!(found[1..].iter().all(|(name, _)| name.starts_with('/') && !name.ends_with('/')), "{found:?}");
    assert_eq!(found.iter().filter(|(_, kind)| *kind == b'5').count(), 2);
    assert!(found.is_sorted(), "{found:?}");
    let found = headers(&old);
    assert!(found.iter().all(|(name, kind)| name.starts_with('/') && *kind == b'0'), "{found:?}");
}

#[test]
fn what_is_no_archive_is_named() {
    let desk = Desk::new();
    assert_eq!(desk.refusal(b""), "`shop.dam` is empty");
    assert_eq!(desk.refusal(b"PK\x03\x04rest of a zip"), "`shop.dam` is a zip file, not an image archive");
    assert_eq!(desk.refusal(b"hello"), "`shop.dam` is not a tar archive");
    assert_eq!(desk.refusal(&[b'a'; 4096]), "`shop.dam` is not a tar archive");
    assert_eq!(desk.refusal(&gzip(&[b'a'; 4096])), "`shop.dam` is not a tar archive");
    let none = "`shop.dam` holds no image: it has neither `index.json` nor `manifest.json`";
    assert_eq!(desk.refusal(&[0; 10240]), none);
    let folder = Archive::open(desk.0.path()).map(drop).expect_err("a folder").to_string();
    assert!(folder.ends_with("` is not a regular file"), "{folder}");
    assert!(Archive::open(&desk.0.path().join("absent")).is_err());
}
