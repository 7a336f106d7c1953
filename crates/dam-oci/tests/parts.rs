//! Split files: read as one, and told apart from what is not whole.

use std::fs;
use std::path::{Path, PathBuf};

use dam_oci::archive::{Members, PartName, Parts};
use dam_oci::testing::{ArchiveForm, ImageBuilder, MemoryImage, archive, gzip, zstd};
use dam_oci::{Archive, ArchiveFault, Error, Result};
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use tempfile::TempDir;

fn shop() -> MemoryImage {
    let noise: Vec<u8> = (0..20_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    ImageBuilder::app().layer().file("bin/shop", 0o755, noise).build()
}

/// An archive in each form that matters here: plain, gzip and zstd outside.
fn archives() -> [Vec<u8>; 3] {
    let plain = archive(ArchiveForm::Docker25, &[(&shop(), &["shop:1"])]);
    [gzip(&plain), zstd(&plain), plain]
}

/// A folder with the parts of `bytes`, `size` bytes each.
struct Split(TempDir);

impl Split {
    fn new(bytes: &[u8], size: usize) -> Self {
        let split = Self(tempfile::tempdir().expect("a temp folder"));
        for (at, part) in bytes.chunks(size).enumerate() {
            fs::write(split.part(at + 1), part).expect("space");
        }
        split
    }

    fn part(&self, number: usize) -> PathBuf {
        self.0.path().join(format!("site.dam.{number:03}"))
    }

    fn cut(&self, number: usize, length: u64) {
        let file = fs::OpenOptions::new().write(true).open(self.part(number)).expect("a part");
        file.set_len(length).expect("cut");
    }

    fn remove(&self, number: usize) {
        fs::remove_file(self.part(number)).expect("a part");
    }

    /// What is wrong, and that it is said of the first part.
    fn fault(&self) -> ArchiveFault {
        match read(&self.part(1)) {
            Err(Error::Archive { what, fault }) => {
                assert_eq!(what, format!("`{}`", self.part(1).display()));
                fault
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Reads every blob of the only image.
fn read(path: &Path) -> Result<Vec<Vec<u8>>> {
    let archive = Archive::open(path)?;
    let mut copy = MemoryImage::copy(&*archive.images()[0].image)?;
    Ok(copy.blobs_mut().values().cloned().collect())
}

fn whole() -> Vec<Vec<u8>> {
    MemoryImage::copy(&shop()).expect("sound").blobs_mut().values().cloned().collect()
}

fn missing(part: &str) -> ArchiveFault {
    ArchiveFault::PartMissing { part: part.to_owned() }
}

#[test]
fn parts_of_any_size_are_one_file() {
    let whole = whole();
    for bytes in archives() {
        for size in [61, 300, 511, 512, 513, 1000, 1024, 7777, bytes.len() - 1, bytes.len(), bytes.len() + 1] {
            let split = Split::new(&bytes, size);
            assert_eq!(read(&split.part(1)).expect("sound parts"), whole, "{size}");
        }
    }
}

#[test]
fn the_parts_and_their_length_can_be_asked_for() {
    let split = Split::new(&[7; 2500], 1000);
    let parts = Parts::find(&split.part(1)).expect("sound").expect("parts");
    let list: Vec<_> = parts.list().iter().map(|part| (part.path.clone(), part.length)).collect();
    assert_eq!(list, [(split.part(1), 1000), (split.part(2), 1000), (split.part(3), 500)]);
    assert_eq!(parts.length(), 2500);
    assert_eq!(PartName::read(&split.part(1)).expect("a part").sibling(4), split.part(4));
    assert_eq!(Parts::find(&split.0.path().join("site.dam")).expect("no part"), None);

    let [.., bytes] = archives();
    let split = Split::new(&bytes, 1000);
    let members = Members::open(&split.part(1)).expect("sound parts");
    assert_eq!(members.length(), bytes.len() as u64);
    assert_eq!(members.path(), split.part(1));
    assert_eq!(members.parts().expect("split").list().len(), bytes.len().div_ceil(1000));
}

#[test]
fn a_part_that_is_missing_is_named() {
    for bytes in archives() {
        let size = bytes.len().div_ceil(5);
        let split = Split::new(&bytes, size);
        split.remove(5);
        assert_eq!(split.fault(), missing("site.dam.005"));
        split.remove(3);
        assert_eq!(split.fault(), missing("site.dam.003"));
        split.remove(1);
        assert_eq!(split.fault(), missing("site.dam.001"));
        split.remove(2);
        split.remove(4);
        let error = read(&split.part(1)).expect_err("nothing there");
        assert!(matches!(error, Error::Access { path, .. } if path == split.part(1)));
    }
    let message = missing("site.dam.004").to_string();
    assert_eq!(message, "is incomplete: its part `site.dam.004` is missing");
}

/// A tar may end behind any member, for all that its members say.
#[test]
fn a_last_part_that_begins_with_a_member_is_missed_too() {
    let [.., bytes] = archives();
    for size in (512..bytes.len() - 1024).step_by(512) {
        let split = Split::new(&bytes, size);
        let parts = bytes.len().div_ceil(size);
        split.remove(parts);
        // What is left out may be nothing but the second of the two blocks at the end.
        if bytes[(parts - 1) * size..].iter().any(|&byte| byte != 0) || bytes.len() - (parts - 1) * size >= 1024 {
            assert_eq!(split.fault(), missing(&format!("site.dam.{parts:03}")), "{size}");
        }
    }
}

#[test]
fn a_part_that_is_cut_off_is_named() {
    for bytes in archives() {
        let size = bytes.len() / 4 - 300;
        let split = Split::new(&bytes, size);
        let last = bytes.len().div_ceil(size);
        split.cut(last, 100);
        assert_eq!(split.fault(), ArchiveFault::PartCut { part: format!("site.dam.{last:03}") });
        split.cut(2, 100);
        let part = "site.dam.002".to_owned();
        assert_eq!(split.fault(), ArchiveFault::PartShort { part, found: 100, expected: size as u64 });
        split.cut(1, 0);
        let part = "site.dam.001".to_owned();
        assert_eq!(split.fault(), ArchiveFault::PartShort { part, found: 0, expected: size as u64 });
    }
}

#[test]
fn a_later_part_names_the_first() {
    for bytes in archives() {
        let split = Split::new(&bytes, 1000);
        let fault = |number| match Archive::open(&split.part(number)).err() {
            Some(Error::Archive { what, fault }) => format!("{what} {fault}"),
            other => panic!("{other:?}"),
        };
        let expected = |number| {
            let path = split.part(number).display().to_string();
            format!("`{path}` is a later part of a split file, which begins with `site.dam.001`")
        };
        assert_eq!(fault(2), expected(2));
        // On a stick of its own.
        split.remove(1);
        assert_eq!(fault(2), expected(2));
    }
}

#[test]
fn a_whole_file_may_be_called_like_a_later_part() {
    let [.., bytes] = archives();
    let folder = tempfile::tempdir().expect("a temp folder");
    let path = folder.path().join("shop-1.0.017");
    fs::write(&path, bytes).expect("space");
    assert_eq!(read(&path).expect("whole"), whole());
}

#[test]
fn names_that_are_no_parts_are_passed_over() {
    let [.., bytes] = archives();
    let split = Split::new(&bytes, 10_000);
    for other in ["site.dam.000", "site.dam.0004", "site.dam.old", "other.dam.009", "site.dam", "site.dam.99999999999"]
    {
        fs::write(split.0.path().join(other), "x").expect("space");
    }
    assert_eq!(read(&split.part(1)).expect("sound parts"), whole());
    fs::create_dir(split.part(bytes.len().div_ceil(10_000) + 1)).expect("a folder");
    assert!(matches!(read(&split.part(1)), Err(Error::Archive { fault: ArchiveFault::NotFile, .. })));
}

/// More parts than a process may have open.
#[test]
fn thousands_of_parts_are_read() {
    let [_, _, bytes] = archives();
    let split = Split::new(&bytes, bytes.len() / 3000);
    assert!(split.part(3000).exists());
    let archive = Archive::open(&split.part(1)).expect("sound parts");
    let mut copy = MemoryImage::copy(&*archive.images()[0].image).expect("sound parts");
    assert_eq!(copy.blobs_mut().values().cloned().collect::<Vec<_>>(), whole());
    // Of this archive; other tests may run in this process.
    let is_part = |entry: &fs::DirEntry| fs::read_link(entry.path()).is_ok_and(|path| path.starts_with(split.0.path()));
    let open = fs::read_dir("/proc/self/fd").expect("proc").flatten().filter(is_part);
    assert_eq!(open.count(), 8);
}

#[test]
fn a_part_that_goes_while_it_is_read_is_named() {
    let [.., bytes] = archives();
    let split = Split::new(&bytes, 1000);
    let archive = Archive::open(&split.part(1)).expect("sound parts");
    let count = bytes.len().div_ceil(1000);
    (1..=count).for_each(|number| split.remove(number));
    let gone = MemoryImage::copy(&*archive.images()[0].image).err().expect("gone").to_string();
    assert!(gone.starts_with(&format!("`{}/site.dam.0", split.0.path().display())), "{gone}");
    assert!(gone.ends_with("` cannot be read any further"), "{gone}");
    (1..=count).for_each(|number| fs::write(split.part(number), [0; 999]).expect("space"));
    let changed = MemoryImage::copy(&*archive.images()[0].image).err().expect("changed").to_string();
    assert!(changed.ends_with("is damaged: it changed while it was read"), "{changed}");
    assert!(changed.contains("/site.dam.0"), "{changed}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is missing of whatever parts: an error, or all of it.
    #[test]
    fn cut_parts_are_refused_or_harmless(form in 0..3_usize, size in 40..9000_usize, part in any::<usize>(), keep in any::<usize>()) {
        let bytes = &archives()[form];
        let split = Split::new(bytes, size);
        let part = part % bytes.len().div_ceil(size) + 1;
        split.cut(part, (keep % (size + 1)) as u64);
        if let Ok(found) = read(&split.part(1)) {
            prop_assert!(found == whole());
        }
    }
}
