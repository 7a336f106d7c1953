//! Field by field: the same description, written here and by `rpmbuild`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use dam_pack::{Content, EntryKind, Format, Package, Relation, Role, RpmScript};

use crate::sample::{Folder, full};
use crate::tools::{query, run, shown};

/// What may differ, and why.
const DIFFERENT: [(&str, &str); 14] = [
    ("Sigsize", "follows from the others"),
    ("Sigmd5", "follows from the others"),
    ("Sha1header", "follows from the others"),
    ("Sha256header", "follows from the others"),
    ("Payloaddigest", "another dictionary and filter"),
    ("Platform", "rpmbuild names the distribution it runs on"),
    ("Rpmversion", "says who wrote it"),
    ("Optflags", "nothing was compiled"),
    ("Fileclass", "rpmbuild asks libmagic, which only a query shows"),
    ("Classdict", "rpmbuild asks libmagic, which only a query shows"),
    ("Filedependsx", "which file needs what, where that was found in the file"),
    ("Filedependsn", "which file needs what, where that was found in the file"),
    ("Dependsdict", "which file needs what, where that was found in the file"),
    ("Cookie", "rpmbuild has it only where its host is its own"),
];

#[test]
fn a_package_says_what_rpmbuild_says() {
    let folder = Folder::new();
    let package = full();
    let mut ours = tags(&folder.write(&package));
    let mut theirs = tags(&rpmbuild(&package, folder.path(), "w6.xzdio"));
    for (name, _) in DIFFERENT {
        ours.remove(name);
        theirs.remove(name);
    }
    assert!(ours.len() > 70, "{ours:?}");
    assert_eq!(ours, theirs);
}

/// All tags by name, each with its values.
fn tags(package: &Path) -> BTreeMap<String, Vec<String>> {
    let xml = query(package, &["--qf", "[%{*:xml}]"]);
    let tag = |part: &str| {
        let (name, values) = part.split_once("\">").expect("a name");
        let values = values.split("\t<").skip(1).map(|value| match value.split_once("/>") {
            Some((_, rest)) if rest.trim().is_empty() => String::new(),
            _ => {
                let value = &value[value.find('>').expect("an end") + 1..];
                value[..value.rfind("</").map_or(value.len(), |end| value[..end].rfind("</").unwrap_or(end))].to_owned()
            }
        });
        (name.to_owned(), values.collect())
    };
    xml.split("<rpmTag name=\"").skip(1).map(tag).collect()
}

/// Builds the package from a spec file that says the same.
pub(crate) fn rpmbuild(package: &Package, folder: &Path, payload: &str) -> PathBuf {
    let top = folder.join("top");
    fs::create_dir(&top).expect("a folder");
    let spec = folder.join("sample.spec");
    fs::write(&spec, spec_file(package, &top)).expect("a file");
    let define = [
        ("_topdir", shown(&top)),
        ("_binary_payload", payload),
        ("__os_install_post", "%{nil}"),
        ("debug_package", "%{nil}"),
        ("_build_id_links", "none"),
        ("use_source_date_epoch_as_buildtime", "1"),
        ("clamp_mtime_to_source_date_epoch", "1"),
        ("_buildhost", "localhost"),
        ("__elf_requires", "%{nil}"),
    ];
    let define = define.map(|(name, value)| format!("{name} {value}"));
    let words: Vec<_> = define.iter().flat_map(|define| ["--define", define]).chain(["-bb", shown(&spec)]).collect();
    run("rpmbuild", &words).expect();
    top.join(format!("RPMS/x86_64/sample-{}.x86_64.rpm", package.version))
}

fn spec_file(package: &Package, top: &Path) -> String {
    let mut spec = String::new();
    let mut line = |text: String| writeln!(spec, "{text}").expect("a string takes all");
    line(format!("Name: {}\nEpoch: {}", package.name, package.epoch));
    line(format!("Version: {}\nRelease: {}", package.version.upstream(), package.version.release()));
    line(format!("Summary: {}\nLicense: {}\nPackager: {}", package.summary, package.license, package.maintainer));
    line(format!("URL: {}", package.homepage.as_deref().expect("has one")));
    line(format!("Vendor: {}", package.vendor.as_deref().expect("has one")));
    let relations = &package.relations[&Format::Rpm];
    for (word, relations) in [
        ("Requires", &relations.depends),
        ("Recommends", &relations.recommends),
        ("Suggests", &relations.suggests),
        ("Conflicts", &relations.conflicts),
        ("Provides", &relations.provides),
        ("Obsoletes", &relations.replaces),
    ] {
        relations.iter().for_each(|relation| line(format!("{word}: {}", rpm_relation(relation))));
    }
    line(format!("%description\n{}\n", package.description));
    for (place, script) in &package.scripts.rpm {
        let place = match place {
            RpmScript::Pre => "pre",
            RpmScript::Post => "post",
            RpmScript::Preun => "preun",
            RpmScript::Postun => "postun",
            RpmScript::Posttrans => "posttrans",
        };
        line(format!("%{place}\n{script}"));
    }
    package.scripts.rpm_triggers.iter().for_each(|(name, script)| line(format!("%triggerin -- {name}\n{script}")));
    let (install, files) = spec_files(package, top);
    line(format!("%install\n{install}\n%files\n{files}\n%changelog"));
    for (change, day) in package.changelog.iter().zip(["Tue Nov 14 2023", "Mon Nov 13 2023"]) {
        line(format!("* {day} {} - {}", package.maintainer, change.version));
        change.lines.iter().for_each(|text| line(format!("- {text}")));
    }
    spec
}

fn spec_files(package: &Package, top: &Path) -> (String, String) {
    let (mut install, mut files) = (String::new(), String::new());
    let ours = package.entries.iter().filter(|entry| entry.only.is_empty());
    for (index, entry) in ours.enumerate() {
        let path = &entry.path;
        match &entry.kind {
            EntryKind::File { content: Content::Bytes(bytes), mode, role } => {
                let source = top.join(index.to_string());
                fs::write(&source, bytes).expect("a file");
                writeln!(install, "install -D {} %{{buildroot}}{path}", source.display()).expect("a string takes all");
                let word = match role {
                    Role::Plain => "",
                    Role::Config => "%config(noreplace)",
                    Role::Doc => "%doc",
                    Role::License => "%license",
                };
                writeln!(files, "%attr({mode:o},root,root) {word} {path}").expect("a string takes all");
            }
            EntryKind::File { content: Content::File { .. }, .. } => unreachable!("the sample has none"),
            EntryKind::Folder { mode } => {
                writeln!(install, "mkdir -p %{{buildroot}}{path}").expect("a string takes all");
                writeln!(files, "%dir %attr({mode:o},root,root) {path}").expect("a string takes all");
            }
            EntryKind::Link { target } => {
                writeln!(install, "mkdir -p %{{buildroot}}/usr/bin; ln -s {target} %{{buildroot}}{path}")
                    .expect("a string takes all");
                writeln!(files, "{path}").expect("a string takes all");
            }
        }
    }
    (install, files)
}

fn rpm_relation(relation: &Relation) -> String {
    relation.to_string().replace("<<", "<").replace(">>", ">").replace(['(', ')'], "")
}
