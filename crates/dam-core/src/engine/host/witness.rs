//! What no file tells.

use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, openat};

use super::{Installed, PackageSource};

/// Tells of a machine what no file does.
pub trait Witness {
    /// Tells whether a folder's file system keeps the kinds of files in folders; `None` where no entry of the folder shows it.
    /// `folder` is a path of this machine.
    fn keeps_kinds(&self, folder: &Path) -> Option<bool>;

    /// Returns those of the packages that are installed, as far as rpm knows; none where there is no rpm.
    fn of_rpm(&self, names: &[&str]) -> Vec<Installed>;
}

/// The machine dam runs on.
#[derive(Debug, Clone, Copy)]
pub struct ThisMachine;

impl Witness for ThisMachine {
    /// Reads the folder. The kernel answers with the kind `unknown` for each entry where kinds are not kept, as on an XFS
    /// without `ftype` or an ext4 without `filetype`; nothing needs to be written for that, and no `xfs_info` be there.
    fn keeps_kinds(&self, folder: &Path) -> Option<bool> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let entries = Dir::new(openat(CWD, folder, flags, Mode::empty()).ok()?).ok()?;
        let mut entries = entries.flatten().filter(|entry| !matches!(entry.file_name().to_bytes(), b"." | b".."));
        entries.next().map(|entry| entry.file_type() != FileType::Unknown)
    }

    /// Asks rpm itself. Its database has had three forms (Berkeley DB, ndb, SQLite), and files that packages leave behind tell
    /// too little: that is the one thing for which another program runs.
    fn of_rpm(&self, names: &[&str]) -> Vec<Installed> {
        let mut rpm = Command::new("/usr/bin/rpm");
        rpm.args(["-q", "--qf", "%{NAME} %{VERSION}\\n"]).args(names);
        rpm.env("LC_ALL", "C").stdin(Stdio::null()).stderr(Stdio::null());
        // It fails for those that are not installed, and tells so in lines of more words.
        let Ok(output) = rpm.output() else { return Vec::new() };
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().filter_map(|line| package(line, names)).collect()
    }
}

fn package(line: &str, names: &[&str]) -> Option<Installed> {
    let (name, version) = line.split_once(' ')?;
    let known = names.contains(&name) && !version.contains(' ');
    known.then(|| Installed { name: name.to_owned(), version: version.to_owned(), source: PackageSource::Rpm })
}

#[cfg(test)]
mod tests {
    use super::{Installed, PackageSource, package};

    #[test]
    fn answers_of_rpm() {
        let names = ["docker-ce", "package"];
        let docker =
            Installed { name: "docker-ce".to_owned(), version: "26.1.5".to_owned(), source: PackageSource::Rpm };
        assert_eq!(package("docker-ce 26.1.5", &names), Some(docker));
        for line in ["package docker-ce is not installed", "bash 5.2", "docker-ce", ""] {
            assert_eq!(package(line, &names), None, "{line}");
        }
    }
}
