//! A disk that is soon full.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A file system in memory, mounted where only the processes it starts see it. It needs root.
pub(crate) struct Disk {
    holder: Child,
    folder: PathBuf,
}

impl Disk {
    /// Mounts one over a folder.
    pub(super) fn mount(folder: &Path, bytes: u64) -> Self {
        let script = r#"mount -t tmpfs -o "size=$2,mode=700" tmpfs "$1" && echo mounted && exec sleep 600"#;
        // The kernel ends the holder with this thread, and the mount with its last process.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "unshare", "--mount", "sh", "-c", script, "sh"]);
        command.arg(folder).arg(bytes.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut holder = command.spawn().expect("`unshare` and `setpriv` of util-linux");
        let mut line = String::new();
        let answer = holder.stdout.take().expect("it is piped");
        BufReader::new(answer).read_line(&mut line).expect("text");
        assert_eq!(line, "mounted\n", "a disk in memory needs root");
        Self { holder, folder: folder.to_owned() }
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

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
