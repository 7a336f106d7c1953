//! What the targets cannot read, of packages that break the rules one by one, and of our own, which break none.

mod engine;
mod sample;

use std::collections::BTreeMap;
use std::path::Path;

use dam_pack::check::{Finding, Severity, UnitFiles, check};
use dam_pack::explain::{difference, explain};
use dam_pack::targets::Target;
use dam_pack::{
    Compression, Construct, EntryView, Format, KindView, Package, PackageView, RelationKind, RoleView, ScriptView, deb,
    rpm,
};
use proptest::prelude::{ProptestConfig, proptest};

const SERVICE: &str = include_str!("../../dam-core/assets/engine/docker.service");
const SOCKET: &str = include_str!("../../dam-core/assets/engine/docker.socket");

fn all() -> Vec<Target> {
    Target::all().collect()
}

/// A view of a package that breaks no rule.
fn good(format: Format) -> PackageView {
    let digest = |of, by| Construct::Digest { of, by };
    let constructs = match format {
        Format::Deb => Vec::new(),
        Format::Rpm => vec![
            digest("header", "SHA1"),
            digest("header", "SHA256"),
            digest("payload", "SHA256"),
            signature(268, "RSA/SHA256"),
            signature(278, "RSA/SHA256"),
        ],
    };
    PackageView {
        format,
        name: "sample".to_owned(),
        version: "1-1".to_owned(),
        architecture: String::new(),
        summary: String::new(),
        description: String::new(),
        fields: Vec::new(),
        relations: BTreeMap::new(),
        entries: Vec::new(),
        scripts: Vec::new(),
        changelog: Vec::new(),
        constructs,
    }
}

fn signature(tag: u32, by: &str) -> Construct {
    Construct::Signature { tag, by: by.to_owned() }
}

fn compressed(part: &str, by: Compression) -> Construct {
    Construct::Compressed { part: part.to_owned(), by }
}

fn script(place: &str, interpreter: &str, text: &str) -> ScriptView {
    ScriptView { place: place.to_owned(), interpreter: interpreter.to_owned(), text: text.to_owned() }
}

fn file(path: &str) -> EntryView {
    EntryView {
        path: path.to_owned(),
        kind: KindView::File { size: 1, sha256: Some([1; 32]) },
        mode: 0o644,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        time: 0,
        role: RoleView::Plain,
    }
}

/// Checks a good package for all targets, after a change.
fn found(format: Format, change: impl FnOnce(&mut PackageView)) -> Vec<Finding> {
    let mut view = good(format);
    change(&mut view);
    check(&view, &BTreeMap::new(), &all())
}

fn with(format: Format, construct: Construct) -> Vec<Finding> {
    found(format, |view| view.constructs.push(construct))
}

fn shown(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(Finding::to_string).collect()
}

fn targets(finding: &Finding) -> String {
    finding.targets.iter().map(|target| target.name()).collect::<Vec<_>>().join(" ")
}

const EL7: &str = "centos-7 rhel-7 oracle-7 amazon-2";
/// All with rpm before 4.15.
const OLD_RPM: &str = "centos-7 centos-8 rhel-7 rhel-8 oracle-7 oracle-8 amazon-2 opensuse-15 sles-15";

#[test]
fn a_good_package_breaks_no_rule() {
    assert_eq!(found(Format::Deb, |_| ()), []);
    assert_eq!(found(Format::Rpm, |_| ()), []);
}

#[test]
fn d01_both_archives_are_compressed_in_a_way_that_dpkg_reads() {
    let findings = with(Format::Deb, compressed("data.tar", Compression::Zstd));
    assert_eq!(shown(&findings), ["D01 data.tar of Zstandard: dpkg reads it since 1.21.18, and Ubuntu's before"]);
    assert_eq!(targets(&findings[0]), "debian-9 debian-10 debian-11");
    let findings = with(Format::Deb, compressed("control.tar", Compression::Lzma));
    assert_eq!(shown(&findings), ["D01 control.tar of LZMA: no dpkg reads it there"]);
    assert_eq!(findings[0].targets.len(), 12);
    assert_eq!(with(Format::Deb, compressed("data.tar", Compression::Lzma)), []);
}

