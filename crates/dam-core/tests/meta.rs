//! `/meta` from untrusted tars, kept and unpacked.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use dam_core::app::HookName;
use dam_core::meta::{EntryFault, Keep, KeptMeta, MetaError};
use dam_core::{Error, Result};
use dam_oci::Digest;
use proptest::prelude::{ProptestConfig, any, prop, proptest};
use tar::EntryType;

/// A tar that says exactly what a test wants, however wrong.
#[derive(Default, Clone)]
struct Tar(Vec<u8>);

impl Tar {
    fn raw(mut self, kind: EntryType, name: &str, mode: u32, content: &[u8], target: &str) -> Self {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_uid(1000);
        header.set_mtime(1_600_000_000);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, mode: u32, content: &str) -> Self {
        self.raw(EntryType::Regular, name, mode, content.as_bytes(), "")
    }

    fn folder(self, name: &str, mode: u32) -> Self {
        self.raw(EntryType::Directory, name, mode, b"", "")
    }

    fn link(self, name: &str, target: &str) -> Self {
        self.raw(EntryType::Symlink, name, 0o777, b"", target)
    }

    fn hard_link(self, name: &str, target: &str) -> Self {
        self.raw(EntryType::Link, name, 0o644, b"", target)
    }

    fn pax(self, records: &[(&str, &str)]) -> Self {
        let mut text = String::new();
        for (key, value) in records {
            let rest = format!(" {key}={value}\n");
            let length = (1..).find(|length| length - length.to_string().len() == rest.len()).expect("some length");
            text.push_str(&format!("{length}{rest}"));
        }
        self.raw(EntryType::XHeader, "PaxHeaders/x", 0o644, text.as_bytes(), "")
    }
}

/// An ordinary `/meta`.
fn shop() -> Tar {
    Tar::default()
        .folder("meta/", 0o755)
        .file("meta/install", 0o755, "#!/bin/sh\necho install\n")
        .file("meta/uninstall", 0o700, "#!/bin/sh\n")
        .file("meta/DESCRIPTION", 0o644, "A shop.\n")
        .folder("meta/empty/", 0o750)
        .folder("meta/config/", 0o555)
        .file("meta/config/shop.conf", 0o640, "port=80\n")
        .link("meta/conf", "config/shop.conf")
        .link("meta/etc", "/etc")
}

struct Test {
    root: tempfile::TempDir,
    keep: Keep,
}

impl Test {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a temp folder");
        let keep = Keep::open(root.path()).expect("a keep");
        Self { root, keep }
    }

    fn try_keep(&self, tar: &Tar) -> Result<Option<KeptMeta>> {
        self.try_keep_bytes(&[tar.0.as_slice(), &[0; 1024]].concat())
    }

    fn try_keep_bytes(&self, bytes: &[u8]) -> Result<Option<KeptMeta>> {
        self.keep.keep(&mut |out| {
            out.write_all(bytes).expect("a spool");
            Ok(true)
        })
    }

    fn keep(&self, tar: &Tar) -> KeptMeta {
        self.try_keep(tar).expect("a sound /meta").expect("a /meta")
    }

    fn target(&self) -> PathBuf {
        let into = self.root.path().join("into");
        fs::create_dir_all(&into).expect("a folder");
        into
    }

    fn kept_file(&self, digest: &Digest) -> PathBuf {
        self.root.path().join(format!("meta/{}.tar", digest.hex()))
    }

    fn kept(&self) -> usize {
        fs::read_dir(self.root.path().join("meta")).expect("a folder").count()
    }
}

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().expect("it is there").permissions().mode() & 0o7777
}

