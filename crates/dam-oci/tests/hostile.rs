//! Archives that were made to do harm, or that are merely strange.

use std::fs;
use std::io::{self, Read, Write};

use dam_oci::archive::{self, ArchiveWriter, Member, Members};
use dam_oci::testing::{ArchiveForm, ImageBuilder, archive};
use dam_oci::{Archive, Descriptor, Image, Platform, Reference, media_type};
use serde_json::{Value, json};
use tar::EntryType;

/// Builds a tar from headers that no sane program writes.
#[derive(Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn entry(mut self, kind: EntryType, name: &[u8], link: &str, content: &[u8]) -> Self {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.as_ustar_mut().expect("made as ustar").name[..name.len()].copy_from_slice(name);
        header.set_link_name_literal(link).expect("short");
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(EntryType::Regular, name.as_bytes(), "", content)
    }

    fn refusal(&self) -> String {
        refusal(&self.0)
    }
}

/// Zeros without end; `io::repeat` sets them one by one, which an unoptimised build feels.
struct Zeros;

impl Read for Zeros {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(0);
        Ok(buffer.len())
    }
}

fn open<T>(bytes: &[u8], look: impl FnOnce(dam_oci::Result<Archive>) -> T) -> T {
    let folder = tempfile::tempdir().expect("a temp folder");
    let path = folder.path().join("shop.dam");
    fs::write(&path, bytes).expect("space");
    look(Archive::open(&path))
}

/// What is said of an archive, behind its name.
fn refusal(bytes: &[u8]) -> String {
    let error = open(bytes, |opened| opened.map(drop).expect_err("refused")).to_string();
    let (name, rest) = error.split_once("` ").unwrap_or_else(|| panic!("names the archive: {error}"));
    assert!(name.ends_with("shop.dam"), "{error}");
    rest.to_owned()
}

#[test]
fn names_that_climb_are_refused() {
    assert_eq!(Tar::default().file("../a", b"").refusal(), "is refused: the name `../a` has a `..` in it");
    assert_eq!(Tar::default().file("a/../b", b"").refusal(), "is refused: the name `a/../b` has a `..` in it");
    assert_eq!(Tar::default().file("/", b"x").refusal(), "is refused: the name `/` is empty");
    let bytes = Tar::default().entry(EntryType::Regular, b"a\xffb", "", b"");
    assert_eq!(bytes.refusal(), "is refused: the name `a\u{fffd}b` is not UTF-8 text");
}

#[test]
fn links_that_leave_are_refused() {
    let link = |kind, target| Tar::default().entry(kind, b"a/layer.tar", target, b"").refusal();
    let outside = |target| format!("is refused: `a/layer.tar` links to `{target}`, outside of the archive");
    assert_eq!(link(EntryType::Symlink, "/etc/passwd"), outside("/etc/passwd"));
    assert_eq!(link(EntryType::Symlink, "../../etc/passwd"), outside("../../etc/passwd"));
    assert_eq!(link(EntryType::Link, "../b"), outside("../b"));
}

#[test]
fn links_in_a_circle_are_told() {
    let tar = Tar::default().entry(EntryType::Symlink, b"manifest.json", "index.json", b"").entry(
        EntryType::Symlink,
        b"index.json",
        "manifest.json",
        b"",
    );
    assert_eq!(tar.refusal(), "is damaged: `index.json` links to nothing");
}

#[test]
fn what_is_no_content_is_refused() {
    let special = |kind| Tar::default().entry(kind, b"a", "", b"").refusal();
    assert_eq!(special(EntryType::Char), "is refused: `a` is a device");
    assert_eq!(special(EntryType::Block), "is refused: `a` is a device");
    assert_eq!(special(EntryType::Fifo), "is refused: `a` is a pipe");
    assert_eq!(special(EntryType::GNUSparse), "is refused: `a` is a file with holes in GNU's packed form");
    assert_eq!(special(EntryType::new(b'M')), "is refused: `a` is of an unknown kind");
    let sparse = Tar::default().entry(EntryType::XHeader, b"pax", "", b"22 GNU.sparse.major=1\n").file("a", b"packed");
    assert_eq!(sparse.refusal(), "is refused: `a` is a file with holes in GNU's packed form");
}

#[test]
fn two_members_of_one_name_are_refused() {
    let tar = Tar::default().file("manifest.json", b"[]").file("./manifest.json", b"[]");
    assert_eq!(tar.refusal(), "is refused: `manifest.json` is in it twice");
}

