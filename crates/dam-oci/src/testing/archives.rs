//! Archives for tests, written byte by byte as the tools of the field write them.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use serde_json::{Value, json};

use crate::archive::ArchiveWriter;
use crate::testing::MemoryImage;
use crate::{Descriptor, Digest, Image, blob, media_type};

/// The forms of an image archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveForm {
    /// `docker save` of Docker 20.10: `<id>/layer.tar`, `<config>.json`, `manifest.json`. A layer that an earlier image
    /// has as well is a symlink to it.
    Docker20,
    /// `docker save` of Docker 25 and newer: an OCI layout with a `manifest.json`.
    Docker25,
    /// An OCI layout.
    Oci,
    /// DAM 1.2's `.dam`: gzip, an empty first name, names that start with `/`, folders without a slash behind, in
    /// lexical order. Its content is [`ArchiveForm::Docker20`].
    Dam12,
    /// The `.dam` of DAM 1.0 and 1.1: as [`ArchiveForm::Dam12`], without folders and links, all times 0.
    Dam10,
}

/// Every form.
pub const ARCHIVE_FORMS: [ArchiveForm; 5] =
    [ArchiveForm::Docker20, ArchiveForm::Docker25, ArchiveForm::Oci, ArchiveForm::Dam12, ArchiveForm::Dam10];

/// An entry of an archive under construction.
enum Node {
    Folder,
    File(Vec<u8>),
    Link(String),
}

type Tree = BTreeMap<String, Node>;

/// Writes `images`, each with its names, as an archive. Layers are written as they are: give uncompressed ones for the
/// forms of Docker 20.10 and DAM 1.x.
pub fn archive(form: ArchiveForm, images: &[(&MemoryImage, &[&str])]) -> Vec<u8> {
    match form {
        ArchiveForm::Docker20 => write_tree(&docker20(images, true), Style::Docker),
        ArchiveForm::Docker25 => write_layout(images, true),
        ArchiveForm::Oci => write_layout(images, false),
        ArchiveForm::Dam12 => {
            let mut tree = docker20(images, true);
            tree.insert(String::new(), Node::Folder);
            gzip(&write_tree(&tree, Style::Dam12))
        }
        ArchiveForm::Dam10 => {
            let mut tree = docker20(images, false);
            tree.retain(|_, node| !matches!(node, Node::Folder));
            gzip(&write_tree(&tree, Style::Dam10))
        }
    }
}

/// Returns the app archives of DAM 1.x, by their file names, and the list of them: what is in a bundle of it. An app is
/// given by the name it is tagged with, such as `plant:5000/shop:1`; its file has no server in its name. `form` is
/// [`ArchiveForm::Dam12`] or [`ArchiveForm::Dam10`].
pub fn dam1_apps(form: ArchiveForm, apps: &[(&str, &MemoryImage)]) -> (String, Vec<(String, Vec<u8>)>) {
    let mut list = String::new();
    let file = |(tag, image): &(&str, &MemoryImage)| {
        let bytes = archive(form, &[(image, &[tag])]);
        let app = tag.rsplit('/').next().unwrap_or(tag);
        list.push_str(&format!("{app}\n"));
        let mut crc = flate2::Crc::new();
        crc.update(&bytes);
        let size = if form == ArchiveForm::Dam10 { format!("-{}", bytes.len()) } else { String::new() };
        (format!("{}.{:08x}{size}.dam", app.replacen(':', "-", 1), crc.sum()), bytes)
    };
    let files = apps.iter().map(file).collect();
    (list, files)
}

/// Writes a bundle as `dam export --all` of DAM 1.x did: a plain ustar, an empty first name, names that begin with `/`, in
/// the order of their bytes.
pub fn dam1_bundle(list: &str, files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let file = |(name, bytes): &(String, Vec<u8>)| (name.clone(), Node::File(bytes.clone()));
    let mut tree: Tree = files.iter().map(file).collect();
    tree.insert(String::new(), Node::Folder);
    tree.insert("app_list".to_owned(), Node::File(list.as_bytes().to_vec()));
    write_tree(&tree, Style::Dam12)
}

/// Compresses as Go's `compress/gzip` does: no name, no time, system 255.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let builder = flate2::GzBuilder::new().operating_system(255);
    let mut encoder = builder.write(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory does not fail");
    encoder.finish().expect("memory does not fail")
}

/// Compresses with zstd.
pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("level 3 is there");
    // As the `zstd` program does; without it no decoder would see a flipped bit.
    encoder.include_checksum(true).expect("before the first byte");
    encoder.write_all(bytes).expect("memory does not fail");
    encoder.finish().expect("memory does not fail")
}

fn bytes_of(image: &dyn Image, descriptor: &Descriptor) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = blob(image, descriptor).expect("the image has its blobs");
    reader.read_to_end(&mut bytes).expect("the image is sound");
    bytes
}

