//! `dam upgrade`.

use dam_core::ops;
use dam_core::plan::Downgrade;

use super::change::{Change, limit, try_out};
use crate::args::Upgrade;
use crate::context::Context;
use crate::error::CliError;

/// Puts a newer version in the place of an installed app.
pub(crate) fn run(context: &Context, args: &Upgrade) -> Result<(), CliError> {
    let downgrade = if args.allow_downgrade { Downgrade::Allow } else { Downgrade::Refuse };
    Change::open(context)?.carry_out(
        |host, reporter| {
            let replace = args.replace.as_ref();
            Ok(try_out(ops::upgrade::prepare(host, &args.target, replace, downgrade, reporter)?, args.trial))
        },
        args.consent,
        |options| limit(options, args.trial),
    )
}
