//! What a recipe names, and how it stands with it.

use dam_core::ops::engine::fetch::{Done, FetchOutcome, FetchedPart};

use crate::bytes::Bytes;
use crate::show::{Show, Words, foreign};
use crate::ui::style::GOOD;

impl Show for FetchOutcome {
    fn words(&self, words: &mut Words) {
        let recipe = foreign(&self.recipe.display().to_string());
        self.parts.iter().for_each(|part| tell(part, words));
        let noted = self.parts.iter().filter(|part| part.noted).count();
        match noted {
            _ if self.parts.is_empty() => words.line(format_args!("Nothing to do: {recipe} names no file")),
            0 if self.is_idle() => words.line("Nothing to do: everything is here"),
            0 => {}
            1 => words.line(format_args!("{GOOD}Noted{GOOD:#} its digest in {recipe}")),
            _ => words.line(format_args!("{GOOD}Noted{GOOD:#} their digests in {recipe}")),
        }
    }
}

fn tell(part: &FetchedPart, words: &mut Words) {
    let (name, bytes) = (part.part.name(), Bytes(part.bytes));
    let from = foreign(part.url.as_deref().unwrap_or(&part.path.display().to_string()));
    match part.done {
        Done::Downloaded if part.resumed > 0 => {
            let resumed = Bytes(part.resumed);
            words.line(format_args!("{GOOD}Downloaded{GOOD:#} {name}  {from}  ({bytes}, {resumed} of it before)"));
        }
        Done::Downloaded => words.line(format_args!("{GOOD}Downloaded{GOOD:#} {name}  {from}  ({bytes})")),
        Done::Kept => words.line(format_args!("Have {name}  {from}  ({bytes})")),
        Done::Checked => words.line(format_args!("Checked {name}  {from}  ({bytes})")),
        Done::Unchecked => words.line(format_args!("Have {name}  {from}  ({bytes}, no digest to check it by)")),
    }
    words.line(format_args!("  sha256:{}", part.sha256));
}
