//! Projects: folders that apps are made from.
//!
//! A project is a `Dockerfile` and a folder `meta` with the scripts `install` and `uninstall`. Files under `meta` that
//! end in `.exp` are templates: their variables are replaced on the way to the build. Nothing is ever written into the
//! project.

mod context;
mod description;
mod environment;
mod error;
mod expander;
mod identity;
mod templates;
mod variables;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

pub use environment::{Assignment, Environment};
pub use error::ProjectError;
pub use identity::{Flags, Identity};
pub use templates::{Replacement, Templates, Undefined};
pub use variables::{Origin, RESERVED, TAG, Variable, Variables};

use crate::app::HookName;
use crate::{Error, Result};

/// The folder of a project that becomes `/meta` of the image.
const META: &str = "meta";

/// A folder with everything an app needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    folder: PathBuf,
    named: PathBuf,
    dockerfile: PathBuf,
    dockerfile_in_context: String,
}

impl Project {
    /// Looks at the folder `dir`, whose Dockerfile is `file` or else `Dockerfile`.
    ///
    /// A relative `file` is looked for where the command runs, as Docker does, and then in the project. Fails with a
    /// [`ProjectError`] that names what is missing.
    pub fn open(dir: &Path, file: Option<&Path>) -> Result<Self> {
        if is_folder(dir)? != Some(true) {
            return Err(ProjectError::NoFolder { path: dir.to_owned() }.into());
        }
        let folder = fs::canonicalize(dir).map_err(Error::access(dir))?;
        // The checks of DAM 1.x, in its order. A link would reach the image as a link.
        let meta = dir.join(META);
        if !fs::symlink_metadata(&meta).is_ok_and(|metadata| metadata.is_dir()) {
            return Err(ProjectError::NoMeta { path: meta }.into());
        }
        let dockerfile = find_dockerfile(dir, file)?;
        for hook in [HookName::Install, HookName::Uninstall] {
            let path = meta.join(hook.file());
            if !is_file(&path)? && !is_file(&meta.join(format!("{hook}.exp")))? {
                return Err(ProjectError::NoHook { path }.into());
            }
        }
        let dockerfile_in_context = inside(&dockerfile, &folder)?;
        // `..` and the like have no name; a link has the name that was asked for.
        let named = if dir.file_name().is_some() { dir.to_owned() } else { folder.clone() };
        Ok(Self { folder, named, dockerfile, dockerfile_in_context })
    }

    /// Returns the folder, without links and dots in its path.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the folder under the name it was asked for, from which the app's name is made if nobody gives one.
    pub fn named_folder(&self) -> &Path {
        &self.named
    }

    /// Returns the Dockerfile on disk.
    pub fn dockerfile(&self) -> &Path {
        &self.dockerfile
    }

    /// Returns the Dockerfile's path in the build context.
    pub fn dockerfile_in_context(&self) -> &str {
        &self.dockerfile_in_context
    }

    /// Reads the variables in `file`, or else in the first of `ENVIRONMENT`, `make/ENVIRONMENT` and `meta/ENVIRONMENT`.
    pub fn environment(&self, file: Option<&Path>) -> Result<Environment> {
        Environment::read(&self.folder, file)
    }

    /// Expands the `.exp` files under `meta` into a new folder in `scratch`; see [`Templates`].
    pub fn expand(&self, variables: &Variables, scratch: &Path) -> Result<Templates> {
        Templates::expand(&self.folder, variables, scratch)
    }
}

fn find_dockerfile(dir: &Path, file: Option<&Path>) -> Result<PathBuf> {
    let places = match file {
        Some(file) => vec![file.to_owned(), dir.join(file)],
        None => vec![dir.join("Dockerfile")],
    };
    for place in &places {
        if is_file(place)? {
            return Ok(place.clone());
        }
    }
    Err(ProjectError::NoDockerfile { path: places[0].clone() }.into())
}

/// Returns the path of `dockerfile` in the build context made of `folder`, which has no links in its path.
fn inside(dockerfile: &Path, folder: &Path) -> Result<String> {
    let outside = || ProjectError::DockerfileOutside { path: dockerfile.to_owned(), folder: folder.to_owned() };
    // The last part may be a link: an engine follows it inside the context.
    let name = dockerfile.file_name().ok_or_else(outside)?;
    let parent = match dockerfile.parent() {
        Some(parent) if parent.components().next().is_some() => parent,
        _ => Path::new(Component::CurDir.as_os_str()),
    };
    let path = fs::canonicalize(parent).map_err(Error::access(parent))?.join(name);
    let relative = path.strip_prefix(folder).map_err(|_| outside())?;
    let text = relative.to_str().ok_or_else(|| dam_oci::Error::Unsupported {
        what: format!("`{}`, a name that is not UTF-8,", dockerfile.display()),
    })?;
    Ok(text.to_owned())
}

/// Tells whether `path` is a folder, links followed; `None` if there is nothing.
fn is_folder(path: &Path) -> Result<Option<bool>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.is_dir())),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(Error::access(path)(error)),
    }
}

/// Tells whether `path` is a file, links followed.
fn is_file(path: &Path) -> Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file()),
        Err(error) if is_absence(&error) => Ok(false),
        Err(error) => Err(Error::access(path)(error)),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
