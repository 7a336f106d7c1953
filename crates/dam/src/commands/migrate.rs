//! `dam migrate`.

use dam_core::ledger::Timestamp;
use dam_core::legacy;
use dam_core::ops::migrate::{self, Parts};

use crate::args::Migrate;
use crate::context::Context;
use crate::error::CliError;

/// Takes over what DAM 1.x has installed.
pub(crate) fn run(context: &Context, args: &Migrate) -> Result<(), CliError> {
    let no_folder = || CliError::misuse("no-folder", "neither HOME nor XDG_CACHE_HOME is set, so --from DIR is needed");
    let folder = args.from.clone().or_else(|| context.legacy_folder()).ok_or_else(no_folder)?;
    let Some(database) = legacy::read(&folder)? else {
        let message = format!("there is no database of DAM 1.x in `{}`", folder.display());
        return Err(CliError::new("not-found", message));
    };
    let (cancel, reporter) = (context.cancel()?, context.reporter());
    let mut host = context.host(&cancel, &*reporter)?;
    let plan = migrate::plan(&database, &host.ledger)?;
    if args.consent.dry_run {
        return context.ui.print(&plan);
    }
    let nothing_to_ask = plan.take.is_empty() && !plan.changes_repos();
    if !context.ui.consent(&plan, args.consent.yes || nothing_to_ask, &cancel)? {
        context.ui.status("Nothing was changed.");
        return Ok(());
    }
    let dam_core::host::Host { ledger, store, keep, cancel, .. } = &mut host;
    let parts = Parts { ledger, store: &**store, keep, cancel, now: Timestamp::now() };
    context.begin_change();
    context.ui.print(&migrate::apply(plan, parts)?)
}
