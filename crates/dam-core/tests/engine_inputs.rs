//! What `dam engine build` is given: programs, and upstream's archive.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use dam_core::engine::elf::{Library, Needs};
use dam_core::engine::{ArchiveError, Elf, ElfFault, EngineArchive, Linkage, Plugin, PluginError};
use dam_core::testing::programs::{ENGINE, dynamic_program, engine_archive, static_program, tgz};
use dam_oci::Digest;
use dam_pack::Architecture;
use proptest::prelude::{any, prop, proptest};
use tempfile::TempDir;

const AMD64: Architecture = Architecture::X86_64;

fn elf(bytes: &[u8]) -> Result<Elf, ElfFault> {
    Elf::read(Cursor::new(bytes))
}

fn fault(bytes: &[u8]) -> String {
    elf(bytes).and_then(|elf| elf.check(AMD64, Needs::Nothing)).expect_err("refused").to_string()
}

#[test]
fn each_processor_is_told_by_its_programs() {
    for architecture in Architecture::EVERY.into_iter().filter(|architecture| *architecture != Architecture::All) {
        let program = elf(&static_program(architecture, "")).expect("a program");
        assert_eq!(program.machine.architecture(), Some(architecture));
        assert_eq!(program.linkage, Linkage::Static);
        program.check(architecture, Needs::Nothing).expect("it runs everywhere");
        let program = elf(&dynamic_program(architecture, &[("libc.so.6", &["GLIBC_2.17"])])).expect("a program");
        assert_eq!(program.machine.architecture(), Some(architecture));
        assert!(matches!(program.linkage, Linkage::Dynamic(_)));
    }
}

#[test]
fn the_tiny_program_runs() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("program");
    fs::write(&path, static_program(AMD64, "")).expect("written");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("changed");
    if cfg!(target_arch = "x86_64") {
        assert!(Command::new(&path).status().expect("it starts").success());
    }
}

#[test]
fn a_program_for_another_processor_is_refused() {
    assert_eq!(fault(&static_program(Architecture::Aarch64, "")), "is for arm64, not for amd64");
    let mut i386 = static_program(Architecture::Armv7, "");
    i386[18] = 3;
    assert_eq!(fault(&i386), "is for i386, not for amd64");
    let mut sparc = static_program(Architecture::S390x, "");
    sparc[19] = 43;
    assert_eq!(fault(&sparc), "is for machine 43 (64 bits, big endian), not for amd64");
}

#[test]
fn a_dynamic_program_is_refused_with_what_it_wants() {
    let compose = dynamic_program(AMD64, &[("libc.so.6", &["GLIBC_2.3", "GLIBC_2.34", "GLIBC_2.14", "GLIBC_2.2.5"])]);
    assert_eq!(
        fault(&compose),
        "is not static: it wants `libc.so.6` with GLIBC_2.34, and the oldest target that has it is EL 9 (glibc 2.34)"
    );
    let two = dynamic_program(AMD64, &[("libseccomp.so.2", &[]), ("libc.so.6", &["GLIBC_2.36", "GLIBC_2.9"])]);
    assert_eq!(
        fault(&two),
        "is not static: it wants `libseccomp.so.2`, `libc.so.6` with GLIBC_2.36, and the oldest target that has it is \
         Debian 12 (glibc 2.36)"
    );
    let Linkage::Dynamic(wants) = elf(&two).expect("a program").linkage else { panic!("it is dynamic") };
    assert_eq!(wants.linker.as_deref(), Some("/lib64/ld-linux-x86-64.so.2"));
    let named = |name: &str, newest: Option<&str>| Library { name: name.into(), newest: newest.map(str::to_owned) };
    assert_eq!(wants.libraries, [named("libseccomp.so.2", None), named("libc.so.6", Some("GLIBC_2.36"))]);
    elf(&two).expect("a program").check(AMD64, Needs::Libraries).expect("the recipe allows it");
    let future = dynamic_program(AMD64, &[("libc.so.6", &["GLIBC_2.99"])]);
    assert_eq!(fault(&future), "is not static: it wants `libc.so.6` with GLIBC_2.99, which no target is known to have");
    // musl has no versions.
    let musl = dynamic_program(AMD64, &[("libc.musl-x86_64.so.1", &[])]);
    assert_eq!(fault(&musl), "is not static: it wants `libc.musl-x86_64.so.1`");
}

