//! How packages are installed: the rules as a table over all targets, the effects with programs that only take notes, and the
//! trial on a real engine.

use std::collections::{BTreeMap, BTreeSet};

use std::path::PathBuf;

use dam_core::Cancel;
use dam_core::engine::{OsRelease, PackageFile};
use dam_core::event::Silent;
use dam_core::ops::engine::install::{
    Change, InstallFault, InstalledPackage, Machine, Note, Plan, Present, Tool, smoke,
};
use dam_core::store::docker::Endpoint;
use dam_core::testing::PrivateDocker;
use dam_core::testing::packages::{package, write_deb, write_rpm};
use dam_pack::targets::Target;
use dam_pack::{Format, Package};
use tempfile::TempDir;

/// What the targets say of themselves, and what they have.
const MACHINES: [(&str, &str, &str); 39] = [
    ("centos-7", "ID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"7\"", "yum rpm"),
    ("centos-8", "ID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"8\"", "dnf yum rpm"),
    ("rhel-7", "ID=\"rhel\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"7.9\"", "yum rpm"),
    ("rhel-8", "ID=\"rhel\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"8.10\"", "dnf yum rpm"),
    ("rhel-9", "ID=\"rhel\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"9.4\"", "dnf yum rpm"),
    ("rhel-10", "ID=\"rhel\"\nID_LIKE=\"centos fedora\"\nVERSION_ID=\"10.0\"", "dnf yum rpm"),
    ("fedora-32", "ID=fedora\nVERSION_ID=32", "dnf yum rpm"),
    ("fedora-33", "ID=fedora\nVERSION_ID=33", "dnf yum rpm"),
    ("fedora-34", "ID=fedora\nVERSION_ID=34", "dnf yum rpm"),
    ("fedora-35", "ID=fedora\nVERSION_ID=35", "dnf yum rpm"),
    ("fedora-36", "ID=fedora\nVERSION_ID=36", "dnf yum rpm"),
    ("fedora-37", "ID=fedora\nVERSION_ID=37", "dnf yum rpm"),
    ("fedora-38", "ID=fedora\nVERSION_ID=38", "dnf yum rpm"),
    ("fedora-39", "ID=fedora\nVERSION_ID=39", "dnf yum rpm"),
    ("fedora-40", "ID=fedora\nVERSION_ID=40", "dnf yum rpm"),
    ("fedora-41", "ID=fedora\nVERSION_ID=41", "dnf yum rpm"),
    ("fedora-42", "ID=fedora\nVERSION_ID=42", "dnf yum rpm"),
    ("fedora-43", "ID=fedora\nVERSION_ID=43", "dnf yum rpm"),
    ("fedora-44", "ID=fedora\nVERSION_ID=44", "dnf yum rpm"),
    ("fedora-45", "ID=fedora\nVERSION_ID=45", "dnf yum rpm"),
    ("oracle-7", "ID=\"ol\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"7.9\"", "yum rpm"),
    ("oracle-8", "ID=\"ol\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"8.10\"", "dnf yum rpm"),
    ("oracle-9", "ID=\"ol\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"9.5\"", "dnf yum rpm"),
    ("amazon-2", "ID=\"amzn\"\nID_LIKE=\"centos rhel fedora\"\nVERSION_ID=\"2\"", "yum rpm"),
    ("amazon-2023", "ID=\"amzn\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"2023\"", "dnf yum rpm"),
    ("opensuse-15", "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\nVERSION_ID=\"15.6\"", "zypper rpm"),
    ("sles-15", "ID=\"sles\"\nID_LIKE=\"suse\"\nVERSION_ID=\"15.6\"", "zypper rpm"),
    ("ubuntu-16.04", "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"16.04\"\nVERSION_CODENAME=xenial", "apt-get dpkg"),
    ("ubuntu-18.04", "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"18.04\"\nVERSION_CODENAME=bionic", "apt-get dpkg"),
    ("ubuntu-20.04", "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"20.04\"\nVERSION_CODENAME=focal", "apt-get dpkg"),
    ("ubuntu-22.04", "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"22.04\"\nVERSION_CODENAME=jammy", "apt-get dpkg"),
    ("ubuntu-24.04", "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"24.04\"\nVERSION_CODENAME=noble", "apt-get dpkg"),
    ("ubuntu-26.04", "ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"26.04\"\nVERSION_CODENAME=resolute", "apt-get dpkg"),
    ("debian-9", "ID=debian\nVERSION_ID=\"9\"", "apt-get dpkg"),
    ("debian-10", "ID=debian\nVERSION_ID=\"10\"\nVERSION_CODENAME=buster", "apt-get dpkg"),
    ("debian-11", "ID=debian\nVERSION_ID=\"11\"\nVERSION_CODENAME=bullseye", "apt-get dpkg"),
    // With alien's rpm: it has one, and is none of them.
    ("debian-12", "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm", "apt-get dpkg dnf rpm"),
    ("debian-13", "ID=debian\nVERSION_ID=\"13\"\nVERSION_CODENAME=trixie", "apt-get dpkg"),
    ("debian-sid", "PRETTY_NAME=\"Debian GNU/Linux forky/sid\"\nID=debian\nVERSION_CODENAME=forky", "apt-get dpkg"),
];

