//! `dam engine fetch`: downloads what a recipe names by URL, and notes the digests that are missing.

use std::path::{Path, PathBuf};

use dam_oci::Digest;
use serde::Serialize;

use crate::engine::recipe::{Input, Part, Source, pin};
use crate::engine::{InputError, Inputs, Recipe, Way, digest_of};
use crate::event::Reporter;
use crate::{Error, Result};

/// What a recipe names, and how it stands with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FetchOutcome {
    /// The recipe.
    pub recipe: PathBuf,
    /// The parts that it names, in its order.
    pub parts: Vec<FetchedPart>,
}

/// A part that is at hand now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FetchedPart {
    /// Which.
    pub part: Part,
    /// Where it comes from, if the recipe names it by URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its digest, in hex as `sha256sum` prints it.
    pub sha256: String,
    /// What was done.
    pub done: Done,
    /// Bytes of the download that an earlier one had left.
    #[serde(skip_serializing_if = "is_zero")]
    pub resumed: u64,
    /// Whether the recipe got its digest just now.
    pub noted: bool,
}

/// What was done to have a part at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Done {
    /// It was downloaded.
    Downloaded,
    /// It was downloaded before, and is what the digest says.
    Kept,
    /// It is at a path, and is what the digest says.
    Checked,
    /// It is at a path, and no digest says what it should be.
    Unchecked,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes by reference")]
fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

impl FetchOutcome {
    /// Tells whether there was nothing to do.
    pub fn is_idle(&self) -> bool {
        self.parts.iter().all(|part| part.done != Done::Downloaded && !part.noted)
    }
}

/// Brings what the recipe at `path` names by URL, notes each digest that is missing in it as soon as it is known, and checks
/// those that are there.
///
/// # Errors
/// [`crate::engine::RecipeError`], [`InputError`] and [`Error::Access`]. What came before the fault stays, and its digests
/// are in the recipe.
pub fn fetch(path: &Path, inputs: &Inputs, reporter: &dyn Reporter) -> Result<FetchOutcome> {
    let recipe = Recipe::read_unpinned(path)?;
    let named = Part::EVERY.into_iter().filter_map(|part| Some((part, part.of(&recipe)?)));
    let parts = named.map(|(part, input)| bring(path, part, input, inputs, reporter)).collect::<Result<_>>()?;
    Ok(FetchOutcome { recipe: path.to_owned(), parts })
}

fn bring(recipe: &Path, part: Part, input: &Input, inputs: &Inputs, reporter: &dyn Reporter) -> Result<FetchedPart> {
    let url = match &input.source {
        Source::Path(path) => return check(part, path, input.sha256),
        Source::Url(url) => url,
    };
    let fetched = inputs.fetch(url, input.sha256, reporter)?;
    let noted = input.sha256.is_none();
    if noted {
        pin(recipe, part, url, fetched.digest)?;
    }
    let (done, resumed) = match fetched.way {
        Way::Kept => (Done::Kept, 0),
        Way::Downloaded { resumed } => (Done::Downloaded, resumed),
    };
    let (url, sha256) = (Some(url.to_string()), fetched.digest.hex());
    Ok(FetchedPart { part, url, path: fetched.path, bytes: fetched.size, sha256, done, resumed, noted })
}

/// Looks at a file of this machine.
fn check(part: Part, path: &Path, pin: Option<Digest>) -> Result<FetchedPart> {
    let (found, bytes) = digest_of(path).map_err(Error::access(path))?;
    let path = path.to_owned();
    let done = match pin {
        Some(wanted) if wanted != found => return Err(InputError::Digest { path, found, wanted }.into()),
        Some(_) => Done::Checked,
        None => Done::Unchecked,
    };
    Ok(FetchedPart { part, url: None, path, bytes, sha256: found.hex(), done, resumed: 0, noted: false })
}
