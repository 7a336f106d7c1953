//! Names lead to registries: a real one with TLS by its own authority and with logins.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use dam_core::app::AppId;
use dam_core::bundle::{Bundle, BundledApp};
use dam_core::event::Silent;
use dam_core::ledger::Ledger;
use dam_core::repo::{Repo, rules};
use dam_core::store::{LayoutStore, Store};
use dam_oci::registry::Secret;
use dam_oci::testing::registry::{PASSWORD, PrivateRegistry, RegistryBuilder, ScriptedServer, USER};
use dam_oci::testing::{ImageBuilder, MemoryImage};
use dam_oci::{Digest, Image};
use snapbox::str;
use support::Dam;

/// An app whose hooks keep a note of what runs.
fn app(mark: &str) -> ImageBuilder {
    ImageBuilder::new()
        .file("meta/install", 0o755, "#!/bin/sh\nprintf %s \"$DAM_APP_VERSION\" >\"$STATE/${DAM_APP_NAME##*/}\"\n")
        .file("meta/uninstall", 0o755, "#!/bin/sh\nrm \"$STATE/${DAM_APP_NAME##*/}\"\n")
        .layer()
        .file("mark", 0o644, mark)
}

fn put(registry: &PrivateRegistry, name: &str) -> Digest {
    registry.put(&app(name).build(), name).expect("put")
}

/// A registry with TLS by an authority of its own, and logins.
fn plant() -> PrivateRegistry {
    let registry = RegistryBuilder::new().login().tls().start().expect("a registry");
    for name in ["mongodb:3.6.9", "mongodb:3.6.20", "mongodb:4.0.0-rc1", "tools/backup:1.0"] {
        put(&registry, name);
    }
    registry
}

/// A dam that knows the registry as `plant`, with all it takes to be let in.
fn knowing(registry: &PrivateRegistry, change: impl FnOnce(Repo) -> Repo) -> Dam {
    let dam = Dam::new().online().variable("DAM_DOCKER_HUB", "http://127.0.0.1:9");
    let access = registry.access();
    let login = access.credentials.is_some();
    let repo = Repo {
        username: login.then(|| USER.to_owned()),
        password: login.then(|| Secret::new(PASSWORD)),
        ca: access.ca,
        ..Repo::new("plant".parse().expect("a name"), access.server)
    };
    let mut ledger = Ledger::open(&dam.root()).expect("a ledger");
    ledger.change_repos(|repos| rules::add(repos, change(repo))).expect("added");
    dam
}

/// Returns what a run said with the address of the registry as `[PLANT]`.
fn without(text: &str, registry: &PrivateRegistry) -> String {
    text.replace(&registry.host(), "[PLANT]")
}

/// Returns the digests of the manifests in a file, by the names of the apps.
fn digests(file: &Path) -> BTreeMap<String, Digest> {
    let apps = Bundle::open(file, &Silent).expect("a bundle").verify().expect("sound").into_apps();
    let named = |app: &BundledApp| AppId::of(&app.reference).expect("a name and a version").to_string();
    apps.iter().map(|app| (named(app), Digest::of(app.image.manifest_bytes()))).collect()
}

fn tags(dam: &Dam) -> Vec<String> {
    let store = LayoutStore::open(&dam.root().join("store")).expect("a store");
    let images = store.list().expect("a list");
    images.iter().flat_map(|image| &image.tags).map(ToString::to_string).collect()
}

/// Counts the images of the built-in store, tagged or not.
fn images(dam: &Dam) -> usize {
    LayoutStore::open(&dam.root().join("store")).expect("a store").list().expect("a list").len()
}