const APT: &str = "apt-get install --yes --no-remove --no-install-recommends \
                   -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/dev/null \
                   -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold";

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn machine(os: &str, tools: &str) -> Machine {
    let named = |name: &&str| Tool::ALL.into_iter().find(|tool| tool.program() == *name).expect("a tool");
    Machine {
        os: OsRelease::parse(os),
        kernel: "x86_64".to_owned(),
        dpkg: None,
        tools: tools.split(' ').map(|name| (named(&name), PathBuf::from(name))).collect(),
        is_root: true,
        has_systemd: true,
        is_image: false,
    }
}

/// The sample in both formats.
struct Packages {
    _folder: TempDir,
    deb: PackageFile,
    rpm: PackageFile,
}

impl Packages {
    fn new() -> Self {
        Self::of(&package("26.1.5"))
    }

    fn of(package: &Package) -> Self {
        let folder = folder();
        let read = |path: PathBuf| PackageFile::read(&path, &Silent).expect("a package");
        let (deb, rpm) = (read(write_deb(package, folder.path())), read(write_rpm(package, folder.path())));
        Self { _folder: folder, deb, rpm }
    }

    fn for_target(&self, target: Target) -> &PackageFile {
        match target.format() {
            Format::Deb => &self.deb,
            Format::Rpm => &self.rpm,
        }
    }
}

fn installed(name: &str, version: &str) -> InstalledPackage {
    InstalledPackage { name: name.to_owned(), version: version.to_owned() }
}

/// Returns the command without the path of the package.
fn command(plan: &Plan) -> String {
    plan.command().replace(&format!(" {}", plan.path.display()), "")
}

#[test]
fn every_target_is_known_and_has_its_own_tool() {
    let packages = Packages::new();
    let mut seen = BTreeSet::new();
    for (name, os, tools) in MACHINES {
        let target: Target = name.parse().expect("a target");
        let plan = Plan::new(&machine(os, tools), packages.for_target(target), &Present::default()).expect(name);
        assert_eq!(plan.target.map(|nearest| (nearest.target, nearest.is_exact)), Some((target, true)), "{name}");
        let expected = match tools.split(' ').next().expect("a tool") {
            "apt-get" => APT,
            "dnf" => "dnf --assumeyes --disablerepo=* install",
            "yum" => "yum --assumeyes --disablerepo=* install",
            _ => "zypper --non-interactive --no-refresh install --no-recommends --allow-unsigned-rpm",
        };
        assert_eq!(command(&plan), expected, "{name}");
        assert_eq!((plan.change, plan.tries), (Change::New, true), "{name}");
        let warned = plan.notes.iter().any(|note| matches!(note, Note::Warning { .. }));
        assert_eq!(warned, name == "fedora-45", "only the newest wants signatures: {name}");
        seen.insert(target);
    }
    assert_eq!(seen.len(), Target::all().count(), "no target is forgotten");
}

