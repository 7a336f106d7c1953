//! Packages told in one shape, and what differs between two.

mod engine;
mod sample;

use std::collections::BTreeMap;

use dam_pack::check::UnitFiles;
use dam_pack::explain::{Aspect, Difference, Explanation, ScriptChange, difference, explain};
use dam_pack::impact::Fate;
use dam_pack::{Construct, DebScript, EntryKind, Format, Package, PackageView, RelationKind, Role, deb, rpm};
use serde_json::{Value, json};

/// Writes a package in a format and reads it back.
fn read(package: &Package, format: Format) -> (PackageView, BTreeMap<String, String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("package");
    let mut units = UnitFiles::default();
    let view = match format {
        Format::Deb => {
            deb::write(package, &path, &mut dam_pack::unwatched).expect("written");
            deb::read(&mut std::fs::File::open(path).expect("a file"), &mut units.visitor())
        }
        Format::Rpm => {
            rpm::write(package, &path, None, &mut dam_pack::unwatched).expect("written");
            rpm::read(&mut std::fs::File::open(path).expect("a file"), &mut units.visitor())
        }
    };
    (view.expect("a good package"), units.texts().clone())
}

fn explained(package: &Package, format: Format) -> Explanation {
    let (view, units) = read(package, format);
    explain(&view, &units)
}

/// The sample with a unit and relations of both formats.
fn package() -> Package {
    let mut package = sample::package();
    let unit = sample::file("/lib/systemd/system/sample.service", b"[Service]\n", 0o644, Role::Plain);
    package.entries.push(unit);
    let relations = package.relations[&Format::Deb].clone();
    package.relations.insert(Format::Rpm, relations);
    package
}

#[test]
fn a_deb_is_told() {
    let told = serde_json::to_value(explained(&package(), Format::Deb)).expect("JSON");
    assert_eq!(
        told["identity"],
        json!({
            "format": "deb",
            "name": "dam-sample",
            "version": "2:26.1.5-1",
            "architecture": "amd64",
            "summary": "sample of a package",
            "description": "It holds next to nothing.\n\nAnd says so.",
        })
    );
    assert_eq!(told["relations"]["recommends"], json!(["iptables", "ca-certificates (>= 2016)"]));
    assert_eq!(
        told["units"],
        json!([{
            "name": "sample.service", "path": "/lib/systemd/system/sample.service", "text": "[Service]\n",
        }])
    );
    assert_eq!(told["signatures"], json!([]));
    let sections = told["fields"].as_array().expect("a list");
    assert!(sections.contains(&json!({"name": "Section", "value": "admin"})), "{sections:?}");
    assert_eq!(told["scripts"][0]["place"], "postinst");
    assert_eq!(told["scripts"][0]["interpreter"], "/bin/sh");
    let data = told["compression"].as_array().expect("a list").last().expect("a part").clone();
    assert_eq!(data, json!({"part": "data.tar", "by": "xz", "dictionary": 65536, "filters": [4]}));
}

fn files(told: &Value) -> BTreeMap<&str, &Value> {
    told["files"].as_array().expect("files").iter().map(|file| (file["path"].as_str().expect("a path"), file)).collect()
}

#[test]
fn files_of_both_formats_have_one_shape() {
    let [deb, rpm] =
        [Format::Deb, Format::Rpm].map(|format| serde_json::to_value(explained(&package(), format)).expect("JSON"));
    let (deb, rpm) = (files(&deb), files(&rpm));
    // Of "#!/bin/sh\necho sample\n".
    let sha256 = "3ab9f954e88d36b7dd4e4d07f010d4dbe7bcbb5899b38945a22de7673444b68c";
    for (path, expected) in [
        (
            "/usr/bin/sample",
            json!({
                "path": "/usr/bin/sample", "kind": "file", "size": 22, "sha256": sha256, "mode": "0755",
                "owner": "root", "group": "root", "role": "plain",
            }),
        ),
        (
            "/usr/bin/another",
            json!({
                "path": "/usr/bin/another", "kind": "link", "target": "sample", "mode": "0777",
                "owner": "root", "group": "root", "role": "plain",
            }),
        ),
        (
            "/var/lib/sample",
            json!({
                "path": "/var/lib/sample", "kind": "folder", "mode": "0700",
                "owner": "root", "group": "root", "role": "plain",
            }),
        ),
    ] {
        assert_eq!(*deb[path], expected);
        assert_eq!(*rpm[path], expected);
    }
    assert_eq!(
        (&deb["/etc/sample.conf"]["role"], &rpm["/etc/sample.conf"]["role"]),
        (&json!("config"), &json!("config"))
    );
}

