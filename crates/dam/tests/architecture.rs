//! The arrows of the design, read from what Cargo knows, and the rules no lint of a library can be trusted to keep.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns what each crate of the workspace needs to run, directly and through others.
fn needs() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--all-features"])
        .args(["--filter-platform", &format!("{}-unknown-linux-gnu", std::env::consts::ARCH)])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let names: BTreeMap<_, _> =
        list(&metadata["packages"]).iter().map(|package| (text(&package["id"]), text(&package["name"]))).collect();
    let is_normal = |dependency: &Value| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
    let arrows: BTreeMap<String, Vec<String>> = list(&metadata["resolve"]["nodes"])
        .iter()
        .map(|node| {
            let normal = list(&node["deps"]).into_iter().filter(is_normal);
            (text(&node["id"]), normal.map(|dependency| text(&dependency["pkg"])).collect())
        })
        .collect();
    let members = list(&metadata["workspace_members"]);
    members.iter().map(|member| (names[&text(member)].clone(), reach(&text(member), &arrows, &names))).collect()
}

fn reach(from: &str, arrows: &BTreeMap<String, Vec<String>>, names: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut ahead = arrows[from].clone();
    while let Some(id) = ahead.pop() {
        if seen.insert(id.clone()) {
            ahead.extend(arrows[&id].iter().cloned());
        }
    }
    seen.iter().map(|id| names[id].clone()).collect()
}

#[test]
fn the_arrows_point_one_way() {
    let needs = needs();
    let crates: Vec<_> = needs.keys().map(String::as_str).collect();
    assert_eq!(crates, ["dam", "dam-core", "dam-oci", "dam-pack"], "a new crate needs a reason in ARCHITECTURE.md");
    let dams = |name: &str| needs[name].iter().filter(|need| need.starts_with("dam")).cloned().collect::<Vec<_>>();
    assert_eq!(dams("dam-oci"), [""; 0]);
    assert_eq!(dams("dam-pack"), [""; 0]);
    assert_eq!(dams("dam-core"), ["dam-oci", "dam-pack"]);
}

#[test]
fn only_the_terminal_knows_the_terminal() {
    let needs = needs();
    for library in ["dam-core", "dam-oci", "dam-pack"] {
        for foreign in ["clap", "indicatif", "anstream", "comfy-table", "tokio"] {
            assert!(!needs[library].contains(foreign), "{library} depends on {foreign}");
        }
    }
    for local in ["rusqlite", "nix"] {
        assert!(!needs["dam-oci"].contains(local), "dam-oci depends on {local}");
    }
}

/// Returns every Rust file of a crate's `src` with its text.
fn sources(name: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![root().join("crates").join(name).join("src")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("text");
                files.push((path, text));
            }
        }
    }
    files
}

/// Returns the lines that hold one of `words`, leaving comments out.
fn lines_with(name: &str, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources(name) {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let bad = code.filter(|line| words.iter().any(|word| line.contains(word)));
        found.extend(bad.map(|line| format!("{}: {}", path.display(), line.trim())));
    }
    found
}

#[test]
fn libraries_neither_print_nor_ask_nor_exit() {
    for library in ["dam-core", "dam-oci", "dam-pack"] {
        let words = ["println!", "eprintln!", "print!(", "env::var", "process::exit", "stdin().read", "dbg!"];
        let lines = lines_with(library, &words).into_iter();
        // What only tests see may ask the environment for a daemon to test against.
        let bad = lines.filter(|line| !line.contains("/src/testing/"));
        assert_eq!(bad.collect::<Vec<_>>(), [""; 0]);
    }
}

#[test]
fn every_crate_keeps_the_lints_of_the_workspace() {
    for name in ["dam", "dam-core", "dam-oci", "dam-pack"] {
        let manifest = fs::read_to_string(root().join("crates").join(name).join("Cargo.toml")).expect("a manifest");
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name}");
        let globs = lines_with(name, &["use "]).into_iter().filter(|line| line.contains("::*;"));
        assert_eq!(globs.collect::<Vec<_>>(), [""; 0]);
        let vague = sources(name).into_iter().filter_map(|(path, _)| {
            let stem = path.file_stem()?.to_str()?.to_owned();
            ["util", "utils", "common", "helper", "helpers", "misc"].contains(&stem.as_str()).then_some(path)
        });
        assert_eq!(vague.collect::<Vec<_>>(), Vec::<PathBuf>::new());
    }
}

#[test]
fn only_the_surroundings_read_the_environment() {
    let readers = lines_with("dam", &["env::var", "env::vars", "current_dir()"]);
    assert!(readers.iter().all(|line| line.contains("surroundings.rs")), "{readers:?}");
    let unsafe_code = lines_with("dam", &["unsafe {", "unsafe extern"]);
    assert!(
        unsafe_code.iter().all(|line| line.contains("nss.rs") || line.contains("huge_pages.rs")),
        "{unsafe_code:?}"
    );
}
