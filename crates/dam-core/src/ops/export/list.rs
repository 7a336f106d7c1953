//! Writing a product list.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::app::{AppId, Release};
use crate::bundle::{BundleFile, folder_of, refuse_irregular};
use crate::host::Cancel;
use crate::product::ProductList;
use crate::{Error, Result};

/// A list that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportedList {
    /// The file.
    pub path: PathBuf,
    /// The apps, in the order of the list.
    pub apps: Vec<AppId>,
}

/// Returns the list of `releases`.
pub fn list(releases: &[Release]) -> ProductList {
    ProductList::of(releases.iter().map(|release| &release.app))
}

/// Writes the list of `releases` to `path`, in the place of any file there: it appears whole, by rename.
///
/// # Errors
/// [`crate::bundle::BundleError::Irregular`] where `path` is a device, a pipe or a folder.
pub fn write_list(path: &Path, releases: &[Release], cancel: &Cancel) -> Result<ExportedList> {
    refuse_irregular(path)?;
    let mut file = BundleFile::create(folder_of(path), cancel.clone())?;
    file.write_all(list(releases).to_string().as_bytes()).map_err(Error::access(path))?;
    file.finish(path)?;
    Ok(ExportedList { path: path.to_owned(), apps: releases.iter().map(|release| release.app.id.clone()).collect() })
}
