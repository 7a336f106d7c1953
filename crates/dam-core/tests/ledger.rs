//! The ledger: what it keeps, in which order, and that nothing is lost when the process dies between two calls.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use dam_core::Error;
use dam_core::app::{AppId, HookName, Release};
use dam_core::ledger::{
    AppState, Change, Fault, Installed, Ledger, OperationId, OperationKind, OperationState, Part, Reason, Source,
    StepState, Timestamp,
};
use dam_core::testing::release;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A ledger in a folder of its own. Every call opens the ledger anew, as if the process had died after the call before.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn ledger(&self) -> Ledger {
        Ledger::open(self.root()).expect("a ledger")
    }

    fn begin(&self, kind: OperationKind, old: Option<&str>, new: Option<&str>) -> OperationId {
        let (old, new) = (old.map(release), new.map(release));
        let source = new.as_ref().map(|_| Source::Store);
        self.ledger()
            .begin(kind, old.as_ref(), new.as_ref(), source.as_ref(), &json!({"hello": "plan"}), Timestamp(100))
            .expect("no other is pending")
    }

    fn install(&self, id: &str) -> OperationId {
        let operation = self.begin(OperationKind::Install, None, Some(id));
        self.put(operation, installed(id), None);
        operation
    }

    fn put(&self, operation: OperationId, installed: Installed, replacing: Option<&str>) {
        let change = Change::Put { installed: Box::new(installed), replacing: replacing.map(app) };
        self.ledger().commit(operation, [&change], None, Timestamp(200)).expect("it is pending");
    }

    fn names(&self) -> Vec<String> {
        let installed = self.ledger().installed().expect("readable");
        installed.iter().map(|installed| installed.release.app.id.to_string()).collect()
    }
}

fn app(id: &str) -> AppId {
    id.parse().expect("a name and a version")
}

fn installed(id: &str) -> Installed {
    Installed {
        release: release(id),
        source: Source::File { path: format!("./{id}.dam") },
        installed_at: Timestamp(150),
        state: AppState::Ok,
        previous: None,
    }
}

fn fault<T: std::fmt::Debug>(result: Result<T, Error>) -> Fault {
    match result {
        Err(Error::Ledger(fault)) => fault,
        other => panic!("no fault of the ledger: {other:?}"),
    }
}

#[test]
fn what_is_put_in_comes_out() {
    let bench = Bench::new();
    let mut shop = installed("shop:2.0");
    shop.previous = Some(Release { size: 7, ..release("shop:1.0") });
    shop.source = Source::Registry { name: "plant".to_owned() };
    shop.state = AppState::Healthy;
    shop.release.app.description = Some("sells\n\"things\" ☃\n".to_owned());
    shop.release.app.multiversion = true;
    let operation = bench.begin(OperationKind::Install, None, Some("shop:2.0"));
    bench.put(operation, shop.clone(), None);
    assert_eq!(bench.ledger().installed().expect("readable"), [shop.clone()]);
    assert_eq!(bench.ledger().versions_of(&shop.release.app.id.name).expect("readable"), [shop.clone()]);
    assert!(bench.ledger().versions_of(&"sho".parse().expect("a name")).expect("readable").is_empty());
    let [listed] = &bench.ledger().list().expect("readable")[..] else { panic!("one app is installed") };
    assert_eq!((&listed.id, &listed.family), (&shop.release.app.id, &shop.release.app.family));
    assert_eq!((listed.multiversion, listed.image, &listed.source), (true, shop.release.image, &shop.source));
    assert_eq!((listed.state, listed.installed_at), (AppState::Healthy, Timestamp(150)));
}

#[test]
fn apps_are_sorted_by_name_and_oldest_version_first() {
    let bench = Bench::new();
    for id in ["zoo:1", "shop:1.10", "shop:1.9", "shop:1.10-rc1", "shop:latest", "a/b:1"] {
        bench.install(id);
    }
    let sorted = ["a/b:1", "shop:latest", "shop:1.9", "shop:1.10-rc1", "shop:1.10", "zoo:1"];
    assert_eq!(bench.names(), sorted);
    let listed = bench.ledger().list().expect("readable");
    assert_eq!(listed.iter().map(|listed| listed.id.to_string()).collect::<Vec<_>>(), sorted);
    let shops = bench.ledger().versions_of(&"shop".parse().expect("a name")).expect("readable");
    assert_eq!(shops.len(), 4);
    assert_eq!(shops[3].release.app.id, app("shop:1.10"));
}

