//! What can be wrong with an export.

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
}
