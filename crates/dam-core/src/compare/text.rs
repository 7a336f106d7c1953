//! Two texts, line by line.

use std::time::{Duration, Instant};

use similar::{ChangeTag, TextDiff};

/// Lines around a change that are shown with it.
const CONTEXT: usize = 3;
/// How long the shortest difference is looked for, for all files together. Two long files of nothing but noise would take
/// minutes; after this time the difference is right all the same, but longer than it need be.
const PATIENCE: Duration = Duration::from_secs(2);

/// The moment at which looking for the shortest differences ends.
pub(super) struct Time(Instant);

impl Time {
    pub(super) fn begin() -> Self {
        Self(Instant::now() + PATIENCE)
    }
}

/// What is different.
pub(super) struct Difference {
    pub(super) added: usize,
    pub(super) removed: usize,
    pub(super) unified: String,
}

/// Returns what is different between two texts that have a name, in the unified form with three lines of context.
pub(crate) fn lines(name: &str, old: &str, new: &str) -> String {
    compare(old, new, &[format!("a/{name}"), format!("b/{name}")], &Time::begin()).unified
}

/// Compares two texts, which `names` name in the result.
pub(super) fn compare(old: &str, new: &str, names: &[String; 2], time: &Time) -> Difference {
    let diff = TextDiff::configure().deadline(time.0).diff_lines(old, new);
    let (mut added, mut removed) = (0, 0);
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Insert => added += 1,
            ChangeTag::Delete => removed += 1,
            ChangeTag::Equal => {}
        }
    }
    let unified = diff.unified_diff().context_radius(CONTEXT).header(&names[0], &names[1]).to_string();
    Difference { added, removed, unified }
}
