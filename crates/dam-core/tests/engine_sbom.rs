//! The bill of materials and the licences of a package of the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use dam_core::engine::elf::{BuildInfo, Module};
use dam_core::engine::licenses::{EXPRESSION, WORKS, licenses};
use dam_core::engine::recipe::{Input, Source};
use dam_core::engine::sbom::{Facts, Program, SourceFile, document};
use dam_core::engine::{Parts, PartsAround, Recipe, layout};
use dam_core::testing::programs::{ENGINE, engine_archive, go_program, static_program};
use dam_oci::Digest;
use dam_pack::{
    Architecture, Content, Effort, Entry, EntryKind, Format, Package, PackagePath, PackageVersion, Role, Scripts,
};
use serde_json::{Value, json};

fn path(text: &str) -> PackagePath {
    text.parse().expect("a path")
}

/// A package with programs of an engine, which nobody runs.
fn package(programs: &[&str]) -> Package {
    let entry = |program: &&str| {
        let kind = EntryKind::File { content: Content::Bytes(Vec::new()), mode: 0o755, role: Role::Plain };
        Entry { path: path(&format!("/usr/libexec/docker/{program}")), kind, only: Vec::new() }
    };
    Package {
        name: "dam-docker".parse().expect("a name"),
        version: PackageVersion::new("26.1.5", "1").expect("a version"),
        epoch: 0,
        architecture: Architecture::X86_64,
        maintainer: "Site <site@example.org>".to_owned(),
        summary: "Docker Engine".to_owned(),
        description: "Runs containers.".to_owned(),
        homepage: Some("https://example.org/docker".to_owned()),
        license: EXPRESSION.to_owned(),
        vendor: None,
        source_date: 1_721_865_600,
        effort: Effort::default(),
        relations: BTreeMap::new(),
        entries: programs.iter().map(entry).collect(),
        scripts: Scripts::default(),
        changelog: Vec::new(),
    }
}

fn archive() -> SourceFile {
    SourceFile {
        name: "docker-26.1.5.tgz".to_owned(),
        url: Some("https://download.docker.com/linux/static/stable/x86_64/docker-26.1.5.tgz".to_owned()),
        digest: Digest::of(b"archive"),
    }
}

fn module(path: &str, version: &str) -> Module {
    Module { path: path.to_owned(), version: Some(version.to_owned()) }
}

fn program(name: &str, build: Option<BuildInfo>) -> Program {
    let (path, digest) = (path(&format!("/usr/bin/{name}")), Digest::of(name.as_bytes()));
    Program { path, digest, build, source: archive().digest }
}

fn build(modules: &[Module]) -> Option<BuildInfo> {
    Some(BuildInfo { go: "go1.21.12".to_owned(), path: None, main: None, modules: modules.to_vec() })
}

fn told(package: &Package, programs: &[Program]) -> Value {
    let facts = Facts { package, engine: "26.1.5", sources: &[archive()], programs };
    serde_json::from_slice(&document(&facts)).expect("JSON")
}