#[test]
fn damaged_headers_are_told_with_their_place() {
    let mut tar = Tar::default().file("a", b"x").file("b", b"");
    tar.0[1024] ^= 1;
    assert_eq!(tar.refusal(), "is damaged: the header at byte 1024 does not match its checksum");
    tar.0.truncate(1500);
    assert_eq!(tar.refusal(), "is damaged: it breaks off in the header at byte 1024");
    let tar = Tar::default().file("a", &[7; 1000]);
    assert_eq!(refusal(&tar.0[..1494]), "is damaged: `a` ends 18 bytes early");
    let global = Tar::default().entry(EntryType::XGlobalHeader, b"pax", "", b"11 size=99\n").file("a", b"");
    assert_eq!(global.refusal(), "is damaged: the header at byte 0 sets names or sizes for all entries");
    let lost = Tar::default().entry(EntryType::GNULongName, b"long", "", b"name\0");
    assert_eq!(lost.refusal(), "is damaged: the header at byte 1024 describes an entry that does not follow");
}

#[test]
fn a_million_entries_are_too_many() {
    let folder = Tar::default().entry(EntryType::Directory, b"a/", "", b"");
    let mut out = zstd::Encoder::new(Vec::new(), 1).expect("level 1 is there");
    let thousand = folder.0.repeat(1000);
    (0..1000).for_each(|_| out.write_all(&thousand).expect("memory does not fail"));
    assert_eq!(refusal(&out.finish().expect("memory does not fail")), "has more than 100000 entries");
}

#[test]
fn bombs_are_passed_over_without_being_kept() {
    let bomb = |name: &str, size: u64| {
        let mut out = zstd::Encoder::new(Vec::new(), 1).expect("level 1 is there");
        let mut tar = ArchiveWriter::new(&mut out);
        tar.add_stream(name, size, &mut Zeros.take(size)).expect("memory does not fail");
        tar.finish().expect("memory does not fail");
        out.finish().expect("memory does not fail")
    };
    let big = 1 << 28;
    assert_eq!(refusal(&bomb("a", big)), "holds no image: it has neither `index.json` nor `manifest.json`");
    let large = "is damaged: `index.json` has 268435456 bytes, more than the 4194304 that are read";
    assert_eq!(refusal(&bomb("index.json", big)), large);
    // Nothing but zeros behind the end.
    let mut out = zstd::Encoder::new(Vec::new(), 1).expect("level 1 is there");
    io::copy(&mut Zeros.take(big), &mut out).expect("memory does not fail");
    let endless = "is damaged: the header at byte 512 is the last, but a lot follows";
    assert_eq!(refusal(&out.finish().expect("memory does not fail")), endless);
}