#[test]
fn what_is_no_program_is_refused() {
    assert_eq!(fault(b"#!/bin/sh\n"), "is no program of Linux (ELF)");
    assert_eq!(fault(b""), "is no program of Linux (ELF)");
    assert_eq!(fault(b"\x7fELF\x09\x09"), "is damaged: its class and byte order are unknown");
    let whole = static_program(AMD64, "");
    assert_eq!(fault(&whole[..70]), "is damaged: it has nothing at byte 70, where a part of it should be");
    let mut object = whole;
    object[16] = 1;
    assert_eq!(fault(&object), "is damaged: it is an object or a core file, not a program");
}

#[test]
fn names_in_a_program_reach_no_terminal_as_they_are() {
    let program = dynamic_program(AMD64, &[("lib\x1b[2J.so", &[])]);
    assert_eq!(fault(&program), "is not static: it wants `lib?[2J.so`");
}

/// The bytes of this test, which is a static program that runs at any address.
fn itself() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| fs::read(std::env::current_exe().expect("it runs")).expect("readable"))
}

#[test]
fn a_static_program_that_runs_at_any_address_is_static() {
    assert_eq!(elf(itself()).expect("a program").linkage, Linkage::Static);
}

proptest! {
    #[test]
    fn a_real_program_is_read_or_refused_wherever_it_is_cut(
        cut in any::<prop::sample::Index>(),
        (at, bits) in (0..1024_usize, any::<u8>()),
    ) {
        let _ = elf(&itself()[..cut.index(itself().len())]);
        let _ = elf(&itself()[..cut.index(4096)]);
        let mut head = itself()[..1 << 20].to_vec();
        head[at] ^= bits;
        let _ = elf(&head);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = elf(&bytes);
        let _ = elf(&[b"\x7fELF\x02\x01", bytes.as_slice()].concat());
    }

    #[test]
    fn flipped_and_cut_programs_are_read_or_refused(at in 0..1000_usize, bits in any::<u8>(), cut in 0..1000_usize) {
        for architecture in [AMD64, Architecture::Armv7, Architecture::S390x] {
            let mut bytes = dynamic_program(architecture, &[("libc.so.6", &["GLIBC_2.34"]), ("libm.so.6", &[])]);
            let at = at % bytes.len();
            bytes[at] ^= bits;
            let _ = elf(&bytes);
            bytes.truncate(cut);
            let _ = elf(&bytes);
        }
    }
}

/// A folder with an archive in it, and one to unpack into.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let folder = TempDir::new().expect("a folder");
        fs::write(folder.path().join(name), bytes).expect("written");
        fs::create_dir(folder.path().join("scratch")).expect("made");
        Self { folder }
    }

    fn unpack(&self, name: &str, pin: Option<Digest>) -> Result<EngineArchive, ArchiveError> {
        EngineArchive::unpack(&self.folder.path().join(name), pin, &self.folder.path().join("scratch"))
    }

    /// Unpacks what must be refused, and returns why, without the folder's name. Nothing must stay.
    fn refusal(&self, pin: Option<Digest>) -> String {
        let error = self.unpack("docker-26.1.5.tgz", pin).expect_err("refused");
        assert_eq!(left(&self.folder.path().join("scratch")), 0, "nothing stays");
        let mut text = error.to_string();
        if let Some(source) = std::error::Error::source(&error) {
            text = format!("{text} <- {source}");
        }
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

fn left(folder: &Path) -> usize {
    fs::read_dir(folder).expect("a folder").count()
}

fn refusal(bytes: &[u8]) -> String {
    Bench::new("docker-26.1.5.tgz", bytes).refusal(None)
}

#[test]
fn an_archive_is_unpacked_and_leaves_nothing_behind() {
    let bytes = engine_archive(AMD64, "26.1.5");
    let bench = Bench::new("docker-26.1.5.tgz", &bytes);
    let archive = bench.unpack("docker-26.1.5.tgz", Some(Digest::of(&bytes))).expect("good");
    let names: Vec<_> = archive.files().iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ENGINE);
    assert_eq!(archive.programs().count(), ENGINE.len());
    assert_eq!(archive.digest(), Digest::of(&bytes));
    assert_eq!(archive.version(), Some("26.1.5"));
    let dockerd = archive.file("dockerd").expect("there");
    let program = static_program(AMD64, "26.1.5");
    assert_eq!(fs::read(&dockerd.path).expect("readable"), program);
    assert_eq!(dockerd.size, program.len() as u64);
    archive.check(AMD64, &[]).expect("static, and for this processor");
    drop(archive);
    assert_eq!(left(&bench.folder.path().join("scratch")), 0);
}

