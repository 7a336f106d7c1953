//! Products imported: what is planned, what is done, what is undone, and what goes on.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use dam_core::app::{HookName, describe};
use dam_core::bundle::{BundleApp, write};
use dam_core::event::{Reporter, Silent};
use dam_core::hooks::Ended;
use dam_core::host::Host;
use dam_core::ledger::OperationState;
use dam_core::meta::Keep;
use dam_core::ops::import::{self, ImportPlan, ImportRequest, Imported, Input, Offer};
use dam_core::plan::{self, Aftermath, OnFailure, Options, Others, RuleFault};
use dam_core::product::ListFault;
use dam_core::store::{ImageId, Store};
use dam_core::testing::{FakeHooks, MemoryStore, offline, plain_inquiry};
use dam_core::{Cancel, Error, Result};
use dam_oci::testing::{ImageBuilder, MemoryImage};
use dam_oci::{Image, Limits, Reference, config, subtree};

const REQUEST: ImportRequest =
    ImportRequest { others: Others::Remove, restore: false, on_failure: OnFailure::Rollback, skip_health: false };

/// A machine: a store in memory, hooks that do as told, a ledger in a temporary folder.
struct Machine {
    folder: tempfile::TempDir,
    store: MemoryStore,
    hooks: FakeHooks,
    cancel: Cancel,
    host: Host,
}

impl Machine {
    fn new(hooks: FakeHooks) -> Self {
        Self::with_store(hooks, MemoryStore::new())
    }

    fn with_store(hooks: FakeHooks, store: MemoryStore) -> Self {
        let (folder, cancel) = (tempfile::tempdir().expect("a folder"), Cancel::default());
        let host = open(folder.path(), &store, &hooks, &cancel);
        Self { folder, store, hooks, cancel, host }
    }

    /// Ends this dam as a kill would and starts another.
    fn restart(self) -> Self {
        let Self { folder, store, hooks, cancel, host } = self;
        drop(host);
        cancel.clear();
        let host = open(folder.path(), &store, &hooks, &cancel);
        Self { folder, store, hooks, cancel, host }
    }

    /// Writes a bundle to a file.
    fn bundle(&self, apps: &[(&str, MemoryImage)]) -> PathBuf {
        let path = self.folder.path().join("site.dam");
        fs::write(&path, bundle(apps)).expect("written");
        path
    }

    fn list(&self, text: &str) -> PathBuf {
        let path = self.folder.path().join("site.txt");
        fs::write(&path, text).expect("written");
        path
    }

    fn import(&mut self, path: &Path) -> Result<Imported> {
        self.import_as(path, REQUEST)
    }

    fn import_as(&mut self, path: &Path, request: ImportRequest) -> Result<Imported> {
        self.import_input(Input::File(path.to_owned(), None), request, &Silent)
    }

    fn import_input(&mut self, input: Input, request: ImportRequest, reporter: &dyn Reporter) -> Result<Imported> {
        let offer = Offer::open(input, &Silent)?;
        let cut_off = import::find_cut_off(&mut self.host, &offer, request)?;
        if cut_off.is_none() {
            plan::recover(&mut self.host, &Options::default(), &Silent)?;
        }
        let prepared = import::prepare(&self.host, offer, request, cut_off, &plain_inquiry(&offline()), &Silent)?;
        prepared.apply(&mut self.host, &Options::default(), reporter)
    }

    fn plan(&mut self, path: &Path, request: ImportRequest) -> Result<ImportPlan> {
        let offer = Offer::open(Input::File(path.to_owned(), None), &Silent)?;
        let cut_off = import::find_cut_off(&mut self.host, &offer, request)?;
        Ok(import::prepare(&self.host, offer, request, cut_off, &plain_inquiry(&offline()), &Silent)?.plan)
    }

    fn installed(&self) -> Vec<String> {
        let installed = self.host.ledger.installed().expect("a ledger");
        installed.iter().map(|one| format!("{} {}", one.release.app.id, one.state)).collect()
    }

