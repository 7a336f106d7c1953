//! `dam push` feeds a real registry; what other tools then fetch is the same to the last byte, and so is what dam fetches of
//! what they pushed.

mod support;

use std::fs::File;
use std::path::Path;
use std::process::Command;

use dam_core::testing::PrivateRegistry;
use dam_oci::registry::Network;
use dam_oci::testing::MemoryImage;
use dam_oci::testing::registry::{PASSWORD, Prefix, RegistryBuilder, USER};
use dam_oci::{Digest, Image, Platform, Reference, Registry};
use serde_json::{Value, json};
use support::Dam;
use support::home::{Home, output};
use support::site::saved;

/// The images of the product, as dam and registries call them.
const APPS: [&str; 3] = ["shop:1.0", "till:1.0", "tools:1.0"];

/// A machine with the product, in the built-in store.
fn packer() -> Dam {
    let dam = Dam::new().online().file("site.tar", saved("push", "1.0"));
    let _ = dam.run("import site.tar --yes").success();
    dam
}

/// A machine with nothing but a bundle of the product on a stick.
fn island(form: &str) -> Dam {
    let packer = packer();
    let _ = packer.run(&format!("export --all site.dam --compression {form}")).success();
    Dam::new().online().file("site.dam", std::fs::read(packer.path("site.dam")).expect("a bundle"))
}

/// Returns the digest of an app's manifest, as the bundle says it.
fn promised(bundle: &Path, app: &str) -> String {
    let mut archive = tar::Archive::new(File::open(bundle).expect("a bundle"));
    let mut entries = archive.entries().expect("a tar").map(|entry| entry.expect("an entry"));
    let head = entries.find(|entry| *entry.path_bytes() == b"dam.json"[..]).expect("a head");
    let head: Value = serde_json::from_reader(head).expect("JSON");
    let mut apps = head["apps"].as_array().expect("apps").iter();
    let is_it = |entry: &&Value| format!("{}:{}", entry["name"], entry["version"]).replace('"', "") == app;
    apps.find(is_it).expect("the app")["manifest"]["digest"].as_str().expect("text").to_owned()
}

fn skopeo(words: &[&str]) -> Command {
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["--insecure-policy", words[0], words[1]]).args(&words[2..]);
    skopeo
}

/// Asks skopeo for the digest of an image.
fn digest(registry: &PrivateRegistry, app: &str) -> String {
    let name = format!("docker://{}/{app}", registry.host());
    output(&mut skopeo(&["inspect", "--tls-verify=false", "--format", "{{.Digest}}", &name])).trim().to_owned()
}

/// Fetches an image with every byte of it.
fn fetched(registry: &PrivateRegistry, app: &str) -> MemoryImage {
    let open = Registry::open(registry.access(), &Network::default()).expect("a registry");
    let (name, version) = app.split_once(':').expect("a version");
    let reference = registry.server().reference(name, Some(version)).expect("a name");
    MemoryImage::copy(&open.image(&reference, &Platform::host()).expect("the image")).expect("all of it")
}

#[test]
fn a_stick_feeds_a_registry() {
    let (island, registry) = (island("zstd"), PrivateRegistry::start().expect("a registry"));
    let host = registry.host();
    let would = island.run(&format!("push site.dam {host} --dry-run --json")).success().json();
    let done = island.run(&format!("push site.dam {host} --json")).success().json();
    assert_eq!(would["apps"], done["apps"]);
    assert_eq!((&would["dry_run"], &done["dry_run"]), (&json!(true), &json!(false)));
    assert!(done["apps"][1]["mounted"].as_u64() > Some(0), "{done}");
    for app in APPS {
        let promised = promised(&island.path("site.dam"), app);
        assert_eq!(digest(&registry, app), promised);
        assert_eq!(Digest::of(fetched(&registry, app).manifest_bytes()).to_string(), promised);
        let (from, to) = (format!("docker://{host}/{app}"), format!("oci:{}", island.path("copy").display()));
        output(&mut skopeo(&["copy", "--quiet", "--src-tls-verify=false", &from, &to]));
    }
    // Nothing is on the machine but what it had.
    assert!(!island.root().join("store").exists());

    let again = island.run(&format!("push site.dam {host}")).success();
    assert!(again.text().ends_with(&format!("Pushed 3 apps to {host}  (0 B)\n")), "{}", again.text());
    let _ = again.said("warning: there are layers in zstd, which Docker before version 23 cannot pull\n");
}

#[test]
fn a_repo_is_fed_by_its_name_and_number() {
    let island = island("zstd").file("password", PASSWORD);
    for (number, name, kind) in [
        (2, "plant", RegistryBuilder::new().tls().login()),
        (3, "ship", RegistryBuilder::new().tls().tokens()),
        (4, "works", RegistryBuilder::new().tls().login().behind(Prefix::BeforeApi)),
    ] {
        let registry = kind.start().expect("a registry");
        std::fs::write(island.path("ca.pem"), registry.ca().expect("an authority")).expect("space");
        let server = registry.server();
        let add = format!("addrepo --name {name} --server {server} --ca ca.pem --username {USER} --password-stdin");
        let mut command = island.command(&add);
        command.stdin(File::open(island.path("password")).expect("a file"));
        let _ = island.finish(command, &add).success();
        let first = island.run(&format!("push site.dam {name} --json")).success().json();
        assert_eq!(first["to"], json!(server.to_string()));
        let again = island.run(&format!("push site.dam {number}")).success();
        assert!(again.text().ends_with(&format!("Pushed 3 apps to {server}  (0 B)\n")), "{}", again.text());
        for app in APPS {
            let digest = Digest::of(fetched(&registry, app).manifest_bytes()).to_string();
            assert_eq!(digest, promised(&island.path("site.dam"), app));
        }
        // By its address it is the same repo.
        let again = island.run(&format!("push site.dam {server}")).success();
        assert!(again.text().ends_with("  (0 B)\n"), "{}", again.text());
    }
}

