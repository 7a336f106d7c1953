//! What the reader sees in packages: ours, and those of rpmbuild in every compression.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use dam_pack::{Compression, Construct, Entry, Format, KindView, PackageView, ReadError, RelationKind, Role, RoleView};
use proptest::prelude::{ProptestConfig, any, proptest};

use crate::keys::Keys;
use crate::oracle::rpmbuild;
use crate::sample::{Folder, empty, file, full};

/// Reads a package, and the contents of its files by path.
fn read(bytes: &[u8]) -> Result<(PackageView, BTreeMap<String, Vec<u8>>), ReadError> {
    let mut contents = BTreeMap::new();
    let mut visitor = |path: &str, size: u64, content: &mut dyn Read| {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        assert_eq!(bytes.len() as u64, size);
        contents.insert(path.to_owned(), bytes);
        Ok(())
    };
    let view = dam_pack::rpm::read(&mut &*bytes, &mut visitor)?;
    Ok((view, contents))
}

fn fault(bytes: &[u8]) -> String {
    read(bytes).expect_err("damaged").to_string()
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}

#[test]
fn what_is_written_is_read_back() {
    let package = full();
    let (view, contents) = read(&Folder::new().bytes(&package)).expect("a package");
    assert_eq!(view.format, Format::Rpm);
    assert_eq!((view.name.as_str(), view.version.as_str()), ("sample", "2:26.1.5~rc1-1"));
    assert_eq!((view.architecture.as_str(), view.summary.as_str()), ("x86_64", "A sample"));
    assert_eq!(view.description, package.description);
    assert_eq!(view.field("vendor"), Some("Some"));
    assert_eq!(view.field("Build Date"), Some("1700000000"));
    assert_eq!(view.relations(RelationKind::Conflicts), texts(["docker < 3", "docker-ce"]));
    assert_eq!(view.relations(RelationKind::Recommends), texts(["container-selinux >= 2:2.74"]));
    assert_eq!(view.relations(RelationKind::PreDepends), texts(["/bin/sh"]));
    assert_eq!(
        view.relations(RelationKind::Depends)[..3],
        texts(["/bin/sh", "config(sample) = 2:26.1.5~rc1-1", "iptables"])
    );
    assert_eq!(view.changelog[0], "Some One <some@one.example> - 26.1.5~rc1-1\n- one\n- two");
    let places: Vec<_> = view.scripts.iter().map(|script| script.place.as_str()).collect();
    assert_eq!(
        places,
        ["pre", "post", "preun", "postun", "posttrans", "triggerin -- container-selinux", "triggerin -- other"]
    );
    assert!(
        view.scripts.iter().all(|script| script.interpreter == "/bin/sh" && script.text.starts_with("#!/bin/sh\n"))
    );

    let setting = view.entry("/etc/sample/setting").expect("there");
    assert_eq!((setting.mode, setting.role, setting.owner.as_str()), (0o640, RoleView::Config, "root"));
    assert_eq!(view.entry("/usr/bin/b").expect("there").kind, KindView::Link { target: "a".to_owned() });
    assert_eq!(view.entry("/etc/sample").expect("there").kind, KindView::Folder);
    let KindView::File { size: 6, sha256: Some(sum) } = view.entry("/usr/bin/a").expect("there").kind else {
        panic!("a file of six bytes")
    };
    assert_eq!(sum[..4], [0x58, 0x91, 0xb5, 0xb5]);
    assert_eq!(view.entries.len(), 9);
    assert_eq!(contents["/usr/bin/a"], b"hello\n");
    assert_eq!(contents.len(), 7);
}

#[test]
fn how_it_is_made_is_told() {
    let payload = || "payload".to_owned();
    let (view, _) = read(&Folder::new().bytes(&full())).expect("a package");
    assert_eq!(
        view.constructs,
        [
            Construct::SignatureHeader { bytes: 148, tags: 6 },
            Construct::Compressed { part: payload(), by: Compression::Xz },
            Construct::XzMemory { part: payload(), dictionary: 1 << 17 },
            Construct::XzFilter { part: payload(), id: 4 },
            Construct::Digest { of: "header", by: "SHA1" },
            Construct::Digest { of: "header", by: "SHA256" },
            Construct::Digest { of: "header and payload", by: "MD5" },
            Construct::Digest { of: "payload", by: "SHA256" },
            Construct::Digest { of: "files", by: "SHA256" },
        ]
    );
    let (keys, folder) = (Keys::new("rsa2048", ""), Folder::new());
    let path = folder.path().join("x.rpm");
    dam_pack::rpm::write(&empty(), &path, Some(&keys.key()), &mut dam_pack::unwatched).expect("written");
    let (view, _) = read(&fs::read(path).expect("a file")).expect("a package");
    let signed = |tag| Construct::Signature { tag, by: "RSA/SHA256".to_owned() };
    assert!(view.constructs.contains(&signed(268)) && view.constructs.contains(&signed(278)));
}

