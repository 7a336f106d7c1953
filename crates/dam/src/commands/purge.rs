//! `dam purge`.

use dam_core::ops::purge::{self, PurgeRequest};

use crate::args::Purge;
use crate::context::Context;
use crate::error::CliError;

/// Removes images no app needs.
pub(crate) fn run(context: &Context, args: &Purge) -> Result<(), CliError> {
    let (cancel, reporter) = (context.cancel()?, context.reporter());
    let mut host = context.host(&cancel, &*reporter)?;
    let plan = purge::plan(&host, PurgeRequest { all: args.all, keep: args.keep })?;
    if args.consent.dry_run {
        return context.ui.print(&plan);
    }
    // Nothing to ask about, but kept hooks may still go.
    if !plan.remove.is_empty() && !context.ui.consent(&plan, args.consent.yes, &cancel)? {
        context.ui.status("Nothing was changed.");
        return Ok(());
    }
    context.begin_change();
    let (purged, error) = purge::apply(&mut host, plan);
    context.ui.print(&purged)?;
    match error {
        // One document is all that stdout gets, and that one has the error in it.
        Some(error) if !context.ui.manner().json => Err(error.into()),
        None if purged.in_use.is_empty() => Ok(()),
        _ => Err(CliError::told()),
    }
}
