//! A created app.

use dam_core::ops::create::Created;

use super::{Show, Words};
use crate::bytes::Bytes;
use crate::ui::style::GOOD;

impl Show for Created {
    fn words(&self, words: &mut Words) {
        let layers = if self.layers == 1 { "layer" } else { "layers" };
        let hooks: Vec<_> = self.hooks.iter().map(ToString::to_string).collect();
        words.line(format_args!(
            "{GOOD}Created{GOOD:#} {}  (family {}, {}, {} {layers}, hooks: {})",
            self.reference,
            self.family,
            Bytes(self.size),
            self.layers,
            hooks.join(" ")
        ));
    }
}
