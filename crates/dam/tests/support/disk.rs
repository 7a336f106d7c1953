//! A disk that is soon full, and a stick that can be pulled out.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::fs::{Advice, fadvise};

/// A file system that is mounted where only the processes it starts see it. It needs root.
pub(crate) struct Disk {
    holder: Child,
    folder: PathBuf,
    /// What a stick is made of.
    image: Option<PathBuf>,
}

impl Disk {
    /// Mounts one in memory over a folder.
    pub(super) fn mount(folder: &Path, bytes: u64) -> Self {
        let options = format!("size={bytes},mode=700");
        Self { holder: hold(&["-t", "tmpfs", "-o", &options, "tmpfs"], folder), folder: folder.to_owned(), image: None }
    }

    /// Mounts a stick with these files over a folder; `image` will hold what it is made of.
    pub(super) fn stick(folder: &Path, image: &Path, files: &Path) -> Self {
        let made = Command::new("mkfs.ext4").args(["-q", "-d"]).arg(files).arg(image).arg("96M").status();
        assert!(made.expect("`mkfs.ext4` of e2fsprogs").success());
        let holder = hold(&["-o", "loop,ro", image.to_str().expect("a plain name")], folder);
        Self { holder, folder: folder.to_owned(), image: Some(image.to_owned()) }
    }

    /// Pulls the stick out: nothing of it can be read any more, but for what the kernel keeps of its folders. What it keeps
    /// of the file `name` is forgotten.
    pub(crate) fn pull(&self, name: &str) {
        let image = self.image.as_ref().expect("it is a stick");
        File::options().write(true).open(image).and_then(|image| image.set_len(0)).expect("ours");
        let file = File::open(self.inside().join(name)).expect("its folder is still known");
        fadvise(&file, 0, None, Advice::DontNeed).expect("only advice");
    }

    /// Returns what starts a program that sees the disk, in the folder `cwd`.
    pub(super) fn starter(&self, cwd: &Path) -> Vec<String> {
        let namespace = format!("--mount=/proc/{}/ns/mnt", self.holder.id());
        // Changed to inside: a folder that is taken along from outside does not show what is mounted over its parts.
        let enter = r#"cd "$0" && exec "$@""#;
        ["nsenter", &namespace, "--", "sh", "-c", enter, &cwd.display().to_string()].map(Into::into).into()
    }

    /// Takes all space but this many bytes.
    pub(crate) fn fill(&self, leaving: u64) {
        self.free();
        let folder = self.inside();
        let facts = rustix::fs::statvfs(&folder).expect("it is mounted");
        let taken = (facts.f_bavail * facts.f_frsize).saturating_sub(leaving);
        fs::write(folder.join("filler"), vec![1; usize::try_from(taken).expect("small")]).expect("so much is free");
    }

    /// Gives the space back.
    pub(crate) fn free(&self) {
        let _ = fs::remove_file(self.inside().join("filler"));
    }

    /// Returns a path on the disk, for whoever does not see the mount.
    pub(crate) fn inside(&self) -> PathBuf {
        let folder = self.folder.strip_prefix("/").expect("it is absolute");
        Path::new("/proc").join(self.holder.id().to_string()).join("root").join(folder)
    }
}

/// Mounts something over a folder, for as long as the process lives that is returned.
fn hold(what: &[&str], folder: &Path) -> Child {
    let script = r#"mount "$@" && echo mounted && exec sleep 600"#;
    // The kernel ends the holder with this thread, and the mount with its last process.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare", "--mount", "sh", "-c", script, "sh"]);
    command.args(what).arg(folder).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut holder = command.spawn().expect("`unshare` and `setpriv` of util-linux");
    let mut line = String::new();
    let answer = holder.stdout.take().expect("it is piped");
    BufReader::new(answer).read_line(&mut line).expect("text");
    assert_eq!(line, "mounted\n", "a mount of one's own needs root");
    holder
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
