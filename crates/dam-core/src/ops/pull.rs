//! `dam pull`: an image of a registry into the store.

use dam_oci::{Digest, Reference};
use serde::Serialize;

use crate::event::Reporter;
use crate::host::Cancel;
use crate::repo::{Fetched, Inquiry};
use crate::store::{ImageId, Store};
use crate::{Error, Result};

/// An image that is in the store now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pulled {
    /// What it is called: its registry, name and tag, or its digest where it was named by that.
    pub reference: Reference,
    /// The repo or registry it comes from.
    pub from: String,
    /// Digest of its manifest in the registry.
    pub digest: Digest,
    /// What the store calls it.
    pub image: ImageId,
    /// Bytes that were fetched; 0 where it was there already.
    pub fetched: u64,
}

/// Brings the image that `word` names into the store, and gives it its tag: of no version, the newest release.
///
/// # Errors
/// Those of [`Inquiry::ask_now`] and of [`crate::repo::Found::fetch`].
pub fn pull(
    store: &dyn Store,
    word: &Reference,
    inquiry: &Inquiry,
    cancel: &Cancel,
    reporter: &dyn Reporter,
) -> Result<Pulled> {
    cancel.check()?;
    let asked = inquiry.ask_now(word, reporter);
    let found = inquiry.with_local(asked, store, word).map_err(|error| cut(error, cancel))?;
    let fetched = found.fetch(store, cancel, reporter).map_err(|error| cut(error, cancel))?;
    let Fetched { stored, bytes } = fetched;
    if found.reference.tag().is_some() {
        store.tag(stored.id, &found.reference)?;
    }
    let (reference, from, digest) = (found.reference.clone(), found.place.clone(), found.digest());
    Ok(Pulled { reference, from, digest, image: stored.id, fetched: bytes })
}

/// What a wish to stop breaks reports itself as a failed read.
fn cut(error: Error, cancel: &Cancel) -> Error {
    if cancel.is_set() { Error::Cancelled } else { error }
}
