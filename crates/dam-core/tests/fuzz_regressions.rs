//! What the fuzzers begin with, and all they ever found, read by an ordinary test: see `CONTRIBUTING.md`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::{fs, io};

use dam_core::testing::fuzz::{TARGETS, Target, seeds};

/// Runs a target; a panic is told with the input it came from.
fn run(target: Target, input: &str, data: &[u8]) {
    let ran = catch_unwind(AssertUnwindSafe(|| (target.run)(data)));
    assert!(ran.is_ok(), "the target `{}` panicked at {input}", target.name);
}

/// A crash that was found and mended is kept in `fuzz/regressions/TARGET/`.
#[test]
fn what_the_fuzzers_found_is_mended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions");
    for target in TARGETS {
        let inputs = match fs::read_dir(folder.join(target.name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            inputs => inputs.expect("a folder"),
        };
        for input in inputs {
            let path = input.expect("an entry").path();
            run(target, &path.display().to_string(), &fs::read(&path).expect("readable"));
        }
    }
}

#[test]
fn a_folder_of_regressions_is_named_after_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions");
    for entry in fs::read_dir(folder).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        assert!(TARGETS.iter().any(|target| name == target.name), "{}", name.display());
    }
}

#[test]
fn the_seeds_of_the_fuzzers_do_no_harm() {
    for target in TARGETS {
        let seeds = seeds(target.name);
        assert!(!seeds.is_empty(), "{}", target.name);
        seeds.iter().for_each(|seed| run(target, &seed.name, &seed.bytes));
    }
}
