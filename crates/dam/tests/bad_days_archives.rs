//! Files that are damaged, hostile, or no archives at all.

mod support;

use std::fs;
use std::io::{self, Read, Write};

use dam_oci::archive::ArchiveWriter;
use dam_oci::testing::{ArchiveForm, ImageBuilder, MemoryImage, archive, gzip, zstd};
use dam_oci::{Descriptor, Digest, Manifest, media_type};
use serde_json::json;
use snapbox::{IntoData, str};
use support::Dam;
use tar::EntryType;

fn shop() -> MemoryImage {
    let install = "#!/bin/sh\ntouch \"$STATE/shop\"\n";
    ImageBuilder::new()
        .file("meta/install", 0o755, install)
        .file("meta/uninstall", 0o755, "#!/bin/sh\nrm \"$STATE/shop\"\n")
        .layer()
        .file("bin/shop", 0o755, "v1")
        .build()
}

fn saved(form: ArchiveForm) -> Vec<u8> {
    archive(form, &[(&shop(), &["shop:1.0"])])
}

/// What `install` and `info` say of the file `shop.dam`: the same, and nothing anywhere is changed.
fn refused(bytes: &[u8], error: impl IntoData) {
    let dam = Dam::new().file("shop.dam", bytes);
    dam.run("install shop.dam --yes").no_stdout().error(error);
    unchanged(&dam, "info shop.dam");
}

/// Runs a line that must fail with an error that names `shop.dam` in its first line, and leave everything as it is.
fn unchanged(dam: &Dam, line: &str) -> String {
    let before = outside(dam);
    let run = dam.run(line).failure().no_stdout();
    let error = run.talk().lines().filter(|line| line.starts_with("error: ")).collect::<Vec<_>>();
    assert_eq!(error.len(), 1, "{}", run.talk());
    assert!(error[0].contains("shop.dam"), "{}", run.talk());
    assert_eq!(outside(dam), before, "{}", run.talk());
    dam.is_empty();
    error[0].to_owned()
}

/// Lists everything but dam's own root.
fn outside(dam: &Dam) -> Vec<(String, String)> {
    dam.traces().into_iter().filter(|(path, _)| path != "root" && !path.starts_with("root/")).collect()
}