    /// Everything that an undone import must leave as it was: images, tags, and what is installed.
    fn state(&self) -> (Vec<(String, Vec<String>)>, Vec<String>) {
        let images = self.store.list().expect("a store").into_iter();
        let images = images.map(|image| (image.id.to_string(), image.tags.iter().map(ToString::to_string).collect()));
        (images.collect(), self.installed())
    }

    fn ran(&self) -> Vec<String> {
        self.hooks.take_runs()
    }
}

fn open(root: &Path, store: &MemoryStore, hooks: &FakeHooks, cancel: &Cancel) -> Host {
    Host::open(root, Box::new(store.clone()), Box::new(hooks.clone()), cancel.clone(), &Silent).expect("a host")
}

fn bundle(apps: &[(&str, MemoryImage)]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let keep = Keep::open(folder.path()).expect("a folder");
    let bundled = |(name, image): &(&str, MemoryImage)| {
        let reference: Reference = name.parse().expect("a reference");
        let fill = |out: &mut dyn std::io::Write| Ok(subtree(image, "meta", Limits::default(), folder.path(), out)?);
        let meta = keep.keep(&mut { fill }).expect("a good meta").expect("a meta");
        let labels = config(image).expect("a config").1.config.labels;
        let app = describe(&reference, &labels, &meta).expect("an app");
        BundleApp { app, meta: meta.digest, image: Box::new(image.clone()) }
    };
    let apps: Vec<BundleApp> = apps.iter().map(bundled).collect();
    let mut bytes = Vec::new();
    write(&apps, &mut bytes, &Silent).expect("sound images");
    bytes
}

/// An app on a base that all apps share, with a health hook.
fn image(content: &str) -> MemoryImage {
    built(content).build()
}

fn built(content: &str) -> ImageBuilder {
    let base = ImageBuilder::app().file("base", 0o644, [b'b'; 5000]).file("meta/health", 0o755, "#!/bin/sh\n");
    base.layer().file("own", 0o644, content)
}

/// The plan in one line an app.
fn lines(plan: &ImportPlan) -> Vec<String> {
    let version =
        |version: &Option<dam_core::app::Version>| version.as_ref().map(ToString::to_string).unwrap_or_default();
    let line = |app: &import::PlannedApp| {
        let text = format!("{} {} {}>{}", app.action.as_str(), app.name, version(&app.old), version(&app.new));
        text
    };
    plan.apps.iter().map(line).collect()
}

/// The machine of most tests: shop 1, till 1 and old 1 are installed.
fn shop_till_and_old(hooks: FakeHooks) -> Machine {
    let mut machine = Machine::new(hooks);
    let path = machine.bundle(&[("shop:1", image("shop 1")), ("till:1", image("till 1")), ("old:1", image("old 1"))]);
    machine.import(&path).expect("an empty machine takes it");
    machine.ran();
    machine
}

/// What replaces it: shop 2, till as it is, and a new app; no old.
fn next() -> [(&'static str, MemoryImage); 3] {
    [("shop:2", image("shop 2")), ("till:1", image("till 1")), ("extra:1", image("extra 1"))]
}

#[test]
fn an_empty_machine_gets_every_app_in_the_order_of_the_bundle() {
    let mut machine = Machine::new(FakeHooks::new());
    let path = machine.bundle(&[("shop:1", image("s")), ("db:1", image("d"))]);
    let plan = machine.plan(&path, REQUEST).expect("a plan");
    assert_eq!(lines(&plan), ["install shop >1", "install db >1"]);
    let imported = machine.import(&path).expect("imported");
    assert_eq!(machine.ran(), ["install shop:1", "health shop:1", "install db:1", "health db:1"]);
    assert_eq!(machine.installed(), ["db:1 healthy", "shop:1 healthy"]);
    assert_eq!((imported.apps.len(), imported.kept), (2, 0));
}

#[test]
fn the_plan_says_what_is_upgraded_kept_installed_and_removed() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let path = machine.bundle(&next());
    let plan = machine.plan(&path, REQUEST).expect("a plan");
    assert_eq!(lines(&plan), ["upgrade shop 1>2", "install extra >1", "keep till 1>1", "remove old 1>"]);
    assert!(machine.ran().is_empty(), "a plan touches nothing");
    let base = 5000;
    assert!(plan.apps[0].send < base, "the base is there already: {}", plan.apps[0].send);
}

