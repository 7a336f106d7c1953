//! One folder of an image, as a container would see it.

use std::collections::BTreeMap;
use std::io::Read;

use dam_oci::testing::{ArchiveForm, MemoryImage, archive, gzip, zstd};
use dam_oci::{Archive, Descriptor, Digest, Error, Image, Limits, Manifest, layers, media_type, subtree, visit_layers};
use proptest::prelude::{ProptestConfig, prop, proptest};
use tar::EntryType;

/// An entry of a layer: a folder's name ends in `/`.
#[derive(Clone, Copy)]
enum Put<'a> {
    File(&'a str, &'a str),
    Folder(&'a str),
    Symlink(&'a str, &'a str),
    HardLink(&'a str, &'a str),
    Pipe(&'a str),
}

use Put::{File, Folder, HardLink, Pipe, Symlink};

fn layer(entries: &[Put<'_>]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for entry in entries {
        let (kind, name, content, link) = match *entry {
            File(name, content) => (EntryType::Regular, name, content, None),
            Folder(name) => (EntryType::Directory, name, "", None),
            Symlink(name, target) => (EntryType::Symlink, name, "", Some(target)),
            HardLink(name, target) => (EntryType::Link, name, "", Some(target)),
            Pipe(name) => (EntryType::Fifo, name, "", None),
        };
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(if name.ends_with("install") { 0o755 } else { 0o640 });
        header.set_mtime(1_600_000_000);
        header.set_size(content.len() as u64);
        if let Some(link) = link {
            header.set_link_name_literal(link).expect("short");
        }
        header.as_ustar_mut().expect("made as ustar").name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, content.as_bytes()).expect("memory does not fail");
    }
    tar.into_inner().expect("memory does not fail")
}