#[test]
fn a_package_names_its_programs_and_their_modules() {
    let log = module("github.com/containerd/log", "v0.1.0");
    let docker_init = program("docker-init", None);
    let mut document = told(&package(&[]), &[program("dockerd", build(&[log])), docker_init]);
    let namespace = document["documentNamespace"].take();
    let namespace = namespace.as_str().expect("text");
    assert!(namespace.starts_with("https://spdx.org/spdxdocs/dam-docker-26.1.5-1-"), "{namespace}");
    let hex = |bytes: &[u8]| Digest::of(bytes).hex();
    let id = |kind: &str, bytes: &str| format!("SPDXRef-{kind}-{}", &hex(bytes.as_bytes())[..16]);
    let source = id("Source-docker-26.1.5.tgz", "archive");
    let (dockerd, init) = (Digest::of(b"dockerd"), Digest::of(b"docker-init"));
    let dockerd_id = id("Program-dockerd", &format!("/usr/bin/dockerd {dockerd}"));
    let init_id = id("Program-docker-init", &format!("/usr/bin/docker-init {init}"));
    let log_id = id("Module-github.com-containerd-log", "github.com/containerd/log v0.1.0");
    let go_id = id("Module-stdlib", "stdlib 1.21.12");
    let purl = |locator: &str| json!({ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator });
    let relation = |from: &str, kind: &str, to: &str| json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to });
    let expected = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "dam-docker-26.1.5-1",
        "documentNamespace": null,
        "creationInfo": { "created": "2024-07-25T00:00:00Z", "creators": [concat!("Tool: dam-", env!("CARGO_PKG_VERSION"))] },
        "packages": [
            {
                "SPDXID": "SPDXRef-Root", "name": "dam-docker", "versionInfo": "26.1.5-1",
                "supplier": "Organization: Site (site@example.org)",
                "downloadLocation": "NOASSERTION", "filesAnalyzed": false,
                "licenseConcluded": "NOASSERTION", "licenseDeclared": EXPRESSION, "copyrightText": "NOASSERTION",
                "externalRefs": [purl("pkg:generic/dam-docker@26.1.5-1?arch=amd64")],
                "primaryPackagePurpose": "INSTALL",
            },
            {
                "SPDXID": source, "name": "docker-26.1.5.tgz", "packageFileName": "docker-26.1.5.tgz",
                "downloadLocation": "https://download.docker.com/linux/static/stable/x86_64/docker-26.1.5.tgz",
                "filesAnalyzed": false,
                "checksums": [{ "algorithm": "SHA256", "checksumValue": hex(b"archive") }],
                "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
                "primaryPackagePurpose": "SOURCE",
            },
            {
                "SPDXID": dockerd_id, "name": "dockerd", "versionInfo": "26.1.5", "packageFileName": "usr/bin/dockerd",
                "downloadLocation": "NOASSERTION", "filesAnalyzed": false,
                "checksums": [{ "algorithm": "SHA256", "checksumValue": dockerd.hex() }],
                "licenseConcluded": "NOASSERTION", "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION",
                "comment": "Built by go1.21.12.",
                "externalRefs": [purl("pkg:golang/github.com/docker/docker@v26.1.5%2Bincompatible")],
                "primaryPackagePurpose": "APPLICATION",
            },
            {
                "SPDXID": init_id, "name": "docker-init", "packageFileName": "usr/bin/docker-init",
                "downloadLocation": "NOASSERTION", "filesAnalyzed": false,
                "checksums": [{ "algorithm": "SHA256", "checksumValue": init.hex() }],
                "licenseConcluded": "NOASSERTION", "licenseDeclared": "MIT", "copyrightText": "NOASSERTION",
                "primaryPackagePurpose": "APPLICATION",
            },
            {
                "SPDXID": log_id, "name": "github.com/containerd/log", "versionInfo": "v0.1.0",
                "downloadLocation": "NOASSERTION", "filesAnalyzed": false,
                "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
                "externalRefs": [purl("pkg:golang/github.com/containerd/log@v0.1.0")],
                "primaryPackagePurpose": "LIBRARY",
            },
            {
                "SPDXID": go_id, "name": "stdlib", "versionInfo": "1.21.12",
                "downloadLocation": "NOASSERTION", "filesAnalyzed": false,
                "licenseConcluded": "NOASSERTION", "licenseDeclared": "BSD-3-Clause", "copyrightText": "NOASSERTION",
                "externalRefs": [
                    purl("pkg:golang/stdlib@1.21.12"),
                    {
                        "referenceCategory": "SECURITY", "referenceType": "cpe23Type",
                        "referenceLocator": "cpe:2.3:a:golang:go:1.21.12:*:*:*:*:*:*:*",
                    },
                ],
                "primaryPackagePurpose": "LIBRARY",
            },
        ],
        "relationships": [
            relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Root"),
            relation("SPDXRef-Root", "GENERATED_FROM", &source),
            relation("SPDXRef-Root", "CONTAINS", &dockerd_id),
            relation(&dockerd_id, "GENERATED_FROM", &source),
            relation(&dockerd_id, "CONTAINS", &log_id),
            relation(&dockerd_id, "CONTAINS", &go_id),
            relation("SPDXRef-Root", "CONTAINS", &init_id),
            relation(&init_id, "GENERATED_FROM", &source),
        ],
    });
    assert_eq!(document, expected);
}