#[test]
fn removals_come_first_and_what_is_kept_is_not_touched() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let path = machine.bundle(&next());
    let imported = machine.import(&path).expect("imported");
    let expected = [
        "uninstall old:1",
        "uninstall shop:1 from 1",
        "install shop:2 from 1",
        "health shop:2 from 1",
        "install extra:1",
        "health extra:1",
    ];
    assert_eq!(machine.ran(), expected);
    assert_eq!(machine.installed(), ["extra:1 healthy", "shop:2 healthy", "till:1 healthy"]);
    assert_eq!((imported.apps.len(), imported.kept), (3, 1));
    let history = machine.host.ledger.history(None, 1).expect("a ledger");
    assert_eq!(history[0].parts.len(), 3);
}

#[test]
fn the_same_again_has_nothing_to_do() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let path = machine.bundle(&next());
    machine.import(&path).expect("imported");
    let before = machine.state();
    machine.ran();
    let imported = machine.import(&path).expect("nothing to do");
    assert_eq!((imported.operation, imported.kept), (None, 3));
    assert_eq!((machine.state(), machine.ran()), (before, vec![]));
}

#[test]
fn a_failure_in_the_last_app_puts_all_of_them_back_in_reverse() {
    let hooks = FakeHooks::new().always_ends("extra:1", HookName::Health, Ended::Exited(1), "no answer");
    let mut machine = shop_till_and_old(hooks);
    let before = machine.state();
    let path = machine.bundle(&next());
    let failed = match machine.import(&path) {
        Err(Error::Failed(failed)) => *failed,
        other => panic!("{other:?}"),
    };
    let running = ["shop:1", "old:1"].map(|app| app.parse().expect("an app")).to_vec();
    assert_eq!(failed.aftermath, Aftermath::AsBefore { running });
    let ran = machine.ran();
    let undo = ran.iter().skip_while(|run| *run != "uninstall extra:1").collect::<Vec<_>>();
    let expected = [
        "uninstall extra:1",
        "uninstall shop:2 from 1",
        "install shop:1 from 1",
        "health shop:1 from 1",
        "install old:1",
        "health old:1",
    ];
    assert_eq!(undo, expected);
    assert_eq!(machine.state(), before);
    let history = machine.host.ledger.history(None, 1).expect("a ledger");
    assert_eq!(history[0].state, OperationState::Undone);
}

#[test]
fn asked_to_stop_the_apps_that_are_done_stay_and_the_rest_is_as_before() {
    let hooks = FakeHooks::new().always_ends("extra:1", HookName::Health, Ended::Exited(1), "no answer");
    let mut machine = shop_till_and_old(hooks);
    let path = machine.bundle(&next());
    let failed = match machine.import_as(&path, ImportRequest { on_failure: OnFailure::Stop, ..REQUEST }) {
        Err(Error::Failed(failed)) => *failed,
        other => panic!("{other:?}"),
    };
    let changed = ["old:1", "shop:2"].map(|app| app.parse().expect("an app")).to_vec();
    assert_eq!(failed.aftermath, Aftermath::Stopped { changed, running: vec![], faults: vec![] });
    assert_eq!(machine.installed(), ["shop:2 healthy", "till:1 healthy"]);
    let tags: Vec<String> = machine.state().0.into_iter().flat_map(|(_, tags)| tags).collect();
    assert!(!tags.contains(&"extra:1".to_owned()) && tags.contains(&"shop:2".to_owned()), "{tags:?}");
}