/// Makes an image of layer tars, each stored as `pack` packs it.
fn packed(tars: &[Vec<u8>], pack: impl Fn(&[u8]) -> Vec<u8>) -> MemoryImage {
    let mut blobs = BTreeMap::new();
    let mut keep = |media_type: &str, bytes: Vec<u8>| {
        let descriptor = Descriptor::of(media_type, &bytes);
        blobs.insert(descriptor.digest, bytes);
        descriptor
    };
    let layers: Vec<Descriptor> = tars.iter().map(|tar| keep(media_type::LAYER, pack(tar))).collect();
    let diff_ids: Vec<String> = tars.iter().map(|tar| format!("\"{}\"", Digest::of(tar))).collect();
    let config = format!(r#"{{"rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#, diff_ids.join(","));
    let config = keep(media_type::CONFIG, config.into_bytes());
    MemoryImage::new(Manifest::new(config, layers), blobs)
}

fn image(layers: &[&[Put<'_>]]) -> MemoryImage {
    packed(&layers.iter().map(|entries| layer(entries)).collect::<Vec<_>>(), <[u8]>::to_vec)
}

fn tar_of(image: &dyn Image, limits: Limits) -> Result<Option<Vec<u8>>, Error> {
    let scratch = tempfile::tempdir().expect("a temp folder");
    let mut out = Vec::new();
    let found = subtree(image, "meta", limits, scratch.path(), &mut out)?;
    assert_eq!(std::fs::read_dir(scratch.path()).expect("a folder").count(), 0, "something stayed in scratch");
    assert!(found || out.is_empty());
    Ok(found.then_some(out))
}

/// One line per entry: mode, name, and content or target.
fn listing(image: &dyn Image) -> Vec<String> {
    let Some(tar) = tar_of(image, Limits::default()).expect("sound") else { return vec!["nothing".to_owned()] };
    let line = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.expect("a sound entry");
        let mut content = String::new();
        entry.read_to_string(&mut content).expect("text");
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mode = entry.header().mode().expect("a number");
        match entry.link_name_bytes() {
            Some(target) => format!("{mode:o} {name} -> {}", String::from_utf8_lossy(&target)),
            None => format!("{mode:o} {name} {content}").trim_end().to_owned(),
        }
    };
    tar::Archive::new(&tar[..]).entries().expect("a tar").map(line).collect()
}

#[test]
fn layers_are_laid_upon_each_other() {
    let image = image(&[
        &[Folder("meta/"), File("meta/a", "old"), File("meta/b", "kept"), File("metadata", "no"), File("bin/x", "no")],
        &[File("etc/y", "no")],
        &[File("./meta/a", "new"), File("/meta/install", "run"), Symlink("meta/to", "../bin/x"), Folder("meta/empty")],
    ]);
    assert_eq!(
        listing(&image),
        [
            "640 meta/",
            "640 meta/a new",
            "640 meta/b kept",
            "640 meta/empty/",
            "755 meta/install run",
            "640 meta/to -> ../bin/x"
        ]
    );
}

#[test]
fn whiteouts_hide_what_lies_below_only() {
    let base: &[Put<'_>] = &[Folder("meta/"), File("meta/a", "1"), File("meta/b", "2"), File("meta/c/d", "3")];
    let over = |top: &[Put<'_>]| listing(&image(&[base, top]));
    assert_eq!(over(&[File("meta/.wh.a", "")]), ["640 meta/", "640 meta/b 2", "755 meta/c/", "640 meta/c/d 3"]);
    assert_eq!(over(&[File("meta/.wh.c", "")]), ["640 meta/", "640 meta/a 1", "640 meta/b 2"]);
    assert_eq!(over(&[File("meta/e", "new"), File("meta/.wh..wh..opq", "")]), ["640 meta/", "640 meta/e new"]);
    assert_eq!(
        over(&[File("meta/a", "new"), File("meta/.wh.a", ""), File("meta/.wh.b", ""), File("meta/.wh.c", "")]),
        ["640 meta/", "640 meta/a new"]
    );
    assert_eq!(over(&[File(".wh.meta", "")]), ["nothing"]);
    assert_eq!(over(&[File(".wh..wh..opq", ""), File("meta/x", "new")]), ["755 meta/", "640 meta/x new"]);
    assert_eq!(over(&[File(".wh.meta", ""), Folder("meta/"), File("meta/x", "new")]), ["640 meta/", "640 meta/x new"]);
    assert_eq!(over(&[File("meta/.wh..wh.plnk", "")]).len(), 5);
}

#[test]
fn folders_and_files_take_each_others_place() {
    let base: &[Put<'_>] = &[Folder("meta/"), File("meta/a", "1"), File("meta/c/d", "3"), Symlink("meta/s", "/etc")];
    let over = |top: &[Put<'_>]| listing(&image(&[base, top]));
    assert_eq!(over(&[File("meta/c", "file")])[2..], ["640 meta/c file", "640 meta/s -> /etc"]);
    assert_eq!(over(&[File("meta/a/in", "file")])[1..3], ["755 meta/a/", "640 meta/a/in file"]);
    // Not through the symlink.
    assert_eq!(over(&[File("meta/s/passwd", "x")])[4..], ["755 meta/s/", "640 meta/s/passwd x"]);
    assert_eq!(over(&[File("meta", "file")]), ["nothing"]);
    assert_eq!(over(&[Symlink("meta", "etc")]), ["nothing"]);
    assert_eq!(listing(&image(&[&[File("meta", "file")], &[File("meta/x", "1")]])), ["755 meta/", "640 meta/x 1"]);
    assert_eq!(listing(&image(&[&[File("bin/x", "")]])), ["nothing"]);
}

#[test]
fn hard_links_become_files() {
    let base: &[Put<'_>] = &[File("meta/a", "1"), HardLink("meta/b", "meta/a"), HardLink("bin/c", "meta/a")];
    assert_eq!(listing(&image(&[base])), ["755 meta/", "640 meta/a 1", "640 meta/b 1"]);
    let outside: &[Put<'_>] = &[File("bin/tool", "tool"), HardLink("meta/tool", "./bin/tool")];
    assert_eq!(listing(&image(&[base, outside]))[3..], ["640 meta/tool tool"]);
    let nowhere = image(&[&[HardLink("meta/a", "bin/none")]]);
    let error = tar_of(&nowhere, Limits::default()).expect_err("links to nothing").to_string();
    assert!(
        error.starts_with("layer 1 (sha256:") && error.ends_with(") is damaged: `meta/a` links to nothing"),
        "{error}"
    );
}

#[test]
fn a_layer_used_twice_counts_twice() {
    let (one, two) = ([File("meta/a", "1")], [File("meta/.wh.a", "")]);
    assert_eq!(listing(&image(&[&one, &two, &one])), ["755 meta/", "640 meta/a 1"]);
    assert_eq!(listing(&image(&[&one, &two, &one, &two])), ["755 meta/"]);
}

#[test]
fn what_does_not_belong_into_a_folder_is_refused() {
    let refusal = |entries: &[Put<'_>], limits| {
        let error = tar_of(&image(&[entries]), limits).expect_err("refused").to_string();
        error.split_once(") ").expect("names the layer").1.to_owned()
    };
    let all = Limits::default();
    assert_eq!(refusal(&[Pipe("meta/p")], all), "is refused: `meta/p` is a pipe");
    assert_eq!(refusal(&[File("meta/../x", "")], all), "is refused: the name `meta/../x` has a `..` in it");
    assert_eq!(refusal(&[File("meta/a", "12345")], Limits { bytes: 4, ..all }), "holds more than 4 bytes");
    let many = [File("meta/a", ""), File("meta/b", "")];
    assert_eq!(refusal(&many, Limits { entries: 1, ..all }), "has more than 1 entries");
    // Elsewhere in the image it is nobody's business here.
    assert_eq!(listing(&image(&[&[Pipe("dev/p"), File("meta/a", "1")]])), ["755 meta/", "640 meta/a 1"]);
}

#[test]
fn every_compression_and_one_pass_give_the_same() {
    let tars: Vec<Vec<u8>> =
        (0..5).map(|at| layer(&[File(&format!("meta/{at}"), "x"), File("meta/all", &at.to_string())])).collect();
    let expected = listing(&packed(&tars, <[u8]>::to_vec));
    assert_eq!(expected.len(), 7);
    assert_eq!(expected[6], "640 meta/all 4");
    assert_eq!(listing(&packed(&tars, gzip)), expected);
    assert_eq!(listing(&packed(&tars, zstd)), expected);
    let folder = tempfile::tempdir().expect("a temp folder");
    let file = folder.path().join("shop.dam");
    for form in [ArchiveForm::Dam12, ArchiveForm::Docker20, ArchiveForm::Oci] {
        std::fs::write(&file, archive(form, &[(&packed(&tars, <[u8]>::to_vec), &["shop:1"])])).expect("space");
        let archive = Archive::open(&file).expect("an archive");
        assert_eq!(listing(&*archive.images()[0].image), expected, "{form:?}");
    }
}

#[test]
fn both_names_of_a_layer_are_checked() {
    let tars = [layer(&[File("meta/a", "1")])];
    // The blob is whole, but the config promises another layer.
    let good = packed(&tars, gzip);
    let other = packed(&[layer(&[File("meta/a", "2")])], gzip);
    let mut blobs = good.clone().blobs_mut().clone();
    blobs.extend(other.clone().blobs_mut().clone());
    let mixed = MemoryImage::new(Manifest::new(good.manifest().config.clone(), other.manifest().layers.clone()), blobs);
    assert!(matches!(tar_of(&mixed, Limits::default()), Err(Error::Blob(_))));
    // A visitor that reads nothing gets the check all the same.
    let wanted = layers(&mixed).expect("a sound config");
    assert!(matches!(visit_layers(&mixed, &wanted, &mut |_, _| Ok(())), Err(Error::Blob(_))));
    let mut cut = good.clone();
    let digest = good.manifest().layers[0].digest;
    cut.blobs_mut().get_mut(&digest).expect("there").truncate(40);
    assert!(matches!(tar_of(&cut, Limits::default()), Err(Error::Blob(_))));
}

/// Names that meet each other often.
const NAME: &str = r"(/|\./)?(meta|bin)(/(a|b|\.wh\.a|\.wh\.\.wh\.\.opq)){0,3}/?";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_the_layers_say_the_result_stays_in_the_folder(
        layers in prop::collection::vec(prop::collection::vec((NAME, 0..4), 0..6), 1..4)
    ) {
        let put = |(name, kind): &(String, i32)| match kind {
            0 => Folder(Box::leak(name.clone().into_boxed_str())),
            1 => Symlink(Box::leak(name.clone().into_boxed_str()), "/etc"),
            2 => HardLink(Box::leak(name.clone().into_boxed_str()), "meta/a"),
            _ => File(Box::leak(name.clone().into_boxed_str()), "x"),
        };
        let layers: Vec<Vec<Put<'static>>> = layers.iter().map(|layer| layer.iter().map(put).collect()).collect();
        let image = image(&layers.iter().map(Vec::as_slice).collect::<Vec<_>>());
        if let Ok(Some(tar)) = tar_of(&image, Limits::default()) {
            let mut folders = Vec::new();
            for entry in tar::Archive::new(&tar[..]).entries().expect("a tar") {
                let entry = entry.expect("a sound entry");
                let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                let parent = name.trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent);
                assert!(name == "meta/" || folders.iter().any(|folder| folder == parent), "{name}: no folder");
                if entry.header().entry_type() == EntryType::Directory {
                    folders.push(name.trim_end_matches('/').to_owned());
                }
            }
        }
    }
}
