//! What is different between two states of an app, for people to read before they say yes.

mod hooks;
mod text;

pub use hooks::{FileChange, hooks, hooks_across};
pub(crate) use text::lines;

/// The longest file whose lines are compared, in bytes. Of a longer one it is only said that it differs.
pub const TEXT_LIMIT: u64 = 256 << 10;
/// The most text that is compared at once, in bytes; of files beyond it is only said that they differ.
pub const TOTAL_LIMIT: u64 = 16 << 20;