#[test]
fn a_kill_in_an_import_that_is_to_stop_leaves_the_apps_that_are_done() {
    let hooks = FakeHooks::new();
    let mut machine = shop_till_and_old(hooks.clone());
    let path = machine.bundle(&next());
    let state = machine.folder.path().join("ledger.db");
    let copy = machine.folder.path().join("at-the-kill.db");
    // What the ledger was when the last app's script ran is what a kill would have left.
    let keep = {
        let (state, copy) = (state.clone(), copy.clone());
        move || copy_ledger(&state, &copy)
    };
    let _ = hooks.acts("extra:1", HookName::Install, keep);
    machine.import_as(&path, ImportRequest { on_failure: OnFailure::Stop, ..REQUEST }).expect("imported");
    let Machine { folder, store, hooks, cancel, host } = machine;
    drop(host);
    for rest in ["ledger.db-wal", "ledger.db-shm"] {
        let _ = fs::remove_file(folder.path().join(rest));
    }
    fs::rename(copy, &state).expect("put back");
    let host = open(folder.path(), &store, &hooks, &cancel);
    let mut machine = Machine { folder, store, hooks, cancel, host };
    machine.ran();
    plan::recover(&mut machine.host, &Options::default(), &Silent).expect("recovered");
    assert_eq!(machine.ran(), ["uninstall extra:1"]);
    assert_eq!(machine.installed(), ["shop:2 healthy", "till:1 healthy"]);
}

/// Copies a ledger that is in use.
fn copy_ledger(from: &Path, to: &Path) {
    let ledger = rusqlite::Connection::open(from).expect("a ledger");
    ledger.execute("VACUUM INTO ?1", [to.to_str().expect("plain")]).expect("copied");
}

#[test]
fn a_preflight_that_fails_stops_all_before_anything_runs() {
    let mut machine =
        shop_till_and_old(FakeHooks::new().always_ends("extra:1", HookName::Check, Ended::Exited(1), "too old"));
    let before = machine.state();
    let checked = built("extra 1").file("meta/check", 0o755, "#!/bin/sh\n").build();
    let path = machine.bundle(&[("shop:2", image("shop 2")), ("extra:1", checked)]);
    assert!(matches!(machine.import(&path), Err(Error::Failed(failed)) if failed.aftermath == Aftermath::Untouched));
    assert_eq!(machine.ran(), ["check extra:1"]);
    assert_eq!(machine.state(), before);
}

#[test]
fn restore_installs_anew_what_is_there() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let path = machine.bundle(&[("shop:1", image("shop 1"))]);
    let request = ImportRequest { restore: true, others: Others::Keep, ..REQUEST };
    assert_eq!(lines(&machine.plan(&path, request).expect("a plan")), ["reinstall shop 1>1"]);
    machine.import_as(&path, request).expect("imported");
    assert_eq!(machine.ran(), ["uninstall shop:1 from 1", "install shop:1 from 1", "health shop:1 from 1"]);
}

#[test]
fn others_can_stay_unless_an_app_takes_their_place() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let path = machine.bundle(&[("shop:2", image("shop 2"))]);
    machine.import_as(&path, ImportRequest { others: Others::Keep, ..REQUEST }).expect("imported");
    assert_eq!(machine.installed(), ["old:1 healthy", "shop:2 healthy", "till:1 healthy"]);
}

#[test]
fn a_downgrade_is_what_the_product_says() {
    let mut machine = Machine::new(FakeHooks::new());
    let newer = machine.bundle(&[("shop:2", image("shop 2"))]);
    machine.import(&newer).expect("imported");
    let older = machine.bundle(&[("shop:1", image("shop 1"))]);
    assert_eq!(lines(&machine.plan(&older, REQUEST).expect("a plan")), ["downgrade shop 2>1"]);
    machine.import(&older).expect("imported");
    assert_eq!(machine.installed(), ["shop:1 healthy"]);
}

#[test]
fn two_apps_of_one_family_are_named_with_all_other_faults_and_nothing_is_done() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let before = machine.state();
    let of_family = |content| built(content).label("DAM_APP_FAMILY", "db").build();
    let path = machine.bundle(&[
        ("postgres:1", of_family("p")),
        ("mysql:1", of_family("m")),
        ("shop:2", image("2")),
        ("shop:3", image("3")),
    ]);
    let faults = match machine.import(&path) {
        Err(Error::Rules(faults)) => faults,
        other => panic!("{other:?}"),
    };
    let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let exclude = |first, second, family| {
        format!("{first} and {second} are both in the product, and apps of the family `{family}` exclude each other")
    };
    assert_eq!(
        texts,
        [
            exclude("postgres:1", "mysql:1", "db"),
            "shop:2 and shop:3 are both in the product; two versions need an app that allows it (multiversion)"
                .to_owned()
        ]
    );
    assert_eq!(machine.state(), before);
}