#[test]
fn d02_no_dpkg_reads_pax_headers() {
    let findings = with(Format::Deb, Construct::PaxHeader { part: "data.tar".to_owned() });
    assert_eq!(shown(&findings), ["D02 data.tar with pax headers: dpkg stops at them"]);
    assert_eq!(findings[0].targets.len(), 12);
}

#[test]
fn d03_numbers_have_octal_digits_but_names_may_be_long() {
    let findings = with(Format::Deb, Construct::GnuLargeNumber { part: "data.tar".to_owned() });
    assert_eq!(shown(&findings), ["D03 data.tar with numbers beyond octal digits: dpkg reads them since 1.18.24"]);
    assert_eq!(targets(&findings[0]), "ubuntu-16.04");
    assert_eq!(with(Format::Deb, Construct::GnuLongName { part: "data.tar".to_owned() }), []);
}

#[test]
fn d04_r05_filters_are_those_of_liblzma() {
    let filter = |part: &str, id| Construct::XzFilter { part: part.to_owned(), id };
    let findings = with(Format::Deb, filter("data.tar", 10));
    assert_eq!(shown(&findings), ["D04 data.tar with the xz filter for ARM64: liblzma reads it since 5.4"]);
    assert_eq!(
        targets(&findings[0]),
        "ubuntu-16.04 ubuntu-18.04 ubuntu-20.04 ubuntu-22.04 debian-9 debian-10 debian-11"
    );
    let findings = with(Format::Rpm, filter("payload", 11));
    assert_eq!(shown(&findings), ["R05 payload with the xz filter for RISC-V: liblzma reads it since 5.6"]);
    assert!(
        targets(&findings[0])
            .ends_with("fedora-40 oracle-7 oracle-8 oracle-9 amazon-2 amazon-2023 opensuse-15 sles-15")
    );
    let findings = with(Format::Rpm, filter("payload", 99));
    assert_eq!(shown(&findings), ["R05 payload with the xz filter 99: no liblzma reads it"]);
    assert_eq!(with(Format::Rpm, filter("payload", 4)), []);
}

#[test]
fn d05_helpers_are_not_wanted_newer_than_they_are() {
    let needs = |kind, text: &str| found(Format::Deb, |view| drop(view.relations.insert(kind, vec![text.to_owned()])));
    let findings = needs(RelationKind::PreDepends, "init-system-helpers (>= 1.54~)");
    let what = "D05 relation `init-system-helpers (>= 1.54~)`: what it wants is not to be had there";
    assert_eq!(shown(&findings), [what]);
    assert_eq!(targets(&findings[0]), "ubuntu-16.04 ubuntu-18.04 debian-9");
    assert_eq!(needs(RelationKind::Depends, "dpkg (>= 1.18)"), []);
    assert_eq!(needs(RelationKind::Depends, "init-system-helpers (>= 1.29) | systemd"), []);
    assert_eq!(needs(RelationKind::Recommends, "init-system-helpers (>= 9)"), []);
}

#[test]
fn d06_units_lie_where_the_helper_looks() {
    let package = |path: &str, text: &str| {
        found(Format::Deb, |view| {
            view.entries.push(file(path));
            view.scripts.push(script("postinst", "/bin/sh", text));
        })
    };
    let call = "deb-systemd-helper enable a.service\n";
    let findings = package("/usr/lib/systemd/system/a.service", call);
    let what = "D06 /usr/lib/systemd/system/a.service: deb-systemd-helper looks in /lib/systemd/system";
    assert_eq!(shown(&findings), [what]);
    assert_eq!(
        targets(&findings[0]),
        "ubuntu-16.04 ubuntu-18.04 ubuntu-20.04 ubuntu-22.04 debian-9 debian-10 debian-11"
    );
    assert_eq!(package("/lib/systemd/system/a.service", call), []);
    assert_eq!(package("/usr/lib/systemd/system/a.service.d/b.conf", call), []);
    assert_eq!(package("/usr/lib/systemd/system/a.service", "true\n"), []);
}

fn relation(kind: RelationKind, text: &str) -> Vec<Finding> {
    found(Format::Rpm, |view| drop(view.relations.insert(kind, vec![text.to_owned()])))
}

