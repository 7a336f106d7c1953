//! What apt makes of a repository.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::Command;

use dam_pack::repo::{APT_KEY, Options, Place, write};
use tempfile::TempDir;

use crate::keys::Keys;
use crate::stick::Stick;
use crate::tools::{Answer, run, shown};

/// An apt that knows nothing of this machine.
struct Apt(TempDir);

impl Apt {
    /// Knows one line of sources.
    fn new(line: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["etc/apt.conf.d", "etc/preferences.d", "state/lists/partial", "cache/archives/partial", "log"] {
            fs::create_dir_all(folder.path().join(name)).expect("a folder");
        }
        let place = folder.path().display();
        let settings = format!(
            "Dir \"{place}\";\nDir::Etc \"etc/\";\nDir::State \"state/\";\nDir::State::status \"{place}/status\";\n\
             Dir::Cache \"cache/\";\nDir::Log \"log/\";\nAPT::Architecture \"amd64\";\nAPT::Sandbox::User \"root\";\n\
             Acquire::Languages \"none\";\n"
        );
        fs::write(folder.path().join("apt.conf"), settings).expect("a file");
        fs::write(folder.path().join("status"), "").expect("a file");
        fs::write(folder.path().join("etc/sources.list"), line).expect("a file");
        Self(folder)
    }

