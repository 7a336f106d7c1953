//! What can be wrong with a project.

use std::path::PathBuf;

use dam_oci::ParseReferenceError;

use super::{Origin, Undefined};
use crate::app::NameFault;

/// What can be wrong with a project. Each variant carries facts; advice is the terminal's business.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The project is missing, or is no folder.
    #[error("there is no project folder `{path}`")]
    NoFolder {
        /// The folder that was asked for.
        path: PathBuf,
    },
    /// The Dockerfile is missing, or is no file.
    #[error("there is no Dockerfile at `{path}`")]
    NoDockerfile {
        /// Where it should be.
        path: PathBuf,
    },
    /// The Dockerfile is not inside the project, so the build would not see it.
    #[error("the Dockerfile `{path}` is outside the project `{folder}`")]
    DockerfileOutside {
        /// The Dockerfile.
        path: PathBuf,
        /// The project.
        folder: PathBuf,
    },
    /// The Dockerfile breaks the rules, or asks for what cannot be done here.
    #[error("`{path}` cannot be built")]
    Dockerfile {
        /// The Dockerfile.
        path: PathBuf,
        /// The line, and what is wrong with it.
        source: Box<dam_oci::Error>,
    },
    /// The `meta` folder is missing, or is a file or a link.
    #[error("there is no folder `{path}`")]
    NoMeta {
        /// Where it should be.
        path: PathBuf,
    },
    /// A script every app has is missing, with and without `.exp`.
    #[error("there is neither `{path}` nor `{}.exp`", path.display())]
    NoHook {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file with variables that was asked for is missing.
    #[error("there is no file with variables at `{path}`")]
    NoEnvironment {
        /// Where it should be.
        path: PathBuf,
    },
    /// A link under `meta` leads out of the project.
    #[error("`{path}` is a link to `{target}`, which is outside the project")]
    LinkOutside {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// The result of an `.exp` file would replace a folder.
    #[error("`{path}` cannot be expanded: `{folder}` is a folder")]
    FolderInTheWay {
        /// The `.exp` file.
        path: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// Nothing of the folder's name can stand in the name of an app, and no other name is given.
    #[error("the folder's name `{folder}` cannot be made the name of an app")]
    NoName {
        /// The project.
        folder: PathBuf,
    },
    /// A name, version or family that is none.
    #[error("the value of `{variable}` ({origin}) cannot be used")]
    Value {
        /// The variable it is for.
        variable: &'static str,
        /// Where the value comes from.
        origin: Origin,
        /// Why it cannot be used.
        source: NameFault,
    },
    /// A value that must be text is not UTF-8.
    #[error("the value of `{variable}` ({origin}) is not UTF-8 text")]
    NotText {
        /// The variable it is for.
        variable: &'static str,
        /// Where the value comes from.
        origin: Origin,
    },
    /// The tag that was asked for is no image name.
    #[error("`--tag` cannot be used")]
    Tag(#[source] ParseReferenceError),
    /// Registry, name and version do not make an image name together.
    #[error("the image cannot be named")]
    Reference(#[source] ParseReferenceError),
    /// The tag that was asked for carries a digest, which only a finished image has.
    #[error("`--tag {tag}` has a digest")]
    TagWithDigest {
        /// The tag.
        tag: String,
    },
    /// Two flags say different things.
    #[error("`--tag {tag}` and `{flag} {value}` contradict each other")]
    Contradiction {
        /// The tag.
        tag: String,
        /// The other flag.
        flag: &'static str,
        /// What the other flag says.
        value: String,
    },
    /// `.exp` files name variables of dam that nobody defines, and that was said to be an error.
    #[error("nobody defines {}", list(.0))]
    Undefined(Vec<Undefined>),
    /// The image was built but has no `/meta` with the scripts every app has.
    #[error("the image that `{dockerfile}` builds has no `/meta` with `install` and `uninstall`")]
    NoMetaInImage {
        /// The Dockerfile.
        dockerfile: PathBuf,
    },
}

/// Lists variables with their places, as compilers do.
fn list(undefined: &[Undefined]) -> String {
    undefined.iter().map(Undefined::to_string).collect::<Vec<_>>().join(", ")
}
