//! What programs of Go say of how they were built, and what bytes from anywhere may say.

use std::io::Cursor;

use dam_core::engine::elf::{BuildInfo, ElfFault, Module};
use dam_core::testing::programs::{go_program, static_program};
use dam_pack::Architecture;
use proptest::prelude::{any, prop, proptest};

const MODULES: &str = "path\tgithub.com/docker/docker/cmd/dockerd\n\
    mod\tgithub.com/docker/docker\t(devel)\t\n\
    dep\tgithub.com/containerd/log\tv0.1.0\th1:TCJt7ioM2cr/tfR8GPbGf9/VRAX8D2B4PjzCpfX540I=\n\
    dep\tgithub.com/docker/swarmkit\tv1.0.0\n\
    =>\tgithub.com/moby/swarmkit/v2\tv2.0.0-20230911190601-f082dd7a0cee\th1:x=\n\
    dep\texample.org/local\tv1.0.0\n\
    =>\t./local\t\n\
    build\t-compiler=gc\n\
    build\tCGO_ENABLED=1\n";

fn read(bytes: Vec<u8>) -> Option<BuildInfo> {
    BuildInfo::read(Cursor::new(bytes)).expect("memory does not fail")
}

fn module(path: &str, version: Option<&str>) -> Module {
    Module { path: path.to_owned(), version: version.map(str::to_owned) }
}

fn dockerd() -> BuildInfo {
    BuildInfo {
        go: "go1.21.12".to_owned(),
        path: Some("github.com/docker/docker/cmd/dockerd".to_owned()),
        main: Some(module("github.com/docker/docker", None)),
        modules: vec![
            module("github.com/containerd/log", Some("v0.1.0")),
            module("github.com/moby/swarmkit/v2", Some("v2.0.0-20230911190601-f082dd7a0cee")),
            module("./local", None),
        ],
    }
}

#[test]
fn programs_of_any_go_and_processor_name_their_modules() {
    for architecture in Architecture::EVERY {
        for has_addresses in [false, true] {
            let program = go_program(architecture, "go1.21.12", MODULES, has_addresses);
            assert_eq!(read(program), Some(dockerd()), "{architecture:?}, {has_addresses}");
        }
    }
    let experiment = go_program(Architecture::X86_64, "go1.21.12 X:boringcrypto", MODULES, false);
    assert_eq!(read(experiment), Some(dockerd()));
}

#[test]
fn a_program_may_be_built_without_modules() {
    let program = go_program(Architecture::X86_64, "go1.24.4", "path\tcommand-line-arguments\n", false);
    let path = Some("command-line-arguments".to_owned());
    assert_eq!(read(program), Some(BuildInfo { go: "go1.24.4".to_owned(), path, main: None, modules: Vec::new() }));
}

#[test]
fn other_programs_say_nothing() {
    assert_eq!(read(static_program(Architecture::X86_64, "\u{ff} Go buildinf:")), None);
    assert_eq!(read(Vec::new()), None);
    assert_eq!(read(go_program(Architecture::X86_64, "rust 1.90", MODULES, false)), None);
}

#[test]
fn words_that_no_document_can_hold_are_left_out() {
    let odd = format!("mod\tbad path\tv1\ndep\tgood\tv1\u{1b}[31m\ndep\t{}\tv1\nnonsense\n=>\n", "x".repeat(600));
    let info = read(go_program(Architecture::X86_64, "go1.22", &odd, false)).expect("it is of Go");
    assert_eq!((info.main, info.modules), (None, vec![module("good", None)]));
}

#[test]
fn it_is_found_wherever_it_is() {
    let small = go_program(Architecture::X86_64, "go1.21.12", MODULES, false);
    // Across the pieces that are searched.
    for before in [1 << 20, (1 << 20) - 16, (3 << 20) - 48] {
        let mut program = vec![0; before];
        program.extend(&small);
        assert_eq!(read(program), Some(dockerd()), "{before}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let folder = std::fs::File::open("/").expect("there is one");
    assert!(matches!(BuildInfo::read(folder), Err(ElfFault::Read(_))));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_say_nothing(bytes in prop::collection::vec(any::<u8>(), 0..200), flags in 0_u8..4) {
        let mut program = go_program(Architecture::X86_64, "go1.22", MODULES, flags & 1 == 0);
        let magic = program.windows(14).rposition(|piece| piece == b"\xff Go buildinf:").expect("it is there");
        program.truncate(magic + 14);
        program.extend([8, flags]);
        program.extend(bytes);
        read(program);
    }

    #[test]
    fn flipped_and_cut_programs_are_read_or_say_nothing(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), end in any::<prop::sample::Index>(), old in any::<bool>(),
    ) {
        let mut program = go_program(Architecture::S390x, "go1.17", MODULES, old);
        let at = at.index(program.len());
        program[at] = byte;
        program.truncate(end.index(program.len() + 1));
        read(program);
    }
}
