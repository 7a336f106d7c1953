//! Plans carried out, undone and recovered, over a store in memory and hooks that do as told.

use std::sync::{Arc, Mutex};

use dam_core::app::{HookName, Release, describe};
use dam_core::event::{Event, Reporter, Silent, Warning};
use dam_core::hooks::{Ended, ProcessHooks};
use dam_core::host::Host;
use dam_core::ledger::{AppState, OperationState, Source};
use dam_core::ops;
use dam_core::ops::purge::PurgeRequest;
use dam_core::plan::{self, Aftermath, Applied, Downgrade, Failed, Options, Plan, Recovered, Step};
use dam_core::store::{ImageId, LayoutStore, Store};
use dam_core::testing::{FakeHooks, MemoryStore, offline, plain_inquiry};
use dam_core::{Cancel, Error, Result};
use dam_oci::testing::{ImageBuilder, MemoryImage};
use dam_oci::{Digest, Image, Limits, Reference};

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
        let folder = tempfile::tempdir().expect("a folder");
        let cancel = Cancel::default();
        let host = open(folder.path(), &store, &hooks, &cancel);
        Self { folder, store, hooks, cancel, host }
    }

    /// Ends this dam as a kill would and starts another.
    fn restart(self) -> Self {
        let Self { folder, store, hooks, cancel, host } = self;
        drop(host);
        let host = open(folder.path(), &store, &hooks, &cancel);
        Self { folder, store, hooks, cancel, host }
    }

    /// Reads an image as `install FILE` would.
    fn candidate(&self, name: &str, image: &MemoryImage) -> Release {
        let reference: Reference = name.parse().expect("a reference");
        let (_, config) = dam_oci::config(image).expect("a config");
        let subtree = |out: &mut dyn std::io::Write| {
            Ok(dam_oci::subtree(image, "meta", Limits::default(), self.folder.path(), out)?)
        };
        let meta = self.host.keep.keep(&mut { subtree }).expect("a good meta").expect("a meta");
        let app = describe(&reference, &config.config.labels, &meta).expect("an app");
        let image = ImageId(image.manifest().config.digest);
        Release { app, image, meta: meta.digest, diff_ids: config.rootfs.diff_ids, size: 0, store: None }
    }

    fn plan_install(&self, name: &str, image: &MemoryImage) -> Plan {
        let installed = self.host.ledger.installed().expect("a ledger");
        plan::install(&installed, self.candidate(name, image), Source::Store, true).expect("allowed")
    }

    fn plan_upgrade(&self, name: &str, image: &MemoryImage) -> Plan {
        let installed = self.host.ledger.installed().expect("a ledger");
        let new = self.candidate(name, image);
        plan::upgrade(&installed, new, Source::Store, true, None, Downgrade::Refuse).expect("allowed")
    }

    fn apply(&mut self, plan: Plan, image: &MemoryImage) -> Result<Applied> {
        plan::apply(&mut self.host, plan, Some(image), &Options::default(), &Silent)
    }

    fn install(&mut self, name: &str, image: &MemoryImage) -> Result<Applied> {
        let plan = self.plan_install(name, image);
        self.apply(plan, image)
    }

    fn upgrade(&mut self, name: &str, image: &MemoryImage) -> Result<Applied> {
        let plan = self.plan_upgrade(name, image);
        self.apply(plan, image)
    }

    fn remove(&mut self, name: &str, options: &Options) -> Result<Applied> {
        ops::remove::prepare(&self.host, name, false)?.apply(&mut self.host, options, &Silent)
    }

    fn installed(&self) -> Vec<String> {
        let installed = self.host.ledger.installed().expect("a ledger");
        installed.iter().map(|one| format!("{} {}", one.release.app.id, one.state)).collect()
    }

    fn tags(&self) -> Vec<String> {
        let images = self.store.list().expect("a store");
        let mut tags: Vec<_> = images.iter().flat_map(|image| &image.tags).map(ToString::to_string).collect();
        tags.sort();
        tags
    }

    fn ran(&self) -> Vec<String> {
        self.hooks.take_runs()
    }
}

fn open(root: &std::path::Path, store: &MemoryStore, hooks: &FakeHooks, cancel: &Cancel) -> Host {
    Host::open(root, Box::new(store.clone()), Box::new(hooks.clone()), cancel.clone(), &Silent).expect("a host")
}

