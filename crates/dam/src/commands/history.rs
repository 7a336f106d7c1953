//! `dam history`.

use dam_core::ledger::{HistoryEntry, Ledger};

use crate::args::History;
use crate::context::Context;
use crate::error::CliError;
use crate::show;

pub(super) fn run(context: &Context, args: &History) -> Result<(), CliError> {
    let Some(mut ledger) = context.ledger_if_any()? else {
        return context.ui.print(&show::History { entries: Vec::new() });
    };
    let operations = ledger.history(args.name.as_ref(), args.limit.unwrap_or(usize::MAX))?;
    let entries = operations.into_iter().map(|operation| entry(&ledger, operation, args.log));
    context.ui.print(&show::History { entries: entries.collect::<Result<_, _>>()? })
}

fn entry(ledger: &Ledger, operation: HistoryEntry, log: bool) -> Result<show::Entry, CliError> {
    let logs = if log { ledger.hook_logs(operation.id)? } else { Vec::new() };
    Ok(show::Entry { operation, logs: logs.into_iter().map(Into::into).collect() })
}
