//! The pages made from the definitions are the ones in the tree.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use support::Dam;

fn pages(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|fault| panic!("{}: {fault}", folder.display()));
    let page = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().expect("plain names");
        (name, fs::read_to_string(entry.path()).expect("a page"))
    };
    entries.map(|entry| page(entry.expect("an entry"))).collect()
}

#[test]
fn docs_commands_are_current() {
    let dam = Dam::new();
    let _ = dam.run("docs made").success();
    let kept = pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands"));
    assert!(pages(&dam.path("made")) == kept, "docs/commands are out of date; `make docs` makes them anew");
}

#[test]
fn every_visible_command_has_a_man_page() {
    let dam = Dam::new();
    let run = dam.run("man made").success().no_stdout();
    let pages = pages(&dam.path("made"));
    let _ = run.stderr(format!("{} pages written to made\n", pages.len()));
    for name in ["dam.1", "dam-install.1", "dam-engine.1", "dam-engine-check.1"] {
        assert!(pages.contains_key(name), "{name}");
    }
    assert!(pages["dam.1"].contains(".TH dam 1"), "{}", pages["dam.1"]);
    assert!(pages["dam-install.1"].contains("dam install"), "{}", pages["dam-install.1"]);
}

#[test]
fn every_rule_of_packages_is_explained() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/engine-checks.md");
    let page = fs::read_to_string(page).expect("a page");
    let told: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()).collect();
    let told: Vec<&str> = told.into_iter().filter(|id| *id != "rule").collect();
    let rules: Vec<&str> = dam_pack::check::Rule::EVERY.iter().map(|rule| rule.id()).collect();
    assert_eq!(told, rules);
    for rule in dam_pack::check::Rule::EVERY {
        let line = page.lines().find(|line| line.starts_with(&format!("| {} ", rule.id()))).expect("a line");
        let is_warning = rule.severity() == dam_pack::check::Severity::Warning;
        assert_eq!(line.contains("(a warning"), is_warning, "{line}");
    }
}
