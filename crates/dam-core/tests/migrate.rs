//! Taking over what DAM 1.x installed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use dam_core::app::{AppId, HookName};
use dam_core::event::Silent;
use dam_core::ledger::{Change, Installed, Ledger, LeftRepo, OperationKind, OperationState, Source, Timestamp};
use dam_core::meta::Keep;
use dam_core::ops::migrate::{FoundBy, Left, LeftReason, MigrateOutcome, Parts, Taken, apply, plan};
use dam_core::repo::{Repo, rules};
use dam_core::store::{ImageId, Store};
use dam_core::testing::{MemoryStore, release};
use dam_core::{Cancel, Error, legacy};
use dam_oci::registry::Secret;
use dam_oci::testing::ImageBuilder;
use serde_json::json;

/// A machine on which DAM 1.x was used.
struct Bench {
    folder: tempfile::TempDir,
    store: MemoryStore,
    cancel: Cancel,
}

impl Bench {
    fn new() -> Self {
        let bench = Self {
            folder: tempfile::tempdir().expect("a folder"),
            store: MemoryStore::new(),
            cancel: Cancel::default(),
        };
        fs::create_dir(bench.old()).expect("a folder");
        bench.repos("1;;official;https://registry-1.docker.io/;;\n2;*;plant;plant:5000;me;czNjcmV0\n").apps(&[])
    }

    fn old(&self) -> PathBuf {
        self.folder.path().join("old")
    }

    fn repos(self, text: &str) -> Self {
        fs::write(self.old().join("Repos"), text).expect("writable");
        self
    }

    /// Writes the old `Apps`: image, name, version, repo number and family of each.
    fn apps(self, rows: &[(&str, &str, &str, u32, &str)]) -> Self {
        let row = |(number, (image, name, version, repo, family)): (usize, &(&str, &str, &str, u32, &str))| {
            format!("{number};{image};{name};{version};{repo};;{family}\n")
        };
        fs::write(self.old().join("Apps"), rows.iter().enumerate().map(row).collect::<String>()).expect("writable");
        self
    }

    fn image(&self, image: ImageBuilder, tags: &[&str]) -> ImageId {
        let tags: Vec<_> = tags.iter().map(|tag| tag.parse().expect("a reference")).collect();
        self.store.load(&image.build(), &tags, &Silent).expect("loaded")
    }

    fn ledger(&self) -> Ledger {
        Ledger::open(self.folder.path()).expect("a ledger")
    }

    fn keep(&self) -> Keep {
        Keep::open(self.folder.path()).expect("a folder")
    }

    fn try_migrate(&self) -> Result<MigrateOutcome, Error> {
        let database = legacy::read(&self.old()).expect("readable").expect("it is there");
        let mut ledger = self.ledger();
        let plan = plan(&database, &ledger).expect("planned");
        let (store, keep, cancel) = (&self.store, &self.keep(), &self.cancel);
        apply(plan, Parts { ledger: &mut ledger, store, keep, cancel, now: Timestamp(500) })
    }

    fn migrate(&self) -> MigrateOutcome {
        self.try_migrate().expect("migrated")
    }
}

fn app(id: &str) -> AppId {
    id.parse().expect("a name and a version")
}

fn short(id: ImageId) -> String {
    id.0.short()
}

#[test]
fn an_app_is_taken_over_with_its_exact_image() {
    let bench = Bench::new();
    let image = ImageBuilder::app()
        .file("meta/DESCRIPTION", 0o644, "sells things\n")
        .label("DAM_APP_FAMILY", "sales")
        .label("DAM_APP_MULTIVERSION", "true")
        .label("DAM_APP_SERVERS", "plant:5000,other:5000,");
    // The tag has moved to another image since.
    let image = bench.image(image, &[]);
    bench.image(ImageBuilder::app().label("other", "image"), &["plant:5000/shop:1.0"]);
    let bench = bench.apps(&[(&short(image), "shop", "1.0", 2, "sales")]);

    let outcome = bench.migrate();
    assert_eq!(outcome.taken, [Taken { app: app("shop:1.0"), image, found_by: FoundBy::Id }]);
    assert_eq!(outcome.left, []);
    let [installed] = &bench.ledger().installed().expect("readable")[..] else { panic!("one app is installed") };
    assert_eq!(
        (&installed.source, installed.installed_at, &installed.previous),
        (&Source::Migrated, Timestamp(500), &None)
    );
    let release = &installed.release;
    assert_eq!((release.image, release.diff_ids.len()), (image, 1));
    assert_eq!(
        (&release.app.id, release.app.family.as_str(), release.app.multiversion),
        (&app("shop:1.0"), "sales", true)
    );
    assert_eq!(release.app.reference.to_string(), "plant:5000/shop:1.0");
    let more: Vec<_> = release.app.more_references.iter().map(ToString::to_string).collect();
    assert_eq!(more, ["shop:1.0", "other:5000/shop:1.0"]);
    assert_eq!(release.app.hooks, [HookName::Install, HookName::Uninstall]);
    assert_eq!(release.app.description.as_deref(), Some("sells things\n"));
    assert_eq!(bench.keep().get(&release.meta).expect("kept").digest, release.meta);
    let history = bench.ledger().history(None, 10).expect("readable");
    assert_eq!(history.len(), 1);
    assert_eq!((history[0].kind, history[0].state), (OperationKind::Migrate, OperationState::Done));
}