#[test]
fn an_upgrade_replaces_and_a_removal_takes() {
    let bench = Bench::new();
    bench.install("shop:1.0");
    bench.install("till:1.0");
    let upgrade = bench.begin(OperationKind::Upgrade, Some("shop:1.0"), Some("shop:2.0"));
    let new = Installed { previous: Some(release("shop:1.0")), ..installed("shop:2.0") };
    bench.put(upgrade, new, Some("shop:1.0"));
    assert_eq!(bench.names(), ["shop:2.0", "till:1.0"]);
    let removal = bench.begin(OperationKind::Remove, Some("till:1.0"), None);
    bench.ledger().commit(removal, [&Change::Take { app: app("till:1.0") }], None, Timestamp(300)).expect("pending");
    assert_eq!(bench.names(), ["shop:2.0"]);
}

#[test]
fn the_same_version_may_be_put_in_its_own_place() {
    let bench = Bench::new();
    bench.install("shop:1.0");
    let mut again = installed("shop:1.0");
    again.release.image = release("other:1").image;
    let upgrade = bench.begin(OperationKind::Upgrade, Some("shop:1.0"), Some("shop:1.0"));
    bench.put(upgrade, again.clone(), Some("shop:1.0"));
    assert_eq!(bench.ledger().installed().expect("readable"), [again]);
}

#[test]
fn a_pending_operation_survives_every_step() {
    let bench = Bench::new();
    let operation = bench.begin(OperationKind::Upgrade, Some("shop:1.0"), Some("shop:2.0"));
    let states = |bench: &Bench| {
        let pending = bench.ledger().pending().expect("readable").expect("still pending");
        assert_eq!((pending.id, pending.kind, pending.started_at), (operation, OperationKind::Upgrade, Timestamp(100)));
        assert_eq!((pending.old, pending.new), (Some(release("shop:1.0")), Some(release("shop:2.0"))));
        assert_eq!((pending.source, pending.plan), (Some(Source::Store), json!({"hello": "plan"})));
        pending.steps.into_iter().map(|step| (step.index, step.state, step.note)).collect::<Vec<_>>()
    };
    assert_eq!(states(&bench), []);
    let note = json!({"tag": "shop:2.0", "was": null, "z": 1, "a": [true]});
    bench.ledger().step_started(operation, 0, &note).expect("pending");
    assert_eq!(states(&bench), [(0, StepState::Started, note.clone())]);
    bench.ledger().step_done(operation, 0).expect("started");
    bench.ledger().step_started(operation, 1, &Value::Null).expect("pending");
    assert_eq!(states(&bench), [(0, StepState::Done, note.clone()), (1, StepState::Started, Value::Null)]);
    bench.ledger().step_undone(operation, 1).expect("started");
    bench.ledger().step_undone(operation, 0).expect("started");
    assert_eq!(states(&bench), [(0, StepState::Undone, note.clone()), (1, StepState::Undone, Value::Null)]);
    bench.ledger().step_started(operation, 0, &json!(2)).expect("a step may start again");
    assert_eq!(states(&bench)[0], (0, StepState::Started, json!(2)));
    bench.ledger().end_undone(operation, "the hook failed", Timestamp(250)).expect("pending");
    assert_eq!(bench.ledger().pending().expect("readable"), None);
    assert_eq!(bench.names(), Vec::<String>::new());
}