#[test]
fn the_version_that_is_there_decides_what_the_tool_is_told() {
    let packages = Packages::new();
    let told = |target: &str, tools: &str, version: &str| {
        let (_, os, _) = MACHINES.into_iter().find(|(name, ..)| *name == target).expect("a target");
        let present = Present { own: Some(installed("dam-docker", version)), ..Present::default() };
        let file = packages.for_target(target.parse().expect("a target"));
        command(&Plan::new(&machine(os, tools), file, &present).expect("a plan"))
    };
    for (target, tools, older, same, newer) in
        [("debian-12", "apt-get", "", " --reinstall", " --allow-downgrades"), ("debian-12", "dpkg", "", "", "")]
    {
        let plain = if tools == "apt-get" { APT } else { "dpkg --install --force-confdef --force-confold" };
        assert_eq!(told(target, tools, "26.1.4-1"), format!("{plain}{older}"));
        assert_eq!(told(target, tools, "26.1.5-1"), format!("{plain}{same}"));
        assert_eq!(told(target, tools, "26.1.5-1.1"), format!("{plain}{newer}"));
    }
    for (tools, older, same, newer) in [
        ("dnf", "install", "reinstall", "downgrade"),
        ("yum", "install", "reinstall", "downgrade"),
        ("rpm", "--upgrade --verbose", "--upgrade --verbose --replacepkgs", "--upgrade --verbose --oldpackage"),
    ] {
        let command = |words: &str| match tools {
            "rpm" => format!("rpm {words}"),
            tool => format!("{tool} --assumeyes --disablerepo=* {words}"),
        };
        assert_eq!(told("rhel-8", tools, "26.1.4-1"), command(older));
        assert_eq!(told("rhel-8", tools, "26.1.5-1"), command(same));
        assert_eq!(told("rhel-8", tools, "1:1-1"), command(newer));
    }
}

#[test]
fn what_would_not_go_well_is_said_before() {
    let packages = Packages::new();
    let (deb, rpm) = (&packages.deb, &packages.rpm);
    let (debian, centos) = (machine(MACHINES[36].1, "apt-get dpkg"), machine(MACHINES[0].1, "yum rpm"));
    let fault = |machine: &Machine, file: &PackageFile, present: &Present| {
        let fault = Plan::new(machine, file, present).expect_err("a fault").to_string();
        fault.replace(&format!("{}/", file.path.parent().expect("a folder").display()), "")
    };
    let nothing = Present::default();
    assert_eq!(fault(&debian, rpm, &nothing), "`dam-docker-26.1.5-1.x86_64.rpm` is an .rpm, and debian installs .deb");
    assert_eq!(fault(&centos, deb, &nothing), "`dam-docker_26.1.5-1_amd64.deb` is a .deb, and centos installs .rpm");
    let arm = Machine { kernel: "aarch64".to_owned(), ..centos.clone() };
    assert_eq!(
        fault(&arm, rpm, &nothing),
        "`dam-docker-26.1.5-1.x86_64.rpm` is made for x86_64, and this machine is aarch64"
    );
    let i386 = Machine { dpkg: Some("i386".to_owned()), ..debian.clone() };
    assert_eq!(
        fault(&i386, deb, &nothing),
        "`dam-docker_26.1.5-1_amd64.deb` is made for amd64, and this machine is i386"
    );
    let image = Machine { is_image: true, ..machine("ID=fedora\nPRETTY_NAME=\"Fedora CoreOS\"\nVERSION_ID=40", "rpm") };
    assert_eq!(
        fault(&image, rpm, &nothing),
        "Fedora CoreOS is one image that rpm-ostree keeps, and takes packages only into its next one"
    );
    let bare = Machine { tools: BTreeMap::new(), ..centos.clone() };
    assert_eq!(fault(&bare, rpm, &nothing), "centos has no dnf, yum, zypper or rpm");
    assert_eq!(
        fault(&machine("ID=arch", "rpm"), rpm, &nothing),
        "arch is neither of dpkg nor of rpm, as far as it says"
    );
}