#[test]
fn a_file_that_is_not_there() {
    let dam = Dam::new();
    dam.run("install shop.dam --yes").no_stdout().error(str![[r#"
error: cannot access `shop.dam`
caused by: No such file or directory (os error 2)

"#]]);
    dam.run("info ./shop.dam").no_stdout().error(str![[r#"
error: cannot access `./shop.dam`
caused by: No such file or directory (os error 2)

"#]]);
}

#[test]
fn a_folder_in_the_place_of_a_file() {
    let dam = Dam::new().project("shop.dam", |app| app);
    dam.run("install shop.dam --yes").no_stdout().error(str![[r#"
error: `shop.dam` is not a regular file
hint: copy the file again from where it came

"#]]);
}

#[test]
fn an_empty_file() {
    refused(
        b"",
        str![[r#"
error: `shop.dam` is empty
hint: copy the file again from where it came

"#]],
    );
}

#[test]
fn a_zip() {
    let zip = [&b"PK\x03\x04\x14\0\0\0\x08\0"[..], &[7; 4096], b"PK\x05\x06"].concat();
    refused(
        &zip,
        str![[r#"
error: `shop.dam` is a zip file, not an image archive
hint: copy the file again from where it came

"#]],
    );
}

#[test]
fn a_text() {
    refused(
        "shop:1.0\n".repeat(1000).as_bytes(),
        str![[r#"
error: `shop.dam` is not a tar archive
hint: copy the file again from where it came

"#]],
    );
}

#[test]
fn another_kind_of_tar() {
    refused(
        &Tar::default().file("etc/passwd", b"root").end(),
        str![[r#"
error: `shop.dam` holds no image: it has neither `index.json` nor `manifest.json`
hint: copy the file again from where it came

"#]],
    );
}

#[test]
fn names_that_climb() {
    refused(
        &Tar::default().file("../evil", b"x").end(),
        str![[r#"
error: `shop.dam` is refused: the name `../evil` has a `..` in it
hint: copy the file again from where it came

"#]],
    );
    refused(
        &Tar::default().file("blobs/../../evil", b"x").end(),
        str![[r#"
error: `shop.dam` is refused: the name `blobs/../../evil` has a `..` in it
hint: copy the file again from where it came

"#]],
    );
}

#[test]
fn absolute_names_stay_inside() {
    // DAM 1.x writes names that start with a slash; they are names in the archive and nothing else.
    let dam = Dam::new();
    let target = dam.path("evil");
    let bytes = Tar::default().file(target.to_str().expect("plain"), b"x").end();
    let dam = dam.file("shop.dam", bytes);
    unchanged(&dam, "install shop.dam --yes");
    assert!(!target.exists());
}

#[test]
fn links_that_escape() {
    let link = |kind, target| Tar::default().entry(kind, "manifest.json", target, b"").end();
    refused(
        &link(EntryType::Symlink, "/etc/passwd"),
        str![[r#"
error: `shop.dam` is refused: `manifest.json` links to `/etc/passwd`, outside of the archive
hint: copy the file again from where it came

"#]],
    );
    refused(
        &link(EntryType::Symlink, "../../etc/passwd"),
        str![[r#"
error: `shop.dam` is refused: `manifest.json` links to `../../etc/passwd`, outside of the archive
hint: copy the file again from where it came

"#]],
    );
    refused(
        &link(EntryType::Link, "/etc/passwd"),
        str![[r#"
error: `shop.dam` is damaged: `manifest.json` links to nothing
hint: copy the file again from where it came

"#]],
    );
}

#[test]
fn devices_and_pipes() {
    let special = |kind| Tar::default().entry(kind, "manifest.json", "", b"").end();
    refused(
        &special(EntryType::Char),
        str![[r#"
error: `shop.dam` is refused: `manifest.json` is a device
hint: copy the file again from where it came

"#]],
    );
    refused(
        &special(EntryType::Block),
        str![[r#"
error: `shop.dam` is refused: `manifest.json` is a device
hint: copy the file again from where it came

"#]],
    );
    refused(
        &special(EntryType::Fifo),
        str![[r#"
error: `shop.dam` is refused: `manifest.json` is a pipe
hint: copy the file again from where it came

"#]],
    );
}

#[test]
fn a_million_entries() {
    let thousand = Tar::default().entry(EntryType::Directory, "a/", "", b"").0.repeat(1000);
    let mut out = zstd_encoder();
    (0..1000).for_each(|_| out.write_all(&thousand).expect("memory does not fail"));
    refused(
        &out.finish().expect("memory does not fail"),
        str![[r#"
error: `shop.dam` has more than 100000 entries
hint: copy the file again from where it came

"#]],
    );
}

#[test]
fn a_bomb_in_place_of_a_list() {
    let size = 1 << 30;
    let mut out = zstd_encoder();
    let mut tar = ArchiveWriter::new(&mut out);
    tar.add_stream("index.json", size, &mut Zeros.take(size)).expect("memory does not fail");
    tar.finish().expect("memory does not fail");
    refused(
        &out.finish().expect("memory does not fail"),
        str![[r#"
error: `shop.dam` is damaged: `index.json` has 1073741824 bytes, more than the 4194304 that are read
hint: copy the file again from where it came

"#]],
    );
}

/// An archive of one image whose only layer holds these files in `/meta`, compressed.
fn of_layer(layer: &Tar) -> Vec<u8> {
    let (tar, packed) = (layer.clone().end(), zstd(&layer.clone().end()));
    of_packed_layer(Digest::of(&tar), packed)
}

fn of_packed_layer(diff_id: Digest, packed: Vec<u8>) -> Vec<u8> {
    let layer = Descriptor::of(media_type::LAYER_ZSTD, &packed);
    let rootfs = json!({ "type": "layers", "diff_ids": [diff_id] });
    let config = json!({ "architecture": "amd64", "os": "linux", "rootfs": rootfs }).to_string().into_bytes();
    let descriptor = Descriptor::of(media_type::CONFIG, &config);
    let blobs = [(layer.digest, packed), (descriptor.digest, config)].into();
    let image = MemoryImage::new(Manifest::new(descriptor, vec![layer]), blobs);
    archive(ArchiveForm::Docker25, &[(&image, &["shop:1.0"])])
}

fn hooks() -> Tar {
    let folder = Tar::default().entry(EntryType::Directory, "meta/", "", b"");
    folder.file("meta/install", b"#!/bin/sh\n").file("meta/uninstall", b"#!/bin/sh\n")
}

#[test]
fn a_bomb_in_meta() {
    let mut hasher = dam_oci::Hasher::default();
    let mut out = zstd_encoder();
    let size = 1 << 30;
    let mut both = |bytes: &[u8]| {
        hasher.update(bytes);
        out.write_all(bytes).expect("memory does not fail");
    };
    both(&hooks().0);
    both(&Tar::header(EntryType::Regular, "meta/bomb", "", size));
    let zeros = vec![0; 1 << 20];
    (0..size >> 20).for_each(|_| both(&zeros));
    both(&[0; 1024]);
    let packed = out.finish().expect("memory does not fail");
    let dam = Dam::new().file("shop.dam", of_packed_layer(hasher.finish(), packed));
    dam.run("install shop.dam --yes").no_stdout().error(str![[r#"
error: layer 1 (sha256:b54b4e6a16c66c07f898ff38c80f08376aebb023c9f2c143a5e2015b1a0a61f0) of `shop.dam` holds more than 1073741824 bytes
hint: copy the file again from where it came

"#]]);
    dam.is_empty();
}

#[test]
fn a_layer_that_escapes_from_meta() {
    let dam = |layer: &Tar| Dam::new().file("shop.dam", of_layer(layer));
    let climbs = dam(&hooks().file("meta/../../evil", b"x"));
    climbs.run("install shop.dam --yes").no_stdout().error(str![[r#"
error: layer 1 (sha256:f877b1e45c68af421b67b23fac653674a0dd6d1699e730654e24bc59f5fdc7bb) of `shop.dam` is refused: the name `meta/../../evil` has a `..` in it
hint: copy the file again from where it came

"#]]);
    climbs.is_empty();
    // A link to the outside is content like any other: kept, and followed by nobody but the app's own scripts.
    let target = climbs.path("state");
    let through =
        hooks().entry(EntryType::Symlink, "meta/out", target.to_str().expect("plain"), b"").file("meta/out/evil", b"x");
    let through = climbs.file("shop.dam", of_layer(&through));
    through.run("install shop.dam --yes").success();
    assert!(!target.join("evil").exists());
    let device = dam(&hooks().entry(EntryType::Char, "meta/null", "", b""));
    device.run("install shop.dam --yes").no_stdout().error(str![[r#"
error: layer 1 (sha256:4cb0d884e491365301520aa0f542850289f454e7fcca46ec3226f89cc7b1611f) of `shop.dam` is refused: `meta/null` is a device
hint: copy the file again from where it came

"#]]);
    device.is_empty();
}

#[test]
fn an_archive_that_breaks_off() {
    for form in [ArchiveForm::Docker20, ArchiveForm::Docker25, ArchiveForm::Oci, ArchiveForm::Dam12] {
        let whole = saved(form);
        for length in cuts(&whole) {
            let dam = Dam::new().file("shop.dam", &whole[..length]);
            unchanged(&dam, "install shop.dam --yes");
            unchanged(&dam, "info shop.dam");
        }
    }
}

/// Returns some lengths to cut a file to. The zeros at the end of a tar are padding that no reader needs.
fn cuts(whole: &[u8]) -> impl Iterator<Item = usize> {
    let needed = whole.iter().rposition(|byte| *byte != 0).expect("it is not empty");
    (0..6).map(move |at| needed * at / 6 + 1).chain([needed])
}

#[test]
fn a_bundle_that_breaks_off() {
    let whole = bundle();
    for length in cuts(&whole) {
        let dam = Dam::new().file("shop.dam", &whole[..length]);
        unchanged(&dam, "install shop.dam --yes");
    }
}

/// The file that `dam save` writes.
fn bundle() -> Vec<u8> {
    let dam = Dam::new().app("shop", "1.0", |app| app.file("www/index.html", "hello"));
    let _ = dam.run("save shop:1.0 -o shop.dam").success();
    fs::read(dam.path("shop.dam")).expect("it was saved")
}

/// Flips one bit in the middle of each member's content. Returns the members in which nobody noticed.
fn flipped(whole: &[u8]) -> Vec<String> {
    let mut unnoticed = Vec::new();
    let mut archive = tar::Archive::new(whole);
    for entry in archive.entries().expect("a tar") {
        let entry = entry.expect("a sound tar");
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.size() == 0 {
            continue;
        }
        let at = usize::try_from(entry.raw_file_position() + entry.size() / 2).expect("small");
        let mut bytes = whole.to_vec();
        bytes[at] ^= 4;
        let dam = Dam::new().file("shop.dam", &bytes);
        if dam.run("install shop.dam --yes").is_success() {
            unnoticed.push(name);
        } else {
            unchanged(&dam, "install shop.dam --yes");
        }
    }
    unnoticed
}

#[test]
fn one_bit_in_each_member_of_a_bundle() {
    assert_eq!(flipped(&bundle()), [""; 0]);
}

#[test]
fn one_bit_in_each_member_of_a_foreign_archive() {
    // Nothing that is installed comes from these: images are found by `index.json`, and everything by its digest.
    assert_eq!(flipped(&saved(ArchiveForm::Oci)), ["oci-layout"]);
    assert_eq!(flipped(&saved(ArchiveForm::Docker25)), ["manifest.json", "oci-layout"]);
    // What Docker 20.10 writes for engines before 1.10, and nobody reads any more.
    let legacy = |name: &String| name.ends_with("/json") || name.ends_with("/VERSION");
    let unnoticed = flipped(&saved(ArchiveForm::Docker20));
    assert!(unnoticed.iter().all(legacy), "{unnoticed:?}");
}

#[test]
fn one_bit_in_a_file_that_is_compressed() {
    for whole in [saved(ArchiveForm::Dam12), gzip(&saved(ArchiveForm::Docker20)), zstd(&saved(ArchiveForm::Docker20))] {
        for part in 1..6 {
            let mut bytes = whole.clone();
            bytes[whole.len() * part / 6] ^= 1;
            // In how far back a run of zeros is copied from, a bit may make no difference.
            if unpacked(&bytes).is_ok_and(|content| content == unpacked(&whole).expect("it is sound")) {
                continue;
            }
            unchanged(&Dam::new().file("shop.dam", bytes), "install shop.dam --yes");
        }
    }
}

fn unpacked(packed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    dam_oci::Decompressed::new(packed)?.read_to_end(&mut content)?;
    Ok(content)
}

/// Builds a tar from headers that no sane program writes.
#[derive(Default, Clone)]
struct Tar(Vec<u8>);

impl Tar {
    fn header(kind: EntryType, name: &str, link: &str, size: u64) -> Vec<u8> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o755);
        header.set_mtime(0);
        header.as_ustar_mut().expect("made as ustar").name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_link_name_literal(link).expect("short");
        header.set_cksum();
        header.as_bytes().to_vec()
    }

    fn entry(mut self, kind: EntryType, name: &str, link: &str, content: &[u8]) -> Self {
        self.0.extend(Self::header(kind, name, link, content.len() as u64));
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(EntryType::Regular, name, "", content)
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

fn zstd_encoder() -> zstd::Encoder<'static, Vec<u8>> {
    zstd::Encoder::new(Vec::new(), 1).expect("level 1 is there")
}

/// Zeros without end; `io::repeat` sets them one by one, which an unoptimised build feels.
struct Zeros;

impl Read for Zeros {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(0);
        Ok(buffer.len())
    }
}

#[test]
fn an_archive_mends_what_rotted_in_the_store() {
    let dam = Dam::new().app("shop", "1.0", |app| app);
    dam.run("save shop:1.0 -o shop.dam").success();
    dam.run("install ./shop.dam --yes").success();
    dam.run("remove shop --keep-image --yes").success();
    let blobs = std::fs::read_dir(dam.root().join("store/blobs/sha256")).expect("a store");
    for blob in blobs.map(|blob| blob.expect("an entry").path()) {
        let mut bytes = std::fs::read(&blob).expect("a blob");
        bytes.reverse();
        std::fs::write(&blob, bytes).expect("ours");
    }
    dam.run("install ./shop.dam --yes").success();
    dam.run("verify").success();
}
