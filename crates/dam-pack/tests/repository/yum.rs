//! What dnf makes of a repository, and createrepo_c of the same packages.

use std::fs::{self, File};
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, SystemTime};

use dam_pack::repo::{Options, Place, YUM_KEY, write};
use flate2::read::GzDecoder;
use tempfile::TempDir;

use crate::keys::Keys;
use crate::stick::{DATE, Stick};
use crate::tools::{Answer, run, shown};

/// Every part of the metadata, uncompressed, by its kind.
fn parts(folder: &Path) -> Vec<(String, String)> {
    let mut parts: Vec<_> = fs::read_dir(folder.join("repodata"))
        .expect("metadata")
        .map(|entry| entry.expect("an entry").path())
        .filter_map(|path| {
            let (_, part) = path.file_name()?.to_str()?.strip_suffix(".xml.gz")?.split_once('-')?;
            let mut text = String::new();
            GzDecoder::new(File::open(&path).expect("a file")).read_to_string(&mut text).expect("good");
            Some((part.to_owned(), text))
        })
        .collect();
    parts.sort();
    parts
}

/// A package with one of everything that dependencies can be.
const SPEC: &str = r#"
Name: thing
Version: 1.2~rc1
Release: 3
Epoch: 2
Summary: A <thing> & more
License: MIT
URL: https://example.org/?a=1&b=2
Requires: iptables >= 1:2.0-3
Requires(pre): /usr/bin/foo
Requires: (a or b) /etc/x/c
Recommends: rec > 1
Suggests: sug
Supplements: sup
Enhances: enh = 1-2
Conflicts: con < 3
Obsoletes: obs <= 4
Provides: prov = 7
BuildArch: noarch
%description
Line one.

