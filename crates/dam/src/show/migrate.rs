//! What a migration would take over, and did.

use dam_core::ledger::LeftRepo;
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
        for repo in &self.repos {
            let password = if repo.password.is_some() { ", with its password" } else { "" };
            let default = if repo.is_default { ", the default" } else { "" };
            words.line(format_args!("  take over  repo {}  {}{default}{password}", repo.name, repo.server));
        }
        for login in &self.logins {
            let password = if login.password.is_some() { " and the password" } else { "" };
            words.line(format_args!("  take over  the user{password} of repo {}", login.repo));
        }
        for repo in &self.repos_left {
            words.line(format_args!("{WARNING}warning:{WARNING:#} {}", left_out(repo)));
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
        for repo in &self.plan.repos {
            words.line(format_args!("{GOOD}Took over{GOOD:#} repo {}", repo.name));
        }
        for login in &self.plan.logins {
            words.line(format_args!("{GOOD}Took over{GOOD:#} the login of repo {}", login.repo));
        }
        for repo in &self.plan.repos_left {
            words.line(format_args!("{WARNING}left{WARNING:#} {}", left_out(repo)));
        }
        if self.taken.is_empty() && self.left.is_empty() && !self.plan.changes_repos() {
            words.line("Nothing new to take over");
        }
    }
}

/// Says of a repo of DAM 1.x why it is none here.
pub(crate) fn left_out(repo: &LeftRepo) -> String {
    let reason = repo.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
    foreign(&format!("repo `{}` of DAM 1.x is left out{reason}", repo.name))
}