#[test]
fn a_module_of_several_programs_is_there_once() {
    let (one, other) = (module("golang.org/x/net", "v0.23.0"), module("golang.org/x/net", "v0.24.0"));
    let programs = [
        program("dockerd", build(&[one.clone(), other.clone(), one.clone()])),
        program("containerd", build(std::slice::from_ref(&one))),
        program("docker-compose", build(&[])),
    ];
    let document = told(&package(&[]), &programs);
    let list = |name: &str| document[name].as_array().expect("a list").clone();
    let names: Vec<String> = list("packages").iter().map(|unit| unit["name"].to_string()).collect();
    assert_eq!(names.iter().filter(|name| *name == "\"golang.org/x/net\"").count(), 2);
    assert_eq!(names.iter().filter(|name| *name == "\"stdlib\"").count(), 1);
    let ids: BTreeSet<String> = list("packages").iter().map(|unit| unit["SPDXID"].to_string()).collect();
    assert_eq!(ids.len(), names.len(), "each has an id of its own");
    let plain =
        |id: &String| id.trim_matches('"').bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    assert!(ids.iter().all(plain), "{ids:?}");
    for relation in list("relationships") {
        let known = |id: &Value| id == "SPDXRef-DOCUMENT" || ids.contains(&id.to_string());
        assert!(known(&relation["spdxElementId"]) && known(&relation["relatedSpdxElement"]), "{relation}");
    }
    let inside = |relation: &&Value| relation["relationshipType"] == "CONTAINS";
    assert_eq!(list("relationships").iter().filter(inside).count(), 3 + 3 + 2 + 1);
}

#[test]
fn the_same_facts_give_the_same_bytes_and_others_another_name() {
    let programs = [program("dockerd", build(&[module("golang.org/x/net", "v0.23.0")]))];
    let (package, sources) = (package(&[]), [archive()]);
    let facts = Facts { package: &package, engine: "26.1.5", sources: &sources, programs: &programs };
    assert_eq!(document(&facts), document(&facts));
    assert!(document(&facts).ends_with(b"}\n"));
    let other = Package { source_date: 0, ..package.clone() };
    let name = |package: &Package| told(package, &programs)["documentNamespace"].to_string();
    assert_ne!(name(&package), name(&other));
}

#[test]
fn programs_are_looked_at_before_they_are_packed() {
    let folder = tempfile::tempdir().expect("a temp folder");
    let (go, other) = (folder.path().join("go"), folder.path().join("other"));
    let modules = "mod\tgithub.com/docker/compose/v2\tv2.26.1\th1:x=\ndep\tgolang.org/x/net\tv0.23.0\n";
    fs::write(&go, go_program(Architecture::X86_64, "go1.21.8", modules, false)).expect("written");
    fs::write(&other, static_program(Architecture::X86_64, "")).expect("written");
    let source = Digest::of(b"source");
    let compose = Program::read(path("/usr/libexec/docker/cli-plugins/docker-compose"), &go, source).expect("readable");
    assert_eq!(compose.digest, Digest::of(&fs::read(&go).expect("there")));
    let document = told(&package(&[]), std::slice::from_ref(&compose));
    let unit = &document["packages"][2];
    assert_eq!((&unit["name"], &unit["versionInfo"]), (&json!("docker-compose"), &json!("v2.26.1")));
    let url = "pkg:golang/github.com/docker/compose/v2@v2.26.1";
    assert_eq!(unit["externalRefs"][0]["referenceLocator"], url);
    let init = Program::read(path("/usr/libexec/docker/docker-init"), &other, source).expect("readable");
    assert_eq!(init.build, None);
    let missing = Program::read(path("/usr/bin/x"), &folder.path().join("none"), source).expect_err("not there");
    assert_eq!(missing.to_string(), format!("cannot access `{}`", folder.path().join("none").display()));
}

#[test]
fn every_program_of_an_engine_has_a_licence() {
    for name in ENGINE.into_iter().chain(["docker-compose", "docker-buildx", "dam", "containerd-shim"]) {
        assert_eq!(WORKS.iter().filter(|work| work.programs.contains(&name)).count(), 1, "{name}");
    }
}

