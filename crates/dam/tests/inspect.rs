//! `dam diff`, and `dam verify` and `dam info` of files.

mod support;

use dam_core::bundle::{self, BundleApp};
use dam_core::event::Silent;
use dam_core::host::Scratch;
use dam_core::meta::Keep;
use dam_core::ops::Candidate;
use dam_oci::testing::{ArchiveForm, ImageBuilder, archive};
use snapbox::str;
use support::Dam;

/// An app: its name, and its image.
type Named<'a> = (&'a str, ImageBuilder);

/// Makes the image of an app: a base that all share, and a layer with scripts.
fn app(install: &str) -> ImageBuilder {
    ImageBuilder::new()
        .file("base", 0o644, "base\n".repeat(1000))
        .layer()
        .file("meta/install", 0o755, format!("#!/bin/sh\n{install}\n"))
        .file("meta/uninstall", 0o755, "#!/bin/sh\n")
}

trait Files {
    /// Writes a bundle of several apps.
    fn bundle(self, file: &str, apps: Vec<Named>) -> Self;
}

impl Files for Dam {
    fn bundle(self, file: &str, apps: Vec<Named>) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let (scratch, keep) =
            (Scratch::new(root.path()).expect("a folder"), Keep::open(root.path()).expect("a folder"));
        let built: Vec<_> = apps.into_iter().map(|(name, image)| (name, image.build())).collect();
        let apps: Vec<BundleApp> = built
            .iter()
            .map(|(name, image)| {
                let path = root.path().join("one.tar");
                std::fs::write(&path, archive(ArchiveForm::Oci, &[(image, &[name])])).expect("a file");
                let found = Candidate::from_file(&keep, scratch.path(), &path, &Silent).expect("an app");
                BundleApp { app: found.release.app, meta: found.release.meta, image: Box::new(image.clone()) }
            })
            .collect();
        let mut bytes = Vec::new();
        bundle::write(&apps, &mut bytes, &Silent).expect("sound images");
        self.file(file, bytes)
    }
}

fn old_and_new() -> Dam {
    let same = || app("run same");
    Dam::new()
        .bundle("old.dam", vec![("mongodb:3.6.20", app("run --port 1")), ("same:1", same()), ("report:0.9", app("x"))])
        .bundle("new.dam", vec![("mongodb:3.6.23", app("run --port 2")), ("same:1", same()), ("shop:1", app("shop"))])
}

