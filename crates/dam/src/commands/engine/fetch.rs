//! `dam engine fetch`.

use dam_core::ops::engine::fetch::fetch;

use crate::args::Fetch;
use crate::context::Context;
use crate::error::CliError;

/// Brings what a recipe names by URL.
pub(super) fn run(context: &Context, args: &Fetch) -> Result<(), CliError> {
    let (cancel, reporter) = (context.cancel()?, context.reporter());
    let inputs = context.inputs(&cancel)?;
    context.ui.print(&fetch(&args.recipe, &inputs, &*reporter)?)
}