#[test]
fn docker_pulls_what_was_pushed_and_dam_reads_what_docker_pushed() {
    let (island, registry, docker) = (island("zstd"), PrivateRegistry::start().expect("a registry"), Home::docker());
    let host = registry.host();
    let pushed = island.run(&format!("push site.dam {host} --compression gzip --json")).success();
    assert!(!pushed.talk().contains("zstd"), "{}", pushed.talk());
    for app in pushed.json()["apps"].as_array().expect("apps") {
        let name = app["reference"].as_str().expect("text");
        let client = || docker.client().expect("an engine");
        output(client().args(["pull", "--quiet", name]));
        let digests = output(client().args(["inspect", "--format", "{{json .RepoDigests}}", name]));
        let (repository, _) = name.rsplit_once(':').expect("a tag");
        assert_eq!(digests.trim(), format!("[\"{repository}@{}\"]", app["digest"].as_str().expect("text")));

        let other = format!("{host}/again/{}", app["app"]["name"].as_str().expect("text"));
        output(client().args(["tag", name, &other]));
        let said = output(client().args(["push", &other]));
        let image = fetched(&registry, &format!("{}:latest", other.trim_start_matches(&format!("{host}/"))));
        assert!(said.contains(&Digest::of(image.manifest_bytes()).to_string()), "{said}");
    }
}

#[test]
fn what_skopeo_pushed_goes_on_through_dam_with_its_digest() {
    let (island, registry) = (island("gzip"), PrivateRegistry::start().expect("a registry"));
    let (bundle, host) = (island.path("site.dam"), registry.host());
    let kinds = ["oci", "v2s2"].map(|form| {
        let (from, to) =
            (format!("oci-archive:{}:shop:1.0", bundle.display()), format!("docker://{host}/{form}/shop:1.0"));
        let from = from.replace(":shop:1.0", ":docker.io/library/shop:1.0");
        output(&mut skopeo(&["copy", "--quiet", "--dest-tls-verify=false", "--format", form, &from, &to]));
        let image = fetched(&registry, &format!("{form}/shop:1.0"));
        assert_eq!(Digest::of(image.manifest_bytes()).to_string(), digest(&registry, &format!("{form}/shop:1.0")));
        image
    });
    assert_ne!(kinds[0].manifest().media_type(), kinds[1].manifest().media_type());
    // Docker's own kind of manifest is put as it is, too.
    let open = Registry::open(registry.access(), &Network::default()).expect("a registry");
    for (image, name) in kinds.iter().zip(["a:1", "b:1"]) {
        let reference: Reference = format!("{host}/{name}").parse().expect("a name");
        let pushed = open.push(image, &reference, &std::collections::BTreeMap::new(), &|_| {}).expect("pushed");
        assert_eq!(digest(&registry, name), pushed.digest.to_string());
    }
}

#[test]
fn apps_of_the_machine_are_pushed_by_name() {
    let (packer, registry) = (packer(), PrivateRegistry::start().expect("a registry"));
    let host = registry.host();
    let pushed = packer.run(&format!("push shop tools:1.0 {host}/team --json")).success();
    let pushed = pushed.json();
    let names = [0, 1].map(|at| pushed["apps"][at]["reference"].as_str().expect("text").to_owned());
    assert_eq!(names, [format!("{host}/team/shop:1.0"), format!("{host}/team/tools:1.0")]);
    for name in ["team/shop:1.0", "team/tools:1.0"] {
        let layers = fetched(&registry, name).manifest().layers.clone();
        assert!(layers.iter().all(|layer| layer.media_type.ends_with("gzip")), "{layers:?}");
    }
    // The engine that made it has it raw; it is compressed to the same bytes each time.
    let again = packer.run(&format!("push shop {host}/team")).success();
    assert!(again.text().ends_with("  (0 B)\n"), "{}", again.text());
    let unknown = packer.run(&format!("push shop:7 {host}")).failure();
    let _ = unknown.said("error: the store holds no image named `shop:7`\n");
}

#[test]
fn a_push_that_cannot_be_says_why() {
    let (island, registry) = (island("zstd"), RegistryBuilder::new().login().start().expect("a registry"));
    let host = registry.host();
    let refused = island.run(&format!("push site.dam {host}")).failure();
    assert!(refused.talk().contains(&format!("error: {host}: cannot take blob sha256:")), "{}", refused.talk());
    let _ = refused.said("caused by: it wants a login (status 401)\n");
    let _ = island.run("push site.dam nowhere").failure().said("error: there is no repo `nowhere`\n");
    let _ = island.run("push site.dam a/b").misuse().said("`a/b` is neither a repo");
    let _ = island.run("push site.dam").misuse();

    // One name cannot be two images.
    let other = packer().file("again.tar", saved("another", "1.0"));
    let _ = other.run("export shop.dam shop").success();
    let _ = other
        .run(&format!("push shop.dam again.tar {host}"))
        .failure()
        .said(&format!("error: two images would be `{host}/shop:1.0`\n"));
}
