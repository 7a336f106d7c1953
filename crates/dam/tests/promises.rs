//! What holds for every command: `--json`, `--dry-run`, `--yes`.

mod support;

use serde_json::Value;
use support::Dam;

/// Shop 1.0 was installed and upgraded to 2.0; tools 1.0 is at hand, and in the file `tools.dam`.
fn machine() -> Dam {
    let dam =
        Dam::new().installed("shop", "1.0", |app| app).app("shop", "2.0", |app| app).app("tools", "1.0", |app| app);
    dam.run("upgrade shop:2.0 --yes").success();
    dam.run("save tools:1.0 -o tools.dam").success();
    dam
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
}

/// Runs a line with `--json`, which must print one document with these keys and nothing else on stdout.
fn document(dam: &Dam, line: &str, expected: &[&str]) -> Value {
    let json = dam.run(&format!("{line} --json")).success().json();
    assert_eq!(keys(&json), expected, "{line}: {json:#}");
    json
}

#[test]
fn json_is_one_document_with_these_keys() {
    let dam = machine().project("more", |app| app);
    let app = ["name", "version", "family", "multiversion", "image", "source", "installed_at", "state"];
    assert_eq!(keys(&document(&dam, "list", &["apps"])["apps"][0]), app);
    let info = [
        "name",
        "version",
        "family",
        "multiversion",
        "reference",
        "more_references",
        "hooks",
        "image",
        "layers",
        "size",
        "found",
    ];
    for what in ["shop", "tools:1.0", "./tools.dam"] {
        assert_eq!(keys(&document(&dam, &format!("info {what}"), &["apps"])["apps"][0]), info, "{what}");
    }
    let entry = ["id", "kind", "old", "new", "source", "state", "started_at", "ended_at", "error", "hooks"];
    assert_eq!(keys(&document(&dam, "history", &["entries"])["entries"][0]), entry);
    assert_eq!(keys(&document(&dam, "history --log", &["entries"])["entries"][0]), [&entry[..], &["logs"]].concat());
    assert_eq!(keys(&document(&dam, "verify", &["apps"])["apps"][0]), ["app", "faults"]);
    // What is wrong with the machine of the test is not its concern.
    let doctor = document(&dam, "doctor --machine .", &["distribution", "findings"]);
    assert_eq!(keys(&doctor["distribution"]), ["id", "version", "name", "installer", "boot"]);
    assert_eq!(keys(&doctor["findings"][1]), ["finding", "path", "free", "level", "mend"]);
    document(&dam, "version", &["version", "platform", "ledger"]);
    document(&dam, "purge --dry-run", &["remove", "installed", "previous", "spared"]);
    let plan = ["kind", "old", "new", "source", "steps"];
    document(&dam, "install tools:1.0 --dry-run", &plan);
    document(&dam, "rollback shop --dry-run", &plan);
    document(&dam, "remove shop --dry-run", &plan);
    let done = ["kind", "operation", "old", "new", "healthy_after"];
    document(&dam, "install ./tools.dam --yes", &done);
    document(&dam, "rollback shop --yes", &done);
    document(&dam, "upgrade shop:2.0 --yes", &done);
    document(&dam, "remove shop --yes", &done);
    document(&dam, "purge --yes", &["removed", "in_use", "error"]);
    let created =
        ["app", "reference", "image", "family", "multiversion", "servers", "size", "layers", "hooks", "warnings"];
    document(&dam, "create more --version 1.0", &created);
    document(&dam, "save more:1.0 -o more.dam", &["path", "app", "bytes", "layers", "sha256"]);
}

#[test]
fn errors_are_json_on_stdout_too() {
    let dam = machine();
    for (line, kind) in [
        ("create nothing", "no-project"),
        ("save nothing:1.0", "no-image"),
        ("install nothing:1.0", "no-image"),
        ("install ./nothing.dam", "not-found"),
        ("install tools:1.0", "needs-answer"),
        ("upgrade tools:1.0 --yes", "not-installed"),
        ("upgrade shop:1.0 --yes", "downgrade"),
        ("rollback tools", "not-installed"),
        ("remove tools", "not-installed"),
        ("info nothing", "no-image"),
        ("migrate", "not-found"),
    ] {
        let json = dam.run(&format!("{line} --json")).failure().json();
        assert_eq!(json["error"]["kind"], kind, "{line}: {json:#}");
        assert!(
            ["message", "causes", "hints"].iter().all(|key| keys(&json["error"]).contains(key)),
            "{line}: {json:#}"
        );
    }
}

#[test]
fn a_dry_run_changes_nothing() {
    let dam = machine();
    let before = dam.traces();
    for line in [
        "install tools:1.0 --dry-run",
        "install ./tools.dam --dry-run",
        "upgrade shop:1.0 --allow-downgrade --dry-run",
        "rollback shop --dry-run",
        "remove shop --dry-run",
        "purge --all --keep 0 --dry-run",
    ] {
        dam.run(line).success();
        assert_eq!(dam.traces(), before, "{line}");
    }
    assert_eq!(dam.running("shop").as_deref(), Some("2.0"));
    assert_eq!(dam.running("tools"), None);
    assert_eq!(dam.run("history --json").success().json()["entries"].as_array().map(Vec::len), Some(2));
}

#[test]
fn without_a_terminal_nothing_is_asked_and_nothing_done() {
    let dam = machine();
    for line in ["install tools:1.0", "rollback shop", "remove shop", "purge --all --keep 0"] {
        let error = "error: this needs a yes, and there is no terminal to ask on\n";
        dam.run(line).no_stdout().error(format!("{error}hint: dam {line} --yes\n"));
    }
    assert_eq!(dam.running("shop").as_deref(), Some("2.0"));
    assert_eq!(dam.run("history --json").success().json()["entries"].as_array().map(Vec::len), Some(2));
}

#[test]
fn doctor_makes_nothing() {
    let dam = Dam::new();
    let before = dam.traces();
    let _ = dam.run("doctor --json");
    assert_eq!(dam.traces(), before);
    assert!(!dam.root().exists(), "the root was made");
}