    fn run(&self, program: &str, words: &[&str]) -> Answer {
        let mut command = Command::new(program);
        command.args(words).env("APT_CONFIG", self.path("apt.conf")).env("LC_ALL", "C").current_dir(self.0.path());
        let out = command.output().expect("apt, which every Debian has");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Answer { good: out.status.success(), out: text(&out.stdout), err: text(&out.stderr) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Fetches the lists, and neither fails nor warns.
    #[track_caller]
    fn updated(self) -> Self {
        let answer = self.run("apt-get", &["update"]);
        assert!(answer.good && answer.err.is_empty(), "{answer:?}");
        self
    }
}

fn stick() -> Stick {
    Stick::new()
        .deb("dam-sample_26.1.5-1_amd64.deb", "26.1.5")
        .deb("deb/dam-sample_26.1.6~rc1+x-1_amd64.deb", "26.1.6~rc1+x")
}

fn trusted(stick: &Stick) -> Apt {
    Apt::new(&Place::folder(stick.folder()).expect("good").apt_source(false)).updated()
}

#[test]
fn apt_finds_every_version_and_installs_the_newest() {
    let stick = stick();
    stick.made(None);
    let apt = trusted(&stick);
    let policy = apt.run("apt-cache", &["policy", "dam-sample"]).expect();
    let place = stick.folder().display();
    assert_eq!(
        policy,
        format!(
            "dam-sample:\n  Installed: (none)\n  Candidate: 2:26.1.6~rc1+x-1\n  Version table:\n     2:26.1.6~rc1+x-1 500\n        \
             500 file:{place} ./ Packages\n     2:26.1.5-1 500\n        500 file:{place} ./ Packages\n"
        )
    );
    let all = apt.run("apt-cache", &["policy"]).expect();
    assert!(all.contains(&format!("500 file:{place} ./ Packages\n     release o=dam,a=dam,n=dam,l=dam,c=\n")), "{all}");

    let wanted = ["install", "--download-only", "--yes", "--print-uris", "--no-install-recommends", "dam-sample"];
    let uris = apt.run("apt-get", &wanted).expect();
    let name = "dam-sample_26.1.6%7erc1%2bx-1_amd64.deb";
    assert!(uris.contains(&format!("'file:{place}/./deb/{name}'")), "{uris}");
    apt.run("apt-get", &["download", "dam-sample=2:26.1.5-1"]).expect();
    let got = fs::read(apt.path("dam-sample_2%3a26.1.5-1_amd64.deb")).expect("downloaded");
    assert!(got == fs::read(stick.path("dam-sample_26.1.5-1_amd64.deb")).expect("there"));
}

#[test]
fn apt_shows_what_the_package_says_of_itself() {
    let stick = stick();
    stick.made(None);
    let apt = trusted(&stick);
    let said = apt.run("apt-cache", &["show", "dam-sample=2:26.1.5-1"]).expect();
    let control = run("dpkg-deb", &["-f", shown(&stick.path("dam-sample_26.1.5-1_amd64.deb"))]).expect();
    let fields = |text: &str| {
        let mut fields: Vec<String> = Vec::new();
        for line in text.trim_end().lines() {
            match (line.starts_with(' '), fields.last_mut()) {
                (true, Some(field)) => *field += &format!("\n{line}"),
                _ => fields.push(line.to_owned()),
            }
        }
        fields.retain(|field| !field.starts_with("Description-md5: "));
        fields.sort();
        fields
    };
    let own =
        |field: &String| ["Filename: ", "Size: ", "MD5sum: ", "SHA256: "].iter().any(|own| field.starts_with(own));
    let (own, rest): (Vec<_>, Vec<_>) = fields(&said).into_iter().partition(own);
    assert_eq!(rest, fields(&control));
    assert_eq!(own.len(), 4);
}

#[test]
fn apt_believes_a_signed_repository_and_no_other() {
    let keys = Keys::new("rsa3072", "");
    let stick = stick();
    stick.made(Some(&keys.key()));
    let ring = stick.path("dam-archive-keyring.gpg");
    let source = Place::folder(stick.folder()).expect("good").apt_source(true);
    let line = |ring: &str| source.replace(APT_KEY, ring);
    let apt = Apt::new(&line(shown(&ring))).updated();
    assert!(apt.run("apt-get", &["download", "dam-sample"]).good);

    // Release and Release.gpg are for apt before 1.0, and for whoever looks.
    run("gpgv", &["--keyring", shown(&ring), shown(&stick.path("Release.gpg")), shown(&stick.path("Release"))])
        .expect();
    let signed = stick.text("InRelease");
    fs::remove_file(stick.path("InRelease")).expect("removed");
    Apt::new(&line(shown(&ring))).updated();

    fs::write(stick.path("InRelease"), signed.replace("Label: dam", "Label: dan")).expect("written");
    let refused = Apt::new(&line(shown(&ring))).run("apt-get", &["update"]);
    assert!(!refused.good && refused.err.contains("BADSIG"), "{refused:?}");

    fs::write(stick.path("InRelease"), signed).expect("written");
    let other = Keys::new("rsa2048", "");
    let ring = other.write("other.gpg", other.key().public());
    let refused = Apt::new(&line(shown(&ring))).run("apt-get", &["update"]);
    assert!(!refused.good && refused.err.contains("NO_PUBKEY"), "{refused:?}");
}

#[test]
fn a_package_that_was_changed_is_refused() {
    let stick = stick();
    stick.made(None);
    let apt = trusted(&stick);
    let path = stick.path("dam-sample_26.1.5-1_amd64.deb");
    let mut bytes = fs::read(&path).expect("there");
    *bytes.last_mut().expect("bytes") ^= 1;
    fs::write(&path, bytes).expect("written");
    let refused = apt.run("apt-get", &["download", "dam-sample=2:26.1.5-1"]);
    assert!(!refused.good && refused.err.contains("Hash Sum mismatch"), "{refused:?}");
}

#[test]
fn folders_may_have_any_name_that_a_source_can_quote() {
    for name in ["plant 7", "größe", "a#b", "a[b]", "a'\"b", "a?b&c=d", "a+b~c,d;e", "(a){b}", "$a\\b!"] {
        let stick = Stick::new().deb(&format!("{name}/my packages/dam-sample_2%3a26.1.5-1_amd64.deb"), "26.1.5");
        let folder = stick.path(name);
        let options = Options { source_date: None, now: 0, seal: None };
        write(&folder, options, &|_| ControlFlow::Continue(())).expect("made");
        let apt = Apt::new(&Place::folder(&folder).expect("good").apt_source(false)).updated();
        apt.run("apt-get", &["download", "dam-sample"]).expect();
    }
}
