//! The ledger as a file: older and newer versions, damage, and several processes at once.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;

use dam_core::Error;
use dam_core::app::{AppId, HookName};
use dam_core::ledger::{
    AppState, Change, FILE, Fault, Installed, Ledger, LeftRepo, OperationKind, OperationState, Source, StepState,
    Timestamp,
};
use dam_core::repo::{Repo, rules};
use dam_core::testing::release;
use dam_oci::registry::{Secret, Server};
use proptest::prelude::{any, prop, prop_assume, proptest};
use serde_json::{Value, json};

/// Version 1 as the first dam 2 wrote it. Kept forever.
const VERSION_1: &str = include_str!("fixtures/ledger-1.sql");
/// Version 2, with repos of DAM 1.x as bad as they get. Kept forever.
const VERSION_2: &str = include_str!("fixtures/ledger-2.sql");
/// Version 3, with repos of every kind. Kept forever.
const VERSION_3: &str = include_str!("fixtures/ledger-3.sql");

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn installed(id: &str) -> Installed {
    let source = Source::File { path: "./shop.dam".to_owned() };
    Installed { release: release(id), source, installed_at: Timestamp(150), state: AppState::Healthy, previous: None }
}

fn put(id: &str) -> Change {
    Change::Put { installed: Box::new(installed(id)), replacing: None }
}

fn fault(root: &Path) -> Fault {
    match Ledger::open(root) {
        Err(Error::Ledger(fault)) => fault,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("opened"),
    }
}

/// Writes a ledger with something in every table, and returns the bytes of the file.
fn sample(root: &Path) -> Vec<u8> {
    let mut ledger = Ledger::open(root).expect("a ledger");
    for number in 0..40 {
        let id = format!("app{number}:1.0");
        let operation =
            ledger.begin(OperationKind::Install, None, Some(&release(&id)), None, &json!([1]), Timestamp(1));
        let operation = operation.expect("no other is pending");
        ledger.step_started(operation, 0, &json!({"a": 1})).expect("pending");
        let app = &release(&id).app.id;
        let took = std::time::Duration::ZERO;
        ledger.log_hook(operation, app, HookName::Install, "ended", took, &[b'x'; 5000]).expect("logged");
        ledger.commit(operation, [&put(&id)], None, Timestamp(2)).expect("pending");
    }
    let old = release("app1:1.0");
    ledger.begin(OperationKind::Remove, Some(&old), None, None, &json!({}), Timestamp(3)).expect("no other is pending");
    drop(ledger);
    fs::read(root.join(FILE)).expect("readable")
}

/// Asks for everything; damage may or may not be seen, and must be named when it is.
fn ask_everything(path: &Path, ledger: Result<Ledger, Error>) {
    let mut faults = Vec::new();
    match ledger {
        Err(error) => faults.push(error),
        Ok(mut ledger) => {
            faults.extend(ledger.installed().err());
            faults.extend(ledger.list().err());
            faults.extend(ledger.metas_in_use().err());
            faults.extend(ledger.images_in_use().err());
            faults.extend(ledger.repos().err());
            faults.extend(ledger.left_repos().err());
            faults.extend(ledger.change_repos(|repos| Ok(repos.to_vec())).err());
            faults.extend(ledger.history(None, 1000).err());
            faults.extend(ledger.pending().err());
            faults.extend(ledger.record(OperationKind::Migrate, &put("new:1"), &Value::Null, Timestamp(1)).err());
        }
    }
    for fault in faults {
        let Error::Ledger(fault) = fault else { panic!("{fault}") };
        let text = fault.to_string();
        assert!(matches!(fault, Fault::Pending(_)) || text.contains(&path.display().to_string()), "{text}");
    }
}