/// An app's image; `content` tells two of them apart.
fn image(content: &str, hooks: &[HookName]) -> MemoryImage {
    let builder = ImageBuilder::app().file("content", 0o644, content);
    hooks.iter().fold(builder, |builder, hook| builder.file(&format!("meta/{hook}"), 0o755, "#!/bin/sh\n")).build()
}

fn failed(result: Result<Applied>) -> Failed {
    match result.expect_err("this should fail") {
        Error::Failed(failed) => *failed,
        other => panic!("{other:?}"),
    }
}

fn as_before(running: Option<&str>) -> Aftermath {
    Aftermath::AsBefore { running: running.map(|app| app.parse().expect("an app")).into_iter().collect() }
}

#[test]
fn an_install_ends_with_the_app_in_the_ledger_and_its_image_in_the_store() {
    let mut machine = Machine::new(FakeHooks::new());
    let shop = image("1", &[HookName::Check, HookName::Health]);
    let applied = machine.install("shop:1", &shop).expect("installed");
    assert_eq!(applied.new.expect("an app").to_string(), "shop:1");
    assert!(applied.healthy_after.is_some());
    assert_eq!(machine.ran(), ["check shop:1", "install shop:1", "health shop:1"]);
    assert_eq!(machine.installed(), ["shop:1 healthy"]);
    assert_eq!(machine.tags(), ["shop:1"]);
}

#[test]
fn a_refused_check_leaves_the_machine_untouched() {
    let mut machine = Machine::new(FakeHooks::new().fails("shop:1", HookName::Check, "no GPU\n"));
    let failed = failed(machine.install("shop:1", &image("1", &[HookName::Check])));
    assert_eq!(failed.to_string(), "`check` of `shop:1` failed with exit status 1");
    assert_eq!(failed.aftermath, Aftermath::Untouched);
    assert_eq!(machine.ran(), ["check shop:1"]);
    assert_eq!((machine.installed(), machine.tags()), (vec![], vec![]));
}

#[test]
fn a_failed_install_runs_uninstall_and_leaves_nothing() {
    for store in [MemoryStore::new(), MemoryStore::deleting_untagged()] {
        let mut machine = Machine::with_store(FakeHooks::new().fails("shop:1", HookName::Install, "no port\n"), store);
        let failed = failed(machine.install("shop:1", &image("1", &[])));
        assert_eq!(failed.aftermath, as_before(None));
        assert_eq!(machine.ran(), ["install shop:1", "uninstall shop:1"]);
        assert!(machine.store.list().expect("a store").is_empty());
        assert_eq!(machine.installed(), [""; 0]);
    }
}

#[test]
fn a_failed_install_gives_the_tag_back_to_who_had_it() {
    let mut machine = Machine::new(FakeHooks::new().fails("shop:1", HookName::Install, ""));
    let tag: Reference = "shop:1".parse().expect("a reference");
    let before = machine.store.load(&image("mine", &[]), std::slice::from_ref(&tag), &Silent).expect("loaded");
    failed(machine.install("shop:1", &image("theirs", &[])));
    assert_eq!(machine.store.find(&tag).expect("a store").expect("the tag").id, before);
    assert_eq!(machine.store.list().expect("a store").len(), 1);
}

#[test]
fn an_image_that_was_there_untagged_survives_a_failed_install() {
    for store in [MemoryStore::new(), MemoryStore::deleting_untagged()] {
        let mut machine = Machine::with_store(FakeHooks::new().fails("shop:1", HookName::Install, ""), store);
        let shop = image("1", &[]);
        machine.store.load(&shop, &[], &Silent).expect("loaded");
        failed(machine.install("shop:1", &shop));
        assert_eq!(machine.store.list().expect("a store").len(), 1);
    }
}

#[test]
fn a_version_that_lost_its_tag_survives_a_failed_rollback() {
    for store in [MemoryStore::new(), MemoryStore::deleting_untagged()] {
        let mut machine = Machine::with_store(FakeHooks::new(), store);
        let (one, tag) = (image("1", &[]), "shop:1".parse::<Reference>().expect("a reference"));
        machine.install("shop:1", &one).expect("installed");
        machine.upgrade("shop:2", &image("2", &[])).expect("upgraded");
        machine.store.load(&image("other", &[]), std::slice::from_ref(&tag), &Silent).expect("the tag moved");
        machine.store.untag(&tag).expect("and went");
        machine.hooks = machine.hooks.clone().fails("shop:1", HookName::Install, "");
        let rollback = ops::rollback::prepare(&machine.host, "shop").expect("there is an earlier version");
        failed(rollback.apply(&mut machine.host, &Options::default(), &Silent));
        let id = ImageId(one.manifest().config.digest);
        assert!(machine.store.find_id(id).expect("a store").is_some(), "it can still be rolled back to");
    }
}