Two "quoted" 'x' é.
%install
mkdir -p %buildroot/usr/bin %buildroot/etc/x %buildroot/usr/share/t
for file in usr/bin/a etc/x/c usr/share/t/d; do echo hi >%buildroot/$file; done
ln -s a %buildroot/usr/bin/l
%post
echo
%files
%dir /etc/x
/usr/bin/*
%config(noreplace) /etc/x/c
/usr/share/t
%ghost /var/g
%changelog
* Tue Nov 14 2023 A <a@x> - 1.2
- one & two
- 2nd
* Mon Nov 13 2023 B <b@x> - 1.1
- zero
"#;

fn of_rpmbuild() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = folder.path().join("thing.spec");
    fs::write(&spec, SPEC).expect("a file");
    let define = format!("_topdir {}", folder.path().display());
    let words = ["-bb", "--quiet", "--define", &define, "--define", "_buildhost host", "--nodeps"];
    let words = [&words[..], &["--define", "use_source_date_epoch_as_buildtime 1", shown(&spec)]].concat();
    run("rpmbuild", &words).expect();
    fs::read(folder.path().join("RPMS/noarch/thing-1.2~rc1-3.noarch.rpm")).expect("built")
}

#[test]
fn createrepo_would_have_written_the_same() {
    let stick = Stick::new().rpm("rpm/sample.rpm", "26.1.5~rc1", None).file("thing-&.rpm", of_rpmbuild());
    stick.made(None);
    let made = parts(stick.folder());
    assert_eq!(made.iter().map(|(part, _)| part.as_str()).collect::<Vec<_>>(), ["filelists", "other", "primary"]);

    // It tells the time of the file, and we that of what is in it.
    for (name, date) in [("rpm/sample.rpm", DATE), ("thing-&.rpm", DATE)] {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(date));
        File::options().append(true).open(stick.path(name)).and_then(|file| file.set_modified(time)).expect("set");
    }
    run("createrepo_c", &["--quiet", "--no-database", "--compress-type", "gz", shown(stick.folder())]).expect();
    let theirs = parts(stick.folder());
    for ((part, ours), (_, theirs)) in made.iter().zip(&theirs) {
        // It tells of the shell once more for scripts that need it later.
        let theirs = theirs.replace("      <rpm:entry name=\"/bin/sh\"/>\n", "");
        assert_eq!(*ours, theirs, "{part}");
    }
}

/// A dnf that knows nothing of this machine.
struct Dnf(TempDir);

impl Dnf {
    /// Knows the repository by the lines that are given to everybody, but for the place of the key.
    fn new(folder: &Path, key: Option<&Path>) -> Self {
        let place = Place::folder(folder).expect("good");
        let source = place.yum_source(key.is_some(), true);
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["root", "repos", "log"] {
            fs::create_dir_all(folder.path().join(name)).expect("a folder");
        }
        let repo = source.replace(YUM_KEY, key.map_or("", shown));
        fs::write(folder.path().join("repos/dam.repo"), &repo).expect("a file");
        fs::write(folder.path().join("dnf.conf"), "[main]\nplugins=0\n").expect("a file");
        Self(folder)
    }

    fn run(&self, words: &[&str]) -> Answer {
        let place = |name: &str| self.0.path().join(name).display().to_string();
        let set = [
            format!("--config={}", place("dnf.conf")),
            format!("--installroot={}", place("root")),
            format!("--setopt=reposdir={}", place("repos")),
            format!("--setopt=cachedir={}", place("cache")),
            format!("--setopt=logdir={}", place("log")),
            format!("--setopt=persistdir={}", place("persist")),
            "--setopt=varsdir=/nonexistent".to_owned(),
            "--releasever=1".to_owned(),
            "--forcearch=x86_64".to_owned(),
            "--assumeyes".to_owned(),
        ];
        let set: Vec<&str> = set.iter().map(String::as_str).collect();
        run("dnf", &[&set, words].concat())
    }
}

#[test]
fn dnf_finds_what_is_there() {
    let stick = Stick::new().rpm("rpm/sample-26.1.5.rpm", "26.1.5", None).rpm(
        "rpm/sample-26.1.6~rc1+x.rpm",
        "26.1.6~rc1+x",
        None,
    );
    stick.made(None);
    let dnf = Dnf::new(stick.folder(), None);
    let found = dnf.run(&["-q", "repoquery", "sample"]).expect();
    assert_eq!(found, "sample-2:26.1.5-1.x86_64\nsample-2:26.1.6~rc1+x-1.x86_64\n");
    let ask = |what: &str| dnf.run(&["-q", "repoquery", what, "sample-26.1.5"]).expect();
    assert_eq!(ask("--recommends"), "container-selinux >= 2:2.74\n");
    assert_eq!(ask("--suggests"), "git\n");
    assert_eq!(ask("--conflicts"), "docker < 3\ndocker-ce\n");
    assert!(ask("--list").contains("/usr/share/licenses/sample/LICENSE\n"));
    assert!(ask("--changelog").contains("- one"));
    let path = ask("--location");
    assert_eq!(path, format!("file://{}/rpm/sample-26.1.5.rpm\n", stick.folder().display()));
}

#[test]
fn dnf_believes_a_signed_repository_and_no_other() {
    let keys = Keys::new("rsa3072", "");
    let key = keys.key();
    let stick = Stick::new().empty_rpm("empty.rpm", Some(&key));
    assert!(stick.made(Some(&key)).signs_every_rpm());
    let dnf = Dnf::new(stick.folder(), Some(&stick.path("dam-archive-keyring.asc")));
    let installed = dnf.run(&["install", "sample"]);
    assert!(installed.good && installed.out.contains("Complete!"), "{installed:?}");
    let list = dnf.run(&["-q", "list", "--installed"]).expect();
    assert_eq!(list.split_whitespace().collect::<Vec<_>>()[2..], ["sample.noarch", "1.0-1", "@dam"]);

    let forged = stick.text("repodata/repomd.xml").replace("</revision>", "1</revision>");
    fs::write(stick.path("repodata/repomd.xml"), forged).expect("written");
    let refused = Dnf::new(stick.folder(), Some(&stick.path("dam-archive-keyring.asc"))).run(&["install", "sample"]);
    assert!(!refused.good && refused.err.contains("repomd.xml GPG signature verification error"), "{refused:?}");

    stick.made(Some(&key));
    let other = Keys::new("rsa2048", "");
    let armored = other.write("other.asc", other.key().public_armored());
    let refused = Dnf::new(stick.folder(), Some(&armored)).run(&["install", "sample"]);
    assert!(!refused.good && refused.err.contains("repomd.xml GPG signature verification error"), "{refused:?}");
}

#[test]
fn names_may_be_anything_that_a_source_can_quote() {
    let stick = Stick::new().empty_rpm("größe 7,[#]?+/my packages/sample%3a1~+&.rpm", None);
    let folder = stick.path("größe 7,[#]?+");
    let options = Options { source_date: None, now: 0, seal: None };
    write(&folder, options, &|_| ControlFlow::Continue(())).expect("made");
    let installed = Dnf::new(&folder, None).run(&["install", "sample"]);
    assert!(installed.good && installed.out.contains("Complete!"), "{installed:?}");
}

#[test]
fn a_package_of_another_key_is_told_from_one_of_the_own() {
    let keys = [Keys::new("rsa2048", ""), Keys::new("rsa2048", "")];
    let [own, other] = keys.each_ref().map(Keys::key);
    let stick = Stick::new()
        .deb("a.deb", "1")
        .rpm("1.rpm", "1", Some(&own))
        .rpm("2.rpm", "2", Some(&other))
        .rpm("3.rpm", "3", None);
    let made = stick.made(Some(&own));
    let signed: Vec<_> = made.packages.iter().map(|package| (package.path.as_str(), package.signed)).collect();
    assert_eq!(signed, [("1.rpm", true), ("2.rpm", false), ("3.rpm", false), ("a.deb", false)]);
    assert!(!made.signs_every_rpm());
    assert!(stick.made(None).packages.iter().all(|package| !package.signed));
}