#[test]
fn version_1_is_read_for_ever() {
    let folder = folder();
    let path = folder.path().join(FILE);
    rusqlite::Connection::open(&path).and_then(|file| file.execute_batch(VERSION_1)).expect("good SQL");
    let mut ledger = Ledger::open_existing(folder.path()).expect("openable").expect("it is there");
    let shop: AppId = "shop:2.0".parse().expect("good");
    let [installed] = &ledger.installed().expect("readable")[..] else { panic!("one app is installed") };
    assert_eq!((&installed.release, installed.previous.as_ref()), (&release("shop:2.0"), Some(&release("shop:1.0"))));
    assert_eq!((&installed.source, installed.state), (&Source::Registry { name: "plant".into() }, AppState::Healthy));
    assert_eq!(ledger.list().expect("readable")[0].id, shop);
    let history = ledger.history(None, 10).expect("readable");
    let states: Vec<_> = history.iter().map(|entry| (entry.kind, entry.state)).collect();
    use {OperationKind as Kind, OperationState as State};
    assert_eq!(
        states,
        [
            (Kind::Remove, State::Pending),
            (Kind::Rollback, State::Broken),
            (Kind::Upgrade, State::Done),
            (Kind::Install, State::Undone),
            (Kind::Install, State::Done),
            (Kind::Migrate, State::Done),
        ]
    );
    assert_eq!(history[2].hooks.len(), 2);
    let pending = ledger.pending().expect("readable").expect("the removal");
    let steps: Vec<_> = pending.steps.iter().map(|step| (step.state, step.note.clone())).collect();
    assert_eq!(steps, [(StepState::Done, json!({"hook": "uninstall"})), (StepState::Started, Value::Null)]);
    let repos: Vec<_> =
        ledger.repos().expect("readable").iter().map(|repo| (repo.id, repo.server.to_string())).collect();
    assert_eq!(repos, [(1, "docker.io".to_owned()), (2, "plant:5000".to_owned())]);
    // Looking has changed nothing, for an older dam may be at work. The next change brings it to the newest version, and
    // numbers of operations go on where they were.
    let version = |path: &Path| -> i64 {
        let file = rusqlite::Connection::open(path).expect("a database");
        file.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version")
    };
    assert_eq!(version(&path), 1);
    drop(ledger);
    let mut ledger = Ledger::open(folder.path()).expect("openable");
    let last = pending.id;
    ledger.end_undone(last, "no", Timestamp(9)).expect("pending");
    let next = ledger.begin_import(&Source::Store, &[], &Value::Null, Timestamp(9)).expect("no other is pending");
    assert_eq!(next.0, last.0 + 1);
    assert_eq!(version(&path), 3);
}

#[test]
fn repos_of_version_2_get_good_names() {
    let folder = folder();
    let path = folder.path().join(FILE);
    rusqlite::Connection::open(&path).and_then(|file| file.execute_batch(VERSION_2)).expect("good SQL");
    let look = |ledger: &Ledger| -> Vec<String> {
        let repos = ledger.repos().expect("readable");
        let row = |repo: &Repo| {
            let default = if repo.is_default { "*" } else { "" };
            format!("{};{default};{};{};{}", repo.id, repo.name, repo.server, repo.username.clone().unwrap_or_default())
        };
        repos.iter().map(row).collect()
    };
    let good = [
        "1;;official;docker.io;robin",
        "2;*;plant;plant:5000;me",
        "3;;auto0;alpha:5000;",
        "4;;auto0-2;beta:5000/team;",
        "5;;repo-7;gamma:5000;",
        "9;;Plant-2;delta.example;",
        "10;;old-zero;zero:5000;",
    ];
    let ledger = Ledger::open_existing(folder.path()).expect("openable").expect("it is there");
    assert_eq!(look(&ledger), good);
    drop(ledger);
    let mut ledger = Ledger::open(folder.path()).expect("openable");
    assert_eq!(look(&ledger), good);
    let left = LeftRepo { name: "auto0".to_owned(), server: "somebody".to_owned() };
    assert!(left.reason().expect("a reason").to_string().starts_with("`somebody` is not a registry"));
    assert_eq!(ledger.left_repos().expect("readable"), [left]);
    // Whoever changes the repos has been told.
    ledger.change_repos(|repos| Ok(repos.to_vec())).expect("nothing is refused");
    assert_eq!((look(&ledger), ledger.left_repos().expect("readable")), (good.map(str::to_owned).to_vec(), vec![]));
}

