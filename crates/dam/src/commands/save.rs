//! `dam save`.

use std::path::PathBuf;

use dam_core::ops::save::{self, SaveRequest, Tools};

use crate::args::Save;
use crate::context::Context;
use crate::error::CliError;

/// Writes an app to a file.
pub(crate) fn run(context: &Context, args: &Save) -> Result<(), CliError> {
    let (cancel, reporter) = (context.cancel()?, context.reporter());
    let (store, cache, scratch) = (context.store()?, context.cache()?, context.scratch()?);
    let tools = Tools { store: &*store, cache: &cache, scratch: &scratch, cancel: &cancel };
    let installed = match context.ledger_if_any()? {
        Some(ledger) => save::installed(&ledger, &args.app)?,
        None => None,
    };
    let (target, output) = (args.app.clone(), args.output.clone());
    let request = SaveRequest { target, installed, output, folder: PathBuf::from(".") };
    context.ui.print(&save::save(tools, &request, &*reporter)?)
}
