//! Builds without an engine: each instruction, and what ends up in the image.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use dam_oci::build::{BuildRequest, Built, build};
use dam_oci::context::{Context, Entry};
use dam_oci::testing::{ImageBuilder, MemoryImage, MemorySink};
use dam_oci::{Decompressed, Error, Image, Platform, Result, config};
use proptest::prelude::{ProptestConfig, proptest};
use serde_json::{Value, json};

/// A build under construction.
#[derive(Default)]
struct Case {
    context: Context,
    bases: BTreeMap<String, MemoryImage>,
    args: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    platform: Option<Platform>,
}

/// What came out of it.
struct Outcome {
    built: Built,
    image: MemoryImage,
    lines: Vec<String>,
}

fn case(dockerfile: &str) -> Case {
    let mut case = Case::default();
    case.context.insert(Entry { excluded: true, ..Entry::bytes("Dockerfile", 0o644, dockerfile) });
    case
}

impl Case {
    fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.with(Entry::bytes(path, 0o644, content.as_ref()))
    }

    fn with(mut self, entry: Entry) -> Self {
        self.context.insert(entry);
        self
    }

    fn base(mut self, name: &str, image: MemoryImage) -> Self {
        self.bases.insert(name.to_owned(), image);
        self
    }

    fn arg(mut self, name: &str, value: &str) -> Self {
        self.args.insert(name.to_owned(), value.to_owned());
        self
    }

    fn run(&self) -> Result<Outcome> {
        let mut request = BuildRequest::new(&self.context);
        request.args = self.args.clone();
        request.labels = self.labels.clone();
        request.platform = self.platform.clone();
        let (sink, mut lines) = (MemorySink::default(), Vec::new());
        let built = build(&request, &sink, &self.bases, &mut |line| lines.push(line.to_owned()))?;
        Ok(Outcome { image: sink.image(&built), built, lines })
    }

    fn built(&self) -> Outcome {
        self.run().unwrap_or_else(|error| panic!("{error}"))
    }

    fn fault(&self) -> String {
        match self.run() {
            Err(error @ (Error::Dockerfile { .. } | Error::NeedsEngine { .. })) => error.to_string(),
            Err(other) => panic!("another kind of error: {other:?}"),
            Ok(_) => panic!("it was built"),
        }
    }

    /// The files of the layers, one list each.
    fn layers(&self) -> Vec<Vec<String>> {
        self.built().layers()
    }

    /// The files of the one layer.
    fn layer(&self) -> Vec<String> {
        let layers = self.layers();
        assert_eq!(layers.len(), 1);
        layers.into_iter().next().expect("one")
    }
}

impl Outcome {
    fn config(&self) -> Value {
        let (bytes, _) = config(&self.image).expect("a config");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    fn layers(&self) -> Vec<Vec<String>> {
        let (_, parsed) = config(&self.image).expect("a config");
        let layers = self.image.manifest().layers.iter().zip(&parsed.rootfs.diff_ids);
        layers
            .map(|(layer, diff_id)| {
                let mut plain = Vec::new();
                let stream = dam_oci::blob(&self.image, layer).expect("a blob");
                Decompressed::new(stream).expect("a stream").read_to_end(&mut plain).expect("a sound blob");
                assert_eq!(dam_oci::Digest::of(&plain), *diff_id);
                list(&plain)
            })
            .collect()
    }
}

/// Reads a tar into lines such as `-644 a = content`; owners other than root and times are shown too.
fn list(tar: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(tar);
    let mut lines = Vec::new();
    for entry in archive.entries().expect("a tar") {
        let mut entry = entry.expect("an entry");
        let mut content = String::new();
        entry.read_to_string(&mut content).expect("text");
        let header = entry.header().clone();
        let kind = match header.entry_type() {
            tar::EntryType::Directory => 'd',
            tar::EntryType::Symlink => 'l',
            tar::EntryType::Regular => '-',
            tar::EntryType::Link => 'h',
            other => panic!("{other:?}"),
        };
        let mut line = format!("{kind}{:o} {}", header.mode().unwrap(), entry.path().unwrap().display());
        if let Some(target) = entry.link_name().expect("a target") {
            line += &format!(" -> {}", target.display());
        }
        if !content.is_empty() {
            line += &format!(" = {content}");
        }
        match (header.uid().unwrap(), header.gid().unwrap()) {
            (0, 0) => {}
            (uid, gid) => line += &format!(" ({uid}:{gid})"),
        }
        match header.mtime().unwrap() {
            0 => {}
            mtime => line += &format!(" @{mtime}"),
        }
        lines.push(line);
    }
    lines
}

fn tar_of(add: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    add(&mut tar);
    tar.into_inner().expect("memory does not fail")
}

fn header(kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o640);
    header.set_uid(7);
    header.set_gid(8);
    header.set_mtime(99);
    header.set_size(size);
    header
}