#[test]
fn an_rpm_tells_its_digests_and_signatures() {
    let (mut view, units) = read(&package(), Format::Rpm);
    view.constructs.push(Construct::Signature { tag: 268, by: "RSA/SHA256".to_owned() });
    let told = explain(&view, &units);
    let digests: Vec<String> = told.digests.iter().map(|digest| format!("{} {}", digest.of, digest.by)).collect();
    assert_eq!(digests, ["header SHA1", "header SHA256", "header and payload MD5", "payload SHA256", "files SHA256"]);
    assert_eq!(serde_json::to_value(&told.signatures).expect("JSON"), json!([{"place": "268", "by": "RSA/SHA256"}]));
    assert_eq!(told.identity.version, "2:26.1.5-1");
    assert_eq!(told.changelog.len(), 1);
    let sizes: u64 = 22 + 12 + 1_500 + 10;
    assert!(told.size > sizes, "and the changelog: {}", told.size);
}

#[test]
fn a_signed_deb_is_told_so() {
    let (mut view, units) = read(&package(), Format::Deb);
    view.constructs.push(Construct::ForeignMember { name: "_gpgorigin".to_owned() });
    view.constructs.push(Construct::ForeignMember { name: "_other".to_owned() });
    let signatures = explain(&view, &units).signatures;
    assert_eq!(serde_json::to_value(signatures).expect("JSON"), json!([{"place": "_gpgorigin", "by": null}]));
}

#[test]
fn files_are_shown_as_ls_does() {
    let told = explained(&package(), Format::Deb);
    let shown: Vec<String> = told.files.iter().map(ToString::to_string).filter(|line| line.contains("bin/")).collect();
    assert_eq!(shown, ["lrwxrwxrwx root root /usr/bin/another -> sample", "-rwxr-xr-x root root /usr/bin/sample"]);
}

#[test]
fn a_package_does_not_differ_from_itself() {
    for format in [Format::Deb, Format::Rpm] {
        let (view, _) = read(&package(), format);
        let nothing = difference(&view, &view);
        assert!(nothing.is_empty(), "{nothing:?}");
        assert_eq!(nothing.upgrade.expect("one format").units["sample.service"], Fate::RunsOn);
    }
}

/// The next version: a program, a link and a mode differ, a file comes, a folder goes, and so do a relation and a script.
fn next() -> Package {
    let mut next = package();
    next.version = dam_pack::PackageVersion::new("26.1.6", "1").expect("a version");
    next.entries.retain(|entry| entry.path.as_str() != "/var/lib/sample");
    for entry in &mut next.entries {
        match (entry.path.as_str(), &mut entry.kind) {
            ("/usr/bin/sample", EntryKind::File { content, .. }) => {
                *content = dam_pack::Content::Bytes(b"#!/bin/sh\necho simple\n".to_vec());
            }
            ("/usr/bin/another", EntryKind::Link { target }) => *target = "sample.new".to_owned(),
            ("/etc/sample.conf", EntryKind::File { mode, .. }) => *mode = 0o600,
            _ => {}
        }
    }
    next.entries.push(sample::file("/usr/bin/more", b"more\n", 0o755, Role::Plain));
    for relations in next.relations.values_mut() {
        relations.conflicts.remove(0);
        relations.recommends.push("apparmor".parse().expect("a relation"));
    }
    let restart = "#!/bin/sh\nset -e\nsystemctl try-restart sample.service\n".to_owned();
    next.scripts.deb.insert(DebScript::Postinst, restart);
    next.scripts.deb.remove(&DebScript::Prerm);
    next.scripts.deb.insert(DebScript::Postrm, "#!/bin/sh\nexit 0\n".to_owned());
    next
}