#[test]
fn r01_relations_are_plain() {
    let findings = relation(RelationKind::Depends, "(iptables-nft or iptables)");
    assert_eq!(shown(&findings), ["R01 relation `(iptables-nft or iptables)`: rpm reads it since 4.13"]);
    assert_eq!(targets(&findings[0]), EL7);
    assert_eq!(relation(RelationKind::Recommends, "(a if b)"), [], "4.11 skips weak ones whole");
}

#[test]
fn r02_versions_have_no_caret() {
    let findings = found(Format::Rpm, |view| view.version = "1.0^git1-1".to_owned());
    assert_eq!(shown(&findings), ["R02 version `1.0^git1-1`: rpm compares a caret since 4.15"]);
    assert_eq!(targets(&findings[0]), OLD_RPM);
    let findings = relation(RelationKind::Conflicts, "docker < 1^2");
    assert_eq!(shown(&findings), ["R02 relation `docker < 1^2`: rpm compares a caret since 4.15"]);
}

#[test]
fn r03_the_payload_is_compressed_in_a_way_that_rpm_reads() {
    let findings = with(Format::Rpm, compressed("payload", Compression::Zstd));
    assert_eq!(shown(&findings), ["R03 payload of Zstandard: rpm reads it since 4.14, where it is built in"]);
    assert_eq!(targets(&findings[0]), format!("{EL7} opensuse-15 sles-15"));
    assert_eq!(with(Format::Rpm, compressed("payload", Compression::Xz)), []);
}

#[test]
fn r04_the_decoder_has_memory_enough() {
    let memory = |dictionary| {
        [Format::Rpm, Format::Deb]
            .map(|format| with(format, Construct::XzMemory { part: "payload".to_owned(), dictionary }))
    };
    let [rpm, deb] = memory(128 << 20);
    assert_eq!(shown(&rpm), ["R04 payload with an xz dictionary of 128 MiB: rpm gives its decoder 100 MiB"]);
    assert_eq!(rpm[0].targets.len(), 27);
    assert_eq!(deb, []);
    assert_eq!(memory(96 << 20), [[], []]);
    assert_eq!(memory(u64::MAX).map(|findings| findings.len()), [1, 0]);
}

#[test]
fn r06_the_signature_header_is_small() {
    let size = |bytes, tags| with(Format::Rpm, Construct::SignatureHeader { bytes, tags });
    let findings = size(9128, 8);
    let why = "rpm before 4.15 reads 8192 bytes and 32 tags";
    assert_eq!(shown(&findings), [format!("R06 signature header of 9128 bytes and 8 tags: {why}")]);
    assert_eq!(targets(&findings[0]), OLD_RPM);
    assert_eq!(shown(&size(100, 33)), [format!("R06 signature header of 100 bytes and 33 tags: {why}")]);
    assert_eq!(size(8192, 32), []);
}

#[test]
fn r07_old_rpm_can_check_the_signatures() {
    let findings = with(Format::Rpm, signature(268, "EdDSA/SHA256"));
    let what = "R07 signature EdDSA/SHA256 in tag 268: rpm checks curves since 4.16, and RSA always";
    assert_eq!(shown(&findings), [what]);
    assert_eq!(
        targets(&findings[0]),
        "centos-7 centos-8 rhel-7 rhel-8 fedora-32 oracle-7 oracle-8 amazon-2 opensuse-15 sles-15"
    );
    let findings = with(Format::Rpm, signature(1002, "RSA/SHA256"));
    let what = "R07 signature RSA/SHA256 in tag 1002: rpm 4.11 checks header and payload together only with MD5";
    assert_eq!(shown(&findings), [what]);
    assert_eq!(targets(&findings[0]), EL7);
    let findings = with(Format::Rpm, signature(268, "unknown"));
    assert_eq!(shown(&findings), ["R07 signature unknown in tag 268: no rpm is known to check it"]);
    assert_eq!(with(Format::Rpm, signature(278, "EdDSA/SHA512")), [], "only rpm 6 looks at this tag");
}

#[test]
fn r08_digests_can_be_computed_in_fips_mode() {
    let findings = found(Format::Rpm, |view| {
        view.constructs.retain(|construct| !matches!(construct, Construct::Digest { .. }));
        view.constructs.push(Construct::Digest { of: "header and payload", by: "MD5" });
        view.constructs.push(Construct::Digest { of: "files", by: "MD5" });
    });
    let why = "in FIPS mode rpm wants one that is not MD5";
    let whats = ["files with digests by MD5", "header without a digest", "payload without a digest"];
    assert_eq!(shown(&findings), whats.map(|what| format!("R08 {what}: {why}")));
    assert_eq!(findings[0].targets.len(), 27 - 4);
}

