//! `dam list` and `dam history`, over a ledger made by the library.

mod support;

use dam_core::ledger::{AppState, Change, Installed, Ledger, OperationKind, Source, Timestamp};
use dam_core::testing::release;
use snapbox::str;
use support::Dam;

/// Installs an app, as far as the ledger is concerned.
fn installed(dam: Dam, id: &str, source: Source) -> Dam {
    let mut ledger = Ledger::open(&dam.root()).expect("a ledger");
    let now = Timestamp::now();
    let installed =
        Installed { release: release(id), source, installed_at: now, state: AppState::Healthy, previous: None };
    let change = Change::Put { installed: Box::new(installed), replacing: None };
    ledger.record(OperationKind::Migrate, &change, &serde_json::Value::Null, now).expect("a record");
    dam
}

fn two_apps() -> Dam {
    let dam = installed(Dam::new(), "shop:2.0", Source::Registry { name: "plant".into() });
    installed(dam, "mongodb:3.6.23", Source::File { path: "x.dam".into() })
}

#[test]
fn nothing_installed_makes_nothing_on_disk() {
    let dam = Dam::new();
    dam.run("list").success().no_stderr().stdout("no app is installed\n");
    dam.run("list --raw").success().no_stderr().stdout("");
    dam.run("history").success().no_stderr().stdout("nothing was done yet\n");
    assert_eq!(dam.run("list --json").success().json(), serde_json::json!({ "apps": [] }));
    assert!(!dam.root().exists());
}

#[test]
fn apps_are_listed_by_name() {
    let dam = two_apps();
    dam.run("ls").success().no_stderr().stdout(str![[r#"
NAME     VERSION  REPO    INSTALLED  STATE
mongodb  3.6.23   (file)  just now   healthy
shop     2.0      plant   just now   healthy

"#]]);
    dam.run("list --labels").success().no_stderr().stdout(str![[r#"
NAME     VERSION  REPO    INSTALLED  STATE    FAMILY   MULTIVERSION
mongodb  3.6.23   (file)  just now   healthy  mongodb  no
shop     2.0      plant   just now   healthy  shop     no

"#]]);
}

#[test]
fn raw_rows_are_those_of_dam_1() {
    let image = |id| release(id).image.0.short();
    let rows = format!(
        "0;{};mongodb;3.6.23;(file);;mongodb\n1;{};shop;2.0;plant;;shop\n",
        image("mongodb:3.6.23"),
        image("shop:2.0")
    );
    two_apps().run("list --raw").success().no_stderr().stdout(rows);
}

#[test]
fn json_has_the_same_apps() {
    let json = two_apps().run("list --json").success().no_stderr().json();
    assert_eq!((&json["apps"][0]["name"], &json["apps"][1]["version"]), (&"mongodb".into(), &"2.0".into()));
    assert_eq!(json["apps"][1]["source"], serde_json::json!({ "kind": "registry", "name": "plant" }));
}

#[test]
fn the_history_is_newest_first() {
    let dam = two_apps();
    let history = dam.run("history").success().no_stderr();
    let lines: Vec<_> = history.text().lines().collect();
    assert!(lines[0].ends_with("migrate   mongodb 3.6.23") && lines[1].ends_with("migrate   shop 2.0"), "{lines:?}");
    assert_eq!(dam.run("history shop --limit 1").success().text().lines().count(), 1);
}

#[test]
fn a_ledger_that_is_none_is_an_error() {
    let dam = Dam::new();
    std::fs::create_dir(dam.root()).expect("a root");
    std::fs::write(dam.root().join("ledger.db"), "not a database, but long enough to be read as one".repeat(99))
        .expect("a file");
    let error = dam.run("list --json").failure().no_stderr().json();
    assert_eq!(error["error"]["kind"], "ledger-damaged");
    assert_eq!(error["error"]["path"], "[FOLDER]/root/ledger.db");
}

#[test]
fn settings_are_checked() {
    let dam = Dam::new().file("config.toml", "stroe = 'auto'\n");
    dam.run("list").misuse().no_stdout().stderr("error: `[FOLDER]/config.toml`: `stroe` is no setting of dam\n");
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error() {
    let dam = Dam::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let mut command = dam.command("version");
    let output = command.stdout(full).stderr(std::process::Stdio::piped()).spawn().expect("dam starts");
    let output = output.wait_with_output().expect("dam ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: cannot write the answer"));
}

#[test]
fn an_answer_nobody_reads_ends_quietly() {
    let dam = Dam::new();
    let mut command = dam.command("completion bash");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = command.stdout(writer).stderr(std::process::Stdio::piped()).spawn().expect("dam starts");
    let output = output.wait_with_output().expect("dam ends");
    assert_eq!((output.status.code(), output.stderr.len()), (Some(141), 0));
}

#[test]
fn colour_only_where_it_is_wanted() {
    let dam = Dam::new();
    assert!(dam.run("--help --color always").success().text().contains("Usage"));
    dam.run("frobnicate").misuse().stderr("error: no command `frobnicate`\nhint: dam --help\n");
}

#[test]
fn what_dam_1_installed_is_offered() {
    let dam = Dam::new();
    let database = dam.path("home/.cache/dam");
    std::fs::create_dir_all(&database).expect("a folder");
    std::fs::write(database.join("Apps"), "0;a30d628ceea4;shop;1.0.0;1;;shop\n").expect("a database");
    dam.run("list").success().stderr("hint: dam migrate   takes over what DAM 1.x has installed\n");
}