#[test]
fn an_import_is_one_operation_on_several_apps() {
    let bench = Bench::new();
    bench.install("shop:1.0");
    bench.install("old:1.0");
    let (shop, next, old, till) = (release("shop:1.0"), release("shop:2.0"), release("old:1.0"), release("till:1.0"));
    let file = Source::File { path: "site.dam".to_owned() };
    let part = |kind, old, new| Part { kind, old, new, source: &file };
    let parts = [
        part(OperationKind::Remove, Some(&old), None),
        part(OperationKind::Upgrade, Some(&shop), Some(&next)),
        part(OperationKind::Install, None, Some(&till)),
    ];
    let operation =
        bench.ledger().begin_import(&file, &parts, &json!({}), Timestamp(100)).expect("no other is pending");
    let metas = bench.ledger().metas_in_use().expect("readable");
    assert!([&shop, &next, &old, &till].iter().all(|release| metas.contains(&release.meta)));

    let put = |id: &str, replacing: Option<&str>| Change::Put {
        installed: Box::new(installed(id)),
        replacing: replacing.map(app),
    };
    let changes = [Change::Take { app: app("old:1.0") }, put("shop:2.0", Some("shop:1.0")), put("till:1.0", None)];
    bench.ledger().commit(operation, &changes, None, Timestamp(200)).expect("it is pending");
    assert_eq!(bench.names(), ["shop:2.0", "till:1.0"]);

    let history = bench.ledger().history(Some(&till.app.id.name), 10).expect("readable");
    let [entry] = &history[..] else { panic!("one operation was about till: {history:?}") };
    assert_eq!((entry.kind, &entry.old, &entry.new, &entry.source), (OperationKind::Import, &None, &None, &Some(file)));
    let names = |app: &Option<AppId>| app.as_ref().map(ToString::to_string).unwrap_or_default();
    let parts: Vec<_> =
        entry.parts.iter().map(|part| (part.kind.as_str(), names(&part.old), names(&part.new))).collect();
    let text = |kind, old: &str, new: &str| (kind, old.to_owned(), new.to_owned());
    let expected =
        [text("remove", "old:1.0", ""), text("upgrade", "shop:1.0", "shop:2.0"), text("install", "", "till:1.0")];
    assert_eq!(parts, expected);
    assert_eq!(bench.ledger().history(Some(&shop.app.id.name), 10).expect("readable").len(), 2);
}

#[test]
fn an_import_that_stops_keeps_what_it_did_and_says_why() {
    let bench = Bench::new();
    bench.install("shop:1.0");
    let operation = bench.ledger().begin_import(&Source::Store, &[], &json!({}), Timestamp(100)).expect("none pending");
    let put = Change::Put { installed: Box::new(installed("till:1.0")), replacing: None };
    let changes = [put, Change::Break { app: app("shop:1.0") }];
    bench.ledger().commit(operation, &changes, Some("shop was not well"), Timestamp(200)).expect("pending");
    let states: Vec<_> = bench.ledger().list().expect("readable").into_iter().map(|app| app.state).collect();
    assert_eq!(
        (bench.names(), states),
        (vec!["shop:1.0".to_owned(), "till:1.0".to_owned()], vec![AppState::Broken, AppState::Ok])
    );
    let entry = bench.ledger().operation(operation).expect("readable").expect("it was there");
    assert_eq!((entry.state, entry.error.as_deref()), (OperationState::Done, Some("shop was not well")));
}

#[test]
fn an_operation_dropped_before_its_commit_changes_nothing() {
    let bench = Bench::new();
    bench.install("shop:1.0");
    let removal = bench.begin(OperationKind::Remove, Some("shop:1.0"), None);
    bench.ledger().step_started(removal, 0, &json!("uninstall")).expect("pending");
    bench.ledger().step_done(removal, 0).expect("started");
    assert_eq!(bench.names(), ["shop:1.0"]);
    assert!(bench.ledger().pending().expect("readable").is_some());
}

#[test]
fn there_is_one_pending_operation_at_most() {
    let bench = Bench::new();
    let first = bench.begin(OperationKind::Install, None, Some("shop:1.0"));
    let begin = |ledger: &mut Ledger| ledger.begin(OperationKind::Remove, None, None, None, &Value::Null, Timestamp(1));
    let refused = fault(begin(&mut bench.ledger()));
    assert!(matches!(refused, Fault::Pending(id) if id == first), "{refused}");
    let change = Change::Put { installed: Box::new(installed("till:1")), replacing: None };
    let refused = fault(bench.ledger().record(OperationKind::Migrate, &change, &Value::Null, Timestamp(1)));
    assert!(matches!(refused, Fault::Pending(id) if id == first), "{refused}");
    bench.ledger().end_undone(first, "no", Timestamp(2)).expect("pending");
    assert!(begin(&mut bench.ledger()).expect("the first has ended") > first);
}

