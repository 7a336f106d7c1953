//! What of a project goes to a build.

use std::fs;
use std::io::ErrorKind;

use dam_oci::{Context, DockerIgnore};

use super::{Project, Templates};
use crate::{Error, Result};

impl Project {
    /// Makes the build context: the folder as Docker would send it, with the expanded files in their places.
    ///
    /// `.dockerignore` counts for expanded files like for any other: one that keeps `*.exp` out lets their results in,
    /// one that keeps `meta` out lets nothing in. The context holds on to the expanded files.
    pub fn context(&self, templates: Templates) -> Result<Context> {
        let ignore = self.ignore()?;
        let mut context = Context::scan(self.folder(), &ignore)?;
        templates.overlay(&mut context, &ignore)?;
        Ok(context)
    }

    /// Reads `Dockerfile.dockerignore` (after the Dockerfile's name), or else `.dockerignore`, as BuildKit does.
    fn ignore(&self) -> Result<DockerIgnore> {
        let dockerfile = self.dockerfile_in_context();
        for name in [format!("{dockerfile}.dockerignore"), ".dockerignore".to_owned()] {
            let path = self.folder().join(&name);
            match fs::read_to_string(&path) {
                Ok(text) => return Ok(DockerIgnore::parse(&text)?.sending(dockerfile).sending(&name)),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                Err(error) => return Err(Error::access(path)(error)),
            }
        }
        Ok(DockerIgnore::default().sending(dockerfile))
    }
}