#[test]
fn a_family_moves_from_one_app_to_another() {
    let of_family = |content| built(content).label("DAM_APP_FAMILY", "db").build();
    let mut machine = Machine::new(FakeHooks::new());
    let path = machine.bundle(&[("postgres:1", of_family("p"))]);
    machine.import(&path).expect("imported");
    machine.ran();
    let path = machine.bundle(&[("mysql:1", of_family("m"))]);
    let keep = ImportRequest { others: Others::Keep, ..REQUEST };
    let refused = machine.import_as(&path, keep);
    assert!(matches!(refused, Err(Error::Rules(faults)) if matches!(faults[..], [RuleFault::FamilyTaken { .. }])));
    machine.import(&path).expect("the other goes first");
    assert_eq!(machine.ran(), ["uninstall postgres:1", "install mysql:1", "health mysql:1"]);
}

#[test]
fn the_scripts_that_change_come_as_a_text_diff() {
    let hook = |text: &str| built("x").file("meta/config", 0o644, text).build();
    let mut machine = Machine::new(FakeHooks::new());
    let path = machine.bundle(&[("shop:1", hook("port 80\n"))]);
    machine.import(&path).expect("imported");
    let path = machine.bundle(&[("shop:2", hook("port 8080\n"))]);
    let plan = machine.plan(&path, REQUEST).expect("a plan");
    let [of_shop] = &plan.hooks[..] else { panic!("{:?}", plan.hooks) };
    let [change] = &of_shop.changes[..] else { panic!("{:?}", of_shop.changes) };
    assert_eq!((change.path.as_str(), change.added, change.removed), ("config", 1, 1));
    assert!(change.diff.as_ref().is_some_and(|diff| diff.contains("-port 80\n+port 8080\n")), "{:?}", change.diff);
}

/// Begins an import of which the first load is stopped.
fn cut_during_loads(machine: &mut Machine, path: &Path) {
    let offer = Offer::open(Input::File(path.to_owned(), None), &Silent).expect("sound");
    let prepared =
        import::prepare(&machine.host, offer, REQUEST, None, &plain_inquiry(&offline()), &Silent).expect("a plan");
    machine.cancel.flag().store(true, std::sync::atomic::Ordering::SeqCst);
    let cut = prepared.apply(&mut machine.host, &Options::default(), &Silent);
    assert!(matches!(cut, Err(Error::Paused(_))), "{cut:?}");
    machine.cancel.clear();
}

#[test]
fn a_cut_while_images_arrive_leaves_the_import_open_and_the_same_import_goes_on() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let before = machine.state();
    let path = machine.bundle(&next());
    cut_during_loads(&mut machine, &path);
    assert_eq!(machine.state(), before, "what runs was not touched");
    assert!(machine.ran().is_empty());
    let mut machine = machine.restart();
    assert!(machine.plan(&path, REQUEST).expect("a plan").goes_on);
    machine.import(&path).expect("it goes on");
    assert_eq!(machine.installed(), ["extra:1 healthy", "shop:2 healthy", "till:1 healthy"]);
    let history = machine.host.ledger.history(None, 10).expect("a ledger");
    assert_eq!(history.len(), 2, "it was one operation all the time: {history:?}");
}

#[test]
fn anything_else_undoes_an_import_that_was_cut_off() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let before = machine.state();
    let path = machine.bundle(&next());
    cut_during_loads(&mut machine, &path);
    let recovered = plan::recover(&mut machine.host, &Options::default(), &Silent).expect("undone");
    assert!(recovered.is_some_and(|recovered| !recovered.finished));
    assert_eq!(machine.state(), before);
}

