//! `dam info`.

use dam_core::ops::{self, Target};
use dam_oci::Reference;

use crate::args::Info;
use crate::context::Context;
use crate::error::CliError;
use crate::show;

pub(super) fn run(context: &Context, args: &Info) -> Result<(), CliError> {
    let apps = match &args.target {
        Target::File(path) => ops::info::file(path, &context.scratch()?, &*context.reporter())?,
        Target::Image(reference) | Target::Newest(reference) => vec![find(context, &args.target, reference)?],
    };
    context.ui.print(&show::Info { apps })
}

/// Looks among what is installed, and then in the store.
fn find(context: &Context, target: &Target, reference: &Reference) -> Result<ops::info::AppInfo, CliError> {
    if let Some(ledger) = context.ledger_if_any()?
        && let Some(app) = ops::info::installed(&ledger, &reference.to_string())?
    {
        return Ok(app);
    }
    let store = context.store()?;
    Ok(ops::info::image(&*store, target, &context.scratch()?, &*context.reporter())?)
}
