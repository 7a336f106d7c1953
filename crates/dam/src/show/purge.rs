//! What a purge would do, and did.

use dam_core::ops::purge::{PurgePlan, Purged, PurgedImage};

use super::{Show, Words, foreign};
use crate::bytes::Bytes;
use crate::table::columns;
use crate::ui::style::{GOOD, WARNING};

impl Show for PurgePlan {
    fn words(&self, words: &mut Words) {
        words.block(&rows("remove", &self.remove));
        let Self { remove, installed, previous, spared } = self;
        let bytes: u64 = remove.iter().map(|image| image.size).sum();
        let what = match remove.len() {
            0 => "nothing to remove".to_owned(),
            1 => format!("1 image to remove, up to {}", Bytes(bytes)),
            count => format!("{count} images to remove, up to {}", Bytes(bytes)),
        };
        words.line(format_args!("  {what}; kept: {installed} installed, {previous} for rollback, {spared} others"));
    }
}

impl Show for Purged {
    fn words(&self, words: &mut Words) {
        for (image, reason) in &self.in_use {
            words.line(format_args!("{WARNING}in use{WARNING:#} {}: {}", name(image), foreign(reason)));
        }
        let bytes: u64 = self.removed.iter().map(|image| image.size).sum();
        match self.removed.len() {
            0 if self.error.is_some() => {}
            0 => words.line("Nothing to purge"),
            1 => words.line(format_args!("{GOOD}Purged{GOOD:#} 1 image, up to {}", Bytes(bytes))),
            count => words.line(format_args!("{GOOD}Purged{GOOD:#} {count} images, up to {}", Bytes(bytes))),
        }
    }
}

fn rows(verb: &str, images: &[PurgedImage]) -> String {
    let row = |image: &PurgedImage| [format!("  {verb}"), name(image), Bytes(image.size).to_string()];
    columns(images.iter().map(row), &[2])
}

fn name(image: &PurgedImage) -> String {
    match &image.tags[..] {
        [] => image.id.0.short(),
        tags => tags.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}
