//! What the fuzzers begin with: a few good inputs for each target, and for each of them two that are slightly broken.

use std::io::Read;

use dam_oci::archive::ArchiveWriter;
use dam_oci::testing::{ArchiveForm, ImageBuilder, MemoryImage, archive, zstd};
use dam_oci::{Digest, Reference, config};
use dam_pack::Architecture;
use tar::{EntryType, Header};

use super::archives::members;
use super::manifests::BETWEEN;
use crate::app::{HookName, describe};
use crate::bundle::{BundleApp, write};
use crate::event::Silent;
use crate::meta::KeptMeta;
use crate::testing::programs::{dynamic_program, go_program};

/// An input to begin with.
pub struct Seed {
    /// A file name.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// Returns the seeds of the target called `name`.
///
/// # Panics
/// If there is no such target.
pub fn seeds(name: &str) -> Vec<Seed> {
    let good = match name {
        "dam_json" => vec![dam_json()],
        "streamed_bundle" => vec![bundle()],
        "tar_head" => tars(),
        "manifest_json" => manifests(),
        "dam1_archive" => dam1_archives(),
        "dam1_bundle" => vec![[b"shop:1\n\xff", &dam1_archives()[1][..]].concat()],
        "product_list" => {
            texts(&["# two apps\n\nshop:1.0 # a shop\r\nplant:5000/tools/backup:2.1\n", "\u{feff}a:1\na:1\n;\n"])
        }
        "meta_tar" => vec![meta()],
        "reference" => texts(&REFERENCES),
        "dockerfile" => texts(&DOCKERFILES),
        "dockerignore" => texts(&["# no\n*.o\n!keep.o\n/a/**/b\n[a-z]?\\*\n\0a/x/b", "**\n!src\0src/main.rs"]),
        "legacy_db" => texts(&[LEGACY]),
        "program" => programs(),
        "recipe" => texts(&[crate::engine::recipe::DEFAULT, RECIPE]),
        _ => panic!("no target is called `{name}`"),
    };
    good.into_iter().enumerate().flat_map(|(at, bytes)| broken(at, bytes)).collect()
}

const RECIPE: &str = "name = \"x1\"\narchive.url = 'https://h/docker-26.1.5.tgz'\n[compose]\npath = \"c\"\n[daemon.json]\na = [1.5]\n\
                      [[files]]\npath = \"/x\"\nsource = \"x\"\nmode = \"0755\"\n[deb]\ndepends = [\"a (>= 1)\"]\n";

fn programs() -> Vec<Vec<u8>> {
    let modules = "path\tm/cmd\nmod\tm\tv1.0.0\ndep\tn\tv1\th1:x=\n=>\to\tv2\n";
    let go = |architecture, old| go_program(architecture, "go1.21.8", modules, old);
    let dynamic = dynamic_program(Architecture::X86_64, &[("libc.so.6", &["GLIBC_2.34", "GLIBC_2.2.5"])]);
    vec![go(Architecture::X86_64, false), go(Architecture::S390x, true), go(Architecture::Armv7, true), dynamic]
}

/// Returns an input, half of it, and all of it with one bit flipped.
fn broken(at: usize, bytes: Vec<u8>) -> [Seed; 3] {
    let half = bytes[..bytes.len() / 2].to_vec();
    let mut flipped = bytes.clone();
    if let Some(byte) = flipped.get_mut(bytes.len() / 3) {
        *byte ^= 4;
    }
    let seed = |kind, bytes| Seed { name: format!("{at}-{kind}"), bytes };
    [seed("good", bytes), seed("half", half), seed("flipped", flipped)]
}

/// Returns a bundle of two apps on one base.
pub(super) fn bundle() -> Vec<u8> {
    let base = || ImageBuilder::app().file("meta/DESCRIPTION", 0o644, "A shop.\n").layer();
    let shop = base().file("shop", 0o755, "shop").label("DAM_APP_SERVERS", "plant:5000,").build();
    let tool = base().file("tool", 0o755, "tool").label("DAM_APP_MULTIVERSION", "true").build();
    let mut out = Vec::new();
    write(&[app("shop:1.0", shop), app("plant:5000/tools/tool:2.1", tool)], &mut out, &Silent).expect("sound images");
    out
}

/// Makes an app of an image, as `dam save` does.
fn app(reference: &str, image: MemoryImage) -> BundleApp {
    let reference: Reference = reference.parse().expect("a reference");
    let hooks = vec![HookName::Install, HookName::Uninstall];
    let meta = KeptMeta { digest: Digest::of(b""), hooks, description: Some("A shop.\n".to_owned()) };
    let labels = config(&image).expect("a config").1.config.labels;
    BundleApp { app: describe(&reference, &labels, &meta).expect("an app"), meta: meta.digest, image: Box::new(image) }
}

fn dam_json() -> Vec<u8> {
    let members = members(&bundle());
    members.into_iter().find(|(name, _)| name == "dam.json").expect("written first").1
}

fn image() -> MemoryImage {
    ImageBuilder::new().file("meta/install", 0o755, "#!/bin/sh\n").build()
}

fn tars() -> Vec<Vec<u8>> {
    let mut long = tar::Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(3);
    long.append_data(&mut header, "long/".repeat(30), &b"abc"[..]).expect("memory does not fail");
    let mut pax = ArchiveWriter::new(Vec::new());
    pax.add_bytes(&"é".repeat(150), b"abc").expect("memory does not fail");
    vec![
        long.into_inner().expect("memory does not fail"),
        pax.finish().expect("memory does not fail"),
        archive(ArchiveForm::Oci, &[(&image(), &["shop:1"])]),
        zstd(&archive(ArchiveForm::Docker20, &[(&image(), &["shop:1"]), (&image(), &["cart:1"])])),
        b"13 path=ab\nc\n11 size=42\n16 linkpath=abc\n22 GNU.sparse.major=1\n".to_vec(),
    ]
}

fn dam1_archives() -> Vec<Vec<u8>> {
    let packed = archive(ArchiveForm::Dam12, &[(&image(), &["shop:1"])]);
    let mut plain = Vec::new();
    dam_oci::decompress(&packed[..]).expect("gzip").1.read_to_end(&mut plain).expect("sound");
    vec![packed, plain, archive(ArchiveForm::Dam10, &[(&image(), &["plant:5000/shop:1"])])]
}

/// Joins documents as [`super::manifests::manifest_json`] takes them apart.
fn manifests() -> Vec<Vec<u8>> {
    const CONFIG: &str = r#"{"architecture":"amd64","os":"linux","config":{"Labels":{"DAM_APP_NAME":"shop","DAM_APP_VERSION":"1"}},"rootfs":{"type":"layers","diff_ids":["$0"]}}"#;
    const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"$1","size":#1},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"$0","size":#0}]}"#;
    const PLATFORMS: &str = r#"{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"$2","size":#2,"platform":{"os":"linux","architecture":"amd64"}},{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"$2","size":#2,"platform":{"os":"unknown","architecture":"unknown"}}]}"#;
    const INDEX: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"$2","size":#2,"annotations":{"io.containerd.image.name":"docker.io/library/shop:1","org.opencontainers.image.ref.name":"1"}}]}"#;
    const NESTED: &str = r#"{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"$3","size":#3,"annotations":{"org.opencontainers.image.ref.name":"plant:5000/shop:1"}}]}"#;
    const SAVED: &str =
        r#"[{"Config":"$1","RepoTags":["shop:1"],"Layers":["$0"]},{"Config":"$1","RepoTags":null,"Layers":["$0"]}]"#;
    let join = |documents: &[&str]| documents.iter().map(|it| it.as_bytes()).collect::<Vec<_>>().join(&BETWEEN);
    vec![
        join(&["", SAVED, CONFIG]),
        join(&[INDEX, "", MANIFEST, CONFIG]),
        join(&[INDEX, SAVED, MANIFEST, CONFIG]),
        join(&[NESTED, "", PLATFORMS, MANIFEST, CONFIG]),
    ]
}

/// An ordinary `/meta`, with the links it may have.
fn meta() -> Vec<u8> {
    let mut tar = Vec::new();
    let mut add = |kind, name: &str, link: &str, content: &str| {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        header.set_path(name).expect("short");
        header.set_link_name_literal(link).expect("short");
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(content.as_bytes());
        tar.resize(tar.len().next_multiple_of(512), 0);
    };
    add(EntryType::Directory, "meta/", "", "");
    add(EntryType::Regular, "meta/install", "", "#!/bin/sh\n");
    add(EntryType::Regular, "meta/DESCRIPTION", "", "A shop.\n");
    add(EntryType::Symlink, "meta/uninstall", "install", "");
    add(EntryType::Link, "meta/upgrade", "meta/install", "");
    tar
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

const REFERENCES: [&str; 6] = [
    "plant:5000/tools/backup:2.1",
    "docker.io/library/busybox:1",
    "shop@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "[::1]:5000/a/b__c:1",
    "linux/arm64/v8",
    "mongodb-3.6.20.a99ac09f-162730321.dam",
];

const DOCKERFILES: [&str; 3] = [
    "# escape=`\nARG VERSION=1\nFROM a:${VERSION:-2} AS build\nCOPY --from=build `\n  a b /meta/\nENV A=1 B=\"2 3\"\n",
    "FROM scratch\nADD <<'END' <<-B /meta/\na $b\nEND\nc\nB\nCMD [\"sh\", \"-c\"]\nHEALTHCHECK --interval=1s CMD x\n",
    "FROM a\nLABEL a=b \"c d\"='e'\nEXPOSE 80 53/udp\nVOLUME [\"/a\"]\nSHELL [\"sh\"]\nUSER a:b\nWORKDIR $A/b\nONBUILD RUN x\nSTOPSIGNAL 9\n",
];

const LEGACY: &str = "1;;official;https://registry-1.docker.io/;;\n2;*;local;localhost:5000;me;czNjcmV0\n\0\
    0;a30d628ceea4;damres-a;1.0.0;2;;damres-a\n1|0123456789ab|hub|2|1|*|FAM\n";
