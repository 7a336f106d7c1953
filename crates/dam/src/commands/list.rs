//! `dam list`.

use crate::args::List;
use crate::context::Context;
use crate::error::CliError;
use crate::show;

pub(super) fn run(context: &Context, args: &List) -> Result<(), CliError> {
    let apps = match context.ledger_if_any()? {
        Some(ledger) => ledger.list()?,
        None => Vec::new(),
    };
    if apps.is_empty() && context.has_legacy() {
        context.ui.hint("dam migrate   takes over what DAM 1.x has installed");
    }
    let list = show::List { apps, labels: args.labels };
    if args.raw { context.ui.answer(&list.raw()) } else { context.ui.print(&list) }
}
