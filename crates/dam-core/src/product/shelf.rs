//! Finding the apps of a list among the images of a store.

use std::collections::BTreeSet;
use std::fmt;

use dam_oci::Reference;

use super::Entry;
use crate::app::AppId;
use crate::event::Reporter;
use crate::repo::{Asked, Inquiry, Where};
use crate::store::{ImageId, ListedImage, Store};
use crate::{Error, Result};

/// The images of a store, looked through for the apps of a list. The store is asked for all of them at most once.
pub struct Shelf<'a> {
    store: &'a dyn Store,
    images: Option<Vec<ListedImage>>,
    /// Whether a registry failed that was asked: the others of the list are not tried, for each may take its time.
    failed: bool,
}

/// An app of a list that is nowhere on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingApp {
    /// Its line in the list, from 1.
    pub line: usize,
    /// What stands there.
    pub reference: Reference,
    /// Images of that name and version under several registries, sorted; empty where there is none.
    pub found: Vec<Reference>,
    /// What the registries said that were asked, each in a sentence.
    pub said: Vec<String>,
}

impl<'a> Shelf<'a> {
    /// Looks at `store`.
    pub fn new(store: &'a dyn Store) -> Self {
        Self { store, images: None, failed: false }
    }

    /// Finds the image of a line: by its very name, else the only one with that repository and tag under any registry. A list
    /// of DAM 1.x names no registries.
    ///
    /// # Errors
    /// The outer ones are those of the store; the inner one says that there is none, or more than one.
    pub fn find(&mut self, entry: &Entry) -> Result<Result<(Reference, ImageId), MissingApp>> {
        if let Some(holder) = self.store.holder(&entry.reference)? {
            return Ok(Ok((entry.reference.clone(), holder)));
        }
        let missing =
            |found| MissingApp { line: entry.line, reference: entry.reference.clone(), found, said: Vec::new() };
        if entry.reference.registry().is_some() {
            return Ok(Err(missing(Vec::new())));
        }
        let images = match &mut self.images {
            Some(images) => images,
            images => images.insert(self.store.list()?),
        };
        let same = |tag: &&Reference| AppId::of(tag).as_ref() == Some(&entry.id);
        let named = images.iter().filter_map(|image| Some((image.tags.iter().find(same)?.clone(), image.id)));
        let mut found: Vec<(Reference, ImageId)> = named.collect();
        if found.len() == 1 {
            return Ok(Ok(found.remove(0)));
        }
        let names: BTreeSet<Reference> = found.into_iter().map(|(name, _)| name).collect();
        Ok(Err(missing(names.into_iter().collect())))
    }
}

impl Shelf<'_> {
    /// Finds the image of a line, of which its repo has nothing, as `asked` says. Nobody was asked of a line that belongs to no
    /// repo: where the store does not have it either, its registry is.
    ///
    /// # Errors
    /// The outer ones are those of the store; the inner one says that there is none, or more than one.
    pub fn find_or_ask(
        &mut self,
        entry: &Entry,
        asked: &Asked,
        inquiry: &Inquiry,
        reporter: &dyn Reporter,
    ) -> Result<Result<Where, MissingApp>> {
        let mut missing = match self.find(entry)? {
            Ok((reference, _)) => return Ok(Ok(Where::Store(reference))),
            Err(missing) => missing,
        };
        match asked {
            Asked::Absent(places) => missing.said = places.iter().map(|place| format!("{place} has none")).collect(),
            Asked::Nobody if missing.found.is_empty() && !self.failed => {
                match inquiry.ask_last(&entry.reference, reporter) {
                    Ok(Some(found)) => return Ok(Ok(Where::Registry(Box::new(found)))),
                    Ok(None) => {}
                    Err(Error::Cancelled) => return Err(Error::Cancelled),
                    Err(error) => {
                        self.failed = true;
                        missing.said = vec![sentence(&error)];
                    }
                }
            }
            Asked::Nobody | Asked::Found(_) => {}
        }
        Ok(Err(missing))
    }
}

/// Puts an error and what brought it about into one line.
fn sentence(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl fmt::Display for MissingApp {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "line {}: `{}`: ", self.line, self.reference)?;
        if self.found.is_empty() {
            f.write_str("it is neither installed nor in the store")?;
            return self.said.iter().try_for_each(|said| write!(f, "; {said}"));
        }
        let found: Vec<String> = self.found.iter().map(ToString::to_string).collect();
        write!(f, "the store has several: {}", found.join(", "))
    }
}