// Files and folders

#[test]
fn a_file_goes_where_it_is_told() {
    let copy = |line: &str| case(&format!("FROM scratch\n{line}\n")).file("a", "A").file("sub/b", "B").layer();
    assert_eq!(copy("COPY a /x"), ["-644 x = A"]);
    assert_eq!(copy("COPY a /x/"), ["d755 x/", "-644 x/a = A"]);
    assert_eq!(copy("COPY a x/y/z"), ["d755 x/", "d755 x/y/", "-644 x/y/z = A"]);
    assert_eq!(copy("COPY a ."), ["-644 a = A"]);
    assert_eq!(copy("COPY /a /"), ["-644 a = A"]);
    assert_eq!(copy("COPY ../../a ./q/../r"), ["-644 r = A"]);
    assert_eq!(copy("COPY sub/b a /x/"), ["d755 x/", "-644 x/a = A", "-644 x/b = B"]);
    assert_eq!(copy("COPY [\"a\", \"/with space\"]"), ["-644 with space = A"]);
    assert_eq!(copy("copy a \\\n  # why not\n  /x"), ["-644 x = A"]);
    assert_eq!(copy("ADD a /x"), ["-644 x = A"]);
}

#[test]
fn of_a_folder_the_content_is_copied() {
    let copy = |line: &str| {
        let case = case(&format!("FROM scratch\n{line}\n")).file("dir/a", "A").file("dir/sub/b", "B");
        case.with(Entry::folder("dir", 0o700)).with(Entry::folder("dir/sub", 0o750)).with(Entry::folder("dir/e", 0o711))
    };
    let into_x = ["d755 x/", "-644 x/a = A", "d711 x/e/", "d750 x/sub/", "-644 x/sub/b = B"];
    for line in ["COPY dir /x", "COPY dir/ /x/", "COPY ./dir/. /x", "COPY dir dir/sub/.. /x/"] {
        assert_eq!(copy(line).layer(), into_x, "{line}");
    }
    assert_eq!(copy("COPY dir/sub /").layer(), ["-644 b = B"]);
    let everything = ["d700 dir/", "-644 dir/a = A", "d711 dir/e/", "d750 dir/sub/", "-644 dir/sub/b = B"];
    assert_eq!(copy("COPY . /").layer(), everything);
    assert!(copy("COPY dir/e /").layers().is_empty());
}

#[test]
fn what_is_there_is_merged_and_its_folders_go_along() {
    let dockerfile = "FROM scratch\nCOPY dir /x\nCOPY more /x\nCOPY a /x\nCOPY a /x/a\n";
    let case = case(dockerfile).file("dir/sub/b", "B").file("more/sub/c", "C").file("a", "A");
    let case = case.with(Entry::folder("dir/sub", 0o700)).with(Entry::folder("more/sub", 0o711));
    let layers = case.layers();
    assert_eq!(layers[0], ["d755 x/", "d700 x/sub/", "-644 x/sub/b = B"]);
    assert_eq!(layers[1], ["d755 x/", "d711 x/sub/", "-644 x/sub/c = C"]);
    assert_eq!(layers[2], ["d755 x/", "-644 x/a = A"]);
    assert_eq!(layers[3], layers[2]);
}

#[test]
fn patterns_find_files() {
    let copy = |line: &str| {
        let case = case(&format!("FROM scratch\n{line}\n"));
        case.file("a.txt", "A")
            .file("b.txt", "B")
            .file("c.md", "C")
            .file("d/e.txt", "E")
            .file("[x]", "X")
            .file("dd/f", "F")
    };
    assert_eq!(copy("COPY *.txt /x/").layer(), ["d755 x/", "-644 x/a.txt = A", "-644 x/b.txt = B"]);
    assert_eq!(copy("COPY ?.md none* /").layer(), ["-644 c.md = C"]);
    assert_eq!(copy("COPY */*.txt /x").layer(), ["-644 x = E"]);
    assert_eq!(copy("COPY d/[a-e].txt /x").layer(), ["-644 x = E"]);
    assert_eq!(copy("COPY d* /x/").layer(), ["d755 x/", "-644 x/e.txt = E", "-644 x/f = F"]);
    assert_eq!(copy("COPY [[]x] /x").layer(), ["-644 x = X"]);
    assert_eq!(copy("COPY *.none /x/").fault(), "line 2: `*.none` is not in the build context");
    assert_eq!(copy("COPY [a /x/").fault(), "line 2: `[a` is no pattern");
    assert_eq!(copy("COPY *.txt /x").fault(), "line 2: 2 sources need a destination that is a folder and ends in `/`");
}

