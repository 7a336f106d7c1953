//! What the real `rpm` does with a package: in a tree of its own, with a shell and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use dam_pack::{EntryKind, Package, Role};

use crate::sample::{Folder, file, full, version};
use crate::tools::{rpm_in, shown};

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let tree = tempfile::tempdir().expect("a folder");
        fs::create_dir(tree.path().join("bin")).expect("a folder");
        fs::copy("/bin/busybox", tree.path().join("bin/sh")).expect("busybox, which `make tools` installs");
        rpm_in(tree.path(), &["--initdb"]).expect();
        Self(tree)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn rpm(&self, words: &[&str]) -> String {
        rpm_in(self.0.path(), words).expect()
    }

    /// Returns the scripts that ran since it was last asked.
    fn log(&self) -> Vec<String> {
        let log = self.read("/log").lines().map(str::to_owned).collect();
        fs::remove_file(self.path("/log")).expect("it was read");
        log
    }

    fn install(&self, package: &Path) {
        self.rpm(&["-U", "--nodeps", shown(package)]);
    }
}

#[test]
fn a_package_comes_is_replaced_and_goes() {
    let (tree, folder) = (Tree::new(), Folder::new());
    let old = Package { version: version("26.1.4"), ..full() };
    let mut new = full();
    new.entries.retain(|entry| !matches!(entry.kind, EntryKind::Link { .. }));
    for entry in &mut new.entries {
        if entry.path.as_str() == "/etc/sample/setting" {
            *entry = file("/etc/sample/setting", b"a = 2\n", 0o640, Role::Config);
        }
    }
    tree.install(&folder.write(&old));
    assert_eq!(tree.log(), ["pre 1", "post 1", "posttrans 1"]);
    assert_eq!(tree.read("/usr/bin/a"), "hello\n");
    assert_eq!(fs::read_link(tree.path("/usr/bin/b")).expect("a link"), Path::new("a"));
    assert_eq!(tree.rpm(&["-V", "--nodeps", "sample"]), "");

    fs::write(tree.path("/etc/sample/setting"), "mine = 1\n").expect("a file");
    tree.install(&folder.write(&new));
    assert_eq!(tree.log(), ["pre 2", "post 2", "preun 1", "postun 1", "posttrans 2"]);
    assert_eq!(tree.read("/etc/sample/setting"), "mine = 1\n");
    assert_eq!(tree.read("/etc/sample/setting.rpmnew"), "a = 2\n");
    assert!(!tree.path("/usr/bin/b").exists());
    assert_eq!(tree.rpm(&["-q", "sample", "--qf", "%{EVR}"]), "2:26.1.5~rc1-1");
    assert!(!rpm_in(tree.0.path(), &["-V", "--nodeps", "sample"]).good, "the setting was changed");

    tree.rpm(&["-e", "sample"]);
    assert_eq!(tree.log(), ["preun 0", "postun 0"]);
    assert!(!tree.path("/usr/bin/a").exists());
    assert_eq!(tree.read("/etc/sample/setting.rpmsave"), "mine = 1\n");
}
