//! `dam diff`.

use dam_core::compare::FileChange;
use dam_core::ops::diff::{self, AppChange, AppDiff, Brings, Compared};
use serde::Serialize;

use super::{Show, Words, foreign};
use crate::bytes::Bytes;
use crate::clean;
use crate::invocation::quote;
use crate::table;
use crate::ui::style::{BOLD, DIM, ERROR, GOOD};

/// How two products differ.
#[derive(Debug, Serialize)]
pub(crate) struct Diff {
    #[serde(flatten)]
    pub(crate) diff: diff::Diff,
    #[serde(skip)]
    pub(crate) scripts: Scripts,
}

/// What the words tell of scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scripts {
    /// Which files changed, and by how many lines.
    Counted,
    /// The lines that changed, and nothing else.
    Shown,
}

impl Show for Diff {
    fn words(&self, words: &mut Words) {
        match self.scripts {
            Scripts::Counted => overview(&self.diff, words),
            Scripts::Shown => scripts(&self.diff, words),
        }
    }
}

fn overview(diff: &diff::Diff, words: &mut Words) {
    let (old, new) = (name(&diff.old), name(&diff.new));
    let rows = diff.apps.iter().map(|app| {
        let change = format!("  {}", change(app.change));
        [change, app.name.to_string(), versions(app), app.brings.map(|it| brings(app.change, it)).unwrap_or_default()]
    });
    let table = table::columns(rows, &[]);
    words.block(&table);
    match (diff.apps.len(), diff.differs()) {
        (0, _) => words.line("There is no app in either"),
        (1, false) => words.line("No difference, 1 app"),
        (apps, false) => words.line(format_args!("No difference, {apps} apps")),
        (_, true) => {}
    }
    let mut notes = Words::new(words.now());
    let is_list = |side: &Compared| matches!(side, Compared::List { .. });
    const SILENT: &str = "nothing of images, layers and scripts";
    match (diff.apps.is_empty(), is_list(&diff.old), is_list(&diff.new)) {
        (true, ..) | (_, false, false) => {}
        (_, true, true) => notes.line(format_args!("Both are lists, which say {SILENT}")),
        (_, true, false) => notes.line(format_args!("{old} is a list, which says {SILENT}")),
        (_, false, true) => notes.line(format_args!("{new} is a list, which says {SILENT}")),
    }
    if let Some(total) = diff.brings.filter(|total| total.layers > 0) {
        let (layers, bytes) = (layers(total), bytes(total));
        notes.line(format_args!("{new} brings {layers} that {old} has not{}", prefixed(": ", &bytes)));
    }
    changed_files(diff, &mut notes);
    if !notes.text().is_empty() {
        words.line("");
        words.block(notes.text());
    }
}

/// Names the files that changed, and the command that shows them.
fn changed_files(diff: &diff::Diff, words: &mut Words) {
    let of = |app: &AppDiff, file: &FileChange| {
        let path = format!("{}/{}", app.name, foreign(&file.path));
        match &file.diff {
            Some(_) => format!("{path} (+{} −{} lines)", file.added, file.removed),
            None => path,
        }
    };
    let files = diff.apps.iter().flat_map(|app| app.hooks.iter().flatten().map(move |file| of(app, file)));
    let files: Vec<String> = files.collect();
    const MOST: usize = 10;
    if !files.is_empty() {
        let more = files.len().saturating_sub(MOST);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        words.line(format_args!(
            "scripts and configs that changed: {}{more}",
            files[..files.len().min(MOST)].join(", ")
        ));
        let word = |side: &Compared| match side {
            Compared::Installed => "installed".to_owned(),
            Compared::List { path } | Compared::Archive { path } => quote(&path.display().to_string()),
        };
        let command = format!("dam diff {} {} --hooks", word(&diff.old), word(&diff.new));
        words.line(format_args!("{DIM}see: {}{DIM:#}", foreign(&command)));
    }
}

/// Shows the lines that changed.
fn scripts(diff: &diff::Diff, words: &mut Words) {
    let mut is_first = true;
    for app in &diff.apps {
        let Some(files) = app.hooks.as_deref().filter(|files| !files.is_empty()) else { continue };
        if !std::mem::take(&mut is_first) {
            words.line("");
        }
        words.line(format_args!("{BOLD}{} {}{BOLD:#}", app.name, versions(app)));
        for file in files {
            match &file.diff {
                Some(diff) => clean::visible(diff).lines().for_each(|line| words.line(coloured(line))),
                None => words.line(format_args!("meta/{} differs, and is too long or no text", foreign(&file.path))),
            }
        }
    }
    if is_first {
        words.line(match [&diff.old, &diff.new].iter().any(|side| matches!(side, Compared::List { .. })) {
            true => "A list says nothing of scripts",
            false => "No script changed",
        });
    }
}

/// Colours a line of a unified diff.
pub(super) fn coloured(line: &str) -> String {
    let style = match line.as_bytes() {
        [b'+', ..] => GOOD,
        [b'-', ..] => ERROR,
        [b' ', ..] => return line.to_owned(),
        _ => DIM,
    };
    format!("{style}{line}{style:#}")
}

fn change(change: AppChange) -> &'static str {
    match change {
        AppChange::New => "new",
        AppChange::Gone => "gone",
        AppChange::Upgrade => "upgrade",
        AppChange::Downgrade => "downgrade",
        AppChange::OtherImage => "rebuilt",
        AppChange::Same | AppChange::SameVersion => "same",
    }
}

fn versions(app: &AppDiff) -> String {
    match (&app.old, &app.new) {
        (Some(old), Some(new)) if old != new => format!("{old} → {new}"),
        (Some(version), _) | (None, Some(version)) => version.to_string(),
        (None, None) => String::new(),
    }
}

fn brings(change: AppChange, brings: Brings) -> String {
    match (change, brings.layers) {
        (AppChange::Same | AppChange::SameVersion, _) => String::new(),
        (_, 0) => "brings no layer".to_owned(),
        _ => format!("brings {}{}", layers(brings), prefixed(", ", &bytes(brings))),
    }
}

fn layers(brings: Brings) -> String {
    let Brings { layers, of, .. } = brings;
    format!("{layers} of {of} {}", if of == 1 { "layer" } else { "layers" })
}

/// Says how long the layers are, as far as that is known.
fn bytes(brings: Brings) -> String {
    match (brings.packed, brings.unpacked) {
        (Some(packed), Some(unpacked)) if packed != unpacked => {
            format!("{} ({} unpacked)", Bytes(packed), Bytes(unpacked))
        }
        (Some(packed), _) => Bytes(packed).to_string(),
        (None, Some(unpacked)) => format!("{} unpacked", Bytes(unpacked)),
        (None, None) => String::new(),
    }
}

fn prefixed(prefix: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{prefix}{text}") }
}

fn name(side: &Compared) -> String {
    match side {
        Compared::Installed => "what is installed".to_owned(),
        Compared::List { path } | Compared::Archive { path } => foreign(&path.display().to_string()),
    }
}
