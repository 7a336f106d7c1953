//! Damaged archives: whatever is opened and read to its end is an error or exactly what was written.

use std::fs;
use std::path::Path;

use dam_oci::testing::{ARCHIVE_FORMS, ArchiveForm, ImageBuilder, MemoryImage, archive, gzip, zstd};
use dam_oci::{Archive, Digest, Image, Result};
use proptest::prelude::{ProptestConfig, any, prop, proptest};

/// Config and layers of an image, by content.
type Content = Vec<Digest>;

fn images() -> [MemoryImage; 2] {
    let noise: Vec<u8> = (0..20_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let shop = ImageBuilder::app().layer().file("bin/shop", 0o755, &noise).label("DAM_APP_FAMILY", "shop").build();
    let cart = ImageBuilder::app().layer().file("bin/cart", 0o755, &noise[..5000]).build();
    [shop, cart]
}

fn content(image: &dyn Image) -> Result<Content> {
    let mut copy = MemoryImage::copy(image)?;
    let manifest = copy.manifest().clone();
    let blobs = manifest.layers.iter().chain([&manifest.config]);
    Ok(blobs.map(|blob| Digest::of(&copy.blobs_mut()[&blob.digest])).collect())
}

fn read(path: &Path) -> Result<Vec<Content>> {
    Archive::open(path)?.images().iter().map(|image| content(&*image.image)).collect()
}

/// Every kind of archive there is, with a name for messages.
fn kinds() -> Vec<(String, Vec<u8>)> {
    let [shop, cart] = images();
    let written = |form| archive(form, &[(&shop, &["plant:5000/shop:1"]), (&cart, &["cart:2"])]);
    let mut kinds = Vec::new();
    for form in ARCHIVE_FORMS {
        let bytes = written(form);
        if !matches!(form, ArchiveForm::Dam12 | ArchiveForm::Dam10) {
            kinds.push((format!("{form:?} in gzip"), gzip(&bytes)));
            kinds.push((format!("{form:?} in zstd"), zstd(&bytes)));
        }
        kinds.push((format!("{form:?}"), bytes));
    }
    kinds
}

struct Bench {
    folder: tempfile::TempDir,
    originals: Vec<Content>,
}

impl Bench {
    fn new() -> Self {
        let originals = images().iter().map(|image| content(image).expect("sound")).collect();
        Self { folder: tempfile::tempdir().expect("a temp folder"), originals }
    }

    /// Returns whether the archive was refused; panics if it was read as something else.
    fn refused(&self, bytes: &[u8], what: &str) -> bool {
        let path = self.folder.path().join("shop.dam");
        fs::write(&path, bytes).expect("space");
        match read(&path) {
            Err(error) => {
                assert!(!error.to_string().contains('\n'), "{what}: {error}");
                true
            }
            Ok(found) => {
                assert!(!found.is_empty(), "{what}: no images");
                assert!(found.iter().all(|image| self.originals.contains(image)), "{what}: other content");
                false
            }
        }
    }
}

#[test]
fn cut_at_200_places() {
    let bench = Bench::new();
    for (kind, bytes) in kinds() {
        assert!(!bench.refused(&bytes, &kind), "{kind}");
        let mut refused = 0;
        for step in 0..200 {
            let at = bytes.len() * step / 200;
            refused += usize::from(bench.refused(&bytes[..at], &format!("{kind} cut at {at}")));
        }
        // A plain tar may lose the padding behind its last member, a compressed stream nothing.
        assert!(
            refused >= if kind.contains(" in ") || kind.starts_with("Dam") { 200 } else { 190 },
            "{kind}: {refused}"
        );
    }
}

#[test]
fn a_bit_flipped_in_each_member() {
    let bench = Bench::new();
    for (kind, bytes) in kinds().into_iter().filter(|(kind, _)| !kind.contains(" in ") && !kind.starts_with("Dam")) {
        let mut places = Vec::new();
        for entry in tar::Archive::new(&bytes[..]).entries().expect("a tar") {
            let entry = entry.expect("a sound entry");
            let (header, content, size) = (entry.raw_header_position(), entry.raw_file_position(), entry.size());
            places.extend([0, 20, 101, 125, 140, 150, 156, 157, 260, 300].map(|at| header + at));
            if size > 0 {
                places.extend([0, size / 3, size / 2, size - 1].map(|at| content + at));
            }
        }
        assert!(places.len() > 60, "{kind}");
        for (number, at) in places.into_iter().enumerate() {
            let mut bytes = bytes.clone();
            bytes[at as usize] ^= 1 << (number % 8);
            bench.refused(&bytes, &format!("{kind} flipped at {at}"));
        }
    }
}

#[test]
fn a_bit_flipped_under_compression() {
    let bench = Bench::new();
    for (kind, bytes) in kinds().into_iter().filter(|(kind, _)| kind.contains(" in ") || kind.starts_with("Dam")) {
        let mut refused = 0;
        for step in 0..200 {
            let at = bytes.len() * step / 200;
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << (step % 8);
            refused += usize::from(bench.refused(&bytes, &format!("{kind} flipped at {at}")));
        }
        // Only what stands in the header of the compression may be other.
        assert!(refused >= 195, "{kind}: {refused}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn changes_with_mended_checksums_do_no_harm(
        form in prop::sample::select(&[ArchiveForm::Docker20, ArchiveForm::Docker25, ArchiveForm::Oci][..]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..512_usize, any::<u8>()), 1..4),
    ) {
        let [shop, cart] = images();
        let mut bytes = archive(form, &[(&shop, &["shop:1"]), (&cart, &["cart:2"])]);
        let headers: Vec<u64> = tar::Archive::new(&bytes[..])
            .entries()
            .expect("a tar")
            .map(|entry| entry.expect("a sound entry").raw_header_position())
            .collect();
        for (header, at, value) in changes {
            let start = *header.get(&headers) as usize;
            let block = &mut bytes[start..start + 512];
            block[at] = value;
            let mut header = tar::Header::from_byte_slice(block).clone();
            header.set_cksum();
            block.copy_from_slice(header.as_bytes());
        }
        Bench::new().refused(&bytes, "changed headers");
    }
}
