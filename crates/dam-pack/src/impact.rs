//! What an upgrade would do to services that run, told from two packages without installing either.
//!
//! Scripts are read, not run: a line that names a unit and a way to restart it is a restart, whoever wrote it. So this knows
//! the scripts of [`crate::lifecycle`], Debian's `dh_installsystemd` and RPM's `%systemd_postun_with_restart` of every
//! generation, and cannot know what a script hides behind variables of its own.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{EntryView, Format, KindView, PackageView, ScriptView};

/// What an upgrade would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Impact {
    /// What becomes of each unit of either package, by its name.
    pub units: BTreeMap<String, Fate>,
    /// Units whose files differ, in the order of their names: they are read again even where nothing is restarted.
    pub changed_units: Vec<String>,
    /// Programs that differ, come or go, in the order of their paths: what a restart would bring into use.
    pub changed_programs: Vec<String>,
}

/// What becomes of a unit that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "fate")]
pub enum Fate {
    /// It is restarted.
    Restarts {
        /// The script that does so, in the format's own word: `postinst`, `posttrans`.
        by: String,
        /// The file by which the admin prevents it, if there is one.
        opt_out: Option<String>,
        /// What is lost, as the script would say it, if what the unit carries does not survive.
        loss: Option<String>,
    },
    /// It runs on as it was.
    RunsOn,
    /// The new package brings it.
    Comes,
    /// The new package has it no more.
    Goes,
}

/// Where systemd looks for the units of packages.
const UNIT_FOLDERS: [&str; 2] = ["/usr/lib/systemd/system/", "/lib/systemd/system/"];

/// Tells what it would do to replace one package with another of the same name.
pub fn upgrade(old: &PackageView, new: &PackageView) -> Impact {
    let (old_units, new_units) = (units(old), units(new));
    let names: BTreeSet<&str> = old_units.keys().chain(new_units.keys()).copied().collect();
    let fate = |name: &str| match (old_units.contains_key(name), new_units.contains_key(name)) {
        (true, false) => Fate::Goes,
        (false, _) => Fate::Comes,
        (true, true) => restart(name, old, new).unwrap_or(Fate::RunsOn),
    };
    let differs = |name: &&&str| match (old_units.get(**name), new_units.get(**name)) {
        (Some(old), Some(new)) => !is_same(old, new),
        _ => false,
    };
    Impact {
        units: names.iter().map(|name| ((*name).to_owned(), fate(name))).collect(),
        changed_units: names.iter().filter(differs).map(|name| (*name).to_owned()).collect(),
        changed_programs: changed_programs(old, new),
    }
}

/// Returns the units of a package by their names.
fn units(package: &PackageView) -> BTreeMap<&str, &EntryView> {
    let name = |entry: &'_ EntryView| {
        let rest = UNIT_FOLDERS.iter().find_map(|folder| entry.path.strip_prefix(folder))?;
        let start = entry.path.len() - rest.len();
        (!rest.contains('/') && matches!(entry.kind, KindView::File { .. })).then_some(start)
    };
    package.entries.iter().filter_map(|entry| Some((&entry.path[name(entry)?..], entry))).collect()
}

/// Finds the script that would restart a unit. In an upgrade, dpkg runs the new package's `postinst`; RPM runs the new
/// `%post`, the old `%postun`, the new `%posttrans`, in that order.
fn restart(unit: &str, old: &PackageView, new: &PackageView) -> Option<Fate> {
    let script = |package: &'_ PackageView, place: &str| {
        package.scripts.iter().position(|script| script.place == place && restarts(&script.text, unit))
    };
    let found =
        |package: &'_ PackageView, place: &str| script(package, place).map(|index| tell(&package.scripts[index], unit));
    match new.format {
        Format::Deb => found(new, "postinst"),
        Format::Rpm => found(new, "post").or_else(|| found(old, "postun")).or_else(|| found(new, "posttrans")),
    }
}

/// Says whether a script has a line that restarts a unit.
fn restarts(text: &str, unit: &str) -> bool {
    // `$_dh_action` is what dh_installsystemd restarts by: "restart" or "try-restart" when there was a version before.
    let ways =
        ["restart", "try-restart", "condrestart", "reload-or-restart", "mark-restart-system-units", "$_dh_action"];
    code(text).any(|line| {
        let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches(['"', '\'', ';'])).collect();
        words.contains(&unit) && words.iter().any(|word| ways.contains(word)) && !matches!(words[0], "say" | "echo")
    })
}

/// Tells a restart, with what scripts of [`crate::lifecycle`] say of it.
fn tell(script: &ScriptView, unit: &str) -> Fate {
    let wanted = format!("restart_wanted {unit}");
    let settings = code(&script.text).find_map(|line| line.strip_prefix("settings="));
    let asks = code(&script.text).any(|line| line.contains(&wanted));
    let said = format!("say '{unit} restarts: ");
    let loss = code(&script.text).find_map(|line| line.strip_prefix(&said)?.strip_suffix('\''));
    Fate::Restarts {
        by: script.place.clone(),
        opt_out: settings.filter(|_| asks).map(|settings| format!("{settings}/no-restart")),
        loss: loss.map(|loss| loss.replace(r"'\''", "'")),
    }
}

/// Returns the lines of a script that are no comments, without their indentation.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Returns the paths of programs that differ, come or go.
fn changed_programs(old: &PackageView, new: &PackageView) -> Vec<String> {
    let programs = |package: &'_ PackageView| -> BTreeMap<String, EntryView> {
        let is_program = |entry: &&EntryView| match entry.kind {
            KindView::File { .. } => entry.mode & 0o111 != 0,
            _ => false,
        };
        package.entries.iter().filter(is_program).map(|entry| (entry.path.clone(), entry.clone())).collect()
    };
    let (old, new) = (programs(old), programs(new));
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differs = |path: &&&String| match (old.get(**path), new.get(**path)) {
        (Some(old), Some(new)) => !is_same(old, new),
        _ => true,
    };
    paths.iter().filter(differs).map(|path| (*path).clone()).collect()
}

/// Says whether two files hold the same bytes, as far as the packages say so.
fn is_same(old: &EntryView, new: &EntryView) -> bool {
    match (&old.kind, &new.kind) {
        (KindView::File { sha256: Some(old), .. }, KindView::File { sha256: Some(new), .. }) => old == new,
        _ => false,
    }
}