#[test]
fn links_stay_links_unless_they_are_the_source() {
    let copy = |line: &str| {
        let case = case(&format!("FROM scratch\n{line}\n")).file("dir/a", "A");
        case.with(Entry::symlink("dir/l", "a"))
            .with(Entry::symlink("dir/out", "/etc/passwd"))
            .with(Entry::symlink("to", "dir"))
    };
    assert_eq!(copy("COPY dir /x").layer(), ["d755 x/", "-644 x/a = A", "l777 x/l -> a", "l777 x/out -> /etc/passwd"]);
    assert_eq!(copy("COPY dir/l /x").layer(), ["-644 x = A"]);
    assert_eq!(copy("COPY to/l /x/").layer(), ["d755 x/", "-644 x/l = A"]);
    assert_eq!(copy("COPY to /x").layer().len(), 4);
    assert_eq!(copy("COPY dir/out /x").fault(), "line 2: `dir/out` is not in the build context");
    assert_eq!(copy("COPY dir /\nCOPY dir/a /l").layers()[1], ["-644 a = A"]);
}

#[test]
fn faults_of_copy_name_line_and_path() {
    let fault = |lines: &str| case(&format!("FROM scratch\n{lines}\n")).file("a", "A").file("d/b", "B").fault();
    assert_eq!(fault("\n\nCOPY nothing /x"), "line 4: `nothing` is not in the build context");
    assert_eq!(fault("COPY Dockerfile /x"), "line 2: `Dockerfile` is not in the build context");
    assert_eq!(fault("COPY a d /x"), "line 2: 2 sources need a destination that is a folder and ends in `/`");
    assert_eq!(fault("COPY a /a\nCOPY d /a"), "line 3: `/a` is no folder");
    assert_eq!(fault("COPY a /a\nCOPY a /a/b"), "line 3: `/a` is no folder");
    assert_eq!(fault("COPY d /b/b\nCOPY d /"), "line 3: `/b` is a folder and cannot become a file");
    assert_eq!(fault("COPY --chmod=rwx a /"), "line 2: --chmod=rwx is no octal mode such as 755");
    assert_eq!(fault("COPY --parents a /"), "line 2: --parents of COPY is not supported");
    assert_eq!(fault("COPY ${a#b} /"), "line 2: `#` behind `${a` is not supported in `${a#b}`");
    assert_eq!(fault("ADD https://example/a /"), "line 2: ADD of the address `https://example/a` is not supported");
    assert_eq!(fault("ADD git@host:a.git /"), "line 2: ADD of the address `git@host:a.git` is not supported");
    assert_eq!(fault("COPY a /.wh.b"), "line 2: `/.wh.b`: a name in an image cannot start with `.wh.`");
    assert_eq!(fault("COPY --from=other a /"), "line 2: there is no image `other`");
}

#[test]
fn owners_and_modes_are_changed_on_the_way() {
    let copy = |line: &str| case(&format!("FROM scratch\n{line}\n")).file("d/a", "A").with(Entry::symlink("d/l", "a"));
    assert_eq!(
        copy("COPY --chown=10:20 --chmod=4750 d /x").layer(),
        ["d755 x/ (10:20)", "-4750 x/a = A (10:20)", "l777 x/l -> a (10:20)"]
    );
    assert_eq!(copy("ARG U=5\nCOPY --chown=$U d/a /").layer(), ["-644 a = A (5:5)"]);
    assert_eq!(copy("COPY --chown=app d /").fault(), "line 2: the user `app` is not in /etc/passwd of the image");
    let named = |flag: &str| {
        let accounts = "root:x:0:0::/:/bin/sh\napp:x:100:200::/:/bin/sh\n";
        let case = case(&format!("FROM scratch\nCOPY etc /etc\nCOPY --chown={flag} d/a /\n")).file("d/a", "A");
        let case = case.file("etc/passwd", accounts).file("etc/group", "root:x:0:\nweb:x:300:app\n");
        case.run().map(|outcome| outcome.layers()[1][0].clone()).map_err(|error| error.to_string())
    };
    assert_eq!(named("app").as_deref(), Ok("-644 a = A (100:200)"));
    assert_eq!(named("app:web").as_deref(), Ok("-644 a = A (100:300)"));
    assert_eq!(named("1:web").as_deref(), Ok("-644 a = A (1:300)"));
    assert_eq!(named("app:nobody"), Err("line 3: the group `nobody` is not in /etc/group of the image".to_owned()));
}

#[test]
fn here_documents_are_files() {
    let dockerfile =
        "FROM scratch\nARG X=1\nCOPY <<one <<'two' /d/\na $X \"q\"\none\nb $X\ntwo\nCOPY <<EOF /f\nplain\nEOF\n";
    let layers = case(dockerfile).layers();
    assert_eq!(layers[0], ["d755 d/", "-644 d/one = a 1 \"q\"\n", "-644 d/two = b $X\n"]);
    assert_eq!(layers[1], ["-644 f = plain\n"]);
}

