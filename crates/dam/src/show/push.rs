//! What a push came to.

use dam_core::ops::push::{PushOutcome, PushedApp};

use super::{Show, Words};
use crate::bytes::Bytes;
use crate::table;
use crate::ui::style::GOOD;

impl Show for PushOutcome {
    fn words(&self, words: &mut Words) {
        let apps = self.apps.iter().map(|app| {
            let digest = app.digest.to_string();
            vec![format!("  {}", app.reference), digest, Bytes(app.bytes).to_string(), blobs(app)]
        });
        words.block(&table::columns(apps, &[2]));
        let count = match self.apps.len() {
            1 => "1 app".to_owned(),
            count => format!("{count} apps"),
        };
        let (to, bytes) = (&self.to, Bytes(self.bytes));
        match self.dry_run {
            true => words.line(format_args!("{count} would be pushed to {to}  ({bytes})")),
            false => words.line(format_args!("{GOOD}Pushed{GOOD:#} {count} to {to}  ({bytes})")),
        }
    }
}

/// Says what became of an app's blobs.
fn blobs(app: &PushedApp) -> String {
    let counts = [(app.sent, "sent"), (app.mounted, "mounted"), (app.present, "there already")];
    let told = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    told.collect::<Vec<_>>().join(", ")
}
