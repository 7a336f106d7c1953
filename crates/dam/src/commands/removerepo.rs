//! `dam removerepo`.

use dam_core::ops::removerepo;

use crate::args::Removerepo;
use crate::context::Context;
use crate::error::CliError;

/// Forgets a registry.
pub(crate) fn run(context: &Context, args: &Removerepo) -> Result<(), CliError> {
    let (cancel, reporter) = (context.cancel()?, context.reporter());
    let mut ledger = context.ledger(&cancel, &*reporter)?;
    context.ui.print(&removerepo::remove(&mut ledger, &args.repo, args.force)?)
}
