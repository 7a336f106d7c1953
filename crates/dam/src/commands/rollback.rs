//! `dam rollback`.

use dam_core::ops;

use super::change::{Change, limit, try_out};
use crate::args::Rollback;
use crate::context::Context;
use crate::error::CliError;

/// Puts the previous version of an app back.
pub(crate) fn run(context: &Context, args: &Rollback) -> Result<(), CliError> {
    Change::open(context)?.carry_out(
        |host, _| Ok(try_out(ops::rollback::prepare(host, &args.app.to_string())?, args.trial)),
        args.consent,
        |options| limit(options, args.trial),
    )
}
