//! The modules of a kernel.

use std::collections::BTreeSet;

use crate::engine::host::Look;

/// Where lists of modules that must not be loaded are.
///
/// Source: <https://man7.org/linux/man-pages/man5/modprobe.d.5.html>.
const FOLDERS: [&str; 4] = ["/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"];

/// The modules of the running kernel.
pub(crate) struct Modules {
    /// Those that can be loaded, by name; `None` where the folder of the kernel is gone.
    loadable: Option<BTreeSet<String>>,
    loaded: BTreeSet<String>,
    /// Those of them that others use.
    used: BTreeSet<String>,
    /// Whether the machine forbids to load any more.
    pub(crate) forbidden: bool,
}

impl Modules {
    /// Reads which modules the kernel `release` has.
    ///
    /// Source: <https://man7.org/linux/man-pages/man5/modules.dep.5.html>.
    pub(crate) fn of(look: &Look, release: &str) -> Self {
        let folder = format!("/lib/modules/{release}");
        let mut loadable = BTreeSet::new();
        let add = |line: &str| {
            // `kernel/drivers/net/veth.ko.xz: …`, or just the path of one that is built in.
            let path = line.split(':').next().unwrap_or_default();
            let name = path.rsplit('/').next().and_then(|file| file.split(".ko").next());
            loadable.extend(name.map(|name| name.replace('-', "_")));
            true
        };
        let listed = look.lines(&format!("{folder}/modules.dep"), add);
        let (mut loaded, mut used) = (BTreeSet::new(), BTreeSet::new());
        look.lines("/proc/modules", |line| {
            // `nf_tables 372736 99 nft_compat,nft_chain_nat, Live 0x0000000000000000`
            let mut words = line.split(' ');
            let (name, users) = (words.next().unwrap_or_default(), words.nth(1));
            loaded.insert(name.to_owned());
            if users.is_some_and(|users| users != "0") {
                used.insert(name.to_owned());
            }
            true
        });
        let forbidden = look.word("/proc/sys/kernel/modules_disabled").is_some_and(|word| word == "1");
        Self { loadable: listed.then_some(loadable), loaded, used, forbidden }
    }

    /// Tells whether the folder of the running kernel is gone, as it is after an update until the next start.
    pub(crate) fn are_gone(&self) -> bool {
        self.loadable.is_none()
    }

    /// Tells whether a module runs.
    pub(crate) fn has_loaded(&self, name: &str) -> bool {
        self.loaded.contains(name)
    }

    /// Tells whether something uses a module.
    pub(crate) fn is_used(&self, name: &str) -> bool {
        self.used.contains(name)
    }

    /// Tells whether a module runs or could.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.has_loaded(name) || self.loadable.as_ref().is_some_and(|names| names.contains(name))
    }
}

/// Finds the file by which the admin keeps a module from being loaded.
pub(crate) fn blocked_by(look: &Look, module: &str) -> Option<String> {
    let files = FOLDERS.iter().flat_map(|folder| {
        let names = look.names(folder).into_iter().filter(|name| name.ends_with(".conf"));
        names.map(move |name| format!("{folder}/{name}"))
    });
    files.into_iter().find(|file| {
        let mut blocks = false;
        look.lines(file, |line| {
            blocks |= is_block(line, module);
            !blocks
        });
        blocks
    })
}

/// Tells whether a line of `modprobe.d` keeps a module away. `blacklist` does so for modules that the kernel asks for by what
/// they can do, as it asks for file systems.
fn is_block(line: &str, module: &str) -> bool {
    let words: Vec<_> = line.split_whitespace().collect();
    let named = |name: &str| name.replace('-', "_") == module;
    match words[..] {
        ["blacklist", name] => named(name),
        ["install", name, program, ..] => named(name) && (program.ends_with("/true") || program.ends_with("/false")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_block;

    #[test]
    fn lines_that_keep_a_module_away() {
        for (line, blocks) in [
            ("install overlay /bin/false", true),
            ("install overlay /usr/bin/true", true),
            ("blacklist overlay", true),
            ("install br-netfilter /bin/true", false),
            ("install overlay /sbin/modprobe --ignore-install overlay", false),
            ("# blacklist overlay", false),
            ("options overlay metacopy=on", false),
            ("", false),
        ] {
            assert_eq!(is_block(line, "overlay"), blocks, "{line}");
        }
        assert!(is_block("install br-netfilter /bin/true", "br_netfilter"));
    }
}