#[test]
fn r09_sha1_alone_is_nothing_to_rpm_6() {
    let sha256 = Construct::Digest { of: "header", by: "SHA256" };
    let findings = found(Format::Rpm, |view| view.constructs.retain(|construct| *construct != sha256));
    assert_eq!(shown(&findings), ["R09 header with SHA-1 alone: rpm 6 looks at neither SHA-1 nor MD5"]);
    assert_eq!(targets(&findings[0]), "fedora-43 fedora-44 fedora-45");
}

#[test]
fn r10_signatures_by_sha1_are_refused_today() {
    let findings = with(Format::Rpm, signature(267, "DSA/SHA1"));
    assert_eq!(shown(&findings), ["R10 signature DSA/SHA1 in tag 267: SHA-1 and MD5 are refused"]);
    assert!(targets(&findings[0]).starts_with("rhel-9 rhel-10 fedora-38 "));
}

#[test]
fn r11_no_files_share_an_inode() {
    let findings = with(Format::Rpm, Construct::SharedInodes);
    assert_eq!(shown(&findings), ["R11 files with one inode: rpm before 4.14 gives both the content of one"]);
    assert_eq!(targets(&findings[0]), EL7);
}

#[test]
fn r12_r13_scripts_are_shell_at_old_places() {
    let run = |place: &str, by: &str| found(Format::Rpm, |view| view.scripts.push(script(place, by, "")));
    let findings = run("pretrans", "<lua>");
    assert_eq!(shown(&findings), ["R12 script `pretrans`: rpm's Lua differs from version to version"]);
    assert_eq!((findings[0].rule.severity(), findings[0].targets.len()), (Severity::Warning, 27));
    let findings = run("transfiletriggerin -- /usr/lib/systemd", "/bin/sh");
    assert_eq!(shown(&findings), ["R13 script `transfiletriggerin -- /usr/lib/systemd`: rpm runs it since 4.13"]);
    assert_eq!(targets(&findings[0]), EL7);
    assert_eq!(shown(&run("preuntrans", "/bin/sh")), ["R13 script `preuntrans`: rpm runs it since 4.19"]);
    assert_eq!(run("triggerin -- container-selinux", "/bin/sh"), []);
}

#[test]
fn r14_a_package_without_a_signature_is_told_where_one_is_wanted() {
    let findings = found(Format::Rpm, |view| {
        view.constructs.retain(|construct| !matches!(construct, Construct::Signature { .. }));
    });
    assert_eq!(shown(&findings), ["R14 package: it is not signed, and rpm takes none that is not"]);
    assert_eq!((targets(&findings[0]).as_str(), findings[0].rule.severity()), ("fedora-45", Severity::Warning));
}

#[test]
fn r15_no_feature_is_wanted_that_rpm_has_not() {
    let findings = relation(RelationKind::Depends, "rpmlib(PayloadIsZstd) <= 5.4.18-1");
    assert_eq!(
        shown(&findings),
        ["R15 relation `rpmlib(PayloadIsZstd) <= 5.4.18-1`: rpm reads it since 4.14, where it is built in"]
    );
    assert_eq!(targets(&findings[0]), format!("{EL7} opensuse-15 sles-15"));
    let findings = relation(RelationKind::Depends, "rpmlib(LargeFiles) <= 4.12.0-1");
    assert_eq!(shown(&findings), ["R15 relation `rpmlib(LargeFiles) <= 4.12.0-1`: rpm has it since 4.12"]);
    let findings = relation(RelationKind::Depends, "rpmlib(Telepathy) <= 9-1");
    assert_eq!(shown(&findings), ["R15 relation `rpmlib(Telepathy) <= 9-1`: no rpm is known to have it"]);
    assert_eq!(relation(RelationKind::Depends, "rpmlib(TildeInVersions) <= 4.10.0-1"), []);
}