#[test]
fn the_version_is_in_dockerd_where_the_name_has_none() {
    let bench = Bench::new("engine.tgz", &engine_archive(AMD64, "28.0.0-rc.1"));
    assert_eq!(bench.unpack("engine.tgz", None).expect("good").version(), Some("28.0.0~rc.1"));
    let bench = Bench::new("engine.tgz", &engine_archive(AMD64, "of unknown age"));
    assert_eq!(bench.unpack("engine.tgz", None).expect("good").version(), None);
}

#[test]
fn another_file_than_the_pinned_one_is_refused() {
    let bytes = engine_archive(AMD64, "26.1.5");
    let (found, wanted) = (Digest::of(&bytes), Digest::of(b"another"));
    assert_eq!(
        Bench::new("docker-26.1.5.tgz", &bytes).refusal(Some(wanted)),
        format!("`docker-26.1.5.tgz` has the digest {found}, not {wanted}")
    );
    let cut = &bytes[..bytes.len() / 2];
    let found = Digest::of(cut);
    assert_eq!(
        Bench::new("docker-26.1.5.tgz", cut).refusal(Some(wanted)),
        format!(
            "`docker-26.1.5.tgz` has the digest {found}, not {wanted} <- `docker-26.1.5.tgz` is damaged: its gzip stream \
             breaks off"
        )
    );
}

#[test]
fn a_truncated_archive_is_refused_wherever_it_ends() {
    let bytes = engine_archive(AMD64, "26.1.5");
    for length in [0, 1, 5, 100, bytes.len() / 2, bytes.len() - 9, bytes.len() - 1] {
        refusal(&bytes[..length]);
    }
    assert_eq!(refusal(&bytes[..bytes.len() - 1]), "`docker-26.1.5.tgz` is damaged: its gzip stream breaks off");
    let mut flipped = bytes.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    assert_eq!(refusal(&flipped), "`docker-26.1.5.tgz` is damaged: its gzip stream is corrupt");
}

#[test]
fn paths_that_escape_are_refused() {
    assert_eq!(
        refusal(&tgz(&[("docker/../../evil", b"x")])),
        "`docker-26.1.5.tgz` is refused: the name `docker/../../evil` has a `..` in it"
    );
    assert_eq!(
        refusal(&tgz(&[("docker/dockerd", b"x"), ("etc/passwd", b"x")])),
        "`docker-26.1.5.tgz` is no archive of Docker Engine: `etc/passwd` is not in a folder `docker`"
    );
    assert_eq!(
        refusal(&tgz(&[("/etc/passwd", b"x")])),
        "`docker-26.1.5.tgz` is no archive of Docker Engine: `etc/passwd` is not in a folder `docker`"
    );
    assert_eq!(
        refusal(&tgz(&[("docker/dockerd", b"x"), ("docker/./dockerd", b"y")])),
        "`docker-26.1.5.tgz` is refused: `docker/dockerd` is in it twice"
    );
}

#[test]
fn links_and_devices_are_refused() {
    let with = |kind: tar::EntryType, target: &str| {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_path("docker/dockerd").expect("short");
        header.set_link_name(target).expect("short");
        header.set_cksum();
        tar.append(&header, &b""[..]).expect("memory does not fail");
        tar.into_inner().expect("memory does not fail")
    };
    let link = with(tar::EntryType::Symlink, "docker");
    assert_eq!(refusal(&link), "`docker-26.1.5.tgz` is refused: `docker/dockerd` is a link");
    let hard = with(tar::EntryType::Link, "docker/docker");
    assert_eq!(refusal(&hard), "`docker-26.1.5.tgz` is refused: `docker/dockerd` is a link");
    let out = with(tar::EntryType::Symlink, "/etc/passwd");
    assert_eq!(
        refusal(&out),
        "`docker-26.1.5.tgz` is refused: `docker/dockerd` links to `/etc/passwd`, outside of the archive"
    );
    let device = with(tar::EntryType::Char, "x");
    assert_eq!(refusal(&device), "`docker-26.1.5.tgz` is refused: `docker/dockerd` is a device");
}

