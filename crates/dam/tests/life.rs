//! The life of an app, from its folder to its end, without an engine.

mod support;

use dam_oci::testing::{ArchiveForm, ImageBuilder};
use snapbox::str;
use support::Dam;

#[test]
fn an_app_from_its_folder_to_its_end() {
    let described = |app: support::App| app.file("meta/DESCRIPTION", "Sells things.\nAnd buys some.\n");
    let dam = Dam::new().project("shop", |app| described(app).hook("health", "test -e $STATE/shop"));

    dam.run("create shop --version 1.0")
        .success()
        .stdout(str![[r#"
Created shop:1.0  (family shop, 1.4 kB, 1 layer, hooks: install uninstall health)

"#]])
        .stderr(str![[r#"
step 1/2: FROM scratch
step 2/2: COPY meta /meta

"#]]);
    dam.run("save shop:1.0 -o shop.dam").success().stdout(str![[r#"
Saved shop.dam  (shop:1.0, 10.2 kB)

"#]]);
    dam.run("info ./shop.dam").success().stdout(str![[r#"
shop 1.0
  Sells things.
  And buys some.
  family        shop
  multiversion  no
  image         shop:1.0  cea120160ef1
  size          5.6 kB, 1 layer
  hooks         install uninstall health
  found         in ./shop.dam, 10.2 kB, a bundle of dam 2

"#]]);
    dam.run("install ./shop.dam --yes")
        .success()
        .stdout(str![[r#"
Installed shop 1.0  (healthy after [TIME] s)

"#]])
        .stderr(str![[r#"
  install   shop  1.0  from ./shop.dam
            load the image, 5.6 kB
            run install of shop:1.0
            wait until shop:1.0 is healthy

"#]]);
    assert_eq!(dam.running("shop").as_deref(), Some("1.0"));
    dam.run("list").success().stdout(str![[r#"
NAME  VERSION  REPO    INSTALLED  STATE
shop  1.0      (file)  just now   healthy

"#]]);
    dam.run("info shop").success().stdout(str![[r#"
shop 1.0
  Sells things.
  And buys some.
  family        shop
  multiversion  no
  image         shop:1.0  6656f3630f23
  size          5.6 kB, 1 layer
  hooks         install uninstall health
  installed     just now from (file)
  state         healthy

"#]]);

    dam.run("create shop --version 2.0").success();
    dam.run("upgrade shop:2.0 --yes")
        .success()
        .stdout(str![[r#"
Upgraded shop 1.0 → 2.0  (healthy after [TIME] s)

"#]])
        .stderr(str![[r#"
  upgrade   shop  1.0 → 2.0  from the store
            run uninstall of shop:1.0
            run install of shop:2.0
            wait until shop:2.0 is healthy

"#]]);
    assert_eq!(dam.running("shop").as_deref(), Some("2.0"));
    dam.run("rollback shop --yes")
        .success()
        .stdout(str![[r#"
Rolled back shop 2.0 → 1.0  (healthy after [TIME] s)

"#]])
        .stderr(str![[r#"
  rollback  shop  2.0 → 1.0
            run uninstall of shop:2.0
            run install of shop:1.0
            wait until shop:1.0 is healthy

"#]]);
    assert_eq!(dam.running("shop").as_deref(), Some("1.0"));
    dam.run("history --log").success().stdout(str![[r#"
[TIME]  just now        rollback  shop 2.0 → 1.0
  uninstall of shop:2.0 succeeded
  install of shop:1.0 succeeded
  health of shop:1.0 succeeded
[TIME]  just now        upgrade   shop 1.0 → 2.0
  uninstall of shop:1.0 succeeded
  install of shop:2.0 succeeded
  health of shop:2.0 succeeded
[TIME]  just now        install   shop 1.0
  install of shop:1.0 succeeded
  health of shop:1.0 succeeded

"#]]);
    dam.run("verify").success().stdout(str![[r#"
✓ shop:1.0
1 app, as it was installed

"#]]);

    dam.run("remove shop --yes")
        .success()
        .stdout(str![[r#"
Removed shop 1.0

"#]])
        .stderr(str![[r#"
  remove    shop  1.0
            run uninstall of shop:1.0
            remove the image

"#]]);
    assert_eq!(dam.running("shop"), None);
    dam.run("purge --all --keep 0 --yes").success().stdout(str![[r#"
Purged 1 image, up to 1.4 kB

"#]]);
    dam.is_empty();
}

/// Shop 1.0 runs and shop 2.0 is at hand.
fn two_versions(change: impl FnOnce(support::App) -> support::App) -> Dam {
    Dam::new().installed("shop", "1.0", |app| app).app("shop", "2.0", change)
}

#[test]
fn an_upgrade_that_fails_leaves_the_old_version_running() {
    let dam = two_versions(|app| app.hook("install", "echo cannot; exit 4").hook("uninstall", "true"));
    dam.run("upgrade shop:2.0 --yes").no_stdout().error(str![[r#"
error: `install` of `shop:2.0` failed with exit status 4
           | cannot
everything is as before: shop 1.0 runs again
hint: dam history shop --log   shows all that the hooks printed

"#]]);
    assert_eq!(dam.running("shop").as_deref(), Some("1.0"));
    dam.run("list").success().stdout(str![[r#"
NAME  VERSION  REPO     INSTALLED  STATE
shop  1.0      (store)  just now   ok

"#]]);
    dam.run("verify").success();
}

#[test]
fn an_upgrade_whose_check_fails_touches_nothing() {
    let dam = two_versions(|app| app.hook("check", "echo no licence; exit 1"));
    dam.run("upgrade shop:2.0 --yes").no_stdout().error(str![[r#"
error: `check` of `shop:2.0` failed with exit status 1
           | no licence
nothing was changed
hint: dam history shop --log   shows all that the hooks printed

"#]]);
    assert_eq!(dam.running("shop").as_deref(), Some("1.0"));
    dam.run("history --limit 1").success().stdout(str![[r#"
[TIME]  just now        upgrade   shop 1.0 → 2.0  failed, undone
  `check` of `shop:2.0` failed with exit status 1

"#]]);
}

#[test]
fn no_health_takes_the_word_of_install() {
    let dam = Dam::new().app("shop", "1.0", |app| app.hook("health", "exit 1"));
    let plan = dam.run("install shop:1.0 --no-health --dry-run").success();
    assert!(!plan.text().contains("health"), "{}", plan.text());
    dam.run("install shop:1.0 --no-health --yes").success().stdout("Installed shop 1.0\n");
    assert_eq!(dam.running("shop").as_deref(), Some("1.0"));
}

#[test]
fn force_removes_what_will_not_be_uninstalled() {
    let dam = Dam::new().installed("shop", "1.0", |app| app.hook("uninstall", "echo busy; exit 5"));
    dam.run("remove shop --yes").no_stdout().error(str![[r#"
error: `uninstall` of `shop:1.0` failed with exit status 5
           | busy
everything is as before: shop 1.0 runs again
hint: dam history shop --log   shows all that the hooks printed

"#]]);
    assert_eq!(dam.running("shop").as_deref(), Some("1.0"));
    dam.run("remove shop --yes --force").success().stdout("Removed shop 1.0\n").said("failed with exit status 5");
    dam.run("list").success().stdout("no app is installed\n");
}

#[test]
fn keep_image_leaves_the_image() {
    let dam = Dam::new().installed("shop", "1.0", |app| app);
    dam.run("remove shop --yes --keep-image").success();
    dam.run("install shop:1.0 --yes").success();
    dam.run("remove shop --yes").success();
    dam.run("install shop:1.0 --yes").no_stdout().error(str![[r#"
error: the store holds no image named `shop:1.0`
hint: dam install ./shop.dam   installs from a file

"#]]);
}

#[test]
fn several_versions_side_by_side() {
    let dam = Dam::new();
    let create = |version: &str| {
        let folder = format!("shop-{version}");
        let hook = "printf %s \"$DAM_APP_VERSION\" >\"$STATE/shop-$DAM_APP_VERSION\"";
        let undo = "rm \"$STATE/shop-$DAM_APP_VERSION\"";
        support::App::new().hook("install", hook).hook("uninstall", undo).write(&dam.path(&folder));
        dam.run(&format!("create {folder} --name shop --version {version} --multiversion")).success();
    };
    for version in ["1.0", "2.0", "3.0"] {
        create(version);
    }
    for version in ["1.0", "2.0"] {
        dam.run(&format!("install shop:{version} --yes")).success();
    }
    dam.run("list --labels").success().stdout(str![[r#"
NAME  VERSION  REPO     INSTALLED  STATE  FAMILY  MULTIVERSION
shop  1.0      (store)  just now   ok     shop    yes
shop  2.0      (store)  just now   ok     shop    yes

"#]]);
    dam.run("remove shop --yes").no_stdout().error(str![[r#"
error: several versions of shop are installed: shop:1.0, shop:2.0
hint: name one of them: shop:1.0 or shop:2.0

"#]]);
    dam.run("upgrade shop:3.0 --yes").no_stdout().error(str![[r#"
error: several versions of shop are installed: shop:1.0, shop:2.0
hint: dam upgrade shop:3.0 --yes --replace VERSION   says which of them goes

"#]]);
    dam.run("upgrade shop:3.0 --yes --replace 1.0").success().stdout("Upgraded shop 1.0 → 3.0\n");
    assert_eq!((dam.running("shop-1.0"), dam.running("shop-3.0").as_deref()), (None, Some("3.0")));
    dam.run("rollback shop:3.0 --yes").success().stdout("Rolled back shop 3.0 → 1.0\n");
    dam.run("remove shop:1.0 --yes").success().stdout("Removed shop 1.0\n");
    assert_eq!((dam.running("shop-1.0"), dam.running("shop-2.0").as_deref()), (None, Some("2.0")));
}

#[test]
fn one_version_excludes_another() {
    two_versions(|app| app).run("install shop:2.0 --yes").no_stdout().error(str![[r#"
error: shop:1.0 is installed; a second version needs an app that allows it (multiversion)
hint: dam upgrade shop:2.0   puts it in the place of the other

"#]]);
}

#[test]
fn one_app_of_a_family_excludes_another() {
    let dam = Dam::new().installed("shop", "1.0", |app| app).project("store", |app| app);
    dam.run("create store --version 1.0 --family shop").success();
    dam.run("install store:1.0 --yes").no_stdout().error(str![[r#"
error: shop:1.0 is installed and belongs to the same family, `shop`, as store:1.0
hint: dam remove shop:1.0   makes room

"#]]);
    dam.run("remove shop:1.0 --yes").success();
    dam.run("install store:1.0 --yes").success();
}

#[test]
fn what_is_removed_is_what_was_installed_wherever_its_tag_is_now() {
    let dam = Dam::new().installed("shop", "1.0", |app| app).project("other", |app| app.hook("uninstall", "exit 9"));
    dam.run("create other --name shop --version 1.0").success();
    dam.run("verify").failure().stdout(str![[r#"
✗ shop:1.0
    shop:1.0 names another image now, 59fbaabe41c9
    dam upgrade shop:1.0      takes the new one; dam remove shop:1.0 removes the old one
1 fault

"#]]);
    dam.run("remove shop --yes").success().stdout("Removed shop 1.0\n");
    assert_eq!(dam.running("shop"), None);
}

#[test]
fn an_app_whose_image_is_gone_can_be_removed() {
    let dam = Dam::new().installed("shop", "1.0", |app| app);
    std::fs::remove_dir_all(dam.root().join("store")).expect("ours");
    dam.run("verify").failure();
    dam.run("remove shop --yes").success().stdout("Removed shop 1.0\n");
    assert_eq!(dam.running("shop"), None);
    dam.is_empty();
}

#[test]
fn a_file_in_the_current_folder_hijacks_nothing() {
    let evil = || ImageBuilder::app().file("meta/install", 0o755, "#!/bin/sh\ntouch $STATE/evil\n");
    let dam = Dam::new().archive("shop:1.0", ArchiveForm::Docker25, evil(), &["shop:1.0"]);
    let dam = dam.archive("shop", ArchiveForm::Docker25, evil(), &["shop:1.0"]);
    for line in ["install shop:1.0 --yes", "install shop --yes", "info shop:1.0", "info shop"] {
        dam.run(line).failure().no_stdout();
    }
    dam.is_empty();
    dam.app("shop", "1.0", |app| app).run("install shop:1.0 --yes").success();
}

#[test]
fn what_dam_1_has_installed_is_taken_over() {
    let dam = Dam::new().app("shop", "1.0", |app| app);
    let id = dam.run("info shop:1.0 --json").success().json()["apps"][0]["image"].as_str().expect("a digest")[7..19]
        .to_owned();
    std::fs::create_dir_all(dam.path("home/.cache/dam")).expect("a folder");
    let repos = "1;*;official;https://registry-1.docker.io/;;\n";
    let apps = format!("0;{id};shop;1.0;1;;shop\n1;0123456789ab;gone;1.0;1;;gone\n");
    let dam = dam.file("home/.cache/dam/Repos", repos).file("home/.cache/dam/Apps", &apps);
    let before = dam.traces();
    dam.run("migrate").no_stdout().failure();
    dam.run("migrate --dry-run").success();
    assert_eq!(dam.traces().get("home/.cache/dam/Apps"), before.get("home/.cache/dam/Apps"));
    dam.run("list").success().stdout("no app is installed\n");
    dam.run("migrate --yes").success().stdout(str![[r#"
Took over shop 1.0
left gone:1.0: its image 0123456789ab is gone

"#]]);
    dam.run("list").success().stdout(str![[r#"
NAME  VERSION  REPO       INSTALLED  STATE
shop  1.0      (dam 1.x)  just now   ok

"#]]);
    dam.run("migrate --yes").success();
    assert_eq!(dam.run("list --json").success().json()["apps"].as_array().map(Vec::len), Some(1));
    assert_eq!(std::fs::read_to_string(dam.path("home/.cache/dam/Apps")).expect("still there"), apps);
    std::fs::write(dam.path("state/shop"), "1.0").expect("what DAM 1.x has started");
    dam.run("remove shop --yes").success();
    assert_eq!(dam.running("shop"), None);
}

#[test]
fn a_hook_hears_of_its_own_app_only() {
    let hook = "env | grep '^DAM_[AHOU]' | grep -v OFFLINE | sort >\"$STATE/shop\"";
    let dam = Dam::new()
        .app("shop", "1.0", |app| app.hook("install", hook).file("ENVIRONMENT", "DAM_APP_SERVERS=ship:5000\n"));
    let caller = [
        ("DAM_APP_OWNER", "till"),
        ("DAM_APP_NAME", "till"),
        ("DAM_OLD_VERSION", "7"),
        ("DAM_HOOK", "check"),
        ("DAM_UNDO", "1"),
    ];
    let dam = caller.into_iter().fold(dam, |dam, (name, value)| dam.variable(name, value));
    let _ = dam.run("install shop:1.0 --yes").success();
    let heard = dam.running("shop").expect("the note of the hook");
    assert_eq!(
        heard.lines().collect::<Vec<_>>(),
        [
            "DAM_APP_FAMILY=shop",
            "DAM_APP_MULTIVERSION=false",
            "DAM_APP_NAME=shop",
            "DAM_APP_SERVERS=ship:5000,",
            "DAM_APP_TAG=shop:1.0",
            "DAM_APP_VERSION=1.0",
            "DAM_HOOK=install",
        ]
    );
}

#[test]
fn a_name_saves_what_is_installed_and_a_version_what_is_tagged() {
    let dam =
        two_versions(|app| app.file("meta/two", "2")).project("other", |app| app.file("meta/other", "another image"));
    let image = |line: &str| dam.run(line).success().json()["apps"][0]["layers"].clone();
    let installed = image("info shop --json");
    dam.run("create other --name shop --version 1.0").success();
    dam.run("save shop -o saved.dam").success();
    assert_eq!(image("info ./saved.dam --json"), installed);
    dam.run("save shop:1.0 -o saved.dam").success();
    assert_ne!(image("info ./saved.dam --json"), installed);
    dam.run("remove shop --yes").success();
    let saved = dam.run("save shop -o saved.dam --json").success().json();
    assert_eq!(saved["app"]["version"], "2.0");
}
