//! A recipe that was begun.

use dam_core::ops::engine::init::Begun;

use crate::show::{Show, Words, foreign};
use crate::ui::style::GOOD;

impl Show for Begun {
    fn words(&self, words: &mut Words) {
        let path = foreign(&self.path.display().to_string());
        words.line(format_args!("{GOOD}Wrote{GOOD:#} {path}  ({} settings, all explained)", self.keys));
    }
}