#[test]
fn a_package_carries_the_licences_of_what_is_in_it() {
    let entries = licenses(&package(&["dockerd", "docker-proxy", "docker-init", "README"]));
    let paths: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
    let texts = ["Apache-2.0", "BSD-3-Clause", "LGPL-2.1", "MIT", "NOTICE"];
    let mut expected: Vec<String> = texts.iter().map(|name| format!("/usr/share/licenses/dam-docker/{name}")).collect();
    expected.push("/usr/share/doc/dam-docker/copyright".to_owned());
    assert_eq!(paths, expected);
    let copyright = entries.last().expect("it is the last");
    assert_eq!(copyright.only, [Format::Deb]);
    let EntryKind::File { content: Content::Bytes(bytes), mode: 0o644, role: Role::Doc } = &copyright.kind else {
        panic!("{copyright:?}")
    };
    let text = String::from_utf8(bytes.clone()).expect("text");
    for part in [
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: dam-docker\n",
        "\nFiles: *\nCopyright: Site <site@example.org>\nLicense: Apache-2.0\n",
        "\nFiles: usr/libexec/docker/dockerd\n       usr/libexec/docker/docker-proxy\nCopyright: 2012-2017 Docker, Inc.\n",
        "\nFiles: usr/libexec/docker/docker-init\nCopyright: 2015 Thomas Orozco <thomas@orozco.fr>\nLicense: Expat and ",
        "\n Permission is hereby granted, free of charge,",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("runc"), "what is not in the package is not named");
}

#[test]
fn the_package_of_a_recipe_says_what_it_is_made_of() {
    let folder = tempfile::tempdir().expect("a temp folder");
    let (archive, plugin) = (folder.path().join("docker-26.1.5.tgz"), folder.path().join("mine"));
    fs::write(&archive, engine_archive(Architecture::X86_64, "26.1.5")).expect("written");
    let modules = "mod\tgithub.com/docker/compose/v2\tv2.26.1\th1:x=\ndep\tgolang.org/x/net\tv0.23.0\n";
    fs::write(&plugin, go_program(Architecture::X86_64, "go1.21.8", modules, false)).expect("written");
    let digest = Digest::of(&fs::read(&archive).expect("there"));
    let text = format!(
        "[archive]\nurl = \"https://host/docker-26.1.5.tgz?token=secret\"\nsha256 = \"{}\"\n[compose]\npath = \"mine\"\n",
        digest.hex()
    );
    let recipe = Recipe::parse(&text, &folder.path().join("engine.toml")).expect("it is good");
    let mut bring = |input: &Input| {
        Ok(match &input.source {
            Source::Path(path) => path.clone(),
            Source::Url(_) => archive.clone(),
        })
    };
    let around = PartsAround { bring: &mut bring, scratch: folder.path(), dam: None };
    let parts = Parts::gather(&recipe, around).expect("all is there");
    let package = layout::package(&recipe, &parts, 0).expect("it is whole");
    let place = "/usr/share/doc/dam-docker/sbom.spdx.json";
    let entry = package.entries.iter().find(|entry| entry.path.as_str() == place).expect("it has one");
    let EntryKind::File { content: Content::Bytes(bytes), .. } = &entry.kind else { panic!("{entry:?}") };
    let document: Value = serde_json::from_slice(bytes).expect("JSON");
    let units = document["packages"].as_array().expect("a list");
    let names: Vec<&str> = units.iter().map(|unit| unit["name"].as_str().expect("text")).collect();
    let mut expected = vec!["dam-docker", "docker-26.1.5.tgz", "mine"];
    expected.extend(["docker", "dockerd", "containerd", "containerd-shim-runc-v2", "runc", "docker-init"]);
    expected.extend(["docker-proxy", "ctr", "docker-compose", "golang.org/x/net", "stdlib"]);
    assert_eq!(names, expected);
    assert_eq!(units[1]["downloadLocation"], "https://host/docker-26.1.5.tgz");
    assert_eq!(units[1]["checksums"][0]["checksumValue"], digest.hex());
    assert_eq!(units[2]["downloadLocation"], "NOASSERTION");
    let text = String::from_utf8(bytes.clone()).expect("text");
    assert!(!text.contains(&*folder.path().to_string_lossy()) && !text.contains("secret"), "{text}");
    assert!(package.entries.iter().any(|entry| entry.path.as_str() == "/usr/share/doc/dam-docker/copyright"));
    assert_eq!(package.license, EXPRESSION);
}