#[test]
fn packages_of_rpmbuild_are_read_in_every_compression() {
    let ours = read(&Folder::new().bytes(&full())).expect("a package");
    for (payload, by) in [
        ("w6.xzdio", Compression::Xz),
        ("w9.gzdio", Compression::Gzip),
        ("w3.zstdio", Compression::Zstd),
        ("w.ufdio", Compression::None),
    ] {
        let folder = Folder::new();
        let bytes = fs::read(rpmbuild(&full(), folder.path(), payload)).expect("a file");
        let theirs = read(&bytes).unwrap_or_else(|error| panic!("{payload}: {error}"));
        assert!(theirs.0.constructs.contains(&Construct::Compressed { part: "payload".to_owned(), by }), "{payload}");
        assert_eq!(theirs.1, ours.1);
        assert_eq!(theirs.0.entries, ours.0.entries);
        assert_eq!(theirs.0.scripts, ours.0.scripts);
        assert_eq!(theirs.0.changelog, ours.0.changelog);
    }
}

#[test]
fn a_visitor_reads_as_much_as_it_likes() {
    let bytes = Folder::new().bytes(&full());
    let mut seen = Vec::new();
    let mut visitor = |path: &str, _: u64, content: &mut dyn Read| {
        let mut start = [0; 4];
        seen.extend(content.read_exact(&mut start).is_ok_and(|()| start == *b"\x7fELF").then(|| path.to_owned()));
        Ok(())
    };
    dam_pack::rpm::read(&mut bytes.as_slice(), &mut visitor).expect("a package");
    assert_eq!(seen, ["/usr/bin/elf"]);
    let error = dam_pack::rpm::read(&mut bytes.as_slice(), &mut |_, _, _| Err(io::Error::other("enough")));
    assert_eq!(error.expect_err("stopped").to_string(), "cannot look into `/etc/sample/deep/er`");
}

#[test]
fn damage_is_named() {
    let good = Folder::new().bytes(&full());
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        fault(&bytes)
    };
    assert_eq!(changed(0), "lead: it is no binary .rpm");
    assert_eq!(changed(96), "signature header: it does not begin as a header");
    let header = good.windows(3).rposition(|three| three == [0x8e, 0xad, 0xe8]).expect("two headers");
    let text = good[header..].windows(9).position(|text| text == b"It is a t").expect("a description");
    assert_eq!(changed(header + text), "header: it has another digest than the package says");
    assert_eq!(fault(&good[..header + 100]), "header: it ends early");
    assert_eq!(fault(b""), "lead: it ends early");
    assert!(fault(&good[..good.len() - 1]).starts_with("payload: "));
    assert!(changed(good.len() - 1).starts_with("payload: "));
    let longer = [good.as_slice(), b"more"].concat();
    assert!(fault(&longer).starts_with("payload: "), "{}", fault(&longer));
}

#[test]
fn a_file_is_read_from_the_disk() {
    let folder = Folder::new();
    let package = folder.write(&full());
    let mut file = fs::File::open(package).expect("a file");
    dam_pack::rpm::read(&mut file, &mut |_, _, _| Ok(())).expect("a package");
    let error =
        dam_pack::rpm::read(&mut fs::File::open(Path::new("/proc/self")).expect("a folder"), &mut |_, _, _| Ok(()));
    assert!(matches!(error, Err(ReadError::Input(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bytes_are_no_panic(at in any::<proptest::sample::Index>(), byte in any::<u8>(), tail in 0_usize..2000) {
        let good = SAMPLE.with(|sample| sample.clone());
        for at in [at.index(good.len()), at.index(good.len().min(5000)), good.len().saturating_sub(tail + 1)] {
            let mut bytes = good.clone();
            bytes[at] = byte;
            let _ = read(&bytes);
            let _ = read(&bytes[..at]);
        }
    }

    #[test]
    fn any_files_come_back(
        files in proptest::collection::btree_map("/[a-z]{1,3}(/[a-z.+-]{1,4}x){0,3}", proptest::collection::vec(any::<u8>(), 0..300), 0..12),
    ) {
        let entries: Vec<Entry> = files.iter().map(|(path, bytes)| file(path, bytes, 0o644, Role::Plain)).collect();
        let package = dam_pack::Package { entries, ..empty() };
        let (view, contents) = read(&Folder::new().bytes(&package)).expect("a package");
        assert_eq!(contents, files);
        let paths: Vec<_> = view.entries.iter().map(|entry| &entry.path).collect();
        assert!(paths.into_iter().eq(files.keys()));
    }
}

thread_local! {
    static SAMPLE: Vec<u8> = Folder::new().bytes(&full());
}
