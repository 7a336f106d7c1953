//! Finding the apps of a list among the images of a store.

use std::collections::BTreeSet;
use std::fmt;

use dam_oci::Reference;

use super::Entry;
use crate::Result;
use crate::app::AppId;
use crate::store::{ImageId, ListedImage, Store};

/// The images of a store, looked through for the apps of a list. The store is asked for all of them at most once.
pub struct Shelf<'a> {
    store: &'a dyn Store,
    images: Option<Vec<ListedImage>>,
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
}

impl<'a> Shelf<'a> {
    /// Looks at `store`.
    pub fn new(store: &'a dyn Store) -> Self {
        Self { store, images: None }
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
        let missing = |found| MissingApp { line: entry.line, reference: entry.reference.clone(), found };
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

impl fmt::Display for MissingApp {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "line {}: `{}`: ", self.line, self.reference)?;
        if self.found.is_empty() {
            return f.write_str("it is neither installed nor in the store");
        }
        let found: Vec<String> = self.found.iter().map(ToString::to_string).collect();
        write!(f, "the store has several: {}", found.join(", "))
    }
}
