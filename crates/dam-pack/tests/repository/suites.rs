//! What other generations of apt and dnf make of a signed repository: those of the suites that `tests/packages` lays out.

use std::fs;
use std::path::Path;

use dam_pack::repo::{ARMORED_KEY, KEYRING, Place};

use crate::keys::Keys;
use crate::stick::Stick;
use crate::tools::{run, shown};

/// Trees by name, as `bullseye=/path;sid=/path`.
const TREES: &str = "DAM_TEST_TREES";

/// Runs in the tree, with the repository in `/srv`; every line is asked for.
const STORY: &str = r#"
rm -rf /etc/apt/sources.list.d /etc/yum.repos.d
mkdir -p /etc/apt/sources.list.d /etc/yum.repos.d /usr/share/keyrings /etc/pki/rpm-gpg /tmp
cp /srv/dam-archive-keyring.gpg /usr/share/keyrings/dam-archive-keyring.gpg
cp /srv/dam-archive-keyring.asc /etc/pki/rpm-gpg/RPM-GPG-KEY-dam
cp /srv/dam.repo /etc/yum.repos.d
cp /srv/dam.list /etc/apt/sources.list
cd /tmp
export DEBIAN_FRONTEND=noninteractive
apt-get --version | head -n 1
apt-get -o APT::Sandbox::User=root update
apt-get -o APT::Sandbox::User=root download dam-sample
ls dam-sample*
dnf --version | head -n 1
dnf --assumeyes --releasever=1 --forcearch=x86_64 install sample
rpm -q sample
"#;

#[test]
#[ignore = "needs trees of distributions, which tests/packages makes"]
#[allow(clippy::disallowed_methods, reason = "the script that makes the trees says where they are")]
fn every_generation_believes_a_signed_repository() {
    let trees = std::env::var(TREES).expect("tests/packages sets it");
    let keys = Keys::new("rsa3072", "");
    let key = keys.key();
    let place: Place = "/srv".parse().expect("good");
    let stick = Stick::new()
        .deb("my packages/dam-sample_26.1.5~rc1-1_amd64.deb", "26.1.5~rc1")
        .empty_rpm("my packages/sample.rpm", Some(&key))
        .file("dam.list", place.apt_source(true))
        .file("dam.repo", place.yum_source(true, true));
    stick.made(Some(&key));
    assert!(stick.path(KEYRING).exists() && stick.path(ARMORED_KEY).exists());
    for (name, tree) in trees.split(';').map(|pair| pair.split_once('=').expect("name=path")) {
        let said = in_tree(Path::new(tree), stick.folder());
        for good in ["26.1.5~rc1-1_amd64.deb\n", "\nComplete!\n", "\nsample-1.0-1.noarch\n"] {
            assert!(said.contains(good), "{name}: no `{good}` in\n{said}");
        }
        for bad in ["W:", "E:", "Error:", "error:"] {
            assert!(!said.lines().any(|line| line.starts_with(bad)), "{name}: `{bad}` in\n{said}");
        }
    }
}

/// Tells the story in a tree that is as it was afterwards.
fn in_tree(tree: &Path, stick: &Path) -> String {
    let layers = tempfile::tempdir().expect("a folder");
    for name in ["upper", "work", "root"] {
        fs::create_dir(layers.path().join(name)).expect("a folder");
    }
    let script = format!(
        "set -e; cd {}; mount -t overlay overlay -o lowerdir={},upperdir=upper,workdir=work root; \
         mkdir -p root/srv root/dev root/proc; mount --bind {} root/srv; mount --bind /dev root/dev; \
         mount -t proc proc root/proc; exec chroot root sh -euc '{STORY}' 2>&1",
        shown(layers.path()),
        shown(tree),
        shown(stick),
    );
    run("unshare", &["--mount", "--propagation", "private", "sh", "-c", &script]).expect()
}
