//! The tools of rpm, each with a database of its own.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

/// What a tool said, and whether it was content.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) good: bool,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Answer {
    /// Returns what it said, if it was content.
    #[track_caller]
    pub(crate) fn expect(self) -> String {
        assert!(self.good, "{}{}", self.out, self.err);
        self.out
    }
}

/// Runs a program.
pub(crate) fn run(program: &str, words: &[&str]) -> Answer {
    let out = Command::new(program).args(words).env("LC_ALL", "C").env("SOURCE_DATE_EPOCH", "1700000000").output();
    let out = out.unwrap_or_else(|error| panic!("{program}, which `make tools` installs: {error}"));
    Answer {
        good: out.status.success(),
        out: String::from_utf8_lossy(&out.stdout).into_owned(),
        err: String::from_utf8_lossy(&out.stderr).into_owned(),
    }
}

/// Runs `rpm` with a database in this folder.
pub(crate) fn rpm(database: &Path, words: &[&str]) -> Answer {
    let define = format!("_dbpath {}", database.display());
    run("rpm", &[&["--define", &define], words].concat())
}

/// Asks `rpm` about a package file.
pub(crate) fn query(package: &Path, words: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    rpm(folder.path(), &[&["-qp", "--nosignature"], words, &[shown(package)]].concat()).expect()
}

/// Runs `rpm` in a tree that holds nothing but a shell; as root of a namespace, if not as root.
pub(crate) fn rpm_in(tree: &Path, words: &[&str]) -> Answer {
    let words = [&["rpm", "--root", shown(tree)], words].concat();
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if root { run(words[0], &words[1..]) } else { run("unshare", &[&["--map-root-user"], &words[..]].concat()) }
}

pub(crate) fn shown(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}
