//! One program for all targets: libFuzzer calls the one that `FUZZ_TARGET` names. `fuzz/run` builds and starts it.
//!
//! The targets themselves are in `dam_core::testing::fuzz`, where ordinary tests call them as well.
#![no_main]

use std::sync::OnceLock;
use std::{env, fs, path::Path, process};

use dam_core::testing::fuzz::{TARGETS, Target, seeds};

static TARGET: OnceLock<Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(init: begin(), |data: &[u8]| (TARGET.get().expect("begun").run)(data));

/// Finds the target, or does one of the two other things this program is for.
fn begin() {
    match (env::var("FUZZ_TARGET"), env::var_os("FUZZ_SEEDS")) {
        (Ok(name), seeds) => {
            let target = TARGETS.into_iter().find(|target| target.name == name);
            let target = target.unwrap_or_else(|| panic!("no target is called `{name}`"));
            if let Some(folder) = seeds {
                write_seeds(target, Path::new(&folder));
                process::exit(0);
            }
            TARGET.set(target).map_err(drop).expect("begun once");
        }
        _ => {
            TARGETS.iter().for_each(|target| println!("{}", target.name));
            process::exit(0);
        }
    }
}

fn write_seeds(target: Target, folder: &Path) {
    for seed in seeds(target.name) {
        fs::write(folder.join(&seed.name), seed.bytes).expect("a folder to write to");
    }
}
