//! What is written, and when nothing is.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::{PermissionsExt, symlink};

use dam_pack::repo::{NameFault, Options, RepositoryError, write};
use dam_pack::sign::{PublicKey, Signer};
use dam_pack::{Package, deb};

use crate::keys::Keys;
use crate::stick::{DATE, NOW, Stick, version};

const APT: [&str; 3] = ["Packages", "Packages.gz", "Release"];

fn why(stick: &Stick) -> String {
    let error = stick.try_made(None, None).expect_err("it cannot be").to_string();
    error.replace(&format!("{}/", stick.folder().display()), "")
}

/// The names of the metadata, with `DIGEST` for digests.
fn names(stick: &Stick) -> Vec<String> {
    let short = |name: String| match name.split_once('-') {
        Some((digest, rest)) if digest.len() == "repodata/".len() + 64 => format!("repodata/DIGEST-{rest}"),
        _ => name,
    };
    let mut names: Vec<_> = stick.metadata().into_keys().map(short).collect();
    names.sort();
    names
}

#[test]
fn release_names_the_lists_and_no_end() {
    let stick = Stick::new().deb("a.deb", "1");
    let made = stick.made(None);
    assert_eq!(made.metadata, APT);
    assert_eq!(made.date, DATE);
    let release = stick.text("Release");
    let lines: Vec<_> = release.lines().map(|line| line.split(' ').next_back().expect("a word")).collect();
    assert_eq!(
        release.split("MD5Sum:").next(),
        Some(
            "Origin: dam\nLabel: dam\nSuite: dam\nCodename: dam\nDate: Tue, 14 Nov 2023 22:13:20 UTC\n\
             Architectures: amd64\nDescription: Packages for machines without internet\n"
        )
    );
    assert_eq!(lines[7..], ["MD5Sum:", "Packages", "Packages.gz", "SHA256:", "Packages", "Packages.gz"]);
}

#[test]
fn the_same_packages_give_the_same_bytes() {
    let keys = Keys::new("rsa2048", "");
    let key = keys.key();
    let made = |stick: Stick| {
        let stick = stick.rpm("rpm/x.rpm", "1", None);
        stick.made(Some(&key));
        stick.metadata()
    };
    let one = made(Stick::new().deb("a.deb", "1").deb("b.deb", "2"));
    assert!(one == made(Stick::new().deb("b.deb", "2").deb("a.deb", "1")));
    assert!(one != made(Stick::new().deb("b.deb", "3").deb("a.deb", "1")));
}

#[test]
fn the_time_is_that_of_the_packages_unless_it_is_given() {
    let stick = Stick::new().deb("a.deb", "1").rpm("x.rpm", "1", None);
    assert_eq!(stick.try_made(None, Some(7)).expect("made").date, 7);
    assert!(stick.text("Release").contains("\nDate: Thu, 01 Jan 1970 00:00:07 UTC\n"));
    assert!(stick.text("repodata/repomd.xml").contains("<revision>7</revision>"));
    let early = Options { source_date: None, now: DATE - 5, seal: None };
    assert_eq!(
        write(stick.folder(), early, &|_| ControlFlow::Continue(())).expect("made").date,
        DATE - 5,
        "never in the future"
    );
    assert_eq!(stick.made(None).date, DATE);
}