#[test]
fn another_wish_does_not_go_on_with_what_was_cut_off() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let path = machine.bundle(&next());
    cut_during_loads(&mut machine, &path);
    let keep = ImportRequest { others: Others::Keep, ..REQUEST };
    let offer = Offer::open(Input::File(path.clone(), None), &Silent).expect("sound");
    assert_eq!(import::find_cut_off(&mut machine.host, &offer, keep).expect("a ledger"), None);
    let unwatched = ImportRequest { skip_health: true, ..REQUEST };
    assert_eq!(import::find_cut_off(&mut machine.host, &offer, unwatched).expect("a ledger"), None);
    machine.import_as(&path, keep).expect("undone, then imported");
    assert_eq!(machine.installed(), ["extra:1 healthy", "old:1 healthy", "shop:2 healthy", "till:1 healthy"]);
}

#[test]
fn a_bundle_comes_out_of_a_pipe_in_one_pass() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let stream: Box<dyn Read + Send> = Box::new(std::io::Cursor::new(bundle(&next())));
    let input = Input::Stream("standard input".to_owned(), stream);
    machine.import_input(input, REQUEST, &Silent).expect("imported");
    assert_eq!(machine.installed(), ["extra:1 healthy", "shop:2 healthy", "till:1 healthy"]);
}

#[test]
fn a_stream_that_is_cut_leaves_everything_as_it_was() {
    let whole = bundle(&next());
    for length in [whole.len() - 700, whole.len() - 1024] {
        let mut machine = shop_till_and_old(FakeHooks::new());
        let before = machine.state();
        let stream: Box<dyn Read + Send> = Box::new(std::io::Cursor::new(whole[..length - 600].to_vec()));
        let refused = machine.import_input(Input::Stream("a pipe".to_owned(), stream), REQUEST, &Silent);
        assert!(refused.is_err());
        assert_eq!((machine.state(), machine.ran()), (before, vec![]));
    }
}

#[test]
fn a_list_takes_what_is_installed_and_what_the_store_has_and_names_all_that_is_missing() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    machine.store.load(&image("s2"), &["plant:5000/shop:2".parse().expect("a name")], &Silent).expect("loaded");
    let list = machine.list("shop:2   # from the plant\ntill:1\n\n");
    let plan = machine.plan(&list, REQUEST).expect("a plan");
    assert_eq!(lines(&plan), ["upgrade shop 1>2", "keep till 1>1", "remove old 1>"]);
    machine.import(&list).expect("imported");
    assert_eq!(machine.installed(), ["shop:2 healthy", "till:1 healthy"]);

    let list = machine.list("till:1\nnone:1\nplant:5000/other:2\n");
    let missing = match machine.import(&list) {
        Err(Error::List(ListFault::Missing { apps, .. })) => apps,
        other => panic!("{other:?}"),
    };
    let missing: Vec<(usize, String)> = missing.into_iter().map(|app| (app.line, app.reference.to_string())).collect();
    assert_eq!(missing, [(2, "none:1".to_owned()), (3, "plant:5000/other:2".to_owned())]);
}

#[test]
fn an_app_whose_image_is_gone_is_not_called_as_it_should_be() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let path = machine.bundle(&[("shop:1", image("shop 1")), ("till:1", image("till 1")), ("old:1", image("old 1"))]);
    let till: Reference = "till:1".parse().expect("a name");
    let id = machine.store.holder(&till).expect("a store").expect("it is there");
    machine.store.remove(id).expect("nothing uses it");
    assert_eq!(
        lines(&machine.plan(&path, REQUEST).expect("a plan")),
        ["reinstall till 1>1", "keep shop 1>1", "keep old 1>1"]
    );
    machine.import(&path).expect("imported");
    assert!(machine.store.holder(&till).expect("a store").is_some());
}