#[test]
fn an_image_is_found_by_its_tag_if_the_id_is_gone() {
    let bench = Bench::new().apps(&[
        ("000000000000", "shop", "1.0", 2, "shop"),
        ("000000000001", "hub", "1", 1, "hub"),
        ("000000000002", "gone", "1", 2, "gone"),
    ]);
    let shop = bench.image(ImageBuilder::app(), &["plant:5000/shop:1.0"]);
    let hub = bench.image(ImageBuilder::app().label("a", "b"), &["hub:1"]);
    // The right name at the wrong registry is another app.
    bench.image(ImageBuilder::app().label("a", "c"), &["gone:1"]);
    let outcome = bench.migrate();
    let taken = |id, image| Taken { app: app(id), image, found_by: FoundBy::Tag };
    assert_eq!(outcome.taken, [taken("shop:1.0", shop), taken("hub:1", hub)]);
    let reason = LeftReason::ImageGone { docker_id: "000000000002".to_owned() };
    assert_eq!(outcome.left, [Left { app: app("gone:1"), reason }]);
}

#[test]
fn what_dam_1_took_for_a_registry_is_part_of_the_name() {
    let bench =
        Bench::new().repos("1;*;official;https://registry-1.docker.io/;;\n3;;auto0;user;;\n4;;odd;no server;;\n");
    let bench = bench.apps(&[("000000000000", "shop", "1", 3, "shop"), ("000000000001", "till", "1", 4, "till")]);
    let image = bench.image(ImageBuilder::app(), &["user/shop:1", "till:1"]);
    let taken = |id| Taken { app: app(id), image, found_by: FoundBy::Tag };
    assert_eq!(bench.migrate().taken, [taken("user/shop:1"), taken("till:1")]);
    assert_eq!(bench.migrate().plan.done, [app("user/shop:1"), app("till:1")]);
}

#[test]
fn what_is_no_app_is_left_and_told() {
    let bench = Bench::new();
    let bare = bench.image(ImageBuilder::new(), &[]);
    let half = bench.image(ImageBuilder::new().file("meta/install", 0o755, ""), &[]);
    let bad = bench.image(ImageBuilder::app().label("DAM_APP_FAMILY", "two words"), &[]);
    let rows = [(short(bare), "bare"), (short(half), "half"), (short(bad), "bad")];
    let rows: Vec<_> = rows.iter().map(|(image, name)| (image.as_str(), *name, "1", 1, *name)).collect();
    let outcome = bench.apps(&rows).migrate();
    let left: Vec<_> = outcome.left.iter().map(|left| format!("{}: {}", left.app, left.reason)).collect();
    assert_eq!(left, ["bare:1: its image has no /meta", "half:1: its image has no /meta/uninstall"]);
    // A label that dam 2 does not take does not stand in the way of what is installed.
    assert_eq!(outcome.taken, [Taken { app: app("bad:1"), image: bad, found_by: FoundBy::Id }]);
}

#[test]
fn a_family_that_dam_2_runs_already_is_respected() {
    let bench = Bench::new();
    let old = bench.image(ImageBuilder::app(), &[]);
    let bench = bench.apps(&[(&short(old), "shop", "1.0", 1, "shop")]);
    let source = Source::Store;
    let installed = Installed {
        release: release("shop:2.0"),
        source,
        installed_at: Timestamp(1),
        state: dam_core::ledger::AppState::Ok,
        previous: None,
    };
    let change = Change::Put { installed: Box::new(installed), replacing: None };
    bench.ledger().record(OperationKind::Install, &change, &json!({}), Timestamp(1)).expect("recorded");
    let outcome = bench.migrate();
    assert_eq!(outcome.left, [Left { app: app("shop:1.0"), reason: LeftReason::Family { with: app("shop:2.0") } }]);
}

#[test]
fn what_stood_side_by_side_in_dam_1_still_does() {
    let bench = Bench::new();
    let [one, two] = ["1", "2"].map(|version| bench.image(ImageBuilder::app().label("v", version), &[]));
    let bench = bench.apps(&[
        (&short(one), "shop", "1", 1, "shop"),
        (&short(one), "shop", "2", 1, "shop"),
        (&short(two), "shop", "2", 1, "shop"),
    ]);
    let outcome = bench.migrate();
    assert_eq!(outcome.plan.repeated, [app("shop:2")]);
    let taken = |id, image| Taken { app: app(id), image, found_by: FoundBy::Id };
    assert_eq!(outcome.taken, [taken("shop:1", one), taken("shop:2", two)]);
}

