//! `dam remove`.

use dam_core::ops;
use dam_core::plan::Options;

use super::change::Change;
use crate::args::Remove;
use crate::context::Context;
use crate::error::CliError;

/// Removes an installed app.
pub(crate) fn run(context: &Context, args: &Remove) -> Result<(), CliError> {
    Change::open(context)?.carry_out(
        |host, _| ops::remove::prepare(host, &args.app.to_string(), args.keep_image),
        args.consent,
        |options| Options { timeout: args.timeout, force: args.force, ..options },
    )
}
