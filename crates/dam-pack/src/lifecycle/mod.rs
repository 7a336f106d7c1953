//! What happens on a machine when a package comes, changes and goes: declared once, rendered for both formats.
//!
//! A [`Lifecycle`] says what should be true; [`Lifecycle::scripts`] writes the shell that makes it so, for `dpkg` and for
//! RPM, from one library of functions. Equal events have equal outcomes in both:
//!
//! | event | dpkg calls | RPM calls | what is done |
//! |---|---|---|---|
//! | install | `preinst install`, `postinst configure` | `%post 1`, `%posttrans` | groups, configs, labels; units enabled by preset and started |
//! | upgrade, downgrade, reinstall | `preinst upgrade`, `postinst configure` | `%post 2`, `%posttrans` | the same, but units are restarted if they run, and never enabled |
//! | remove | `prerm remove`, `postrm remove` | `%preun 0`, `%postun 0` | units stopped and disabled (dpkg: masked); configs, groups and data stay |
//! | purge | `postrm purge` | remove, where the admin made [`Lifecycle::purge_request`] | configs that nobody changed go too; groups and data stay |
//! | removal called off | `postinst abort-remove` | – | units that were stopped are started |
//!
//! Without a running systemd (a chroot, an image that is built) nothing is started, stopped or reloaded, and units are
//! still enabled. `/usr/sbin/policy-rc.d`, where it exists, is obeyed in both formats. An old RPM package's `%postun` runs
//! after the new one's `%post`, and a package that is replaced disables units of the same name in its `%preun`; so RPM
//! enables, starts and restarts in `%posttrans`, which is told by a note what `%post` saw, for its own `$1` says nothing.
//!
//! Sources: <https://www.debian.org/doc/debian-policy/ch-maintainerscripts.html>, `deb-systemd-helper(1p)`,
//! `deb-systemd-invoke(1p)`, <https://docs.fedoraproject.org/en-US/packaging-guidelines/Scriptlets/>, `systemd.preset(5)`.

mod deb;
mod library;
mod names;
mod rpm;
mod shell;
mod steps;

use std::collections::BTreeMap;

use crate::{Content, Entry, EntryKind, PackageName, PackagePath, Role, Scripts};

pub use names::{GroupName, ParseGroupNameError, ParseUnitNameError, UnitName};

/// What should be true on the machine while the package is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// The package whose scripts these are: it names the preset file, and the folders of notes and of the admin's words.
    pub package: PackageName,
    /// System groups that exist. They are never deleted: files may belong to them.
    pub groups: Vec<GroupName>,
    /// Settings that exist unless the admin wants otherwise.
    pub configs: Vec<Config>,
    /// Services that run, each with its companions.
    pub services: Vec<Service>,
    /// Paths with SELinux labels of their own.
    pub labels: Option<Labels>,
    /// Scripts that a package left behind, whose place this one takes, and by which it would delete the data when somebody
    /// purges what is left of it. They are deleted.
    pub disarm: Vec<PackagePath>,
}

/// A service: a unit and those that only serve it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The unit that is started, restarted and stopped: `docker.service`.
    pub unit: UnitName,
    /// Units that are enabled, started and stopped with it, but never restarted: `docker.socket`.
    pub companions: Vec<UnitName>,
    /// Whether it starts with the machine. An admin's preset has the last word.
    pub enable: bool,
    /// Whether it is started when the package is installed, if it is enabled.
    pub start: bool,
    /// What an upgrade does to it.
    pub restart: Restart,
}

/// What an upgrade does to a service that runs. One that does not run is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restart {
    /// Nothing: the former version runs on until the admin restarts it.
    Never,
    /// Restarts it, unless [`Lifecycle::opt_out`] exists, or a [`Config`] in place is not accepted by its check: then the
    /// former version runs on, which beats a new one that does not start.
    IfActive {
        /// How the admin is warned where the restart hurts.
        survival: Option<Survival>,
    },
}

/// Tells whether what a service carries survives a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survival {
    /// A shell command that succeeds if all survives. It is written into the script as it is.
    pub check: String,
    /// What is said if it fails, after `UNIT restarts: `.
    pub loss: String,
}