#[test]
fn the_ledger_names_the_image_that_was_installed_even_if_a_hook_moves_its_tag() {
    let mut machine = Machine::new(FakeHooks::new());
    let (shop, tag) = (image("1", &[]), "shop:1".parse::<Reference>().expect("a reference"));
    let store = machine.store.clone();
    machine.hooks = machine.hooks.clone().acts("shop:1", HookName::Install, move || {
        store.load(&image("other", &[]), std::slice::from_ref(&tag), &Silent).expect("loaded");
    });
    machine.install("shop:1", &shop).expect("installed");
    let installed = machine.host.ledger.installed().expect("a ledger");
    assert_eq!(installed[0].release.image, ImageId(shop.manifest().config.digest));
}

#[test]
fn a_damaged_image_ends_the_load_and_nothing_else() {
    let mut machine = Machine::new(FakeHooks::new());
    let good = image("1", &[]);
    let plan = machine.plan_install("shop:1", &good);
    let mut bad = good.clone();
    bad.blobs_mut().get_mut(&good.manifest().layers[0].digest).expect("a layer")[700] ^= 1;
    let failed = failed(machine.apply(plan, &bad));
    assert_eq!(failed.aftermath, Aftermath::Untouched);
    assert_eq!((machine.ran(), machine.tags()), (vec![], vec![]));
    machine.install("shop:1", &good).expect("the good one installs afterwards");
}

#[test]
fn an_upgrade_replaces_and_keeps_the_old_image_for_a_rollback() {
    let mut machine = Machine::new(FakeHooks::new());
    machine.install("shop:1", &image("1", &[])).expect("installed");
    machine.upgrade("shop:2", &image("2", &[HookName::Health])).expect("upgraded");
    assert_eq!(
        machine.ran(),
        ["install shop:1", "uninstall shop:1 from 1", "install shop:2 from 1", "health shop:2 from 1"]
    );
    assert_eq!(
        (machine.installed(), machine.tags()),
        (vec!["shop:2 healthy".to_owned()], vec!["shop:1".to_owned(), "shop:2".to_owned()])
    );
    let rollback = ops::rollback::prepare(&machine.host, "shop").expect("there is an earlier version");
    rollback.apply(&mut machine.host, &Options::default(), &Silent).expect("rolled back");
    assert_eq!(machine.ran(), ["uninstall shop:2 from 2", "install shop:1 from 2"]);
    assert_eq!(machine.installed(), ["shop:1 ok"]);
}

#[test]
fn a_failed_upgrade_puts_the_old_version_back() {
    let hooks = FakeHooks::new().always_ends("shop:2", HookName::Health, Ended::Exited(1), "no answer\n");
    let mut machine = Machine::new(hooks);
    machine.install("shop:1", &image("1", &[HookName::Health])).expect("installed");
    machine.ran();
    let failed = failed(machine.upgrade("shop:2", &image("2", &[HookName::Health])));
    assert_eq!(failed.to_string(), "shop:2 did not become healthy within 60 s");
    assert_eq!(failed.aftermath, as_before(Some("shop:1")));
    let ran = machine.ran();
    assert_eq!(ran[..2], ["uninstall shop:1 from 1", "install shop:2 from 1"]);
    assert_eq!(
        ran[ran.len() - 3..],
        ["uninstall shop:2 from 1", "install shop:1 from 1", "health shop:1 from 1"],
        "the new one is taken away, the old one runs again"
    );
    assert_eq!((machine.installed(), machine.tags()), (vec!["shop:1 healthy".to_owned()], vec!["shop:1".to_owned()]));
}

#[test]
fn a_failed_upgrade_hook_is_undone_by_the_new_uninstall_and_the_old_install() {
    let mut machine = Machine::new(FakeHooks::new().fails("shop:2", HookName::Upgrade, ""));
    machine.install("shop:1", &image("1", &[])).expect("installed");
    machine.ran();
    failed(machine.upgrade("shop:2", &image("2", &[HookName::Upgrade])));
    assert_eq!(machine.ran(), ["upgrade shop:2 from 1", "uninstall shop:2 from 1", "install shop:1 from 1"]);
}