#[test]
fn version_3_is_read_for_ever() {
    let folder = folder();
    let path = folder.path().join(FILE);
    rusqlite::Connection::open(&path).and_then(|file| file.execute_batch(VERSION_3)).expect("good SQL");
    let mut ledger = Ledger::open(folder.path()).expect("openable");
    let repos = ledger.repos().expect("readable");
    assert_eq!(repos.iter().map(|repo| repo.id).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 9]);
    let (plant, client, mirror) = (&repos[1], &repos[2], &repos[3]);
    assert_eq!((plant.is_default, plant.username.as_deref()), (true, Some("me")));
    assert_eq!(plant.password, Some(Secret::new("two words")));
    assert!(client.ca.is_some() && client.client.is_some());
    assert_eq!((mirror.insecure, mirror.mirror_of.clone()), (true, Some(Server::docker_hub())));
    assert_eq!(ledger.left_repos().expect("readable").len(), 1);
    // 10 was removed.
    let new = Repo::new("new".parse().expect("a name"), "new:1".parse().expect("a server"));
    let repos = ledger.change_repos(|repos| rules::add(repos, new)).expect("good");
    assert_eq!(repos.last().map(|repo| repo.id), Some(11));
}

#[test]
fn a_newer_version_is_left_alone() {
    let folder = folder();
    sample(folder.path());
    let path = folder.path().join(FILE);
    rusqlite::Connection::open(&path).and_then(|file| file.pragma_update(None, "user_version", 7)).expect("writable");
    let before = fs::read(&path).expect("readable");
    let newer = fault(folder.path());
    assert!(matches!(&newer, Fault::Newer { found: 7, known: 3, .. }), "{newer:?}");
    let text = format!("the ledger `{}` has version 7, and this dam knows versions up to 3", path.display());
    assert_eq!(newer.to_string(), text);
    assert_eq!(fs::read(&path).expect("readable"), before);
}

#[test]
fn what_is_no_ledger_is_named_and_kept() {
    let folder = folder();
    let path = folder.path().join(FILE);
    fs::write(&path, "").expect("writable");
    assert!(matches!(fault(folder.path()), Fault::NotALedger { path: named } if named == path));
    fs::write(&path, "not a database, but a text that is longer than the header of one. ".repeat(99))
        .expect("writable");
    assert!(matches!(fault(folder.path()), Fault::Damaged { path: named, .. } if named == path));
    fs::remove_file(&path).expect("removable");
    rusqlite::Connection::open(&path).and_then(|file| file.execute_batch("CREATE TABLE x (y)")).expect("writable");
    assert!(matches!(fault(folder.path()), Fault::NotALedger { path: named } if named == path));
}

#[test]
fn a_log_without_its_ledger_is_not_swallowed() {
    let folder = folder();
    let log = folder.path().join("ledger.db-wal");
    fs::write(&log, "last changes").expect("writable");
    assert!(matches!(fault(folder.path()), Fault::Orphan { log: named, .. } if named == log));
    assert!(Ledger::open_existing(folder.path()).is_err());
    assert_eq!(fs::read(&log).expect("still there"), b"last changes");
    fs::write(&log, "").expect("writable");
    assert!(Ledger::open(folder.path()).is_ok(), "an empty log holds nothing");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").expect("writable");
    let error = Ledger::open(&file.join("root")).err().expect("a file is no folder");
    assert!(error.to_string().contains(&file.join("root").display().to_string()), "{error}");
}

#[test]
fn truncation_anywhere_never_panics() {
    let whole = sample(folder().path());
    for length in (0..whole.len()).step_by(509).chain(0..101).chain([whole.len() - 1]) {
        let folder = folder();
        let path = folder.path().join(FILE);
        fs::write(&path, &whole[..length]).expect("writable");
        ask_everything(&path, Ledger::open(folder.path()));
        assert!(length < 4096 || fs::metadata(&path).expect("it is there").len() > 0);
    }
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        let folder = folder();
        let path = folder.path().join(FILE);
        fs::write(&path, &bytes).expect("writable");
        ask_everything(&path, Ledger::open_existing(folder.path()).map(|ledger| ledger.expect("it is there")));
    }

    #[test]
    fn flipped_bytes_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..60)) {
        static WHOLE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| sample(folder().path()));
        let mut bytes = WHOLE.clone();
        for (index, mask) in flips {
            let at = index.index(bytes.len());
            bytes[at] ^= mask;
        }
        prop_assume!(bytes != *WHOLE);
        let folder = folder();
        let path = folder.path().join(FILE);
        fs::write(&path, &bytes).expect("writable");
        ask_everything(&path, Ledger::open(folder.path()));
    }
}

