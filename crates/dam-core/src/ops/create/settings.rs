//! What a build is to know: names, variables and build arguments, from all their sources.

use std::collections::BTreeMap;
use std::fs;

use dam_oci::Dockerfile;
use dam_oci::dockerfile::Action;

use super::{CreateRequest, CreateWarning};
use crate::project::{Identity, Origin, Project, ProjectError, RESERVED, Variables};
use crate::{Error, Result};

/// Names, variables and build arguments of a build.
pub(super) struct Settings {
    pub(super) identity: Identity,
    pub(super) variables: Variables,
    pub(super) args: BTreeMap<String, String>,
    /// Where the Dockerfile disagrees with the app.
    pub(super) contradictions: Vec<CreateWarning>,
}

impl Settings {
    /// Reads the sources of `project` that `request` names.
    ///
    /// The Dockerfile is asked twice: what it says may decide the app's name, and the app's name may be a build
    /// argument from which it makes other variables.
    pub(super) fn read(project: &Project, request: &CreateRequest) -> Result<Self> {
        let path = project.dockerfile();
        let text = fs::read_to_string(path).map_err(Error::access(path))?;
        let fault = |source| ProjectError::Dockerfile { path: path.to_owned(), source: Box::new(source) };
        let dockerfile = Dockerfile::parse(&text).map_err(fault)?;
        let environment = project.environment(request.env_file.as_deref())?;
        let merge = |baked: &[(String, String)]| {
            let variables = Variables::default().with_system(&request.dam_variables);
            variables.with_dockerfile(path, baked).with_environment(&environment)
        };
        let variables = merge(&dockerfile.variables(&request.build_args));
        let identity = Identity::compute(&request.flags, &variables, project.named_folder(), None)?;

        let args = with_reserved(&dockerfile, &identity, request.build_args.clone());
        let baked = dockerfile.variables(&args);
        let contradictions = contradictions(&baked, &identity);
        let mut variables = merge(&baked);
        for (name, value) in identity.reserved() {
            variables.set(name, value, Origin::Computed);
        }
        Ok(Self { identity, variables, args, contradictions })
    }
}

/// Adds the reserved variables that the Dockerfile declares as arguments, except those that were given.
fn with_reserved(
    dockerfile: &Dockerfile,
    identity: &Identity,
    mut args: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let instructions = dockerfile.stages.iter().flat_map(|stage| &stage.instructions).chain(&dockerfile.globals);
    let declared: Vec<&str> = instructions
        .filter_map(|instruction| match &instruction.action {
            Action::Arg(arguments) => Some(arguments),
            _ => None,
        })
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    for (name, value) in identity.reserved() {
        if declared.contains(&name) {
            args.entry(name.to_owned()).or_insert(value);
        }
    }
    args
}

/// Finds the reserved variables whose value in the Dockerfile is not the app's. Servers may be added to a list, and the
/// tag is nobody's to set.
fn contradictions(baked: &[(String, String)], identity: &Identity) -> Vec<CreateWarning> {
    let own = |name: &str| RESERVED[..4].contains(&name);
    let reserved: BTreeMap<_, _> = identity.reserved().into_iter().filter(|(name, _)| own(name)).collect();
    let differs = |(name, value): &(String, String)| {
        let app = reserved.get(name.as_str()).filter(|app| !value.is_empty() && *app != value)?;
        Some(CreateWarning::Contradiction { variable: name.clone(), dockerfile: value.clone(), app: app.clone() })
    };
    baked.iter().filter_map(differs).collect()
}
