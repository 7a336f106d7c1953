//! What other generations of rpm make of our packages: those of the suites that `tests/packages` lays out.

use std::fs;
use std::path::Path;

use dam_pack::Package;

use crate::keys::Keys;
use crate::sample::{Folder, full, version};
use crate::tools::{run, shown};

/// Trees by name, as `bullseye=/path;sid=/path`.
const TREES: &str = "DAM_TEST_TREES";

/// Runs in the tree, with the packages in `/srv`; every line is asked for.
const STORY: &str = r#"
rpm --version
rpm --initdb
rpm --import /srv/public.asc
echo "$(rpm -Kv /srv/old.rpm)"
rpm -qp --list /srv/old.rpm | wc -l
rpm -U --nodeps /srv/old.rpm
rpm -V --nodeps sample
rpm -U --nodeps /srv/new.rpm
rpm -q sample
rpm -V --nodeps sample
rpm -e sample
cat /log
test ! -e /usr/bin/elf
"#;

#[test]
#[ignore = "needs trees of distributions, which tests/packages makes"]
#[allow(clippy::disallowed_methods, reason = "the script that makes the trees says where they are")]
fn every_generation_verifies_installs_replaces_and_erases() {
    let trees = std::env::var(TREES).expect("tests/packages sets it");
    let (keys, folder) = (Keys::new("rsa3072", ""), Folder::new());
    let key = keys.key();
    let old = Package { version: version("26.1.4"), ..full() };
    for (name, package) in [("old.rpm", old), ("new.rpm", full())] {
        dam_pack::rpm::write(&package, &folder.path().join(name), Some(&key), &mut dam_pack::unwatched)
            .expect("written");
    }
    fs::write(folder.path().join("public.asc"), key.public_armored()).expect("a file");
    for (name, tree) in trees.split(';').map(|pair| pair.split_once('=').expect("name=path")) {
        let said = in_tree(Path::new(tree), folder.path());
        check(name, &said, &key.fingerprint());
    }
}

/// Tells the story in a tree that is as it was afterwards.
fn in_tree(tree: &Path, packages: &Path) -> String {
    let layers = tempfile::tempdir().expect("a folder");
    for name in ["upper", "work", "root"] {
        fs::create_dir(layers.path().join(name)).expect("a folder");
    }
    let script = format!(
        "set -e; cd {}; mount -t overlay overlay -o lowerdir={},upperdir=upper,workdir=work root; \
         mkdir -p root/srv root/dev; mount --bind {} root/srv; mount --bind /dev root/dev; exec chroot root sh -euc '{STORY}' 2>&1",
        shown(layers.path()),
        shown(tree),
        shown(packages),
    );
    run("unshare", &["--mount", "--propagation", "private", "sh", "-c", &script]).expect()
}

fn check(name: &str, said: &str, fingerprint: &str) {
    // The words differ from one generation to the next, and some are more than there is to say.
    let good = |wanted: &str| assert!(said.contains(wanted), "{name}: no `{wanted}` in\n{said}");
    let lower = said.to_lowercase();
    let id = &fingerprint[32..].to_lowercase();
    assert!(
        lower.lines().any(|line| line.contains("rsa/sha256") && line.contains(id) && line.ends_with(": ok")),
        "{name}: {said}"
    );
    for digest in ["Header SHA256 digest: OK", "Payload SHA256 digest: OK"] {
        good(digest);
    }
    good("\n9\n");
    good("\nsample-26.1.5~rc1-1.x86_64\n");
    // Up to 4.16 the last script of an upgrade is told of one package, and after that of two.
    let said = &said.replace("posttrans 2", "posttrans 1");
    let good = |wanted: &str| assert!(said.contains(wanted), "{name}: no `{wanted}` in\n{said}");
    good("pre 1\npost 1\nposttrans 1\npre 2\npost 2\npreun 1\npostun 1\nposttrans 1\npreun 0\npostun 0\n");
    for bad in ["BAD", "NOTFOUND", "missing", "NOKEY"] {
        assert!(!said.contains(bad), "{name}: `{bad}` in\n{said}");
    }
}