#[test]
fn an_app_that_cannot_be_put_back_is_broken_and_says_so() {
    let hooks = FakeHooks::new().fails("shop:2", HookName::Install, "");
    let mut machine = Machine::new(hooks);
    machine.install("shop:1", &image("1", &[])).expect("installed");
    machine.hooks = machine.hooks.clone().always_ends("shop:1", HookName::Install, Ended::Exited(7), "");
    let failed = failed(machine.upgrade("shop:2", &image("2", &[])));
    let faults = vec!["shop:1 does not run: `install` of `shop:1` failed with exit status 7".to_owned()];
    assert_eq!(failed.aftermath, Aftermath::Broken { faults });
    assert_eq!(machine.installed(), ["shop:1 broken"]);
    let history = machine.host.ledger.history(None, 1).expect("a history");
    assert_eq!(history[0].state, OperationState::Broken);
}

#[test]
fn a_removal_takes_the_image_with_it() {
    for store in [MemoryStore::new(), MemoryStore::deleting_untagged()] {
        let mut machine = Machine::with_store(FakeHooks::new(), store);
        machine.install("shop:1", &image("1", &[])).expect("installed");
        machine.remove("shop", &Options::default()).expect("removed");
        assert_eq!(machine.ran(), ["install shop:1", "uninstall shop:1"]);
        assert!(machine.store.list().expect("a store").is_empty());
        assert_eq!(machine.installed(), [""; 0]);
    }
}

#[test]
fn a_removal_works_when_the_image_is_gone_and_when_the_tag_has_moved() {
    let mut machine = Machine::new(FakeHooks::new());
    let shop = image("1", &[]);
    machine.install("shop:1", &shop).expect("installed");
    let meta = machine.hooks.runs()[0].meta;
    let tag: Reference = "shop:1".parse().expect("a reference");
    let other = machine.store.load(&image("another", &[HookName::Check]), &[tag], &Silent).expect("loaded");
    machine.store.remove(ImageId(shop.manifest().config.digest)).expect("gone");
    machine.remove("shop", &Options::default()).expect("removed");
    assert_eq!(machine.hooks.runs()[1].meta, meta, "the hooks are those of what was installed");
    assert!(machine.store.find_id(other).expect("a store").is_some(), "the other image is nobody's to remove");
}

#[test]
fn a_failed_uninstall_keeps_the_app_unless_forced() {
    let hooks = FakeHooks::new().always_ends("shop:1", HookName::Uninstall, Ended::Exited(1), "");
    let mut machine = Machine::new(hooks);
    machine.install("shop:1", &image("1", &[])).expect("installed");
    machine.ran();
    let failed = failed(machine.remove("shop", &Options::default()));
    assert_eq!(failed.aftermath, as_before(Some("shop:1")));
    assert_eq!(machine.ran(), ["uninstall shop:1", "install shop:1"]);
    assert_eq!(machine.installed(), ["shop:1 ok"]);
    machine.remove("shop", &Options { force: true, ..Options::default() }).expect("removed by force");
    assert_eq!(machine.installed(), [""; 0]);
}

#[test]
fn force_takes_an_app_away_whose_hooks_are_lost() {
    let mut machine = Machine::new(FakeHooks::new());
    machine.install("shop:1", &image("1", &[])).expect("installed");
    machine.host.hooks = Box::new(ProcessHooks::open(machine.folder.path()).expect("hooks"));
    machine.host.keep.forget_all_but(&Default::default()).expect("forgotten");
    let failed = failed(machine.remove("shop", &Options::default()));
    assert_eq!(failed.aftermath, Aftermath::Untouched, "a hook that never ran has touched nothing");
    assert_eq!(machine.installed(), ["shop:1 ok"]);
    machine.remove("shop", &Options { force: true, ..Options::default() }).expect("removed by force");
    assert_eq!((machine.installed(), machine.tags()), (vec![], vec![]));
}

#[test]
fn an_upgrade_whose_hooks_cannot_be_started_leaves_what_runs_alone() {
    let mut machine = Machine::new(FakeHooks::new());
    machine.install("shop:1", &image("1", &[])).expect("installed");
    machine.host.hooks = Box::new(ProcessHooks::open(machine.folder.path()).expect("hooks"));
    let two = image("2", &[]);
    let plan = machine.plan_upgrade("shop:2", &two);
    machine.host.keep.forget_all_but(&Default::default()).expect("forgotten");
    let failed = failed(machine.apply(plan, &two));
    assert_eq!(failed.aftermath, Aftermath::Untouched);
    assert_eq!((machine.installed(), machine.tags()), (vec!["shop:1 ok".to_owned()], vec!["shop:1".to_owned()]));
}

