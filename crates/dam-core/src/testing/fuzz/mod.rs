//! What the fuzzers call: a function for each parser that reads bytes from outside.
//!
//! Each takes any bytes and panics only where a promise is broken: a panic below it, or an answer that cannot be right.
//! `fuzz/` feeds them what libFuzzer makes up; `tests/fuzz_regressions.rs` feeds them the seeds and all that was ever found.

mod archives;
mod bundle;
mod engine;
mod manifests;
mod meta;
mod seeds;
mod tars;
mod texts;

use std::io::Write;
use std::path::Path;

pub use seeds::{Seed, seeds};

/// A function that a fuzzer calls, with its name.
#[derive(Clone, Copy)]
pub struct Target {
    /// The name, which is also that of the folders with its corpus and regressions.
    pub name: &'static str,
    /// Reads what the fuzzer made up.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 14] = [
    Target { name: "dam_json", run: bundle::dam_json },
    Target { name: "streamed_bundle", run: bundle::streamed_bundle },
    Target { name: "tar_head", run: tars::tar_head },
    Target { name: "manifest_json", run: manifests::manifest_json },
    Target { name: "dam1_archive", run: archives::dam1_archive },
    Target { name: "dam1_bundle", run: archives::dam1_bundle },
    Target { name: "product_list", run: texts::product_list },
    Target { name: "meta_tar", run: meta::meta_tar },
    Target { name: "reference", run: texts::reference },
    Target { name: "dockerfile", run: texts::dockerfile },
    Target { name: "dockerignore", run: texts::dockerignore },
    Target { name: "legacy_db", run: texts::legacy_db },
    Target { name: "program", run: engine::program },
    Target { name: "recipe", run: engine::recipe },
];

/// Shows `bytes` to `look` as a file.
fn with_file<T>(bytes: &[u8], look: impl FnOnce(&Path) -> T) -> T {
    let mut file = tempfile::NamedTempFile::new().expect("a temp folder");
    file.write_all(bytes).expect("space");
    look(file.path())
}
