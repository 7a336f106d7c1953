//! `dam search`.

use dam_core::ops::search::{Found, Missed, Note};
use serde::{Serialize, Serializer};

use super::{Show, Words};
use crate::ui::style::DIM;

/// How wide names are at least, so that versions stand below each other though later names are not known yet.
const NAME_WIDTH: usize = 30;

/// One repository, as soon as it is known.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Row<'a>(pub(crate) &'a Found);

impl Row<'_> {
    /// Returns the rows for scripts, `repo;name;version`: one for each version, or one without.
    pub(crate) fn raw(&self) -> String {
        let Found { repo, name, versions, .. } = self.0;
        let row = |version: &str| format!("{repo};{name};{version}\n");
        match versions.as_deref() {
            None | Some([]) => row(""),
            Some(versions) => versions.iter().map(|version| row(version.as_str())).collect(),
        }
    }

    /// Says which versions there are.
    fn versions(&self) -> String {
        let newest = self.0.versions.iter().flatten().map(ToString::to_string);
        let mut text = newest.collect::<Vec<_>>().join(", ");
        if self.0.more > 0 {
            text += &format!(" {DIM}… {} more{DIM:#}", self.0.more);
        }
        text
    }
}

impl Show for Row<'_> {
    fn words(&self, words: &mut Words) {
        // Names are of the grammar of references, and versions of tags: nothing in them can speak to a terminal.
        let Found { name, versions, .. } = self.0;
        match versions.as_deref() {
            None => words.line(name),
            Some([]) => words.line(format_args!("{name:NAME_WIDTH$}  {DIM}no versions{DIM:#}")),
            Some(_) => words.line(format_args!("{name:NAME_WIDTH$}  {}", self.versions())),
        }
    }
}

/// All of a search, for machines.
#[derive(Debug, Serialize)]
pub(crate) struct Search {
    /// What was found.
    pub(crate) found: Vec<Found>,
    /// What there is to know of the answer.
    #[serde(serialize_with = "texts")]
    pub(crate) notes: Vec<Note>,
    /// What went wrong, by repo.
    pub(crate) errors: Vec<serde_json::Value>,
}

impl Show for Search {
    fn words(&self, words: &mut Words) {
        self.found.iter().for_each(|found| Row(found).words(words));
    }
}

fn texts<S: Serializer>(notes: &[Note], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(notes.iter().map(ToString::to_string))
}

/// Says what a repo's failure means for the answer.
pub(crate) fn missed(missed: &Missed) -> String {
    let repo = &missed.repo;
    match missed.names {
        0 => format!("`{repo}` cannot be searched"),
        1 => format!("the versions of 1 name of `{repo}` cannot be told"),
        names => format!("the versions of {names} names of `{repo}` cannot be told"),
    }
}