#[test]
fn a_second_run_changes_nothing_and_brings_nothing_back() {
    let bench = Bench::new();
    let [one, two] = ["one", "two"].map(|name| bench.image(ImageBuilder::app().label("name", name), &[]));
    let bench = bench.apps(&[(&short(one), "one", "1", 1, "one"), (&short(two), "two", "1", 1, "two")]);
    assert_eq!(bench.migrate().taken.len(), 2);
    let (installed, history) = (bench.ledger().installed(), bench.ledger().history(None, 99));
    let again = bench.migrate();
    assert_eq!((again.taken, again.left, again.plan.take, again.plan.repos), (vec![], vec![], vec![], vec![]));
    assert_eq!(again.plan.done, [app("one:1"), app("two:1")]);
    assert_eq!(bench.ledger().installed().expect("readable"), installed.expect("readable"));
    assert_eq!(bench.ledger().history(None, 99).expect("readable"), history.expect("readable"));

    let take = Change::Take { app: app("one:1") };
    bench.ledger().record(OperationKind::Remove, &take, &json!({}), Timestamp(600)).expect("recorded");
    assert_eq!(bench.migrate().taken, []);
    let names: BTreeSet<_> = bench.ledger().list().expect("readable").into_iter().map(|listed| listed.id).collect();
    assert_eq!(names, [app("two:1")].into());
}

#[test]
fn repos_come_along_with_their_passwords() {
    let bench = Bench::new().repos(
        "1;;official;https://registry-1.docker.io/;robin;\n2;*;plant;plant:5000;me;czNjcmV0\n\
         3;;auto0;a:1;;\n4;;auto0;b:1;;czNjcmV0\n5;;auto0;somebody;;\n6;;odd;http://c:1;a:b;!\n",
    );
    let outcome = bench.migrate();
    let left = LeftRepo { name: "auto0".into(), server: "somebody".into() };
    assert_eq!(outcome.plan.repos_left, [left]);
    let repos = bench.ledger().repos().expect("readable");
    let shown: Vec<_> = repos
        .iter()
        .map(|repo| {
            let password = repo.password.as_ref().map(Secret::reveal);
            (repo.name.as_str(), repo.is_default, repo.username.as_deref(), password)
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("official", false, Some("robin"), None),
            ("plant", true, Some("me"), Some("s3cret")),
            ("auto0", false, None, None),
            ("auto0-2", false, None, None),
            ("odd", false, None, None),
        ]
    );
    let said = format!("{} {outcome:?}", serde_json::to_string(&outcome).expect("JSON"));
    assert!(!said.contains("czNjcmV0") && !said.contains("s3cret"), "{said}");
    let again = bench.migrate().plan;
    assert_eq!((again.repos, again.logins), (vec![], vec![]));
}

#[test]
fn a_repo_that_is_known_only_gets_the_login_it_lacks() {
    let bench = Bench::new();
    let plant =
        Repo { is_default: true, ..Repo::new("own".parse().expect("a name"), "plant:5000".parse().expect("good")) };
    let known = Repo { username: Some("other".into()), is_default: false, ..plant.clone() };
    let put = |repo: &Repo| {
        let rule = |repos: &[Repo]| rules::add(&repos[..1], repo.clone());
        bench.ledger().change_repos(rule).expect("good");
    };
    put(&known);
    assert!(
        !plan(&legacy::read(&bench.old()).expect("readable").expect("there"), &bench.ledger())
            .expect("a plan")
            .changes_repos()
    );
    put(&plant);
    let logins = bench.migrate().plan.logins;
    assert_eq!(logins.iter().map(|login| login.repo.as_str()).collect::<Vec<_>>(), ["own"]);
    let own = bench.ledger().repos().expect("readable").pop().expect("two");
    assert_eq!((own.id, own.password), (3, Some(Secret::new("s3cret"))));
}

#[test]
fn the_old_files_are_not_touched() {
    let bench = Bench::new();
    let image = bench.image(ImageBuilder::app(), &[]);
    let bench = bench.apps(&[(&short(image), "shop", "1.0", 1, "shop"), ("bad", "", "", 0, "")]);
    let look = |folder: &Path| {
        let mut files: Vec<(PathBuf, Vec<u8>, SystemTime)> = fs::read_dir(folder)
            .expect("readable")
            .map(|entry| {
                let entry = entry.expect("readable");
                let modified = entry.metadata().and_then(|data| data.modified()).expect("readable");
                (entry.path(), fs::read(entry.path()).expect("readable"), modified)
            })
            .collect();
        files.sort();
        files
    };
    let before = look(&bench.old());
    let outcome = bench.migrate();
    assert_eq!((outcome.taken.len(), outcome.plan.faults.len()), (1, 1));
    assert_eq!(look(&bench.old()), before);
}

#[test]
fn it_stops_between_two_apps_when_asked() {
    let bench = Bench::new();
    let image = bench.image(ImageBuilder::app(), &[]);
    let bench = bench.apps(&[(&short(image), "shop", "1.0", 1, "shop")]);
    bench.cancel.flag().store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(matches!(bench.try_migrate(), Err(Error::Cancelled)));
    bench.cancel.clear();
    assert_eq!(bench.migrate().taken.len(), 1);
}