fn docker20(images: &[(&MemoryImage, &[&str])], with_links: bool) -> Tree {
    let mut tree = Tree::new();
    let mut manifest = Vec::new();
    let mut homes: BTreeMap<Digest, String> = BTreeMap::new();
    for (at, (image, names)) in images.iter().enumerate() {
        let mut layers = Vec::new();
        for (depth, layer) in image.manifest().layers.iter().enumerate() {
            // Docker's id of a legacy layer: unique to the chain below it.
            let id = Digest::of(format!("{at} {depth} {}", layer.digest).as_bytes()).hex();
            let home = homes.get(&layer.digest).filter(|_| with_links);
            let content = match home {
                Some(home) => Node::Link(format!("../{home}/layer.tar")),
                None => Node::File(bytes_of(*image, layer)),
            };
            homes.entry(layer.digest).or_insert_with(|| id.clone());
            tree.insert(id.clone(), Node::Folder);
            tree.insert(format!("{id}/VERSION"), Node::File(b"1.0".to_vec()));
            tree.insert(format!("{id}/json"), Node::File(json!({ "id": id }).to_string().into_bytes()));
            tree.insert(format!("{id}/layer.tar"), content);
            layers.push(format!("{id}/layer.tar"));
        }
        let config = &image.manifest().config;
        let name = format!("{}.json", config.digest.hex());
        tree.insert(name.clone(), Node::File(bytes_of(*image, config)));
        manifest.push(json!({ "Config": name, "RepoTags": repo_tags(names), "Layers": layers }));
    }
    tree.insert("manifest.json".to_owned(), Node::File(Value::from(manifest).to_string().into_bytes()));
    tree
}

fn repo_tags(names: &[&str]) -> Value {
    if names.is_empty() { Value::Null } else { json!(names) }
}

/// How a tar is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// A slash behind the names of folders.
    Docker,
    /// A slash before each name, all times 0.
    Dam10,
    /// A slash before each name but the root's, with the time and the user of the export.
    Dam12,
}

impl Style {
    fn name(self, path: &str, node: &Node) -> String {
        match (self, node) {
            (Self::Docker, Node::Folder) => format!("{path}/"),
            (Self::Docker, _) => path.to_owned(),
            (Self::Dam10 | Self::Dam12, _) if path.is_empty() => String::new(),
            (Self::Dam10 | Self::Dam12, _) => format!("/{path}"),
        }
    }
}

/// Writes entries in lexical order.
fn write_tree(tree: &Tree, style: Style) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, node) in tree {
        let mut header = tar::Header::new_ustar();
        header.set_mode(if matches!(node, Node::Folder) { 0o755 } else { 0o644 });
        header.set_mtime(0);
        if style == Style::Dam12 {
            header.set_mtime(1_600_000_000);
            header.set_uid(1000);
            header.set_gid(1000);
            header.set_username("packer").expect("short");
            header.set_groupname("packer").expect("short");
        }
        let (kind, content) = match node {
            Node::Folder => (tar::EntryType::Directory, &[][..]),
            Node::File(content) => (tar::EntryType::Regular, &content[..]),
            Node::Link(target) => {
                header.set_link_name(target).expect("short");
                (tar::EntryType::Symlink, &[][..])
            }
        };
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        // Written into the field itself: the crate refuses names that start with a slash.
        let written = style.name(path, node);
        header.as_ustar_mut().expect("made as ustar").name[..written.len()].copy_from_slice(written.as_bytes());
        header.set_cksum();
        tar.append(&header, content).expect("memory does not fail");
    }
    tar.into_inner().expect("memory does not fail")
}

fn write_layout(images: &[(&MemoryImage, &[&str])], with_manifest: bool) -> Vec<u8> {
    let mut blobs = BTreeMap::new();
    let mut manifests = Vec::new();
    let mut saved = Vec::new();
    let path = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
    for (image, names) in images {
        let manifest = image.manifest();
        for descriptor in manifest.layers.iter().chain([&manifest.config]) {
            blobs.entry(descriptor.digest).or_insert_with(|| bytes_of(*image, descriptor));
        }
        let descriptor = Descriptor::of(manifest.media_type(), image.manifest_bytes());
        blobs.insert(descriptor.digest, image.manifest_bytes().to_vec());
        let entry = |name: &&str| {
            let reference: crate::Reference = name.parse().expect("a test's name is good");
            let mut entry = descriptor.clone();
            entry.annotations.insert("io.containerd.image.name".to_owned(), reference.canonical());
            let tag = reference.tag().unwrap_or("latest").to_owned();
            entry.annotations.insert("org.opencontainers.image.ref.name".to_owned(), tag);
            entry
        };
        manifests.extend(names.iter().map(entry));
        if names.is_empty() {
            manifests.push(descriptor);
        }
        let layers: Vec<String> = manifest.layers.iter().map(|layer| path(&layer.digest)).collect();
        let config = path(&manifest.config.digest);
        saved.push(json!({ "Config": config, "RepoTags": repo_tags(names), "Layers": layers }));
    }
    let index = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": manifests });
    let mut tar = ArchiveWriter::new(Vec::new());
    let mut add = |name: &str, content: &[u8]| tar.add_bytes(name, content).expect("memory does not fail");
    blobs.iter().for_each(|(digest, content)| add(&path(digest), content));
    add("index.json", index.to_string().as_bytes());
    if with_manifest {
        add("manifest.json", Value::from(saved).to_string().as_bytes());
    }
    add("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
    tar.finish().expect("memory does not fail")
}
