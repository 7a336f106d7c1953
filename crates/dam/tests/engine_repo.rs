//! `dam engine repo`.

#[path = "../../dam-pack/tests/rpm/keys.rs"]
mod keys;
mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use dam_core::testing::packages::{package, write_deb, write_rpm};
use dam_oci::Digest;
use dam_pack::rpm;
use keys::Keys;
use serde_json::json;
use snapbox::{IntoData, str};
use support::Dam;
use support::terminal::Talk;

/// A folder `stick` with a package of both formats, one of them in a folder of its own.
fn dam() -> Dam {
    packed(Dam::new())
}

fn packed(dam: Dam) -> Dam {
    fs::create_dir_all(dam.path("stick/rpm")).expect("folders");
    write_deb(&package("26.1.5"), &dam.path("stick"));
    write_rpm(&package("26.1.5"), &dam.path("stick/rpm"));
    dam
}

fn files(dam: &Dam) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(dam.path("stick").join(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = folder.join(entry.file_name());
            if entry.file_type().expect("a kind").is_dir() {
                folders.push(path)
            } else {
                names.push(path.display().to_string())
            }
        }
    }
    names.sort();
    names
}

#[test]
fn a_stick_becomes_a_repository() {
    let dam = dam();
    dam.run("engine repo stick").success().no_stderr().stdout(str![[r#"
Made [FOLDER]/stick a repository of 2 packages, unsigned
PACKAGE     VERSION   FOR     FILE
dam-docker  26.1.5-1  amd64   dam-docker_26.1.5-1_amd64.deb
dam-docker  26.1.5-1  x86_64  rpm/dam-docker-26.1.5-1.x86_64.rpm

with apt, put into /etc/apt/sources.list.d/dam.list:
  deb [trusted=yes] file:[FOLDER]/stick ./

with yum or dnf, put into /etc/yum.repos.d/dam.repo:
  [dam]
  name=dam
  baseurl=file://[FOLDER]/stick
  enabled=1
  gpgcheck=0
  repo_gpgcheck=0
zypper takes the same in /etc/zypp/repos.d

"#]]);
    assert!(!dam.root().exists(), "no state of dam's own is touched");
    let release = fs::read_to_string(dam.path("stick/Release")).expect("there");
    assert!(release.contains("\nDate: Tue, 14 Nov 2023 22:13:20 UTC\n"), "{release}");

    let dam = dam.variable("SOURCE_DATE_EPOCH", "86400");
    let _ = dam.run("engine repo stick").success();
    let release = fs::read_to_string(dam.path("stick/Release")).expect("there");
    assert!(release.contains("\nDate: Fri, 02 Jan 1970 00:00:00 UTC\n"), "{release}");
    dam.variable("SOURCE_DATE_EPOCH", "yesterday").run("engine repo stick").misuse().stderr(str![[r#"
error: $SOURCE_DATE_EPOCH is no number of seconds since 1970

"#]]);
}

#[test]
fn a_signed_one_says_where_its_key_belongs() {
    let keys = Keys::new("rsa2048", "");
    let dam = dam().file("key.asc", keys.file());
    let fingerprint = keys.key().fingerprint();
    let run = dam.run("engine repo stick --key key.asc --at https://packages.plant/dam/").success();
    snapbox::assert_data_eq!(
        run.text().replace(&fingerprint, "[FINGERPRINT]"),
        str![[r#"
Made [FOLDER]/stick a repository of 2 packages, signed by [FINGERPRINT]
PACKAGE     VERSION   FOR     FILE
dam-docker  26.1.5-1  amd64   dam-docker_26.1.5-1_amd64.deb
dam-docker  26.1.5-1  x86_64  rpm/dam-docker-26.1.5-1.x86_64.rpm

with apt, the key comes first:
  sudo curl -fsS --create-dirs -o /usr/share/keyrings/dam-archive-keyring.gpg https://packages.plant/dam/dam-archive-keyring.gpg
then /etc/apt/sources.list.d/dam.list:
  deb [signed-by=/usr/share/keyrings/dam-archive-keyring.gpg] https://packages.plant/dam ./

with yum or dnf, the key comes first:
  sudo curl -fsS --create-dirs -o /etc/pki/rpm-gpg/RPM-GPG-KEY-dam https://packages.plant/dam/dam-archive-keyring.asc
then /etc/yum.repos.d/dam.repo:
  [dam]
  name=dam
  baseurl=https://packages.plant/dam
  enabled=1
  gpgcheck=0
  repo_gpgcheck=1
  gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-dam
zypper takes the same in /etc/zypp/repos.d

"#]]
        .raw()
    );
    run.stderr(str![[r#"
warning: the lists are signed, but not every .rpm is by the same key, as rpm 6 wants it
hint: dam engine build --key FILE   signs the .rpm it builds

"#]]);
    fs::remove_dir_all(dam.path("stick")).expect("ours");
    fs::create_dir_all(dam.path("stick/my packages")).expect("a folder");
    let path = dam.path("stick/my packages/dam.rpm");
    rpm::write(&package("26.1.5"), &path, Some(&keys.key()), &mut dam_pack::unwatched).expect("written");
    let run = dam.run("engine repo stick --key key.asc").success().no_stderr();
    snapbox::assert_data_eq!(
        run.text().replace(&fingerprint, "[FINGERPRINT]"),
        str![[r#"
Made [FOLDER]/stick a repository of 1 package, signed by [FINGERPRINT]
PACKAGE     VERSION   FOR     FILE
dam-docker  26.1.5-1  x86_64  my packages/dam.rpm

with yum or dnf, the key comes first:
  sudo install -D -m 644 [FOLDER]/stick/dam-archive-keyring.asc /etc/pki/rpm-gpg/RPM-GPG-KEY-dam
then /etc/yum.repos.d/dam.repo:
  [dam]
  name=dam
  baseurl=file://[FOLDER]/stick
  enabled=1
  gpgcheck=1
  repo_gpgcheck=1
  gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-dam
zypper takes the same in /etc/zypp/repos.d

"#]]
        .raw()
    );
}

#[test]
fn machines_read_the_same() {
    let dam = dam();
    let answer = dam.run("engine repo stick --json --at /media/stick").success().no_stderr().json();
    let digest = |name: &str| {
        let digest = Digest::of(&fs::read(dam.path("stick").join(name)).expect("there")).to_string();
        digest.strip_prefix("sha256:").expect("no other").to_owned()
    };
    let size = |name: &str| fs::metadata(dam.path("stick").join(name)).expect("there").len();
    let (deb, rpm) = ("dam-docker_26.1.5-1_amd64.deb", "rpm/dam-docker-26.1.5-1.x86_64.rpm");
    let metadata: Vec<_> = files(&dam).into_iter().filter(|name| name != deb && name != rpm).collect();
    assert_eq!(metadata.len(), 7);
    assert_eq!(
        answer,
        json!({
            "folder": "[FOLDER]/stick",
            "place": "/media/stick",
            "date": "[TIME]",
            "packages": [
                {
                    "path": deb, "format": "deb", "name": "dam-docker", "version": "26.1.5-1", "architecture": "amd64",
                    "size": size(deb), "sha256": digest(deb), "signed": false
                },
                {
                    "path": rpm, "format": "rpm", "name": "dam-docker", "version": "26.1.5-1", "architecture": "x86_64",
                    "size": size(rpm), "sha256": digest(rpm), "signed": false
                }
            ],
            "metadata": metadata,
            "signed_by": null,
            "apt": {
                "file": "/etc/apt/sources.list.d/dam.list",
                "text": "deb [trusted=yes] file:/media/stick ./\n"
            },
            "yum": {
                "file": "/etc/yum.repos.d/dam.repo",
                "text": "[dam]\nname=dam\nbaseurl=file:///media/stick\nenabled=1\ngpgcheck=0\nrepo_gpgcheck=0\n"
            }
        })
    );
}

#[test]
fn a_command_signs_what_a_key_does() {
    let keys = Keys::new("rsa2048", "");
    let dam = dam().file("public.asc", keys.key().public_armored()).file("other.asc", other().key().public_armored());
    let home = keys.write("x", "").parent().expect("a folder").display().to_string();
    let dam = dam.variable("GNUPGHOME", &home).variable("PATH", "/usr/bin:/bin");
    dam.run("engine repo stick --signer gpg").misuse().stderr(str![[r#"
error: a repository that a command signs needs its public key, for the machines that install from it
hint: gpg --export --armor KEY >key.asc   writes it
hint: dam engine repo stick --signer gpg --public-key key.asc

"#]]);
    dam.run("engine repo stick --signer gpg --public-key other.asc").error(str![[r#"
error: cannot sign `stick/repodata/repomd.xml`
caused by: the signer's answer cannot be used: it is by another key than the public one

"#]]);
    dam.run("engine repo stick --signer false --public-key public.asc").error(str![[r#"
error: cannot sign `stick/repodata/repomd.xml`
caused by: the signer failed
caused by: it ended with exit status: 1

"#]]);
    assert_eq!(files(&dam), ["dam-docker_26.1.5-1_amd64.deb", "rpm/dam-docker-26.1.5-1.x86_64.rpm"]);
    let answer = dam.run("engine repo stick --signer gpg --public-key public.asc --json").success().json();
    assert_eq!(answer["signed_by"], keys.key().fingerprint());
    let ring = dam.path("stick/dam-archive-keyring.gpg").display().to_string();
    for text in ["Release", "repodata/repomd.xml"] {
        let [text, signature] = [text.to_owned(), text.replace("Release", "Release.gpg").replace(".xml", ".xml.asc")];
        let [text, signature] = [text, signature].map(|name| dam.path("stick").join(name).display().to_string());
        let checked = std::process::Command::new("gpgv").args(["--keyring", &ring, &signature, &text]).output();
        assert!(checked.expect("gpgv").status.success(), "{text}");
    }
}

fn other() -> Keys {
    Keys::new("rsa2048", "")
}

#[test]
fn a_locked_key_is_opened_by_a_variable_or_by_somebody() {
    let keys = Keys::new("rsa2048", "open sesame");
    let dam = dam().file("key.asc", keys.gpg(&["--s2k-count", "1024", "--export-secret-keys"], b""));
    dam.run("engine repo stick --key key.asc").error(str![[r#"
error: the key in `key.asc` cannot be used
caused by: the key is locked by a passphrase
hint: put the passphrase into the variable DAM_PASSPHRASE, or run dam on a terminal

"#]]);
    let Talk { code, screen } =
        dam.converse("engine repo stick --key key.asc", &[("Passphrase of key.asc: ", "open sesame")]);
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains("sesame"), "{screen}");
    let dam = dam.variable("DAM_PASSPHRASE", "sesame");
    dam.run("engine repo stick --key key.asc").error(str![[r#"
error: the key in `key.asc` cannot be used
caused by: the passphrase does not open the key
hint: put the passphrase into the variable DAM_PASSPHRASE, or run dam on a terminal

"#]]);
    let dam = dam.variable("DAM_PASSPHRASE", "open sesame");
    let _ = dam.run("engine repo stick --key key.asc").success();
}

#[test]
fn what_is_no_key_is_told() {
    let dam = dam().file("key.asc", "no key\n");
    dam.run("engine repo stick --key key.asc").error(str![[r#"
error: the key in `key.asc` cannot be used
caused by: the key cannot sign: the file does not begin with an OpenPGP secret key
hint: gpg --quick-generate-key 'dam packages' rsa4096 sign never   makes one that every target knows

"#]]);
    dam.run("engine repo stick --key none.asc").error(str![[r#"
error: cannot access `none.asc`
caused by: No such file or directory (os error 2)

"#]]);
    dam.run("engine repo stick --key key.asc --signer gpg").misuse();
    dam.run("engine repo stick --public-key key.asc").misuse();
}

#[test]
fn bad_folders_are_told_and_stay_as_they_were() {
    let dam = Dam::new();
    fs::create_dir(dam.path("stick")).expect("a folder");
    dam.run("engine repo stick").no_stdout().error(str![[r#"
error: there is no .deb and no .rpm in `stick`
hint: dam engine build   builds packages

"#]]);
    dam.run("engine repo none").error(str![[r#"
error: cannot access `none`
caused by: No such file or directory (os error 2)

"#]]);
    let dam = packed(dam);
    let _ = dam.run("engine repo stick").success();
    let before = files(&dam);

    let dam = dam.file("stick/half.deb", "!<arch>\n");
    dam.run("engine repo stick").error(str![[r#"
error: `stick/half.deb` cannot be read as a package
caused by: ar: it has no `debian-binary`
hint: dam engine explain stick/half.deb   shows what of it can be read

"#]]);
    fs::remove_file(dam.path("stick/half.deb")).expect("ours");

    fs::copy(dam.path("stick/dam-docker_26.1.5-1_amd64.deb"), dam.path("stick/copy.deb")).expect("space");
    dam.run("engine repo stick").error(str![[r#"
error: dam-docker 26.1.5-1 (amd64) is there twice: `copy.deb` and `dam-docker_26.1.5-1_amd64.deb`
hint: remove one of them, or give it another version

"#]]);
    fs::rename(dam.path("stick/copy.deb"), dam.path("stick/5:26.deb")).expect("ours");
    dam.run("engine repo stick").error(str![[r#"
error: `stick/5:26.deb` cannot be on every stick: FAT knows no `:` in names
hint: mv stick/5:26.deb stick/5_26.deb   gives it a name that every stick can hold

"#]]);
    fs::remove_file(dam.path("stick/5:26.deb")).expect("ours");

    symlink("dam-docker_26.1.5-1_amd64.deb", dam.path("stick/link.deb")).expect("a link");
    dam.run("engine repo stick").error(str![[r#"
error: `stick/link.deb` is a link, which cannot be on every stick
hint: cp --remove-destination "$(readlink -f stick/link.deb)" stick/link.deb   puts the file there

"#]]);
    fs::remove_file(dam.path("stick/link.deb")).expect("ours");
    dam.run("engine repo stick --at plant").misuse();
    assert_eq!(files(&dam), before);
}

#[test]
fn a_folder_that_no_source_can_name_wants_another_place() {
    let dam = Dam::new();
    fs::create_dir(dam.path("100%")).expect("a folder");
    write_deb(&package("26.1.5"), &dam.path("100%"));
    dam.run("engine repo 100%").error(str![[r#"
error: `[FOLDER]/100%` cannot be a source: apt takes `%` for quoting, however it is written
hint: dam engine repo 100% --at /media/stick   says where the machines find it

"#]]);
    let _ = dam.run("engine repo 100% --at /media/stick").success();
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let dam = dam().of_nobody();
    let lock = |mode| fs::set_permissions(dam.path("stick"), fs::Permissions::from_mode(mode)).expect("ours");
    lock(0o555);
    dam.run("engine repo stick").error(str![[r#"
error: cannot access `stick`
caused by: Permission denied (os error 13)
hint: sudo dam engine repo stick

"#]]);
    lock(0o755);
}

#[test]
fn a_full_stick_holds_nothing_that_is_half_written() {
    let dam = Dam::new().small_disk("stick", 400_000);
    let inside = dam.disk().inside();
    write_deb(&package("26.1.5"), &inside);
    dam.disk().fill(0);
    dam.run("engine repo stick").error(str![[r#"
error: cannot access `stick`
caused by: No space left on device (os error 28)
hint: dam purge --dry-run   says what dam could give up

"#]]);
    let mut names: Vec<_> =
        fs::read_dir(&inside).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    assert_eq!(names, ["dam-docker_26.1.5-1_amd64.deb", "filler"]);
    dam.disk().free();
    let _ = dam.run("engine repo stick").success();
}