#[test]
fn packages_in_the_way_are_named() {
    let packages = Packages::new();
    let debian = machine(MACHINES[36].1, "apt-get dpkg");
    let named = BTreeMap::from([
        ("docker.io".to_owned(), vec![installed("docker.io", "20.10.24+dfsg1-1+b3")]),
        ("docker-ce".to_owned(), vec![installed("docker-ce", "5:26.1.4-1")]),
        ("iptables".to_owned(), Vec::new()),
    ]);
    let fault = Plan::new(&debian, &packages.deb, &Present { named, ..Present::default() }).expect_err("conflicts");
    assert_eq!(
        fault.to_string(),
        "dam-docker 26.1.5-1 cannot stand beside docker-ce 5:26.1.4-1, docker.io 20.10.24+dfsg1-1+b3, which are installed"
    );
    let InstallFault::Conflicts { installed, tool, .. } = fault else { panic!("{fault}") };
    let names: Vec<&str> = installed.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(tool.removal(&names), "apt-get remove docker-ce docker.io");
    let named = BTreeMap::from([("docker.io".to_owned(), Vec::new()), ("iptables".to_owned(), Vec::new())]);
    let plan =
        Plan::new(&debian, &packages.deb, &Present { named, ..Present::default() }).expect("nothing is in the way");
    assert_eq!(plan.notes, [Note::Recommended { packages: vec!["iptables".to_owned()] }]);
}

#[test]
fn a_package_that_the_target_cannot_read_is_refused_there() {
    let mut newer = package("26.1.5");
    for entry in &mut newer.entries {
        if let dam_pack::EntryKind::File { content, .. } = &mut entry.kind
            && entry.path.as_str().ends_with("/docker.service")
        {
            *content = dam_pack::Content::Bytes(b"[Service]\nExecStart=+/usr/bin/docker\n".to_vec());
        }
    }
    let packages = Packages::of(&newer);
    let (old, new) = (machine(MACHINES[0].1, "yum rpm"), machine(MACHINES[3].1, "dnf rpm"));
    let fault = Plan::new(&old, &packages.rpm, &Present::default()).expect_err("too new").to_string();
    assert!(
        fault.ends_with(
            "does not fit centos-7: U05 /usr/lib/systemd/system/docker.service: line 2: this value of `ExecStart` is \
             understood since systemd 231"
        ),
        "{fault}"
    );
    Plan::new(&new, &packages.rpm, &Present::default()).expect("new enough");
}

#[test]
fn a_container_runs_on_a_real_engine_and_nothing_stays() {
    let docker = PrivateDocker::start().expect("a Docker daemon");
    let Endpoint::Unix(socket) = docker.endpoint() else { panic!("a socket") };
    let tried = smoke(&socket, &Cancel::default(), &Silent).expect("a container");
    assert_eq!(tried.said, "a container ran");
    assert!(!tried.engine.version.is_empty() && !tried.engine.storage_driver.is_empty(), "{tried:?}");
    let left = |what: &str| {
        let mut client = std::process::Command::new("docker");
        client.arg("--host").arg(format!("unix://{}", socket.display())).args([what, "ls", "--all", "--quiet"]);
        String::from_utf8(client.output().expect("docker").stdout).expect("text")
    };
    assert_eq!((left("container"), left("image")), (String::new(), String::new()));
    let _ = smoke(&socket, &Cancel::default(), &Silent).expect("again");
}
