//! `dam install`.

use dam_core::ops;

use super::change::{Change, limit, try_out};
use crate::args::Install;
use crate::context::Context;
use crate::error::CliError;

/// Installs an app.
pub(crate) fn run(context: &Context, args: &Install) -> Result<(), CliError> {
    Change::open(context)?.carry_out(
        |host, reporter| Ok(try_out(ops::install::prepare(host, &args.target, reporter)?, args.trial)),
        args.consent,
        |options| limit(options, args.trial),
    )
}
