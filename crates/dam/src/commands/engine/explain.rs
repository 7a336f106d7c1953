//! `dam engine explain`.

use dam_core::ops::engine::explain::{compare, explain};

use crate::args::Explain;
use crate::context::Context;
use crate::error::CliError;
use crate::show::{Detail, Difference, Explanation};

/// Says what a package holds, or what differs between two.
pub(super) fn run(context: &Context, args: &Explain) -> Result<(), CliError> {
    let reporter = context.reporter();
    let detail = if args.scripts { Detail::Scripts } else { Detail::Overview };
    match &args.other {
        None => context.ui.print(&Explanation { explained: explain(&args.package, &*reporter)?, detail }),
        Some(other) => context.ui.print(&Difference { compared: compare(&args.package, other, &*reporter)?, detail }),
    }
}
