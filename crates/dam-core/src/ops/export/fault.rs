//! What can be wrong with an export.

use std::fmt;

use dam_oci::Reference;

/// What can be wrong with an export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportFault {
    /// There is no app that a bundle could carry.
    #[error("there is no app to export")]
    Nothing,
    /// Apps that were asked for are not installed, or not in the list.
    #[error("{} {}: {}", if .words.len() == 1 { "no such app is" } else { "no such apps are" }, .place, .words.join(", "))]
    Unknown {
        /// What was asked for.
        words: Vec<String>,
        /// Where it was looked for, such as "installed".
        place: String,
    },
    /// Apps of a product list are neither installed nor in the store.
    #[error("{} of `{list}` cannot be exported", if .apps.len() == 1 { "an app".to_owned() } else { format!("{} apps", .apps.len()) })]
    Missing {
        /// The list, such as its path.
        list: String,
        /// The apps, in the order of the list.
        apps: Vec<MissingApp>,
    },
}

/// An app of a product list that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingApp {
    /// Its line in the list, from 1.
    pub line: usize,
    /// What stands there.
    pub reference: Reference,
    /// Images of that name and version under several registries, sorted; empty where there is none.
    pub found: Vec<Reference>,
}

impl fmt::Display for MissingApp {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "line {}: `{}`: ", self.line, self.reference)?;
        if self.found.is_empty() {
            return f.write_str("it is neither installed nor in the store");
        }
        let found: Vec<String> = self.found.iter().map(ToString::to_string).collect();
        write!(f, "the store has several: {}", found.join(", "))
    }
}