#[test]
fn calls_out_of_turn_are_refused_and_change_nothing() {
    let bench = Bench::new();
    let done = bench.install("shop:1.0");
    let take = Change::Take { app: app("shop:1.0") };
    let not_pending = |result| matches!(fault(result), Fault::NotPending(id) if id == done);
    assert!(not_pending(bench.ledger().commit(done, [&take], None, Timestamp(9))));
    assert!(not_pending(bench.ledger().end_undone(done, "x", Timestamp(9))));
    assert!(not_pending(bench.ledger().end_broken(done, "x", Some(&app("shop:1.0")), Timestamp(9))));
    assert!(not_pending(bench.ledger().step_started(done, 0, &Value::Null)));
    let pending = bench.begin(OperationKind::Remove, Some("shop:1.0"), None);
    let refused = fault(bench.ledger().step_done(pending, 3));
    assert!(matches!(refused, Fault::NoStep { operation, index: 3 } if operation == pending), "{refused}");
    assert_eq!(bench.ledger().installed().expect("readable"), [installed("shop:1.0")]);
}

#[test]
fn a_failed_undo_marks_the_app_broken() {
    let bench = Bench::new();
    bench.install("shop:1.0");
    let upgrade = bench.begin(OperationKind::Upgrade, Some("shop:1.0"), Some("shop:2.0"));
    bench.ledger().end_broken(upgrade, "no way back", Some(&app("shop:1.0")), Timestamp(300)).expect("pending");
    assert_eq!(bench.ledger().installed().expect("readable")[0].state, AppState::Broken);
    assert_eq!(bench.ledger().list().expect("readable")[0].state, AppState::Broken);
    let entry = bench.ledger().operation(upgrade).expect("readable").expect("it is there");
    assert_eq!((entry.state, entry.error.as_deref()), (OperationState::Broken, Some("no way back")));
}

#[test]
fn the_history_is_newest_first_and_keeps_everything() {
    let bench = Bench::new();
    let first = bench.install("shop:1.0");
    let other = bench.install("till:1.0");
    let upgrade = bench.begin(OperationKind::Upgrade, Some("shop:1.0"), Some("shop:2.0"));
    let hook = |hook, ended, text: &[u8]| {
        let took = Duration::from_millis(1500);
        bench.ledger().log_hook(upgrade, &app("shop:2.0"), hook, ended, took, text).expect("logged");
    };
    hook(HookName::Check, "exit status 0", b"");
    hook(HookName::Install, "killed by signal 9", b"\xff\x00\x1b[31mred\n");
    bench.ledger().end_undone(upgrade, "the hook `install` failed", Timestamp(400)).expect("pending");
    let pending = bench.begin(OperationKind::Remove, Some("shop:1.0"), None);

    let mut ledger = bench.ledger();
    let ids = |entries: &[dam_core::ledger::HistoryEntry]| entries.iter().map(|entry| entry.id).collect::<Vec<_>>();
    let all = ledger.history(None, usize::MAX).expect("readable");
    assert_eq!(ids(&all), [pending, upgrade, other, first]);
    assert_eq!(ids(&ledger.history(None, 2).expect("readable")), [pending, upgrade]);
    let shop = "shop".parse().expect("a name");
    assert_eq!(ids(&ledger.history(Some(&shop), 10).expect("readable")), [pending, upgrade, first]);

    assert_eq!((all[0].state, all[0].ended_at), (OperationState::Pending, None));
    assert_eq!((&all[0].old, &all[0].new), (&Some(app("shop:1.0")), &None));
    assert_eq!(
        (all[1].state, all[1].started_at, all[1].ended_at),
        (OperationState::Undone, Timestamp(100), Some(Timestamp(400)))
    );
    assert_eq!(all[1].error.as_deref(), Some("the hook `install` failed"));
    assert_eq!((&all[1].old, &all[1].new), (&Some(app("shop:1.0")), &Some(app("shop:2.0"))));
    let hooks: Vec<_> =
        all[1].hooks.iter().map(|log| (log.hook, log.ended.as_str(), log.milliseconds, log.bytes)).collect();
    assert_eq!(
        hooks,
        [(HookName::Check, "exit status 0", 1500, 0), (HookName::Install, "killed by signal 9", 1500, 11)]
    );
    assert_eq!(ledger.hook_logs(upgrade).expect("readable")[1].text, b"\xff\x00\x1b[31mred\n");
    assert_eq!(ledger.operation(upgrade).expect("readable").as_ref(), Some(&all[1]));
    assert_eq!(ledger.operation(OperationId(99)).expect("readable"), None);
}