#[test]
fn an_app_that_is_still_well_after_a_failed_uninstall_is_left_alone() {
    let mut machine = Machine::new(FakeHooks::new().fails("shop:1", HookName::Uninstall, ""));
    machine.install("shop:1", &image("1", &[HookName::Health])).expect("installed");
    machine.ran();
    assert_eq!(failed(machine.remove("shop", &Options::default())).aftermath, as_before(Some("shop:1")));
    assert_eq!(machine.ran(), ["uninstall shop:1", "health shop:1"]);
}

/// Keeps the warnings, those about leftovers in their own words.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Reporter for Warnings {
    fn event(&self, event: Event) {
        let text = match event {
            Event::Warning(Warning::Leftover { what }) => what.to_owned(),
            Event::Warning(other) => format!("{other:?}"),
            _ => return,
        };
        self.0.lock().expect("one thread").push(text);
    }
}

#[test]
fn an_app_for_another_processor_comes_with_a_warning() {
    let machine = Machine::new(FakeHooks::new());
    for (architecture, warned) in [("mips", 1), ("", 0)] {
        let shop = ImageBuilder::app().architecture(architecture).build();
        machine.store.load(&shop, &["shop:1".parse().expect("a reference")], &Silent).expect("loaded");
        let warnings = Warnings::default();
        let target = "shop:1".parse().expect("a target");
        ops::install::prepare(&machine.host, &target, &plain_inquiry(&offline()), &warnings)
            .expect("it may run all the same");
        let warnings = warnings.0.lock().expect("one thread");
        let platform = warnings.iter().filter(|warning| warning.starts_with("Platform")).count();
        assert_eq!(platform, warned, "{warnings:?}");
    }
}

#[test]
fn an_image_in_use_stays_with_a_warning() {
    let mut machine = Machine::new(FakeHooks::new());
    let shop = image("1", &[]);
    machine.install("shop:1", &shop).expect("installed");
    machine.store.use_image(ImageId(shop.manifest().config.digest), "container 12 runs it");
    let warnings = Warnings::default();
    let prepared = ops::remove::prepare(&machine.host, "shop", false).expect("a plan");
    prepared.apply(&mut machine.host, &Options::default(), &warnings).expect("removed");
    let warnings = warnings.0.lock().expect("one thread");
    assert!(warnings[0].starts_with("the image of shop:1 stays"), "{warnings:?}");
}

#[test]
fn ctrl_c_undoes_and_says_interrupted() {
    let mut machine = Machine::new(FakeHooks::new());
    machine.install("shop:1", &image("1", &[])).expect("installed");
    machine.ran();
    let cancel = machine.cancel.clone();
    machine.hooks = machine.hooks.clone().acts("shop:2", HookName::Install, move || {
        cancel.flag().store(true, std::sync::atomic::Ordering::SeqCst);
    });
    let failed = failed(machine.upgrade("shop:2", &image("2", &[])));
    assert_eq!(failed.to_string(), "`install` of `shop:2` was interrupted");
    assert_eq!(failed.aftermath, as_before(Some("shop:1")));
    assert_eq!(machine.installed(), ["shop:1 ok"]);
}

#[test]
fn a_wish_to_stop_is_not_heard_by_an_undo() {
    let mut machine = Machine::new(FakeHooks::new().fails("shop:2", HookName::Install, ""));
    machine.install("shop:1", &image("1", &[])).expect("installed");
    let cancel = machine.cancel.clone();
    machine.hooks = machine.hooks.clone().acts("shop:2", HookName::Uninstall, move || {
        cancel.flag().store(true, std::sync::atomic::Ordering::SeqCst);
    });
    machine.ran();
    let failed = failed(machine.upgrade("shop:2", &image("2", &[])));
    assert_eq!(failed.aftermath, as_before(Some("shop:1")));
    assert_eq!(machine.ran().last().map(String::as_str), Some("install shop:1 from 1"));
    assert_eq!(machine.installed(), ["shop:1 ok"]);
}

