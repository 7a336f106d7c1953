//! A saved app.

use dam_core::ops::save::Saved;

use super::{Show, Words, foreign};
use crate::bytes::Bytes;
use crate::ui::style::GOOD;

impl Show for Saved {
    fn words(&self, words: &mut Words) {
        let path = foreign(&self.path.display().to_string());
        let path = path.strip_prefix("./").unwrap_or(&path);
        let from = self.from.as_ref().map(|place| format!(", from {}", foreign(place))).unwrap_or_default();
        words.line(format_args!("{GOOD}Saved{GOOD:#} {path}  ({}, {}{from})", self.app, Bytes(self.bytes)));
    }
}
