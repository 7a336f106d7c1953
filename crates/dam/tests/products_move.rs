//! A product of three apps on one base moves from any store to any other, and back.
//!
//! `DAM_TEST_ENGINES` names further engines, as `tests/engines` does with newer ones: see [`Home::named`].

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::Dam;
use support::home::{Home, Wire};
use support::site::{BASE, NAMES, saved};

/// A machine, with what is installed on it.
struct Machine<'a> {
    home: &'a Home,
    dam: Dam,
    wire: Option<Wire>,
}

impl<'a> Machine<'a> {
    fn new(home: &'a Home) -> Self {
        let (dam, wire) = home.machine();
        Self { home, dam, wire }
    }

    /// Imports a file; all is there then as it says. Returns the bytes that the plan promises to send.
    fn import(&self, path: &Path, shop: &str) -> u64 {
        let path = path.display();
        let plan = self.dam.run(&format!("import {path} --dry-run --json")).success().json();
        let send = plan["apps"].as_array().expect("apps").iter().filter_map(|app| app["send"].as_u64()).sum();
        self.wire.as_ref().map(Wire::sent);
        let done = self.dam.run(&format!("import {path} --yes")).success();
        if let Some(wire) = &self.wire {
            let sent = wire.sent();
            // What comes on top are questions, heads of tar and HTTP, configs.
            let on_top = if self.home.is_containerd() { 200_000 } else { 100_000 };
            assert!(sent >= send && sent < send + on_top, "{sent} of {send} bytes: {}", done.talk());
        }
        self.runs(shop);
        send
    }

    /// Every app is installed and healthy, its hooks ran.
    fn runs(&self, shop: &str) {
        let _ = self.dam.run("verify").success();
        for (name, version) in NAMES.iter().map(|name| (*name, if *name == "shop" { shop } else { "1.0" })) {
            let app = name.rsplit('/').next().expect("a name");
            assert_eq!(self.dam.running(app).as_deref(), Some(version), "{app}");
            assert_eq!(self.dam.running(&format!("{app}.health")).as_deref(), Some(version), "{app}");
        }
    }

    /// Images of these names run as containers, where there is something that runs them.
    fn runs_containers(&self, images: &[&str]) {
        for image in images {
            let printed = self.home.busybox(image, &["cat", "/share/app"]);
            assert_eq!(printed, self.home.socket().map(|_| format!("{}\n", image.replace(":1.", " 1."))));
        }
    }

    /// Writes a bundle of all that is installed.
    fn export(&self, file: &str) -> Vec<u8> {
        let _ = self.dam.run(&format!("export --all {file}")).success();
        fs::read(self.dam.path(file)).expect("a bundle")
    }

    /// Leaves nothing behind in the store.
    fn clear(self) {
        for name in ["shop", "tools", "till"] {
            let _ = self.dam.run(&format!("remove {name} --yes")).success();
        }
        let _ = self.dam.run("purge --all --keep 0 --yes").success();
        self.dam.is_empty();
    }
}

/// What no way between stores may change: of each app its name, its config, its layers.
fn identities(bundle: &[u8]) -> Vec<(Value, Value, Vec<Value>)> {
    let mut archive = tar::Archive::new(bundle);
    let mut entries = archive.entries().expect("a tar").map(|entry| entry.expect("an entry"));
    let head = entries.find(|entry| *entry.path_bytes() == b"dam.json"[..]).expect("a head");
    let head: Value = serde_json::from_reader(head).expect("JSON");
    let layers =
        |app: &Value| app["layers"].as_array().expect("layers").iter().map(|it| it["diffId"].clone()).collect();
    let apps = head["apps"].as_array().expect("apps").iter();
    apps.map(|app| (app["reference"].clone(), app["image"].clone(), layers(app))).collect()
}

/// Compares what two machines exported.
fn same(one: &Machine, other: &Machine, bundles: [&[u8]; 2]) {
    assert_eq!(identities(bundles[0]), identities(bundles[1]));
    if one.home.is_containerd() == other.home.is_containerd() {
        assert!(bundles[0] == bundles[1], "{} and {} export other bytes", one.home.name(), other.home.name());
    }
}

/// Carries the product from one store to an empty other one, then a newer version of one app, then all of it back.
fn moves(from: &Home, to: &Home) {
    let (packer, island) = (Machine::new(from), Machine::new(to));
    let way = format!("{} to {}", from.name(), to.name());
    for (shop, file) in [("1.0", "first"), ("1.1", "second")] {
        let tar = packer.dam.path(&format!("{file}.tar"));
        fs::write(&tar, saved(&way, shop)).expect("a file");
        let (bundle, back) = (format!("{file}.dam"), format!("{file}-back.dam"));
        let sent = [packer.import(&tar, shop), {
            packer.export(&bundle);
            island.import(&packer.dam.path(&bundle), shop)
        }];
        for (sent, home) in sent.into_iter().zip([from, to]) {
            let all = shop == "1.0" || home.wants_everything();
            assert_eq!(sent > BASE as u64, all, "{sent} bytes to {} ({way})", home.name());
        }
        let exported = fs::read(packer.dam.path(&bundle)).expect("a bundle");
        same(&packer, &island, [&exported, &island.export(&back)]);
        island.runs_containers(if shop == "1.0" {
            &["shop:1.0", "tools:1.0", "plant.site:5000/till:1.0"]
        } else {
            &["shop:1.1"]
        });
    }
    packer.clear();
    let packer = Machine::new(from);
    assert!(packer.import(&island.dam.path("second-back.dam"), "1.1") > BASE as u64);
    let back = fs::read(island.dam.path("second-back.dam")).expect("a bundle");
    same(&packer, &island, [&back, &packer.export("home.dam")]);
    packer.runs_containers(&["shop:1.1", "plant.site:5000/till:1.0"]);
    packer.clear();
    island.clear();
}

#[test]
fn from_docker_to_another_docker_and_back() {
    moves(&Home::docker(), &Home::docker());
}

#[test]
fn from_docker_to_podman_and_back() {
    moves(&Home::docker(), &Home::podman());
}

#[test]
fn from_docker_to_the_built_in_store_and_back() {
    moves(&Home::docker(), &Home::BuiltIn);
}

#[test]
fn from_podman_to_another_podman_and_back() {
    moves(&Home::podman(), &Home::podman());
}

#[test]
fn from_podman_to_the_built_in_store_and_back() {
    moves(&Home::podman(), &Home::BuiltIn);
}

#[test]
fn from_one_built_in_store_to_another_and_back() {
    moves(&Home::BuiltIn, &Home::BuiltIn);
}

#[test]
fn between_engines_that_run_already_and_every_other_store() {
    let engines = Home::named();
    for (at, engine) in engines.iter().enumerate() {
        engines[at + 1..].iter().for_each(|other| moves(engine, other));
        for other in [Home::docker(), Home::podman(), Home::BuiltIn] {
            moves(engine, &other);
        }
    }
}
