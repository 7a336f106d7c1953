//! Looking at a machine without changing it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::Witness;

/// The most that is read of a file that is kept in memory whole, in bytes. Those of a healthy machine are far smaller.
const WHOLE: u64 = 1 << 20;
/// The most that is read of a file that is read line by line, in bytes: lists of packages and of modules.
const LISTED: u64 = 64 << 20;
/// How many links may lie on the way to a file, as Linux has it.
const LINKS: usize = 40;
/// Where system tools are, which a user's `PATH` may lack.
const SYSTEM_FOLDERS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// A machine to be looked at. All paths asked of it are absolute, as that machine has them.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// Where its files are: `/`, or a folder in which another machine's tree is.
    pub root: &'a Path,
    /// The folders programs are looked for in, before those of the system.
    pub path: &'a [PathBuf],
    /// What no file tells.
    pub witness: &'a dyn Witness,
}

impl Look<'_> {
    /// Follows all links on the way to a path; what is not there stays as it is. Links that are absolute mean the machine that
    /// is looked at, so that the system's own way to follow them would leave it.
    pub(super) fn follow(&self, path: &str) -> PathBuf {
        let (mut done, mut links) = (PathBuf::from("/"), 0);
        let mut ahead: Vec<PathBuf> = steps(Path::new(path));
        while let Some(step) = ahead.pop() {
            if step.as_os_str() == ".." {
                done.pop();
                continue;
            }
            let next = done.join(&step);
            match fs::read_link(self.place(&next)) {
                Ok(target) if links < LINKS => {
                    links += 1;
                    if target.is_absolute() {
                        done = PathBuf::from("/");
                    }
                    ahead.extend(steps(&target));
                }
                _ => done = next,
            }
        }
        done
    }

    /// Returns where a path that is free of links is on this machine.
    pub(super) fn place(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn found(&self, path: &str) -> PathBuf {
        self.place(&self.follow(path))
    }

    /// Tells whether something is at a path.
    pub(super) fn exists(&self, path: &str) -> bool {
        self.found(path).exists()
    }

    /// Reads a file as text, up to 1 MiB of it; bytes that are no text become `U+FFFD`. `None` where there is no file or it
    /// cannot be read.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        whole(self.open(path)?)
    }

    /// The same of a file that is packed with gzip: up to 1 MiB of what it unpacks to.
    pub(super) fn unpacked(&self, path: &str) -> Option<String> {
        whole(MultiGzDecoder::new(self.open(path)?))
    }

    /// Reads a file that holds one word.
    pub(super) fn word(&self, path: &str) -> Option<String> {
        self.text(path).map(|text| text.trim().to_owned())
    }

    /// Shows a file line by line, until `see` has enough and returns false. Of a very long line only the beginning is shown.
    /// Returns false where there is no file or it cannot be read.
    pub(super) fn lines(&self, path: &str, mut see: impl FnMut(&str) -> bool) -> bool {
        let Some(file) = self.open(path) else { return false };
        let mut reader = BufReader::with_capacity(64 << 10, file.take(LISTED));
        let mut line = Vec::new();
        loop {
            line.clear();
            match reader.by_ref().take(WHOLE).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return true,
                Ok(_) if see(String::from_utf8_lossy(&line).trim_end()) => {}
                Ok(_) => return true,
            }
        }
    }

    /// Lists the names in a folder, sorted; none where there is no folder or it cannot be read.
    pub(super) fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.found(path)).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Finds a program, and returns its path and what that leads to. Names that lead to a program found before are left out.
    pub(super) fn programs(&self, name: &str) -> Vec<(PathBuf, PathBuf)> {
        let mut found: Vec<(PathBuf, PathBuf)> = Vec::new();
        let system = SYSTEM_FOLDERS.map(PathBuf::from);
        for folder in self.path.iter().chain(&system).filter(|folder| folder.is_absolute()) {
            let path = folder.join(name);
            let Some(text) = path.to_str() else { continue };
            let target = self.follow(text);
            if self.place(&target).is_file() && !found.iter().any(|(_, known)| *known == target) {
                found.push((path, target));
            }
        }
        found
    }

    /// Tells whether a program is there.
    pub(super) fn has_program(&self, name: &str) -> bool {
        !self.programs(name).is_empty()
    }

    fn open(&self, path: &str) -> Option<File> {
        let path = self.found(path);
        // Whoever opens a pipe waits for its other end.
        fs::metadata(&path).is_ok_and(|about| about.is_file()).then_some(())?;
        File::open(path).ok()
    }
}

/// Returns the steps of a path, the first one last.
fn steps(path: &Path) -> Vec<PathBuf> {
    let steps = path.components().filter(|step| matches!(step, Component::Normal(_) | Component::ParentDir));
    steps.rev().map(|step| PathBuf::from(step.as_os_str())).collect()
}

fn whole(reader: impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    reader.take(WHOLE).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
