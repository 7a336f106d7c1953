//! An import, before the question and after it.

use dam_core::compare::FileChange;
use dam_core::ledger::Source;
use dam_core::ops::import::{Action, ImportPlan, Imported, PlannedApp, Space};

use super::diff::coloured;
use super::{Show, Words, foreign};
use crate::bytes::Bytes;
use crate::clean;
use crate::ui::style::{BOLD, DIM, GOOD};

/// The most lines of differences that stand in a plan; a longer one is worth a command of its own.
const DIFF_LINES: usize = 40;

impl Show for ImportPlan {
    fn words(&self, words: &mut Words) {
        let goes_on = if self.goes_on { ", going on where it was cut off" } else { "" };
        let apps = if self.apps.len() == 1 { "1 app".to_owned() } else { format!("{} apps", self.apps.len()) };
        words.line(format_args!("{BOLD}{}{BOLD:#}: {apps}{goes_on}\n", foreign(&self.source)));
        let name = self.apps.iter().map(|app| app.name.as_str().len()).max().unwrap_or_default();
        let version = self.apps.iter().map(|app| versions(app).chars().count()).max().unwrap_or_default();
        for app in &self.apps {
            let line = format!(
                "  {BOLD}{:<9}{BOLD:#}  {:<name$}  {:<version$}  {}",
                app.action.as_str(),
                app.name,
                versions(app),
                remark(app)
            );
            words.line(line.trim_end());
        }
        self.hooks(words);
        if let Some(Space { needed, free, place }) = self.space.as_ref().filter(|_| self.send() > 0) {
            let place = foreign(&place.display().to_string());
            words.line(format_args!("\n  space: needs {}, {} free on {place}", Bytes(*needed), Bytes(*free)));
        }
    }
}

trait HookWords {
    fn hooks(&self, words: &mut Words);
}

impl HookWords for ImportPlan {
    /// Shows what changes in scripts and configs: which, and how, where that is short.
    fn hooks(&self, words: &mut Words) {
        let all = || self.hooks.iter().flat_map(|of| of.changes.iter().map(move |change| (&of.app, change)));
        if all().next().is_none() {
            return;
        }
        words.line("");
        for (app, FileChange { path, added, removed, .. }) in all() {
            let path = foreign(path);
            words.line(format_args!("  changed: {}/{path}  {DIM}(+{added} −{removed} lines){DIM:#}", app.name));
        }
        let lines: usize = all().filter_map(|(_, change)| change.diff.as_ref()).map(|diff| diff.lines().count()).sum();
        if lines > DIFF_LINES {
            let source = crate::invocation::quote(&self.source);
            words.line(format_args!("  {DIM}see: dam diff installed {source} --hooks{DIM:#}"));
            return;
        }
        for diff in all().filter_map(|(_, change)| change.diff.as_ref()) {
            words.line("");
            clean::visible(diff).lines().for_each(|line| words.line(format_args!("    {}", coloured(line))));
        }
    }
}

fn versions(app: &PlannedApp) -> String {
    match (&app.old, &app.new) {
        (Some(old), Some(new)) if old != new => format!("{old} → {new}"),
        (_, Some(version)) | (Some(version), None) => version.to_string(),
        (None, None) => String::new(),
    }
}

fn remark(app: &PlannedApp) -> String {
    match (app.action, &app.from) {
        (Action::Remove, _) => "not in this product".to_owned(),
        (Action::Keep, _) => String::new(),
        (_, Some(Source::Registry { name })) => format!("from {}", foreign(name)),
        (_, Some(Source::Store)) => "from the store".to_owned(),
        _ if app.send == 0 => "its layers are all there".to_owned(),
        _ if app.send >= app.size => format!("sends {}", Bytes(app.send)),
        _ => format!("sends {} of {}", Bytes(app.send), Bytes(app.size)),
    }
}

impl Show for Imported {
    fn words(&self, words: &mut Words) {
        for app in &self.apps {
            app.words(words);
        }
        let source = foreign(&self.source);
        match (self.apps.len(), self.kept) {
            (0, _) => words.line(format_args!("Nothing to do: this machine is as {source} says")),
            (_, 0) => words.line(format_args!("{GOOD}Imported{GOOD:#} {source}")),
            (_, kept) => words.line(format_args!("{GOOD}Imported{GOOD:#} {source}  ({kept} kept)")),
        }
    }
}