/// A setting that is made from a template, belongs to the admin from then on, and follows the template while nobody
/// changes it. Both formats' own configuration files would do otherwise: dpkg asks questions when the admin's file is
/// there first, RPM leaves a `.rpmnew`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The setting: `/etc/docker/daemon.json`.
    pub path: PackagePath,
    /// Permission bits.
    pub mode: u16,
    /// The template, a file of the package.
    pub template: PackagePath,
    /// A command, program first, that gets a candidate's path as one more argument and fails if it must not be put in
    /// place. None is asked if empty.
    pub check: Vec<String>,
}

/// Paths with SELinux labels of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Paths of the package, labelled after its files came. Those that do not exist are left out.
    pub paths: Vec<PackagePath>,
    /// The package whose arrival brings their policy: `container-selinux`. RPM labels again when it comes.
    pub policy: PackageName,
    /// Paths of data, labelled only when the policy comes: they may be large.
    pub data: Vec<PackagePath>,
}

impl Lifecycle {
    /// Renders the scripts of both formats.
    pub fn scripts(&self) -> Scripts {
        Scripts { deb: deb::scripts(self), rpm: rpm::scripts(self), rpm_triggers: rpm::triggers(self) }
    }

    /// Returns the preset file by which `systemctl preset` enables the services, or does not; none without services.
    ///
    /// The number leaves room: an admin's `/etc/systemd/system-preset/00-site.preset` wins, a distribution's
    /// `99-default-disable.preset` does not. <https://www.freedesktop.org/software/systemd/man/systemd.preset.html>
    pub fn preset(&self) -> Option<Entry> {
        let line = |service: &Service| {
            let word = if service.enable { "enable" } else { "disable" };
            service.units().map(|unit| format!("{word} {unit}\n")).collect::<String>()
        };
        let text: String = self.services.iter().map(line).collect();
        (!text.is_empty()).then(|| Entry {
            path: path(&format!("/usr/lib/systemd/system-preset/50-{}.preset", self.package)),
            kind: EntryKind::File { content: Content::Bytes(text.into_bytes()), mode: 0o644, role: Role::Plain },
            only: Vec::new(),
        })
    }

    /// Returns the file that the admin makes so that upgrades restart nothing: `/etc/PACKAGE/no-restart`.
    pub fn opt_out(&self) -> PackagePath {
        path(&format!("{}/no-restart", self.settings()))
    }

    /// Returns the file that the admin makes so that removing an RPM purges, as `dpkg --purge` does: `/etc/PACKAGE/purge`.
    pub fn purge_request(&self) -> PackagePath {
        path(&format!("{}/purge", self.settings()))
    }

    /// Returns the folder of the admin's words to the scripts.
    fn settings(&self) -> String {
        format!("/etc/{}", self.package)
    }

    /// Returns the folder where the scripts keep notes for each other.
    fn state(&self) -> String {
        format!("/var/lib/{}", self.package)
    }

    /// Returns a whole script around its steps, with a line that says when it runs; nothing if it would do nothing.
    fn script(&self, when: &str, steps: &[String]) -> Option<String> {
        if steps.is_empty() {
            return None;
        }
        let package = &self.package;
        let steps = steps.join("\n");
        let text = format!("{}{steps}\n", library::functions(&steps));
        let places = [("package", package.to_string()), ("state", self.state()), ("settings", self.settings())];
        let used = places.iter().filter(|(name, _)| text.contains(&format!("${name}")));
        let places: String = used.map(|(name, place)| format!("{name}={place}\n")).collect();
        Some(format!("#!/bin/sh\n# {package}: {when}.\nset -e\numask 022\n{places}\n{text}"))
    }
}

impl Service {
    /// Returns its units, companions first: the order in which they start.
    fn units(&self) -> impl Iterator<Item = &UnitName> {
        self.companions.iter().chain([&self.unit])
    }
}

/// Returns a path made of parts that are legal in one.
fn path(text: &str) -> PackagePath {
    text.parse().expect("a package's name has no character that a path may not have")
}

/// Collects the scripts that do something.
fn collect<Place: Ord>(scripts: Vec<(Place, Option<String>)>) -> BTreeMap<Place, String> {
    scripts.into_iter().filter_map(|(place, text)| Some((place, text?))).collect()
}