#[test]
fn a_context_on_disk_gives_the_same_image_whenever_it_was_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |seconds: u64| {
        let path = folder.path().join("big");
        std::fs::remove_file(&path).ok();
        std::fs::write(&path, vec![7; 3 << 20]).expect("a file");
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        std::fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(time)).expect("a time");
        std::fs::write(folder.path().join("Dockerfile"), "FROM scratch\nCOPY . /\n").expect("a file");
        let context = Context::scan(folder.path(), &dam_oci::DockerIgnore::default()).expect("a context");
        Case { context, ..Case::default() }.built().built
    };
    assert_eq!(write(1_000_000), write(2_000_000));
}

#[test]
fn a_file_that_changes_under_the_build_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("log");
    std::fs::write(&path, "longer").expect("a file");
    let case = case("FROM scratch\nCOPY log /\n").with(Entry::disk("log", 0o644, 3, &path));
    let error = case.run().err().expect("it grew");
    assert!(matches!(&error, Error::Access { path: named, .. } if *named == path), "{error:?}");
    let case = Case { context: Context::new(), ..Case::default() }.file("Dockerfile", "FROM scratch\nCOPY log /\n");
    let error = case.with(Entry::disk("log", 0o644, 9, &path)).run().err().expect("it shrank");
    assert!(matches!(error, Error::Access { .. }), "{error:?}");
}

// Archives

#[test]
fn add_unpacks_an_archive_however_it_is_compressed() {
    let tar = tar_of(|tar| {
        tar.append_data(&mut header(tar::EntryType::Directory, 0), "./", &b""[..]).unwrap();
        tar.append_data(&mut header(tar::EntryType::Directory, 0), "d/", &b""[..]).unwrap();
        tar.append_data(&mut header(tar::EntryType::Regular, 1), "d/f", &b"F"[..]).unwrap();
        tar.append_link(&mut header(tar::EntryType::Link, 0), "hard", "d/f").unwrap();
        tar.append_link(&mut header(tar::EntryType::Symlink, 0), "soft", "../../up").unwrap();
    });
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar).expect("memory does not fail");
    let gzip = gzip.finish().expect("memory does not fail");
    let zstd = zstd::encode_all(&tar[..], 1).expect("memory does not fail");
    let expected = [
        "d755 x/",
        "d640 x/d/ (7:8) @99",
        "-640 x/d/f = F (7:8) @99",
        "-640 x/hard = F (7:8) @99",
        "l640 x/soft -> ../../up (7:8) @99",
    ];
    for bytes in [&tar, &gzip, &zstd] {
        assert_eq!(case("FROM scratch\nADD archive /x\n").file("archive", bytes).layer(), expected);
    }
    let owned = case("FROM scratch\nADD --chown=1 archive /x\n").file("archive", &tar).layer();
    assert_eq!(owned[..2], ["d755 x/ (1:1)", "d640 x/d/ (1:1) @99"]);
    let copied = case("FROM scratch\nCOPY archive /x\nADD other /y\nADD empty /z\n");
    let copied =
        copied.with(Entry::bytes("archive", 0o600, "not looked at")).file("other", "\x1f\u{8b}no").file("empty", "");
    assert_eq!(copied.layers()[1..], [vec!["-644 y = \x1f\u{8b}no".to_owned()], vec!["-644 z".to_owned()]]);
}

#[test]
fn an_archive_cannot_leave_its_folder() {
    let add = |entry: (&str, tar::EntryType, &str)| {
        let tar = tar_of(|tar| {
            let (path, kind, target) = entry;
            let mut header = header(kind, 0);
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
            header.set_cksum();
            tar.append(&header, &b""[..]).unwrap();
        });
        case("FROM scratch\nADD a.tar /x/y\n").file("a.tar", tar)
    };
    let fault = |entry| add(entry).fault();
    assert_eq!(fault(("../evil", tar::EntryType::Regular, "")), "line 2: `../evil` in `a.tar` leaves the folder");
    assert_eq!(fault(("a/../../e", tar::EntryType::Regular, "")), "line 2: `a/../../e` in `a.tar` leaves the folder");
    assert_eq!(fault(("l", tar::EntryType::Link, "../../etc/x")), "line 2: `l` in `a.tar` leaves the folder");
    assert_eq!(fault(("l", tar::EntryType::Link, "gone")), "line 2: `l` in `a.tar` links to nothing");
    assert_eq!(fault(("dev", tar::EntryType::Char, "")), "line 2: `dev` in `a.tar` is a device or a pipe");
    let absolute = add(("/abs", tar::EntryType::Regular, "")).layer();
    assert_eq!(absolute, ["d755 x/", "d755 x/y/", "-640 x/y/abs (7:8) @99"]);
    let truncated = tar_of(|tar| tar.append_data(&mut header(tar::EntryType::Regular, 3), "f", &b"abc"[..]).unwrap());
    let error = case("FROM scratch\nADD a.tar /\n").file("a.tar", &truncated[..513]).run().err().expect("cut short");
    assert_eq!(error.to_string(), "`a.tar` cannot be read or written");
    let other = case("FROM scratch\nADD a.txz /\n").file("a.txz", b"\xfd7zXZ\0rest");
    assert_eq!(other.fault(), "line 2: `a.txz` is compressed with xz, which is not supported");
}

