//! What a migration would take over, and did.

use dam_core::ops::migrate::{MigrateOutcome, MigratePlan};

use super::{Show, Words, foreign};
use crate::ui::style::{GOOD, WARNING};

impl Show for MigratePlan {
    fn words(&self, words: &mut Words) {
        for app in &self.take {
            words.line(format_args!("  take over  {}  {}", app.app.name, app.app.version));
        }
        for app in &self.done {
            words.line(format_args!("  keep       {}  {}  taken over before", app.name, app.version));
        }
        for app in &self.present {
            words.line(format_args!("  keep       {}  {}  installed here already", app.name, app.version));
        }
        for fault in &self.faults {
            words.line(format_args!("{WARNING}warning:{WARNING:#} {}", foreign(&fault.to_string())));
        }
        if !self.passwords_left.is_empty() {
            let names = self.passwords_left.join(", ");
            words.line(format_args!("  passwords of repos are not taken over: {}", foreign(&names)));
        }
    }
}

impl Show for MigrateOutcome {
    fn words(&self, words: &mut Words) {
        for taken in &self.taken {
            words.line(format_args!("{GOOD}Took over{GOOD:#} {} {}", taken.app.name, taken.app.version));
        }
        for left in &self.left {
            words.line(format_args!("{WARNING}left{WARNING:#} {}: {}", left.app, foreign(&left.reason.to_string())));
        }
        if self.taken.is_empty() && self.left.is_empty() {
            words.line("Nothing new to take over");
        }
    }
}
