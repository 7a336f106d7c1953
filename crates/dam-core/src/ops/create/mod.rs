//! `dam create`: from a project to the image of an app.

mod draft;
mod settings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dam_oci::{Platform, Reference};
use serde::Serialize;

use self::draft::Draft;
pub(super) use self::draft::is_draft;
use self::settings::Settings;
use crate::app::{AppId, Family, HookName, Servers};
use crate::event::{Event, Reporter, Warning};
use crate::project::{Flags, Project, ProjectError, Templates, Undefined};
use crate::store::{BuildRequest, Builder, ImageId, Store};
use crate::{Error, Result};

/// What `dam create` is asked for.
#[derive(Debug, Clone, Default)]
pub struct CreateRequest {
    /// The project.
    pub dir: PathBuf,
    /// What the app shall be called.
    pub flags: Flags,
    /// Values for `ARG`.
    pub build_args: BTreeMap<String, String>,
    /// Platform to build for, if not the engine's own.
    pub platform: Option<Platform>,
    /// File of variables, instead of ENVIRONMENT.
    pub env_file: Option<PathBuf>,
    /// The Dockerfile, instead of `Dockerfile`.
    pub file: Option<PathBuf>,
    /// Builds every step anew.
    pub no_cache: bool,
    /// Makes undefined variables an error.
    pub strict: bool,
    /// Variables of the operating system; those that start with `DAM_` count.
    pub dam_variables: Vec<(String, String)>,
    /// Which builder of an engine to use.
    pub builder: Builder,
}

/// An app that was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Created {
    /// Name and version.
    pub app: AppId,
    /// The image's name.
    pub reference: Reference,
    /// The image.
    pub image: ImageId,
    /// Apps of one family exclude each other.
    pub family: Family,
    /// Whether several versions may be installed side by side.
    pub multiversion: bool,
    /// Registries the image is tagged for.
    pub servers: Servers,
    /// Size in bytes as the store counts it.
    pub size: u64,
    /// How many layers the image has.
    pub layers: usize,
    /// The scripts in `/meta`.
    pub hooks: Vec<HookName>,
    /// What may not be as it was meant.
    pub warnings: Vec<CreateWarning>,
}

/// Something about a created app that may not be as it was meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum CreateWarning {
    /// A `${DAM_…}` of an `.exp` file that nobody defines.
    Undefined(Undefined),
    /// The Dockerfile bakes another value of a reserved variable into the image than the app has.
    Contradiction {
        /// The variable.
        variable: String,
        /// Its value in the Dockerfile.
        dockerfile: String,
        /// Its value for the app.
        app: String,
    },
}

impl CreateWarning {
    fn event(&self) -> Event<'_> {
        Event::Warning(match self {
            Self::Undefined(Undefined { file, line, variable }) => Warning::Undefined { file, line: *line, variable },
            Self::Contradiction { variable, dockerfile, app } => Warning::Contradiction { variable, dockerfile, app },
        })
    }
}

/// Builds the project of `request` in `store` and tags the image as an app; temporary files lie in `scratch`.
///
/// The project is never written to. The image is built under a name of its own and gets the app's name only when it is
/// known to have `/meta` with the scripts every app has; else it is removed and the error is
/// [`ProjectError::NoMetaInImage`]. After any error the app's name means what it meant before.
pub fn create(store: &dyn Store, scratch: &Path, request: &CreateRequest, reporter: &dyn Reporter) -> Result<Created> {
    let project = Project::open(&request.dir, request.file.as_deref())?;
    let Settings { identity, variables, args, contradictions } = Settings::read(&project, request)?;
    let mut templates = project.expand(&variables, scratch)?;
    let warnings = warn(contradictions, &mut templates, request.strict, reporter)?;
    let mut labels = identity.labels();
    if let Some(description) = templates.description(&project)? {
        labels.insert("org.opencontainers.image.description".to_owned(), description);
    }
    let context = project.context(templates)?;
    let build = BuildRequest {
        context: &context,
        dockerfile: project.dockerfile_in_context().to_owned(),
        tags: Vec::new(),
        labels,
        args,
        platform: request.platform.clone(),
        no_cache: request.no_cache,
        builder: request.builder,
    };
    let draft = Draft::build(store, scratch, build, reporter).map_err(|error| name_dockerfile(error, &project))?;
    let hooks = match draft.hooks().and_then(|hooks| require(hooks, &project)) {
        Ok(hooks) => hooks,
        Err(error) => {
            draft.discard(reporter);
            return Err(error);
        }
    };
    let image = draft.publish(&identity.reference, reporter)?;
    let stored = store.find_id(image)?.ok_or(Error::NoImage(image))?;
    Ok(Created {
        app: identity.app,
        reference: identity.reference,
        image,
        family: identity.family,
        multiversion: identity.multiversion,
        servers: identity.servers,
        size: stored.size,
        layers: stored.diff_ids.len(),
        hooks,
        warnings,
    })
}

/// Fails unless the scripts every app has are among `hooks`.
fn require(hooks: Vec<HookName>, project: &Project) -> Result<Vec<HookName>> {
    if [HookName::Install, HookName::Uninstall].iter().all(|hook| hooks.contains(hook)) {
        return Ok(hooks);
    }
    Err(ProjectError::NoMetaInImage { dockerfile: project.dockerfile().to_owned() }.into())
}

/// Says which file the line of a failed build is in.
fn name_dockerfile(error: Error, project: &Project) -> Error {
    match error {
        Error::Oci(source @ (dam_oci::Error::Dockerfile { .. } | dam_oci::Error::NeedsEngine { .. })) => {
            ProjectError::Dockerfile { path: project.dockerfile().to_owned(), source: Box::new(source) }.into()
        }
        other => other,
    }
}

/// Reports what may not be as it was meant, or fails if undefined variables shall be an error.
fn warn(
    contradictions: Vec<CreateWarning>,
    templates: &mut Templates,
    strict: bool,
    reporter: &dyn Reporter,
) -> Result<Vec<CreateWarning>> {
    let undefined = std::mem::take(&mut templates.undefined);
    if strict && !undefined.is_empty() {
        return Err(ProjectError::Undefined(undefined).into());
    }
    let warnings: Vec<_> =
        contradictions.into_iter().chain(undefined.into_iter().map(CreateWarning::Undefined)).collect();
    warnings.iter().for_each(|warning| reporter.event(warning.event()));
    Ok(warnings)
}