#[test]
fn what_a_former_run_left_goes() {
    let keys = Keys::new("rsa2048", "");
    let stick = Stick::new().deb("a.deb", "1").rpm("x.rpm", "1", None);
    stick.made(Some(&keys.key()));
    let parts = ["filelists", "other", "primary"].map(|part| format!("repodata/DIGEST-{part}.xml.gz"));
    let mut all = vec!["InRelease".to_owned()];
    all.extend(["Packages", "Packages.gz", "Release", "Release.gpg"].map(str::to_owned));
    all.extend(["dam-archive-keyring.asc", "dam-archive-keyring.gpg"].map(str::to_owned));
    all.extend(parts.clone());
    all.extend(["", ".asc", ".key"].map(|end| format!("repodata/repomd.xml{end}")));
    assert_eq!(names(&stick), all);

    // Another package, no key, and what a killed run left.
    let stick = stick.rpm("y.rpm", "2", None).file(".dam-repository-x", "x").file("README", "hello");
    stick.made(None);
    let mut unsigned = [APT.map(str::to_owned).to_vec(), parts.to_vec()].concat();
    unsigned.extend(["repodata/repomd.xml", "README"].map(str::to_owned));
    unsigned.sort();
    assert_eq!(names(&stick), unsigned);

    ["x.rpm", "y.rpm"].iter().for_each(|name| fs::remove_file(stick.path(name)).expect("removed"));
    stick.made(None);
    assert_eq!(names(&stick), ["Packages", "Packages.gz", "README", "Release"]);

    fs::remove_file(stick.path("a.deb")).expect("removed");
    let stick = stick.rpm("x.rpm", "1", None);
    stick.made(None);
    assert_eq!(names(&stick), [&["README".to_owned()], &parts[..], &["repodata/repomd.xml".to_owned()]].concat());
}

#[test]
fn what_cannot_be_leaves_all_as_it_was() {
    let stick = Stick::new().deb("a.deb", "1").rpm("x.rpm", "1", None);
    stick.made(None);
    let before = stick.metadata();
    let bytes = fs::read(stick.path("a.deb")).expect("there");
    let stick = stick.file("half.deb", &bytes[..bytes.len() / 2]);
    assert_eq!(why(&stick), "`half.deb` cannot be read as a package");
    fs::remove_file(stick.path("half.deb")).expect("removed");
    let stick = stick.file("text.rpm", "text");
    assert_eq!(why(&stick), "`text.rpm` cannot be read as a package");
    fs::remove_file(stick.path("text.rpm")).expect("removed");
    let stick = stick.deb("again/b.deb", "1");
    assert_eq!(why(&stick), "dam-sample 2:1-1 (amd64) is there twice: `a.deb` and `again/b.deb`");
    fs::remove_file(stick.path("again/b.deb")).expect("removed");
    let stopped =
        write(stick.folder(), Options { source_date: None, now: NOW, seal: None }, &|_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(RepositoryError::Stopped)), "{stopped:?}");
    assert!(stick.metadata() == before);
}

#[test]
fn names_that_a_stick_cannot_hold_are_refused() {
    let refused = |stick: Stick| why(&stick);
    assert_eq!(
        refused(Stick::new().file("a:1.deb", "")),
        "`a:1.deb` cannot be on every stick: FAT knows no `:` in names"
    );
    assert_eq!(
        refused(Stick::new().file("deb./a.deb", "")),
        "`deb./a.deb` cannot be on every stick: FAT drops a full stop or a space at the end of a name"
    );
    assert_eq!(
        refused(Stick::new().file("d/A.deb", "").file("d/a.DEB", "")),
        "`d/A.deb` and `d/a.DEB` are one name on a stick, where small letters are as good as large ones"
    );
    assert_eq!(
        refused(Stick::new().file("rpm/a.rpm", "").file("RPM/b.rpm", "")),
        "`RPM` and `rpm` are one name on a stick, where small letters are as good as large ones"
    );
    let stick = Stick::new();
    symlink("/nonexistent", stick.path("a.deb")).expect("a link");
    assert_eq!(why(&stick), "`a.deb` is a link, which cannot be on every stick");
    let error = Stick::new().file("nul.deb", "").try_made(None, None).expect_err("refused");
    assert!(matches!(error, RepositoryError::Name { part, fault: NameFault::Device, .. } if part == "nul.deb"));
}

#[test]
fn only_packages_are_looked_at() {
    let stick = Stick::new()
        .file("x.src.rpm", "")
        .file(".hidden/x.deb", "")
        .file("lost+found/x.deb", "")
        .file("x.deb.txt", "")
        .file("Packages.deb/x", "");
    symlink("/", stick.path("all")).expect("a link");
    assert!(matches!(stick.try_made(None, None), Err(RepositoryError::Empty { .. })));
    let error =
        write(&stick.path("none"), Options { source_date: None, now: 0, seal: None }, &|_| ControlFlow::Continue(()));
    assert!(matches!(error, Err(RepositoryError::Access { .. })), "{error:?}");
    let stick = stick.deb("X.DEB", "1");
    assert_eq!(stick.made(None).packages.len(), 1);
}