#[test]
fn a_pipe_is_read_to_its_end_where_nothing_has_to_be_done() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let apps = [("shop:1", image("shop 1")), ("till:1", image("till 1")), ("old:1", image("old 1"))];
    let whole = bundle(&apps);
    let pipe = |bytes: &[u8]| {
        let stream: Box<dyn Read + Send> = Box::new(std::io::Cursor::new(bytes.to_vec()));
        Input::Stream("a pipe".to_owned(), stream)
    };
    machine.import_input(pipe(&whole), REQUEST, &Silent).expect("nothing to do");
    assert!(machine.import_input(pipe(&whole[..whole.len() - 2000]), REQUEST, &Silent).is_err(), "it is not whole");
}

#[test]
fn an_empty_product_removes_everything_and_says_so_first() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let list = machine.list("# nothing\n");
    let plan = machine.plan(&list, REQUEST).expect("a plan");
    assert_eq!(plan.count(import::Action::Remove), 3);
    machine.import(&list).expect("asked for");
    assert!(machine.installed().is_empty());
}

#[test]
fn two_apps_that_swap_their_images_have_them_back_after_a_failure() {
    let checked = |content| built(content).file("meta/check", 0o755, "#!/bin/sh\n").build();
    for store in [MemoryStore::new(), MemoryStore::deleting_untagged()] {
        let hooks = FakeHooks::new().always_ends("b:1", HookName::Check, Ended::Exited(1), "no");
        let mut machine = Machine::with_store(hooks, store);
        let path = machine.bundle(&[("a:1", checked("x")), ("b:1", image("y"))]);
        machine.import(&path).expect("imported");
        let before = machine.state();
        let path = machine.bundle(&[("a:1", image("y")), ("b:1", checked("x"))]);
        assert!(
            matches!(machine.import(&path), Err(Error::Failed(failed)) if failed.aftermath == Aftermath::Untouched)
        );
        assert_eq!(machine.state(), before);
    }
}

#[test]
fn an_app_that_is_put_back_is_installed_under_its_own_tag() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let holders = Arc::new(Mutex::new(Vec::new()));
    let (seen, store) = (Arc::clone(&holders), machine.store.clone());
    let tag: Reference = "shop:1".parse().expect("a reference");
    let _ = machine.hooks.clone().fails("shop:1", HookName::Install, "").acts("shop:1", HookName::Install, move || {
        seen.lock().expect("ours").push(store.holder(&tag).expect("a store"));
    });
    let before = machine.state();
    let (built_anew, was) = (image("shop 1, built anew"), image("shop 1"));
    let path = machine.bundle(&[("shop:1", built_anew.clone())]);
    machine.import_as(&path, ImportRequest { others: Others::Keep, ..REQUEST }).expect_err("install fails");
    let ids = [built_anew, was].map(|image| Some(ImageId(image.manifest().config.digest)));
    assert_eq!(*holders.lock().expect("ours"), ids);
    assert_eq!(machine.state(), before);
}

/// A stream that breaks off in the last layer, as when a stick is pulled out.
fn pulled_out(bundle: Vec<u8>) -> Input {
    struct Gone;
    impl Read for Gone {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from_raw_os_error(5))
        }
    }
    let there = bundle.len() - 1024 - 512 + 10;
    let reader = std::io::Cursor::new(bundle[..there].to_vec()).chain(Gone);
    Input::Stream("a stick".to_owned(), Box::new(reader))
}

fn stream(bundle: Vec<u8>) -> Input {
    Input::Stream("a stick".to_owned(), Box::new(std::io::Cursor::new(bundle)))
}

#[test]
fn an_app_that_arrived_before_the_cut_is_known_as_well_as_one_that_came_after() {
    let mut machine = Machine::new(FakeHooks::new());
    let described = built("shop 2").file("meta/DESCRIPTION", 0o644, "Sells.\n").build();
    let apps = [("shop:2", described), ("till:1", image("till 1"))];
    let cut = machine.import_input(pulled_out(bundle(&apps)), REQUEST, &Silent);
    assert!(matches!(cut, Err(Error::Paused(_))), "{cut:?}");
    let mut machine = machine.restart();
    machine.import_input(stream(bundle(&apps)), REQUEST, &Silent).expect("it goes on");
    let shop = machine.host.ledger.installed().expect("a ledger").remove(0);
    assert_eq!(shop.release.app.description.as_deref(), Some("Sells.\n"));
    let path = machine.bundle(&apps);
    assert_eq!(lines(&machine.plan(&path, REQUEST).expect("a plan")), ["keep shop 2>2", "keep till 1>1"]);
}

