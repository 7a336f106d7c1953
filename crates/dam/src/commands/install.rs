//! `dam install`.

use dam_core::ops;
use dam_core::repo::Inquiry;

use super::change::{Change, limit, try_out};
use crate::args::Install;
use crate::context::Context;
use crate::error::CliError;

/// Installs an app.
pub(crate) fn run(context: &Context, args: &Install) -> Result<(), CliError> {
    Change::open(context)?.carry_out_named(
        &args.asking,
        |host, inquiry, reporter| {
            let inquiry = Inquiry { any_repo: args.any_repo, ..inquiry };
            Ok(try_out(ops::install::prepare(host, &args.target, &inquiry, reporter)?, args.trial))
        },
        args.consent,
        |options| limit(options, args.trial),
    )
}