/// A stand-in for Docker Hub, with one app of two versions.
fn hub() -> ScriptedServer {
    let found = r#"{"num_results":1,"num_pages":1,"page":1,"page_size":100,"query":"mongo","results":[{"name":"mongo","description":"","star_count":1,"is_official":true,"is_automated":false}]}"#;
    let server = ScriptedServer::start(move |request, answer| match request.path.as_str() {
        path if path.contains("/search") => answer.send(200, &[("Content-Type", "application/json")], found),
        path if path.contains("/library/mongo/tags/list") => {
            let tags = r#"{"name":"library/mongo","tags":["4.2","4.4"]}"#;
            answer.send(200, &[("Content-Type", "application/json")], tags)
        }
        _ => answer.send(404, &[], ""),
    });
    server.expect("a server")
}

/// What issue 4 promises, word by word but for the address.
#[test]
fn find_and_fetch() {
    let (registry, hub) = (plant(), hub());
    let dam = Dam::new().online().variable("DAM_DOCKER_HUB", &hub.url());
    let dam = dam.file("plant.pem", registry.ca().expect("an authority")).file("password", PASSWORD);
    let line = format!(
        "addrepo --name plant --server {} --ca plant.pem --username robin --password-stdin --default",
        registry.host()
    );
    let mut add = dam.command(&line);
    add.stdin(std::fs::File::open(dam.path("password")).expect("a file"));
    let _ = dam.finish(add, &line).success();

    let said = dam.run("search mongo --all-repos").success();
    assert_eq!(
        said.text(),
        "official/mongo                  4.4, 4.2\nmongodb                         4.0.0-rc1, 3.6.20, 3.6.9\n"
    );

    let _ = dam.run("install mongodb --yes").success().stdout("Installed mongodb 3.6.20\n");
    assert_eq!(dam.running("mongodb").as_deref(), Some("3.6.20"));

    let dam = dam.variable("DAM_STORE", "docker").variable("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let _ = dam.run("save plant/mongodb:3.6.20 -o mongodb.dam").success();
    assert_eq!(digests(&dam.path("mongodb.dam")).keys().collect::<Vec<_>>(), ["mongodb:3.6.20"]);

    // Docker Hub has no such app, and nobody else was asked.
    let dam = dam.variable("DAM_STORE", "layout");
    let _ = dam.run("modifyrepo official --default").success();
    let _ = dam.run("upgrade mongodb:3.6.9 --yes").failure().said("--any-repo");
    let _ = dam.run("upgrade mongodb:3.6.9 --yes --any-repo --allow-downgrade").success();
    assert_eq!(dam.running("mongodb").as_deref(), Some("3.6.9"));
}

#[test]
fn at_a_terminal_the_user_may_take_what_is_here() {
    let registry = plant();
    let dam = knowing(&registry, |repo| Repo { is_default: true, ..repo });
    let _ = dam.run("pull mongodb:3.6.9").success();
    drop(registry);
    let question = "as it is in the store? [y/N]";
    let _ = dam.converse("install mongodb:3.6.9 --yes", &[(question, "n")]);
    assert_eq!(dam.running("mongodb"), None);
    let said = dam.converse("install mongodb:3.6.9 --yes", &[(question, "y")]).screen;
    assert!(said.contains("from the store") && said.contains("Installed mongodb 3.6.9"), "{said}");
    assert_eq!(dam.running("mongodb").as_deref(), Some("3.6.9"));
}

#[test]
fn the_newest_is_installed_from_the_default_repo_and_says_so() {
    let registry = plant();
    let dam = knowing(&registry, |repo| Repo { is_default: true, ..repo });
    dam.run("install mongodb --dry-run").success().stdout(str![[r#"
  install   mongodb  3.6.20  from plant
            load the image, 5.6 kB
            run install of mongodb:3.6.20

"#]]);
    assert_eq!(images(&dam), 0);
    // Without a yes nothing gets a name.
    let _ = dam.run("install mongodb").failure();
    assert_eq!((images(&dam), tags(&dam)), (1, vec![]));
    let run = dam.run("install mongodb --yes").success().stdout("Installed mongodb 3.6.20\n");
    assert_eq!(
        without(run.talk(), &registry),
        "  install   mongodb  3.6.20  from plant\n            tag the image [PLANT]/mongodb:3.6.20\n            run install of \
         mongodb:3.6.20\n"
    );
    assert_eq!(dam.running("mongodb").as_deref(), Some("3.6.20"));
    dam.run("list").success().stdout(str![[r#"
NAME     VERSION  REPO   INSTALLED  STATE
mongodb  3.6.20   plant  just now   ok

"#]]);
    put(&registry, "mongodb:3.7");
    let _ = dam.run("upgrade mongodb --yes").success().stdout("Upgraded mongodb 3.6.20 → 3.7\n");
    assert_eq!(dam.running("mongodb").as_deref(), Some("3.7"));
}

#[test]
fn names_of_repos_servers_and_digests_are_understood() {
    let registry = plant();
    let dam = knowing(&registry, |repo| repo);
    let _ = dam.run("install plant/mongodb:3.6.9 --yes").success().stdout("Installed mongodb 3.6.9\n");
    let full = format!("{}/tools/backup:1.0", registry.host());
    let _ = dam.run(&format!("install {full} --yes")).success().stdout("Installed tools/backup 1.0\n");
    let pinned = registry.put(&app("x").label("DAM_APP_VERSION", "7").build(), "library/pinned:latest").expect("put");
    let line = format!("install plant/library/pinned@{pinned} --yes");
    let _ = dam.run(&line).success().stdout("Installed library/pinned 7\n");
    let _ = dam.run(&format!("remove {}/library/pinned --yes", registry.host())).success();
    assert_eq!(dam.running("pinned"), None);
}

#[test]
fn a_pull_says_what_came_and_from_where() {
    let registry = plant();
    let dam = knowing(&registry, |repo| repo);
    let run = dam.run("pull plant/mongodb plant/tools/backup:1.0").success();
    let said = without(run.text(), &registry);
    let lines: Vec<&str> = said.lines().filter(|line| !line.contains("sha256:")).collect();
    let expected = [
        "Pulled [PLANT]/mongodb:3.6.20  (fetched 6.1 kB from plant)",
        "Pulled [PLANT]/tools/backup:1.0  (fetched 2.5 kB from plant)",
    ];
    assert_eq!(lines, expected);
    let host = registry.host();
    let mut tags = tags(&dam);
    tags.sort();
    assert_eq!(tags, [format!("{host}/mongodb:3.6.20"), format!("{host}/tools/backup:1.0")]);
    let document = dam.run("pull plant/mongodb --json").success().json();
    let pulled = &document["images"][0];
    assert_eq!((pulled["from"].as_str(), pulled["fetched"].as_u64()), (Some("plant"), Some(0)));
    assert_eq!(pulled["digest"], pulled["image"]);
    let run = dam.run("pull plant/mongodb").success();
    assert!(without(run.text(), &registry).starts_with("[PLANT]/mongodb:3.6.20 is already here, as plant has it\n"));
}

#[test]
fn what_a_repo_has_is_saved_byte_for_byte_where_no_engine_is() {
    let registry = plant();
    let digest = put(&registry, "mongodb:3.6.21");
    // Nobody could reach this engine.
    let dam = knowing(&registry, |repo| repo)
        .variable("DAM_STORE", "docker")
        .variable("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let said = dam.run("save plant/mongodb:3.6.21 -o mongodb.dam").success();
    assert!(said.text().starts_with("Saved mongodb.dam  (mongodb:3.6.21, "), "{}", said.text());
    assert!(said.text().ends_with(", from plant)\n"), "{}", said.text());
    assert_eq!(digests(&dam.path("mongodb.dam")), BTreeMap::from([("mongodb:3.6.21".to_owned(), digest)]));

    let gzipped = registry.put(&app("gzip").build(), "zipped:1").expect("put");
    let dam = dam.file("site.txt", "plant/zipped:1\nplant/mongodb:3.6.21\n");
    let _ = dam.run("export --product site.txt site.dam").success();
    let expected = [("mongodb:3.6.21".to_owned(), digest), ("zipped:1".to_owned(), gzipped)];
    assert_eq!(digests(&dam.path("site.dam")), BTreeMap::from(expected));
    // The operator's machine knows no registry.
    let operator = Dam::new().file("site.dam", std::fs::read(dam.path("site.dam")).expect("a bundle"));
    let _ = operator.run("import site.dam --yes").success();
    assert_eq!(operator.running("mongodb").as_deref(), Some("3.6.21"));
}

#[test]
fn another_platform_can_be_taken() {
    let registry = RegistryBuilder::new().start().expect("a registry");
    let arm = app("arm").architecture("arm64").build();
    let digest = registry.put(&arm, "shop:arm").expect("put");
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":{},"platform":{{"os":"linux","architecture":"arm64"}}}}]}}"#,
        arm.manifest_bytes().len()
    );
    let kind = "application/vnd.oci.image.index.v1+json";
    registry.put_manifest("shop", "1.0", kind, index.as_bytes()).expect("put");
    let dam = knowing(&registry, |repo| repo);
    let said = dam.run("install plant/shop:1.0 --yes").failure();
    assert!(
        said.talk().contains("caused by: it has no image for linux/amd64, only for linux/arm64\n"),
        "{}",
        said.talk()
    );
    let _ = dam.run("save plant/shop:1.0 --platform linux/arm64 -o shop.dam").success();
    assert_eq!(digests(&dam.path("shop.dam")), BTreeMap::from([("shop:1.0".to_owned(), digest)]));
}

#[test]
fn a_registry_that_is_down_is_an_error_unless_the_user_takes_what_is_here() {
    let registry = plant();
    let dam = knowing(&registry, |repo| Repo { is_default: true, ..repo });
    let _ = dam.run("pull mongodb:3.6.9").success();
    let host = registry.host();
    drop(registry);
    let shown = |text: &str| text.replace(&host, "[PLANT]");
    let run = dam.run("install mongodb:3.6.9 --yes").failure();
    assert_eq!(
        shown(run.talk()).lines().filter(|line| !line.starts_with("caused by:")).collect::<Vec<_>>(),
        [
            "error: `[PLANT]/mongodb:3.6.9` cannot be had from its registry",
            "hint: dam listrepos --check                       asks every registry",
            "hint: dam install mongodb:3.6.9 --yes --offline   takes the image that is in the store",
        ]
    );
    assert_eq!(dam.running("mongodb"), None);
    let run = dam.run("install mongodb:3.6.20 --yes").failure();
    assert!(run.talk().contains("hint: dam install ./mongodb.dam"), "{}", run.talk());
    let _ = dam.run("save mongodb:3.6.9").failure().said("mongodb:3.6.9 --offline");

    let _ = dam.run("install mongodb:3.6.9 --yes --offline").success().stdout("Installed mongodb 3.6.9\n");
    let dam = dam.variable("DAM_OFFLINE", "1");
    let _ = dam.run("save mongodb:3.6.9 -o m.dam").success();
    let _ = dam.run("pull mongodb:3.6.9").failure().said("no registry is to be asked");
}

#[test]
fn a_tag_that_moved_brings_the_other_image_and_one_that_went_is_missed() {
    let registry = plant();
    let dam = knowing(&registry, |repo| Repo { is_default: true, ..repo });
    let _ = dam.run("install mongodb:3.6.9 --yes").success();
    let moved = registry.put(&app("moved").build(), "mongodb:3.6.9").expect("put");
    let _ = dam.run("install mongodb:3.6.9 --yes").failure().said("dam upgrade mongodb:3.6.9");
    let _ = dam.run("upgrade mongodb:3.6.9 --yes").success().stdout("Reinstalled mongodb 3.6.9\n");
    let _ = dam.run("upgrade mongodb:3.6.9 --yes").success().stdout("mongodb 3.6.9 is already installed\n");
    let store = LayoutStore::open(&dam.root().join("store")).expect("a store");
    let name = format!("{}/mongodb:3.6.9", registry.host());
    assert_eq!(store.find(&name.parse().expect("a name")).expect("an answer").expect("there").id.0, moved);

    let run = dam.run("install mongodb:9 --yes").failure();
    assert_eq!(
        without(run.talk(), &registry),
        "error: plant has no image `[PLANT]/mongodb:9`\nhint: dam search mongodb --all-repos           lists \
         what there is\nhint: dam install mongodb:9 --yes --any-repo   asks the other repos, too\n"
    );
}

#[test]
fn a_wrong_password_is_told_and_not_shown() {
    let registry = plant();
    let dam = knowing(&registry, |repo| Repo { password: Some(Secret::new("wr0ng")), ..repo });
    for line in
        ["install plant/mongodb --yes", "pull plant/mongodb", "save plant/mongodb:3.6.9", "-x pull plant/mongodb"]
    {
        let run = dam.run(line).failure();
        assert!(run.talk().contains("it wants a login (status 401)"), "{}", run.talk());
        assert!(!run.talk().contains("wr0ng"), "{}", run.talk());
    }
    assert_eq!(images(&dam), 0);
}

#[test]
fn a_failed_install_takes_all_tags_away_again() {
    let registry = plant();
    let broken = app("broken").label("DAM_APP_SERVERS", "ship:5000,");
    let broken = broken.file("meta/check", 0o755, "#!/bin/sh\nexit 3\n").build();
    registry.put(&broken, "shop:1.0").expect("put");
    let dam = knowing(&registry, |repo| repo);
    let _ = dam.run("install plant/shop:1.0 --yes").failure().said("`check` of `shop:1.0` failed");
    assert_eq!(tags(&dam), Vec::<String>::new());
    let good: MemoryImage = app("good").label("DAM_APP_SERVERS", "ship:5000,").build();
    registry.put(&good, "shop:1.0").expect("put");
    let _ = dam.run("install plant/shop:1.0 --yes").success();
    let mut expected =
        ["shop:1.0".to_owned(), format!("{}/shop:1.0", registry.host()), "ship:5000/shop:1.0".to_owned()];
    expected.sort();
    let mut tags = tags(&dam);
    tags.sort();
    assert_eq!(tags, expected);
}

#[test]
fn a_list_brings_each_app_from_its_repo_or_the_store() {
    let registry = plant();
    let dam = knowing(&registry, |repo| Repo { is_default: true, ..repo });
    let dam = dam.app("own", "1.0", |app| app).file("site.txt", "mongodb:3.6.9\nown:1.0\nplant/tools/backup:1.0\n");
    dam.run("import site.txt --dry-run").success().stdout(str![[r#"
site.txt: 3 apps

  install    mongodb       3.6.9  from plant
  install    own           1.0    from the store
  install    tools/backup  1.0    from plant

  space: needs 7.7 kB, [ROOM] free on [FOLDER]/root/store

"#]]);
    assert_eq!(images(&dam), 1);
    let _ = dam.run("import site.txt").failure();
    assert_eq!(tags(&dam), ["own:1.0"]);
    let _ = dam.run("import site.txt --yes").success();
    assert_eq!(dam.running("mongodb").as_deref(), Some("3.6.9"));
    let dam = dam.file("more.txt", "mongodb:3.6.9\nnone:1.0\nplant/none:2.0\n");
    dam.run("import more.txt --yes").error(str![[r#"
error: 2 apps of `more.txt` cannot be found
caused by: line 2: `none:1.0`: it is neither installed nor in the store; plant has none
caused by: line 3: `plant/none:2.0`: it is neither installed nor in the store; plant has none
hint: create, pull or load them, or take their lines out of the list

"#]]);
    drop(registry);
    let _ = dam.run("import more.txt --yes").failure().said("cannot be had from its registry");
    let _ = dam.run("import site.txt --yes").success();
}
