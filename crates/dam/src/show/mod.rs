//! How outcomes are put into words. Each outcome is one struct: its words, its JSON and the tests read the same fields.

mod change;
mod create;
mod diff;
mod doctor;
mod engine;
mod export;
mod history;
mod import;
mod info;
mod list;
mod migrate;
mod plan;
mod pull;
mod purge;
mod push;
mod repos;
mod save;
mod search;
mod verify;
mod verify_file;
mod version;

use std::fmt::Write as _;

use dam_core::ledger::Timestamp;
use serde::Serialize;

use crate::ago::ago;
use crate::clean;

pub(crate) use change::Unchanged;
pub(crate) use diff::{Diff, Scripts};
pub(crate) use doctor::Doctor;
pub(crate) use engine::{AllChecked, Detail, Difference, Explanation};
pub(crate) use history::{Entry, History};
pub(crate) use info::Info;
pub(crate) use list::List;
pub(crate) use migrate::left_out;
pub(crate) use pull::AllPulled;
pub(crate) use repos::{RepoCheck, RepoList};
pub(crate) use search::{Row, Search, missed};
pub(crate) use version::Version;

/// An outcome that can be shown.
pub(crate) trait Show: Serialize {
    /// Puts the outcome into words, with colours.
    fn words(&self, words: &mut Words);
}

/// A page of words.
pub(crate) struct Words {
    text: String,
    now: Timestamp,
}

impl Words {
    /// Begins a page; `now` is the moment all `… ago` refer to.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { text: String::new(), now }
    }

    /// Returns the moment all `… ago` refer to.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Adds one line.
    pub(crate) fn line(&mut self, line: impl std::fmt::Display) {
        writeln!(self.text, "{line}").expect("a String takes everything");
    }

    /// Adds text that has its own line breaks.
    pub(crate) fn block(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Says how long ago something was.
    pub(crate) fn ago(&self, then: Timestamp) -> String {
        ago(then, self.now)
    }

    /// Returns the page.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// Makes a foreign text fit for one line.
pub(crate) fn foreign(text: &str) -> String {
    clean::line(text)
}
