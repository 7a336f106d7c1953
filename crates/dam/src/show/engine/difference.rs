//! What differs between two packages.

use std::collections::BTreeMap;

use dam_core::ops::engine::explain::{Compared, Side};
use dam_pack::RelationKind;
use dam_pack::explain::{Changed, File, FileChange, Kind, RelationChange, ScriptChange};
use dam_pack::impact::{Fate, Impact};
use serde::Serialize;

use super::explain::{Detail, heading, size};
use crate::bytes::Bytes;
use crate::clean;
use crate::show::diff::coloured;
use crate::show::{Show, Words, foreign};
use crate::table;
use crate::ui::style::{BOLD, DIM, ERROR, GOOD, WARNING};

/// Two packages, compared.
#[derive(Debug, Serialize)]
pub(crate) struct Difference {
    /// What is known.
    #[serde(flatten)]
    pub(crate) compared: Compared,
    /// What the words tell of it.
    #[serde(skip)]
    pub(crate) detail: Detail,
}

impl Show for Difference {
    fn words(&self, words: &mut Words) {
        let Compared { old, new, difference, lines } = &self.compared;
        words.line(format_args!("{BOLD}{} → {}{BOLD:#}", name(old), name(new)));
        let path = |side: &Side| foreign(&side.path.display().to_string());
        let rows = [("  old", old), ("  new", new)].map(|(label, side)| {
            [label.to_owned(), path(side), Bytes(side.bytes).to_string(), format!("{} unpacked", Bytes(side.size))]
        });
        words.block(&table::columns(rows, &[2]));
        if difference.is_empty() {
            words.line("No difference");
        }
        let is_one_format = old.identity.format == new.identity.format;
        identity(&difference.identity, is_one_format, words);
        relations(&telling_relations(&self.compared), words);
        files(&difference.added, &difference.removed, &difference.changed, is_one_format, words);
        // Each format has places of its own, so that none of the one is any of the other.
        if is_one_format {
            scripts(&difference.scripts, words);
        }
        if self.detail == Detail::Scripts {
            changed_lines(lines, words);
        }
        if let Some(impact) = difference.upgrade.as_ref().filter(|_| !difference.is_empty()) {
            upgrade(impact, words);
        }
    }
}

fn name(side: &Side) -> String {
    let identity = &side.identity;
    let (name, version) = (foreign(&identity.name), foreign(&identity.version));
    format!("{name} {version} (.{} for {})", identity.format, foreign(&identity.architecture))
}

/// Shows what packages say of themselves, but for what the first line has. Each format has fields of its own; of two formats
/// only those that both have are told.
fn identity(identity: &BTreeMap<String, Changed<Option<String>>>, is_one_format: bool, words: &mut Words) {
    const SHOWN: [&str; 4] = ["format", "name", "version", "architecture"];
    let is_told = |(name, changed): &(&String, &Changed<Option<String>>)| {
        !SHOWN.contains(&name.as_str()) && (is_one_format || changed.old.is_some() && changed.new.is_some())
    };
    let side = |value: &Option<String>| value.as_deref().map_or_else(|| "nothing".to_owned(), foreign);
    let row = |(name, changed): (&String, &Changed<Option<String>>)| {
        [format!("  {}", foreign(name)), format!("{} → {}", side(&changed.old), side(&changed.new))]
    };
    let rows: Vec<_> = identity.iter().filter(is_told).map(row).collect();
    if !rows.is_empty() {
        heading("Fields", words);
        words.block(&table::columns(rows, &[]));
    }
}

/// Returns the relations that came and went, without those that only follow from the package's own version, name and format.
fn telling_relations(compared: &Compared) -> BTreeMap<RelationKind, RelationChange> {
    let Compared { old, new, difference, .. } = compared;
    let is_one_format = old.identity.format == new.identity.format;
    let of_rpm = |relation: &str| ["rpmlib(", "config("].iter().any(|own| relation.starts_with(own));
    let of_itself = |relation: &str| [&old.identity, &new.identity].iter().any(|own| relation.starts_with(&own.name));
    let tells = |kind: RelationKind, relation: &String, side: &Side, others: &[String], other: &Side| {
        let moved = relation.replace(&side.identity.version, &other.identity.version);
        !others.contains(&moved)
            && (is_one_format || !(of_rpm(relation) || kind == RelationKind::Provides && of_itself(relation)))
    };
    let change = |(kind, change): (&RelationKind, &RelationChange)| {
        let RelationChange { added, removed } = change;
        let added_told = added.iter().filter(|relation| tells(*kind, relation, new, removed, old)).cloned();
        let removed_told = removed.iter().filter(|relation| tells(*kind, relation, old, added, new)).cloned();
        (*kind, RelationChange { added: added_told.collect(), removed: removed_told.collect() })
    };
    let changes = difference.relations.iter().map(change);
    changes.filter(|(_, change)| *change != RelationChange::default()).collect()
}

