//! `dam engine build`.

use std::path::{Path, PathBuf};

use dam_core::engine::recipe::{Input, Source};
use dam_core::engine::{PartsAround, Recipe};
use dam_core::ops::engine::build::{Order, build};
use dam_pack::Effort;

use super::papers::papers;
use crate::args::{Build, RECIPE};
use crate::context::Context;
use crate::error::{CliError, Hint};
use crate::signing::{self, OpenSigner};

/// Makes packages of a recipe.
pub(super) fn run(context: &Context, args: &Build) -> Result<(), CliError> {
    let recipe = recipe(args)?;
    let (cancel, reporter) = (context.cancel()?, context.reporter());
    let signer = signing::open(context, &args.signing, &cancel)?;
    let scratch = context.scratch()?;
    let inputs = context.inputs(&cancel)?;
    let mut bring = |input: &Input| inputs.file(input, &*reporter);
    let dam = context.executable().map(|path| (path, papers()));
    let around = PartsAround { bring: &mut bring, scratch: scratch.path(), dam };
    let order = Order {
        formats: &args.format,
        out: &args.out,
        source_date: context.source_date()?,
        effort: if args.fast { Effort::Quick } else { Effort::Small },
        signer: signer.as_ref().map(OpenSigner::signer),
        cancel: &cancel,
    };
    context.ui.print(&build(&recipe, around, &order, &*reporter)?)
}

/// Reads the recipe, and puts over it what the command line says.
fn recipe(args: &Build) -> Result<Recipe, CliError> {
    let mut recipe = match &args.recipe {
        Some(path) => Recipe::read(path).map_err(dam_core::Error::from)?,
        None if Path::new(RECIPE).exists() => Recipe::read(Path::new(RECIPE)).map_err(dam_core::Error::from)?,
        None => Recipe::default(),
    };
    let path = |path: &PathBuf| Input { source: Source::Path(path.clone()), sha256: None };
    if let Some(source) = &args.archive {
        recipe.archive = Some(Input { source: source.clone(), sha256: None });
    }
    if let (Some(archive), Some(_)) = (&mut recipe.archive, args.sha256) {
        archive.sha256 = args.sha256;
    }
    recipe.compose = args.compose.as_ref().map(path).or(recipe.compose);
    recipe.buildx = args.buildx.as_ref().map(path).or(recipe.buildx);
    recipe.version = args.version.clone().or(recipe.version);
    recipe.architecture = args.arch.unwrap_or(recipe.architecture);
    match &recipe.archive {
        Some(Input { source: Source::Url(url), sha256: None }) => {
            let message = format!("what comes from `{url}` is checked against its digest, and none is given");
            Err(CliError::misuse("no-digest", message).hint(Hint::Again {
                before: "",
                after: "--sha256 HEX",
                note: "",
            }))
        }
        _ => Ok(recipe),
    }
}
