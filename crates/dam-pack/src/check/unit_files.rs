//! The unit files of a package, as they pass.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::Visitor;

/// Most bytes of a unit file that are looked at, and most of all of them.
const LONGEST: u64 = 64 << 10;
const MOST: usize = 1 << 20;

/// Folders of units that systemd reads, see `systemd.unit(5)`.
const FOLDERS: [&str; 3] = ["/usr/lib/systemd/system/", "/lib/systemd/system/", "/etc/systemd/system/"];

/// Kinds of units that have files.
const KINDS: [&str; 9] = ["service", "socket", "timer", "path", "target", "mount", "automount", "swap", "slice"];

/// Gathers the unit files of a package while it is read.
///
/// ```
/// # fn read(input: &mut dyn std::io::Read) -> Result<(), dam_pack::ReadError> {
/// let mut units = dam_pack::check::UnitFiles::default();
/// let view = dam_pack::deb::read(input, &mut units.visitor())?;
/// let findings = dam_pack::check::check(&view, units.texts(), &dam_pack::targets::Target::all().collect::<Vec<_>>());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitFiles {
    texts: BTreeMap<String, String>,
    size: usize,
}

impl UnitFiles {
    /// Returns a visitor for [`deb::read`](crate::deb::read) or [`rpm::read`](crate::rpm::read).
    pub fn visitor(&mut self) -> Box<Visitor<'_>> {
        Box::new(|path, size, content| self.visit(path, size, content))
    }

    /// Takes the file if it is a unit file; of one that is absurdly long, the beginning. For visitors that do more.
    pub fn visit(&mut self, path: &str, _size: u64, content: &mut dyn Read) -> io::Result<()> {
        if is_unit_file(path) && self.size < MOST {
            let mut bytes = Vec::new();
            content.take(LONGEST).read_to_end(&mut bytes)?;
            self.size += bytes.len();
            self.texts.insert(path.to_owned(), String::from_utf8_lossy(&bytes).into_owned());
        }
        Ok(())
    }

    /// Returns the texts by path.
    pub fn texts(&self) -> &BTreeMap<String, String> {
        &self.texts
    }
}

/// Says whether systemd reads a path as a unit of the system, or as an addition to one.
pub fn is_unit_file(path: &str) -> bool {
    unit_name(path).is_some()
}

/// Returns the name of a unit, or of an addition with its folder: `docker.service`, `docker.service.d/site.conf`.
pub(crate) fn unit_name(path: &str) -> Option<&str> {
    let rest = FOLDERS.iter().find_map(|folder| path.strip_prefix(folder))?;
    let is_unit =
        |name: &str| name.rsplit_once('.').is_some_and(|(stem, kind)| !stem.is_empty() && KINDS.contains(&kind));
    let is_good = match rest.split_once('/') {
        None => is_unit(rest),
        Some((folder, name)) => folder.strip_suffix(".d").is_some_and(is_unit) && name.ends_with(".conf"),
    };
    is_good.then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::is_unit_file;

    #[test]
    fn units_are_known_by_their_paths() {
        for good in [
            "/lib/systemd/system/a.service",
            "/usr/lib/systemd/system/a@.socket.d/b.conf",
            "/etc/systemd/system/a.timer",
        ] {
            assert!(is_unit_file(good), "{good}");
        }
        for bad in [
            "/usr/lib/systemd/user/a.service",
            "/lib/systemd/system/a.txt",
            "/lib/systemd/system/x/a.service",
            "/lib/systemd/system/.service",
        ] {
            assert!(!is_unit_file(bad), "{bad}");
        }
    }
}
