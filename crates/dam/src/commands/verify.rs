//! `dam verify`.

use dam_core::ops;

use super::change::Change;
use crate::args::Verify;
use crate::context::Context;
use crate::error::CliError;

/// Compares what is installed with what the store holds.
pub(crate) fn run(context: &Context, args: &Verify) -> Result<(), CliError> {
    let change = Change::open(context)?;
    let verified = ops::verify::verify(&change.host, args.app.as_ref())?;
    context.ui.print(&verified)?;
    if verified.faults() == 0 { Ok(()) } else { Err(CliError::told()) }
}
