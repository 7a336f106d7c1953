//! What dam writes is opened by the tools of the field, and what they write is taken by dam: the real tools, on real images.
//!
//! `DAM_TEST_ENGINES` names further engines: see [`Home::named`]. The table of what goes is in docs/products.md.

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use dam_core::testing::PrivateRegistry;
use dam_oci::Digest;
use serde_json::Value;
use support::Dam;
use support::home::{Home, output};
use support::site::saved;

/// The images of the product, as they are called and in full.
const IMAGES: [(&str, &str); 3] = [
    ("shop:1.0", "docker.io/library/shop:1.0"),
    ("tools:1.0", "docker.io/library/tools:1.0"),
    ("plant.site:5000/till:1.0", "plant.site:5000/till:1.0"),
];
const FORMS: [&str; 3] = ["zstd", "gzip", "none"];

/// A machine with the product, in the built-in store.
fn packer() -> Dam {
    let dam = Dam::new().file("site.tar", saved("interop", "1.0"));
    let _ = dam.run("import site.tar --yes").success();
    dam
}

/// Writes all that is installed, with layers in this form.
fn export(dam: &Dam, form: &str) -> PathBuf {
    let file = format!("site-{form}.dam");
    let _ = dam.run(&format!("export --all {file} --compression {form}")).success();
    dam.path(&file)
}

/// Writes the shop alone.
fn export_shop(dam: &Dam, form: &str) -> PathBuf {
    let file = format!("shop-{form}.dam");
    let _ = dam.run(&format!("export {file} shop --compression {form}")).success();
    dam.path(&file)
}

/// The digests of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Identity {
    manifest: String,
    config: String,
    diff_ids: Vec<String>,
}

/// Returns what a bundle says of its images, by their names without a registry.
fn identities(bundle: &Path) -> BTreeMap<String, Identity> {
    let mut archive = tar::Archive::new(File::open(bundle).expect("a bundle"));
    let mut entries = archive.entries().expect("a tar").map(|entry| entry.expect("an entry"));
    let head = entries.find(|entry| *entry.path_bytes() == b"dam.json"[..]).expect("a head");
    let head: Value = serde_json::from_reader(head).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let identity = |app: &Value| Identity {
        manifest: text(&app["manifest"]["digest"]),
        config: text(&app["image"]),
        diff_ids: app["layers"].as_array().expect("layers").iter().map(|layer| text(&layer["diffId"])).collect(),
    };
    let apps = head["apps"].as_array().expect("apps").iter();
    apps.map(|app| (format!("{}:{}", text(&app["name"]), text(&app["version"])), identity(app))).collect()
}

fn identity(bundle: &Path, image: &str) -> Identity {
    identities(bundle).remove(image.trim_start_matches("plant.site:5000/")).expect("there")
}

/// Takes what a tool wrote into an empty machine, and returns the identities of what is installed then.
fn taken(how: &str, file: &Path) -> BTreeMap<String, Identity> {
    let dam = Dam::new();
    let _ = dam.run(&format!("{how} {} --yes", file.display())).success();
    assert_eq!(dam.running("shop").as_deref(), Some("1.0"));
    let _ = dam.run("verify").success();
    identities(&export(&dam, "zstd"))
}

/// Runs a program that shall fail, and returns what it said.
fn refusal(command: &mut Command) -> String {
    let output = command.output().expect("`make test` installs it");
    assert!(!output.status.success(), "{command:?} went well");
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

/// What names an image of a file, or in a registry, to skopeo.
fn at(transport: &str, path: &Path, image: &str) -> String {
    format!("{transport}:{}{}{image}", path.display(), if image.is_empty() { "" } else { ":" })
}

fn skopeo(words: &[&str]) -> Command {
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["--insecure-policy", words[0]]).args(&words[1..]);
    skopeo
}

