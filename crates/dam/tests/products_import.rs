//! Products imported at the terminal: what is said before, and after.

mod support;

use std::fs::File;

use snapbox::str;
use support::{App, Dam};

fn healthy(app: App) -> App {
    app.hook("health", "test -e $STATE/$DAM_APP_NAME")
}

/// The packer's machine has written `site.dam` and `site.txt`: shop 2.0, till 1.0 and extra 1.0.
fn site() -> Dam {
    let dam = Dam::new().installed("shop", "2.0", |app| healthy(app).file("meta/config", "port 8080\nname shop\n"));
    let dam = dam.installed("till", "1.0", |app| app).installed("extra", "1.0", |app| app);
    dam.run("export site.txt").success();
    dam.run("export --all site.dam").success();
    dam
}

/// The operator's machine: shop 1.0, till 1.0 and old 0.9 are installed, and the packer's files are there.
fn operator() -> Dam {
    let packer = site();
    let dam = Dam::new().installed("shop", "1.0", |app| healthy(app).file("meta/config", "port 80\nname shop\n"));
    let dam = dam.installed("till", "1.0", |app| app).installed("old", "0.9", |app| app);
    let copy = |name| std::fs::read(packer.path(name)).expect("the packer has written it");
    let (bundle, list) = (copy("site.dam"), copy("site.txt"));
    dam.file("site.dam", bundle).file("site.txt", list)
}