#[test]
fn a_wish_to_stop_is_heard_after_a_recovery() {
    let mut machine = Machine::new(FakeHooks::new());
    machine.install("shop:1", &image("1", &[])).expect("installed");
    killed_before(&mut machine, HookName::Install);
    machine.ran();
    let mut machine = machine.restart();
    machine.cancel.flag().store(true, std::sync::atomic::Ordering::SeqCst);
    let recovered = plan::recover(&mut machine.host, &Options::default(), &Silent).expect("recovered");
    assert_eq!(recovered.expect("something was pending").faults, [""; 0]);
    assert_eq!(machine.installed(), ["shop:1 ok"]);
    assert!(machine.host.cancel.is_set());
}

/// Begins an upgrade and stops before the step `at`, as a kill does: by a panic that nobody undoes.
fn killed_before(machine: &mut Machine, hook: HookName) {
    machine.hooks = machine.hooks.clone().acts("shop:2", hook, || std::panic::panic_any("killed"));
    let plan = machine.plan_upgrade("shop:2", &image("2", &[HookName::Health]));
    let new = image("2", &[HookName::Health]);
    let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| machine.apply(plan, &new)));
    assert!(killed.is_err());
    machine.hooks = FakeHooks::new();
}

#[test]
fn a_killed_upgrade_is_undone_at_the_next_start() {
    for hook in [HookName::Install, HookName::Health] {
        let mut machine = Machine::new(FakeHooks::new());
        machine.install("shop:1", &image("1", &[])).expect("installed");
        killed_before(&mut machine, hook);
        let mut machine = machine.restart();
        let recovered = plan::recover(&mut machine.host, &Options::default(), &Silent).expect("recovered");
        let title = "upgrade of shop 1 to 2".to_owned();
        assert_eq!(recovered, Some(Recovered { title, finished: false, faults: vec![] }));
        assert_eq!(machine.ran(), ["uninstall shop:2 from 1", "install shop:1 from 1"]);
        assert_eq!((machine.installed(), machine.tags()), (vec!["shop:1 ok".to_owned()], vec!["shop:1".to_owned()]));
        assert_eq!(plan::recover(&mut machine.host, &Options::default(), &Silent).expect("nothing left"), None);
        assert_eq!(machine.host.ledger.history(None, 1).expect("a history")[0].state, OperationState::Undone);
    }
}

#[test]
fn a_broken_app_can_be_upgraded_out_of_its_misery() {
    let mut machine = Machine::new(FakeHooks::new().fails("shop:2", HookName::Install, ""));
    machine.install("shop:1", &image("1", &[])).expect("installed");
    machine.hooks = machine.hooks.clone().always_ends("shop:1", HookName::Install, Ended::Exited(7), "");
    failed(machine.upgrade("shop:2", &image("2", &[])));
    machine.upgrade("shop:3", &image("3", &[])).expect("upgraded");
    let installed = machine.host.ledger.installed().expect("a ledger");
    assert_eq!((installed.len(), installed[0].state), (1, AppState::Ok));
}

#[test]
fn verify_names_what_is_not_as_it_was() {
    let mut machine = Machine::new(FakeHooks::new());
    let shop = image("1", &[]);
    machine.install("shop:1", &shop).expect("installed");
    let verify = |machine: &Machine| ops::verify::verify(&machine.host, None).expect("looked at");
    assert_eq!(verify(&machine).faults(), 0);
    let tag: Reference = "shop:1".parse().expect("a reference");
    machine.store.load(&image("other", &[]), &[tag], &Silent).expect("loaded");
    assert!(matches!(verify(&machine).apps[0].faults[..], [ops::verify::Fault::TagMoved { .. }]));
    machine.store.remove(ImageId(shop.manifest().config.digest)).expect("gone");
    assert!(matches!(verify(&machine).apps[0].faults[..], [ops::verify::Fault::ImageGone { .. }]));
}

#[test]
fn verify_reads_what_the_built_in_store_holds() {
    let mut machine = Machine::new(FakeHooks::new());
    let folder = machine.folder.path().join("store");
    machine.host.store = Box::new(LayoutStore::open(&folder).expect("a store"));
    let shop = image("1", &[]);
    machine.install("shop:1", &shop).expect("installed");
    let faults =
        |machine: &Machine| ops::verify::verify(&machine.host, None).expect("looked at").apps[0].faults.clone();
    assert_eq!(faults(&machine), []);
    for digest in [shop.manifest().layers[0].digest, Digest::of(shop.manifest_bytes())] {
        let path = folder.join("blobs/sha256").join(digest.hex());
        let sound = std::fs::read(&path).expect("a blob");
        let mut bytes = sound.clone();
        bytes[10] ^= 1;
        std::fs::write(&path, bytes).expect("damaged");
        assert!(matches!(faults(&machine)[..], [ops::verify::Fault::ImageDamaged { .. }]), "{:?}", faults(&machine));
        std::fs::write(&path, sound).expect("mended");
    }
    assert_eq!(faults(&machine), []);
}