#[test]
fn an_archive_goes_through_links_that_are_there() {
    let tar = tar_of(|tar| {
        tar.append_data(&mut header(tar::EntryType::Regular, 1), "bin/tool", &b"T"[..]).unwrap();
    });
    let case = case("FROM scratch\nCOPY root /\nADD a.tar /\n").file("a.tar", tar).file("root/usr/bin/sh", "S");
    let layers = case.with(Entry::symlink("root/bin", "usr/bin")).layers();
    assert_eq!(layers[1], ["d755 usr/", "d755 usr/bin/", "-640 usr/bin/tool = T (7:8) @99"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_archive_never_panics(at in 0_usize..3072, byte in 0_u8..=255, end in 0_usize..3584) {
        let mut tar = tar_of(|tar| {
            tar.append_data(&mut header(tar::EntryType::Directory, 0), "d/", &b""[..]).unwrap();
            tar.append_data(&mut header(tar::EntryType::Regular, 600), "d/f", &[b'f'; 600][..]).unwrap();
            tar.append_link(&mut header(tar::EntryType::Symlink, 0), "d/soft", "/d").unwrap();
        });
        tar[at] = byte;
        tar.truncate(end.max(600));
        case("FROM scratch\nADD a.tar /x/\n").file("a.tar", &tar).run().ok();
        // The same as a layer: what it promises is kept, what it holds is nonsense.
        let layer = dam_oci::Descriptor::of(dam_oci::media_type::LAYER, &tar);
        let config = json!({ "rootfs": { "type": "layers", "diff_ids": [layer.digest] } }).to_string().into_bytes();
        let described = dam_oci::Descriptor::of(dam_oci::media_type::CONFIG, &config);
        let manifest = dam_oci::Manifest::new(described.clone(), vec![layer.clone()]);
        let image = MemoryImage::new(manifest, BTreeMap::from([(layer.digest, tar), (described.digest, config)]));
        case("FROM b\nCOPY --from=b / /y/\n").base("b", image).run().ok();
    }
}

// Stages and base images

/// An image with a link in its root, a folder with its own mode, and something deleted by its second layer.
fn base() -> MemoryImage {
    let layer = tar_of(|tar| {
        let mut folder = header(tar::EntryType::Directory, 0);
        folder.set_mode(0o1777);
        tar.append_data(&mut folder, "tmp/", &b""[..]).unwrap();
        tar.append_data(&mut header(tar::EntryType::Directory, 0), "usr/bin/", &b""[..]).unwrap();
        tar.append_link(&mut header(tar::EntryType::Symlink, 0), "bin", "usr/bin").unwrap();
        tar.append_data(&mut header(tar::EntryType::Regular, 2), "usr/bin/sh", &b"sh"[..]).unwrap();
        tar.append_link(&mut header(tar::EntryType::Link, 0), "usr/bin/ash", "usr/bin/sh").unwrap();
        tar.append_data(&mut header(tar::EntryType::Regular, 3), "data/old", &b"old"[..]).unwrap();
        tar.append_data(&mut header(tar::EntryType::Regular, 4), "gone/file", &b"gone"[..]).unwrap();
    });
    let upper = tar_of(|tar| {
        tar.append_data(&mut header(tar::EntryType::Regular, 3), "data/new", &b"new"[..]).unwrap();
        tar.append_data(&mut header(tar::EntryType::Regular, 0), "data/.wh..wh..opq", &b""[..]).unwrap();
        tar.append_data(&mut header(tar::EntryType::Regular, 0), ".wh.gone", &b""[..]).unwrap();
    });
    let gzip = {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&upper).expect("memory does not fail");
        gzip.finish().expect("memory does not fail")
    };
    let config = json!({
        "architecture": "amd64", "os": "linux", "x-unknown": [1],
        "config": { "Env": ["PATH=/bin", "B=base"], "Cmd": ["sh"], "Labels": null, "WorkingDir": "/tmp", "x-own": true },
        "history": [{ "created_by": "base" }, { "created_by": "upper" }],
        "rootfs": { "type": "layers", "diff_ids": [dam_oci::Digest::of(&layer), dam_oci::Digest::of(&upper)] },
    });
    let blob = |media_type: &str, bytes: &[u8]| (dam_oci::Descriptor::of(media_type, bytes), bytes.to_vec());
    let config = blob(dam_oci::media_type::CONFIG, config.to_string().as_bytes());
    let layers = [blob(dam_oci::media_type::DOCKER_LAYER, &layer), blob(dam_oci::media_type::DOCKER_LAYER_GZIP, &gzip)];
    let descriptors = layers.iter().map(|(descriptor, _)| descriptor.clone()).collect();
    let manifest = dam_oci::Manifest::new(config.0.clone(), descriptors);
    let blobs = layers.into_iter().chain([config]).map(|(descriptor, bytes)| (descriptor.digest, bytes));
    MemoryImage::new(manifest, blobs.collect())
}

#[test]
fn an_image_goes_on_from_its_base() {
    let dockerfile = "FROM base\nENV A=$B\nCOPY a /bin/\nCOPY a /tmp/\nCOPY a b\n";
    let outcome = case(dockerfile).base("base", base()).file("a", "A").built();
    let layers = outcome.layers();
    assert_eq!(layers.len(), 5);
    // Through the link, and with the folders as the base has them: one of them it has without saying so.
    assert_eq!(layers[2], ["d755 usr/", "d640 usr/bin/ (7:8)", "-644 usr/bin/a = A"]);
    assert_eq!(layers[3], ["d1777 tmp/ (7:8)", "-644 tmp/a = A"]);
    assert_eq!(layers[4], ["d1777 tmp/ (7:8)", "-644 tmp/b = A"]);
    let media_types: Vec<_> = outcome.image.manifest().layers.iter().map(|layer| layer.media_type.as_str()).collect();
    assert_eq!(media_types[..2], [dam_oci::media_type::LAYER, dam_oci::media_type::LAYER_GZIP]);
    assert_eq!(media_types[2], dam_oci::media_type::LAYER_ZSTD);
    let config = outcome.config();
    assert_eq!(config["x-unknown"], json!([1]));
    assert_eq!(config["config"]["x-own"], true);
    assert_eq!(config["config"]["Env"], json!(["PATH=/bin", "B=base", "A=base"]));
    assert_eq!(config["created"], "1970-01-01T00:00:00Z");
    let history = config["history"].as_array().expect("a list");
    assert_eq!(
        (history.len(), &history[2]["empty_layer"], &history[3]["empty_layer"]),
        (6, &json!(true), &Value::Null)
    );
    assert_eq!(history[3]["created_by"], "COPY a /bin/");
}

#[test]
fn files_come_out_of_base_images_through_their_layers() {
    let copy = |line: &str| case(&format!("FROM scratch\n{line}\n")).base("base:1", base());
    let from = |what: &str| copy(&format!("COPY --from=base:1 {what}"));
    assert_eq!(from("/bin/sh /sh").layer(), ["-640 sh = sh (7:8)"]);
    assert_eq!(from("/bin/ash /").layer(), ["-640 ash = sh (7:8)"]);
    assert_eq!(from("/data /d").layer(), ["d755 d/", "-640 d/new = new (7:8)"]);
    assert_eq!(from("--chown=0 /usr/bin/* /").layer(), ["-640 ash = sh", "-640 sh = sh"]);
    assert_eq!(from("/gone /").fault(), "line 2: `/gone` is not in `base:1`");
    assert_eq!(from("/data/old /").fault(), "line 2: `/data/old` is not in `base:1`");
}

#[test]
fn stages_are_made_of_each_other() {
    let dockerfile = "ARG BASE=scratch\nFROM $BASE AS One\nENV E=1\nCOPY a /dir/a\nCOPY <<EOF /dir/doc\nhi\nEOF\n\
                      FROM unused AS two\nRUN impossible\n\
                      FROM one AS three\nCOPY b /b\n\
                      FROM scratch\nCOPY --from=ONE /dir /from-one\nCOPY --from=2 /b /dir/a /from-three/\n";
    let outcome = case(dockerfile).file("a", "A").file("b", "B").built();
    let layers = outcome.layers();
    assert_eq!(layers[0], ["d755 from-one/", "-644 from-one/a = A", "-644 from-one/doc = hi\n"]);
    assert_eq!(layers[1], ["d755 from-three/", "-644 from-three/a = A", "-644 from-three/b = B"]);
    assert_eq!(layers.len(), 2);
    assert_eq!(outcome.lines[0], "step 1/9: FROM scratch AS one");
    assert_eq!(outcome.lines[8], "step 9/9: COPY --from=2 /b /dir/a /from-three/");

    let last = "FROM scratch AS a\nENV E=1\nWORKDIR /w\nCOPY x .\nFROM a\nCOPY x y\n";
    let outcome = case(last).file("x", "X").built();
    assert_eq!(outcome.layers().len(), 3);
    assert_eq!(outcome.layers()[2], ["d755 w/", "-644 w/y = X"]);
    assert_eq!(outcome.config()["config"]["Env"][1], "E=1");
}

#[test]
fn bases_that_do_not_fit_are_refused() {
    assert_eq!(case("\nFROM nothing\n").fault(), "line 2: there is no image `nothing`");
    assert_eq!(case("ARG B\nFROM $B\n").fault(), "line 2: FROM `$B` names nothing");
    let arm = "linux/arm64".parse::<Platform>().expect("a platform");
    let case_for_arm = Case { platform: Some(arm), ..case("FROM base\n").base("base", ImageBuilder::app().build()) };
    assert_eq!(case_for_arm.fault(), "line 1: the image `base` is for linux/amd64 and not for linux/arm64");
    let flag = case("FROM --platform=linux/s390x base\n").base("base", ImageBuilder::app().build());
    assert_eq!(flag.fault(), "line 1: the image `base` is for linux/amd64 and not for linux/s390x");
    let scratch = case("FROM --platform=linux/s390x scratch\nENV A=1\n").built().config();
    assert_eq!((&scratch["os"], &scratch["architecture"]), (&json!("linux"), &json!("s390x")));
}

#[test]
fn a_damaged_base_layer_never_gets_through() {
    for line in ["ENV A=1", "COPY --from=base /meta /", "COPY Dockerfile2 /"] {
        let mut image = ImageBuilder::app().build();
        let layer = image.manifest().layers[0].digest;
        image.blobs_mut().get_mut(&layer).expect("the layer")[600] ^= 1;
        let case = case(&format!("FROM base\n{line}\n")).base("base", image).file("Dockerfile2", "");
        assert!(matches!(case.run(), Err(Error::Blob(_) | Error::Stream { .. } | Error::Damaged { .. })), "{line}");
    }
}

#[test]
fn what_needs_an_engine_is_said_before_anything_is_done() {
    let mut told = Vec::new();
    let case_with_run = case("FROM missing\n\nUSER x\n# why\nRUN make \\\n all\n");
    let request = BuildRequest::new(&case_with_run.context);
    let error = build(&request, &MemorySink::default(), &case_with_run.bases, &mut |line| told.push(line.to_owned()));
    assert!(matches!(error, Err(Error::NeedsEngine { line: 5, instruction: "RUN" })));
    assert!(told.is_empty());
    assert_eq!(case_with_run.fault(), "line 5: RUN needs a container engine");
    assert_eq!(case("FROM scratch\nONBUILD COPY a b\n").fault(), "line 2: ONBUILD needs a container engine");
}

// The config

#[test]
fn instructions_fill_the_config() {
    let dockerfile = "FROM scratch\nARG N=8000 U=me\nENV HOME=/home/$U PATH=/app:$PATH\nLABEL a.b=\"two words\" c=$N\n\
        LABEL old form\nEXPOSE 80 53/UDP $N-8002\nVOLUME [\"/data\", \"/with space\"]\nUSER 7:8\nSTOPSIGNAL SIGINT\n\
        MAINTAINER Some One <some@one>\nSHELL [\"/bin/ash\", \"-ec\"]\nENTRYPOINT [\"/app\", \"$HOME\"]\nCMD run  \"$HOME\"\n\
        HEALTHCHECK --interval=1m30s --retries=2 --timeout=500ms CMD [\"/check\"]\n";
    let config = case(dockerfile).built().config();
    assert_eq!(
        config["config"],
        json!({
            "Env": ["PATH=/app:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/home/me"],
            "WorkingDir": "/",
            "Labels": { "a.b": "two words", "c": "8000", "old": "form" },
            "ExposedPorts": { "80/tcp": {}, "53/udp": {}, "8000/tcp": {}, "8001/tcp": {}, "8002/tcp": {} },
            "Volumes": { "/data": {}, "/with space": {} },
            "User": "7:8",
            "StopSignal": "SIGINT",
            "Shell": ["/bin/ash", "-ec"],
            "Entrypoint": ["/app", "$HOME"],
            "Cmd": ["/bin/ash", "-ec", "run  \"$HOME\""],
            "Healthcheck": { "Test": ["CMD", "/check"], "Interval": 90_000_000_000_u64, "Retries": 2, "Timeout": 500_000_000 },
        })
    );
    assert_eq!(config["author"], "Some One <some@one>");
    assert_eq!(config["rootfs"], json!({ "type": "layers", "diff_ids": [] }));
}

#[test]
fn health_checks_have_three_forms() {
    let check = |line: &str| case(&format!("FROM scratch\n{line}\n")).built().config()["config"]["Healthcheck"].take();
    assert_eq!(check("HEALTHCHECK NONE"), json!({ "Test": ["NONE"] }));
    assert_eq!(check("HEALTHCHECK CMD a || b"), json!({ "Test": ["CMD-SHELL", "a || b"] }));
    let fault = case("FROM scratch\nHEALTHCHECK --interval=soon CMD a\n").fault();
    assert_eq!(fault, "line 2: --interval=soon of HEALTHCHECK cannot be understood");
    assert_eq!(case("FROM scratch\nEXPOSE web\n").fault(), "line 2: `web` is no port such as `80` or `53/udp`");
}

#[test]
fn an_entrypoint_does_away_with_the_command_of_the_base() {
    let config = |lines: &str| case(&format!("FROM base\n{lines}\n")).base("base", base()).built().config();
    assert_eq!(config("ENTRYPOINT [\"x\"]")["config"].get("Cmd"), None);
    assert_eq!(config("CMD [\"y\"]\nENTRYPOINT [\"x\"]")["config"]["Cmd"], json!(["y"]));
    assert_eq!(config("USER x")["config"]["Cmd"], json!(["sh"]));
}

#[test]
fn a_working_folder_is_made_once() {
    let dockerfile = "FROM scratch\nWORKDIR /a\nWORKDIR b/../c\nWORKDIR /a\nUSER 5\nWORKDIR /mine\nCOPY x .\n";
    let outcome = case(dockerfile).file("x", "X").built();
    let expected = [
        vec!["d755 a/"],
        vec!["d755 a/", "d755 a/c/"],
        vec!["d755 mine/ (5:5)"],
        vec!["d755 mine/ (5:5)", "-644 mine/x = X"],
    ];
    assert_eq!(outcome.layers(), expected);
    assert_eq!(outcome.config()["config"]["WorkingDir"], "/mine");
}

#[test]
fn arguments_and_labels_are_overridden() {
    let dockerfile = "ARG G=1\nFROM scratch\nARG A=a\nARG G\nARG NONE\nLABEL a=$A g=$G none=.$NONE. arch=$TARGETARCH\n";
    let mut case = case(dockerfile).arg("A", "given").arg("UNUSED", "x");
    case.labels.insert("g".to_owned(), "flag".to_owned());
    case.labels.insert("new".to_owned(), "label".to_owned());
    let outcome = case.built();
    let expected = json!({ "a": "given", "g": "flag", "none": "..", "arch": "", "new": "label" });
    assert_eq!(outcome.config()["config"]["Labels"], expected);
    assert_eq!(outcome.lines.last().expect("a line"), "warning: no ARG takes the build argument `UNUSED`");
}

#[test]
fn the_dockerfile_can_be_elsewhere_and_must_be_somewhere() {
    let mut case = Case::default().file("build/Dockerfile.plant", "FROM scratch\nLABEL a=b\n");
    let request = BuildRequest { dockerfile: "./build/Dockerfile.plant".into(), ..BuildRequest::new(&case.context) };
    build(&request, &MemorySink::default(), &case.bases, &mut |_| {}).expect("an image");
    let error = case.run().err().expect("no Dockerfile");
    assert_eq!(error.to_string(), "there is no Dockerfile `Dockerfile` in the build context");
    case.context.insert(Entry::folder("Dockerfile", 0o755));
    assert!(case.run().is_err());
}

#[test]
fn the_same_input_gives_the_same_digest() {
    let dockerfile = "FROM base AS b\nFROM scratch\nCOPY . /\nCOPY --from=b /usr /usr\nENV A=1 B=2\nLABEL z=1 a=2\n";
    let make = || case(dockerfile).base("base", base()).file("x/y", "Y").file("big", vec![b'x'; 9 << 20]).built().built;
    let first = make();
    assert_eq!(make(), first);
    // A fixture: an image built by another release of dam, on another machine, has this digest too.
    let small =
        case("FROM --platform=linux/amd64 scratch\nCOPY meta /meta\n").file("meta/install", "#!/bin/sh\n").built();
    let diff_id = small.config()["rootfs"]["diff_ids"][0].clone();
    assert_eq!(diff_id, "sha256:c903eb7fa02fb06225b7f8c5c25918aa7c7ce91ee3e8f295a562b17508ab91db");
}

#[test]
fn a_base_layer_that_is_there_is_not_copied() {
    struct Knowing(MemorySink);
    impl dam_oci::build::BlobSink for Knowing {
        fn put(
            &self,
            media_type: &str,
            write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
        ) -> Result<dam_oci::Descriptor> {
            self.0.put(media_type, write)
        }

        fn has(&self, _: &dam_oci::Descriptor) -> Result<bool> {
            Ok(true)
        }
    }
    let case = case("FROM base\nLABEL a=b\n").base("base", base());
    let sink = Knowing(MemorySink::default());
    let built = build(&BuildRequest::new(&case.context), &sink, &case.bases, &mut |_| {}).expect("an image");
    assert_eq!(sink.0.count(), 1);
    assert_eq!(built.manifest_bytes, case.built().built.manifest_bytes);
}
