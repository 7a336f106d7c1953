//! Images that were fetched.

use dam_core::ops::pull::Pulled;
use serde::Serialize;

use super::{Show, Words, foreign};
use crate::bytes::Bytes;
use crate::ui::style::{DIM, GOOD};

/// All images of a `dam pull`.
#[derive(Debug, Serialize)]
pub(crate) struct AllPulled {
    /// The images, in the order they were named.
    pub(crate) images: Vec<Pulled>,
}

impl Show for AllPulled {
    fn words(&self, words: &mut Words) {
        for pulled in &self.images {
            let Pulled { reference, from, digest, fetched, .. } = pulled;
            let from = foreign(from);
            match fetched {
                0 => words.line(format_args!("{reference} is already here, as {from} has it")),
                _ => words
                    .line(format_args!("{GOOD}Pulled{GOOD:#} {reference}  (fetched {} from {from})", Bytes(*fetched))),
            }
            words.line(format_args!("  {DIM}{digest}{DIM:#}"));
        }
    }
}