#[test]
fn what_a_manifest_names_must_be_there() {
    let config = br#"{"rootfs":{"type":"layers","diff_ids":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}}"#;
    let manifest = |text: &str| Tar::default().file("manifest.json", text.as_bytes()).file("c.json", config);
    let no_config = manifest(r#"[{"Config":"d.json","RepoTags":null,"Layers":[]}]"#);
    assert_eq!(no_config.refusal(), "is damaged: image config (`d.json`) is missing");
    let no_layer = manifest(r#"[{"Config":"c.json","RepoTags":["shop:1"],"Layers":["a/layer.tar"]}]"#);
    assert_eq!(no_layer.refusal(), "is damaged: layer 1 (`a/layer.tar`) is missing");
    let too_few = manifest(r#"[{"Config":"c.json","RepoTags":["shop:1"],"Layers":null}]"#);
    assert_eq!(too_few.refusal(), "is damaged: `manifest.json` lists 0 layers and the config 1");
    let climbing = manifest(r#"[{"Config":"../c.json","Layers":[]}]"#);
    assert_eq!(climbing.refusal(), "is refused: the name `../c.json` has a `..` in it");
    let error = open(&manifest("{").0, |opened| opened.map(drop).expect_err("no JSON").to_string());
    assert!(error.starts_with("`manifest.json` in `") && error.ends_with("shop.dam` cannot be read"), "{error}");
}

/// An OCI layout whose `index.json` is as given, with the blobs of `documents`.
fn layout(index: &Value, documents: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = ArchiveWriter::new(Vec::new());
    tar.add_bytes("index.json", index.to_string().as_bytes()).expect("memory does not fail");
    for document in documents {
        let name = format!("blobs/sha256/{}", Descriptor::of("", document).digest.hex());
        tar.add_bytes(&name, document).expect("memory does not fail");
    }
    tar.finish().expect("memory does not fail")
}

fn index(entries: &[Value]) -> Value {
    json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": entries })
}

fn entry(media_type: &str, document: &[u8], platform: Option<&str>) -> Value {
    let mut entry = Descriptor::of(media_type, document);
    entry.platform = platform.map(|platform| platform.parse().expect("a platform"));
    json!(entry)
}

#[test]
fn the_part_for_this_machine_is_chosen() {
    let host = Platform::host().to_string();
    let config = |text: &str| format!(r#"{{"os":"{text}","rootfs":{{"type":"layers","diff_ids":[]}}}}"#).into_bytes();
    let (ours, theirs) = (config("ours"), config("theirs"));
    let manifest = |config: &[u8]| {
        let config = entry(media_type::CONFIG, config, None);
        json!({ "schemaVersion": 2, "config": config, "layers": [] }).to_string().into_bytes()
    };
    let (our, their) = (manifest(&ours), manifest(&theirs));
    let inner = |entries: &[Value]| index(entries).to_string().into_bytes();
    let both = inner(&[
        entry(media_type::MANIFEST, &their, Some("plan9/mips")),
        entry(media_type::MANIFEST, &our, Some(&host)),
        entry(media_type::MANIFEST, b"build record", Some("unknown/unknown")),
    ]);
    let nested = inner(&[entry(media_type::INDEX, &both, None)]);
    let outer = index(&[entry(media_type::INDEX, &nested, None)]);
    let documents = [ours.clone(), our.clone(), both.clone(), nested];
    open(&layout(&outer, &documents), |opened| {
        let archive = opened.expect("an archive");
        assert_eq!(archive.images().len(), 1);
        assert_eq!(archive.images()[0].image.manifest_bytes(), our);
    });
    // Side by side in `index.json` itself.
    let beside = index(&[
        entry(media_type::MANIFEST, &their, Some("plan9/mips")),
        entry(media_type::MANIFEST, &our, Some(&host)),
    ]);
    open(&layout(&beside, &documents), |opened| assert_eq!(opened.expect("an archive").images().len(), 1));
    let foreign = inner(&[
        entry(media_type::MANIFEST, &their, Some("plan9/mips")),
        entry(media_type::MANIFEST, &our, Some("plan9/arm")),
    ]);
    let outer = index(&[entry(media_type::INDEX, &foreign, None)]);
    let said = refusal(&layout(&outer, &[foreign]));
    assert_eq!(said, format!("has no image for {host}, only for plan9/mips, plan9/arm"));
    let mut deep = inner(&[entry(media_type::MANIFEST, &our, None)]);
    let mut documents = vec![deep.clone()];
    for _ in 0..5 {
        deep = inner(&[entry(media_type::INDEX, &deep, None)]);
        documents.push(deep.clone());
    }
    let outer = index(&[entry(media_type::INDEX, &deep, None)]);
    assert_eq!(refusal(&layout(&outer, &documents)), "is damaged: its indexes are nested more than 4 deep");
    let outer = index(&[entry(media_type::MANIFEST, &our, None)]);
    assert!(refusal(&layout(&outer, &[])).starts_with("is damaged: manifest (`blobs/sha256/"));
}

#[test]
fn lists_without_end_are_refused() {
    let names: Vec<String> = (0..10_000).map(|at| format!("shop:{at}")).collect();
    let manifest = json!([{ "Config": "c.json", "RepoTags": names, "Layers": [] }]).to_string();
    let said = "is refused: `manifest.json` lists more than 10000 images and names";
    assert_eq!(Tar::default().file("manifest.json", manifest.as_bytes()).refusal(), said);
}

#[test]
fn layers_left_out_are_listed() {
    let image = ImageBuilder::app().layer().file("bin/shop", 0o755, "v1").build();
    let documents: Vec<Vec<u8>> = {
        let mut copy = image.clone();
        let mut take = |blob: &Descriptor| copy.blobs_mut()[&blob.digest].clone();
        vec![take(&image.manifest().config), take(&image.manifest().layers[1]), image.manifest_bytes().to_vec()]
    };
    let outer = index(&[entry(media_type::MANIFEST, image.manifest_bytes(), None)]);
    open(&layout(&outer, &documents), |opened| {
        let archive = opened.expect("an archive");
        let base = &image.manifest().layers[0];
        assert_eq!(archive.images()[0].absent, std::slice::from_ref(base));
        let error = archive.images()[0].image.open_unverified(base).map(drop).expect_err("left out");
        assert_eq!(error.to_string(), format!("blob {} is missing", base.digest));
    });
}

#[test]
fn a_short_layer_is_told_before_anything_is_read() {
    let image = ImageBuilder::app().layer().file("bin/shop", 0o755, "v1").build();
    let layer = &image.manifest().layers[1];
    let mut tar = ArchiveWriter::new(Vec::new());
    for (digest, content) in image.clone().blobs_mut() {
        let content = if *digest == layer.digest { &content[..content.len() - 18] } else { content };
        tar.add_bytes(&format!("blobs/sha256/{}", digest.hex()), content).expect("memory does not fail");
    }
    let manifest = image.manifest_bytes();
    let name = format!("blobs/sha256/{}", dam_oci::Digest::of(manifest).hex());
    tar.add_bytes(&name, manifest).expect("memory does not fail");
    let list = index(&[entry(media_type::MANIFEST, manifest, None)]).to_string();
    tar.add_bytes("index.json", list.as_bytes()).expect("memory does not fail");
    let said = refusal(&tar.finish().expect("memory does not fail"));
    assert_eq!(said, format!("is damaged: layer 2 {} ends 18 bytes early", layer.digest));
}

#[test]
fn bad_names_are_reported_and_good_ones_kept() {
    let image = ImageBuilder::app().build();
    let bytes = archive(ArchiveForm::Docker20, &[(&image, &["Shop:1", "shop:1", "shop:1"])]);
    open(&bytes, |opened| {
        let archive = opened.expect("an archive");
        let good: Reference = "shop:1".parse().expect("a good name");
        assert_eq!(archive.images()[0].references, [good]);
        assert_eq!(
            archive.images()[0].unreadable[0].to_string(),
            "`Shop:1` is not an image name: the name must be in lower case"
        );
        assert_eq!(archive.images()[0].unreadable.len(), 1);
    });
}

#[test]
fn small_members_are_read_by_name() {
    let tar = Tar::default().file("./dam.json", b"{}").file("app_list", b"shop:1\n").file("sub/note", b"text");
    for bytes in [tar.0.clone(), dam_oci::testing::gzip(&tar.0)] {
        let folder = tempfile::tempdir().expect("a temp folder");
        let path = folder.path().join("bundle");
        fs::write(&path, bytes).expect("space");
        let members = Members::open(&path).expect("a tar");
        let sizes: Vec<(&str, u64)> = members.list().collect();
        assert_eq!(sizes, [("dam.json", 2), ("app_list", 7), ("sub/note", 4)]);
        assert_eq!(members.bytes("app_list").expect("sound").as_deref(), Some(&b"shop:1\n"[..]));
        assert_eq!(members.bytes("sub/note").expect("sound").as_deref(), Some(&b"text"[..]));
        assert_eq!(members.bytes("none").expect("sound"), None);
    }
}

#[test]
fn compressed_layers_of_a_docker_archive_keep_their_bytes() {
    let layer = Tar::default().file("meta/install", b"run").0;
    let packed = dam_oci::testing::gzip(&layer);
    let config = json!({ "rootfs": { "type": "layers", "diff_ids": [dam_oci::Digest::of(&layer)] } }).to_string();
    let manifest = json!([{ "Config": "c.json", "RepoTags": ["shop:1"], "Layers": ["1.tar.gz"] }]).to_string();
    let tar = Tar::default().file("1.tar.gz", &packed).file("c.json", config.as_bytes());
    let tar = tar.file("manifest.json", manifest.as_bytes());
    for bytes in [tar.0.clone(), dam_oci::testing::zstd(&tar.0)] {
        open(&bytes, |opened| {
            let archive = opened.expect("an archive");
            let image = &archive.images()[0].image;
            assert_eq!(image.manifest().layers, [Descriptor::of(media_type::LAYER_GZIP, &packed)]);
            let layers = dam_oci::layers(&**image).expect("sound");
            let mut found = Vec::new();
            dam_oci::visit_layers(&**image, &layers, &mut |_, content| {
                content.read_to_end(&mut found).map(drop).map_err(dam_oci::Error::stream("layer"))
            })
            .expect("sound");
            assert_eq!(found, layer);
        });
    }
}

#[test]
fn a_stream_is_walked_by_the_same_rules() {
    let image = ImageBuilder::app().build();
    let bytes =
        archive(ArchiveForm::Docker20, &[(&image, &["shop:1"]), (&ImageBuilder::app().label("a", "b").build(), &[])]);
    let (mut files, mut links) = (0, 0);
    archive::stream("what the engine sent", &bytes[..], &mut |member| {
        match member {
            Member::File { name, size, content, .. } if name.ends_with(".json") => {
                let mut text = String::new();
                content.read_to_string(&mut text).expect("text");
                assert_eq!(text.len() as u64, size);
                files += 1;
            }
            Member::File { .. } => files += 1,
            Member::Link { target, .. } => {
                assert!(target.ends_with("/layer.tar") && !target.starts_with('.'));
                links += 1;
            }
        }
        Ok(())
    })
    .expect("sound");
    // Two images: manifest, two configs, two layers of which one is a link, and VERSION and json beside each.
    assert_eq!((files, links), (8, 1));
    let cut = archive::stream("what the engine sent", &bytes[..700], &mut |_| Ok(())).expect_err("cut");
    assert!(cut.to_string().starts_with("what the engine sent is damaged: "), "{cut}");
}