#[test]
fn what_is_no_engine_is_refused() {
    assert_eq!(
        refusal(&tgz(&[("docker/docker", b"x")])),
        "`docker-26.1.5.tgz` is no archive of Docker Engine: it has no `docker/dockerd`"
    );
    assert_eq!(refusal(&[b'<'; 2000]), "`docker-26.1.5.tgz` is not a tar archive");
    let bench = Bench::new("other", b"");
    assert!(matches!(bench.unpack("docker.tgz", None), Err(ArchiveError::Access { .. })));
}

#[test]
fn programs_of_an_archive_are_checked_by_name() {
    let bench = Bench::new("docker-26.1.5.tgz", &engine_archive(Architecture::Aarch64, "26.1.5"));
    let archive = bench.unpack("docker-26.1.5.tgz", None).expect("good");
    let error = archive.check(AMD64, &[]).expect_err("another processor");
    let path = bench.folder.path().join("docker-26.1.5.tgz");
    assert_eq!(error.to_string(), format!("`docker` of `{}` is for arm64, not for amd64", path.display()));

    let (fixed, loose) = (static_program(AMD64, ""), dynamic_program(AMD64, &[("libc.so.6", &["GLIBC_2.28"])]));
    let names: Vec<_> = ENGINE.iter().map(|name| format!("docker/{name}")).collect();
    let program = |name: &str| if name == "docker/runc" { loose.as_slice() } else { fixed.as_slice() };
    let members: Vec<_> = names.iter().map(|name| (name.as_str(), program(name))).collect();
    let bench = Bench::new("docker-26.1.5.tgz", &tgz(&members));
    let archive = bench.unpack("docker-26.1.5.tgz", None).expect("good");
    assert!(matches!(archive.check(AMD64, &[]), Err(ArchiveError::Program { name, .. }) if name == "runc"));
    archive.check(AMD64, &["runc".to_owned()]).expect("the recipe allows it");
}

#[test]
fn a_plugin_is_hashed_and_looked_at() {
    let bytes = static_program(AMD64, "compose");
    let bench = Bench::new("docker-compose", &bytes);
    let path = bench.folder.path().join("docker-compose");
    let read = |pin, architecture| Plugin::read(&path, pin, architecture, Needs::Nothing);
    let digest = Digest::of(&bytes);
    let plugin = Plugin { path: path.clone(), size: bytes.len() as u64, digest };
    assert_eq!(read(Some(digest), AMD64).expect("good"), plugin);
    assert_eq!(read(None, AMD64).expect("good"), plugin);
    assert!(matches!(read(Some(Digest::of(b"")), AMD64), Err(PluginError::Digest { .. })));
    assert_eq!(
        read(None, Architecture::Riscv64).expect_err("another processor").to_string(),
        format!("`{}` is for amd64, not for riscv64", path.display())
    );
    fs::remove_file(&path).expect("removed");
    assert!(matches!(read(None, AMD64), Err(PluginError::Access { .. })));
}

#[test]
fn a_scratch_folder_that_cannot_be_written_is_named() {
    let bench = Bench::new("docker-26.1.5.tgz", &engine_archive(AMD64, "26.1.5"));
    fs::remove_dir(bench.folder.path().join("scratch")).expect("removed");
    let error = bench.unpack("docker-26.1.5.tgz", None).expect_err("no folder");
    assert_eq!(error.to_string(), format!("cannot access `{}`", bench.folder.path().join("scratch").display()));
}

proptest! {
    #[test]
    fn flipped_archives_are_read_or_refused(at in any::<prop::sample::Index>(), bits in 1..=255_u8) {
        let mut bytes = engine_archive(AMD64, "26.1.5");
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        let bench = Bench::new("docker-26.1.5.tgz", &bytes);
        drop(bench.unpack("docker-26.1.5.tgz", None));
        assert_eq!(left(&bench.folder.path().join("scratch")), 0);
    }
}
