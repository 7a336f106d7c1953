//! Advice on projects.

use dam_core::project::ProjectError;

use super::{Advice, oci};
use crate::error::Hint;
use crate::invocation::quote;

pub(super) fn advise(error: &ProjectError) -> Advice {
    let command = |text: String, note| Hint::Command(text, note);
    match error {
        ProjectError::NoFolder { path } => Advice::new("no-project").at(path),
        ProjectError::NoDockerfile { path } => Advice::new("no-dockerfile").at(path),
        ProjectError::Dockerfile { path, source } => Advice { path: Some(path.clone()), ..oci::advise(source) },
        ProjectError::DockerfileOutside { path, .. } => Advice::new("dockerfile-outside").at(path),
        ProjectError::NoMeta { path } => {
            let path_text = quote(&path.display().to_string());
            Advice::with(
                "no-meta",
                [command(format!("mkdir {path_text}"), "then write `install` and `uninstall` in it")],
            )
            .at(path)
        }
        ProjectError::NoHook { path } => Advice::new("no-hook").at(path),
        ProjectError::NoEnvironment { path } => Advice::new("not-found").at(path),
        ProjectError::LinkOutside { path, .. } => Advice::new("link-outside").at(path),
        ProjectError::FolderInTheWay { path, .. } => Advice::new("folder-in-the-way").at(path),
        ProjectError::NoName { folder } => {
            Advice::with("bad-name", [Hint::Again { before: "", after: "--name NAME", note: "" }]).at(folder)
        }
        ProjectError::Value { .. }
        | ProjectError::NotText { .. }
        | ProjectError::Tag(_)
        | ProjectError::Reference(_)
        | ProjectError::TagWithDigest { .. } => Advice::new("bad-name"),
        ProjectError::Contradiction { .. } => Advice::new("contradiction"),
        ProjectError::Undefined(_) => Advice::with("undefined", [Hint::Advice("define it in ENVIRONMENT".into())]),
        ProjectError::NoMetaInImage { dockerfile } => {
            Advice::with("no-meta", [Hint::Advice("add to the Dockerfile: COPY meta /meta".into())]).at(dockerfile)
        }
    }
}
