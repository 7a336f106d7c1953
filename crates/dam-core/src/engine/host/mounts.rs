//! What is mounted where.

use std::path::{Path, PathBuf};

use super::Look;

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where.
    pub(super) point: PathBuf,
    /// The type of file system.
    pub(super) file_system: String,
    /// The options of the file system.
    pub(super) options: Vec<String>,
}

/// Reads the mounts, in the order of mounting; `None` where the kernel does not tell.
///
/// Source: <https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html>.
pub(super) fn mounts(look: &Look) -> Option<Vec<Mount>> {
    let mut mounts = Vec::new();
    let told = look.lines("/proc/self/mountinfo", |line| {
        mounts.extend(mount(line));
        true
    });
    told.then_some(mounts)
}

fn mount(line: &str) -> Option<Mount> {
    let (before, behind) = line.split_once(" - ")?;
    let point = before.split(' ').nth(4)?;
    let mut behind = behind.split(' ');
    let (file_system, _, options) = (behind.next()?, behind.next()?, behind.next().unwrap_or_default());
    let options = options.split(',').map(str::to_owned).collect();
    Some(Mount { point: PathBuf::from(plain(point)), file_system: file_system.to_owned(), options })
}

/// Finds the mount a path is on: the deepest, and of several there the last.
pub(super) fn mount_of<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let holding = mounts.iter().filter(|mount| path.starts_with(&mount.point));
    holding.max_by_key(|mount| mount.point.components().count())
}

/// Turns `\040` and its like into what they stand for.
fn plain(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                plain.push(char::from(byte));
                plain.push_str(&part[3..]);
            }
            None => {
                plain.push('\\');
                plain.push_str(part);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Mount, mount, mount_of, plain};

    #[test]
    fn mounts_are_read() {
        let line = "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let options = ["rw", "errors=continue"].map(str::to_owned).into();
        assert_eq!(mount(line), Some(Mount { point: "/mnt 2".into(), file_system: "ext3".to_owned(), options }));
        for line in ["", " - ", "1 2 3 - ext4", "a - b c d"] {
            assert_eq!(mount(line), None, "{line}");
        }
        assert_eq!(plain("a\\"), "a\\");
        assert_eq!(plain("\\09ä\\134"), "\\09ä\\");
    }

    #[test]
    fn the_deepest_mount_counts_and_of_those_the_last() {
        let at = |point: &str, file_system: &str| Mount {
            point: point.into(),
            file_system: file_system.to_owned(),
            options: Vec::new(),
        };
        let mounts = [at("/", "ext4"), at("/var/lib", "nfs4"), at("/var/lib", "xfs"), at("/var/li", "vfat")];
        assert_eq!(mount_of(&mounts, Path::new("/var/lib/docker")), Some(&mounts[2]));
        assert_eq!(mount_of(&mounts, Path::new("/home")), Some(&mounts[0]));
        assert_eq!(mount_of(&[], Path::new("/home")), None);
    }
}