/// A machine with the built-in store.
fn with_layout(hooks: FakeHooks) -> (Machine, LayoutStore) {
    let mut machine = Machine::new(hooks);
    let store = LayoutStore::open(&machine.folder.path().join("store")).expect("a store");
    machine.host.store = Box::new(store.clone());
    (machine, store)
}

/// Turns a bit in the manifest of an image.
fn rot(machine: &Machine, image: &MemoryImage) -> ImageId {
    let digest = Digest::of(image.manifest_bytes());
    let path = machine.folder.path().join("store/blobs/sha256").join(digest.hex());
    let mut bytes = std::fs::read(&path).expect("a manifest");
    bytes[10] ^= 1;
    std::fs::write(&path, bytes).expect("damaged");
    ImageId(digest)
}

#[test]
fn one_rotten_manifest_keeps_no_other_app_from_being_changed() {
    let (mut machine, store) = with_layout(FakeHooks::new());
    let (shop, till) = (image("1", &[]), image("2", &[]));
    machine.install("shop:1", &shop).expect("installed");
    let rotten = rot(&machine, &shop);
    machine.install("till:1", &till).expect("installed");
    machine.remove("till", &Options::default()).expect("removed");
    assert_eq!(store.list().expect("a store"), []);
    assert_eq!(store.unreadable().expect("a store").iter().map(|image| image.id).collect::<Vec<_>>(), [rotten]);
    machine.remove("shop", &Options::default()).expect("removed");
    assert_eq!(store.unreadable().expect("a store"), []);
    let blobs = std::fs::read_dir(machine.folder.path().join("store/blobs/sha256")).expect("a folder").count();
    assert_eq!(blobs, 0, "the blobs of both went with the rotten one");
}

#[test]
fn purge_takes_a_rotten_manifest_that_nothing_needs() {
    let (mut machine, store) = with_layout(FakeHooks::new());
    let shop = image("1", &[]);
    store.load(&shop, &["shop:1".parse().expect("a reference")], &Silent).expect("loaded");
    let rotten = rot(&machine, &shop);
    let plan = ops::purge::plan(&machine.host, PurgeRequest { all: false, keep: 1 }).expect("planned");
    assert_eq!(plan.remove.iter().map(|image| image.id).collect::<Vec<_>>(), [rotten]);
    let (purged, error) = ops::purge::apply(&mut machine.host, plan);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(purged.removed.len(), 1);
    assert_eq!(store.unreadable().expect("a store"), []);
}

#[test]
fn a_killed_upgrade_waits_for_the_store_it_used() {
    let mut machine = Machine::new(FakeHooks::new());
    machine.install("shop:1", &image("1", &[])).expect("installed");
    killed_before(&mut machine, HookName::Install);
    machine.ran();
    let mut machine = machine.restart();
    let layout = LayoutStore::open(&machine.folder.path().join("store")).expect("a store");
    let memory = std::mem::replace(&mut machine.host.store, Box::new(layout));
    let refused = plan::recover(&mut machine.host, &Options::default(), &Silent).expect_err("another store");
    assert_eq!(
        refused.to_string(),
        "the unfinished upgrade of shop 1 to 2 used the store `memory`, and the store chosen now is `layout`"
    );
    assert_eq!(machine.ran(), [""; 0]);
    machine.host.store = memory;
    let recovered = plan::recover(&mut machine.host, &Options::default(), &Silent).expect("recovered");
    assert_eq!(recovered.expect("it was still pending").faults, [""; 0]);
    assert_eq!((machine.installed(), machine.tags()), (vec!["shop:1 ok".to_owned()], vec!["shop:1".to_owned()]));
}

