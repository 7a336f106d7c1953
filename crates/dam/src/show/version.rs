//! `dam version`.

use serde::Serialize;

use super::{Show, Words};

/// What this binary is.
#[derive(Debug, Serialize)]
pub(crate) struct Version {
    /// Version of dam.
    pub(crate) version: &'static str,
    /// Operating system and processor it was built for.
    pub(crate) platform: String,
    /// The form of the ledger that it writes; it reads older ones, and refuses newer ones.
    pub(crate) ledger: i64,
}

impl Show for Version {
    fn words(&self, words: &mut Words) {
        words.line(format_args!("dam {}", self.version));
    }
}