fn changes(difference: &Difference) -> Vec<(&str, &[Aspect])> {
    difference.changed.iter().map(|change| (change.path.as_str(), &change.what[..])).collect()
}

fn paths(files: &[dam_pack::explain::File]) -> Vec<&str> {
    files.iter().map(|file| file.path.as_str()).collect()
}

#[test]
fn two_versions_tell_what_differs() {
    let (old, new) = (read(&package(), Format::Deb).0, read(&next(), Format::Deb).0);
    let found = difference(&old, &new);
    assert!(!found.is_empty());
    let version = &found.identity["version"];
    assert_eq!((version.old.as_deref(), version.new.as_deref()), (Some("2:26.1.5-1"), Some("2:26.1.6-1")));
    assert!(!found.identity.contains_key("architecture"));
    assert_eq!(paths(&found.added), ["/usr/bin/more"]);
    assert!(paths(&found.removed).contains(&"/var/lib/sample"), "{:?}", found.removed);
    assert_eq!(
        changes(&found),
        [
            ("/etc/sample.conf", &[Aspect::Mode][..]),
            ("/usr/bin/another", &[Aspect::Target]),
            ("/usr/bin/sample", &[Aspect::Content]),
        ]
    );
    assert_eq!(found.relations[&RelationKind::Conflicts].removed, ["docker-ce"]);
    assert_eq!(found.relations[&RelationKind::Recommends].added, ["apparmor"]);
    assert_eq!(found.relations.len(), 2);
    let scripts: Vec<(&str, ScriptChange)> = found.scripts.iter().map(|(place, one)| (place.as_str(), *one)).collect();
    assert_eq!(
        scripts,
        [("postinst", ScriptChange::Changed), ("postrm", ScriptChange::Added), ("prerm", ScriptChange::Removed)]
    );

    let told = serde_json::to_value(&found).expect("JSON");
    assert_eq!(
        told["upgrade"],
        json!({
            "units": {"sample.service": {"fate": "restarts", "by": "postinst", "opt_out": null, "loss": null}},
            "changed_units": [],
            "changed_programs": ["/usr/bin/more", "/usr/bin/sample"],
        })
    );
    assert_eq!(told["changed"][0]["what"], json!(["mode"]));
    assert_eq!(
        (&told["changed"][0]["old"]["mode"], &told["changed"][0]["new"]["mode"]),
        (&json!("0644"), &json!("0600"))
    );
    assert_eq!(told["relations"]["conflicts"], json!({"added": [], "removed": ["docker-ce"]}));
}

/// The engine's own scripts: what restarts, and what prevents it.
#[test]
fn an_upgrade_of_the_engine_tells_what_restarts() {
    for (format, by, folder) in
        [(Format::Deb, "postinst", "/lib/systemd/system"), (Format::Rpm, "posttrans", "/usr/lib/systemd/system")]
    {
        let mut package = package();
        package.scripts = engine::lifecycle().scripts();
        let unit = include_bytes!("../../dam-core/assets/engine/docker.service");
        package.entries.push(sample::file(&format!("{folder}/docker.service"), unit, 0o644, Role::Plain));
        let (view, units) = read(&package, format);
        let found = difference(&view, &view).upgrade.expect("one format");
        let Fate::Restarts { by: script, opt_out, loss } = &found.units["docker.service"] else { panic!("{found:?}") };
        assert_eq!((script.as_str(), opt_out.as_deref()), (by, Some("/etc/dam-docker/no-restart")));
        assert!(loss.is_some());
        let units: Vec<String> = explain(&view, &units).units.into_iter().map(|unit| unit.name).collect();
        assert!(units.contains(&"docker.service".to_owned()), "{units:?}");
    }
}

#[test]
fn formats_can_be_compared_and_do_not_replace_each_other() {
    let (deb, rpm) = (read(&package(), Format::Deb).0, read(&package(), Format::Rpm).0);
    let found = difference(&deb, &rpm);
    assert_eq!(found.upgrade, None);
    let format = &found.identity["format"];
    assert_eq!((format.old.as_deref(), format.new.as_deref()), (Some("deb"), Some("rpm")));
    assert!(changes(&found).iter().all(|(_, what)| !what.contains(&Aspect::Content)), "{:?}", changes(&found));
}
