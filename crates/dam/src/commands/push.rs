//! `dam push`.

use dam_core::ops::Target;
use dam_core::ops::push::{self, PushRequest, Tools};

use crate::args::Push;
use crate::context::Context;
use crate::error::CliError;

/// Sends apps to a registry.
pub(crate) fn run(context: &Context, args: &Push) -> Result<(), CliError> {
    let (cancel, reporter) = (context.cancel()?, context.reporter());
    let registries = context.registries(&cancel)?;
    // A file needs no engine.
    let files_only = args.what.iter().all(|target| matches!(target, Target::File(_)));
    let store = if files_only { None } else { Some(context.store()?) };
    let (cache, ledger) = (context.cache()?, context.ledger_if_any()?);
    let tools = Tools {
        store: store.as_deref(),
        ledger: ledger.as_ref(),
        cache: &cache,
        registries: &registries,
        cancel: &cancel,
    };
    let (what, to) = (args.what.clone(), args.to.clone());
    let request = PushRequest { what, to, packing: args.compression, dry_run: args.dry_run };
    let outcome = push::push(tools, &request, &*reporter)?;
    context.ui.print(&outcome)?;
    if outcome.apps.iter().any(|app| app.zstd) {
        context.ui.warning("there are layers in zstd, which Docker before version 23 cannot pull");
        context.ui.hint("`--compression gzip` sends them in a form that every engine takes, under another digest");
    }
    Ok(())
}