#[test]
fn s01_scripts_call_what_is_there() {
    let runs = |text: &str| {
        let findings = found(Format::Rpm, |view| view.scripts.push(script("preun", "/bin/sh", text)));
        findings.iter().map(|finding| format!("{finding} ({})", finding.targets[0])).collect::<Vec<_>>()
    };
    assert_eq!(
        runs("set -e\nif [ $1 = 0 ]; then systemctl --no-reload disable --now a.service || :; fi\n"),
        ["S01 `systemctl --now` in preun: systemd has it since 220 (centos-7)"]
    );
    assert_eq!(
        runs("/usr/bin/systemd-sysusers a.conf\n/usr/bin/systemctl \\\n  reload-or-restart --marked\n"),
        [
            "S01 `systemctl --marked` in preun: systemd has it since 248 (centos-7)",
            "S01 `systemd-sysusers` in preun: systemd has it since 220 (centos-7)",
        ]
    );
    for harmless in [
        "# systemctl disable --now a\n",
        "echo systemctl disable --now a\n",
        "say \"try systemctl disable --now a\"\n",
        "command -v systemd-sysusers >/dev/null && systemd-sysusers a.conf\n",
        "if [ -x /usr/lib/systemd/systemd-update-helper ]; then\n/usr/lib/systemd/systemd-update-helper x\nfi\n",
        "systemctl --no-reload disable a\nother --now\n",
    ] {
        assert_eq!(runs(harmless), [""; 0], "{harmless}");
    }
}

#[test]
fn units_are_those_of_every_systemd() {
    let path = "/usr/lib/systemd/system/a.service";
    let units = BTreeMap::from([(path.to_owned(), "[Unit]\nStartLimitIntervalSec=1\n[Service]\nFoo=1\n".to_owned())]);
    let findings = check(&good(Format::Rpm), &units, &all());
    assert_eq!(
        shown(&findings),
        [
            format!("U03 {path}: line 4: no systemd understands `Foo` here"),
            format!("U04 {path}: line 2: `StartLimitIntervalSec` is understood here since systemd 230"),
        ]
    );
    assert_eq!((findings[0].targets.len(), targets(&findings[1])), (27, EL7.to_owned()));
}

#[test]
fn only_the_targets_asked_about_are_looked_at() {
    let mut view = good(Format::Rpm);
    view.constructs.push(compressed("payload", Compression::Zstd));
    let ask = |names: &[&str]| {
        let targets: Vec<Target> = names.iter().map(|name| name.parse().expect(name)).collect();
        check(&view, &BTreeMap::new(), &targets).len()
    };
    assert_eq!([ask(&["centos-7"]), ask(&["fedora-45"]), ask(&["debian-9"]), ask(&[])], [1, 0, 0, 0]);
}

#[test]
fn findings_are_told_to_programs() {
    let findings = with(Format::Deb, Construct::GnuLargeNumber { part: "data.tar".to_owned() });
    assert_eq!(
        serde_json::to_value(findings).expect("JSON"),
        serde_json::json!([{
            "rule": "D03",
            "severity": "fault",
            "targets": ["ubuntu-16.04"],
            "what": "data.tar with numbers beyond octal digits",
            "why": "dpkg reads them since 1.18.24",
        }])
    );
}

proptest! {
    // Each asks all targets.
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_text_of_a_package_ends_the_check(
        script_text in "(systemctl|[a-z;|&$\"'\\\\ \n-]|--now|\\PC){0,40}", relation in "\\PC{0,20}", version in "\\PC{0,9}",
        path in "/usr/lib/systemd/system/\\PC{0,9}", unit in "(\\[Service\\]\n|[A-Z]x=|\\PC|\n){0,20}", place in "\\PC{0,9}",
    ) {
        for format in [Format::Deb, Format::Rpm] {
            let mut view = good(format);
            view.scripts.push(script(&place, &place, &script_text));
            view.scripts.push(script("post", "/bin/sh", &script_text));
            view.relations.insert(RelationKind::Depends, vec![relation.clone(), format!("dpkg (>= {version})")]);
            view.version = version.clone();
            view.entries.push(file(&path));
            let units = BTreeMap::from([(path.clone(), unit.clone())]);
            check(&view, &units, &all());
            difference(&view, &good(format));
            explain(&view, &units);
        }
    }
}