#[test]
fn what_had_arrived_and_was_pruned_before_an_import_goes_on_is_loaded_again() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let cut = machine.import_input(pulled_out(bundle(&next())), REQUEST, &Silent);
    assert!(matches!(cut, Err(Error::Paused(_))), "{cut:?}");
    let mut machine = machine.restart();
    let dangling: Vec<_> =
        machine.store.list().expect("a store").into_iter().filter(|image| image.tags.is_empty()).collect();
    assert_eq!(dangling.len(), 1);
    machine.store.remove(dangling[0].id).expect("as by `docker image prune`");
    let path = machine.bundle(&next());
    machine.import(&path).expect("it goes on");
    assert_eq!(machine.installed(), ["extra:1 healthy", "shop:2 healthy", "till:1 healthy"]);
}

#[test]
fn a_broken_app_is_installed_anew_though_it_is_what_the_product_says() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let path = machine.bundle(&[("shop:2", image("shop 2"))]);
    let hooks = machine.hooks.clone().fails("shop:2", HookName::Install, "");
    let _ = hooks.fails("shop:1", HookName::Install, "").fails("shop:1", HookName::Install, "");
    let keep = ImportRequest { others: Others::Keep, ..REQUEST };
    machine.import_as(&path, keep).expect_err("neither comes up");
    assert_eq!(machine.installed(), ["old:1 healthy", "shop:1 broken", "till:1 healthy"]);
    machine.ran();
    let path = machine.bundle(&[("shop:1", image("shop 1")), ("till:1", image("till 1"))]);
    assert_eq!(lines(&machine.plan(&path, keep).expect("a plan")), ["reinstall shop 1>1", "keep till 1>1"]);
    machine.import_as(&path, keep).expect("imported");
    assert_eq!(machine.ran(), ["uninstall shop:1 from 1", "install shop:1 from 1", "health shop:1 from 1"]);
    assert_eq!(machine.installed(), ["old:1 healthy", "shop:1 healthy", "till:1 healthy"]);
}

#[test]
fn an_app_that_is_installed_anew_goes_back_to_where_it_would_have_gone() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let path = machine.bundle(&[("shop:2", image("shop 2"))]);
    machine.import(&path).expect("imported");
    machine.import_as(&path, ImportRequest { restore: true, ..REQUEST }).expect("again");
    let shop = machine.host.ledger.installed().expect("a ledger").remove(0);
    assert_eq!(shop.previous.expect("an earlier version").app.id.to_string(), "shop:1");
}

#[test]
fn hooks_that_were_lost_keep_no_new_version_from_coming_that_needs_none_of_them() {
    let mut machine = shop_till_and_old(FakeHooks::new());
    let meta = machine.host.ledger.installed().expect("a ledger").remove(1).release.meta;
    fs::remove_file(machine.folder.path().join(format!("meta/{}.tar", meta.hex()))).expect("it was kept");
    let upgrading = built("shop 2").file("meta/upgrade", 0o755, "#!/bin/sh\n").build();
    let path = machine.bundle(&[("shop:2", upgrading)]);
    machine.import_as(&path, ImportRequest { others: Others::Keep, ..REQUEST }).expect("imported");
    assert_eq!(machine.ran(), ["upgrade shop:2 from 1", "health shop:2 from 1"]);
}

#[test]
fn health_is_not_asked_where_it_was_not_wanted() {
    let mut machine = Machine::new(FakeHooks::new());
    let path = machine.bundle(&[("shop:1", image("s"))]);
    machine.import_as(&path, ImportRequest { skip_health: true, ..REQUEST }).expect("imported");
    assert_eq!((machine.ran(), machine.installed()), (vec!["install shop:1".to_owned()], vec!["shop:1 ok".to_owned()]));
}