/// Keeps `tar` and returns the entry and the fault for which it was refused.
fn refused(tar: Tar) -> (String, EntryFault) {
    let test = Test::new();
    let end = test.try_keep(&tar);
    assert_eq!(test.kept(), 0, "nothing may stay of what was refused");
    match end {
        Err(Error::Meta(MetaError::Entry { entry, fault })) => (entry, fault),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_kept_says_what_it_holds() {
    let test = Test::new();
    let kept = test.keep(&shop());
    assert_eq!(kept.hooks, [HookName::Install, HookName::Uninstall]);
    assert_eq!(kept.description.as_deref(), Some("A shop.\n"));
    assert_eq!(test.keep.get(&kept.digest).expect("kept"), kept);
    let bytes = fs::read(test.kept_file(&kept.digest)).expect("kept");
    assert_eq!(Digest::of(&bytes), kept.digest);
    assert_eq!(mode(&test.root.path().join("meta")), 0o700);
    assert_eq!(mode(&test.kept_file(&kept.digest)), 0o600);
}

#[test]
fn modes_links_and_empty_folders_survive() {
    let test = Test::new();
    let kept = test.keep(&shop().file("meta/suid", 0o6755, ""));
    let meta = test.keep.unpack(&kept.digest, &test.target()).expect("unpacked");
    assert_eq!(meta, test.target().join("meta"));
    for (name, expected) in [
        ("install", 0o755),
        ("uninstall", 0o700),
        ("DESCRIPTION", 0o644),
        ("config/shop.conf", 0o640),
        ("empty", 0o750),
        ("suid", 0o755),
        // A folder is always the owner's to write in.
        ("config", 0o755),
    ] {
        assert_eq!(mode(&meta.join(name)), expected, "{name}");
    }
    assert_eq!(fs::read_link(meta.join("conf")).expect("a link"), Path::new("config/shop.conf"));
    assert_eq!(fs::read_link(meta.join("etc")).expect("a link"), Path::new("/etc"));
    assert_eq!(fs::read_dir(meta.join("empty")).expect("a folder").count(), 0);
    assert_eq!(fs::read(meta.join("install")).expect("a file"), b"#!/bin/sh\necho install\n");
    assert!(test.keep.unpack(&kept.digest, &test.target()).is_err(), "never over what is there");
}

#[test]
fn links_keep_their_text() {
    let test = Test::new();
    let long = format!("{}//x/", "a/".repeat(70));
    for target in [".", "./", "..", "a//b/", "/", "//", "/etc/../x", " ", "../../../etc/passwd"] {
        let kept = test.keep(&Tar::default().link("meta/link", target));
        let into = tempfile::tempdir().expect("a temp folder");
        let meta = test.keep.unpack(&kept.digest, into.path()).expect("unpacked");
        assert_eq!(fs::read_link(meta.join("link")).expect("a link").as_os_str(), target);
    }
    let tar = Tar::default().pax(&[("linkpath", &long)]).link("meta/link", "x");
    let meta = test.keep.unpack(&test.keep(&tar).digest, &test.target()).expect("unpacked");
    assert_eq!(fs::read_link(meta.join("link")).expect("a link"), Path::new(&long));
}

#[test]
fn the_same_meta_has_the_same_digest_whatever_tar_it_came_in() {
    let long = format!("meta/{}/{}", "a".repeat(80), "b".repeat(80));
    let gnu = Tar::default()
        .raw(EntryType::GNULongName, "././@LongLink", 0, format!("{long}\0").as_bytes(), "")
        .file("meta/a", 0o644, "long")
        .raw(EntryType::GNULongLink, "././@LongLink", 0, format!("{long}\0").as_bytes(), "")
        .link("meta/link", "short")
        .file("meta/one", 0o600, "1")
        .hard_link("meta/two", "meta/one");
    let pax = Tar::default()
        .file("./meta/two", 0o600, "1")
        .hard_link("meta/one", "meta/two")
        .pax(&[("linkpath", &long), ("mtime", "1.5")])
        .link("meta/link", "short")
        .pax(&[("path", &long), ("SCHILY.xattr.user.a", "1")])
        .file("meta/a", 0o644, "long")
        .folder("meta", 0o755)
        .folder("meta", 0o755);
    let test = Test::new();
    assert_eq!(test.keep(&gnu), test.keep(&pax));
    assert_eq!(test.kept(), 1);
    assert_ne!(test.keep(&gnu).digest, test.keep(&gnu.file("meta/three", 0o644, "")).digest);
}

#[test]
fn what_is_kept_kept_again_is_the_same() {
    let test = Test::new();
    let kept = test.keep(&shop());
    let bytes = fs::read(test.kept_file(&kept.digest)).expect("kept");
    assert_eq!(test.keep(&Tar(bytes)), kept);
}

#[test]
fn an_image_without_meta_has_none() {
    let test = Test::new();
    assert_eq!(test.keep.keep(&mut |_| Ok(false)).expect("no error"), None);
    assert_eq!(test.try_keep(&Tar::default()).expect("no error"), None);
    let failed = test.keep.keep(&mut |_| Err(Error::Cancelled));
    assert!(matches!(failed, Err(Error::Cancelled)));
    assert_eq!(test.kept(), 0);
}

#[test]
fn names_outside_meta_are_refused() {
    for name in ["../meta/x", "/meta/x", "etc/passwd", "meta/../../etc/passwd", "meta/..", "metal", "meta//x", "/"] {
        assert_eq!(refused(shop().file(name, 0o644, "")), (name.to_owned(), EntryFault::Name));
    }
    let escape = shop().pax(&[("path", "meta/../../x")]).file("meta/fine", 0o644, "");
    assert_eq!(refused(escape), ("meta/../../x".to_owned(), EntryFault::Name));
    let long = shop().raw(EntryType::GNULongName, "././@LongLink", 0, &[b'a'; 5000], "").file("x", 0o644, "");
    assert_eq!(refused(long).1, EntryFault::Name);
}

#[test]
fn devices_and_strange_kinds_are_refused() {
    for kind in [EntryType::Char, EntryType::Block, EntryType::Fifo] {
        let tar = shop().raw(kind, "meta/x", 0o644, b"", "");
        assert_eq!(refused(tar), ("meta/x".to_owned(), EntryFault::Device));
    }
    let sparse = shop().raw(EntryType::GNUSparse, "meta/x", 0o644, b"", "");
    assert_eq!(refused(sparse), ("meta/x".to_owned(), EntryFault::Kind(b'S')));
}

#[test]
fn pax_records_that_change_the_content_are_refused() {
    let sparse = shop().pax(&[("GNU.sparse.major", "1")]).file("meta/x", 0o644, "");
    assert_eq!(refused(sparse).1, EntryFault::Pax);
    let size = shop().pax(&[("size", "1024")]).file("meta/x", 0o644, "one");
    assert_eq!(refused(size), ("meta/x".to_owned(), EntryFault::Pax));
    let global = shop().raw(EntryType::XGlobalHeader, "g", 0o644, b"17 path=meta/abc\n", "");
    assert_eq!(refused(global), ("g".to_owned(), EntryFault::Pax));
    for broken in ["x", "5", "99 path=a\n", "0 a=b\n", "6 path\n", "8 path=a", "18446744073709551615 a=b\n"] {
        let tar = shop().raw(EntryType::XHeader, "x", 0o644, broken.as_bytes(), "");
        assert_eq!(refused(tar).1, EntryFault::Pax, "{broken}");
    }
}

#[test]
fn two_truths_about_one_name_are_refused() {
    let twice = |name: &str| (name.to_owned(), EntryFault::Twice);
    assert_eq!(refused(shop().file("meta/install", 0o755, "other")), twice("meta/install"));
    assert_eq!(refused(shop().folder("meta/install/", 0o755)), twice("meta/install"));
    assert_eq!(refused(shop().folder("meta/empty", 0o700)), twice("meta/empty"));
    assert_eq!(refused(shop().hard_link("meta/install", "meta/uninstall")), twice("meta/install"));
}

#[test]
fn nothing_lies_below_what_is_no_folder() {
    let below = |name: &str| (name.to_owned(), EntryFault::NotFolder);
    assert_eq!(refused(shop().file("meta/install/x", 0o644, "")), below("meta/install"));
    assert_eq!(refused(shop().file("meta/etc/passwd", 0o644, "root::0")), below("meta/etc"));
    assert_eq!(refused(Tar::default().link("meta", "/etc").file("meta/passwd", 0o644, "")), below("meta"));
    assert_eq!(refused(Tar::default().link("meta", "/etc")), below("meta"));
}

#[test]
fn hard_links_stay_inside() {
    for target in ["/etc/passwd", "../x", "meta/no", "meta/empty", "meta/etc", "meta/x"] {
        let fault = EntryFault::HardLink(target.to_owned());
        assert_eq!(refused(shop().hard_link("meta/x", target)), ("meta/x".to_owned(), fault));
    }
    let ring = shop().hard_link("meta/x", "meta/y").hard_link("meta/y", "meta/x");
    assert!(matches!(refused(ring).1, EntryFault::HardLink(_)));
}

#[test]
fn links_lead_hooks_astray_only_inside() {
    let test = Test::new();
    let hooks = |tar: &Tar| test.keep(tar).hooks;
    let base = || Tar::default().folder("meta/bin/", 0o755).file("meta/bin/run", 0o755, "");
    assert_eq!(hooks(&base().link("meta/b", "bin").link("meta/install", "./b/../bin/run")), [HookName::Install]);
    for target in ["/bin/true", "../../../bin/true", "install", "bin", "nowhere", "bin/run/x"] {
        assert_eq!(hooks(&base().link("meta/install", target)), [], "{target}");
    }
}

#[test]
fn bombs_are_refused() {
    let test = Test::new();
    let mut many = tar::Builder::new(Vec::new());
    for number in 0..=100_000 {
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.set_mode(0o644);
        many.append_data(&mut header, format!("meta/{number}"), std::io::empty()).expect("memory does not fail");
    }
    let end = test.try_keep(&Tar(many.into_inner().expect("memory does not fail")));
    assert!(matches!(end, Err(Error::Meta(MetaError::TooMany { limit: 100_000 }))), "{end:?}");

    // 40 hard links to 60 MB would be 2.4 GB on disk.
    let mut bomb = Tar::default().raw(EntryType::Regular, "meta/x", 0o644, &vec![0; 60_000_000], "");
    for number in 0..40 {
        bomb = bomb.hard_link(&format!("meta/{number}"), "meta/x");
    }
    assert!(matches!(test.try_keep(&bomb), Err(Error::Meta(MetaError::TooLarge { .. }))));
    assert_eq!(test.kept(), 0);
}

#[test]
fn a_tar_that_breaks_off_is_refused() {
    let test = Test::new();
    let mut whole = Tar::default().file("meta/install", 0o755, &"x".repeat(1000)).0;
    whole.extend([0; 512]);
    assert!(test.try_keep_bytes(&whole).is_ok());
    for length in [0, 100, 512, 600, 1535, 1536, 2000] {
        let end = test.try_keep_bytes(&whole[..length]);
        assert!(matches!(end, Err(Error::Meta(MetaError::Tar(_)))), "{length}: {end:?}");
    }
    whole[5] ^= 1;
    assert!(matches!(test.try_keep_bytes(&whole), Err(Error::Meta(MetaError::Tar(_)))));
}

#[test]
fn a_changed_copy_is_noticed_before_anything_is_written() {
    let test = Test::new();
    let digest = test.keep(&shop()).digest;
    let hostile = Tar::default().link("meta", "/").file("../escaped", 0o644, "x").file("meta/x", 0o644, "x");
    for bytes in [hostile.0, shop().0, Vec::new()] {
        fs::write(test.kept_file(&digest), bytes).expect("a write");
        let end = test.keep.unpack(&digest, &test.target());
        assert!(matches!(end, Err(Error::Meta(MetaError::Changed { .. }))), "{end:?}");
        assert!(matches!(test.keep.get(&digest), Err(Error::Meta(MetaError::Changed { .. }))));
        assert_eq!(fs::read_dir(test.target()).expect("a folder").count(), 0);
        assert!(!test.root.path().join("escaped").exists());
    }
    assert_eq!(test.keep(&shop()).digest, digest);
    assert!(test.keep.get(&digest).is_ok(), "keeping it again mends it");
}

#[test]
fn a_hostile_copy_with_the_right_digest_is_refused_too() {
    let test = Test::new();
    let hostile = Tar::default().link("meta", "/").file("meta/x", 0o644, "x");
    let hostile = [hostile.0.as_slice(), &[0; 1024]].concat();
    let digest = Digest::of(&hostile);
    fs::write(test.kept_file(&digest), hostile).expect("a write");
    assert!(matches!(test.keep.unpack(&digest, &test.target()), Err(Error::Meta(MetaError::Entry { .. }))));
}

#[test]
fn unpacking_never_goes_through_a_link_that_is_already_there() {
    let test = Test::new();
    let digest = test.keep(&shop()).digest;
    let outside = test.root.path().join("outside");
    fs::create_dir(&outside).expect("a folder");
    std::os::unix::fs::symlink(&outside, test.target().join("meta")).expect("a link");
    assert!(test.keep.unpack(&digest, &test.target()).is_err());
    let link = test.root.path().join("link");
    std::os::unix::fs::symlink(&outside, &link).expect("a link");
    assert!(test.keep.unpack(&digest, &link).is_err());
    assert_eq!(fs::read_dir(&outside).expect("a folder").count(), 0);
}

#[test]
fn files_are_read_for_showing() {
    let test = Test::new();
    let digest = test.keep(&shop().file("meta/large", 0o644, &"x".repeat(2_000_000))).digest;
    let read = |name: &str| test.keep.read_file(&digest, name).expect("kept");
    assert_eq!(read("install").expect("a file"), b"#!/bin/sh\necho install\n");
    assert_eq!(read("conf").expect("a link to a file"), b"port=80\n");
    assert_eq!(read("large").expect("a file").len(), 1 << 20);
    for name in ["health", "empty", "etc/passwd", "../../etc/passwd", ""] {
        assert_eq!(read(name), None, "{name}");
    }
}

#[test]
fn a_description_is_text_of_at_most_64_kib() {
    let test = Test::new();
    let description = |content: &[u8]| {
        let tar = Tar::default().raw(EntryType::Regular, "meta/DESCRIPTION", 0o644, content, "");
        test.keep(&tar).description.expect("a description")
    };
    assert_eq!(description("ü".repeat(40_000).as_bytes()), "ü".repeat(32_768));
    assert_eq!(description(format!("x{}", "ü".repeat(40_000)).as_bytes()), format!("x{}", "ü".repeat(32_767)));
    assert_eq!(description(b"a\xffb"), "a\u{fffd}b");
    assert_eq!(description(b""), "");
}

#[test]
fn what_nobody_needs_is_forgotten() {
    let test = Test::new();
    let one = test.keep(&shop()).digest;
    let two = test.keep(&Tar::default().file("meta/install", 0o755, "")).digest;
    fs::write(test.root.path().join("meta/.new-half-written"), "").expect("a write");
    test.keep.forget_all_but(&BTreeSet::from([one])).expect("forgotten");
    assert_eq!(test.kept(), 1);
    assert!(test.keep.get(&one).is_ok());
    assert!(matches!(test.keep.get(&two), Err(Error::Meta(MetaError::Gone { .. }))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        let _ = Test::new().try_keep_bytes(&bytes);
    }

    #[test]
    fn a_damaged_tar_is_refused_or_stays_inside(at in 0..6000usize, value in any::<u8>(), repair in any::<bool>()) {
        let mut tar = shop().0;
        let at = at % tar.len();
        tar[at] = value;
        if repair {
            // A right checksum lets the damage through to what lies behind it.
            let block = at / 512 * 512;
            let header = tar::Header::from_byte_slice(&tar[block..block + 512]);
            let mut header = header.clone();
            header.set_cksum();
            tar[block..block + 512].copy_from_slice(header.as_bytes());
        }
        let test = Test::new();
        if let Ok(Some(kept)) = test.try_keep(&Tar(tar)) {
            let meta = test.keep.unpack(&kept.digest, &test.target()).expect("what is kept can be unpacked");
            assert!(meta.symlink_metadata().expect("it is there").is_dir());
        }
        let mut names: Vec<_> = fs::read_dir(test.root.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
        names.retain(|name| name != "meta" && name != "into");
        assert!(names.is_empty(), "{names:?}");
    }
}