#[test]
fn threads_that_open_at_once_share_one_ledger() {
    for _ in 0..8 {
        let folder = folder();
        let start = Barrier::new(8);
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (root, start) = (folder.path(), &start);
                scope.spawn(move || {
                    start.wait();
                    let mut ledger = Ledger::open(root).expect("a ledger");
                    let change = put(&format!("app{number}:1"));
                    ledger.record(OperationKind::Migrate, &change, &Value::Null, Timestamp(1)).expect("recorded");
                });
            }
        });
        assert_eq!(Ledger::open(folder.path()).expect("a ledger").list().expect("readable").len(), 8);
        let names: Vec<PathBuf> =
            fs::read_dir(folder.path()).expect("readable").map(|e| e.expect("readable").path()).collect();
        assert_eq!(names, [folder.path().join(FILE)], "no draft stays");
    }
}

/// The other process of the tests below: installs app after app under the root that its standard input names, and says
/// so after each.
#[test]
#[ignore = "a process that other tests start"]
fn other_process() {
    let mut root = String::new();
    std::io::stdin().read_line(&mut root).expect("a line");
    let root = Path::new(root.trim_end());
    let prefix = format!("p{}", std::process::id());
    for number in 0.. {
        let mut ledger = Ledger::open(root).expect("a ledger");
        let change = put(&format!("{prefix}:{number}"));
        match &change {
            Change::Put { installed, .. } if number % 2 == 0 => {
                let new = Some(&installed.release);
                let begun = ledger.begin(OperationKind::Install, None, new, None, &Value::Null, Timestamp(1));
                let operation = begun.expect("no other is pending");
                ledger.step_started(operation, 0, &Value::Null).expect("pending");
                ledger.commit(operation, [&change], None, Timestamp(2)).expect("pending");
            }
            _ => drop(ledger.record(OperationKind::Migrate, &change, &Value::Null, Timestamp(1)).expect("recorded")),
        }
        // The test harness has its own idea of `println!`.
        writeln!(std::io::stderr(), "installed").expect("somebody listens");
    }
}

fn start(root: &Path) -> (Child, BufReader<impl Read>) {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "other_process", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process");
    writeln!(child.stdin.take().expect("piped"), "{}", root.display()).expect("it reads");
    let said = BufReader::new(child.stderr.take().expect("piped"));
    (child, said)
}

#[test]
fn what_a_killed_process_said_it_did_is_there() {
    let folder = folder();
    let mut promised = 0;
    for round in 0..12 {
        let (mut child, said) = start(folder.path());
        promised += said.lines().take(1 + round % 3).map(|line| assert_eq!(line.expect("a line"), "installed")).count();
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        let mut ledger = Ledger::open(folder.path()).expect("a ledger");
        let listed = ledger.list().expect("readable").len();
        assert!(listed >= promised, "{listed} of {promised}");
        promised = listed;
        if let Some(pending) = ledger.pending().expect("readable") {
            ledger.end_undone(pending.id, "killed", Timestamp(3)).expect("pending");
        }
    }
}

#[test]
fn reading_works_while_another_process_writes() {
    let folder = folder();
    let (mut child, mut said) = start(folder.path());
    said.read_line(&mut String::new()).expect("a line");
    let mut last = 1;
    for _ in 0..200 {
        let mut ledger = Ledger::open_existing(folder.path()).expect("openable").expect("it is there");
        let count = ledger.list().expect("readable").len();
        assert!(count >= last);
        last = count;
        ledger.pending().expect("readable");
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    assert!(last > 1, "the other process went on meanwhile");
}