#[test]
fn two_bundles_are_compared_app_by_app() {
    old_and_new().run("diff old.dam new.dam").success().no_stderr().stdout(str![[r#"
  upgrade  mongodb  3.6.20 → 3.6.23  brings 1 of 2 layers, 3.6 kB
  same     same     1
  new      shop     1                brings 1 of 2 layers, 3.6 kB
  gone     report   0.9

new.dam brings 2 of 4 layers that old.dam has not: 7.2 kB
scripts and configs that changed: mongodb/install (+1 −1 lines)
see: dam diff old.dam new.dam --hooks

"#]]);
}

#[test]
fn the_lines_that_changed_are_shown() {
    old_and_new().run("diff old.dam new.dam --hooks").success().no_stderr().stdout(str![[r#"
mongodb 3.6.20 → 3.6.23
--- a/meta/install
+++ b/meta/install
@@ -1,2 +1,2 @@
 #!/bin/sh
-run --port 1
+run --port 2

shop 1
new file mode 100755
--- /dev/null
+++ b/meta/install
@@ -0,0 +1,2 @@
+#!/bin/sh
+shop
new file mode 100755
--- /dev/null
+++ b/meta/uninstall
@@ -0,0 +1 @@
+#!/bin/sh

"#]]);
    old_and_new().run("diff old.dam new.dam --hooks shop").success().no_stderr().stdout(str![[r#"
shop 1
new file mode 100755
--- /dev/null
+++ b/meta/install
@@ -0,0 +1,2 @@
+#!/bin/sh
+shop
new file mode 100755
--- /dev/null
+++ b/meta/uninstall
@@ -0,0 +1 @@
+#!/bin/sh

"#]]);
}

#[test]
fn an_app_that_neither_has_is_an_error() {
    old_and_new().run("diff old.dam new.dam --hooks nothing").error(str![[r#"
error: neither of the two has an app called `nothing`

"#]]);
}

#[test]
fn a_list_says_nothing_of_images() {
    let dam = old_and_new().file("site.txt", "# the plant\nmongodb:3.6.20\nsame:1\nshop:2\n");
    dam.run("diff site.txt new.dam").success().no_stderr().stdout(str![[r#"
  upgrade    mongodb  3.6.20 → 3.6.23
  same       same     1
  downgrade  shop     2 → 1

site.txt is a list, which says nothing of images, layers and scripts

"#]]);
    dam.run("diff old.dam site.txt --hooks").success().no_stderr().stdout(str![[r#"
A list says nothing of scripts

"#]]);
    dam.run("diff site.txt site.txt --exit-code").success().no_stderr().stdout(str![[r#"
  same  mongodb  3.6.20
  same  same     1
  same  shop     2
No difference, 3 apps

Both are lists, which say nothing of images, layers and scripts

"#]]);
}

#[test]
fn what_is_installed_is_compared_with_a_file() {
    let dam = old_and_new().file("empty.txt", "");
    dam.run("diff installed empty.txt").success().no_stderr().stdout(str![[r#"
There is no app in either

"#]]);
    assert!(!dam.root().join("ledger.db").exists(), "looking makes no ledger");
    let dam = dam.installed("mongodb", "3.6.20", |app| app);
    dam.run("diff installed new.dam").success().no_stderr().stdout(str![[r#"
  upgrade  mongodb  3.6.20 → 3.6.23  brings 2 of 2 layers, 10.2 kB
  new      same     1                brings 1 of 2 layers, 3.6 kB
  new      shop     1                brings 1 of 2 layers, 3.6 kB

new.dam brings 4 of 4 layers that what is installed has not: 17.4 kB
scripts and configs that changed: mongodb/install (+1 −1 lines), mongodb/uninstall (+0 −1 lines)
see: dam diff installed new.dam --hooks

"#]]);
    dam.run("diff new.dam installed").success().no_stderr().stdout(str![[r#"
  downgrade  mongodb  3.6.23 → 3.6.20  brings 1 of 1 layer
  gone       same     1
  gone       shop     1

what is installed brings 1 of 1 layer that new.dam has not
scripts and configs that changed: mongodb/install (+1 −1 lines), mongodb/uninstall (+1 −0 lines)
see: dam diff new.dam installed --hooks

"#]]);
    let _ = dam.run("save mongodb -o same.dam").success();
    dam.run("diff installed same.dam").success().no_stderr().stdout(str![[r#"
  same  mongodb  3.6.20
No difference, 1 app

"#]]);
}

#[test]
fn a_file_called_installed_is_named_with_its_folder() {
    let dam = Dam::new().file("installed", "shop:1\n").file("site.txt", "shop:2\n");
    dam.run("diff ./installed site.txt").success().stdout(str![[r#"
  upgrade  shop  1 → 2

Both are lists, which say nothing of images, layers and scripts

"#]]);
}

#[test]
fn the_exit_code_tells_on_request() {
    let dam = old_and_new();
    let _ = dam.run("diff old.dam new.dam").success();
    let _ = dam.run("diff old.dam new.dam --exit-code").failure().no_stderr();
    let _ = dam.run("diff old.dam old.dam --exit-code").success().stdout(str![[r#"
  same  mongodb  3.6.20
  same  same     1
  same  report   0.9
No difference, 3 apps

"#]]);
}

#[test]
fn an_app_built_anew_is_told() {
    let dam =
        Dam::new().bundle("old.dam", vec![("shop:1", app("one"))]).bundle("new.dam", vec![("shop:1", app("two"))]);
    dam.run("diff old.dam new.dam").success().stdout(str![[r#"
  rebuilt  shop  1  brings 1 of 2 layers, 3.6 kB

new.dam brings 1 of 2 layers that old.dam has not: 3.6 kB
scripts and configs that changed: shop/install (+1 −1 lines)
see: dam diff old.dam new.dam --hooks

"#]]);
    let json = dam.run("diff old.dam new.dam --json").success().json();
    assert_eq!(json["old"], serde_json::json!({ "kind": "archive", "path": "old.dam" }));
    assert_eq!(json["apps"][0]["change"], "other-image");
    assert_eq!(json["apps"][0]["hooks"][0]["path"], "install");
    assert_eq!(json["apps"][0]["hooks"][0]["added"], 1);
    let diff = json["apps"][0]["hooks"][0]["diff"].as_str().expect("text");
    assert!(diff.ends_with("-one\n+two\n"), "{diff}");
    assert_eq!((&json["brings"]["layers"], &json["brings"]["of"]), (&1.into(), &2.into()));
}

#[test]
fn several_versions_of_a_name_are_paired_by_version() {
    let dam = Dam::new().file("old.txt", "shop:1\nshop:2\nweb:1\n").file("new.txt", "shop:2\nshop:3\nweb:2\nweb:3\n");
    dam.run("diff old.txt new.txt").success().stdout(str![[r#"
  same     shop  2
  upgrade  shop  1 → 3
  new      web   2
  new      web   3
  gone     web   1

Both are lists, which say nothing of images, layers and scripts

"#]]);
}

#[test]
fn scripts_cannot_play_with_the_terminal() {
    let hostile = || app("echo \x1b]0;rm -rf x\x07\u{202e} \x1b[2J");
    let dam = Dam::new().bundle("old.dam", vec![("shop:1", app("one"))]).bundle("new.dam", vec![("shop:2", hostile())]);
    dam.run("diff old.dam new.dam --hooks").success().stdout(str![[r#"
shop 1 → 2
--- a/meta/install
+++ b/meta/install
@@ -1,2 +1,2 @@
 #!/bin/sh
-one
+echo ^[]0;rm -rf x^G<U+202E> ^[[2J

"#]]);
}

#[test]
fn a_bad_list_names_every_line() {
    let dam = old_and_new().file("site.txt", "shop\nSHOP:1\nshop:1\nx:1 y:2\nshop:1\n");
    dam.run("diff site.txt new.dam").error(str![[r#"
error: `site.txt` is no product list: 4 of its lines cannot be used
caused by: line 1: `shop`: the version is missing: an app is written `name:version`
caused by: line 2: `SHOP:1`: the name must be in lower case
caused by: line 4: `x:1 y:2`: there is more than one word on the line
caused by: line 5: `shop:1`: the same app is on line 3
hint: write one app a line, as name:version; comments begin with #

"#]]);
    let json = dam.run("diff site.txt new.dam --json").failure();
    assert!(json.text().contains(r#""kind": "bad-list""#), "{}", json.text());
}

#[test]
fn a_sound_file_is_verified_in_one_line() {
    let dam = old_and_new();
    dam.run("verify old.dam").success().no_stderr().stdout(str![[r#"
✓ old.dam: 3 apps, 10 blobs, 36.9 kB, every digest holds

"#]]);
    let json = dam.run("verify old.dam --json").success().json();
    assert_eq!((&json["apps"][0], &json["faults"]), (&"mongodb:3.6.20".into(), &serde_json::json!([])));
    assert!(!dam.root().join("ledger.db").exists(), "looking makes no ledger");
}

#[test]
fn every_fault_of_a_file_is_told() {
    let dam = old_and_new();
    let mut bytes = std::fs::read(dam.path("old.dam")).expect("a file");
    let at = |part: &[u8]| bytes.windows(part.len()).position(|known| known == part).expect("it is there");
    let (base, list) = (at(b"base\nbase\n"), at(b"same:1\nreport:0.9\n"));
    bytes[base] ^= 1;
    bytes[list] ^= 1;
    let cut = bytes.len() - 3000;
    let dam = dam.file("cut.dam", &bytes[..cut]).file("plain.txt", "no archive");
    dam.run("verify ./cut.dam").failure().no_stderr().stdout(str![[r#"
✗ ./cut.dam: 3 apps, 9 blobs, 33.9 kB
    app_list is not what `dam.json` implies
    layer 1 of mongodb:3.6.20 (sha256:b012b002d772…) has other content (sha256:3cf70b900920…)
    layer 2 of report:0.9 (sha256:4d5dd749adb8…) ends 2.0 kB early, and the file with it
3 faults
copy the file again from where it came

"#]]);
    let json = dam.run("verify cut.dam --json").failure().json();
    assert_eq!(json["faults"][0]["fault"], "document");
    dam.run("verify ./plain.txt").error(str![[r#"
error: `./plain.txt` is not a tar archive
hint: copy the file again from where it came

"#]]);
    dam.run("verify ./nothing.dam").error(str![[r#"
error: cannot access `./nothing.dam`
caused by: No such file or directory (os error 2)

"#]]);
}

#[test]
fn names_in_a_damaged_file_cannot_play_with_the_terminal() {
    let mut archive = dam_oci::archive::ArchiveWriter::new(Vec::new());
    archive.add_bytes("manifest.json", b"[]").expect("memory does not fail");
    archive.add_bytes("app_list", b"").expect("memory does not fail");
    let saved = br#"[{"Config":"\u001b[2Jx.json","RepoTags":["\u001b]0;t\u0007:1"],"Layers":[]}]"#;
    let mut other = dam_oci::archive::ArchiveWriter::new(Vec::new());
    other.add_bytes("manifest.json", saved).expect("memory does not fail");
    let dam =
        Dam::new().file("a.tar", archive.finish().expect("memory")).file("b.tar", other.finish().expect("memory"));
    dam.run("verify a.tar").success().stdout(str![[r#"
✓ a.tar: 0 apps, 0 blobs, 2.6 kB, every digest holds

"#]]);
    dam.run("verify b.tar").failure().stdout(str![[r#"
✗ b.tar: 0 apps, 0 blobs, 2.0 kB
    the config of :1 is missing (x.json)
1 fault
copy the file again from where it came

"#]]);
}

#[test]
fn a_file_of_several_apps_is_told_in_a_table() {
    let dam = old_and_new();
    dam.run("info old.dam").success().no_stderr().stdout(str![[r#"
old.dam: 3 apps, 36.9 kB, a bundle of dam 2

  NAME     VERSION     SIZE     ADDS  SHARES
  mongodb  3.6.20   10.2 kB  10.2 kB
  same     1        10.2 kB   3.6 kB  1 of 2 layers
  report   0.9      10.2 kB   3.6 kB  1 of 2 layers

"#]]);
    dam.run("info old.dam --app mongodb").success().no_stderr().stdout(str![[r#"
mongodb 3.6.20
  family        mongodb
  multiversion  no
  image         mongodb:3.6.20  1bedcad6d9e4
  size          10.2 kB, 2 layers
  hooks         install uninstall
  found         in old.dam, 36.9 kB, a bundle of dam 2

"#]]);
    dam.run("info old.dam --app same:1").success().no_stderr().stdout(str![[r#"
same 1
  family        same
  multiversion  no
  image         same:1  3aa7ecf475e0
  size          10.2 kB, 2 layers
  hooks         install uninstall
  found         in old.dam, 36.9 kB, a bundle of dam 2

"#]]);
    dam.run("info ./old.dam --app same:2").error(str![[r#"
error: `./old.dam` holds no such app
hint: dam info ./old.dam   lists the apps

"#]]);
    dam.run("info shop --app shop").misuse().stderr(str![[r#"
error: `--app` chooses an app of a file
hint: dam info --help

"#]]);
    let json = dam.run("info old.dam --json").success().json();
    assert_eq!(
        (&json["form"], &json["apps"][1]["name"], &json["apps"][1]["shares"]),
        (&"bundle".into(), &"same".into(), &1.into())
    );
}

#[test]
fn the_form_of_a_file_is_told() {
    let (one, two) = (app("one").build(), app("two").build());
    let form = |name: &str, form: ArchiveForm| {
        let dam = Dam::new().file(name, archive(form, &[(&one, &["a:1"]), (&two, &["b:1"])]));
        let run = dam.run(&format!("info {name}")).success();
        run.text().lines().next().expect("a line").rsplit(", ").next().expect("the form").to_owned()
    };
    assert_eq!(form("a.tar", ArchiveForm::Docker20), "as of docker save");
    assert_eq!(form("a.tar", ArchiveForm::Docker25), "as of docker save");
    assert_eq!(form("a.tar", ArchiveForm::Oci), "an OCI layout");
    assert_eq!(form("a.dam", ArchiveForm::Dam12), "an archive of DAM 1.x");
}

#[test]
fn a_table_needs_no_layer() {
    let dam = old_and_new();
    let mut bytes = std::fs::read(dam.path("old.dam")).expect("a file");
    let table = dam.run("info old.dam").success().text().to_owned();
    while let Some(at) = bytes.windows(5).position(|part| part == b"base\n") {
        bytes[at] = b'B';
    }
    dam.file("old.dam", bytes).run("info old.dam").success().stdout(table);
}
