//! `dam history`.

use dam_core::app::AppId;
use dam_core::ledger::{HistoryEntry, HookLog, HookLogSummary, OperationKind, OperationState, Source};
use serde::Serialize;

use super::{Show, Words};
use crate::clean;

/// What was done on this machine.
#[derive(Debug, Serialize)]
pub(crate) struct History {
    /// The operations, newest first.
    pub(crate) entries: Vec<Entry>,
}

/// One operation.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    /// What it was.
    #[serde(flatten)]
    pub(crate) operation: HistoryEntry,
    /// What its hooks printed, if that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) logs: Vec<Log>,
}

/// What one hook printed.
#[derive(Debug, Serialize)]
pub(crate) struct Log {
    /// The run.
    #[serde(flatten)]
    summary: HookLogSummary,
    /// The output, made safe to show.
    text: String,
}

impl From<HookLog> for Log {
    fn from(log: HookLog) -> Self {
        Self { summary: log.summary, text: clean::lines(&String::from_utf8_lossy(&log.text)) }
    }
}

impl Show for History {
    fn words(&self, words: &mut Words) {
        if self.entries.is_empty() {
            words.line("nothing was done yet");
        }
        for Entry { operation, logs } in &self.entries {
            let when = words.ago(operation.started_at);
            let state = match operation.state {
                OperationState::Done if operation.error.is_some() => "  stopped",
                OperationState::Done => "",
                OperationState::Pending => "  not ended",
                OperationState::Undone => "  failed, undone",
                OperationState::Broken => "  failed, not undone",
            };
            let kind = operation.kind.as_str();
            words.line(format_args!("{}  {when:<14}  {kind:<8}  {}{state}", operation.started_at, change(operation)));
            for part in &operation.parts {
                words.line(format_args!(
                    "  {:<8}  {}",
                    part.kind.as_str(),
                    versions(part.old.as_ref(), part.new.as_ref())
                ));
            }
            if let Some(error) = &operation.error {
                words.line(format_args!("  {}", super::foreign(error)));
            }
            for log in logs {
                let HookLogSummary { app, hook, ended, .. } = &log.summary;
                words.line(format_args!("  {hook} of {app} {ended}"));
                log.text.lines().for_each(|line| words.line(format_args!("  | {line}")));
            }
        }
    }
}

/// Names what changed, or where the product of an import came from.
fn change(operation: &HistoryEntry) -> String {
    match (&operation.source, operation.kind) {
        (Some(Source::File { path }), OperationKind::Import) => super::foreign(path),
        _ => versions(operation.old.as_ref(), operation.new.as_ref()),
    }
}

/// Names a change of one app: `shop 1.0 → 2.0`, or the one app.
fn versions(old: Option<&AppId>, new: Option<&AppId>) -> String {
    let one = |app: &AppId| format!("{} {}", app.name, app.version);
    match (old, new) {
        (Some(old), Some(new)) if old.name == new.name => format!("{} → {}", one(old), new.version),
        (Some(old), Some(new)) => format!("{} → {}", one(old), one(new)),
        (None, Some(app)) | (Some(app), None) => one(app),
        (None, None) => String::new(),
    }
}