/// A package with the engine's life cycle and units, as large as a real one is to its xz header.
fn engine_package() -> Package {
    let lifecycle = engine::lifecycle();
    let mut package = sample::package();
    package.scripts = lifecycle.scripts();
    package.entries.extend(lifecycle.preset());
    for (format, folder) in [(Format::Deb, "/lib/systemd/system"), (Format::Rpm, "/usr/lib/systemd/system")] {
        for (name, text) in [("docker.service", SERVICE), ("docker.socket", SOCKET)] {
            let mut unit = sample::file(&format!("{folder}/{name}"), text.as_bytes(), 0o644, dam_pack::Role::Plain);
            unit.only = vec![format];
            package.entries.push(unit);
        }
    }
    let relations = package.relations[&Format::Deb].clone();
    package.relations.insert(Format::Rpm, relations);
    package
}

fn read(format: Format, path: &Path) -> (PackageView, UnitFiles) {
    let mut file = std::fs::File::open(path).expect("a package");
    let mut units = UnitFiles::default();
    let view = match format {
        Format::Deb => deb::read(&mut file, &mut units.visitor()),
        Format::Rpm => rpm::read(&mut file, &mut units.visitor()),
    };
    (view.expect("a good package"), units)
}

/// The promise of the whole crate.
#[test]
fn our_own_packages_are_read_by_every_target() {
    let package = engine_package();
    let folder = tempfile::tempdir().expect("a folder");
    let (deb_path, rpm_path) = (folder.path().join("a.deb"), folder.path().join("a.rpm"));
    deb::write(&package, &deb_path, &mut dam_pack::unwatched).expect("written");
    rpm::write(&package, &rpm_path, None, &mut dam_pack::unwatched).expect("written");

    let (view, units) = read(Format::Deb, &deb_path);
    assert_eq!(
        units.texts().keys().collect::<Vec<_>>(),
        ["/lib/systemd/system/docker.service", "/lib/systemd/system/docker.socket"]
    );
    assert!(view.scripts.len() >= 3 && view.constructs.len() >= 4, "{:?}", view.constructs);
    assert_eq!(shown(&check(&view, units.texts(), &all())), [""; 0]);

    let (view, units) = read(Format::Rpm, &rpm_path);
    assert_eq!(units.texts()["/usr/lib/systemd/system/docker.service"], SERVICE);
    assert!(view.scripts.len() >= 4 && view.constructs.len() >= 6, "{:?}", view.constructs);
    let findings = check(&view, units.texts(), &all());
    assert_eq!(shown(&findings), ["R14 package: it is not signed, and rpm takes none that is not"]);
}

/// What another packer writes: numbers beyond octal digits are seen in the archive itself.
#[test]
fn large_numbers_are_seen_in_a_deb() {
    let tar = |bytes: &[u8]| {
        let mut header = [0_u8; 512];
        header[..4].copy_from_slice(b"./a\0");
        header[100..108].copy_from_slice(b"0000644\0");
        header[124..136].copy_from_slice(b"00000000000\0");
        header[136..148].copy_from_slice(bytes);
        header[156] = b'0';
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        [&header[..], &[0; 1024]].concat()
    };
    let control = b"Package: a\nVersion: 1\nArchitecture: all\n";
    let mut control_tar = tar(b"00000000000\0");
    control_tar[..10].copy_from_slice(b"./control\0");
    control_tar[124..136].copy_from_slice(format!("{:011o}\0", control.len()).as_bytes());
    control_tar[148..156].fill(b' ');
    let sum: u32 = control_tar[..512].iter().map(|byte| u32::from(*byte)).sum();
    control_tar[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut padded = control.to_vec();
    padded.resize(512, 0);
    control_tar.splice(512..512, padded);
    let deb = |time: &[u8]| {
        let mut bytes = b"!<arch>\n".to_vec();
        for (name, content) in
            [("debian-binary", b"2.0\n".to_vec()), ("control.tar", control_tar.clone()), ("data.tar", tar(time))]
        {
            bytes.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100644, content.len()).bytes());
            bytes.extend(content);
        }
        let view = deb::read(&mut &bytes[..], &mut |_, _, _| Ok(())).expect("a package");
        view.constructs.contains(&Construct::GnuLargeNumber { part: "data.tar".to_owned() })
    };
    assert!(!deb(b"00000000000\0"));
    assert!(deb(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]));
}