/// Copies an image with skopeo.
fn copy(from: &str, to: &str) {
    output(&mut skopeo(&["copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", from, to]));
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

/// Loads a bundle with the engine's own client; its images have the right ids, and run.
fn loads(home: &Home, bundle: &Path) {
    let client = || home.client().expect("an engine");
    output(client().args(["load", "--input"]).arg(bundle));
    for (image, _) in IMAGES {
        let id = output(client().args(["image", "inspect", "--format", "{{.Id}}", image]));
        let Identity { manifest, config, .. } = identity(bundle, image);
        let expected = if home.is_containerd() { manifest } else { config };
        // Podman leaves the kind of digest away.
        assert_eq!(id.trim().trim_start_matches("sha256:"), &expected["sha256:".len()..], "{image} in {}", home.name());
        let printed = home.busybox(image, &["cat", "/share/app"]).expect("an engine");
        assert_eq!(printed, format!("{}\n", image.replace(":1.", " 1.")));
    }
}

/// Takes all images away again.
fn unload(home: &Home) {
    let client = || home.client().expect("an engine");
    for (image, _) in IMAGES {
        output(client().args(["rmi", image]));
    }
}

/// What the engine's client writes, one image and several, dam takes as what it was.
fn saves(home: &Home, packer: &Dam, bundle: &Path, [options, several]: [&[&str]; 2]) {
    let (one, all) = (packer.path("one.tar"), packer.path("all.tar"));
    let client = || home.client().expect("an engine");
    output(client().arg("save").args(options).arg("--output").arg(&one).arg("shop:1.0"));
    output(client().arg("save").args(several).arg("--output").arg(&all).args(IMAGES.map(|(image, _)| image)));
    let before = identities(bundle);
    let same = |taken: BTreeMap<String, Identity>| {
        for (image, now) in &taken {
            assert_eq!((&now.config, &now.diff_ids), (&before[image].config, &before[image].diff_ids), "{image}");
        }
        taken.len()
    };
    assert_eq!([same(taken("install", &one)), same(taken("import", &one)), same(taken("import", &all))], [1, 1, 3]);
    [one, all].into_iter().for_each(|file| fs::remove_file(file).expect("a file"));
}

#[test]
fn docker_load_takes_gzip_and_plain_bundles_and_docker_save_is_taken() {
    let (packer, docker) = (packer(), Home::docker());
    for form in ["none", "gzip"] {
        let bundle = export(&packer, form);
        loads(&docker, &bundle);
        saves(&docker, &packer, &bundle, [&[], &[]]);
        unload(&docker);
    }
    let mut load = docker.client().expect("an engine");
    let said = refusal(load.args(["load", "--input"]).arg(export(&packer, "zstd")));
    assert!(said.contains("Error processing tar file(exit status 1): "), "{said}");
    assert_eq!(output(docker.client().expect("an engine").args(["images", "--all", "--quiet"])), "");
}

#[test]
fn podman_load_takes_every_bundle_and_podman_save_is_taken() {
    let (packer, podman) = (packer(), Home::podman());
    for form in FORMS {
        let bundle = export(&packer, form);
        loads(&podman, &bundle);
        if form == "gzip" {
            saves(&podman, &packer, &bundle, [&["--format=docker-archive"], &["--multi-image-archive"]]);
        }
        unload(&podman);
    }
    // One image is loaded from the layout, not from what `docker save` would write, and keeps its full name.
    output(podman.client().expect("an engine").args(["load", "--input"]).arg(export_shop(&packer, "zstd")));
    assert!(output(podman.client().expect("an engine").arg("images")).contains("docker.io/library/shop"));
    saves_oci(&podman, &packer);
}

/// `podman save --format=oci-archive`: the config is the same if the image came in as OCI.
fn saves_oci(podman: &Home, packer: &Dam) {
    let file = packer.path("oci.tar");
    let mut save = podman.client().expect("an engine");
    output(save.args(["save", "--format=oci-archive", "--output"]).arg(&file).arg("shop:1.0"));
    let (before, now) = (identity(&packer.path("shop-zstd.dam"), "shop:1.0"), taken("install", &file));
    assert_eq!((&now["shop:1.0"].config, &now["shop:1.0"].diff_ids), (&before.config, &before.diff_ids));
}

#[test]
fn every_bundle_loads_into_engines_that_run_already_and_what_they_save_is_taken() {
    for engine in Home::named() {
        let packer = packer();
        for form in FORMS {
            let bundle = export(&packer, form);
            loads(&engine, &bundle);
            saves(&engine, &packer, &bundle, [&[], &[]]);
            unload(&engine);
        }
    }
}

#[test]
fn skopeo_finds_every_image_of_a_bundle_by_its_name() {
    let packer = packer();
    let to = packer.path("copied");
    for form in FORMS {
        let bundle = export(&packer, form);
        for (image, full) in IMAGES {
            let is = identity(&bundle, image);
            copy(&at("oci-archive", &bundle, full), &at("dir", &to, ""));
            let manifest = fs::read(to.join("manifest.json")).expect("a manifest");
            assert_eq!(Digest::of(&manifest).to_string(), is.manifest);
            fs::remove_dir_all(&to).expect("a folder");

            copy(&at("oci-archive", &bundle, full), &at("oci", &to, "x"));
            let copied = &json(&to.join("index.json"))["manifests"][0]["digest"];
            // skopeo packs plain layers on the way into a layout.
            assert_eq!(copied == is.manifest.as_str(), form != "none");
            fs::remove_dir_all(&to).expect("a folder");

            // The other half of the bundle, as `docker save` writes it: here a short name does.
            copy(&at("docker-archive", &bundle, image), &at("docker-archive", &to, image));
            let copied = taken_config(&to);
            assert_eq!(copied, is.config);
            fs::remove_file(&to).expect("a file");
        }
        let several = refusal(&mut skopeo(&["inspect", &at("oci-archive", &bundle, "")]));
        assert!(several.contains("more than one image in oci, choose an image"), "{several}");

        let shop = export_shop(&packer, form);
        copy(&at("oci-archive", &shop, ""), &at("dir", &to, ""));
        fs::remove_dir_all(&to).expect("a folder");
        let (from, to_docker) = (at("oci-archive", &shop, "1.0"), at("docker-archive", &to, "shop:1.0"));
        if form == "zstd" {
            let said = refusal(&mut skopeo(&["copy", &from, &to_docker]));
            assert!(said.contains("zstd compression is not supported for docker images"), "{said}");
        } else {
            copy(&from, &to_docker);
            assert_eq!(taken_config(&to), identity(&shop, "shop:1.0").config);
        }
        let _ = fs::remove_file(&to);
    }
}

/// Returns the config of the one image of a file that skopeo wrote as `docker save` does.
fn taken_config(file: &Path) -> String {
    let mut archive = tar::Archive::new(File::open(file).expect("an archive"));
    let mut entries = archive.entries().expect("a tar").map(|entry| entry.expect("an entry"));
    let manifest = entries.find(|entry| *entry.path_bytes() == b"manifest.json"[..]).expect("a manifest");
    let manifest: Value = serde_json::from_reader(manifest).expect("JSON");
    format!("sha256:{}", manifest[0]["Config"].as_str().expect("text").trim_end_matches(".json"))
}

#[test]
fn what_skopeo_copies_is_taken_as_it_was() {
    let packer = packer();
    let (bundle, file) = (export(&packer, "gzip"), packer.path("copied.tar"));
    let before = identity(&bundle, "shop:1.0");
    copy(&at("oci-archive", &bundle, "docker.io/library/shop:1.0"), &at("oci-archive", &file, "shop:1.0"));
    assert_eq!(taken("install", &file)["shop:1.0"], before);
    fs::remove_file(&file).expect("a file");
    // dam's layers get plain there, and packed again by the export the same as ever.
    copy(&at("docker-archive", &bundle, "shop:1.0"), &at("docker-archive", &file, "shop:1.0"));
    assert_eq!(taken("import", &file)["shop:1.0"], identity(&export_shop(&packer, "zstd"), "shop:1.0"));
}

/// Unpacks a bundle as any tar.
fn layout(bundle: &Path, folder: &Path) {
    fs::create_dir(folder).expect("a folder");
    output(Command::new("tar").arg("xf").arg(bundle).arg("-C").arg(folder));
}

fn umoci(words: &[&str]) -> Command {
    let mut umoci = Command::new("umoci");
    umoci.args(words);
    umoci
}

#[test]
fn umoci_unpacks_a_bundle_and_what_it_makes_of_it_is_taken() {
    let packer = packer();
    for form in FORMS {
        let folder = packer.path(&format!("layout-{form}"));
        layout(&export(&packer, form), &folder);
        for (at, (image, full)) in IMAGES.into_iter().enumerate() {
            let to = packer.path(&format!("{form}-{at}"));
            let mut unpack = umoci(&["unpack", "--image", &format!("{}:{full}", folder.display())]);
            if form == "zstd" {
                let said = refusal(unpack.arg(&to));
                assert!(said.contains("blob is not correct mediatype: application/vnd.oci.image.layer.v1.tar+zstd"));
                continue;
            }
            output(unpack.arg(&to));
            let app = fs::read_to_string(to.join("rootfs/share/app")).expect("text");
            assert_eq!(app, format!("{}\n", image.replace(":1.", " 1.")));
        }
    }
    let (folder, unpacked) = (packer.path("layout-gzip"), packer.path("gzip-0"));
    fs::write(unpacked.join("rootfs/share/app"), "shop 1.1\n").expect("a file");
    let image = |name: &str| format!("{}:{name}", folder.display());
    output(umoci(&["repack", "--image", &image("docker.io/library/shop:1.1")]).arg(&unpacked));
    for (_, full) in IMAGES {
        output(&mut umoci(&["rm", "--image", &image(full)]));
    }
    output(umoci(&["gc", "--layout"]).arg(&folder));
    let digest = json(&folder.join("index.json"))["manifests"][0]["digest"].clone();
    let file = packer.path("umoci.tar");
    let mut tar = Command::new("tar");
    output(tar.arg("cf").arg(&file).arg("-C").arg(&folder).args(["./oci-layout", "./index.json", "./blobs"]));
    let _ = packer.run("upgrade umoci.tar --yes").success();
    assert_eq!(packer.running("shop").as_deref(), Some("1.1"));
    assert_eq!(identity(&export(&packer, "zstd"), "shop:1.1").manifest, digest.as_str().expect("text"));
}

#[test]
fn a_bundle_is_a_plain_tar() {
    let packer = packer();
    let bundle = export(&packer, "zstd");
    let names = output(Command::new("tar").arg("tf").arg(&bundle));
    let names: Vec<&str> = names.lines().collect();
    assert_eq!(names[..5], ["oci-layout", "dam.json", "index.json", "manifest.json", "app_list"]);
    let list = output(Command::new("tar").arg("xOf").arg(&bundle).arg("app_list"));
    assert_eq!(list, "shop:1.0\ntill:1.0\ntools:1.0\n");
}

/// Returns the digest of an image in a registry.
fn digest(image: &str) -> String {
    output(&mut skopeo(&["inspect", "--tls-verify=false", "--format", "{{.Digest}}", image])).trim().to_owned()
}

#[test]
fn an_image_of_a_registry_keeps_its_digest_on_the_way_to_another_one() {
    let (packer, registries) = (packer(), [(); 2].map(|()| PrivateRegistry::start().expect("a registry")));
    let [first, second] = registries.each_ref().map(|registry| format!("docker://{}/plant/shop:1.0", registry.host()));
    // skopeo packs the layers, so that these are none of dam's making.
    let bundle = export_shop(&packer, "none");
    copy(&at("oci-archive", &bundle, "1.0"), &first);
    let original = digest(&first);
    assert_ne!(original, identity(&bundle, "shop:1.0").manifest);

    let pulled = packer.path("pulled.tar");
    copy(&first, &at("oci-archive", &pulled, "shop:1.0"));
    let island = Dam::new();
    let _ = island.run(&format!("install {} --yes", pulled.display())).success();
    for form in ["zstd", "gzip"] {
        let bundle = export(&island, form);
        assert_eq!(identity(&bundle, "shop:1.0").manifest, original);
        // And once more through a bundle.
        let next = Dam::new();
        let _ = next.run(&format!("import {} --yes", bundle.display())).success();
        assert_eq!(fs::read(export(&next, form)).expect("a bundle"), fs::read(&bundle).expect("a bundle"));
        copy(&at("oci-archive", &bundle, "1.0"), &second);
        assert_eq!(digest(&second), original);
    }
}

/// An engine is asked for plain layers: what stays is what is in them.
#[test]
fn an_image_of_a_registry_keeps_its_layers_in_engines_that_run_already() {
    for engine in Home::named() {
        let (packer, registry) = (packer(), PrivateRegistry::start().expect("a registry"));
        let bundle = export_shop(&packer, "none");
        for (repository, form) in [("oci", "oci"), ("docker", "v2s2")] {
            let name = format!("{}/{repository}/shop:1.0", registry.host());
            let (from, to) = (at("oci-archive", &bundle, "1.0"), format!("docker://{name}"));
            output(&mut skopeo(&["copy", "--quiet", "--dest-tls-verify=false", "--format", form, &from, &to]));
            output(engine.client().expect("an engine").args(["pull", "--quiet", &name]));
            let (island, _wire) = engine.machine();
            fs::create_dir(island.path("state").join(repository)).expect("a folder for what runs");
            let _ = island.run(&format!("install {name} --yes")).success();
            let exported = identity(&export(&island, "zstd"), &format!("{repository}/shop:1.0"));
            assert_eq!(exported.diff_ids, identity(&bundle, "shop:1.0").diff_ids);
            let _ = island.run(&format!("remove {repository}/shop --yes")).success();
        }
    }
}