#[test]
fn a_package_says_nothing_in_the_place_of_the_list() {
    let stick = Stick::new()
        .file("a.deb", hostile("Filename: /etc/passwd\nsize: 1\nSHA256: 00\nStatus: install ok installed\n"));
    stick.made(None);
    let packages = stick.text("Packages");
    let count = |name: &str| packages.lines().filter(|line| line.to_lowercase().starts_with(name)).count();
    assert_eq!(["filename:", "size:", "sha256:", "status:"].map(count), [1, 1, 1, 0], "{packages}");
    assert!(packages.contains("\nFilename: ./a.deb\n"));
    let stick = Stick::new().file("a.deb", hostile("Note: x\n .\n  y\n"));
    stick.made(None);
    assert!(stick.text("Packages").contains("\nNote: x\n .\n  y\n"));
    let stick = Stick::new().file("a.deb", hostile("Package: b\n c\n"));
    assert_eq!(why(&stick), "`a.deb` cannot be listed: its name is `b\\nc`");
}

/// A package whose control file begins with these lines.
fn hostile(lines: &str) -> Vec<u8> {
    let stick = Stick::new().deb("a.deb", "1");
    let plain = fs::read(stick.path("a.deb")).expect("there");
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    fs::write(path("a.deb"), plain).expect("written");
    let run = |words: &[&str]| crate::tools::run("dpkg-deb", words).expect();
    run(&["-e", &path("a.deb"), &path("control")]);
    let control = fs::read_to_string(path("control/control")).expect("there");
    let name = if lines.starts_with("Package:") { control.split_once('\n').expect("lines").1 } else { &control };
    fs::write(path("control/control"), format!("{lines}{name}")).expect("written");
    fs::write(path("debian-binary"), "2.0\n").expect("written");
    fs::write(path("data.tar"), [0; 1024]).expect("written");
    crate::tools::run("tar", &["-C", &path("control"), "-czf", &path("control.tar.gz"), "."]).expect();
    let parts = ["debian-binary", "control.tar.gz", "data.tar"].map(path);
    crate::tools::run("ar", &["-rcD", &path("b.deb"), &parts[0], &parts[1], &parts[2]]).expect();
    fs::read(path("b.deb")).expect("there")
}

#[test]
fn a_signer_must_be_the_owner_of_the_key() {
    let keys = [Keys::new("rsa2048", ""), Keys::new("rsa2048", "")];
    let [own, other] = keys.each_ref().map(Keys::key);
    let stick = Stick::new().deb("a.deb", "1");
    let public = PublicKey::read(&keys[1].gpg(&["--armor", "--export"], b"")).expect("a public key");
    assert_eq!(public, other.public_key());
    assert_eq!(public.fingerprint(), other.fingerprint());
    let seal = Some((&own as &(dyn Signer + Sync), &public));
    let error = write(stick.folder(), Options { source_date: None, now: NOW, seal }, &|_| ControlFlow::Continue(()))
        .expect_err("refused");
    let RepositoryError::Sign { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.to_string(), "the signer's answer cannot be used: it is by another key than the public one");
    assert!(stick.metadata().is_empty());
    let secret = PublicKey::read(&keys[0].file()).expect_err("no public key");
    assert_eq!(secret.to_string(), "the key cannot sign: it is a secret key, which nobody else should see");
}

#[test]
fn metadata_are_for_everybody_to_read() {
    let stick = Stick::new().deb("a.deb", "1");
    stick.made(None);
    let mode = fs::metadata(stick.path("Packages")).expect("there").permissions().mode();
    let plain = stick.file("plain", "");
    assert_eq!(mode, fs::metadata(plain.path("plain")).expect("there").permissions().mode());
}

#[test]
fn a_package_without_files_is_no_trouble() {
    let stick = Stick::new().file("a.deb", "");
    let package = Package { entries: Vec::new(), version: version("1"), ..crate::of_deb::package() };
    deb::write(&package, &stick.path("a.deb"), &mut |_| ControlFlow::Continue(())).expect("written");
    assert_eq!(stick.made(None).packages[0].name, "dam-sample");
}