fn relations(relations: &BTreeMap<RelationKind, RelationChange>, words: &mut Words) {
    if relations.is_empty() {
        return;
    }
    heading("Relations", words);
    for (kind, change) in relations {
        for relation in &change.removed {
            words.line(format_args!("  {ERROR}-{ERROR:#} {kind} {}", foreign(relation)));
        }
        for relation in &change.added {
            words.line(format_args!("  {GOOD}+{GOOD:#} {kind} {}", foreign(relation)));
        }
    }
}

/// Of two formats folders are not told: a `.deb` lists each above a file, an `.rpm` only those that it owns.
fn files(added: &[File], removed: &[File], changed: &[FileChange], is_one_format: bool, words: &mut Words) {
    let is_told = |file: &&File| is_one_format || file.kind != Kind::Folder;
    let alone = |word: &str, file: &File| [format!("  {word}"), foreign(&file.path), String::new(), size(file)];
    let rows = removed.iter().filter(is_told).map(|file| alone("gone", file));
    let rows = rows.chain(added.iter().filter(is_told).map(|file| alone("new", file)));
    let rows = rows.chain(changed.iter().map(|change| {
        let what: Vec<String> = change.what.iter().map(ToString::to_string).collect();
        ["  changed".to_owned(), foreign(&change.path), what.join(", "), turn(&change.files)]
    }));
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        heading("Files", words);
        words.block(&table::columns(rows, &[]));
    }
}

/// Says what a file was and is, as far as it is seen: its length, mode, owner and target.
fn turn(files: &Changed<File>) -> String {
    let Changed { old, new } = files;
    let mut turns = Vec::new();
    let mut turn = |old: String, new: String| {
        if old != new {
            turns.push(format!("{old} → {new}"));
        }
    };
    turn(size(old), size(new));
    turn(format!("{:04o}", old.mode), format!("{:04o}", new.mode));
    let owner = |file: &File| format!("{}:{}", foreign(&file.owner), foreign(&file.group));
    turn(owner(old), owner(new));
    turn(old.role.to_string(), new.role.to_string());
    turns.join(", ")
}

fn scripts(scripts: &BTreeMap<String, ScriptChange>, words: &mut Words) {
    if scripts.is_empty() {
        return;
    }
    heading("Scripts", words);
    let rows = scripts.iter().map(|(place, change)| {
        let word = match change {
            ScriptChange::Added => "new",
            ScriptChange::Removed => "gone",
            ScriptChange::Changed => "changed",
        };
        [format!("  {word}"), foreign(place)]
    });
    words.block(&table::columns(rows, &[]));
}

fn changed_lines(lines: &BTreeMap<String, String>, words: &mut Words) {
    if lines.is_empty() {
        return;
    }
    heading("Lines", words);
    for diff in lines.values() {
        clean::visible(diff).lines().for_each(|line| words.line(coloured(line)));
    }
}

fn upgrade(impact: &Impact, words: &mut Words) {
    heading("Upgrade", words);
    if impact.units.is_empty() {
        words.line("  no service is touched");
    }
    let width = impact.units.keys().map(|unit| foreign(unit).chars().count()).max().unwrap_or(0);
    for (unit, fate) in &impact.units {
        let changed = if impact.changed_units.contains(unit) { ", its file changes" } else { "" };
        words.line(format_args!("  {:width$}  {}{changed}", foreign(unit), happens(fate)));
        if let Fate::Restarts { opt_out, loss, .. } = fate {
            let note =
                |sign, text: String, words: &mut Words| words.line(format_args!("  {:width$}  {sign} {text}", ""));
            if let Some(loss) = loss {
                let text = format!("in the worst case: {}", foreign(loss));
                note(format!("{WARNING}!{WARNING:#}"), text, words);
            }
            if let Some(file) = opt_out {
                let text = format!("{DIM}the file {} prevents the restart{DIM:#}", foreign(file));
                note(" ".to_owned(), text, words);
            }
        }
    }
    if !impact.changed_programs.is_empty() {
        let programs: Vec<String> = impact.changed_programs.iter().map(|path| foreign(path)).collect();
        words.line(format_args!("  programs that change: {}", programs.join(", ")));
    }
}

fn happens(fate: &Fate) -> String {
    match fate {
        Fate::Restarts { by, .. } => format!("is restarted if it runs, by {}", foreign(by)),
        Fate::RunsOn => "runs on".to_owned(),
        Fate::Comes => "is new".to_owned(),
        Fate::Goes => "is gone".to_owned(),
    }
}