#[test]
fn a_recorded_operation_is_never_pending() {
    let bench = Bench::new();
    let change = Change::Put { installed: Box::new(installed("shop:1.0")), replacing: None };
    let id = bench.ledger().record(OperationKind::Migrate, &change, &json!({}), Timestamp(5)).expect("recorded");
    assert_eq!(bench.names(), ["shop:1.0"]);
    let entry = bench.ledger().operation(id).expect("readable").expect("it is there");
    assert_eq!((entry.kind, entry.state), (OperationKind::Migrate, OperationState::Done));
    assert_eq!((entry.new, entry.ended_at), (Some(app("shop:1.0")), Some(Timestamp(5))));
}

#[test]
fn what_is_in_use_is_named() {
    let bench = Bench::new();
    bench.install("gone:1.0");
    let removal = bench.begin(OperationKind::Remove, Some("gone:1.0"), None);
    bench.ledger().commit(removal, [&Change::Take { app: app("gone:1.0") }], None, Timestamp(1)).expect("pending");
    bench.install("shop:1.0");
    let upgrade = bench.begin(OperationKind::Upgrade, Some("shop:1.0"), Some("shop:2.0"));
    bench.put(upgrade, Installed { previous: Some(release("shop:1.0")), ..installed("shop:2.0") }, Some("shop:1.0"));
    bench.begin(OperationKind::Install, None, Some("till:1.0"));
    let metas: BTreeSet<_> = ["shop:1.0", "shop:2.0", "till:1.0"].map(|id| release(id).meta).into();
    assert_eq!(bench.ledger().metas_in_use().expect("readable"), metas);
    let image = |id: &str, reason| (release(id).image, reason, app(id));
    assert_eq!(
        bench.ledger().images_in_use().expect("readable"),
        [image("shop:1.0", Reason::Previous), image("shop:2.0", Reason::Installed), image("till:1.0", Reason::Pending)]
    );
}

#[test]
fn only_the_owner_may_look_into_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("var/dam");
    let mut ledger = Ledger::open(&root).expect("a ledger");
    ledger.change_repos(|repos| Ok(repos.to_vec())).expect("a write, for the log to be there");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o7777;
    assert_eq!(mode(&root), 0o700);
    let mut names: Vec<_> =
        fs::read_dir(&root).expect("readable").map(|entry| entry.expect("readable").path()).collect();
    names.sort();
    assert_eq!(names, ["ledger.db", "ledger.db-shm", "ledger.db-wal"].map(|name| root.join(name)));
    assert_eq!(names.iter().map(|path| mode(path)).collect::<Vec<_>>(), [0o600; 3]);
    drop(ledger);
    assert_eq!(fs::read_dir(&root).expect("readable").count(), 1, "the log is tidied up");
}

#[test]
fn looking_makes_nothing_and_changes_nothing() {
    let bench = Bench::new();
    let missing = bench.root().join("missing");
    assert!(Ledger::open_existing(&missing).expect("no ledger is no error").is_none());
    assert!(!missing.exists());
    assert!(Ledger::open_existing(bench.root()).expect("no ledger is no error").is_none());
    assert_eq!(fs::read_dir(bench.root()).expect("readable").count(), 0);
    bench.install("shop:1.0");
    let mut looking = Ledger::open_existing(bench.root()).expect("openable").expect("it is there");
    assert!(looking.begin(OperationKind::Remove, None, None, None, &Value::Null, Timestamp(1)).is_err());
    assert_eq!(looking.list().expect("readable").len(), 1);
    assert_eq!(looking.pending().expect("readable"), None);
}