#[test]
fn the_plan_says_everything_before_anything_happens() {
    let dam = operator();
    dam.run("import site.dam --dry-run")
        .success()
        .stdout(str![[r#"
site.dam: 4 apps

  install    extra  1.0        its layers are all there
  upgrade    shop   1.0 → 2.0  sends 257 B of 5.6 kB
  keep       till   1.0
  remove     old    0.9        not in this product

  changed: shop/config  (+1 −1 lines)

    --- a/meta/config
    +++ b/meta/config
    @@ -1,2 +1,2 @@
    -port 80
    +port 8080
     name shop

  space: needs 257 B, [ROOM] free on [FOLDER]/root/store

"#]])
        .no_stderr();
    dam.run("import site.dam").error(str![[r#"
error: this needs a yes, and there is no terminal to ask on
hint: dam import site.dam --yes

"#]]);
    assert_eq!(dam.running("shop").as_deref(), Some("1.0"));
}

#[test]
fn the_machine_becomes_what_the_bundle_says() {
    let dam = operator();
    dam.run("import site.dam --yes").success().stdout(str![[r#"
Removed old 0.9
Installed extra 1.0
Upgraded shop 1.0 → 2.0  (healthy after [TIME] s)
Imported site.dam  (1 kept)

"#]]);
    let running = ["shop", "till", "extra", "old"].map(|app| dam.running(app));
    assert_eq!(running, [Some("2.0".to_owned()), Some("1.0".to_owned()), Some("1.0".to_owned()), None]);
    dam.run("list").success().stdout(str![[r#"
NAME   VERSION  REPO     INSTALLED  STATE
extra  1.0      (file)   just now   ok
shop   2.0      (file)   just now   healthy
till   1.0      (store)  just now   ok

"#]]);
    dam.run("history --limit 1").success().stdout(str![[r#"
[TIME]  just now        import    site.dam
  remove    old 0.9
  install   extra 1.0
  upgrade   shop 1.0 → 2.0

"#]]);
    dam.run("import site.dam --all --yes")
        .success()
        .stdout(str![[r#"
Nothing to do: this machine is as site.dam says

"#]])
        .no_stderr();
    dam.run("import site.txt --yes").success().stdout(str![[r#"
Nothing to do: this machine is as site.txt says

"#]]);
}

#[test]
fn one_app_that_fails_puts_all_of_them_back() {
    let packer = Dam::new()
        .app("shop", "2.0", |app| app)
        .app("extra", "1.0", |app| app.hook("install", "echo no space; exit 3"));
    let packer = packer.file("wanted.txt", "shop:2.0\nextra:1.0\n");
    packer.run("export --product wanted.txt site.dam").success();
    let bundle = std::fs::read(packer.path("site.dam")).expect("written");
    let dam = operator().file("site.dam", bundle);
    let before = dam.run("list").success().text().to_owned();
    dam.run("import site.dam --yes").error(str![[r#"
error: `install` of `extra:1.0` failed with exit status 3
           | no space
everything is as before: shop 1.0 runs again, 2 other apps were put back
hint: dam history extra --log   shows all that the hooks printed

"#]]);
    assert_eq!(
        ["shop", "till", "old", "extra"].map(|app| dam.running(app)),
        [Some("1.0"), Some("1.0"), Some("0.9"), None].map(|version| version.map(ToOwned::to_owned))
    );
    dam.run("list").success().stdout(before);

    dam.run("import site.dam --yes --on-failure stop").error(str![[r#"
error: `install` of `extra:1.0` failed with exit status 3
           | no space
changed, as was asked: till:1.0, old:0.9, shop:2.0; the rest is as before
hint: dam history extra --log   shows all that the hooks printed

"#]]);
    assert_eq!(dam.running("shop").as_deref(), Some("2.0"));
    dam.run("history --limit 1").success().stdout(str![[r#"
[TIME]  just now        import    site.dam  stopped
  remove    till 1.0
  remove    old 0.9
  upgrade   shop 1.0 → 2.0
  install   extra 1.0
  `install` of `extra:1.0` failed with exit status 3

"#]]);
}

#[test]
fn a_pipe_is_as_good_as_a_file() {
    let dam = operator();
    let mut import = dam.command("import - --yes");
    import.stdin(File::open(dam.path("site.dam")).expect("a bundle"));
    dam.finish(import, "import - --yes").success().stdout(str![[r#"
Removed old 0.9
Installed extra 1.0
Upgraded shop 1.0 → 2.0  (healthy after [TIME] s)
Imported standard input  (1 kept)

"#]]);
    assert_eq!(dam.running("shop").as_deref(), Some("2.0"));

    let mut import = dam.command("import - --yes");
    import.stdin(File::open(dam.path("site.txt")).expect("a list"));
    dam.finish(import, "import - --yes").success().stdout(str![[r#"
Nothing to do: this machine is as standard input says

"#]]);
}

#[test]
fn an_empty_product_needs_more_than_a_yes() {
    let dam = operator().file("empty.txt", "# nothing\n");
    dam.run("import empty.txt --yes").misuse().stderr(str![[r#"
error: `empty.txt` names no apps: it would remove all 3 apps that are installed
hint: dam import empty.txt --yes --restore   removes them

"#]]);
    assert_eq!(dam.running("shop").as_deref(), Some("1.0"));
    dam.run("import empty.txt --yes --restore").success().stdout(str![[r#"
Removed till 1.0
Removed shop 1.0
Removed old 0.9
Imported empty.txt

"#]]);
    dam.run("list").success().stdout("no app is installed\n");
    dam.run("import empty.txt --yes").success().stdout(str![[r#"
Nothing to do: this machine is as empty.txt says

"#]]);
}

#[test]
fn a_list_that_is_wrong_is_told_line_by_line_and_nothing_is_done() {
    let dam = operator().file("bad.txt", "shop:2.0\nshop\n../x:1\ntill:1.0 extra:1.0\nshop:2.0\n");
    dam.run("import bad.txt --yes").error(str![[r#"
error: `bad.txt` is no product list: 4 of its lines cannot be used
caused by: line 2: `shop`: the version is missing: an app is written `name:version`
caused by: line 3: `../x:1`: the registry is not a host name with an optional port
caused by: line 4: `till:1.0 extra:1.0`: there is more than one word on the line
caused by: line 5: `shop:2.0`: the same app is on line 1
hint: write one app a line, as name:version; comments begin with #

"#]]);
    let dam = dam.file("missing.txt", "till:1.0\nnone:3.0\nplant:5000/other:1.0\n");
    dam.run("import missing.txt --yes").error(str![[r#"
error: 2 apps of `missing.txt` cannot be found
caused by: line 2: `none:3.0`: it is neither installed nor in the store
caused by: line 3: `plant:5000/other:1.0`: it is neither installed nor in the store
hint: create, pull or load them, or take their lines out of the list

"#]]);
    assert_eq!(dam.running("old").as_deref(), Some("0.9"));
}

#[test]
fn parts_beside_each_other_are_one_bundle_and_a_missing_one_is_named() {
    let noise: String =
        (0..1_500_000_u32).map(|at| char::from(b'a' + (at.wrapping_mul(2_654_435_761) >> 27) as u8 % 26)).collect();
    let packer = Dam::new().installed("shop", "1.0", |app| app.file("meta/data", noise));
    packer.run("export --all site.dam --split 1MB --compression none").success();
    let copy = |dam: Dam, name: &str| match std::fs::read(packer.path(name)) {
        Ok(bytes) => dam.file(name, bytes),
        Err(_) => dam,
    };
    let dam = copy(Dam::new(), "site.dam.001");
    dam.run("import site.dam.001 --yes").error(str![[r#"
error: `site.dam.001` is incomplete: its part `site.dam.002` is missing
hint: put all parts, whole, into one folder, and name the first one

"#]]);
    let dam = copy(dam, "site.dam.002");
    dam.run("import site.dam.001 --yes").success().stdout(str![[r#"
Installed shop 1.0
Imported site.dam.001

"#]]);
}