#[test]
fn an_app_of_another_store_is_not_changed_from_here() {
    let mut machine = Machine::new(FakeHooks::new());
    machine.install("shop:1", &image("1", &[])).expect("installed");
    machine.upgrade("shop:2", &image("2", &[])).expect("upgraded");
    let layout = LayoutStore::open(&machine.folder.path().join("store")).expect("a store");
    layout.load(&image("3", &[]), &["shop:3".parse().expect("a reference")], &Silent).expect("loaded");
    machine.host.store = Box::new(layout);
    let host = &machine.host;
    let three = "shop:3".parse().expect("a target");
    for refused in [
        ops::remove::prepare(host, "shop", false),
        ops::rollback::prepare(host, "shop"),
        ops::upgrade::prepare(host, &three, &plain_inquiry(&offline()), None, Downgrade::Refuse, &Silent),
    ] {
        let refused = refused.err().expect("another store").to_string();
        assert_eq!(refused, "the image of shop:2 is in the store `memory`, and the store chosen now is `layout`");
    }
    let faults = ops::verify::verify(host, None).expect("looked at").apps[0].faults.clone();
    assert_eq!(faults, [ops::verify::Fault::OtherStore { was: "memory".into(), now: "layout".into() }]);
    let remove = ops::remove::prepare(host, "shop", true).expect("its image is left alone");
    remove.apply(&mut machine.host, &Options::default(), &Silent).expect("removed");
    assert_eq!((machine.installed(), machine.tags().len()), (vec![], 2));
}

#[test]
fn purge_takes_what_a_killed_create_left() {
    let machine = Machine::new(FakeHooks::new());
    let left = |name: &str, image: &MemoryImage| {
        machine.store.load(image, &[name.parse().expect("a reference")], &Silent).expect("loaded")
    };
    let draft = left("dam-build-a8dnf0a9d8fh3l2k:tmp", &image("draft", &[]));
    left("shop:1", &image("1", &[]));
    left("dam-build-tools:1", &image("an app of that name", &[]));
    let plan = ops::purge::plan(&machine.host, PurgeRequest { all: false, keep: 7 }).expect("planned");
    assert_eq!(plan.remove.iter().map(|image| image.id).collect::<Vec<_>>(), [draft]);
}

#[test]
fn a_purge_that_fails_half_way_says_what_it_removed_and_tidies_up() {
    let mut machine = Machine::new(FakeHooks::new());
    let images = ["shop:1", "shop:2", "shop:3"].map(|name| {
        let id = machine.store.load(&image(name, &[]), &[name.parse().expect("a reference")], &Silent);
        id.expect("loaded")
    });
    let kept = machine.candidate("shop:1", &image("shop:1", &[])).meta;
    machine.store.stick_image(images[1]);
    let plan = ops::purge::plan(&machine.host, PurgeRequest { all: true, keep: 0 }).expect("planned");
    let (purged, error) = ops::purge::apply(&mut machine.host, plan);
    assert_eq!(error.expect("one is stuck").to_string(), "cannot access `memory`");
    assert_eq!(purged.removed.iter().map(|image| image.id).collect::<Vec<_>>(), images[..1]);
    let told = purged.error.expect("the error is told");
    assert_eq!(told, ["cannot access `memory`", "read-only filesystem or storage medium"]);
    assert_eq!(machine.tags(), ["shop:2", "shop:3"]);
    assert!(machine.host.keep.get(&kept).is_err(), "nothing needs its kept hooks");
}

#[test]
fn a_plan_has_no_step_for_what_is_so_already() {
    let mut machine = Machine::new(FakeHooks::new());
    machine.install("shop:1", &image("1", &[])).expect("installed");
    machine.upgrade("shop:2", &image("2", &[])).expect("upgraded");
    let tags = |plan: &Plan| plan.steps.iter().filter(|step| matches!(step, Step::Tag { .. })).count();
    let rollback = |machine: &Machine| ops::rollback::prepare(&machine.host, "shop").expect("planned").plan;
    assert_eq!(tags(&rollback(&machine)), 0);
    machine.store.untag(&"shop:1".parse().expect("a reference")).expect("untagged");
    assert_eq!(tags(&rollback(&machine)), 1);
    // Another app of the very same image.
    machine.install("till:2", &image("2", &[])).expect("installed");
    let remove = |machine: &Machine| ops::remove::prepare(&machine.host, "shop", false).expect("planned").plan;
    assert!(!remove(&machine).steps.contains(&Step::Drop));
    machine.remove("till", &Options::default()).expect("removed");
    assert!(remove(&machine).steps.contains(&Step::Drop));
}
