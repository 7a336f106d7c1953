//! `dam upgrade`.

use dam_core::ops;
use dam_core::plan::Downgrade;
use dam_core::repo::Inquiry;

use super::change::{Change, limit, try_out};
use crate::args::Upgrade;
use crate::context::Context;
use crate::error::CliError;

/// Puts a newer version in the place of an installed app.
pub(crate) fn run(context: &Context, args: &Upgrade) -> Result<(), CliError> {
    let downgrade = if args.allow_downgrade { Downgrade::Allow } else { Downgrade::Refuse };
    Change::open(context)?.carry_out_named(
        &args.asking,
        |host, inquiry, reporter| {
            let (inquiry, replace) = (Inquiry { any_repo: args.any_repo, ..inquiry }, args.replace.as_ref());
            let prepared = ops::upgrade::prepare(host, &args.target, &inquiry, replace, downgrade, reporter)?;
            Ok(try_out(prepared, args.trial))
        },
        args.consent,
        |options| limit(options, args.trial),
    )
}
